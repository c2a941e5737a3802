#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "icmp6.h"

static const struct eni6_icmp6_key key = {.id = 0x1234, .cookie = "eni6 key"};

enum { IPV6_HEADER = 40, ERROR_HEADER = 8 };

/* A reply to request number 7. */
static void write_reply(uint8_t bytes[ENI6_ICMP6_ECHO_MIN]) {
  eni6_icmp6_write_echo(bytes, ENI6_ICMP6_ECHO_MIN, &key, 7);
  bytes[0] = 129;
}

/* An error about request number 7 to 2001:db8::2; returns its size. */
static size_t write_error(uint8_t *bytes, uint8_t type, uint8_t code) {
  memset(bytes, 0, ERROR_HEADER + IPV6_HEADER);
  bytes[0] = type;
  bytes[1] = code;
  bytes[ERROR_HEADER] = 0x60;
  bytes[ERROR_HEADER + 6] = 58;
  memcpy(bytes + ERROR_HEADER + 24, (const uint8_t[]){0x20, 1, 0xd, 0xb8, [15] = 2}, 16);
  eni6_icmp6_write_echo(bytes + ERROR_HEADER + IPV6_HEADER, ENI6_ICMP6_ECHO_MIN, &key, 7);
  return ERROR_HEADER + IPV6_HEADER + ENI6_ICMP6_ECHO_MIN;
}

static void takes_its_own_replies_alone(void **state) {
  uint8_t bytes[ENI6_ICMP6_ECHO_MIN];
  struct eni6_icmp6_answer answer = {0};
  (void)state;
  write_reply(bytes);
  assert_int_equal(eni6_icmp6_read(bytes, sizeof bytes, &key, 64, &answer), 1);
  assert_int_equal(answer.kind, ENI6_ICMP6_REPLY);
  assert_int_equal(answer.sequence, 7);
  /* One bit elsewhere than in the checksum and the sequence number makes it another's. */
  for (size_t i = 0; i < sizeof bytes; i++) {
    if (i == 2 || i == 3 || i == 6 || i == 7) continue;
    bytes[i] ^= 1;
    assert_int_equal(eni6_icmp6_read(bytes, sizeof bytes, &key, 64, &answer), 0);
    bytes[i] ^= 1;
  }
  for (size_t size = 0; size < sizeof bytes; size++)
    assert_int_equal(eni6_icmp6_read(bytes, size, &key, 64, &answer), 0);
}

static void leaves_the_identifier_to_the_kernel_where_it_is_its(void **state) {
  uint8_t bytes[ENI6_ICMP6_ECHO_MIN];
  struct eni6_icmp6_answer answer = {0};
  struct eni6_icmp6_key any = key;
  (void)state;
  any.id = -1;
  write_reply(bytes);
  bytes[4] ^= 0xff;
  assert_int_equal(eni6_icmp6_read(bytes, sizeof bytes, &key, 64, &answer), 0);
  assert_int_equal(eni6_icmp6_read(bytes, sizeof bytes, &any, 64, &answer), 1);
}

static void maps_errors_as_tcp_does(void **state) {
  static const struct {
    uint8_t type, code;
    int status;
  } cases[] = {
      {1, 0, -ENETUNREACH},    {1, 1, -EACCES},         {1, 2, -EHOSTUNREACH},
      {1, 3, -EHOSTUNREACH},   {1, 4, -ECONNREFUSED},   {1, 5, -EACCES},
      {1, 6, -EACCES},         {1, 200, -EHOSTUNREACH}, {2, 0, -EMSGSIZE},
      {3, 0, -EHOSTUNREACH},   {3, 1, -EHOSTUNREACH},   {4, 0, -EPROTO},
      {100, 0, -EHOSTUNREACH},
  };
  uint8_t bytes[128];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct eni6_icmp6_answer answer = {0};
    size_t size = write_error(bytes, cases[i].type, cases[i].code);
    assert_int_equal(eni6_icmp6_read(bytes, size, &key, 64, &answer), 1);
    assert_int_equal(answer.kind, ENI6_ICMP6_ERROR);
    assert_int_equal(answer.status, cases[i].status);
    assert_int_equal(answer.sequence, 7);
    assert_int_equal(answer.target.bytes[15], 2);
    assert_non_null(answer.reason);
  }
}

