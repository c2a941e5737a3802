/* The text parsers against glibc's inet_pton, and what they print against what
 * they read. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ip6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer when something that must hold does not. */
static void require(bool holds) {
  if (!holds) abort();
}

/* A good text reads as what inet_pton reads; a bad one is bad there too. */
static void address_as_inet_pton(const char *text, size_t size) {
  struct eni6_ip6 ours, theirs, again;
  struct eni6_error error;
  char copy[64], shown[ENI6_IP6_TEXT_SIZE];
  bool good = eni6_ip6_parse(&ours, text, size, &error) == 0;
  require(good || (error.message[0] && strcmp(error.code, "EINVAL") == 0));
  bool comparable = size < sizeof copy && !memchr(text, '\0', size);
  if (comparable) {
    memcpy(copy, text, size);
    copy[size] = '\0';
    require(good == (inet_pton(AF_INET6, copy, &theirs) == 1));
  }
  if (!good) return;
  require(comparable && eni6_ip6_compare(&ours, &theirs) == 0);
  size_t length = eni6_ip6_format(&ours, shown);
  require(length == strlen(shown) && length < sizeof shown);
  require(eni6_ip6_parse(&again, shown, length, NULL) == 0);
  require(eni6_ip6_compare(&ours, &again) == 0);
}

/* Whatever reads as a prefix reads as an interface too, has no host bits, and
 * survives being printed. */
static void prefix_and_back(const char *text, size_t size) {
  struct eni6_prefix prefix, interface, again;
  char shown[ENI6_PREFIX_TEXT_SIZE];
  bool good = eni6_prefix_parse(&prefix, text, size, NULL) == 0;
  bool readable = eni6_interface_parse(&interface, text, size, NULL) == 0;
  require(readable || !good);
  if (!readable) return;
  require(good == eni6_ip6_aligned(&interface.address, interface.length));
  if (!good) return;
  require(eni6_prefix_compare(&prefix, &interface) == 0);
  size_t length = eni6_prefix_format(&prefix, shown);
  require(length < sizeof shown && eni6_prefix_parse(&again, shown, length, NULL) == 0);
  require(eni6_prefix_compare(&prefix, &again) == 0);
}

/* Sums and differences of the input's own bytes undo each other. */
static void there_and_back(const uint8_t *data) {
  struct eni6_ip6 start, sum, back;
  int64_t offset, difference;
  memcpy(&start, data, sizeof start);
  memcpy(&offset, data + sizeof start, sizeof offset);
  if (eni6_ip6_add(&sum, &start, offset, NULL) < 0) return;
  require((eni6_ip6_compare(&sum, &start) < 0) == (offset < 0));
  require(eni6_ip6_subtract(&difference, &sum, &start, NULL) == 0 && difference == offset);
  if (offset == INT64_MIN) return;
  require(eni6_ip6_add(&back, &sum, -offset, NULL) == 0);
  require(eni6_ip6_compare(&back, &start) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t mac[ENI6_MAC_SIZE];
  address_as_inet_pton((const char *)data, size);
  prefix_and_back((const char *)data, size);
  eni6_mac_parse(mac, (const char *)data, size, NULL);
  if (size >= sizeof(struct eni6_ip6) + sizeof(int64_t)) there_and_back(data);
  return 0;
}
