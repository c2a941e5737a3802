#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ip6.h"

static struct eni6_ip6 address(const char *text) {
  struct eni6_ip6 parsed;
  struct eni6_error error;
  if (eni6_ip6_parse(&parsed, text, strlen(text), &error) < 0) fail_msg("%s", error.message);
  return parsed;
}

static struct eni6_prefix prefix(const char *text) {
  struct eni6_prefix parsed;
  struct eni6_error error;
  if (eni6_prefix_parse(&parsed, text, strlen(text), &error) < 0) fail_msg("%s", error.message);
  return parsed;
}

static void assert_text(struct eni6_ip6 value, const char *expected) {
  char text[ENI6_IP6_TEXT_SIZE];
  assert_int_equal(eni6_ip6_format(&value, text), strlen(expected));
  assert_string_equal(text, expected);
}

static void reads_every_form_and_writes_the_canonical_one(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      /* RFC 4291, section 2.2 */
      {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
      {"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"},
      {"FF01:0:0:0:0:0:0:101", "ff01::101"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"0:0:0:0:0:0:13.1.68.3", "::d01:4403"},
      {"0:0:0:0:0:FFFF:129.144.52.38", "::ffff:129.144.52.38"},
      {"::FFFF:129.144.52.38", "::ffff:129.144.52.38"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"::ffff:a00:1", "::ffff:10.0.0.1"},
      {"::fffe:a00:1", "::fffe:a00:1"},
      /* RFC 5952, section 4 */
      {"2001:0db8::0001", "2001:db8::1"},
      {"2001:db8::0:1", "2001:db8::1"},
      {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"1::", "1::"},
      {"1:0:0:2::", "1:0:0:2::"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    assert_text(address(pairs[i][0]), pairs[i][1]);
}

static void assert_refused(const char *text, size_t size, const char *why) {
  struct eni6_ip6 value;
  struct eni6_error error;
  assert_int_equal(eni6_ip6_parse(&value, text, size, &error), -EINVAL);
  assert_string_equal(error.code, "EINVAL");
  if (!strstr(error.message, why)) fail_msg("\"%s\" lacks \"%s\"", error.message, why);
  assert_int_equal(eni6_ip6_parse(&value, text, size, NULL), -EINVAL);
}

static void says_what_is_wrong_with_a_text(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"", "the address is missing"},
      {" ::1", "begins with a space"},
      {"::1 ", "ends with a space"},
      {"::1\n", "ends with a space"},
      {":: 1", "a space inside"},
      {"[::1]", "without brackets"},
      {"fe80::1%eth0", "zone identifier \"%eth0\""},
      {"::1/64", "prefix length does not belong"},
      {"::12345", "group \"12345\" has more than four digits"},
      {"::00000", "group \"00000\" has more than four digits"},
      {"1::2::3", "two \"::\""},
      {"::1::", "two \"::\""},
      {":::", "\":::\""},
      {"1:::2", "\":::\""},
      {":", "begins with a single \":\""},
      {":1::", "begins with a single \":\""},
      {"1::2:", "ends with a single \":\""},
      {"1:2:3:4:5:6:7", "7 groups"},
      {"1", "it has 1 group;"},
      {"1:2:3:4:5:6:7:8:9", "more than eight groups"},
      {"1:2:3:4:5:6:7:8::", "stands for no group"},
      {"1:2:3:4::5:6:7:8", "stands for no group"},
      {"1:2:3:4:5:6:7:1.2.3.4", "more than eight groups"},
      {"10.0.0.1", "IPv4 address"},
      {"::1.2.3", "3 numbers instead of four"},
      {"::1.2.3.4.5", "5 numbers instead of four"},
      {"::1.2.3.", "a number is missing"},
      {"::1.2.3.256", "256 in its IPv4 part is above 255"},
      {"::1.2.3.99999999999999999999", "is above 255"},
      {"::1.2.3.04", "\"04\" in its IPv4 part has a leading zero"},
      {"::1.2.3.a", "\"a\" in its IPv4 part is not a decimal number"},
      {"::1.2.3.4:5", "not at its end"},
      {"::g", "\"g\" is not a hexadecimal digit"},
      {"::1-2", "\"-\" is not a hexadecimal digit"},
      {"\xc2\xb9::", "the byte 0xc2"},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    assert_refused(pairs[i][0], strlen(pairs[i][0]), pairs[i][1]);
  assert_refused("::1\0", 4, "the byte 0x00");
}

static void cuts_and_cleans_what_it_quotes(void **state) {
  (void)state;
  char text[5000];
  struct eni6_ip6 value;
  struct eni6_error error;
  memset(text, '\x1b', sizeof text);
  eni6_ip6_parse(&value, text, sizeof text, &error);
  assert_null(strchr(error.message, '\x1b'));
  memset(text, 'a', sizeof text);
  eni6_ip6_parse(&value, text, sizeof text, &error);
  assert_non_null(strstr(error.message, "a...\" has more than four digits"));
}

static void reads_prefixes(void **state) {
  (void)state;
  char text[ENI6_PREFIX_TEXT_SIZE];
  static const char *const good[] = {"::/0", "2001:db8::/64", "2001:db8::8/126", "::1/128",
                                     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct eni6_prefix value = prefix(good[i]);
    eni6_prefix_format(&value, text);
    assert_string_equal(text, good[i]);
  }
}

static void says_what_is_wrong_with_a_prefix(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"2001:db8::1/126", "host bits set; the prefix around it is 2001:db8::/126"},
      {"::1/0", "the prefix around it is ::/0"},
      {"::/0126", "\"0126\" has a leading zero"},
      {"::/129", "129 is above 128"},
      {"::/1280", "above 128"},
      {"::/4294967296", "above 128"},
      {"::/-1", "\"-1\" is not a decimal number"},
      {"::/+1", "not a decimal number"},
      {"::/64/64", "\"64/64\" is not a decimal number"},
      {"::/ffff::", "not a decimal number"},
      {"::/", "length after the \"/\" is missing"},
      {"::", "the length is missing"},
      {"::/64 ", "ends with a space"},
      {"::/ 64", "not a decimal number"},
      {"/64", "the address is missing"},
      {"fe80::%lo/64", "zone identifier"},
      {"10.0.0.0/8", "IPv4"},
  };
  struct eni6_prefix value;
  struct eni6_error error;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    const char *text = pairs[i][0];
    assert_int_equal(eni6_prefix_parse(&value, text, strlen(text), &error), -EINVAL);
    if (!strstr(error.message, pairs[i][1]))
      fail_msg("\"%s\" lacks \"%s\"", error.message, pairs[i][1]);
  }
}

