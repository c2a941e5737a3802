/* IPv6 addresses and prefixes: text in every form of RFC 4291, text out per
 * RFC 5952, and arithmetic on 128 bits. Values are plain and immutable by habit;
 * no function here allocates. */
#ifndef ENI6_IP6_H
#define ENI6_IP6_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eni6.h"

ENI6_PUBLIC_BEGIN

/* An address in network byte order. */
struct eni6_ip6 {
  uint8_t bytes[16];
};

/* An aligned block of 2^(128-length) addresses; those bits of `address` are
 * zero, except in what eni6_interface_parse reads. Without padding, so that
 * memcmp sorts by address, then the larger block first. */
struct eni6_prefix {
  struct eni6_ip6 address;
  unsigned char length;
};

/* A number of 128 bits: an address as one, or a count of addresses. */
struct eni6_u128 {
  uint64_t high, low;
};

enum {
  ENI6_IP6_TEXT_SIZE = 46, /* the longest address text and its '\0' */
  ENI6_PREFIX_TEXT_SIZE = ENI6_IP6_TEXT_SIZE + 4,
  ENI6_MAC_SIZE = 6,
};

/* Reading text (it need not end in '\0'). -EINVAL says what is wrong with it.
 * A prefix must have no host bits set; the interface form, an address with the
 * length of the prefix it lives in, may. Both need their length written. */
int eni6_ip6_parse(struct eni6_ip6 *address, const char *text, size_t size,
                   struct eni6_error *error);
int eni6_prefix_parse(struct eni6_prefix *prefix, const char *text, size_t size,
                      struct eni6_error *error);
int eni6_interface_parse(struct eni6_prefix *interface, const char *text, size_t size,
                         struct eni6_error *error);

/* Six bytes in hexadecimal between colons, or between hyphens. */
int eni6_mac_parse(uint8_t mac[ENI6_MAC_SIZE], const char *text, size_t size,
                   struct eni6_error *error);

/* Write the canonical text with its '\0' and return its length. */
size_t eni6_ip6_format(const struct eni6_ip6 *address, char text[ENI6_IP6_TEXT_SIZE]);
size_t eni6_prefix_format(const struct eni6_prefix *prefix, char text[ENI6_PREFIX_TEXT_SIZE]);

/* The same, for messages: a prefix of one address without its /128. */
size_t eni6_block_format(const struct eni6_prefix *block, char text[ENI6_PREFIX_TEXT_SIZE]);

struct eni6_u128 eni6_ip6_number(const struct eni6_ip6 *address);
struct eni6_ip6 eni6_ip6_from_number(struct eni6_u128 number);

/* Negative, 0 or positive, as memcmp. */
int eni6_ip6_compare(const struct eni6_ip6 *a, const struct eni6_ip6 *b);
int eni6_prefix_compare(const struct eni6_prefix *a, const struct eni6_prefix *b);

/* address + offset; -ERANGE when it leaves the address space. */
int eni6_ip6_add(struct eni6_ip6 *sum, const struct eni6_ip6 *address, int64_t offset,
                 struct eni6_error *error);

/* a - b; -ERANGE when it does not fit. */
int eni6_ip6_subtract(int64_t *difference, const struct eni6_ip6 *a, const struct eni6_ip6 *b,
                      struct eni6_error *error);

/* The address with all but its first `length` bits cleared. */
struct eni6_ip6 eni6_ip6_mask(const struct eni6_ip6 *address, unsigned length);

/* Whether a prefix of this length can begin at the address. */
bool eni6_ip6_aligned(const struct eni6_ip6 *address, unsigned length);

/* What the address is for (RFC 4291, 4193, 3849): "unspecified", "loopback",
 * "multicast", "link-local", "unique-local", "documentation", "ipv4-mapped",
 * "global", or "reserved" for all else. */
const char *eni6_ip6_kind(const struct eni6_ip6 *address);

/* The multicast group at which neighbours ask for the address (RFC 4291, 2.7.1). */
struct eni6_ip6 eni6_ip6_solicited_node(const struct eni6_ip6 *address);

/* The address that an interface with this MAC forms under a prefix of at most 64
 * bits (RFC 4291, appendix A). */
int eni6_ip6_eui64(struct eni6_ip6 *address, const struct eni6_prefix *prefix,
                   const uint8_t mac[ENI6_MAC_SIZE], struct eni6_error *error);

/* The last address of the prefix; its first is prefix->address. */
struct eni6_ip6 eni6_prefix_last(const struct eni6_prefix *prefix);

bool eni6_prefix_contains(const struct eni6_prefix *outer, const struct eni6_prefix *inner);
bool eni6_prefix_has(const struct eni6_prefix *prefix, const struct eni6_ip6 *address);

/* Places a suffix under the prefix: ::1:1 under 2001:db8::/64 is 2001:db8::1:1.
 * What already lies under it stays as it is; any other suffix that reaches into
 * the prefix's bits, and a block larger than the prefix, is -ERANGE. `placed`
 * may be `suffix`. */
int eni6_prefix_place(struct eni6_prefix *placed, const struct eni6_prefix *prefix,
                      const struct eni6_prefix *suffix, struct eni6_error *error);

ENI6_PUBLIC_END

#endif
