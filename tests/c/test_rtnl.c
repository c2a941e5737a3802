#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include "rtnl.h"
#include "rtnl_table.h"

static uint8_t bytes[65536];

static struct eni6_rtnl_writer writer(size_t capacity) {
  return (struct eni6_rtnl_writer){bytes, capacity, 0, false};
}

/* The one message that the writer holds. */
static struct eni6_rtnl_message message_of(const struct eni6_rtnl_writer *written) {
  struct eni6_rtnl_message message;
  size_t at = 0;
  assert_int_equal(eni6_rtnl_next(written->bytes, written->size, &at, &message), 1);
  assert_int_equal(at, written->size);
  return message;
}

static struct eni6_rtnl_message encode(enum eni6_rtnl_kind kind, enum eni6_rtnl_verb verb,
                                       const union eni6_rtnl_record *record) {
  struct eni6_error error;
  struct eni6_rtnl_writer written = writer(sizeof bytes);
  if (eni6_rtnl_encode(&written, kind, verb, 7, record, &error) < 0) fail_msg("%s", error.message);
  return message_of(&written);
}

static struct eni6_rtnl_ip ip6(uint8_t last, uint8_t length) {
  return (struct eni6_rtnl_ip){AF_INET6, length, {0x20, 1, 0xd, 0xb8, [15] = last}};
}

static struct eni6_rtnl_ip ip4(uint8_t last) {
  return (struct eni6_rtnl_ip){AF_INET, 32, {192, 0, 2, last}};
}

/* --- addresses -------------------------------------------------------------------- */

static void sends_all_flags_of_an_address(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0}, read;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  record.head.index = 70000;
  record.head.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
  record.address.address = ip6(1, 64);
  record.address.metric = 99;
  record.head.present = ENI6_RTNL_BIT(ENI6_ADDRESS_INDEX) | ENI6_RTNL_BIT(ENI6_ADDRESS_ADDRESS) |
                        ENI6_RTNL_BIT(ENI6_ADDRESS_METRIC);
  struct eni6_rtnl_message message = encode(ENI6_RTNL_ADDRESS, ENI6_RTNL_ADD, &record);
  assert_int_equal(message.type, RTM_NEWADDR);
  assert_int_equal(message.flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  assert_int_equal(message.sequence, 7);
  const struct ifaddrmsg *header = (const void *)(message.bytes + 16);
  assert_int_equal(header->ifa_family, AF_INET6);
  assert_int_equal(header->ifa_prefixlen, 64);
  assert_int_equal(header->ifa_index, 70000);
  assert_int_equal(header->ifa_flags, IFA_F_NODAD);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(kind, ENI6_RTNL_ADDRESS);
  assert_int_equal(verb, ENI6_RTNL_ADD);
  assert_int_equal(read.head.flags, record.head.flags);
  assert_true(ENI6_RTNL_HAS(&read, ENI6_ADDRESS_NOPREFIXROUTE));
  assert_false(ENI6_RTNL_HAS(&read, ENI6_ADDRESS_PEER));
  assert_memory_equal(&read.address.address, &record.address.address, sizeof read.address.address);
  assert_int_equal(read.address.metric, 99);
}

static void tells_a_peer_from_the_address_itself(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0}, read;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  record.address.address = ip6(1, 64);
  record.address.peer = ip6(2, 64);
  record.head.present = ENI6_RTNL_BIT(ENI6_ADDRESS_ADDRESS) | ENI6_RTNL_BIT(ENI6_ADDRESS_PEER);
  struct eni6_rtnl_message message = encode(ENI6_RTNL_ADDRESS, ENI6_RTNL_REPLACE, &record);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(verb, ENI6_RTNL_REPLACE);
  assert_int_equal(read.address.address.bytes[15], 1);
  assert_true(ENI6_RTNL_HAS(&read, ENI6_ADDRESS_PEER));
  assert_int_equal(read.address.peer.bytes[15], 2);
}