static void takes_errors_about_its_own_requests_alone(void **state) {
  uint8_t bytes[128];
  struct eni6_icmp6_answer answer = {0};
  (void)state;
  size_t size = write_error(bytes, 1, 3);
  for (size_t cut = 0; cut < size; cut++)
    assert_int_equal(eni6_icmp6_read(bytes, cut, &key, 64, &answer), 0);
  static const size_t changed[] = {ERROR_HEADER, ERROR_HEADER + 6, ERROR_HEADER + IPV6_HEADER,
                                   ERROR_HEADER + IPV6_HEADER + 4, ERROR_HEADER + IPV6_HEADER + 9};
  for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
    bytes[changed[i]] ^= 0x80;
    assert_int_equal(eni6_icmp6_read(bytes, size, &key, 64, &answer), 0);
    bytes[changed[i]] ^= 0x80;
  }
}

static void reads_an_advertisement(void **state) {
  uint8_t bytes[40] = {136,      [4] = 0xe0, [8] = 0x20, 1, 0xd, 0xb8, [23] = 9, [24] = 14, 1,
                       [32] = 2, 1,          2,          0, 0,   0,    0,        1};
  struct eni6_icmp6_answer answer = {0};
  (void)state;
  assert_int_equal(eni6_icmp6_read(bytes, sizeof bytes, &key, 255, &answer), 1);
  assert_int_equal(answer.kind, ENI6_ICMP6_NEIGHBOUR);
  assert_true(answer.router && answer.solicited && answer.has_mac);
  assert_int_equal(answer.target.bytes[15], 9);
  assert_int_equal(answer.mac[5], 1);
  /* From beyond the link it is not believed. */
  assert_int_equal(eni6_icmp6_read(bytes, sizeof bytes, &key, 254, &answer), 0);
  assert_int_equal(eni6_icmp6_read(bytes, sizeof bytes, &key, -1, &answer), 0);
  /* An option of no length ends the options; one cut short is left alone. */
  bytes[25] = 0;
  assert_int_equal(eni6_icmp6_read(bytes, sizeof bytes, &key, 255, &answer), 1);
  assert_false(answer.has_mac);
  bytes[25] = 1;
  assert_int_equal(eni6_icmp6_read(bytes, 39, &key, 255, &answer), 1);
  assert_false(answer.has_mac);
}

static void solicits_with_its_own_address(void **state) {
  uint8_t bytes[ENI6_ICMP6_SOLICIT_SIZE];
  const struct eni6_ip6 target = {{0x20, 1, 0xd, 0xb8, [15] = 9}};
  const uint8_t mac[] = {2, 0, 0, 0, 0, 1};
  (void)state;
  assert_int_equal(eni6_icmp6_write_solicit(bytes, &target, mac), 32);
  assert_int_equal(bytes[0], 135);
  assert_memory_equal(bytes + 8, target.bytes, 16);
  assert_int_equal(bytes[24], 1);
  assert_int_equal(bytes[25], 1);
  assert_memory_equal(bytes + 26, mac, 6);
  assert_int_equal(eni6_icmp6_write_solicit(bytes, &target, NULL), 24);
}

static void closes_twice(void **state) {
  struct eni6_icmp6 icmp6;
  struct eni6_icmp6_options options = {.netns = -1, .link = "a link that is not there"};
  struct eni6_error error;
  (void)state;
  if (geteuid() == 0)
    assert_true(eni6_icmp6_open(&icmp6, &options, &error) < 0);
  else
    icmp6.fd = -1;
  assert_int_equal(icmp6.fd, -1);
  eni6_icmp6_close(&icmp6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_its_own_replies_alone),
      cmocka_unit_test(leaves_the_identifier_to_the_kernel_where_it_is_its),
      cmocka_unit_test(maps_errors_as_tcp_does),
      cmocka_unit_test(takes_errors_about_its_own_requests_alone),
      cmocka_unit_test(reads_an_advertisement),
      cmocka_unit_test(solicits_with_its_own_address),
      cmocka_unit_test(closes_twice),
  };
  return cmocka_run_group_tests_name("icmp6", tests, NULL, NULL);
}
