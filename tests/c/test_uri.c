#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "uri.h"

static struct eni6_text text(const char *string) {
  return (struct eni6_text){string, strlen(string)};
}

#define ASSERT_TEXT(data, size, expected)                                                          \
  do {                                                                                             \
    assert_int_equal((size), strlen(expected));                                                    \
    assert_memory_equal((data), (expected), (size));                                               \
  } while (0)

static void encodes(void **state) {
  (void)state;
  char out[64];
  ASSERT_TEXT(out, eni6_uri_encode(out, text("a/b c+~"), false), "a%2Fb%20c%2B~");
  ASSERT_TEXT(out, eni6_uri_encode(out, text("a/b%2f"), true), "a/b%252f");
  ASSERT_TEXT(out, eni6_uri_encode(out, text("\xe1\x88\xb4"), false), "%E1%88%B4");
  assert_int_equal(eni6_uri_encode(out, text(""), false), 0);
}

/* Exactly the unreserved characters stand for themselves. */
static void encodes_every_byte(void **state) {
  (void)state;
  static const char unreserved[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (int byte = 0; byte < 256; byte++) {
    char in = (char)byte, out[3], back[3];
    size_t size = eni6_uri_encode(out, (struct eni6_text){&in, 1}, false);
    bool plain = byte != 0 && strchr(unreserved, byte);
    assert_int_equal(size, plain ? 1 : 3);
    assert_int_equal(eni6_uri_decode(back, (struct eni6_text){out, size}, false), 1);
    assert_int_equal(back[0], in);
  }
}

static void decodes(void **state) {
  (void)state;
  char out[64];
  ASSERT_TEXT(out, eni6_uri_decode(out, text("%41%2f%e1+"), false), "A/\xe1+");
  ASSERT_TEXT(out, eni6_uri_decode(out, text("a+b"), true), "a b");
  ASSERT_TEXT(out, eni6_uri_decode(out, text("%4"), false), "%4");
  ASSERT_TEXT(out, eni6_uri_decode(out, text("%zz%"), false), "%zz%");
  assert_true(eni6_uri_is_well_formed(text("%41b%Ff")));
  assert_false(eni6_uri_is_well_formed(text("%4")));
  assert_false(eni6_uri_is_well_formed(text("a%")));
  assert_false(eni6_uri_is_well_formed(text("%g1")));
}

/* An escaped slash stays one, whatever else is decoded. */
static void recodes(void **state) {
  (void)state;
  char out[64];
  ASSERT_TEXT(out, eni6_uri_recode(out, text("/a%2fb/%61@%7e"), true), "/a%2Fb/a%40~");
  ASSERT_TEXT(out, eni6_uri_recode(out, text("a+b/c"), false), "a%2Bb%2Fc");
  ASSERT_TEXT(out, eni6_uri_recode(out, text("100%"), false), "100%25");
}

static void normalizes_paths(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", "/"},
      {"/", "/"},
      {"//", "/"},
      {"/a", "/a"},
      {"/a/", "/a/"},
      {"a", "/a"},
      {"//a//b//", "/a/b/"},
      {"/./a/./b/.", "/a/b"},
      {"/a/b/..", "/a"},
      {"/a/b/../", "/a/"},
      {"/a/../..", "/"},
      {"/../../a", "/a"},
      {"/a/../../b", "/b"},
      {"/...", "/..."},
      {"/a%2F..%2Fb", "/a%2F..%2Fb"},
      {"/%2E%2E/a", "/%2E%2E/a"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[32];
    ASSERT_TEXT(out, eni6_uri_normalize_path(out, text(cases[i][0])), cases[i][1]);
  }
}

static void splits(void **state) {
  (void)state;
  struct eni6_text path, query;
  eni6_uri_split(text("/a?b?c"), &path, &query);
  ASSERT_TEXT(path.data, path.size, "/a");
  ASSERT_TEXT(query.data, query.size, "b?c");
  eni6_uri_split(text("/a"), &path, &query);
  ASSERT_TEXT(path.data, path.size, "/a");
  assert_null(query.data);
  eni6_uri_split(text(""), &path, &query);
  assert_int_equal(path.size, 0);
}

static void takes_parameters(void **state) {
  (void)state;
  static const char *const expected[][2] = {
      {"a", "1"}, {"b", ""}, {"", "x"}, {"c", "=d"}, {"a", ""}};
  struct eni6_text query = text("&a=1&&b&=x&c==d&a=&"), name, value;
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_true(eni6_uri_next_parameter(&query, &name, &value));
    ASSERT_TEXT(name.data, name.size, expected[i][0]);
    ASSERT_TEXT(value.data, value.size, expected[i][1]);
  }
  assert_false(eni6_uri_next_parameter(&query, &name, &value));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(encodes),          cmocka_unit_test(encodes_every_byte),
      cmocka_unit_test(decodes),          cmocka_unit_test(recodes),
      cmocka_unit_test(normalizes_paths), cmocka_unit_test(splits),
      cmocka_unit_test(takes_parameters),
  };
  return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