static void completes_lifetimes(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0}, read;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  record.address.address = ip6(1, 64);
  record.address.valid_lft = 100;
  record.head.present = ENI6_RTNL_BIT(ENI6_ADDRESS_ADDRESS) | ENI6_RTNL_BIT(ENI6_ADDRESS_VALID_LFT);
  struct eni6_rtnl_message message = encode(ENI6_RTNL_ADDRESS, ENI6_RTNL_ADD, &record);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(read.address.preferred_lft, 100);
  record.address.preferred_lft = 50;
  record.head.present =
      ENI6_RTNL_BIT(ENI6_ADDRESS_ADDRESS) | ENI6_RTNL_BIT(ENI6_ADDRESS_PREFERRED_LFT);
  message = encode(ENI6_RTNL_ADDRESS, ENI6_RTNL_ADD, &record);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(read.address.valid_lft, ENI6_RTNL_FOREVER);
}

/* --- routes ----------------------------------------------------------------------- */

static void completes_a_default_route_of_either_family(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0}, read;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  record.head.present = ENI6_RTNL_BIT(ENI6_ROUTE_DST) | ENI6_RTNL_BIT(ENI6_ROUTE_GATEWAY);
  record.route.gateway = ip4(1);
  struct eni6_rtnl_message message = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_ADD, &record);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(read.head.family, AF_INET);
  assert_int_equal(read.route.dst.family, AF_INET);
  assert_int_equal(read.route.dst.length, 0);
  assert_int_equal(read.route.table, RT_TABLE_MAIN);
  assert_int_equal(read.route.protocol, RTPROT_STATIC);
  assert_int_equal(read.route.type, RTN_UNICAST);
  record.head.present = ENI6_RTNL_BIT(ENI6_ROUTE_DST);
  message = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_DELETE, &record);
  assert_int_equal(message.type, RTM_DELROUTE);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(read.head.family, AF_INET6);
  assert_int_equal(read.route.type, RTN_UNSPEC);
  assert_int_equal(read.route.scope, RT_SCOPE_UNIVERSE);
  record.head.present |= ENI6_RTNL_BIT(ENI6_ROUTE_GATEWAY);
  message = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_DELETE, &record);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(read.head.family, AF_INET);
  assert_int_equal(read.route.scope, RT_SCOPE_NOWHERE);
}

static void writes_table_numbers_of_32_bits(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0}, read;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  record.route.dst = ip6(0, 32);
  record.route.table = 100000;
  record.head.present = ENI6_RTNL_BIT(ENI6_ROUTE_DST) | ENI6_RTNL_BIT(ENI6_ROUTE_TABLE);
  struct eni6_rtnl_message message = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_ADD, &record);
  assert_int_equal(((const struct rtmsg *)(const void *)(message.bytes + 16))->rtm_table, 0);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(read.route.table, 100000);
}

/* A multipath route of two ways, the second through a gateway of IPv4. */
static void give_ways(union eni6_rtnl_record *record, uint8_t *payload, size_t capacity) {
  struct eni6_rtnl_nexthop nexthop = {.head = {.index = 3}, .weight = 256};
  struct eni6_rtnl_writer ways = {payload, capacity, 0, false};
  nexthop.gateway = ip6(9, 128);
  nexthop.head.present = ENI6_RTNL_BIT(ENI6_NEXTHOP_GATEWAY) | ENI6_RTNL_BIT(ENI6_NEXTHOP_WEIGHT);
  assert_int_equal(eni6_rtnl_put_nexthop(&ways, &nexthop), 0);
  nexthop.head.flags = RTNH_F_ONLINK;
  nexthop.head.index = 4;
  nexthop.via = ip4(9);
  nexthop.head.present = ENI6_RTNL_BIT(ENI6_NEXTHOP_VIA);
  assert_int_equal(eni6_rtnl_put_nexthop(&ways, &nexthop), 0);
  record->route.dst = ip6(0, 64);
  record->route.nexthops = (struct eni6_rtnl_slice){payload, ways.size};
  record->head.present = ENI6_RTNL_BIT(ENI6_ROUTE_DST) | ENI6_RTNL_BIT(ENI6_ROUTE_NEXTHOPS);
}

