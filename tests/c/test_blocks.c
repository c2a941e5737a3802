#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "blocks.h"

/* --- helpers ------------------------------------------------------------------------ */

static struct eni6_prefix prefix(const char *text) {
  struct eni6_prefix parsed;
  struct eni6_error error;
  if (eni6_prefix_parse(&parsed, text, strlen(text), &error) < 0) fail_msg("%s", error.message);
  return parsed;
}

static struct eni6_ip6 address(const char *text) {
  struct eni6_ip6 parsed;
  struct eni6_error error;
  if (eni6_ip6_parse(&parsed, text, strlen(text), &error) < 0) fail_msg("%s", error.message);
  return parsed;
}

static void assert_prefix(struct eni6_prefix value, const char *expected) {
  char text[ENI6_PREFIX_TEXT_SIZE];
  eni6_prefix_format(&value, text);
  assert_string_equal(text, expected);
}

static struct eni6_blocks open_pool(const char *text) {
  struct eni6_blocks pool;
  struct eni6_prefix whole = prefix(text);
  assert_int_equal(eni6_blocks_open(&pool, &whole, NULL, NULL), 0);
  return pool;
}

static int occupy(struct eni6_blocks *pool, const char *text, struct eni6_error *error) {
  struct eni6_prefix block = prefix(text);
  return eni6_blocks_occupy(pool, &block, error);
}

static int release(struct eni6_blocks *pool, const char *text, struct eni6_error *error) {
  struct eni6_prefix block = prefix(text);
  return eni6_blocks_release(pool, &block, error);
}

/* Allocates and says what was taken, or the name of the failure. */
static const char *allocate(struct eni6_blocks *pool, unsigned length, const char *from) {
  static char text[ENI6_PREFIX_TEXT_SIZE];
  struct eni6_prefix taken;
  struct eni6_ip6 start;
  if (from) start = address(from);
  int status = eni6_blocks_allocate(pool, length, from ? &start : NULL, &taken, NULL);
  if (status < 0) return eni6_status_name(status);
  eni6_prefix_format(&taken, text);
  return text;
}

static void assert_sound(const struct eni6_blocks *pool) {
  const char *wrong = eni6_trie_verify(&pool->trie);
  if (wrong) fail_msg("%s", wrong);
}

/* A number that depends on all that is taken. */
static uint64_t contents(const struct eni6_blocks *pool) {
  uint64_t sum = 14695981039346656037u;
  struct eni6_prefix block;
  struct eni6_ip6 at = pool->prefix.address;
  while (eni6_blocks_next(pool, &at, &block)) {
    const uint8_t *bytes = (const uint8_t *)&block;
    for (size_t i = 0; i < sizeof block; i++)
      sum = (sum ^ bytes[i]) * 1099511628211u;
    at = eni6_prefix_last(&block);
    if (eni6_ip6_add(&at, &at, 1, NULL) < 0) break;
  }
  return sum;
}

/* A generator of our own, so that a failure can be repeated. */
static uint64_t seed;

static uint64_t any(uint64_t limit) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return limit ? (seed * 2685821657736338717u) % limit : seed * 2685821657736338717u;
}

/* An allocator that counts what is out, and can be told to fail. */
struct counter {
  size_t bytes;
  long countdown; /* the allocation to fail, counted from 1; 0: none */
};

static void *resize_counted(void *state, void *pointer, size_t old_size, size_t new_size) {
  struct counter *counter = state;
  if (new_size > old_size && counter->countdown > 0 && --counter->countdown == 0) return NULL;
  counter->bytes += new_size - old_size;
  if (new_size > 0) return realloc(pointer, new_size);
  free(pointer);
  return NULL;
}

static struct eni6_blocks open_counted(const char *text, struct counter *counter) {
  struct eni6_blocks pool;
  struct eni6_prefix whole = prefix(text);
  struct eni6_allocator allocator = {resize_counted, counter};
  assert_int_equal(eni6_blocks_open(&pool, &whole, &allocator, NULL), 0);
  return pool;
}

/* A random address of a /64 pool. */
static struct eni6_prefix any_address(const struct eni6_blocks *pool) {
  struct eni6_u128 number = eni6_ip6_number(&pool->prefix.address);
  number.low = any(0);
  return (struct eni6_prefix){eni6_ip6_from_number(number), 128};
}

/* --- what people do with it ------------------------------------------------------------ */

