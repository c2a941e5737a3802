/* A dense array of equal items, kept in pages so that growing moves nothing.
 * Freeing an item means moving the last one into its place, which is the
 * owner's to do; so memory follows the number of items in both directions. */
#ifndef ENI6_SLAB_H
#define ENI6_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "eni6.h"

/* Where memory comes from: as lua_Alloc, so that a host's own may be used. A
 * new_size of 0 frees, and must not fail. */
struct eni6_allocator {
  void *(*resize)(void *state, void *pointer, size_t old_size, size_t new_size);
  void *state;
};

struct eni6_slab {
  char **pages;
  uint32_t page_count; /* pages held */
  uint32_t room;       /* pages that `pages` has room for */
  uint32_t count;      /* items in use */
  uint32_t item_size;
  uint32_t page_shift; /* a page holds 2^page_shift items */
};

/* Makes sure that the next push has room: 0, or -ENOMEM with nothing changed. */
int eni6_slab_reserve(struct eni6_slab *slab, const struct eni6_allocator *allocator);

/* Gives back memory that is not needed, save for a spare page if there are items. */
void eni6_slab_trim(struct eni6_slab *slab, const struct eni6_allocator *allocator);

/* Drops the last item, and trims. */
void eni6_slab_pop(struct eni6_slab *slab, const struct eni6_allocator *allocator);

/* Drops everything. */
void eni6_slab_clear(struct eni6_slab *slab, const struct eni6_allocator *allocator);

/* Bytes allocated. */
size_t eni6_slab_memory(const struct eni6_slab *slab);

static inline void *eni6_slab_at(const struct eni6_slab *slab, uint32_t index) {
  uint32_t place = index & (((uint32_t)1 << slab->page_shift) - 1);
  return slab->pages[index >> slab->page_shift] + (size_t)place * slab->item_size;
}

/* Takes the next item, for which room was reserved; its bytes are undefined. */
static inline uint32_t eni6_slab_push(struct eni6_slab *slab) {
  return slab->count++;
}

#endif
