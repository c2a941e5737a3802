#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "sigv4.h"

/* The key and the time of AWS's published test suite. */
static const struct eni6_credentials example = {
    {"AKIDEXAMPLE", 11}, {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40},
    {NULL, 0},           {"us-east-1", 9},
    {"service", 7},
};

static const struct eni6_header host[] = {{{"Host", 4}, {"example.amazonaws.com", 21}}};

static struct eni6_text text(const char *string) {
  return (struct eni6_text){string, strlen(string)};
}

static struct eni6_sigv4_request get(const char *uri) {
  return (struct eni6_sigv4_request){.method = {"GET", 3},
                                     .uri = text(uri),
                                     .headers = host,
                                     .header_count = 1,
                                     .time = 1440938160,
                                     .expires = 3600};
}

#define ASSERT_TEXT(actual, expected)                                                              \
  do {                                                                                             \
    struct eni6_text text_ = (actual);                                                             \
    assert_int_equal(text_.size, strlen(expected));                                                \
    assert_memory_equal(text_.data, (expected), text_.size);                                       \
  } while (0)

static int set_up(void **state) {
  static struct eni6_signer signer; /* of this test program, not of the core */
  *state = &signer;
  return eni6_signer_open(&signer, &example, NULL);
}

static int tear_down(void **state) {
  eni6_signer_close(*state);
  eni6_signer_close(*state); /* safe twice */
  return 0;
}