static void takes_the_lowest_free_block(void **state) {
  (void)state;
  struct eni6_blocks pool = open_pool("2001:db8::/64");
  assert_int_equal(occupy(&pool, "2001:db8::/126", NULL), 0);
  assert_int_equal(occupy(&pool, "2001:db8::1:1/128", NULL), 0);
  assert_string_equal(allocate(&pool, 126, NULL), "2001:db8::4/126");
  assert_string_equal(allocate(&pool, 125, NULL), "2001:db8::8/125");
  assert_string_equal(allocate(&pool, 80, NULL), "2001:db8:0:0:1::/80");
  assert_string_equal(allocate(&pool, 126, "2001:db8::1:0"), "2001:db8::1:4/126");
  assert_string_equal(allocate(&pool, 128, "2001:db8::1:1"), "2001:db8::1:2/128");
  assert_int_equal(release(&pool, "2001:db8::4/126", NULL), 0);
  assert_string_equal(allocate(&pool, 126, NULL), "2001:db8::4/126");
  assert_sound(&pool);
  eni6_blocks_close(&pool);
}

static void says_what_is_in_the_way(void **state) {
  (void)state;
  struct eni6_error error;
  struct eni6_blocks pool = open_pool("2001:db8::/64");
  occupy(&pool, "2001:db8::8/126", NULL);
  uint64_t before = contents(&pool);
  assert_int_equal(occupy(&pool, "2001:db8::8/126", &error), -EEXIST);
  assert_string_equal(error.message, "2001:db8::8/126 is taken already");
  assert_int_equal(occupy(&pool, "2001:db8::9/128", &error), -EEXIST);
  assert_string_equal(error.message, "2001:db8::9 overlaps 2001:db8::8/126, which is taken");
  assert_int_equal(occupy(&pool, "2001:db8::/64", &error), -EEXIST);
  assert_int_equal(occupy(&pool, "2001:db8::/63", &error), -ERANGE);
  assert_string_equal(error.message, "2001:db8::/63 is not inside 2001:db8::/64");
  assert_int_equal(occupy(&pool, "2001:db8:0:1::/126", &error), -ERANGE);
  assert_int_equal(release(&pool, "2001:db8::4/126", &error), -ENOENT);
  assert_string_equal(error.message, "2001:db8::4/126 is not taken");
  assert_int_equal(release(&pool, "2001:db8::9/128", &error), -ENOENT);
  assert_string_equal(error.message, "2001:db8::9 is not taken as such; 2001:db8::8/126 is");
  assert_int_equal(release(&pool, "2001:db8::8/125", &error), -ENOENT);
  assert_int_equal(release(&pool, "2001:db8:0:1::/126", &error), -ERANGE);
  struct eni6_prefix crooked = {address("2001:db8::1"), 126};
  assert_int_equal(eni6_blocks_occupy(&pool, &crooked, &error), -EINVAL);
  crooked.length = 129;
  assert_int_equal(eni6_blocks_occupy(&pool, &crooked, &error), -EINVAL);
  assert_true(contents(&pool) == before);
  assert_int_equal(release(&pool, "2001:db8::8/126", NULL), 0);
  assert_int_equal(release(&pool, "2001:db8::8/126", &error), -ENOENT);
  assert_int_equal(eni6_blocks_memory(&pool), 0);
  eni6_blocks_close(&pool);
}

static void refuses_what_it_cannot_keep(void **state) {
  (void)state;
  struct eni6_error error;
  struct eni6_blocks pool;
  struct eni6_prefix found, whole = prefix("2001:db8::/63");
  assert_int_equal(eni6_blocks_open(&pool, &whole, NULL, &error), -EINVAL);
  whole = (struct eni6_prefix){address("2001:db8::1"), 64};
  assert_int_equal(eni6_blocks_open(&pool, &whole, NULL, &error), -EINVAL);
  whole = (struct eni6_prefix){address("2001:db8::"), 200};
  assert_int_equal(eni6_blocks_open(&pool, &whole, NULL, &error), -EINVAL);
  pool = open_pool("2001:db8::/80");
  assert_int_equal(eni6_blocks_find(&pool, 79, NULL, &found, &error), -EINVAL);
  assert_string_equal(error.message, "a block of 2001:db8::/80 has a length of 80 to 128, not 79");
  assert_int_equal(eni6_blocks_find(&pool, 129, NULL, &found, &error), -EINVAL);
  struct eni6_ip6 outside = address("2001:db9::");
  assert_int_equal(eni6_blocks_find(&pool, 128, &outside, &found, &error), -ERANGE);
  eni6_blocks_close(&pool);
  struct eni6_blocks closed = {0};
  eni6_blocks_close(&closed);
}

