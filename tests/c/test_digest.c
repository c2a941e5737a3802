#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base64.h"
#include "digest.h"

static struct eni6_text text(const char *string) {
  return (struct eni6_text){string, strlen(string)};
}

static int set_up(void **state) {
  struct eni6_sha256 *sha256 = calloc(1, sizeof *sha256);
  *state = sha256;
  return eni6_sha256_open(sha256, NULL);
}

static int tear_down(void **state) {
  eni6_sha256_close(*state);
  eni6_sha256_close(*state); /* safe twice */
  free(*state);
  return 0;
}

/* The examples of FIPS 180-4. */
static void hashes(void **state) {
  static const struct {
    const char *data, *hex;
  } cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char hex[ENI6_SHA256_HEX_SIZE + 1] = {0};
    assert_int_equal(eni6_sha256_hex(*state, text(cases[i].data), hex, NULL), 0);
    assert_string_equal(hex, cases[i].hex);
  }
}

/* The examples of FIPS 180-4. */
static void hashes_for_names(void **state) {
  static const struct {
    const char *data, *hex;
  } cases[] = {
      {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char hex[ENI6_SHA1_HEX_SIZE + 1] = {0};
    assert_int_equal(eni6_sha1_hex(text(cases[i].data), hex, NULL), 0);
    assert_string_equal(hex, cases[i].hex);
  }
}

static void assert_code(struct eni6_sha256 *sha256, struct eni6_text key, struct eni6_text data,
                        const char *expected) {
  struct eni6_hmac hmac = {0};
  unsigned char code[ENI6_SHA256_SIZE];
  char hex[ENI6_SHA256_HEX_SIZE + 1] = {0};
  assert_int_equal(eni6_hmac_key(&hmac, sha256, key, NULL), 0);
  for (int again = 0; again < 2; again++) { /* a key serves more than once */
    assert_int_equal(eni6_hmac_sign(&hmac, sha256, data, code, NULL), 0);
    eni6_sha256_encode(hex, code);
    assert_string_equal(hex, expected);
  }
  eni6_hmac_close(&hmac);
  eni6_hmac_close(&hmac);
}

/* RFC 4231's test cases 1, 2, 4 and 6: short keys, and one longer than a block. */
static void authenticates(void **state) {
  char key[131];
  memset(key, 0x0b, 20);
  assert_code(*state, (struct eni6_text){key, 20}, text("Hi There"),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  assert_code(*state, text("Jefe"), text("what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  memset(key, 0xaa, sizeof key);
  assert_code(*state, (struct eni6_text){key, sizeof key},
              text("Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  assert_code(*state, text(""), text(""),
              "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void keys_again(void **state) {
  struct eni6_hmac hmac = {0};
  unsigned char first[ENI6_SHA256_SIZE], second[ENI6_SHA256_SIZE];
  assert_int_equal(eni6_hmac_key(&hmac, *state, text("one"), NULL), 0);
  assert_int_equal(eni6_hmac_sign(&hmac, *state, text("data"), first, NULL), 0);
  assert_int_equal(eni6_hmac_key(&hmac, *state, text("two"), NULL), 0);
  assert_int_equal(eni6_hmac_sign(&hmac, *state, text("data"), second, NULL), 0);
  assert_memory_not_equal(first, second, sizeof first);
  assert_int_equal(eni6_hmac_key(&hmac, *state, text("one"), NULL), 0);
  assert_int_equal(eni6_hmac_sign(&hmac, *state, text("data"), second, NULL), 0);
  assert_memory_equal(first, second, sizeof first);
  eni6_hmac_close(&hmac);
}

static void compares_secrets(void **state) {
  (void)state;
  assert_true(eni6_text_equal_secret(text("abc"), text("abc")));
  assert_true(eni6_text_equal_secret(text(""), text("")));
  assert_false(eni6_text_equal_secret(text("abc"), text("abd")));
  assert_false(eni6_text_equal_secret(text("abc"), text("ab")));
}

/* What grows is copied, and what was left behind is wiped and freed. */
static void grows_a_buffer(void **state) {
  (void)state;
  struct eni6_buffer buffer = {0};
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(eni6_buffer_reserve(&buffer, 3, NULL), 0);
    eni6_buffer_put(&buffer, text("abc"));
  }
  assert_int_equal(buffer.size, 3000);
  for (size_t i = 0; i < buffer.size; i++)
    assert_int_equal(buffer.data[i], "abc"[i % 3]);
  struct eni6_error error;
  assert_true(eni6_buffer_reserve(&buffer, SIZE_MAX - 100, &error) < 0);
  assert_string_equal(error.code, "ENOMEM");
  assert_int_equal(buffer.size, 3000);
  eni6_buffer_free(&buffer);
  assert_null(buffer.data);
  eni6_buffer_free(&buffer);
}

static void assert_decodes(const char *encoded, const char *expected) {
  unsigned char out[64];
  size_t size;
  assert_int_equal(eni6_base64_decode(out, &size, text(encoded), NULL), 0);
  assert_int_equal(size, strlen(expected));
  assert_memory_equal(out, expected, size);
}

/* RFC 4648's test vectors, both ways. */
static void base64_both_ways(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[16] = {0};
    eni6_base64_encode(out, text(cases[i][0]));
    assert_string_equal(out, cases[i][1]);
    assert_int_equal(eni6_base64_size(strlen(cases[i][0])), strlen(cases[i][1]));
    assert_decodes(cases[i][1], cases[i][0]);
  }
  assert_decodes(" Zm9v\r\n\tYmFy ", "foobar");
}

static void base64_refuses(void **state) {
  (void)state;
  static const char *const wrong[] = {"Z",    "Zg",   "Zg=",  "=",    "Zg===",    "Zm=v",  "Zm9v!",
                                      "Zm-_", "Zh==", "Zm9=", "====", "Zg==Zg==", "Zg==Z", "Zm9vY"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    unsigned char out[64];
    size_t size;
    struct eni6_error error;
    assert_true(eni6_base64_decode(out, &size, text(wrong[i]), &error) < 0);
    assert_string_equal(error.code, "EINVAL");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hashes_for_names),
      cmocka_unit_test_setup_teardown(hashes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(authenticates, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keys_again, set_up, tear_down),
      cmocka_unit_test(compares_secrets),
      cmocka_unit_test(grows_a_buffer),
      cmocka_unit_test(base64_both_ways),
      cmocka_unit_test(base64_refuses),
  };
  return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
