#include "ip6.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct eni6_prefix) == 17, "prefixes are sorted with memcmp");

static uint64_t load64(const uint8_t *bytes) {
  uint64_t value;
  memcpy(&value, bytes, sizeof value);
  return be64toh(value);
}

static void store64(uint8_t *bytes, uint64_t value) {
  value = htobe64(value);
  memcpy(bytes, &value, sizeof value);
}

struct eni6_u128 eni6_ip6_number(const struct eni6_ip6 *address) {
  return (struct eni6_u128){load64(address->bytes), load64(address->bytes + 8)};
}

struct eni6_ip6 eni6_ip6_from_number(struct eni6_u128 number) {
  struct eni6_ip6 address;
  store64(address.bytes, number.high);
  store64(address.bytes + 8, number.low);
  return address;
}

int eni6_ip6_compare(const struct eni6_ip6 *a, const struct eni6_ip6 *b) {
  return memcmp(a, b, sizeof *a);
}

int eni6_prefix_compare(const struct eni6_prefix *a, const struct eni6_prefix *b) {
  return memcmp(a, b, sizeof *a);
}

int eni6_ip6_add(struct eni6_ip6 *sum, const struct eni6_ip6 *address, int64_t offset,
                 struct eni6_error *error) {
  struct eni6_u128 number = eni6_ip6_number(address);
  uint64_t low = number.low + (uint64_t)offset; /* two's complement: also for offset < 0 */
  uint64_t high = number.high;
  bool beyond = false;
  if (offset >= 0 && low < number.low) beyond = ++high == 0;
  if (offset < 0 && low > number.low) beyond = high-- == 0;
  if (beyond) {
    char text[ENI6_IP6_TEXT_SIZE];
    eni6_ip6_format(address, text);
    return eni6_error_set(error, -ERANGE, "%s %+lld is outside the address space", text,
                          (long long)offset);
  }
  *sum = eni6_ip6_from_number((struct eni6_u128){high, low});
  return 0;
}

int eni6_ip6_subtract(int64_t *difference, const struct eni6_ip6 *a, const struct eni6_ip6 *b,
                      struct eni6_error *error) {
  struct eni6_u128 x = eni6_ip6_number(a), y = eni6_ip6_number(b);
  uint64_t low = x.low - y.low;
  uint64_t high = x.high - y.high - (x.low < y.low);
  /* It fits when the high half only repeats the sign of the low one. */
  if (high != (low >> 63 ? UINT64_MAX : 0)) {
    char first[ENI6_IP6_TEXT_SIZE], second[ENI6_IP6_TEXT_SIZE];
    eni6_ip6_format(a, first);
    eni6_ip6_format(b, second);
    return eni6_error_set(error, -ERANGE, "%s and %s are too far apart for an integer", first,
                          second);
  }
  memcpy(difference, &low, sizeof low);
  return 0;
}

/* The bits of a 128-bit number below the first `length`. */
static struct eni6_u128 host_bits(unsigned length) {
  if (length >= 128) return (struct eni6_u128){0, 0};
  if (length >= 64) return (struct eni6_u128){0, UINT64_MAX >> (length - 64)};
  return (struct eni6_u128){UINT64_MAX >> length, UINT64_MAX};
}

struct eni6_ip6 eni6_ip6_mask(const struct eni6_ip6 *address, unsigned length) {
  struct eni6_u128 number = eni6_ip6_number(address), host = host_bits(length);
  return eni6_ip6_from_number((struct eni6_u128){number.high & ~host.high, number.low & ~host.low});
}

bool eni6_ip6_aligned(const struct eni6_ip6 *address, unsigned length) {
  struct eni6_u128 number = eni6_ip6_number(address), host = host_bits(length);
  return (number.high & host.high) == 0 && (number.low & host.low) == 0;
}

/* Whether the first `length` bits of two addresses agree. */
static bool same_network(const struct eni6_ip6 *a, const struct eni6_ip6 *b, unsigned length) {
  struct eni6_u128 x = eni6_ip6_number(a), y = eni6_ip6_number(b), host = host_bits(length);
  return ((x.high ^ y.high) & ~host.high) == 0 && ((x.low ^ y.low) & ~host.low) == 0;
}