static void lists_and_looks_up(void **state) {
  (void)state;
  struct eni6_blocks pool = open_pool("2001:db8::/64");
  struct eni6_prefix found, around = prefix("2001:db8::/32"), middle = prefix("2001:db8::/124");
  struct eni6_ip6 before = address("::"), after = address("2001:db8:0:1::");
  assert_false(eni6_blocks_next(&pool, &before, &found));
  assert_false(eni6_blocks_overlapping(&pool, &around, &found));
  occupy(&pool, "2001:db8::ffff:ffff:ffff:ffff/128", NULL);
  occupy(&pool, "2001:db8::8/126", NULL);
  assert_true(eni6_blocks_next(&pool, &before, &found));
  assert_prefix(found, "2001:db8::8/126");
  struct eni6_ip6 inside = address("2001:db8::9"), past = address("2001:db8::c");
  assert_true(eni6_blocks_next(&pool, &inside, &found));
  assert_prefix(found, "2001:db8::8/126");
  assert_true(eni6_blocks_next(&pool, &past, &found));
  assert_prefix(found, "2001:db8::ffff:ffff:ffff:ffff/128");
  assert_false(eni6_blocks_next(&pool, &after, &found));
  assert_true(eni6_blocks_overlapping(&pool, &around, &found));
  assert_true(eni6_blocks_overlapping(&pool, &middle, &found));
  assert_prefix(found, "2001:db8::8/126");
  assert_false(eni6_blocks_contains(&pool, &middle));
  assert_true(eni6_blocks_contains(&pool, &found));
  eni6_blocks_close(&pool);
}

/* --- cases that break allocators --------------------------------------------------------- */

static void one_address_in_each_80(void **state) {
  (void)state;
  struct eni6_blocks pool = open_pool("2001:db8::/64");
  struct eni6_u128 number = eni6_ip6_number(&pool.prefix.address);
  for (uint64_t i = 0; i < 65536; i++) {
    number.low = i << 48 | any((uint64_t)1 << 48);
    struct eni6_prefix block = {eni6_ip6_from_number(number), 128};
    assert_int_equal(eni6_blocks_occupy(&pool, &block, NULL), 0);
  }
  assert_int_equal(eni6_blocks_largest(&pool), 81);
  assert_string_equal(allocate(&pool, 80, NULL), "ENOSPC");
  assert_string_not_equal(allocate(&pool, 81, NULL), "ENOSPC");
  assert_sound(&pool);
  eni6_blocks_close(&pool);
}

static void one_address_in_each_126(void **state) {
  (void)state;
  struct eni6_blocks pool = open_pool("2001:db8::/106");
  struct eni6_u128 number = eni6_ip6_number(&pool.prefix.address);
  for (uint64_t i = 0; i < 1 << 20; i++) {
    number.low = i << 2 | any(4);
    struct eni6_prefix block = {eni6_ip6_from_number(number), 128};
    assert_int_equal(eni6_blocks_occupy(&pool, &block, NULL), 0);
  }
  assert_int_equal(eni6_blocks_largest(&pool), 127);
  assert_string_equal(allocate(&pool, 126, NULL), "ENOSPC");
  assert_string_equal(allocate(&pool, 126, "2001:db8::12:3456"), "ENOSPC");
  struct eni6_prefix block;
  for (int i = 0; i < 1 << 20; i++)
    assert_int_equal(eni6_blocks_allocate(&pool, 127, NULL, &block, NULL), 0);
  assert_string_equal(allocate(&pool, 127, NULL), "ENOSPC");
  assert_int_equal(eni6_blocks_free(&pool).low, 1 << 20);
  assert_sound(&pool);
  eni6_blocks_close(&pool);
}

static void the_whole_at_once(void **state) {
  (void)state;
  struct eni6_blocks pool = open_pool("2001:db8::/64");
  struct eni6_u128 whole = {1, 0}, none = {0, 0}, used = eni6_blocks_used(&pool),
                   left = eni6_blocks_free(&pool);
  assert_memory_equal(&used, &none, sizeof used);
  assert_memory_equal(&left, &whole, sizeof left);
  assert_string_equal(allocate(&pool, 64, "2001:db8::"), "2001:db8::/64");
  used = eni6_blocks_used(&pool);
  left = eni6_blocks_free(&pool);
  assert_memory_equal(&used, &whole, sizeof used);
  assert_memory_equal(&left, &none, sizeof left);
  assert_int_equal(eni6_blocks_largest(&pool), -1);
  struct eni6_error error;
  struct eni6_prefix found;
  assert_int_equal(eni6_blocks_find(&pool, 128, NULL, &found, &error), -ENOSPC);
  assert_string_equal(error.message, "2001:db8::/64 is full");
  assert_int_equal(occupy(&pool, "2001:db8::1/128", &error), -EEXIST);
  assert_int_equal(release(&pool, "2001:db8::/64", NULL), 0);
  assert_string_equal(allocate(&pool, 65, NULL), "2001:db8::/65");
  assert_string_equal(allocate(&pool, 65, NULL), "2001:db8:0:0:8000::/65");
  used = eni6_blocks_used(&pool);
  assert_memory_equal(&used, &whole, sizeof used);
  assert_sound(&pool);
  eni6_blocks_close(&pool);
}

