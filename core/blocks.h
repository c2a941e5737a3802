/* Which blocks of one prefix are taken, and which is the lowest free one. A block
 * is a prefix inside the pool's; taken blocks never overlap. */
#ifndef ENI6_BLOCKS_H
#define ENI6_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eni6.h"
#include "ip6.h"
#include "trie.h"

ENI6_PUBLIC_BEGIN

/* The shortest prefix a pool can be over: 2^64 addresses. */
enum { ENI6_BLOCKS_SHORTEST = 64 };

/* Zero-filled it is a closed pool. The members are the library's own. */
struct eni6_blocks {
  struct eni6_prefix prefix;
  struct eni6_trie trie; /* of the low bits of addresses: those the prefix leaves open */
};

/* Opens an empty pool over a prefix of at least 64 bits; -EINVAL for a shorter
 * one. No allocator means malloc's. Nothing is allocated yet. */
int eni6_blocks_open(struct eni6_blocks *pool, const struct eni6_prefix *prefix,
                     const struct eni6_allocator *allocator, struct eni6_error *error);

/* Gives all memory back; safe on a closed pool. */
void eni6_blocks_close(struct eni6_blocks *pool);

/* Takes this very block. -EEXIST names the block it overlaps, -ERANGE that it
 * is not inside the pool, -ENOMEM; each leaves the pool as it was. */
int eni6_blocks_occupy(struct eni6_blocks *pool, const struct eni6_prefix *block,
                       struct eni6_error *error);

/* Takes many, all or none. Those that are taken already, exactly as they are
 * (or twice in the list), count as done. `list` is sorted, then used as scratch;
 * *added says how many were new. Failures as eni6_blocks_occupy. */
int eni6_blocks_load(struct eni6_blocks *pool, struct eni6_prefix *list, size_t size, size_t *added,
                     struct eni6_error *error);

/* Finds the lowest free block of that length, without taking it: at or after
 * `from`, then from the beginning; NULL means from the beginning. -ENOSPC when
 * there is none. */
int eni6_blocks_find(const struct eni6_blocks *pool, unsigned length, const struct eni6_ip6 *from,
                     struct eni6_prefix *found, struct eni6_error *error);

/* Finds it and takes it. */
int eni6_blocks_allocate(struct eni6_blocks *pool, unsigned length, const struct eni6_ip6 *from,
                         struct eni6_prefix *taken, struct eni6_error *error);

/* Gives back a block, as it was taken. -ENOENT when it is not taken so; needs no
 * memory. */
int eni6_blocks_release(struct eni6_blocks *pool, const struct eni6_prefix *block,
                        struct eni6_error *error);

/* Whether this very block is taken. */
bool eni6_blocks_contains(const struct eni6_blocks *pool, const struct eni6_prefix *block);

/* The first taken block that shares an address with this one, if any. */
bool eni6_blocks_overlapping(const struct eni6_blocks *pool, const struct eni6_prefix *block,
                             struct eni6_prefix *found);

/* The first taken block with an address at or after `from`, if any. To go on
 * from there, ask for the address after its last; the pool may change between. */
bool eni6_blocks_next(const struct eni6_blocks *pool, const struct eni6_ip6 *from,
                      struct eni6_prefix *found);

/* Addresses taken and free: up to 2^64. */
struct eni6_u128 eni6_blocks_used(const struct eni6_blocks *pool);
struct eni6_u128 eni6_blocks_free(const struct eni6_blocks *pool);

/* The length of the largest free block; -1 when nothing is free. */
int eni6_blocks_largest(const struct eni6_blocks *pool);

/* Bytes allocated for the pool, besides the struct itself. */
size_t eni6_blocks_memory(const struct eni6_blocks *pool);

ENI6_PUBLIC_END

#endif
