/* Hands out blocks of addresses from a prefix, around those that are taken.
 *
 *   cc allocate.c -o allocate $(pkg-config --cflags --libs eni6)
 *   ./allocate 2001:db8::/64 126 3 2001:db8::/125 2001:db8::c/126
 *
 * prints three free blocks of four addresses each, the lowest that there are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <eni6/blocks.h>

/* Takes the blocks that the command line names. */
static int occupy(struct eni6_blocks *pool, char **texts, struct eni6_error *error) {
  struct eni6_prefix block;
  int status = 0;
  for (; status == 0 && *texts; texts++) {
    status = eni6_prefix_parse(&block, *texts, strlen(*texts), error);
    if (status == 0) status = eni6_blocks_occupy(pool, &block, error);
  }
  return status;
}

static int allocate(struct eni6_blocks *pool, unsigned length, int count,
                    struct eni6_error *error) {
  struct eni6_prefix block;
  char text[ENI6_PREFIX_TEXT_SIZE];
  int status = 0;
  while (status == 0 && count-- > 0) {
    status = eni6_blocks_allocate(pool, length, NULL, &block, error);
    if (status == 0) eni6_prefix_format(&block, text), puts(text);
  }
  return status;
}

int main(int argc, char **argv) {
  if (argc < 4) return fprintf(stderr, "usage: allocate PREFIX LENGTH COUNT [TAKEN...]\n"), 2;
  struct eni6_blocks pool = {0};
  struct eni6_prefix prefix;
  struct eni6_error error;
  int status = eni6_prefix_parse(&prefix, argv[1], strlen(argv[1]), &error);
  if (status == 0) status = eni6_blocks_open(&pool, &prefix, NULL, &error);
  if (status == 0) status = occupy(&pool, argv + 4, &error);
  if (status == 0) status = allocate(&pool, (unsigned)atoi(argv[2]), atoi(argv[3]), &error);
  if (status != 0) fprintf(stderr, "allocate: %s (%s)\n", error.message, error.code);
  eni6_blocks_close(&pool);
  return status != 0;
}