static void an_interface_keeps_its_host_bits(void **state) {
  (void)state;
  struct eni6_prefix value;
  assert_int_equal(eni6_interface_parse(&value, "2001:db8::1/64", 14, NULL), 0);
  assert_text(value.address, "2001:db8::1");
  assert_int_equal(value.length, 64);
  assert_int_equal(eni6_interface_parse(&value, "2001:db8::1", 11, NULL), -EINVAL);
}

static void reads_mac_addresses(void **state) {
  (void)state;
  uint8_t mac[ENI6_MAC_SIZE];
  const uint8_t expected[ENI6_MAC_SIZE] = {0x12, 0xfb, 0xb4, 0x8b, 0x15, 0xf8};
  assert_int_equal(eni6_mac_parse(mac, "12:fb:B4:8b:15:f8", 17, NULL), 0);
  assert_memory_equal(mac, expected, sizeof mac);
  assert_int_equal(eni6_mac_parse(mac, "12-fb-b4-8b-15-f8", 17, NULL), 0);
  static const char *const bad[] = {"12:fb:b4:8b:15-f8",    "12:fb:b4:8b:15:f",
                                    "12.fb.b4.8b.15.f8",    "12:fb:b4:8b:15:fg",
                                    "12:fb:b4:8b:15:f8:00", ""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(eni6_mac_parse(mac, bad[i], strlen(bad[i]), NULL), -EINVAL);
}

static void adds_across_the_halves_and_stops_at_the_ends(void **state) {
  (void)state;
  static const struct {
    const char *address;
    int64_t offset;
    const char *sum; /* NULL: outside */
  } sums[] = {
      {"2001:db8::ff", 1, "2001:db8::100"},
      {"2001:db8::ffff:ffff:ffff:ffff", 1, "2001:db8:0:1::"},
      {"2001:db8:0:1::", -1, "2001:db8::ffff:ffff:ffff:ffff"},
      {"::", INT64_MAX, "::7fff:ffff:ffff:ffff"},
      {"0:0:0:1::", INT64_MIN, "::8000:0:0:0"},
      {"::8000:0:0:0", INT64_MIN, "::"},
      {"::", 0, "::"},
      {"::", -1, NULL},
      {"::7fff:ffff:ffff:ffff", INT64_MIN, NULL},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, NULL},
      {"ffff:ffff:ffff:ffff:8000::", INT64_MAX, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"ffff:ffff:ffff:ffff:8000::1", INT64_MAX, NULL},
  };
  for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
    struct eni6_ip6 start = address(sums[i].address), sum = start;
    struct eni6_error error;
    int status = eni6_ip6_add(&sum, &start, sums[i].offset, &error);
    assert_int_equal(status, sums[i].sum ? 0 : -ERANGE);
    assert_text(sum, sums[i].sum ? sums[i].sum : sums[i].address);
  }
}

