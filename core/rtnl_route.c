/* The fields of routes and of the ways of a multipath route
 * (linux/rtnetlink.h), and what their tables cannot say. */
#include "rtnl_table.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define RECORD eni6_rtnl_route
#define HEADER_STRUCT rtmsg

static const struct eni6_rtnl_field fields[] = {
    [ENI6_ROUTE_INDEX] = FIELD_ATTRIBUTE("index", U32, RTA_OIF, head.index, NULL),
    [ENI6_ROUTE_LINK] = FIELD_NOWHERE("link", LINK, head.index),
    [ENI6_ROUTE_FAMILY] = FIELD_HEADER("family", U8, rtm_family, head.family, eni6_words_family),
    [ENI6_ROUTE_DST] = FIELD_PREFIX("dst", RTA_DST, rtm_dst_len, dst),
    [ENI6_ROUTE_SRC] = FIELD_PREFIX("src", RTA_SRC, rtm_src_len, src),
    [ENI6_ROUTE_TYPE] = FIELD_HEADER("type", U8, rtm_type, type, eni6_words_route_type),
    [ENI6_ROUTE_TABLE] = FIELD_ATTRIBUTE("table", U32, RTA_TABLE, table, eni6_words_table),
    [ENI6_ROUTE_PROTOCOL] =
        FIELD_HEADER("protocol", U8, rtm_protocol, protocol, eni6_words_protocol),
    [ENI6_ROUTE_SCOPE] = FIELD_HEADER("scope", U8, rtm_scope, scope, eni6_words_scope),
    [ENI6_ROUTE_METRIC] = FIELD_ATTRIBUTE("metric", U32, RTA_PRIORITY, metric, NULL),
    [ENI6_ROUTE_GATEWAY] = FIELD_ATTRIBUTE("gateway", IP, RTA_GATEWAY, gateway, NULL),
    [ENI6_ROUTE_VIA] = FIELD_ATTRIBUTE("via", VIA, RTA_VIA, via, NULL),
    [ENI6_ROUTE_PREFSRC] = FIELD_ATTRIBUTE("prefsrc", IP, RTA_PREFSRC, prefsrc, NULL),
    [ENI6_ROUTE_PREF] = FIELD_ATTRIBUTE("pref", U8, RTA_PREF, pref, eni6_words_pref),
    [ENI6_ROUTE_EXPIRES] = FIELD_ATTRIBUTE("expires", LIFETIME, RTA_EXPIRES, expires, NULL),
    [ENI6_ROUTE_TOS] = FIELD_HEADER("tos", U8, rtm_tos, tos, NULL),
    [ENI6_ROUTE_MARK] = FIELD_ATTRIBUTE("mark", U32, RTA_MARK, mark, NULL),
    [ENI6_ROUTE_IIF] = FIELD_ATTRIBUTE("iif", LINK, RTA_IIF, iif, NULL),
    [ENI6_ROUTE_NHID] = FIELD_ATTRIBUTE("nhid", U32, RTA_NH_ID, nhid, NULL),
    [ENI6_ROUTE_NEXTHOPS] = FIELD_ATTRIBUTE("nexthops", NEXTHOPS, RTA_MULTIPATH, nexthops, NULL),
    [ENI6_ROUTE_FLAGS] = FIELD_FLAGS(0),
    [ENI6_ROUTE_DEAD] = FIELD_BIT("dead", RTNH_F_DEAD),
    [ENI6_ROUTE_ONLINK] = FIELD_BIT("onlink", RTNH_F_ONLINK),
    [ENI6_ROUTE_LINKDOWN] = FIELD_BIT("linkdown", RTNH_F_LINKDOWN),
    [ENI6_ROUTE_CLONED] = FIELD_BIT("cloned", RTM_F_CLONED),
    [ENI6_ROUTE_MTU] = FIELD_ATTRIBUTE("mtu", U32, RTAX_MTU, mtu, NULL),
    [ENI6_ROUTE_ADVMSS] = FIELD_ATTRIBUTE("advmss", U32, RTAX_ADVMSS, advmss, NULL),
    [ENI6_ROUTE_HOPLIMIT] = FIELD_ATTRIBUTE("hoplimit", U32, RTAX_HOPLIMIT, hoplimit, NULL),
    [ENI6_ROUTE_INITCWND] = FIELD_ATTRIBUTE("initcwnd", U32, RTAX_INITCWND, initcwnd, NULL),
    [ENI6_ROUTE_INITRWND] = FIELD_ATTRIBUTE("initrwnd", U32, RTAX_INITRWND, initrwnd, NULL),
    [ENI6_ROUTE_QUICKACK] = FIELD_ATTRIBUTE("quickack", U32, RTAX_QUICKACK, quickack, NULL),
};