static void counts_just_below_the_whole(void **state) {
  (void)state;
  struct eni6_blocks pool = open_pool("2001:db8::/64");
  struct eni6_prefix block;
  for (unsigned length = 65; length <= 128; length++) {
    assert_int_equal(eni6_blocks_allocate(&pool, length, NULL, &block, NULL), 0);
    assert_sound(&pool);
  }
  struct eni6_u128 used = eni6_blocks_used(&pool), left = eni6_blocks_free(&pool);
  assert_true(used.high == 0 && used.low == UINT64_MAX);
  assert_true(left.high == 0 && left.low == 1);
  assert_string_equal(allocate(&pool, 128, NULL), "2001:db8::ffff:ffff:ffff:ffff/128");
  eni6_blocks_close(&pool);
}

static void reserved_ends_block_the_first_and_last(void **state) {
  (void)state;
  struct eni6_blocks pool = open_pool("2001:db8::/120");
  occupy(&pool, "2001:db8::/126", NULL);
  occupy(&pool, "2001:db8::ff/128", NULL);
  for (int i = 0; i < 62; i++)
    assert_string_not_equal(allocate(&pool, 126, NULL), "ENOSPC");
  assert_string_equal(allocate(&pool, 126, NULL), "ENOSPC");
  assert_string_equal(allocate(&pool, 127, NULL), "2001:db8::fc/127");
  assert_string_equal(allocate(&pool, 128, NULL), "2001:db8::fe/128");
  assert_string_equal(allocate(&pool, 128, NULL), "ENOSPC");
  eni6_blocks_close(&pool);
}

static void rounds_up_past_the_top_and_goes_round(void **state) {
  (void)state;
  const char *const wholes[] = {"ffff:ffff:ffff:ffff::/64", "2001:db8::/120"};
  const char *const tops[] = {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "2001:db8::fe"};
  const char *const firsts[] = {"ffff:ffff:ffff:ffff::/126", "2001:db8::/126"};
  for (int i = 0; i < 2; i++) {
    struct eni6_blocks pool = open_pool(wholes[i]);
    assert_string_equal(allocate(&pool, 126, tops[i]), firsts[i]);
    struct eni6_prefix single = {address(tops[i]), 128};
    assert_int_equal(eni6_blocks_occupy(&pool, &single, NULL), 0);
    assert_string_not_equal(allocate(&pool, 128, tops[i]), "ENOSPC");
    assert_int_equal(strncmp(allocate(&pool, 128, tops[i]), firsts[i], 8), 0);
    uint64_t key, last = i == 0 ? UINT64_MAX : 255;
    assert_false(eni6_trie_search(&pool.trie, 2, last - 1, &key));
    assert_false(eni6_trie_search(&pool.trie, 0, last, &key));
    assert_sound(&pool);
    eni6_blocks_close(&pool);
  }
}

static void a_block_over_an_address_in_both_orders(void **state) {
  (void)state;
  struct eni6_blocks pool = open_pool("2001:db8::/64");
  occupy(&pool, "2001:db8:0:0:5::7/128", NULL);
  assert_int_equal(occupy(&pool, "2001:db8:0:0:5::/80", NULL), -EEXIST);
  release(&pool, "2001:db8:0:0:5::7/128", NULL);
  assert_int_equal(occupy(&pool, "2001:db8:0:0:5::/80", NULL), 0);
  assert_int_equal(occupy(&pool, "2001:db8:0:0:5::7/128", NULL), -EEXIST);
  /* The same when branches are below the block, and above it. */
  for (int i = 0; i < 100; i++)
    allocate(&pool, 128, NULL);
  assert_int_equal(occupy(&pool, "2001:db8::/80", NULL), -EEXIST);
  assert_int_equal(occupy(&pool, "2001:db8::/121", NULL), -EEXIST);
  assert_int_equal(occupy(&pool, "2001:db8::/64", NULL), -EEXIST);
  assert_sound(&pool);
  eni6_blocks_close(&pool);
}

static void pools_of_every_length(void **state) {
  (void)state;
  struct eni6_ip6 ones = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  for (unsigned length = 64; length <= 128; length++) {
    struct eni6_blocks pool;
    struct eni6_prefix taken, whole = {eni6_ip6_mask(&ones, length), (unsigned char)length};
    assert_int_equal(eni6_blocks_open(&pool, &whole, NULL, NULL), 0);
    assert_int_equal(eni6_blocks_largest(&pool), length);
    assert_int_equal(eni6_blocks_allocate(&pool, length, &ones, &taken, NULL), 0);
    assert_memory_equal(&taken, &whole, sizeof whole);
    assert_int_equal(eni6_blocks_allocate(&pool, 128, NULL, &taken, NULL), -ENOSPC);
    assert_int_equal(eni6_blocks_release(&pool, &whole, NULL), 0);
    assert_int_equal(eni6_blocks_allocate(&pool, 128, &ones, &taken, NULL), 0);
    assert_memory_equal(&taken.address, &ones, sizeof ones);
    eni6_blocks_close(&pool);
  }
}

