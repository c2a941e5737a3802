#include "blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *resize_with_malloc(void *state, void *pointer, size_t old_size, size_t new_size) {
  (void)state;
  (void)old_size;
  if (new_size > 0) return realloc(pointer, new_size);
  free(pointer);
  return NULL;
}

int eni6_blocks_open(struct eni6_blocks *pool, const struct eni6_prefix *prefix,
                     const struct eni6_allocator *allocator, struct eni6_error *error) {
  static const struct eni6_allocator with_malloc = {resize_with_malloc, NULL};
  char text[ENI6_PREFIX_TEXT_SIZE];
  if (prefix->length > 128)
    return eni6_error_set(error, -EINVAL, "the length %d is above 128", prefix->length);
  eni6_prefix_format(prefix, text);
  if (prefix->length < ENI6_BLOCKS_SHORTEST)
    return eni6_error_set(error, -EINVAL,
                          "%s has more than the 2^64 addresses that a pool can keep; give a "
                          "prefix of %d to 128 bits",
                          text, ENI6_BLOCKS_SHORTEST);
  if (!eni6_ip6_aligned(&prefix->address, prefix->length))
    return eni6_error_set(error, -EINVAL, "%s has host bits set", text);
  pool->prefix = *prefix;
  eni6_trie_open(&pool->trie, 128u - prefix->length, allocator ? allocator : &with_malloc);
  return 0;
}

void eni6_blocks_close(struct eni6_blocks *pool) {
  eni6_trie_close(&pool->trie);
}

/* --- between prefixes and spans ------------------------------------------------------ */

/* The bits of an address that the pool's prefix leaves open. */
static uint64_t to_key(const struct eni6_blocks *pool, const struct eni6_ip6 *address) {
  return eni6_ip6_number(address).low - eni6_ip6_number(&pool->prefix.address).low;
}

static struct eni6_prefix to_prefix(const struct eni6_blocks *pool, struct eni6_span span) {
  struct eni6_u128 number = eni6_ip6_number(&pool->prefix.address);
  number.low += span.key;
  return (struct eni6_prefix){eni6_ip6_from_number(number), (unsigned char)(128 - span.order)};
}

/* A block as a span, once it is known to be one of the pool's. */
static int to_span(const struct eni6_blocks *pool, const struct eni6_prefix *block,
                   struct eni6_span *span, struct eni6_error *error) {
  char text[ENI6_PREFIX_TEXT_SIZE], whole[ENI6_PREFIX_TEXT_SIZE];
  if (block->length <= 128 && eni6_prefix_contains(&pool->prefix, block) &&
      eni6_ip6_aligned(&block->address, block->length)) {
    *span = (struct eni6_span){to_key(pool, &block->address), 128u - block->length};
    return 0;
  }
  eni6_block_format(block, text);
  eni6_prefix_format(&pool->prefix, whole);
  if (block->length > 128 || !eni6_ip6_aligned(&block->address, block->length))
    return eni6_error_set(error, -EINVAL, "%s has host bits set", text);
  return eni6_error_set(error, -ERANGE, "%s is not inside %s", text, whole);
}

/* --- taking and giving back ------------------------------------------------------------ */

static int no_memory(struct eni6_error *error) {
  return eni6_error_set(error, -ENOMEM, "not enough memory to note another block");
}

/* Says what is in the way of a block. */
static int refuse_overlap(const struct eni6_blocks *pool, const struct eni6_prefix *block,
                          struct eni6_error *error) {
  char text[ENI6_PREFIX_TEXT_SIZE], other[ENI6_PREFIX_TEXT_SIZE];
  struct eni6_prefix found = *block;
  eni6_blocks_overlapping(pool, block, &found);
  eni6_block_format(block, text);
  eni6_block_format(&found, other);
  if (eni6_prefix_compare(block, &found) == 0)
    return eni6_error_set(error, -EEXIST, "%s is taken already", text);
  return eni6_error_set(error, -EEXIST, "%s overlaps %s, which is taken", text, other);
}

int eni6_blocks_occupy(struct eni6_blocks *pool, const struct eni6_prefix *block,
                       struct eni6_error *error) {
  struct eni6_span span;
  int status = to_span(pool, block, &span, error);
  if (status < 0) return status;
  status = eni6_trie_insert(&pool->trie, span);
  if (status == -EEXIST) return refuse_overlap(pool, block, error);
  return status < 0 ? no_memory(error) : 0;
}

int eni6_blocks_release(struct eni6_blocks *pool, const struct eni6_prefix *block,
                        struct eni6_error *error) {
  struct eni6_span span;
  struct eni6_prefix found;
  char text[ENI6_PREFIX_TEXT_SIZE], other[ENI6_PREFIX_TEXT_SIZE];
  int status = to_span(pool, block, &span, error);
  if (status < 0) return status;
  if (eni6_trie_remove(&pool->trie, span) == 0) return 0;
  eni6_block_format(block, text);
  if (!eni6_blocks_overlapping(pool, block, &found))
    return eni6_error_set(error, -ENOENT, "%s is not taken", text);
  eni6_block_format(&found, other);
  return eni6_error_set(error, -ENOENT, "%s is not taken as such; %s is", text, other);
}

static int compare_in_list(const void *a, const void *b) {
  return eni6_prefix_compare(a, b);
}