static void signs_get_vanilla(void **state) {
  struct eni6_sigv4_request request = get("/");
  struct eni6_signed result;
  assert_int_equal(eni6_signer_sign(*state, &request, &result, NULL), 0);
  ASSERT_TEXT(result.canonical_request,
              "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
              "host;x-amz-date\n"
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  ASSERT_TEXT(result.string_to_sign,
              "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
              "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
  ASSERT_TEXT(result.authorization,
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
              "SignedHeaders=host;x-amz-date, "
              "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  assert_int_equal(result.session_token.size, 0);
  assert_int_equal(result.content_sha256.size, 0);
}

static void presigns(void **state) {
  struct eni6_sigv4_request request = get("/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1");
  struct eni6_signed result;
  assert_int_equal(eni6_signer_presign(*state, &request, &result, NULL), 0);
  ASSERT_TEXT(result.uri,
              "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1&X-Amz-Algorithm=AWS4-HMAC-SHA256&"
              "X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&"
              "X-Amz-Date=20150830T123600Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&"
              "X-Amz-Signature=c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787");
}

/* The stages one by one give what the whole gives. */
static void offers_each_stage(void **state) {
  struct eni6_signer *signer = *state;
  struct eni6_buffer string_to_sign = {0};
  struct eni6_signed result;
  struct eni6_sigv4_request request = get("/?b=2&a=1");
  char signature[ENI6_SHA256_HEX_SIZE + 1] = {0}, expected[ENI6_SHA256_HEX_SIZE + 1] = {0};
  assert_int_equal(eni6_signer_sign(signer, &request, &result, NULL), 0);
  memcpy(expected, result.signature.data, result.signature.size);
  assert_int_equal(eni6_sigv4_string_to_sign(&string_to_sign, &signer->sha256,
                                             text("20150830T123600Z"),
                                             text("20150830/us-east-1/service/aws4_request"),
                                             result.canonical_request, NULL),
                   0);
  assert_int_equal(eni6_signer_signature(signer,
                                         eni6_sigv4_scope(eni6_buffer_text(&string_to_sign)),
                                         eni6_buffer_text(&string_to_sign), signature, NULL),
                   0);
  assert_string_equal(signature, expected);
  eni6_buffer_free(&string_to_sign);
  assert_int_equal(eni6_sigv4_scope(text("no\nscope")).size, 0);
  assert_true(eni6_signer_signature(signer, text(""), text("x"), signature, NULL) < 0);
}

/* More scopes than the cache holds, again and again: the answers stay the same. */
static void remembers_keys_rightly(void **state) {
  char first[10][ENI6_SHA256_HEX_SIZE], string[64];
  for (int round = 0; round < 3; round++) {
    for (int scope = 0; scope < 10; scope++) {
      char signature[ENI6_SHA256_HEX_SIZE];
      snprintf(string, sizeof string, "2015083%d/r/s/aws4_request", scope);
      assert_int_equal(eni6_signer_signature(*state, text(string), text("x"), signature, NULL), 0);
      if (round == 0) memcpy(first[scope], signature, sizeof signature);
      assert_memory_equal(signature, first[scope], sizeof signature);
      if (scope > 0) assert_memory_not_equal(signature, first[scope - 1], sizeof signature);
    }
  }
}

static bool holds(const struct eni6_buffer *buffer, const char *needle) {
  return buffer->data && memmem(buffer->data, buffer->capacity, needle, strlen(needle));
}

/* After signing, neither the secret nor its plain key is in the signer's memory. */
static void keeps_no_secret(void **state) {
  struct eni6_signer *signer = *state;
  struct eni6_sigv4_request request = get("/");
  struct eni6_signed result;
  assert_int_equal(eni6_signer_sign(signer, &request, &result, NULL), 0);
  const char *secret = example.secret_access_key.data;
  assert_null(memmem(signer, sizeof *signer, secret, 40));
  assert_false(holds(&signer->credential, secret));
  assert_false(holds(&signer->output, secret));
  assert_false(holds(&signer->string_to_sign, secret));
  assert_false(holds(&signer->canonical.request, secret));
  for (size_t i = 0; i < ENI6_SIGV4_KEYS; i++)
    assert_false(holds(&signer->keys[i].scope, secret));
}

/* Every day of 1970 to 2400 and the edges, against the C library's calendar. */
static void writes_timestamps(void **state) {
  (void)state;
  char ours[ENI6_SIGV4_TIMESTAMP_SIZE + 1] = {0}, theirs[32];
  for (int64_t time = 0; time < INT64_C(13569465600); time += 86399) {
    time_t seconds = (time_t)time;
    struct tm parts;
    strftime(theirs, sizeof theirs, "%Y%m%dT%H%M%SZ", gmtime_r(&seconds, &parts));
    assert_int_equal(eni6_sigv4_timestamp(time, ours, NULL), 0);
    assert_string_equal(ours, theirs);
  }
  assert_int_equal(eni6_sigv4_timestamp(ENI6_SIGV4_TIME_MAX, ours, NULL), 0);
  assert_string_equal(ours, "99991231T235959Z");
  assert_true(eni6_sigv4_timestamp(-1, ours, NULL) < 0);
  assert_true(eni6_sigv4_timestamp(ENI6_SIGV4_TIME_MAX + 1, ours, NULL) < 0);
}

static void refuses_bad_credentials(void **state) {
  (void)state;
  static const struct {
    size_t field;
    const char *value, *word;
  } cases[] = {
      {offsetof(struct eni6_credentials, access_key_id), "", "access_key_id"},
      {offsetof(struct eni6_credentials, access_key_id), "A/B", "access_key_id"},
      {offsetof(struct eni6_credentials, access_key_id), "A\nB", "access_key_id"},
      {offsetof(struct eni6_credentials, secret_access_key), "", "secret_access_key"},
      {offsetof(struct eni6_credentials, secret_access_key), "hush\n", "secret_access_key"},
      {offsetof(struct eni6_credentials, session_token), "to ken", "session_token"},
      {offsetof(struct eni6_credentials, region), "us east", "region"},
      {offsetof(struct eni6_credentials, service), "a/b", "service"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct eni6_credentials credentials = example;
    struct eni6_signer signer;
    struct eni6_error error;
    *(struct eni6_text *)((char *)&credentials + cases[i].field) = text(cases[i].value);
    assert_true(eni6_signer_open(&signer, &credentials, &error) < 0);
    assert_non_null(strstr(error.message, cases[i].word));
    assert_null(strstr(error.message, "hush"));
    assert_null(signer.sha256.algorithm);
  }
}

/* Headers and parameters beyond every small array, in reverse order. */
static void takes_any_number(void **state) {
  enum { MANY = 3000 };
  static char names[MANY][16], uri[MANY * 16];
  static struct eni6_header headers[MANY + 1];
  size_t size = (size_t)snprintf(uri, sizeof uri, "/?");
  for (int i = 0; i < MANY; i++) {
    snprintf(names[i], sizeof names[i], "X-%05d", MANY - i);
    headers[i] = (struct eni6_header){text(names[i]), text("v")};
    size += (size_t)snprintf(uri + size, sizeof uri - size, "k%05d&", MANY - i);
  }
  headers[MANY] = host[0];
  struct eni6_sigv4_request request = get(uri);
  struct eni6_signed result;
  request.headers = headers;
  request.header_count = MANY + 1;
  assert_int_equal(eni6_signer_sign(*state, &request, &result, NULL), 0);
  assert_memory_equal(result.canonical_request.data, "GET\n/\nk00001=&k00002=&", 22);
  const char *first = memmem(result.canonical_request.data, result.canonical_request.size,
                             "\nhost:example.amazonaws.com\nx-00001:v\nx-00002:v\n", 48);
  assert_non_null(first);
}

static void closed_signer_is_empty(void **state) {
  (void)state;
  struct eni6_signer signer;
  assert_int_equal(eni6_signer_open(&signer, &example, NULL), 0);
  eni6_signer_close(&signer);
  static const struct eni6_signer closed;
  assert_memory_equal(&signer, &closed, sizeof signer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(signs_get_vanilla, set_up, tear_down),
      cmocka_unit_test_setup_teardown(presigns, set_up, tear_down),
      cmocka_unit_test_setup_teardown(offers_each_stage, set_up, tear_down),
      cmocka_unit_test_setup_teardown(remembers_keys_rightly, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_no_secret, set_up, tear_down),
      cmocka_unit_test_setup_teardown(takes_any_number, set_up, tear_down),
      cmocka_unit_test(writes_timestamps),
      cmocka_unit_test(refuses_bad_credentials),
      cmocka_unit_test(closed_signer_is_empty),
  };
  return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