static void subtracts_when_it_fits(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    int status;
    int64_t difference;
  } differences[] = {
      {"2001:db8::b", "2001:db8::8", 0, 3},         {"2001:db8::8", "2001:db8::b", 0, -3},
      {"0:0:0:1::", "::ffff:ffff:ffff:ffff", 0, 1}, {"::7fff:ffff:ffff:ffff", "::", 0, INT64_MAX},
      {"::8000:0:0:0", "::", -ERANGE, 0},           {"::", "::8000:0:0:0", 0, INT64_MIN},
      {"::", "::8000:0:0:1", -ERANGE, 0},           {"1::", "::", -ERANGE, 0},
  };
  for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
    struct eni6_ip6 a = address(differences[i].a), b = address(differences[i].b);
    int64_t difference = 0;
    assert_int_equal(eni6_ip6_subtract(&difference, &a, &b, NULL), differences[i].status);
    assert_int_equal(difference, differences[i].difference);
  }
}

static void masks_at_every_length(void **state) {
  (void)state;
  struct eni6_ip6 ones = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  for (unsigned length = 0; length <= 128; length++) {
    struct eni6_prefix block = {eni6_ip6_mask(&ones, length), (unsigned char)length};
    int set = 0;
    for (int i = 0; i < 16; i++)
      set += __builtin_popcount(block.address.bytes[i]);
    assert_int_equal(set, length);
    assert_true(eni6_ip6_aligned(&block.address, length));
    assert_true(length == 0 || !eni6_ip6_aligned(&block.address, length - 1));
    struct eni6_ip6 last = eni6_prefix_last(&block);
    assert_memory_equal(&last, &ones, sizeof ones);
    assert_true(eni6_prefix_has(&block, &ones));
    assert_true(eni6_prefix_contains(&block, &block));
  }
}

static void compares_prefixes_and_contains(void **state) {
  (void)state;
  struct eni6_prefix subnet = prefix("2001:db8::/64"), block = prefix("2001:db8::8/126"),
                     first = prefix("2001:db8::/126"), outside = prefix("2001:db8:0:1::/126");
  assert_true(eni6_prefix_contains(&subnet, &block));
  assert_false(eni6_prefix_contains(&block, &subnet));
  assert_false(eni6_prefix_contains(&subnet, &outside));
  assert_true(eni6_prefix_compare(&subnet, &first) < 0);
  assert_true(eni6_prefix_compare(&first, &block) < 0);
  assert_true(eni6_prefix_compare(&block, &block) == 0);
}