static const struct eni6_rtnl_section metrics = {
    RTA_METRICS, ENI6_ROUTE_MTU, ENI6_ROUTE_QUICKACK - ENI6_ROUTE_MTU + 1, NULL, NULL};
static const struct eni6_rtnl_section *const nests[] = {&metrics, NULL};
static const struct eni6_rtnl_section whole = {0, 0, ENI6_ROUTE_MTU, NULL, nests};

static void load(union eni6_rtnl_record *record, const uint8_t *header,
                 const struct eni6_rtnl_found *found) {
  (void)found;
  memcpy(&record->head.flags, header + offsetof(struct rtmsg, rtm_flags), 4);
  ENI6_RTNL_GIVE(record, ENI6_ROUTE_FLAGS);
}

/* The kernel tells the time left in ticks (USER_HZ), 0 for no end. */
static void read_expiry(struct eni6_rtnl_route *route, const struct eni6_rtnl_slice *payload) {
  struct rta_cacheinfo times;
  if (payload->size < sizeof times) return;
  memcpy(&times, payload->bytes, sizeof times);
  if (times.rta_expires == 0) return;
  route->expires = times.rta_expires > 0 ? (uint32_t)times.rta_expires / 100 : 0;
  ENI6_RTNL_GIVE(route, ENI6_ROUTE_EXPIRES);
}

/* A default route has no RTA_DST, a small table number may be in the header. The
 * scope of all of IPv6's routes is global, which says nothing. */
static void settle(union eni6_rtnl_record *record, const uint8_t *header,
                   const struct eni6_rtnl_found *found) {
  struct eni6_rtnl_route *route = &record->route;
  uint8_t length = header[offsetof(struct rtmsg, rtm_dst_len)];
  if (!ENI6_RTNL_HAS(route, ENI6_ROUTE_DST) && length == 0) {
    route->dst.family = route->head.family;
    ENI6_RTNL_GIVE(route, ENI6_ROUTE_DST);
  }
  if (!ENI6_RTNL_HAS(route, ENI6_ROUTE_TABLE)) {
    route->table = header[offsetof(struct rtmsg, rtm_table)];
    ENI6_RTNL_GIVE(route, ENI6_ROUTE_TABLE);
  }
  if (route->head.family == AF_INET6 && route->scope == RT_SCOPE_UNIVERSE)
    route->head.present &= ~ENI6_RTNL_BIT(ENI6_ROUTE_SCOPE);
  if (!ENI6_RTNL_HAS(route, ENI6_ROUTE_EXPIRES)) read_expiry(route, &found->at[RTA_CACHEINFO]);
}

/* IPv4's scope says how far the destination is, and is any for what is deleted;
 * IPv6 has no use for it. */
static uint8_t scope_of(const struct eni6_rtnl_route *route, bool delete) {
  if (route->head.family != AF_INET) return RT_SCOPE_UNIVERSE;
  if (delete) return RT_SCOPE_NOWHERE;
  if (route->type == RTN_LOCAL) return RT_SCOPE_HOST;
  bool far = ENI6_RTNL_HAS(route, ENI6_ROUTE_GATEWAY) || ENI6_RTNL_HAS(route, ENI6_ROUTE_VIA) ||
             ENI6_RTNL_HAS(route, ENI6_ROUTE_NEXTHOPS) || route->type != RTN_UNICAST;
  return far ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
}

/* A route is unicast, static and in the main table unless it says otherwise;
 * what is deleted may be of any type, protocol and scope. */
