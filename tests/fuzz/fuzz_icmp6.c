/* Answers of ICMPv6: whatever comes in, only what carries our identifier and
 * cookie is taken for ours, and what is written reads back. */
#include <stdlib.h>
#include <string.h>

#include "icmp6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

/* The cookie must be somewhere in it, be it a reply or the packet in an error. */
static bool holds_cookie(const uint8_t *data, size_t size, const struct eni6_icmp6_key *key) {
  for (size_t i = 0; i + sizeof key->cookie <= size; i++)
    if (memcmp(data + i, key->cookie, sizeof key->cookie) == 0) return true;
  return false;
}

static void read_bytes(const uint8_t *data, size_t size, int hop_limit,
                       const struct eni6_icmp6_key *key) {
  struct eni6_icmp6_answer answer = {0};
  if (!eni6_icmp6_read(data, size, key, hop_limit, &answer)) return;
  if (answer.kind == ENI6_ICMP6_NEIGHBOUR) {
    require(data[0] == 136 && hop_limit == 255);
    return;
  }
  require(holds_cookie(data, size, key));
  if (answer.kind == ENI6_ICMP6_ERROR) require(answer.status < 0 && answer.reason != NULL);
}

/* A request is no answer; turned into a reply it is one, with its number. */
static void echo_and_back(uint16_t sequence, const struct eni6_icmp6_key *key) {
  uint8_t bytes[ENI6_ICMP6_ECHO_MIN + 3];
  struct eni6_icmp6_answer answer = {0};
  eni6_icmp6_write_echo(bytes, sizeof bytes, key, sequence);
  require(!eni6_icmp6_read(bytes, sizeof bytes, key, 64, &answer));
  bytes[0] = 129;
  require(eni6_icmp6_read(bytes, sizeof bytes, key, 64, &answer));
  require(answer.kind == ENI6_ICMP6_REPLY && answer.sequence == sequence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct eni6_icmp6_key key = {.id = 0x1234, .cookie = "eni6 key"};
  const struct eni6_icmp6_key any = {.id = -1, .cookie = "eni6 key"};
  if (size < 3) return 0;
  read_bytes(data + 1, size - 1, data[0], &key);
  read_bytes(data + 1, size - 1, data[0], &any);
  echo_and_back((uint16_t)(data[1] << 8 | data[2]), &key);
  return 0;
}