static void places_suffixes(void **state) {
  (void)state;
  static const struct {
    const char *prefix, *suffix, *placed; /* NULL: refused */
  } cases[] = {
      {"2001:db8:47b:ca03::/64", "::8/126", "2001:db8:47b:ca03::8/126"},
      {"2001:db8:47b:ca03::/64", "::1:1/128", "2001:db8:47b:ca03::1:1/128"},
      {"2001:db8:47b:ca03::/64", "2001:db8:47b:ca03::8/126", "2001:db8:47b:ca03::8/126"},
      {"2001:db8:47b:ca03::/64", "2001:db8:47b:ca04::8/126", NULL},
      {"2001:db8:47b:ca03::/64", "0:0:0:1::/126", NULL},
      {"2001:db8:47b:ca03::/64", "::/63", NULL},
      {"2001:db8:47b:ca03::/64", "::/64", "2001:db8:47b:ca03::/64"},
      {"2001:db8::8/125", "::7/128", "2001:db8::f/128"},
      {"2001:db8::8/125", "::8/128", NULL},
      {"::/0", "::8/126", "::8/126"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[ENI6_PREFIX_TEXT_SIZE];
    struct eni6_prefix outer = prefix(cases[i].prefix), inner = prefix(cases[i].suffix);
    int status = eni6_prefix_place(&inner, &outer, &inner, NULL);
    assert_int_equal(status, cases[i].placed ? 0 : -ERANGE);
    eni6_prefix_format(&inner, text);
    assert_string_equal(text, cases[i].placed ? cases[i].placed : cases[i].suffix);
  }
}

static void knows_kinds_and_derived_addresses(void **state) {
  (void)state;
  static const char *const kinds[][2] = {
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::2", "reserved"},
      {"::ffff:10.0.0.1", "ipv4-mapped"},
      {"ff02::1", "multicast"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "reserved"},
      {"fd00:ec2::254", "unique-local"},
      {"2001:db8::1", "documentation"},
      {"2600:1f18::1", "global"},
      {"4000::", "reserved"},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    struct eni6_ip6 value = address(kinds[i][0]);
    assert_string_equal(eni6_ip6_kind(&value), kinds[i][1]);
  }
  struct eni6_ip6 value = address("2001:db8::1:800:200e:8c6c");
  assert_text(eni6_ip6_solicited_node(&value), "ff02::1:ff0e:8c6c");
}

static void forms_addresses_from_a_mac(void **state) {
  (void)state;
  const uint8_t mac[ENI6_MAC_SIZE] = {0x12, 0x66, 0x30, 0xb8, 0xc0, 0x08};
  struct eni6_prefix link = prefix("fe80::/64"), small = prefix("2001:db8::/65");
  struct eni6_ip6 value;
  assert_int_equal(eni6_ip6_eui64(&value, &link, mac, NULL), 0);
  assert_text(value, "fe80::1066:30ff:feb8:c008");
  assert_int_equal(eni6_ip6_eui64(&value, &small, mac, NULL), -EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_every_form_and_writes_the_canonical_one),
      cmocka_unit_test(says_what_is_wrong_with_a_text),
      cmocka_unit_test(cuts_and_cleans_what_it_quotes),
      cmocka_unit_test(reads_prefixes),
      cmocka_unit_test(says_what_is_wrong_with_a_prefix),
      cmocka_unit_test(an_interface_keeps_its_host_bits),
      cmocka_unit_test(reads_mac_addresses),
      cmocka_unit_test(adds_across_the_halves_and_stops_at_the_ends),
      cmocka_unit_test(subtracts_when_it_fits),
      cmocka_unit_test(masks_at_every_length),
      cmocka_unit_test(compares_prefixes_and_contains),
      cmocka_unit_test(places_suffixes),
      cmocka_unit_test(knows_kinds_and_derived_addresses),
      cmocka_unit_test(forms_addresses_from_a_mac),
  };
  return cmocka_run_group_tests_name("ip6", tests, NULL, NULL);
}