static void complete(union eni6_rtnl_record *record, enum eni6_rtnl_verb verb) {
  struct eni6_rtnl_route *route = &record->route;
  bool delete = verb == ENI6_RTNL_DELETE;
  if (verb == ENI6_RTNL_GET) return;
  if (!ENI6_RTNL_HAS(route, ENI6_ROUTE_TABLE)) route->table = RT_TABLE_MAIN;
  ENI6_RTNL_GIVE(route, ENI6_ROUTE_TABLE);
  if (!ENI6_RTNL_HAS(route, ENI6_ROUTE_TYPE) && !delete) route->type = RTN_UNICAST;
  if (!ENI6_RTNL_HAS(route, ENI6_ROUTE_PROTOCOL) && !delete) route->protocol = RTPROT_STATIC;
  if (!ENI6_RTNL_HAS(route, ENI6_ROUTE_SCOPE)) route->scope = scope_of(route, delete);
  route->head.present |= ENI6_RTNL_BIT(ENI6_ROUTE_TYPE) | ENI6_RTNL_BIT(ENI6_ROUTE_PROTOCOL) |
                         ENI6_RTNL_BIT(ENI6_ROUTE_SCOPE);
}

/* Of the flags, only onlink is the caller's. IPv4's lookups tell the real table
 * when asked to; IPv6's always do, and refuse to be asked. */
static void store(struct eni6_rtnl_writer *writer, size_t header,
                  const union eni6_rtnl_record *record, enum eni6_rtnl_verb verb) {
  const struct eni6_rtnl_route *route = &record->route;
  uint32_t flags = record->head.flags & RTNH_F_ONLINK;
  if (writer->full) return;
  if (verb == ENI6_RTNL_GET) flags = route->head.family == AF_INET ? RTM_F_LOOKUP_TABLE : 0;
  memcpy(writer->bytes + header + offsetof(struct rtmsg, rtm_flags), &flags, 4);
  if (ENI6_RTNL_HAS(route, ENI6_ROUTE_TABLE) && verb != ENI6_RTNL_GET)
    writer->bytes[header + offsetof(struct rtmsg, rtm_table)] =
        route->table < 256 ? (uint8_t)route->table : RT_TABLE_UNSPEC;
}

/* The kernel filters routes by table, protocol, type and link. */
static void ask(struct eni6_rtnl_writer *writer, size_t header,
                const union eni6_rtnl_record *filter) {
  const struct eni6_rtnl_route *route = &filter->route;
  if (writer->full) return;
  uint8_t *at = writer->bytes + header;
  at[offsetof(struct rtmsg, rtm_protocol)] = route->protocol;
  at[offsetof(struct rtmsg, rtm_type)] = route->type;
  if (ENI6_RTNL_HAS(route, ENI6_ROUTE_TABLE)) eni6_rtnl_put_u32(writer, RTA_TABLE, route->table);
  if (route->head.index) eni6_rtnl_put_u32(writer, RTA_OIF, route->head.index);
}

const struct eni6_rtnl_object eni6_rtnl_route_object = {
    .name = "route",
    .type = RTM_NEWROUTE,
    .header = sizeof(struct rtmsg),
    .attribute = RTA_MAX,
    .record = sizeof(struct eni6_rtnl_route),
    .fields = fields,
    .field_count = ENI6_ROUTE_FIELDS,
    .section = &whole,
    .verbs = 1U << ENI6_RTNL_ADD | 1U << ENI6_RTNL_REPLACE | 1U << ENI6_RTNL_APPEND |
             1U << ENI6_RTNL_DELETE | 1U << ENI6_RTNL_GET | 1U << ENI6_RTNL_DUMP,
    .family = AF_INET6,
    .family_field = ENI6_ROUTE_FAMILY,
    .required = ENI6_ROUTE_DST,
    .load = load,
    .settle = settle,
    .complete = complete,
    .store = store,
    .ask = ask,
};

/* --- the ways of a multipath route -------------------------------------------------- */

#undef RECORD
#define RECORD eni6_rtnl_nexthop