/* --- memory ------------------------------------------------------------------------------ */

static void fails_at_each_allocation_and_changes_nothing(void **state) {
  (void)state;
  struct counter counter = {0, 0};
  struct eni6_blocks pool = open_counted("2001:db8::/64", &counter);
  int failures = 0;
  seed = 7;
  for (int i = 0; i < 3000; i++) {
    struct eni6_prefix block = any_address(&pool);
    struct eni6_error error;
    uint64_t before = i % 16 ? 0 : contents(&pool);
    int status = -ENOMEM;
    for (long nth = 1; status != 0; nth++) {
      counter.countdown = nth;
      status = eni6_blocks_occupy(&pool, &block, &error);
      if (status == 0) break;
      assert_int_equal(status, -ENOMEM);
      assert_string_equal(error.code, "ENOMEM");
      assert_sound(&pool);
      assert_int_equal(pool.trie.count, i);
      assert_true(!before || contents(&pool) == before);
      failures++;
    }
    counter.countdown = 0;
    assert_int_equal(counter.bytes, eni6_blocks_memory(&pool));
  }
  assert_true(failures > 10);
  eni6_blocks_close(&pool);
  assert_int_equal(counter.bytes, 0);
}

static void loads_all_or_nothing(void **state) {
  (void)state;
  enum { SIZE = 2000 };
  struct counter counter = {0, 0};
  struct eni6_blocks pool = open_counted("2001:db8::/64", &counter);
  struct eni6_prefix *list = calloc(SIZE, sizeof *list), *copy = calloc(SIZE, sizeof *copy);
  size_t added = 0;
  seed = 8;
  for (int i = 0; i < SIZE; i++)
    list[i] = any_address(&pool);
  list[SIZE - 1] = list[0]; /* seen twice */
  for (int i = 0; i < 50; i++)
    eni6_blocks_occupy(&pool, &list[i * 7], NULL);
  uint64_t before = contents(&pool);
  int status = -ENOMEM;
  for (long nth = 1; status != 0; nth++) {
    memcpy(copy, list, SIZE * sizeof *list);
    counter.countdown = nth;
    status = eni6_blocks_load(&pool, copy, SIZE, &added, NULL);
    if (status == 0) break;
    assert_int_equal(status, -ENOMEM);
    assert_true(contents(&pool) == before);
    assert_sound(&pool);
  }
  counter.countdown = 0;
  assert_int_equal(added, SIZE - 51);
  assert_int_equal(pool.trie.count, SIZE - 1);
  before = contents(&pool);
  memcpy(copy, list, SIZE * sizeof *list);
  copy[SIZE / 2] = (struct eni6_prefix){eni6_ip6_mask(&list[3].address, 120), 120};
  struct eni6_error error;
  copy[0] = prefix("2001:db8::9/128");
  assert_int_equal(eni6_blocks_load(&pool, copy, SIZE, &added, &error), -EEXIST);
  assert_int_equal(added, 0);
  assert_true(contents(&pool) == before);
  assert_int_equal(eni6_blocks_load(&pool, copy, 0, &added, &error), 0);
  eni6_blocks_close(&pool);
  assert_int_equal(counter.bytes, 0);
  free(list);
  free(copy);
}

static void memory_follows_what_is_taken(void **state) {
  (void)state;
  enum { SIZE = 100000, KEPT = 100 };
  struct counter counter = {0, 0};
  struct eni6_blocks pool = open_counted("2001:db8::/64", &counter);
  struct eni6_prefix *list = calloc(SIZE, sizeof *list);
  seed = 9;
  for (int i = 0; i < SIZE; i++) {
    list[i] = any_address(&pool);
    assert_int_equal(eni6_blocks_occupy(&pool, &list[i], NULL), 0);
  }
  assert_true(counter.bytes < SIZE * 17);
  for (int churn = 0; churn < SIZE; churn++) {
    int i = (int)any(SIZE);
    assert_int_equal(eni6_blocks_release(&pool, &list[i], NULL), 0);
    list[i] = any_address(&pool);
    assert_int_equal(eni6_blocks_occupy(&pool, &list[i], NULL), 0);
  }
  assert_true(counter.bytes < SIZE * 17);
  for (int i = KEPT; i < SIZE; i++)
    assert_int_equal(eni6_blocks_release(&pool, &list[i], NULL), 0);
  assert_sound(&pool);
  assert_true(counter.bytes < 14000);
  for (int i = 0; i < KEPT; i++)
    assert_int_equal(eni6_blocks_release(&pool, &list[i], NULL), 0);
  assert_int_equal(counter.bytes, 0);
  eni6_blocks_close(&pool);
  free(list);
}