struct eni6_ip6 eni6_prefix_last(const struct eni6_prefix *prefix) {
  struct eni6_u128 number = eni6_ip6_number(&prefix->address), host = host_bits(prefix->length);
  return eni6_ip6_from_number((struct eni6_u128){number.high | host.high, number.low | host.low});
}

bool eni6_prefix_contains(const struct eni6_prefix *outer, const struct eni6_prefix *inner) {
  return inner->length >= outer->length && eni6_prefix_has(outer, &inner->address);
}

bool eni6_prefix_has(const struct eni6_prefix *prefix, const struct eni6_ip6 *address) {
  return same_network(&prefix->address, address, prefix->length);
}

const char *eni6_ip6_kind(const struct eni6_ip6 *address) {
  static const struct {
    struct eni6_prefix prefix;
    const char *kind;
  } kinds[] = {
      {{{{0}}, 128}, "unspecified"},
      {{{{[15] = 1}}, 128}, "loopback"},
      {{{{[10] = 0xff, 0xff}}, 96}, "ipv4-mapped"},
      {{{{0xff}}, 8}, "multicast"},
      {{{{0xfe, 0x80}}, 10}, "link-local"},
      {{{{0xfc}}, 7}, "unique-local"},
      {{{{0x20, 0x01, 0x0d, 0xb8}}, 32}, "documentation"},
      {{{{0x20}}, 3}, "global"},
      {{{{0}}, 0}, "reserved"},
  };
  size_t i = 0;
  while (!eni6_prefix_has(&kinds[i].prefix, address)) /* the last holds every address */
    i++;
  return kinds[i].kind;
}

struct eni6_ip6 eni6_ip6_solicited_node(const struct eni6_ip6 *address) {
  struct eni6_ip6 group = {{0xff, 0x02, [11] = 0x01, 0xff}};
  memcpy(group.bytes + 13, address->bytes + 13, 3);
  return group;
}

int eni6_ip6_eui64(struct eni6_ip6 *address, const struct eni6_prefix *prefix,
                   const uint8_t mac[ENI6_MAC_SIZE], struct eni6_error *error) {
  if (prefix->length > 64)
    return eni6_error_set(error, -EINVAL,
                          "a /%d leaves no room for the 64 bits of an interface identifier; "
                          "give a prefix of at most 64 bits",
                          prefix->length);
  *address = prefix->address;
  const uint8_t identifier[8] = {mac[0] ^ 0x02, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
  memcpy(address->bytes + 8, identifier, sizeof identifier);
  return 0;
}

/* The refusal of a suffix, naming both. */
static int does_not_fit(const struct eni6_prefix *suffix, const struct eni6_prefix *prefix,
                        struct eni6_error *error) {
  char inner[ENI6_PREFIX_TEXT_SIZE], outer[ENI6_PREFIX_TEXT_SIZE];
  eni6_block_format(suffix, inner);
  eni6_prefix_format(prefix, outer);
  if (suffix->length < prefix->length)
    return eni6_error_set(error, -ERANGE, "%s is larger than %s", inner, outer);
  return eni6_error_set(error, -ERANGE,
                        "%s is neither inside %s nor a suffix that fits below it "
                        "(the first %d bits of a suffix are zero)",
                        inner, outer, prefix->length);
}

int eni6_prefix_place(struct eni6_prefix *placed, const struct eni6_prefix *prefix,
                      const struct eni6_prefix *suffix, struct eni6_error *error) {
  static const struct eni6_ip6 zero;
  if (suffix->length < prefix->length) return does_not_fit(suffix, prefix, error);
  if (eni6_prefix_contains(prefix, suffix)) {
    *placed = *suffix;
    return 0;
  }
  if (!same_network(&zero, &suffix->address, prefix->length))
    return does_not_fit(suffix, prefix, error);
  placed->length = suffix->length;
  for (size_t i = 0; i < sizeof placed->address.bytes; i++)
    placed->address.bytes[i] = prefix->address.bytes[i] | suffix->address.bytes[i];
  return 0;
}
