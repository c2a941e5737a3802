/* The input as operations on a trie over 2^64 numbers, against a sorted array
 * that is walked from end to end. Each operation takes six bytes: what to do,
 * the order, where. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OPERATION_SIZE = 6, MOST = 1024 };

__extension__ typedef unsigned __int128 u128;

/* The blocks that should be in the trie, by key. */
struct model {
  struct eni6_span blocks[MOST];
  size_t count;
};

/* Stops the fuzzer when something that must hold does not. */
static void require(bool holds) {
  if (!holds) abort();
}

static u128 size_of(unsigned order) {
  return (u128)1 << order;
}

/* Fails the allocation that *state counts down to. */
static void *resize(void *state, void *pointer, size_t old_size, size_t new_size) {
  long *countdown = state;
  if (new_size > old_size && *countdown > 0 && --*countdown == 0) return NULL;
  if (new_size > 0) return realloc(pointer, new_size);
  free(pointer);
  return NULL;
}

/* The place of the first block that ends at or after a key. */
static size_t model_place(const struct model *model, uint64_t key) {
  size_t i = 0;
  while (i < model->count && eni6_span_last(model->blocks[i]) < key)
    i++;
  return i;
}

/* The lowest free key of an order from a key on; 2^64 or more for none. */
static u128 model_search(const struct model *model, unsigned order, uint64_t from) {
  u128 size = size_of(order), at = (from + size - 1) / size * size;
  for (size_t i = 0; i < model->count; i++) {
    u128 end = model->blocks[i].key + size_of(model->blocks[i].order);
    if (end <= at) continue;
    if (at + size <= model->blocks[i].key) break;
    at = (end + size - 1) / size * size;
  }
  return at;
}

static void insert(struct eni6_trie *trie, struct model *model, struct eni6_span span,
                   long *countdown) {
  size_t at = model_place(model, span.key);
  bool taken = at < model->count && model->blocks[at].key <= eni6_span_last(span);
  int status = eni6_trie_insert(trie, span);
  bool failed = *countdown == 0;
  *countdown = -1;
  require(status == (taken ? -EEXIST : failed ? -ENOMEM : 0));
  if (status < 0) return;
  memmove(model->blocks + at + 1, model->blocks + at, (model->count - at) * sizeof span);
  model->blocks[at] = span;
  model->count++;
}

static void drop(struct eni6_trie *trie, struct model *model, struct eni6_span span) {
  size_t at = model_place(model, span.key);
  bool has = at < model->count && model->blocks[at].key == span.key &&
             model->blocks[at].order == span.order;
  require(eni6_trie_remove(trie, span) == (has ? 0 : -ENOENT));
  if (!has) return;
  model->count--;
  memmove(model->blocks + at, model->blocks + at + 1, (model->count - at) * sizeof span);
}

/* Searches, and takes what was found. */
static void allocate(struct eni6_trie *trie, struct model *model, struct eni6_span span,
                     long *countdown) {
  u128 expected = model_search(model, span.order, span.key);
  uint64_t key = 0;
  bool found = eni6_trie_search(trie, span.order, span.key, &key);
  require(found == (expected < size_of(64)) && (!found || key == expected));
  if (found) insert(trie, model, (struct eni6_span){key, span.order}, countdown);
}

static void look(const struct eni6_trie *trie, const struct model *model, uint64_t key) {
  struct eni6_span found;
  size_t at = model_place(model, key);
  require(eni6_trie_next(trie, key, &found) == (at < model->count));
  if (at == model->count) return;
  require(found.key == model->blocks[at].key && found.order == model->blocks[at].order);
}

/* Where bytes 2 to 5 say: near the bottom, the middle or the top, or anywhere. */
static uint64_t place(const uint8_t *bytes) {
  uint64_t low = (uint64_t)bytes[3] << 8 | bytes[4];
  switch (bytes[2] & 3) {
  case 0: return low;
  case 1: return ((uint64_t)1 << 63) - 32768 + low;
  case 2: return UINT64_MAX - low;
  default: return low << (bytes[5] & 63) | bytes[5] >> 6;
  }
}

static void step(struct eni6_trie *trie, struct model *model, const uint8_t *bytes,
                 long *countdown) {
  unsigned order = bytes[1] % 65;
  uint64_t key = place(bytes);
  struct eni6_span span = {order < 64 ? key >> order << order : 0, order};
  *countdown = bytes[0] & 0x80 ? bytes[0] >> 5 & 3 : -1; /* 1 to 3; 0 and below: none */
  if (*countdown == 0) *countdown = -1;
  switch (bytes[0] & 7) {
  case 0:
  case 1:
  case 2: insert(trie, model, span, countdown); break;
  case 3:
  case 4: allocate(trie, model, (struct eni6_span){key, order}, countdown); break;
  case 5: look(trie, model, key); break;
  case 6: drop(trie, model, span); break;
  default:
    if (model->count > 0) drop(trie, model, model->blocks[key % model->count]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct eni6_span everything = {0, 64};
  long countdown = -1;
  struct eni6_allocator allocator = {resize, &countdown};
  struct eni6_trie trie;
  struct model model = {.count = 0};
  eni6_trie_open(&trie, everything.order, &allocator);
  for (; size >= OPERATION_SIZE && model.count < MOST; size -= OPERATION_SIZE) {
    step(&trie, &model, data, &countdown);
    countdown = -1;
    require(!eni6_trie_verify(&trie) && trie.count == model.count);
    data += OPERATION_SIZE;
  }
  for (int order = 64; order >= -1; order--)
    if (order < 0 || model_search(&model, (unsigned)order, 0) < size_of(64)) {
      require(trie.largest == order);
      break;
    }
  while (model.count > 0)
    drop(&trie, &model, model.blocks[model.count / 2]);
  require(trie.root == 0 &&
          eni6_slab_memory(&trie.buckets) + eni6_slab_memory(&trie.branches) == 0);
  eni6_trie_close(&trie);
  return 0;
}