static const struct eni6_rtnl_field way_fields[] = {
    [ENI6_NEXTHOP_INDEX] = FIELD_NOWHERE("index", U32, head.index),
    [ENI6_NEXTHOP_LINK] = FIELD_NOWHERE("link", LINK, head.index),
    [ENI6_NEXTHOP_GATEWAY] = FIELD_ATTRIBUTE("gateway", IP, RTA_GATEWAY, gateway, NULL),
    [ENI6_NEXTHOP_VIA] = FIELD_ATTRIBUTE("via", VIA, RTA_VIA, via, NULL),
    [ENI6_NEXTHOP_WEIGHT] = FIELD_NOWHERE("weight", U32, weight),
    [ENI6_NEXTHOP_FLAGS] = FIELD_FLAGS(0),
    [ENI6_NEXTHOP_DEAD] = FIELD_BIT("dead", RTNH_F_DEAD),
    [ENI6_NEXTHOP_ONLINK] = FIELD_BIT("onlink", RTNH_F_ONLINK),
    [ENI6_NEXTHOP_LINKDOWN] = FIELD_BIT("linkdown", RTNH_F_LINKDOWN),
};

static const struct eni6_rtnl_section way_whole = {0, 0, ENI6_NEXTHOP_FIELDS, NULL, NULL};

const struct eni6_rtnl_object eni6_rtnl_nexthop_object = {
    .name = "nexthop",
    .attribute = RTA_MAX,
    .record = sizeof(struct eni6_rtnl_nexthop),
    .fields = way_fields,
    .field_count = ENI6_NEXTHOP_FIELDS,
    .section = &way_whole,
};

int eni6_rtnl_put_nexthop(struct eni6_rtnl_writer *writer,
                          const struct eni6_rtnl_nexthop *nexthop) {
  struct rtnexthop header = {.rtnh_flags = (uint8_t)(nexthop->head.flags & RTNH_F_ONLINK),
                             .rtnh_ifindex = (int)nexthop->head.index};
  union eni6_rtnl_record record = {.nexthop = *nexthop};
  size_t start = writer->size;
  header.rtnh_hops = ENI6_RTNL_HAS(nexthop, ENI6_NEXTHOP_WEIGHT) && nexthop->weight
                         ? (uint8_t)(nexthop->weight - 1)
                         : 0;
  uint8_t *at = eni6_rtnl_reserve(writer, sizeof header);
  eni6_rtnl_write_section(writer, start, &eni6_rtnl_nexthop_object, &way_whole, &record);
  if (writer->full || writer->size - start > UINT16_MAX) {
    writer->full = false;
    writer->size = start;
    return -EMSGSIZE;
  }
  header.rtnh_len = (unsigned short)(writer->size - start);
  memcpy(at, &header, sizeof header);
  return 0;
}

/* Moves a slice on by an aligned size. */
static void skip(struct eni6_rtnl_slice *rest, size_t size) {
  size_t step = RTNH_ALIGN(size);
  if (step > rest->size) step = rest->size;
  rest->bytes += step;
  rest->size -= step;
}

int eni6_rtnl_next_nexthop(struct eni6_rtnl_slice *rest, uint8_t family,
                           struct eni6_rtnl_nexthop *nexthop) {
  struct rtnexthop header;
  struct eni6_rtnl_found found;
  union eni6_rtnl_record record;
  if (rest->size < sizeof header) return 0;
  memcpy(&header, rest->bytes, sizeof header);
  if (header.rtnh_len < sizeof header || header.rtnh_len > rest->size) return 0;
  memset(&record, 0, sizeof record);
  record.head.family = family;
  record.head.index = (uint32_t)header.rtnh_ifindex;
  record.head.flags = header.rtnh_flags;
  record.nexthop.weight = header.rtnh_hops + 1U;
  struct eni6_rtnl_slice attributes = {rest->bytes + sizeof header,
                                       header.rtnh_len - sizeof header};
  eni6_rtnl_find(attributes, RTA_MAX, &found);
  record.head.present = ENI6_RTNL_BIT(ENI6_NEXTHOP_INDEX) | ENI6_RTNL_BIT(ENI6_NEXTHOP_WEIGHT) |
                        ENI6_RTNL_BIT(ENI6_NEXTHOP_FLAGS);
  eni6_rtnl_read_section(&eni6_rtnl_nexthop_object, &way_whole, rest->bytes, &found, &record);
  *nexthop = record.nexthop;
  skip(rest, header.rtnh_len);
  return 1;
}
