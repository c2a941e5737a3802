#include "trie.h"

#include <errno.h>

#include "bucket.h"

enum {
  MOST_SLOTS = 65, /* on a path: the root's, and below each branch one of a smaller order */
};

struct branch {
  uint64_t base;     /* where its region begins */
  uint32_t child[2]; /* references; neither is 0 */
  int8_t largest[2]; /* order of the largest free block in each half, or -1 */
  uint8_t order;     /* of its region, 1 to 64 */
};

/* A place that holds a reference, and the region it answers for: all of the
 * universe, or half of a branch's. */
struct slot {
  uint32_t *reference;
  int8_t *largest;
  uint64_t base;
  unsigned order;
};

/* Whether a number is in the region of that order at base. */
static bool in_region(uint64_t number, uint64_t base, unsigned order) {
  return (number ^ base) <= low_bits(order);
}

/* --- references: 0, or an index shifted, the lowest bit telling a bucket ----------- */

static uint32_t to_reference(uint32_t index, bool bucket) {
  return (index + 1) << 1 | bucket;
}

static uint32_t to_index(uint32_t reference) {
  return (reference >> 1) - 1;
}

static bool is_bucket(uint32_t reference) {
  return reference & 1;
}

static struct branch *branch_at(const struct eni6_trie *trie, uint32_t reference) {
  return eni6_slab_at(&trie->branches, to_index(reference));
}

static struct bucket *bucket_at(const struct eni6_trie *trie, uint32_t reference) {
  return eni6_slab_at(&trie->buckets, to_index(reference));
}

/* Asks for all cache lines of a bucket at once, before they are read in turn. */
static void prefetch(const struct bucket *bucket) {
  for (size_t i = 0; i < sizeof *bucket; i += 64)
    __builtin_prefetch((const char *)bucket + i);
}

/* --- what is free below a reference ---------------------------------------------------- */

/* The order of the largest free block of a region, of which all that is taken is
 * below the reference. */
static int region_largest(const struct eni6_trie *trie, uint32_t reference, uint64_t base,
                          unsigned order) {
  if (!reference) return (int)order;
  if (is_bucket(reference)) return bucket_largest(bucket_at(trie, reference), base, order);
  const struct branch *branch = branch_at(trie, reference);
  if (branch->order < order) return (int)order - 1; /* the half that the branch is not in */
  return branch->largest[0] > branch->largest[1] ? branch->largest[0] : branch->largest[1];
}

/* The largest free order of a slot, looked up below it. */
static int slot_largest(const struct eni6_trie *trie, const struct slot *slot) {
  return region_largest(trie, *slot->reference, slot->base, slot->order);
}

/* Notes the largest free order of the slot at `depth`, and of those above. */
static void refresh(const struct eni6_trie *trie, struct slot *path, int depth, int largest) {
  while (*path[depth].largest != largest) {
    *path[depth].largest = (int8_t)largest;
    if (depth == 0) return;
    largest = slot_largest(trie, &path[--depth]);
  }
}

/* Follows a key down to the slot where its block belongs: one that is empty, or
 * holds a bucket, or a branch whose region the key is outside of. */
static int descend(struct eni6_trie *trie, uint64_t key, struct slot path[MOST_SLOTS]) {
  int depth = 0;
  path[0] = (struct slot){&trie->root, &trie->largest, 0, trie->order};
  for (;;) {
    uint32_t reference = *path[depth].reference;
    if (!reference) return depth;
    if (is_bucket(reference)) {
      prefetch(bucket_at(trie, reference));
      return depth;
    }
    struct branch *branch = branch_at(trie, reference);
    if (!in_region(key, branch->base, branch->order)) return depth;
    unsigned half = branch->order - 1u, side = key >> half & 1;
    path[++depth] = (struct slot){&branch->child[side], &branch->largest[side],
                                  branch->base | (uint64_t)side << half, half};
  }
}

/* --- adding ------------------------------------------------------------------------ */

/* Room for one branch and one bucket more: all that adding a block may need. */
static int reserve(struct eni6_trie *trie) {
  int status = eni6_slab_reserve(&trie->branches, &trie->allocator);
  if (status < 0) return status;
  status = eni6_slab_reserve(&trie->buckets, &trie->allocator);
  if (status < 0) eni6_slab_trim(&trie->branches, &trie->allocator);
  return status;
}