/* --- against a model that tries every place ------------------------------------------------ */

enum { MOST = 1024 };

/* A window of 2^order addresses of a pool; all outside of it is taken. */
struct model {
  unsigned order;
  uint64_t base;        /* key of the window in the pool */
  uint16_t owner[MOST]; /* 0, or 1 + where the block begins */
  uint8_t orders[MOST]; /* of the block that begins here */
};

static struct eni6_prefix in_window(const struct eni6_blocks *pool, const struct model *model,
                                    uint64_t at, unsigned order) {
  struct eni6_u128 number = eni6_ip6_number(&pool->prefix.address);
  number.low += model->base + at;
  return (struct eni6_prefix){eni6_ip6_from_number(number), (unsigned char)(128 - order)};
}

/* The first taken address of a block, or -1. */
static int model_taken(const struct model *model, uint64_t at, unsigned order) {
  for (uint64_t i = at; i < at + ((uint64_t)1 << order); i++)
    if (model->owner[i]) return (int)i;
  return -1;
}

static void model_set(struct model *model, uint64_t at, unsigned order, bool taken) {
  for (uint64_t i = at; i < at + ((uint64_t)1 << order); i++)
    model->owner[i] = (uint16_t)(taken ? at + 1 : 0);
  model->orders[at] = (uint8_t)order;
}

static bool model_has(const struct model *model, uint64_t at, unsigned order) {
  return model->owner[at] == at + 1 && model->orders[at] == order;
}

/* The lowest free place at or after `from`, then from the beginning; -1 for none. */
static int model_find(const struct model *model, unsigned order, uint64_t from) {
  uint64_t size = (uint64_t)1 << order, whole = (uint64_t)1 << model->order;
  for (uint64_t at = (from + size - 1) / size * size; at < whole; at += size)
    if (model_taken(model, at, order) < 0) return (int)at;
  for (uint64_t at = 0; at < whole; at += size)
    if (model_taken(model, at, order) < 0) return (int)at;
  return -1;
}

static int model_largest(const struct model *model) {
  for (int order = (int)model->order; order >= 0; order--)
    if (model_find(model, (unsigned)order, 0) >= 0) return order;
  return -1;
}

static void step_occupy(struct eni6_blocks *pool, struct model *model, unsigned order) {
  uint64_t at = any((uint64_t)1 << model->order) >> order << order;
  struct eni6_prefix found, block = in_window(pool, model, at, order);
  int taken = model_taken(model, at, order);
  assert_int_equal(eni6_blocks_occupy(pool, &block, NULL), taken < 0 ? 0 : -EEXIST);
  if (taken < 0) {
    model_set(model, at, order, true);
    return;
  }
  uint64_t owner = model->owner[taken] - 1u;
  struct eni6_prefix expected = in_window(pool, model, owner, model->orders[owner]);
  assert_true(eni6_blocks_overlapping(pool, &block, &found));
  assert_memory_equal(&found, &expected, sizeof found);
}

static void step_allocate(struct eni6_blocks *pool, struct model *model, unsigned order) {
  uint64_t from = any(2) ? any((uint64_t)1 << model->order) : 0;
  struct eni6_prefix start = in_window(pool, model, from, 0), taken;
  int expected = model_find(model, order, from);
  int status = eni6_blocks_allocate(pool, 128 - order, &start.address, &taken, NULL);
  assert_int_equal(status, expected < 0 ? -ENOSPC : 0);
  if (expected < 0) return;
  struct eni6_prefix block = in_window(pool, model, (uint64_t)expected, order);
  assert_memory_equal(&taken, &block, sizeof block);
  model_set(model, (uint64_t)expected, order, true);
}

static void step_release(struct eni6_blocks *pool, struct model *model, unsigned order) {
  uint64_t at = any((uint64_t)1 << model->order);
  if (any(4) && model->owner[at]) {
    at = model->owner[at] - 1u; /* mostly one that is taken */
    order = model->orders[at];
  }
  at = at >> order << order;
  struct eni6_prefix block = in_window(pool, model, at, order);
  bool has = model_has(model, at, order);
  assert_int_equal(eni6_blocks_contains(pool, &block), has);
  assert_int_equal(eni6_blocks_release(pool, &block, NULL), has ? 0 : -ENOENT);
  if (has) model_set(model, at, order, false);
}