int eni6_blocks_load(struct eni6_blocks *pool, struct eni6_prefix *list, size_t size, size_t *added,
                     struct eni6_error *error) {
  size_t done = 0; /* list[0 .. done) are those taken here */
  int status = 0;
  qsort(list, size, sizeof *list, compare_in_list);
  for (size_t i = 0; i < size && status == 0; i++) {
    status = eni6_blocks_occupy(pool, &list[i], error);
    if (status == 0)
      list[done++] = list[i];
    else if (status == -EEXIST && eni6_blocks_contains(pool, &list[i]))
      status = 0;
  }
  if (status < 0)
    while (done > 0)
      eni6_blocks_release(pool, &list[--done], NULL);
  *added = done;
  return status;
}

/* --- looking --------------------------------------------------------------------------- */

/* Says that no block of that length is free. */
static int refuse_full(const struct eni6_blocks *pool, unsigned length, struct eni6_error *error) {
  char whole[ENI6_PREFIX_TEXT_SIZE];
  int largest = eni6_blocks_largest(pool);
  eni6_prefix_format(&pool->prefix, whole);
  if (largest < 0) return eni6_error_set(error, -ENOSPC, "%s is full", whole);
  return eni6_error_set(error, -ENOSPC, "no /%u is free in %s; the largest free block is a /%d",
                        length, whole, largest);
}

/* Says what is wrong with a question: its length, or else `from`. */
static int refuse_question(const struct eni6_blocks *pool, unsigned length,
                           const struct eni6_ip6 *from, struct eni6_error *error) {
  char whole[ENI6_PREFIX_TEXT_SIZE], text[ENI6_IP6_TEXT_SIZE];
  eni6_prefix_format(&pool->prefix, whole);
  if (length < pool->prefix.length || length > 128)
    return eni6_error_set(error, -EINVAL, "a block of %s has a length of %d to 128, not %u", whole,
                          pool->prefix.length, length);
  eni6_ip6_format(from, text);
  return eni6_error_set(error, -ERANGE, "%s, where to look first, is not inside %s", text, whole);
}

int eni6_blocks_find(const struct eni6_blocks *pool, unsigned length, const struct eni6_ip6 *from,
                     struct eni6_prefix *found, struct eni6_error *error) {
  if (length < pool->prefix.length || length > 128 ||
      (from && !eni6_prefix_has(&pool->prefix, from)))
    return refuse_question(pool, length, from, error);
  struct eni6_span span = {.order = 128 - length};
  uint64_t start = from ? to_key(pool, from) : 0;
  if (!eni6_trie_search(&pool->trie, span.order, start, &span.key) &&
      (start == 0 || !eni6_trie_search(&pool->trie, span.order, 0, &span.key)))
    return refuse_full(pool, length, error);
  *found = to_prefix(pool, span);
  return 0;
}

int eni6_blocks_allocate(struct eni6_blocks *pool, unsigned length, const struct eni6_ip6 *from,
                         struct eni6_prefix *taken, struct eni6_error *error) {
  struct eni6_prefix found;
  int status = eni6_blocks_find(pool, length, from, &found, error);
  if (status == 0) status = eni6_blocks_occupy(pool, &found, error);
  if (status == 0) *taken = found;
  return status;
}

bool eni6_blocks_contains(const struct eni6_blocks *pool, const struct eni6_prefix *block) {
  struct eni6_prefix found;
  return eni6_blocks_overlapping(pool, block, &found) && eni6_prefix_compare(&found, block) == 0;
}

bool eni6_blocks_overlapping(const struct eni6_blocks *pool, const struct eni6_prefix *block,
                             struct eni6_prefix *found) {
  struct eni6_span span, first;
  if (eni6_prefix_contains(block, &pool->prefix))
    span = (struct eni6_span){0, pool->trie.order};
  else if (to_span(pool, block, &span, NULL) < 0)
    return false;
  if (!eni6_trie_next(&pool->trie, span.key, &first) || first.key > eni6_span_last(span))
    return false;
  *found = to_prefix(pool, first);
  return true;
}

bool eni6_blocks_next(const struct eni6_blocks *pool, const struct eni6_ip6 *from,
                      struct eni6_prefix *found) {
  struct eni6_span span;
  struct eni6_ip6 last = eni6_prefix_last(&pool->prefix);
  if (eni6_ip6_compare(from, &last) > 0) return false;
  bool inside = eni6_prefix_has(&pool->prefix, from);
  if (!eni6_trie_next(&pool->trie, inside ? to_key(pool, from) : 0, &span)) return false;
  *found = to_prefix(pool, span);
  return true;
}

/* --- numbers --------------------------------------------------------------------------- */

struct eni6_u128 eni6_blocks_used(const struct eni6_blocks *pool) {
  /* Only a /64 of which all is taken uses 2^64, which is 0 as `used` counts. */
  bool all = pool->trie.count > 0 && pool->trie.used == 0;
  return (struct eni6_u128){all, pool->trie.used};
}

struct eni6_u128 eni6_blocks_free(const struct eni6_blocks *pool) {
  if (pool->trie.order < 64)
    return (struct eni6_u128){0, ((uint64_t)1 << pool->trie.order) - pool->trie.used};
  return (struct eni6_u128){pool->trie.count == 0, 0 - pool->trie.used};
}

int eni6_blocks_largest(const struct eni6_blocks *pool) {
  return pool->trie.largest < 0 ? -1 : 128 - pool->trie.largest;
}

size_t eni6_blocks_memory(const struct eni6_blocks *pool) {
  return eni6_slab_memory(&pool->trie.branches) + eni6_slab_memory(&pool->trie.buckets);
}