/* A new empty bucket, for which room was reserved. */
static uint32_t add_bucket(struct eni6_trie *trie) {
  uint32_t reference = to_reference(eni6_slab_push(&trie->buckets), true);
  bucket_at(trie, reference)->count = 0;
  return reference;
}

/* Puts a new branch into a slot: its region is the one that numbers a and b, which
 * differ, are in different halves of; what is below it is given by half. */
static void add_branch(struct eni6_trie *trie, struct slot *slot, uint64_t a, uint64_t b,
                       uint32_t low, uint32_t high) {
  unsigned half = (unsigned)highest_bit(a ^ b);
  uint32_t reference = to_reference(eni6_slab_push(&trie->branches), false);
  struct branch *branch = branch_at(trie, reference);
  *branch = (struct branch){
      .base = a & ~low_bits(half + 1), .child = {low, high}, .order = (uint8_t)(half + 1)};
  uint64_t middle = branch->base | (uint64_t)1 << half;
  branch->largest[0] = (int8_t)region_largest(trie, low, branch->base, half);
  branch->largest[1] = (int8_t)region_largest(trie, high, middle, half);
  *slot->reference = reference;
}

/* The first block of all. */
static int insert_first(struct eni6_trie *trie, struct slot *slot, struct eni6_span span) {
  int status = eni6_slab_reserve(&trie->buckets, &trie->allocator);
  if (status < 0) return status;
  *slot->reference = add_bucket(trie);
  bucket_insert(bucket_at(trie, *slot->reference), 0, span);
  return 0;
}

/* A block whose key is outside the branch at the slot: it comes beside the branch,
 * unless it is over all of it. */
static int insert_beside(struct eni6_trie *trie, struct slot *slot, struct eni6_span span) {
  uint32_t beside = *slot->reference;
  uint64_t base = branch_at(trie, beside)->base;
  if (in_region(base, span.key, span.order)) return -EEXIST;
  int status = reserve(trie);
  if (status < 0) return status;
  uint32_t single = add_bucket(trie);
  bucket_insert(bucket_at(trie, single), 0, span);
  if (span.key < base)
    add_branch(trie, slot, span.key, base, single, beside);
  else
    add_branch(trie, slot, span.key, base, beside, single);
  return 0;
}

/* One block too many for a bucket: a branch with two buckets takes its place. */
static int insert_splitting(struct eni6_trie *trie, struct slot *slot, struct eni6_span span) {
  int status = reserve(trie);
  if (status < 0) return status;
  uint32_t low = *slot->reference, high = add_bucket(trie);
  struct bucket *full = bucket_at(trie, low), *upper = bucket_at(trie, high);
  uint64_t first = full->keys[0], last = full->keys[full->count - 1];
  if (span.key < first) first = span.key;
  if (span.key > last) last = span.key;
  uint64_t middle = last & ~low_bits((unsigned)highest_bit(first ^ last));
  bucket_move(upper, full, bucket_place(full, middle));
  struct bucket *bucket = span.key < middle ? full : upper;
  bucket_insert(bucket, bucket_place(bucket, span.key), span);
  add_branch(trie, slot, first, last, low, high);
  return 0;
}

/* A block more for a bucket. *largest stays what it is unless that may have been
 * where the block came. */
static int insert_into_bucket(struct eni6_trie *trie, struct slot *slot, struct eni6_span span,
                              int *largest) {
  struct bucket *bucket = bucket_at(trie, *slot->reference);
  unsigned at = bucket_place(bucket, span.key);
  if (bucket_overlaps(bucket, at, span)) return -EEXIST;
  int gap = highest_bit(bucket_gap(bucket, at, slot->base, slot->order));
  if (bucket->count == BUCKET_SIZE) {
    int status = insert_splitting(trie, slot, span);
    if (status < 0) return status;
  } else {
    bucket_insert(bucket, at, span);
  }
  if (gap == *largest) *largest = slot_largest(trie, slot);
  return 0;
}

