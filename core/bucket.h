/* A bucket: up to 32 disjoint blocks, sorted, and what is free between them. Part of
 * the trie, and of nothing else. */
#ifndef ENI6_BUCKET_H
#define ENI6_BUCKET_H

#include <string.h>

#include "trie.h"

enum { BUCKET_SIZE = 32 };

struct bucket {
  uint64_t keys[BUCKET_SIZE];
  uint8_t orders[BUCKET_SIZE];
  uint8_t count;
};

/* As many low bits as `order`. */
static inline uint64_t low_bits(unsigned order) {
  return order >= 64 ? UINT64_MAX : ((uint64_t)1 << order) - 1;
}

/* The place of the highest bit that is set; -1 when none is. */
static inline int highest_bit(uint64_t value) {
  return value ? 63 - __builtin_clzll(value) : -1;
}

static inline struct eni6_span bucket_get(const struct bucket *bucket, unsigned at) {
  return (struct eni6_span){bucket->keys[at], bucket->orders[at]};
}

/* The first place whose key is at least this one. */
static inline unsigned bucket_place(const struct bucket *bucket, uint64_t key) {
  unsigned at = 0, size = bucket->count;
  while (size > 0) {
    unsigned half = size / 2;
    if (bucket->keys[at + half] < key) at += size - half;
    size = half;
  }
  return at;
}

static inline void bucket_insert(struct bucket *bucket, unsigned at, struct eni6_span span) {
  unsigned after = bucket->count - at;
  memmove(bucket->keys + at + 1, bucket->keys + at, after * sizeof *bucket->keys);
  memmove(bucket->orders + at + 1, bucket->orders + at, after);
  bucket->keys[at] = span.key;
  bucket->orders[at] = (uint8_t)span.order;
  bucket->count++;
}

static inline void bucket_remove(struct bucket *bucket, unsigned at) {
  unsigned after = --bucket->count - at;
  memmove(bucket->keys + at, bucket->keys + at + 1, after * sizeof *bucket->keys);
  memmove(bucket->orders + at, bucket->orders + at + 1, after);
}

/* Moves the blocks of one bucket from a place on to the end of another. */
static inline void bucket_move(struct bucket *to, struct bucket *from, unsigned at) {
  unsigned moved = from->count - at;
  memcpy(to->keys + to->count, from->keys + at, moved * sizeof *to->keys);
  memcpy(to->orders + to->count, from->orders + at, moved);
  to->count = (uint8_t)(to->count + moved);
  from->count = (uint8_t)at;
}

/* Whether a block, whose place is `at`, shares a number with one in the bucket. */
static inline bool bucket_overlaps(const struct bucket *bucket, unsigned at,
                                   struct eni6_span span) {
  return (at < bucket->count && bucket->keys[at] <= eni6_span_last(span)) ||
         (at > 0 && eni6_span_last(bucket_get(bucket, at - 1)) >= span.key);
}

/* What is free between the block before `at` and the one there, or the ends of
 * the region: a number whose highest bit tells the order of the largest free
 * block, 0 for none. Between two taken numbers x < y that first differ at bit d, a
 * free block of order k < d begins somewhere if bit k is 0 in x (it follows x, in
 * x's half) or 1 in y (it precedes y, in y's half). */
static inline uint64_t bucket_gap(const struct bucket *bucket, unsigned at, uint64_t base,
                                  unsigned order) {
  if (at == 0) return bucket->keys[0] - base;
  uint64_t last = eni6_span_last(bucket_get(bucket, at - 1));
  if (at == bucket->count) return ~last & low_bits(order);
  uint64_t key = bucket->keys[at];
  return (~last | key) & low_bits((unsigned)highest_bit(last ^ key));
}

/* The order of the largest free block of the region of a bucket; -1 for none. */
static inline int bucket_largest(const struct bucket *bucket, uint64_t base, unsigned order) {
  uint64_t gaps = 0;
  for (unsigned at = 0; at <= bucket->count; at++)
    gaps |= bucket_gap(bucket, at, base, order);
  return highest_bit(gaps);
}

/* The lowest free block of an order among what is left of a region that ends at
 * `end`; `from` is aligned to it, and not before the region. */
static inline bool bucket_search(const struct bucket *bucket, uint64_t end, unsigned order,
                                 uint64_t from, uint64_t *key) {
  uint64_t size = low_bits(order);
  for (unsigned i = 0; i < bucket->count; i++) {
    uint64_t last = eni6_span_last(bucket_get(bucket, i));
    if (last < from) continue;
    if (bucket->keys[i] > from + size) break;
    from = (last | size) + 1;
    if (from == 0) return false;
  }
  *key = from;
  return from <= end;
}

/* The first block in a bucket that ends at or after a position. */
static inline bool bucket_next(const struct bucket *bucket, uint64_t position,
                               struct eni6_span *found) {
  unsigned at = bucket_place(bucket, position);
  if (at > 0 && eni6_span_last(bucket_get(bucket, at - 1)) >= position) at--;
  if (at == bucket->count) return false;
  *found = bucket_get(bucket, at);
  return true;
}

#endif