static void reads_back_the_ways_of_a_multipath_route(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0}, read;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  uint8_t payload[256];
  struct eni6_rtnl_nexthop nexthop;
  give_ways(&record, payload, sizeof payload);
  struct eni6_rtnl_message message = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_APPEND, &record);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(verb, ENI6_RTNL_APPEND);
  struct eni6_rtnl_slice rest = read.route.nexthops;
  assert_int_equal(eni6_rtnl_next_nexthop(&rest, AF_INET6, &nexthop), 1);
  assert_int_equal(nexthop.head.index, 3);
  assert_int_equal(nexthop.weight, 256);
  assert_int_equal(nexthop.gateway.bytes[15], 9);
  assert_false(ENI6_RTNL_HAS(&nexthop, ENI6_NEXTHOP_ONLINK));
  assert_int_equal(eni6_rtnl_next_nexthop(&rest, AF_INET6, &nexthop), 1);
  assert_int_equal(nexthop.weight, 1);
  assert_int_equal(nexthop.via.family, AF_INET);
  assert_true(ENI6_RTNL_HAS(&nexthop, ENI6_NEXTHOP_ONLINK));
  assert_int_equal(eni6_rtnl_next_nexthop(&rest, AF_INET6, &nexthop), 0);
}

/* --- links ------------------------------------------------------------------------ */

static void changes_only_the_flags_that_are_given(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0};
  record.head.flags = UINT32_MAX;
  record.head.index = 5;
  record.head.present = ENI6_RTNL_BIT(ENI6_LINK_INDEX) | ENI6_RTNL_BIT(ENI6_LINK_UP);
  struct eni6_rtnl_message message = encode(ENI6_RTNL_LINK, ENI6_RTNL_SET, &record);
  const struct ifinfomsg *header = (const void *)(message.bytes + 16);
  assert_int_equal(header->ifi_change, 1);
  assert_int_equal(header->ifi_flags, 1);
  record.head.flags = 0;
  message = encode(ENI6_RTNL_LINK, ENI6_RTNL_SET, &record);
  assert_int_equal(header->ifi_change, 1);
  assert_int_equal(header->ifi_flags, 0);
}

static void nests_the_settings_of_a_kind(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0}, read;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  struct eni6_error error;
  struct eni6_rtnl_writer written = writer(sizeof bytes);
  strcpy(record.link.kind, "vlan");
  record.link.vlan_id = 5;
  record.link.vlan_protocol = 0x88a8;
  record.head.present = ENI6_RTNL_BIT(ENI6_LINK_KIND) | ENI6_RTNL_BIT(ENI6_LINK_VLAN_ID) |
                        ENI6_RTNL_BIT(ENI6_LINK_VLAN_PROTOCOL);
  struct eni6_rtnl_message message = encode(ENI6_RTNL_LINK, ENI6_RTNL_ADD, &record);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(read.link.vlan_id, 5);
  assert_int_equal(read.link.vlan_protocol, 0x88a8);
  strcpy(record.link.kind, "bridge");
  assert_int_equal(eni6_rtnl_encode(&written, ENI6_RTNL_LINK, ENI6_RTNL_ADD, 1, &record, &error),
                   -EINVAL);
  assert_int_equal(written.size, 0);
}

static void describes_the_peer_of_a_pair(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0}, read;
  struct eni6_rtnl_link peer = {.mtu = 1400}, other;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  uint8_t payload[256];
  struct eni6_rtnl_writer written = {payload, sizeof payload, 0, false};
  strcpy(peer.name, "far");
  peer.head.present = ENI6_RTNL_BIT(ENI6_LINK_NAME) | ENI6_RTNL_BIT(ENI6_LINK_MTU);
  assert_int_equal(eni6_rtnl_put_peer(&written, &peer), 0);
  strcpy(record.link.kind, "veth");
  record.link.peer = (struct eni6_rtnl_slice){payload, written.size};
  record.head.present = ENI6_RTNL_BIT(ENI6_LINK_KIND) | ENI6_RTNL_BIT(ENI6_LINK_PEER);
  struct eni6_rtnl_message message = encode(ENI6_RTNL_LINK, ENI6_RTNL_ADD, &record);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 1);
  assert_int_equal(eni6_rtnl_get_peer(read.link.peer, &other), 1);
  assert_string_equal(other.name, "far");
  assert_int_equal(other.mtu, 1400);
  assert_int_equal(eni6_rtnl_get_peer((struct eni6_rtnl_slice){payload, 15}, &other), 0);
}

/* --- what does not fit, and what is not sound ---------------------------------------- */