/* Adds a block below the slot that it belongs to; *largest is the slot's largest
 * free order, before and after. */
static int insert_below(struct eni6_trie *trie, struct slot *slot, struct eni6_span span,
                        int *largest) {
  uint32_t reference = *slot->reference;
  if (is_bucket(reference)) return insert_into_bucket(trie, slot, span, largest);
  int status = reference ? insert_beside(trie, slot, span) : insert_first(trie, slot, span);
  if (status == 0) *largest = slot_largest(trie, slot);
  return status;
}

int eni6_trie_insert(struct eni6_trie *trie, struct eni6_span span) {
  struct slot path[MOST_SLOTS];
  int depth = descend(trie, span.key, path);
  int largest = *path[depth].largest;
  int status = insert_below(trie, &path[depth], span, &largest);
  if (status < 0) return status;
  refresh(trie, path, depth, largest);
  trie->count++;
  trie->used += eni6_span_last(span) - span.key + 1;
  return 0;
}

/* --- removing ---------------------------------------------------------------------- */

/* The place that holds a reference; a number of its region leads there. */
static uint32_t *find_holder(struct eni6_trie *trie, uint32_t reference, uint64_t number) {
  uint32_t *holder = &trie->root;
  while (*holder != reference) {
    struct branch *branch = branch_at(trie, *holder);
    holder = &branch->child[number >> (branch->order - 1) & 1];
  }
  return holder;
}

/* Frees a bucket that nothing refers to: the last one takes its place. */
static void free_bucket(struct eni6_trie *trie, uint32_t reference) {
  uint32_t last = to_reference(trie->buckets.count - 1, true);
  if (last != reference) {
    const struct bucket *moved = bucket_at(trie, last);
    *find_holder(trie, last, moved->keys[0]) = reference;
    *bucket_at(trie, reference) = *moved;
  }
  eni6_slab_pop(&trie->buckets, &trie->allocator);
}

/* The same for a branch. */
static void free_branch(struct eni6_trie *trie, uint32_t reference) {
  uint32_t last = to_reference(trie->branches.count - 1, false);
  if (last != reference) {
    const struct branch *moved = branch_at(trie, last);
    *find_holder(trie, last, moved->base) = reference;
    *branch_at(trie, reference) = *moved;
  }
  eni6_slab_pop(&trie->branches, &trie->allocator);
}

/* What a removal made superfluous; 0 for nothing. */
struct remains {
  uint32_t bucket, branch;
};

/* Unhooks what the slot at `depth` no longer needs: its bucket when that is
 * empty, and the branch above when one bucket holds all that is left below it. */
static struct remains prune(struct eni6_trie *trie, struct slot *path, int depth) {
  uint32_t reference = *path[depth].reference;
  struct bucket *bucket = bucket_at(trie, reference);
  if (depth == 0) {
    if (bucket->count > 0) return (struct remains){0, 0};
    *path[0].reference = 0;
    return (struct remains){reference, 0};
  }
  uint32_t above = *path[depth - 1].reference;
  const struct branch *branch = branch_at(trie, above);
  uint32_t other = branch->child[branch->child[0] == reference];
  if (is_bucket(other)) {
    struct bucket *low = bucket_at(trie, branch->child[0]),
                  *high = bucket_at(trie, branch->child[1]);
    if (low->count + high->count > BUCKET_SIZE) return (struct remains){0, 0};
    bucket_move(low, high, 0);
    *path[depth - 1].reference = branch->child[0];
    return (struct remains){branch->child[1], above};
  }
  if (bucket->count > 0) return (struct remains){0, 0};
  *path[depth - 1].reference = other;
  return (struct remains){reference, above};
}

/* Removes the block at a place of the bucket at the end of a path. */
static void remove_at(struct eni6_trie *trie, struct slot *path, int depth, unsigned at) {
  struct bucket *bucket = bucket_at(trie, *path[depth].reference);
  bucket_remove(bucket, at);
  struct remains remains = prune(trie, path, depth);
  if (!remains.bucket) {
    int largest = *path[depth].largest;
    int gap = highest_bit(bucket_gap(bucket, at, path[depth].base, path[depth].order));
    refresh(trie, path, depth, gap > largest ? gap : largest);
    return;
  }
  if (remains.branch) depth--;
  refresh(trie, path, depth, slot_largest(trie, &path[depth]));
  free_bucket(trie, remains.bucket);
  if (remains.branch) free_branch(trie, remains.branch);
}

