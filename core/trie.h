/* A set of disjoint aligned blocks of numbers, below 2^64, with the lowest free
 * block of any size found at once.
 *
 * Blocks live sorted in buckets of up to 32. Above the buckets is a binary trie
 * without branches of one side (path compression): a branch stands for the
 * smallest aligned region that holds all below it, and knows for each of its
 * halves the order of the largest free block there. A branch exists if and only if more
 * than 32 blocks are below it, so the shape depends on the set alone. */
#ifndef ENI6_TRIE_H
#define ENI6_TRIE_H

#include <stdbool.h>
#include <stdint.h>

#include "slab.h"

/* The 2^order numbers from key on; the low `order` bits of key are zero. */
struct eni6_span {
  uint64_t key;
  unsigned order; /* 0 to 64 */
};

struct eni6_trie {
  struct eni6_allocator allocator;
  struct eni6_slab branches, buckets;
  uint32_t root;  /* reference to a branch or bucket, or 0 */
  int8_t largest; /* order of the largest free block, -1 when there is none */
  uint8_t order;  /* the universe is the numbers below 2^order */
  uint64_t count; /* blocks in the set */
  uint64_t used;  /* numbers in them, modulo 2^64 */
};

/* The last number of a block. */
static inline uint64_t eni6_span_last(struct eni6_span span) {
  return span.key + (span.order >= 64 ? UINT64_MAX : ((uint64_t)1 << span.order) - 1);
}

void eni6_trie_open(struct eni6_trie *trie, unsigned order, const struct eni6_allocator *allocator);

/* Gives all memory back; the trie is empty then. */
void eni6_trie_close(struct eni6_trie *trie);

/* Adds a block of the universe: 0; -EEXIST when it overlaps one, or -ENOMEM,
 * with nothing changed. */
int eni6_trie_insert(struct eni6_trie *trie, struct eni6_span span);

/* Removes a block exactly as it was added: 0, or -ENOENT. Needs no memory. */
int eni6_trie_remove(struct eni6_trie *trie, struct eni6_span span);

/* Finds the lowest free block of that order (at most the universe's) whose key
 * is at least `from`. */
bool eni6_trie_search(const struct eni6_trie *trie, unsigned order, uint64_t from, uint64_t *key);

/* Finds the first block of the set that ends at or after a position. */
bool eni6_trie_next(const struct eni6_trie *trie, uint64_t position, struct eni6_span *found);

/* NULL, or what is wrong with the structure: for tests. */
const char *eni6_trie_verify(const struct eni6_trie *trie);

#endif