/* At every size too small, nothing is written at all; what was there stays. */
static void takes_back_what_does_not_fit(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0};
  uint8_t payload[256];
  give_ways(&record, payload, sizeof payload);
  size_t needed = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_ADD, &record).size;
  for (size_t capacity = 0; capacity <= needed + 8; capacity++) {
    uint8_t *exact = malloc(capacity + 1); /* so that ASan sees a byte too many */
    struct eni6_rtnl_writer written = {exact, capacity, 0, false};
    struct eni6_error error;
    int status = eni6_rtnl_encode(&written, ENI6_RTNL_ROUTE, ENI6_RTNL_ADD, 1, &record, &error);
    assert_int_equal(status, capacity < needed ? -EMSGSIZE : 0);
    assert_int_equal(written.size, capacity < needed ? 0 : needed);
    assert_false(written.full);
    free(exact);
  }
}

static void refuses_a_mixture_of_families(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0};
  struct eni6_error error;
  struct eni6_rtnl_writer written = writer(sizeof bytes);
  record.route.dst = ip6(0, 64);
  record.route.gateway = ip4(1);
  record.head.present = ENI6_RTNL_BIT(ENI6_ROUTE_DST) | ENI6_RTNL_BIT(ENI6_ROUTE_GATEWAY);
  assert_int_equal(eni6_rtnl_encode(&written, ENI6_RTNL_ROUTE, ENI6_RTNL_ADD, 1, &record, &error),
                   -EINVAL);
  assert_string_equal(error.message, "gateway is of another address family than the rest");
}

static void knows_which_requests_there_are(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0};
  struct eni6_rtnl_writer written = writer(sizeof bytes);
  assert_true(eni6_rtnl_allows(ENI6_RTNL_ROUTE, ENI6_RTNL_APPEND));
  assert_false(eni6_rtnl_allows(ENI6_RTNL_ADDRESS, ENI6_RTNL_APPEND));
  assert_int_equal(eni6_rtnl_encode(&written, ENI6_RTNL_RULE, ENI6_RTNL_REPLACE, 1, &record, NULL),
                   -EINVAL);
}

/* Every cut of a sound message is refused or read, never overrun. */
static void survives_messages_cut_short(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0}, read;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  uint8_t payload[256];
  give_ways(&record, payload, sizeof payload);
  struct eni6_rtnl_message whole = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_ADD, &record);
  for (size_t size = 0; size < whole.size; size++) {
    uint8_t *cut = malloc(size + 1);
    size_t at = 0;
    memcpy(cut, whole.bytes, size);
    uint32_t length = (uint32_t)size;
    if (size >= 4) memcpy(cut, &length, sizeof length);
    struct eni6_rtnl_message message;
    int status = eni6_rtnl_next(cut, size, &at, &message);
    assert_int_equal(status, size == 0 ? 0 : size < 16 ? -EBADMSG : 1);
    if (status == 1) {
      assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), size < 28 ? -EBADMSG : 1);
    }
    free(cut);
  }
}

static void stops_at_a_length_that_lies(void **state) {
  (void)state;
  struct eni6_rtnl_message message;
  uint32_t lies[] = {0, 15, 17, UINT32_MAX};
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    size_t at = 0;
    memset(bytes, 0, 16);
    memcpy(bytes, &lies[i], 4);
    assert_int_equal(eni6_rtnl_next(bytes, 16, &at, &message), -EBADMSG);
  }
}

static void leaves_strange_messages_alone(void **state) {
  (void)state;
  union eni6_rtnl_record read;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  struct eni6_rtnl_message message = {.bytes = bytes, .size = 16, .type = RTM_NEWQDISC};
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &read), 0);
}

/* --- acks --------------------------------------------------------------------------- */

/* Writes an ack with what is given of an extended part. */
static struct eni6_rtnl_message ack_of(int status, uint16_t type, uint32_t value, uint16_t second,
                                       uint32_t other) {
  struct eni6_rtnl_writer written = writer(sizeof bytes);
  size_t start = eni6_rtnl_begin(&written, NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, 7);
  int32_t number = status;
  memcpy(eni6_rtnl_reserve(&written, 4), &number, 4);
  eni6_rtnl_reserve(&written, 16);
  eni6_rtnl_put(&written, NLMSGERR_ATTR_MSG, "because", 8);
  if (type) eni6_rtnl_put_u32(&written, type, value);
  if (second) eni6_rtnl_put_u32(&written, second, other);
  assert_int_equal(eni6_rtnl_end(&written, start), 0);
  return message_of(&written);
}