int eni6_trie_remove(struct eni6_trie *trie, struct eni6_span span) {
  struct slot path[MOST_SLOTS];
  int depth = descend(trie, span.key, path);
  uint32_t reference = *path[depth].reference;
  if (!is_bucket(reference)) return -ENOENT;
  const struct bucket *bucket = bucket_at(trie, reference);
  unsigned at = bucket_place(bucket, span.key);
  if (at == bucket->count || bucket->keys[at] != span.key || bucket->orders[at] != span.order)
    return -ENOENT;
  remove_at(trie, path, depth, at);
  trie->count--;
  trie->used -= eni6_span_last(span) - span.key + 1;
  return 0;
}

/* --- looking ----------------------------------------------------------------------- */

/* A region, and the reference below which is all that is taken of it. */
struct place {
  uint32_t reference;
  struct eni6_span region;
};

/* Lists the parts of a branch's region in which a block of `order` may be free at
 * or after `from`, lowest first: the halves, and what comes after the branch. Ends
 * with one that is all at or after `from`, so that a block is free there; of one
 * before it may turn out that only what is before `from` is free. */
static unsigned list_places(const struct branch *branch, struct eni6_span region, unsigned order,
                            uint64_t from, struct place places[2]) {
  unsigned count = 0, half = branch->order - 1u;
  for (unsigned side = 0; side < 2; side++) {
    struct eni6_span part = {branch->base | (uint64_t)side << half, half};
    if (branch->largest[side] < (int)order || from > eni6_span_last(part)) continue;
    places[count++] = (struct place){branch->child[side], part};
    if (from <= part.key) return count;
  }
  /* Where a block begins that is past the branch, which may be smaller than it. */
  uint64_t next = (branch->base | low_bits(branch->order > order ? branch->order : order)) + 1;
  if (next != 0 && next <= eni6_span_last(region))
    places[count++] = (struct place){0, {next, order}};
  return count;
}

/* Goes down to the lowest place, and keeps one other for when nothing is free in it
 * at or after `from`: the deepest, as that is the lowest, and there it will be. */
bool eni6_trie_search(const struct eni6_trie *trie, unsigned order, uint64_t from, uint64_t *key) {
  uint64_t start = (from + low_bits(order)) & ~low_bits(order);
  struct place places[2], here = {trie->root, {0, trie->order}}, other = here;
  bool has_other = false;
  if (start < from || start > low_bits(trie->order) || trie->largest < (int)order) return false;
  for (;;) {
    *key = start > here.region.key ? start : here.region.key;
    if (!here.reference) return true;
    unsigned count = 0;
    if (is_bucket(here.reference)) {
      const struct bucket *bucket = bucket_at(trie, here.reference);
      prefetch(bucket);
      if (bucket_search(bucket, eni6_span_last(here.region), order, *key, key)) return true;
    } else {
      const struct branch *branch = branch_at(trie, here.reference);
      if (*key < branch->base && branch->base - *key > low_bits(order)) return true;
      count = list_places(branch, here.region, order, *key, places);
    }
    if (count == 0 && !has_other) return false;
    here = count > 0 ? places[0] : other;
    if (count > 0) has_other = has_other || count > 1;
    if (count > 1) other = places[1];
  }
}

bool eni6_trie_next(const struct eni6_trie *trie, uint64_t position, struct eni6_span *found) {
  uint32_t reference = trie->root, after = 0; /* all below `after` is past the position */
  while (reference) {
    if (is_bucket(reference)) {
      if (bucket_next(bucket_at(trie, reference), position, found)) return true;
      reference = after;
      after = 0;
      continue;
    }
    const struct branch *branch = branch_at(trie, reference);
    if (position < branch->base) position = branch->base;
    if (!in_region(position, branch->base, branch->order)) {
      reference = after;
      after = 0;
      continue;
    }
    unsigned side = position >> (branch->order - 1) & 1;
    if (side == 0) after = branch->child[1];
    reference = branch->child[side];
  }
  return false;
}

