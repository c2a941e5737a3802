/* The text of addresses and prefixes: RFC 4291 section 2.2 in, RFC 5952 out. */
#include "ip6.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { GROUPS = 8, QUOTED = 60 };

/* A piece of text that is being read, and where refusals go. */
struct reader {
  const char *text; /* what the caller gave, for messages */
  size_t size;
  const char *what; /* what it should have been: "an IPv6 address" */
  struct eni6_error *error;
};

/* The groups read so far. */
struct groups {
  uint16_t values[GROUPS];
  int count;
  int gap; /* how many came before the "::", or -1 */
};

/* Copies text for a message: printable, and cut when long. */
static void quote(char out[QUOTED + 4], const char *text, size_t size) {
  size_t shown = size > QUOTED ? QUOTED : size;
  for (size_t i = 0; i < shown; i++)
    out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
  strcpy(out + shown, size > QUOTED ? "..." : "");
}

ENI6_PRINTF(2, 3)
static int refuse(const struct reader *reader, const char *format, ...) {
  char quoted[QUOTED + 4], reason[160];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  quote(quoted, reader->text, reader->size);
  return eni6_error_set(reader->error, -EINVAL, "\"%s\" is not %s: %s", quoted, reader->what,
                        reason);
}

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Says what a character that no address has is doing there. */
static int refuse_character(const struct reader *reader, const char *part, size_t size, size_t at) {
  char c = part[at], quoted[QUOTED + 4];
  if (is_space(c)) {
    const char *end = reader->text + reader->size;
    bool tail = true;
    for (const char *p = part + at; p < end; p++)
      tail = tail && is_space(*p);
    return refuse(reader, "it %s",
                  at == 0 ? "begins with a space"
                  : tail  ? "ends with a space"
                          : "has a space inside");
  }
  if (c == '%') {
    quote(quoted, part + at, size - at);
    return refuse(reader, "the zone identifier \"%s\" does not belong to it", quoted);
  }
  if (c == '[' || c == ']') return refuse(reader, "write it without brackets");
  if (c == '/') return refuse(reader, "a prefix length does not belong here");
  if (c >= 0x20 && c < 0x7f) return refuse(reader, "\"%c\" is not a hexadecimal digit", c);
  return refuse(reader, "the byte 0x%02x does not belong to it", (unsigned char)c);
}

/* Lets only hexadecimal digits, colons and dots through. */
static int check_characters(const struct reader *reader, const char *part, size_t size) {
  if (size == 0) return refuse(reader, "the address is missing");
  for (size_t i = 0; i < size; i++)
    if (part[i] != ':' && part[i] != '.' && hex_digit(part[i]) < 0)
      return refuse_character(reader, part, size, i);
  return 0;
}

static int add_group(const struct reader *reader, struct groups *groups, unsigned value) {
  if (groups->count == GROUPS) return refuse(reader, "it has more than eight groups");
  groups->values[groups->count++] = (uint16_t)value;
  return 0;
}

static int read_group(const struct reader *reader, struct groups *groups, const char *token,
                      size_t size) {
  unsigned value = 0;
  if (size > 4) {
    char quoted[QUOTED + 4];
    quote(quoted, token, size);
    return refuse(reader, "the group \"%s\" has more than four digits", quoted);
  }
  for (size_t i = 0; i < size; i++)
    value = value << 4 | (unsigned)hex_digit(token[i]);
  return add_group(reader, groups, value);
}

/* One number of the dotted part, 0 to 255. */
static int read_octet(const struct reader *reader, const char *token, size_t size) {
  int value = 0;
  char quoted[QUOTED + 4];
  quote(quoted, token, size);
  if (size == 0) return refuse(reader, "a number is missing in its IPv4 part");
  if (size > 1 && token[0] == '0')
    return refuse(reader, "\"%s\" in its IPv4 part has a leading zero", quoted);
  for (size_t i = 0; i < size; i++) {
    if (token[i] > '9')
      return refuse(reader, "\"%s\" in its IPv4 part is not a decimal number", quoted);
    if (value <= 255) value = value * 10 + (token[i] - '0');
  }
  if (value > 255) return refuse(reader, "%s in its IPv4 part is above 255", quoted);
  return value;
}

/* The dotted part: two groups as four decimal numbers. */
static int read_ipv4(const struct reader *reader, struct groups *groups, const char *token,
                     size_t size) {
  unsigned value = 0;
  int count = 0;
  for (const char *end = token + size, *dot; token <= end; token = dot + 1, count++) {
    dot = memchr(token, '.', (size_t)(end - token));
    if (!dot) dot = end;
    int octet = read_octet(reader, token, (size_t)(dot - token));
    if (octet < 0) return octet;
    value = value << 8 | (unsigned)octet;
  }
  if (count != 4) return refuse(reader, "its IPv4 part has %d numbers instead of four", count);
  int status = add_group(reader, groups, value >> 16);
  return status < 0 ? status : add_group(reader, groups, value & 0xffff);
}