static void reads_extended_acks(void **state) {
  (void)state;
  struct eni6_rtnl_ack ack;
  struct eni6_rtnl_message message = ack_of(-EINVAL, NLMSGERR_ATTR_OFFS, 36, 0, 0);
  assert_int_equal(eni6_rtnl_decode_ack(&message, &ack), 1);
  assert_int_equal(ack.status, -EINVAL);
  assert_string_equal(ack.text, "because");
  assert_true(ack.has_offset);
  assert_int_equal(ack.offset, 36);
  assert_false(ack.has_missing);
}

/* The name of the field at an offset of a request. */
static const char *field_at(const struct eni6_rtnl_message *request, size_t offset) {
  static char field[ENI6_RTNL_FIELD_SIZE];
  struct eni6_rtnl_ack ack = {.status = -EINVAL, .has_offset = true, .offset = (uint32_t)offset};
  eni6_rtnl_fault(request, &ack, field);
  return field;
}

/* Where in a request the attribute's header is. */
static size_t offset_of(const struct eni6_rtnl_message *request, size_t header, uint16_t type) {
  struct eni6_rtnl_slice rest = {request->bytes + header, request->size - header};
  struct eni6_rtnl_attribute attribute;
  while (eni6_rtnl_next_attribute(&rest, &attribute))
    if (attribute.type == type) return (size_t)(attribute.payload.bytes - request->bytes) - 4;
  fail_msg("no attribute %d", type);
  return 0;
}

static void names_the_field_at_fault(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0};
  uint8_t payload[256];
  give_ways(&record, payload, sizeof payload);
  record.route.mtu = 9000;
  ENI6_RTNL_GIVE(&record, ENI6_ROUTE_MTU);
  struct eni6_rtnl_message request = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_ADD, &record);
  size_t ways = offset_of(&request, 28, RTA_MULTIPATH);
  size_t metrics = offset_of(&request, 28, RTA_METRICS);
  assert_string_equal(field_at(&request, offset_of(&request, 28, RTA_DST)), "dst");
  assert_string_equal(field_at(&request, 16 + offsetof(struct rtmsg, rtm_dst_len)), "dst");
  assert_string_equal(field_at(&request, 16 + offsetof(struct rtmsg, rtm_scope)), "scope");
  assert_string_equal(field_at(&request, ways), "nexthops");
  assert_string_equal(field_at(&request, ways + 4), "nexthops[1]");
  assert_string_equal(field_at(&request, ways + 12), "nexthops[1].gateway");
  assert_string_equal(field_at(&request, ways + 4 + 28), "nexthops[2]");
  assert_string_equal(field_at(&request, ways + 4 + 28 + 8), "nexthops[2].via");
  assert_string_equal(field_at(&request, metrics + 4), "mtu");
  assert_string_equal(field_at(&request, 3), "");
  assert_string_equal(field_at(&request, request.size), "");
  assert_string_equal(field_at(&request, UINT32_MAX), "");
}

static void names_fields_that_are_written_by_hand(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0};
  record.address.address = ip6(1, 64);
  record.address.valid_lft = 1;
  record.head.present = ENI6_RTNL_BIT(ENI6_ADDRESS_ADDRESS) | ENI6_RTNL_BIT(ENI6_ADDRESS_VALID_LFT);
  struct eni6_rtnl_message request = encode(ENI6_RTNL_ADDRESS, ENI6_RTNL_ADD, &record);
  assert_string_equal(field_at(&request, offset_of(&request, 24, IFA_FLAGS)), "flags");
  assert_string_equal(field_at(&request, offset_of(&request, 24, IFA_CACHEINFO)), "valid_lft");
}

static void names_what_is_missing(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0};
  char field[ENI6_RTNL_FIELD_SIZE];
  record.route.dst = ip6(0, 64);
  record.route.mtu = 1;
  record.head.present = ENI6_RTNL_BIT(ENI6_ROUTE_DST) | ENI6_RTNL_BIT(ENI6_ROUTE_MTU);
  struct eni6_rtnl_message request = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_ADD, &record);
  struct eni6_rtnl_ack ack = {.status = -EINVAL, .has_missing = true, .missing = RTA_OIF};
  eni6_rtnl_fault(&request, &ack, field);
  assert_string_equal(field, "index");
  ack.missing = RTAX_ADVMSS;
  ack.missing_nest = (uint32_t)offset_of(&request, 28, RTA_METRICS);
  eni6_rtnl_fault(&request, &ack, field);
  assert_string_equal(field, "advmss");
}