/* --- opening and closing ------------------------------------------------------------- */

void eni6_trie_open(struct eni6_trie *trie, unsigned order,
                    const struct eni6_allocator *allocator) {
  *trie = (struct eni6_trie){
      .allocator = *allocator,
      .branches = {.item_size = sizeof(struct branch), .page_shift = 6},
      .buckets = {.item_size = sizeof(struct bucket), .page_shift = 4},
      .largest = (int8_t)order,
      .order = (uint8_t)order,
  };
}

void eni6_trie_close(struct eni6_trie *trie) {
  eni6_slab_clear(&trie->branches, &trie->allocator);
  eni6_slab_clear(&trie->buckets, &trie->allocator);
  trie->root = 0;
  trie->largest = (int8_t)trie->order;
  trie->count = trie->used = 0;
}

/* --- verifying ------------------------------------------------------------------------ */

/* What has been seen below a reference. */
struct tally {
  uint64_t blocks, used;
  uint32_t buckets, branches;
};

static const char *verify_bucket(const struct bucket *bucket, struct eni6_span region,
                                 struct tally *tally) {
  if (bucket->count == 0 || bucket->count > BUCKET_SIZE) return "a bucket is empty or too full";
  for (unsigned i = 0; i < bucket->count; i++) {
    struct eni6_span span = bucket_get(bucket, i);
    if (span.key & low_bits(span.order)) return "a block is not aligned";
    if (span.key < region.key || eni6_span_last(span) > eni6_span_last(region))
      return "a block is outside its region";
    if (i > 0 && span.key <= eni6_span_last(bucket_get(bucket, i - 1)))
      return "blocks overlap or are out of order";
    tally->used += eni6_span_last(span) - span.key + 1;
  }
  tally->blocks += bucket->count;
  tally->buckets++;
  return NULL;
}

static const char *verify_region(const struct eni6_trie *trie, uint32_t reference, int largest,
                                 struct eni6_span region, struct tally *tally);

static const char *verify_branch(const struct eni6_trie *trie, const struct branch *branch,
                                 struct eni6_span region, struct tally *tally) {
  uint64_t before = tally->blocks;
  if (branch->order == 0 || branch->order > region.order ||
      !in_region(branch->base, region.key, region.order))
    return "a branch is outside its region";
  if (branch->base & low_bits(branch->order)) return "a branch is not aligned";
  for (unsigned side = 0; side < 2; side++) {
    unsigned half = branch->order - 1u;
    struct eni6_span part = {branch->base | (uint64_t)side << half, half};
    if (!branch->child[side]) return "a branch has one side";
    const char *wrong =
        verify_region(trie, branch->child[side], branch->largest[side], part, tally);
    if (wrong) return wrong;
  }
  tally->branches++;
  return tally->blocks - before > BUCKET_SIZE ? NULL : "a branch is over what a bucket would hold";
}

/* Looks at all below a reference, and whether the largest free order kept for it
 * is what it should be. */
static const char *verify_region(const struct eni6_trie *trie, uint32_t reference, int largest,
                                 struct eni6_span region, struct tally *tally) {
  const char *wrong = !reference ? NULL
                      : is_bucket(reference)
                          ? verify_bucket(bucket_at(trie, reference), region, tally)
                          : verify_branch(trie, branch_at(trie, reference), region, tally);
  if (wrong) return wrong;
  bool right = region_largest(trie, reference, region.key, region.order) == largest;
  return right ? NULL : "a largest free order is out of date";
}

const char *eni6_trie_verify(const struct eni6_trie *trie) {
  struct tally tally = {0};
  const char *wrong =
      verify_region(trie, trie->root, trie->largest, (struct eni6_span){0, trie->order}, &tally);
  if (wrong) return wrong;
  if (tally.blocks != trie->count || tally.used != trie->used) return "a count is wrong";
  if (tally.buckets != trie->buckets.count || tally.branches != trie->branches.count)
    return "a bucket or branch is lost";
  return NULL;
}