/* Reads the "::" at `at`. */
static int read_gap(const struct reader *reader, struct groups *groups, const char *at,
                    const char *end) {
  if (end - at > 2 && at[2] == ':') return refuse(reader, "it has \":::\"");
  if (groups->gap >= 0) return refuse(reader, "it has two \"::\"");
  groups->gap = groups->count;
  return 0;
}

/* Reads the group or dotted part at `at`, and moves past it. */
static int read_token(const struct reader *reader, struct groups *groups, const char **at,
                      const char *end) {
  const char *token = *at;
  const char *colon = memchr(token, ':', (size_t)(end - token));
  *at = colon ? colon : end;
  size_t size = (size_t)(*at - token);
  if (!memchr(token, '.', size)) return read_group(reader, groups, token, size);
  if (colon) return refuse(reader, "its IPv4 part is not at its end");
  return read_ipv4(reader, groups, token, size);
}

/* Reads groups and at most one "::" up to the end. */
static int read_groups(const struct reader *reader, struct groups *groups, const char *at,
                       const char *end) {
  if (end - at > 0 && at[0] == ':' && (end - at == 1 || at[1] != ':'))
    return refuse(reader, "it begins with a single \":\"");
  while (at < end) {
    int status;
    if (at[0] == ':' && end - at > 1 && at[1] == ':') {
      status = read_gap(reader, groups, at, end);
      at += 2;
    } else {
      if (at[0] == ':') at++;
      if (at == end) return refuse(reader, "it ends with a single \":\"");
      status = read_token(reader, groups, &at, end);
    }
    if (status < 0) return status;
  }
  return 0;
}

/* Puts the zeros of the "::" into their place. */
static int spread(const struct reader *reader, const struct groups *groups,
                  struct eni6_ip6 *address) {
  if (groups->gap < 0 && groups->count < GROUPS)
    return refuse(reader, "it has %d group%s; write eight, or \"::\" for those that are zero",
                  groups->count, groups->count == 1 ? "" : "s");
  if (groups->gap >= 0 && groups->count == GROUPS)
    return refuse(reader, "its \"::\" stands for no group, as eight are written");
  int before = groups->gap < 0 ? GROUPS : groups->gap;
  memset(address, 0, sizeof *address);
  for (int i = 0; i < groups->count; i++) {
    int place = i < before ? i : i + GROUPS - groups->count;
    address->bytes[2 * place] = (uint8_t)(groups->values[i] >> 8);
    address->bytes[2 * place + 1] = (uint8_t)groups->values[i];
  }
  return 0;
}

/* Reads the address that is `part` of the reader's text. */
static int read_address(const struct reader *reader, const char *part, size_t size,
                        struct eni6_ip6 *address) {
  struct groups groups = {.gap = -1};
  int status = check_characters(reader, part, size);
  if (status < 0) return status;
  if (!memchr(part, ':', size) && memchr(part, '.', size))
    return refuse(reader, "dots without a colon are an IPv4 address");
  status = read_groups(reader, &groups, part, part + size);
  return status < 0 ? status : spread(reader, &groups, address);
}

/* Reads what follows the slash: 0 to 128 in plain decimal. */
static int read_length(const struct reader *reader, const char *text, size_t size) {
  int value = 0;
  char quoted[QUOTED + 4];
  quote(quoted, text, size);
  if (size == 0) return refuse(reader, "the length after the \"/\" is missing");
  if (is_space(text[size - 1])) return refuse(reader, "it ends with a space");
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9')
      return refuse(reader, "the length \"%s\" is not a decimal number", quoted);
    if (value <= 128) value = value * 10 + (text[i] - '0');
  }
  if (size > 1 && text[0] == '0')
    return refuse(reader, "the length \"%s\" has a leading zero", quoted);
  if (value > 128) return refuse(reader, "the length %s is above 128", quoted);
  return value;
}

/* Reads address/length, host bits or not. */
static int read_with_length(const struct reader *reader, struct eni6_prefix *prefix) {
  const char *slash = memchr(reader->text, '/', reader->size);
  size_t size = slash ? (size_t)(slash - reader->text) : reader->size;
  int status = read_address(reader, reader->text, size, &prefix->address);
  if (status < 0) return status;
  if (!slash) return refuse(reader, "the length is missing, as the /128 of a single address");
  int length = read_length(reader, slash + 1, reader->size - size - 1);
  if (length < 0) return length;
  prefix->length = (unsigned char)length;
  return 0;
}

int eni6_ip6_parse(struct eni6_ip6 *address, const char *text, size_t size,
                   struct eni6_error *error) {
  struct reader reader = {text, size, "an IPv6 address", error};
  return read_address(&reader, text, size, address);
}