/* All that the pool says about itself is what the model says. */
static void compare(const struct eni6_blocks *pool, const struct model *model) {
  uint64_t whole = (uint64_t)1 << model->order, left = 0;
  struct eni6_prefix found, first = in_window(pool, model, 0, 0);
  struct eni6_ip6 at = first.address;
  int largest = model_largest(model);
  assert_int_equal(eni6_blocks_largest(pool), largest < 0 ? -1 : 128 - largest);
  for (uint64_t i = 0; i < whole; i++) {
    left += !model->owner[i];
    if (model->owner[i] != i + 1) continue;
    struct eni6_prefix expected = in_window(pool, model, i, model->orders[i]);
    assert_true(eni6_blocks_next(pool, &at, &found));
    assert_memory_equal(&found, &expected, sizeof found);
    at = eni6_prefix_last(&found);
    if (i + ((uint64_t)1 << model->orders[i]) < whole)
      assert_int_equal(eni6_ip6_add(&at, &at, 1, NULL), 0);
  }
  assert_true(eni6_blocks_free(pool).low == left && eni6_blocks_free(pool).high == 0);
}

/* Takes all of the pool outside of the window. */
static void fill_outside(struct eni6_blocks *pool, const struct model *model) {
  for (unsigned order = model->order; order < pool->trie.order; order++) {
    struct eni6_u128 number = eni6_ip6_number(&pool->prefix.address);
    uint64_t region = order >= 63 ? 0 : model->base >> (order + 1) << (order + 1);
    number.low += region | ((~model->base >> order & 1) << order);
    struct eni6_prefix block = {eni6_ip6_from_number(number), (unsigned char)(128 - order)};
    assert_int_equal(eni6_blocks_occupy(pool, &block, NULL), 0);
  }
}

/* Random steps that fill and drain by turns, the window at `base` of the pool. */
static void walk(const char *text, unsigned order, uint64_t base, int steps) {
  struct eni6_blocks pool = open_pool(text);
  struct model model = {.order = order, .base = base};
  fill_outside(&pool, &model);
  compare(&pool, &model);
  for (int i = 0; i < steps; i++) {
    /* Small blocks mostly, so that there are many; now and then a large one. */
    unsigned size = (unsigned)any(any(3) ? 3 : order + 1);
    if (size > order) size = order;
    bool draining = i / 400 % 2;
    switch (any(draining ? 8 : 3)) {
    case 0: step_occupy(&pool, &model, size); break;
    case 1: step_allocate(&pool, &model, size); break;
    default: step_release(&pool, &model, size);
    }
    assert_sound(&pool);
    compare(&pool, &model);
  }
  eni6_blocks_close(&pool);
}

static void agrees_with_trying_every_place(void **state) {
  (void)state;
  seed = 10;
  for (unsigned order = 0; order <= 8; order += 4) {
    walk("::/120", order, 0, 1200);
    walk("2001:db8::7f00/120", order, 0, 1200);
    walk("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120", order,
         (256u >> order << order) - (1u << order), 1200);
  }
}

static void agrees_at_the_bottom_the_middle_and_the_top(void **state) {
  (void)state;
  seed = 11;
  walk("2001:db8::/64", 9, 0, 1500);
  walk("2001:db8::/64", 9, (uint64_t)1 << 63, 1500);
  walk("2001:db8::/64", 9, ((uint64_t)1 << 63) - 512, 1500);
  walk("2001:db8::/64", 9, 0 - (uint64_t)512, 1500);
  walk("ffff:ffff:ffff:ffff::/64", 9, 0 - (uint64_t)512, 1500);
  walk("2001:db8::/64", 10, 0x0123456789abc000, 1500);
  walk("2001:db8::/65", 10, 0x7ffffffffffffc00, 1500);
}

__extension__ typedef unsigned __int128 u128;

/* The lowest free key of an order at or after `from`, by walking over all blocks;
 * 2^64 and more for none. */
static u128 scan(const struct eni6_blocks *pool, unsigned order, uint64_t from) {
  u128 size = (u128)1 << order;
  u128 at = (from + size - 1) / size * size;
  struct eni6_span block;
  uint64_t position = 0;
  while (eni6_trie_next(&pool->trie, position, &block)) {
    u128 end = block.key + ((u128)1 << block.order);
    if (end > at) {
      if (at + size <= block.key) break;
      at = (end + size - 1) / size * size;
    }
    position = (uint64_t)end;
    if (position == 0) break;
  }
  return at;
}

/* One question to a pool over a /64, and what a scan says to it. */
static void question(const struct eni6_blocks *pool, unsigned order, uint64_t from) {
  uint64_t key;
  u128 expected = scan(pool, order, from), none = (u128)1 << 64;
  bool found = eni6_trie_search(&pool->trie, order, from, &key);
  assert_int_equal(found, expected < none);
  assert_true(!found || key == expected);
}

