#define _GNU_SOURCE
/* Percent-encoding and paths, each against what must hold of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer when something that must hold does not. */
static void require(bool holds) {
  if (!holds) abort();
}

/* Memory of exactly the promised size, so that the sanitizer sees one byte more. */
static char *room(size_t size) {
  char *memory = malloc(size > 0 ? size : 1);
  require(memory != NULL);
  return memory;
}

static struct eni6_text text(const char *data, size_t size) {
  return (struct eni6_text){data, size};
}

/* What is encoded decodes to itself, and is in the one normal form. */
static void encode_and_back(struct eni6_text input, bool keep_slash) {
  char *encoded = room(3 * input.size), *again = room(9 * input.size);
  size_t size = eni6_uri_encode(encoded, input, keep_slash);
  require(eni6_uri_is_well_formed(text(encoded, size)));
  size_t same = eni6_uri_recode(again, text(encoded, size), keep_slash);
  require(eni6_text_equal(text(again, same), text(encoded, size)));
  size = eni6_uri_decode(encoded, text(encoded, size), false); /* in place */
  require(eni6_text_equal(text(encoded, size), input));
  free(encoded);
  free(again);
}

/* The normal form is its own normal form, and means the same. */
static void recode_twice(struct eni6_text input) {
  char *once = room(3 * input.size), *twice = room(9 * input.size), *plain = room(input.size);
  size_t size = eni6_uri_recode(once, input, false);
  size_t same = eni6_uri_recode(twice, text(once, size), false);
  require(eni6_text_equal(text(once, size), text(twice, same)));
  size_t length = eni6_uri_decode(plain, input, false);
  size = eni6_uri_decode(once, text(once, size), false);
  require(eni6_text_equal(text(plain, length), text(once, size)));
  free(once);
  free(twice);
  free(plain);
}

/* A normal path starts with a slash, has no segment to resolve, and stays as it is. */
static void normalize_twice(struct eni6_text input) {
  char *once = room(input.size + 1), *twice = room(input.size + 2);
  size_t size = eni6_uri_normalize_path(once, input);
  require(size > 0 && once[0] == '/');
  require(!memmem(once, size, "//", 2) && !memmem(once, size, "/./", 3) &&
          !memmem(once, size, "/../", 4));
  size_t same = eni6_uri_normalize_path(twice, text(once, size));
  require(eni6_text_equal(text(once, size), text(twice, same)));
  free(once);
  free(twice);
}

/* The parameters, joined again, are the query without what is empty in it. */
static void split_and_join(struct eni6_text input) {
  struct eni6_text path, query, name, value;
  eni6_uri_split(input, &path, &query);
  require(path.size + query.size + (query.data ? 1 : 0) == input.size);
  size_t marks = 0, bytes = 0, ends = query.size;
  for (size_t i = 0; i < query.size; i++)
    marks += query.data[i] == '&';
  while (eni6_uri_next_parameter(&query, &name, &value)) {
    require(!memchr(name.data, '=', name.size) && !memchr(value.data, '&', value.size));
    bool has_mark = value.data > name.data + name.size;
    require(name.size + value.size + has_mark > 0);
    bytes += name.size + value.size + has_mark;
  }
  require(bytes + marks == ends);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct eni6_text input = text((const char *)data, size);
  encode_and_back(input, false);
  encode_and_back(input, true);
  recode_twice(input);
  normalize_twice(input);
  split_and_join(input);
  return 0;
}