int eni6_interface_parse(struct eni6_prefix *interface, const char *text, size_t size,
                         struct eni6_error *error) {
  struct reader reader = {text, size, "an IPv6 address with a length", error};
  return read_with_length(&reader, interface);
}

int eni6_prefix_parse(struct eni6_prefix *prefix, const char *text, size_t size,
                      struct eni6_error *error) {
  struct reader reader = {text, size, "an IPv6 prefix", error};
  struct eni6_prefix read;
  int status = read_with_length(&reader, &read);
  if (status < 0) return status;
  prefix->length = read.length;
  prefix->address = eni6_ip6_mask(&read.address, read.length);
  if (eni6_ip6_compare(&prefix->address, &read.address) != 0) {
    char right[ENI6_PREFIX_TEXT_SIZE];
    eni6_prefix_format(prefix, right);
    return refuse(&reader, "it has host bits set; the prefix around it is %s", right);
  }
  return 0;
}

int eni6_mac_parse(uint8_t mac[ENI6_MAC_SIZE], const char *text, size_t size,
                   struct eni6_error *error) {
  struct reader reader = {text, size, "a MAC address", error};
  static const char remedy[] = "write six bytes as 02:00:5e:10:00:01";
  if (size != 3 * ENI6_MAC_SIZE - 1) return refuse(&reader, remedy);
  for (size_t i = 0; i < ENI6_MAC_SIZE; i++) {
    int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
    bool separated = i == 0 || (text[3 * i - 1] == text[2] && (text[2] == ':' || text[2] == '-'));
    if (high < 0 || low < 0 || !separated) return refuse(&reader, remedy);
    mac[i] = (uint8_t)(high << 4 | low);
  }
  return 0;
}

static unsigned group(const struct eni6_ip6 *address, int i) {
  return (unsigned)address->bytes[2 * i] << 8 | address->bytes[2 * i + 1];
}

/* The first of the longest runs of two or more zero groups: where it begins;
 * its length goes to *size, 0 when there is none. */
static int longest_zeros(const struct eni6_ip6 *address, int *size) {
  int best = -1;
  *size = 0;
  for (int i = 0, run = 0; i < GROUPS; i++) {
    run = group(address, i) == 0 ? run + 1 : 0;
    if (run > 1 && run > *size) {
      *size = run;
      best = i + 1 - run;
    }
  }
  return best;
}

/* Writes a group without leading zeros; returns what follows it. */
static char *put_group(char *out, unsigned value) {
  static const char digits[] = "0123456789abcdef";
  int shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0;
  for (; shift >= 0; shift -= 4)
    *out++ = digits[value >> shift & 0xf];
  return out;
}

/* Writes 0 to 255 in decimal; returns what follows it. */
static char *put_decimal(char *out, unsigned value) {
  if (value > 99) *out++ = (char)('0' + value / 100);
  if (value > 9) *out++ = (char)('0' + value / 10 % 10);
  *out++ = (char)('0' + value % 10);
  return out;
}

/* RFC 5952, section 5: an address known to hold an IPv4 one is written with it. */
static size_t format_mapped(const struct eni6_ip6 *address, char *text) {
  char *out = text + sizeof "::ffff:" - 1;
  memcpy(text, "::ffff:", sizeof "::ffff:" - 1);
  for (int i = 12; i < 16; i++) {
    if (i > 12) *out++ = '.';
    out = put_decimal(out, address->bytes[i]);
  }
  *out = '\0';
  return (size_t)(out - text);
}

size_t eni6_ip6_format(const struct eni6_ip6 *address, char text[ENI6_IP6_TEXT_SIZE]) {
  static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
  if (memcmp(address, mapped, sizeof mapped) == 0) return format_mapped(address, text);
  int zeros;
  int gap = longest_zeros(address, &zeros);
  char *out = text;
  for (int i = 0; i < GROUPS; i++) {
    if (i == gap) {
      *out++ = ':';
      *out++ = ':';
      i += zeros - 1;
      continue;
    }
    if (i > 0 && out[-1] != ':') *out++ = ':';
    out = put_group(out, group(address, i));
  }
  *out = '\0';
  return (size_t)(out - text);
}

size_t eni6_prefix_format(const struct eni6_prefix *prefix, char text[ENI6_PREFIX_TEXT_SIZE]) {
  char *out = text + eni6_ip6_format(&prefix->address, text);
  *out++ = '/';
  out = put_decimal(out, prefix->length);
  *out = '\0';
  return (size_t)(out - text);
}

size_t eni6_block_format(const struct eni6_prefix *block, char text[ENI6_PREFIX_TEXT_SIZE]) {
  return block->length == 128 ? eni6_ip6_format(&block->address, text)
                              : eni6_prefix_format(block, text);
}