/* A few crowds far apart: what lies between them is free in blocks of all sizes. */
static void agrees_with_a_scan_where_it_is_sparse(void **state) {
  (void)state;
  for (uint64_t round = 1; round <= 12; round++) {
    struct eni6_blocks pool = open_pool("2001:db8::/64");
    uint64_t centers[4] = {0, UINT64_MAX, 0, 0};
    seed = round;
    centers[2] = any(0);
    centers[3] = centers[2] ^ any(0) >> any(64);
    for (int i = 0; i < 400; i++) {
      unsigned order = (unsigned)any(any(3) ? 4 : 60);
      uint64_t key = (centers[any(4)] ^ any(0) >> (any(10) ? 54 : any(64))) >> order << order;
      struct eni6_span block;
      if (i % 5 == 4 && eni6_trie_next(&pool.trie, key, &block)) {
        assert_int_equal(eni6_trie_remove(&pool.trie, block), 0);
      } else {
        eni6_trie_insert(&pool.trie, (struct eni6_span){key, order});
      }
      assert_sound(&pool);
      int largest = 64;
      while (largest >= 0 && scan(&pool, (unsigned)largest, 0) >> 64)
        largest--;
      assert_int_equal(eni6_blocks_largest(&pool), largest < 0 ? -1 : 128 - largest);
      question(&pool, (unsigned)any(65), 0);
      question(&pool, (unsigned)any(65), any(0));
      question(&pool, (unsigned)any(65), key + any(5) - 2);
    }
    eni6_blocks_close(&pool);
  }
}

/* The same set in another order gives the same answers, and the same memory. */
static void does_not_depend_on_the_order_of_insertion(void **state) {
  (void)state;
  enum { SIZE = 3000 };
  struct eni6_blocks one = open_pool("2001:db8::/64"), two = open_pool("2001:db8::/64");
  struct eni6_prefix *list = calloc(SIZE, sizeof *list);
  int size = 0;
  seed = 12;
  while (size < SIZE) {
    struct eni6_prefix block = any_address(&one);
    block.length = (unsigned char)(128 - any(56));
    block.address = eni6_ip6_mask(&block.address, block.length);
    if (eni6_blocks_occupy(&one, &block, NULL) == 0) list[size++] = block;
  }
  /* The second meets them from the end, among guests that leave again. */
  struct eni6_prefix guests[SIZE];
  int guest_count = 0;
  for (int i = SIZE - 1; i >= 0; i--) {
    struct eni6_prefix found, guest = any_address(&two);
    assert_int_equal(eni6_blocks_occupy(&two, &list[i], NULL), 0);
    if (eni6_blocks_overlapping(&one, &guest, &found)) continue;
    if (eni6_blocks_occupy(&two, &guest, NULL) == 0) guests[guest_count++] = guest;
  }
  while (guest_count > 0)
    assert_int_equal(eni6_blocks_release(&two, &guests[--guest_count], NULL), 0);
  assert_true(contents(&one) == contents(&two));
  assert_int_equal(one.trie.buckets.count, two.trie.buckets.count);
  assert_int_equal(one.trie.branches.count, two.trie.branches.count);
  for (unsigned length = 64; length <= 128; length++) {
    struct eni6_prefix start = any_address(&one), a = {0}, b = {0};
    int first = eni6_blocks_find(&one, length, &start.address, &a, NULL);
    assert_int_equal(eni6_blocks_find(&two, length, &start.address, &b, NULL), first);
    assert_memory_equal(&a, &b, sizeof a);
  }
  assert_sound(&one);
  assert_sound(&two);
  eni6_blocks_close(&one);
  eni6_blocks_close(&two);
  free(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_the_lowest_free_block),
      cmocka_unit_test(says_what_is_in_the_way),
      cmocka_unit_test(refuses_what_it_cannot_keep),
      cmocka_unit_test(lists_and_looks_up),
      cmocka_unit_test(one_address_in_each_80),
      cmocka_unit_test(one_address_in_each_126),
      cmocka_unit_test(the_whole_at_once),
      cmocka_unit_test(counts_just_below_the_whole),
      cmocka_unit_test(reserved_ends_block_the_first_and_last),
      cmocka_unit_test(rounds_up_past_the_top_and_goes_round),
      cmocka_unit_test(a_block_over_an_address_in_both_orders),
      cmocka_unit_test(pools_of_every_length),
      cmocka_unit_test(fails_at_each_allocation_and_changes_nothing),
      cmocka_unit_test(loads_all_or_nothing),
      cmocka_unit_test(memory_follows_what_is_taken),
      cmocka_unit_test(agrees_with_trying_every_place),
      cmocka_unit_test(agrees_at_the_bottom_the_middle_and_the_top),
      cmocka_unit_test(agrees_with_a_scan_where_it_is_sparse),
      cmocka_unit_test(does_not_depend_on_the_order_of_insertion),
  };
  seed = 88172645463325252u;
  return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
