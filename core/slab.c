#include "slab.h"

#include <errno.h>
#include <stdbool.h>

/* Indices are kept in 31 bits by those who use a slab. */
enum { MOST_ITEMS = 1 << 30 };

static size_t page_size(const struct eni6_slab *slab) {
  return (size_t)slab->item_size << slab->page_shift;
}

/* Gives the table of pages another size; false leaves it as it was. */
static bool resize_table(struct eni6_slab *slab, const struct eni6_allocator *allocator,
                         uint32_t room) {
  char **pages = allocator->resize(allocator->state, slab->pages, slab->room * sizeof *pages,
                                   room * sizeof *pages);
  if (!pages && room > 0) return false;
  slab->pages = pages;
  slab->room = room;
  return true;
}

static void drop_last_page(struct eni6_slab *slab, const struct eni6_allocator *allocator) {
  slab->page_count--;
  allocator->resize(allocator->state, slab->pages[slab->page_count], page_size(slab), 0);
}

/* Adds a page; what it allocated in vain stays for eni6_slab_trim. */
static int add_page(struct eni6_slab *slab, const struct eni6_allocator *allocator) {
  if (slab->page_count == slab->room &&
      !resize_table(slab, allocator, slab->room ? slab->room * 2 : 1))
    return -ENOMEM;
  char *page = allocator->resize(allocator->state, NULL, 0, page_size(slab));
  if (!page) return -ENOMEM;
  slab->pages[slab->page_count++] = page;
  return 0;
}

int eni6_slab_reserve(struct eni6_slab *slab, const struct eni6_allocator *allocator) {
  if (slab->count < slab->page_count << slab->page_shift) return 0;
  if (slab->count >= MOST_ITEMS) return -ENOMEM;
  int status = add_page(slab, allocator);
  if (status < 0) eni6_slab_trim(slab, allocator);
  return status;
}

void eni6_slab_trim(struct eni6_slab *slab, const struct eni6_allocator *allocator) {
  if (slab->count == 0) {
    eni6_slab_clear(slab, allocator);
    return;
  }
  /* One spare page stays, so that going to and fro over an edge costs nothing. */
  uint32_t needed = ((slab->count - 1) >> slab->page_shift) + 1;
  if (slab->page_count > needed + 1) drop_last_page(slab, allocator);
  if (slab->page_count < slab->room / 4) resize_table(slab, allocator, slab->room / 2);
}

void eni6_slab_pop(struct eni6_slab *slab, const struct eni6_allocator *allocator) {
  slab->count--;
  eni6_slab_trim(slab, allocator);
}

void eni6_slab_clear(struct eni6_slab *slab, const struct eni6_allocator *allocator) {
  while (slab->page_count > 0)
    drop_last_page(slab, allocator);
  if (slab->pages) resize_table(slab, allocator, 0);
  slab->count = 0;
}

size_t eni6_slab_memory(const struct eni6_slab *slab) {
  return slab->page_count * page_size(slab) + slab->room * sizeof *slab->pages;
}