static void explains_in_words(void **state) {
  (void)state;
  union eni6_rtnl_record record = {0};
  struct eni6_error error;
  record.route.dst = ip6(0, 64);
  record.route.gateway = ip6(9, 128);
  record.head.present = ENI6_RTNL_BIT(ENI6_ROUTE_DST) | ENI6_RTNL_BIT(ENI6_ROUTE_GATEWAY);
  struct eni6_rtnl_message request = encode(ENI6_RTNL_ROUTE, ENI6_RTNL_ADD, &record);
  struct eni6_rtnl_ack ack = {.status = -EPERM, .text = "not you"};
  assert_int_equal(eni6_rtnl_explain(&request, &ack, &error), -EPERM);
  assert_string_equal(error.code, "EPERM");
  assert_string_equal(error.message,
                      "add_route: not you (Operation not permitted); it needs CAP_NET_ADMIN in "
                      "that network namespace: run as root");
  ack = (struct eni6_rtnl_ack){.status = -EINVAL, .has_offset = true};
  ack.offset = (uint32_t)offset_of(&request, 28, RTA_GATEWAY);
  eni6_rtnl_explain(&request, &ack, &error);
  assert_string_equal(error.message, "add_route: gateway: Invalid argument");
}

/* --- the tables ------------------------------------------------------------------------ */

static const struct eni6_rtnl_object *object_number(int i) {
  return i < ENI6_RTNL_KINDS ? eni6_rtnl_objects[i] : &eni6_rtnl_nexthop_object;
}

/* What encoder, decoder and binding take for granted about the tables. */
static void keeps_the_tables_in_order(void **state) {
  (void)state;
  for (int k = 0; k <= ENI6_RTNL_KINDS; k++) {
    const struct eni6_rtnl_object *object = object_number(k);
    assert_true(object->field_count <= 64);
    assert_true(object->attribute < ENI6_RTNL_ATTRIBUTES);
    for (size_t i = 0; i < object->field_count; i++) {
      const struct eni6_rtnl_field *field = &object->fields[i];
      assert_non_null(field->name);
      assert_true(field->offset < object->record);
      if (field->place == ENI6_PLACE_ATTRIBUTE) assert_in_range(field->wire, 1, 79);
      if (field->offset == offsetof(struct eni6_rtnl_head, index) && i > 0)
        assert_int_equal(object->fields[0].offset, field->offset);
      for (size_t j = 0; j < i; j++)
        assert_string_not_equal(field->name, object->fields[j].name);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sends_all_flags_of_an_address),
      cmocka_unit_test(tells_a_peer_from_the_address_itself),
      cmocka_unit_test(completes_lifetimes),
      cmocka_unit_test(completes_a_default_route_of_either_family),
      cmocka_unit_test(writes_table_numbers_of_32_bits),
      cmocka_unit_test(reads_back_the_ways_of_a_multipath_route),
      cmocka_unit_test(changes_only_the_flags_that_are_given),
      cmocka_unit_test(nests_the_settings_of_a_kind),
      cmocka_unit_test(describes_the_peer_of_a_pair),
      cmocka_unit_test(takes_back_what_does_not_fit),
      cmocka_unit_test(refuses_a_mixture_of_families),
      cmocka_unit_test(knows_which_requests_there_are),
      cmocka_unit_test(survives_messages_cut_short),
      cmocka_unit_test(stops_at_a_length_that_lies),
      cmocka_unit_test(leaves_strange_messages_alone),
      cmocka_unit_test(reads_extended_acks),
      cmocka_unit_test(names_the_field_at_fault),
      cmocka_unit_test(names_fields_that_are_written_by_hand),
      cmocka_unit_test(names_what_is_missing),
      cmocka_unit_test(explains_in_words),
      cmocka_unit_test(keeps_the_tables_in_order),
  };
  return cmocka_run_group_tests_name("rtnl", tests, NULL, NULL);
}
