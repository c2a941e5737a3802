/* rtnetlink messages (linux/rtnetlink.h) as bytes: records in, bytes out, and
 * back. No system call is made here: sockets are the business of netlink.h.
 *
 * Every record begins with a head. `present` has one bit for each field of its
 * object, numbered by the enums below: set by the caller before encoding, and
 * by the decoder for what the message held. */
#ifndef ENI6_RTNL_H
#define ENI6_RTNL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eni6.h"

ENI6_PUBLIC_BEGIN

enum { ENI6_RTNL_NAME_SIZE = 16, ENI6_RTNL_HARDWARE_SIZE = 32 };

/* Seconds that mean "for ever", in lifetimes. */
#define ENI6_RTNL_FOREVER UINT32_MAX

/* An address of either family, with a prefix length where one belongs. */
struct eni6_rtnl_ip {
  uint8_t family; /* AF_INET6, AF_INET, or 0: none */
  uint8_t length; /* prefix length: 128 or 32 for a lone address */
  uint8_t bytes[16];
};

struct eni6_rtnl_hardware {
  uint8_t size;
  uint8_t bytes[ENI6_RTNL_HARDWARE_SIZE];
};

/* Bytes that belong to somebody else: the message, or the caller. */
struct eni6_rtnl_slice {
  const uint8_t *bytes;
  size_t size;
};

/* An inclusive range, of ports or user ids. */
struct eni6_rtnl_range {
  uint32_t first, last;
};

struct eni6_rtnl_head {
  uint64_t present;
  uint32_t index; /* the interface's number; 0: none */
  uint32_t flags; /* the kernel's bits of this object, all 32 of them */
  uint8_t family; /* AF_INET6, AF_INET, AF_UNSPEC, … */
};

#define ENI6_RTNL_BIT(field) (UINT64_C(1) << (field))
#define ENI6_RTNL_HAS(record, field) (((record)->head.present & ENI6_RTNL_BIT(field)) != 0)
#define ENI6_RTNL_GIVE(record, field) ((record)->head.present |= ENI6_RTNL_BIT(field))

enum eni6_rtnl_kind {
  ENI6_RTNL_LINK,
  ENI6_RTNL_ADDRESS,
  ENI6_RTNL_ROUTE,
  ENI6_RTNL_NEIGHBOUR,
  ENI6_RTNL_RULE,
  ENI6_RTNL_ADDRESS_LABEL,
  ENI6_RTNL_KINDS,
};

enum eni6_rtnl_verb {
  ENI6_RTNL_ADD,     /* make it; EEXIST when there is one */
  ENI6_RTNL_REPLACE, /* make it, or change the one that is there */
  ENI6_RTNL_APPEND,  /* add beside what is there: one more next hop */
  ENI6_RTNL_SET,     /* change what is there */
  ENI6_RTNL_DELETE,
  ENI6_RTNL_GET,  /* ask for one */
  ENI6_RTNL_DUMP, /* ask for all that match */
};

enum eni6_rtnl_link_field {
  ENI6_LINK_INDEX,
  ENI6_LINK_LINK, /* the same number, given as a name by those who resolve names */
  ENI6_LINK_FAMILY,
  ENI6_LINK_NAME,
  ENI6_LINK_TYPE,
  ENI6_LINK_FLAGS,
  ENI6_LINK_UP,
  ENI6_LINK_BROADCAST_FLAG,
  ENI6_LINK_LOOPBACK,
  ENI6_LINK_POINTOPOINT,
  ENI6_LINK_RUNNING,
  ENI6_LINK_NOARP,
  ENI6_LINK_PROMISC,
  ENI6_LINK_ALLMULTI,
  ENI6_LINK_MULTICAST,
  ENI6_LINK_LOWER_UP,
  ENI6_LINK_MTU,
  ENI6_LINK_ADDRESS,
  ENI6_LINK_BROADCAST,
  ENI6_LINK_PERMANENT_ADDRESS,
  ENI6_LINK_PARENT,
  ENI6_LINK_PARENT_NETNSID,
  ENI6_LINK_MASTER,
  ENI6_LINK_OPERSTATE,
  ENI6_LINK_CARRIER,
  ENI6_LINK_GROUP,
  ENI6_LINK_TXQLEN,
  ENI6_LINK_NETNS_PID,
  ENI6_LINK_NETNS_FD,
  ENI6_LINK_ALTNAMES,
  ENI6_LINK_KIND,
  ENI6_LINK_SLAVE_KIND,
  ENI6_LINK_PEER,
  ENI6_LINK_VLAN_ID,
  ENI6_LINK_VLAN_PROTOCOL,
  ENI6_LINK_MACVLAN_MODE,
  ENI6_LINK_IPVLAN_MODE,
  ENI6_LINK_FORWARD_DELAY,
  ENI6_LINK_AGEING_TIME,
  ENI6_LINK_STP_STATE,
  ENI6_LINK_VLAN_FILTERING,
  ENI6_LINK_MCAST_SNOOPING,
  ENI6_LINK_ADDR_GEN_MODE,
  ENI6_LINK_TOKEN,
  ENI6_LINK_INET6,
  ENI6_LINK_FIELDS,
};

struct eni6_rtnl_link {
  struct eni6_rtnl_head head;
  char name[ENI6_RTNL_NAME_SIZE];
  char kind[ENI6_RTNL_NAME_SIZE];       /* "veth", "bridge", … */
  char slave_kind[ENI6_RTNL_NAME_SIZE]; /* what its master makes of it: "bridge" */
  uint16_t type;                        /* ARPHRD_ETHER, … */
  uint8_t operstate, carrier;
  uint32_t mtu, parent, master, group, txqlen;
  uint32_t parent_netnsid;      /* where `parent` counts, when not here */
  uint32_t netns_pid, netns_fd; /* the namespace to move to, or be made in */
  struct eni6_rtnl_hardware address, broadcast, permanent_address;
  struct eni6_rtnl_slice altnames; /* IFLA_PROP_LIST's payload */
  struct eni6_rtnl_slice peer;     /* VETH_INFO_PEER's payload: see eni6_rtnl_put_peer */
  struct eni6_rtnl_slice inet6;    /* IFLA_INET6_CONF: one int32 a setting */
  uint16_t vlan_id, vlan_protocol;
  uint32_t macvlan_mode;
  uint16_t ipvlan_mode;
  uint32_t forward_delay, ageing_time, stp_state; /* bridge; times in 1/100 s */
  uint8_t vlan_filtering, mcast_snooping;         /* bridge */
  uint8_t addr_gen_mode;
  struct eni6_rtnl_ip token;
};

enum eni6_rtnl_address_field {
  ENI6_ADDRESS_INDEX,
  ENI6_ADDRESS_LINK,
  ENI6_ADDRESS_FAMILY,
  ENI6_ADDRESS_ADDRESS,
  ENI6_ADDRESS_PEER,
  ENI6_ADDRESS_BROADCAST,
  ENI6_ADDRESS_ANYCAST,
  ENI6_ADDRESS_SCOPE,
  ENI6_ADDRESS_LABEL,
  ENI6_ADDRESS_METRIC,
  ENI6_ADDRESS_PROTOCOL,
  ENI6_ADDRESS_VALID_LFT,
  ENI6_ADDRESS_PREFERRED_LFT,
  ENI6_ADDRESS_FLAGS,
  ENI6_ADDRESS_TEMPORARY,
  ENI6_ADDRESS_NODAD,
  ENI6_ADDRESS_OPTIMISTIC,
  ENI6_ADDRESS_DADFAILED,
  ENI6_ADDRESS_HOME,
  ENI6_ADDRESS_DEPRECATED,
  ENI6_ADDRESS_TENTATIVE,
  ENI6_ADDRESS_PERMANENT,
  ENI6_ADDRESS_MNGTMPADDR,
  ENI6_ADDRESS_NOPREFIXROUTE,
  ENI6_ADDRESS_AUTOJOIN,
  ENI6_ADDRESS_STABLE_PRIVACY,
  ENI6_ADDRESS_FIELDS,
};

struct eni6_rtnl_address {
  struct eni6_rtnl_head head;
  struct eni6_rtnl_ip address; /* the local one */
  struct eni6_rtnl_ip peer;    /* the far end, when it is another */
  struct eni6_rtnl_ip broadcast, anycast;
  char label[ENI6_RTNL_NAME_SIZE];
  uint8_t scope, protocol;
  uint32_t metric; /* of the prefix route that the kernel adds */
  uint32_t valid_lft, preferred_lft;
};

enum eni6_rtnl_route_field {
  ENI6_ROUTE_INDEX,
  ENI6_ROUTE_LINK,
  ENI6_ROUTE_FAMILY,
  ENI6_ROUTE_DST,
  ENI6_ROUTE_SRC,
  ENI6_ROUTE_TYPE,
  ENI6_ROUTE_TABLE,
  ENI6_ROUTE_PROTOCOL,
  ENI6_ROUTE_SCOPE,
  ENI6_ROUTE_METRIC,
  ENI6_ROUTE_GATEWAY,
  ENI6_ROUTE_VIA,
  ENI6_ROUTE_PREFSRC,
  ENI6_ROUTE_PREF,
  ENI6_ROUTE_EXPIRES,
  ENI6_ROUTE_TOS,
  ENI6_ROUTE_MARK,
  ENI6_ROUTE_IIF,
  ENI6_ROUTE_NHID,
  ENI6_ROUTE_NEXTHOPS,
  ENI6_ROUTE_FLAGS,
  ENI6_ROUTE_DEAD,
  ENI6_ROUTE_ONLINK,
  ENI6_ROUTE_LINKDOWN,
  ENI6_ROUTE_CLONED,
  ENI6_ROUTE_MTU,
  ENI6_ROUTE_ADVMSS,
  ENI6_ROUTE_HOPLIMIT,
  ENI6_ROUTE_INITCWND,
  ENI6_ROUTE_INITRWND,
  ENI6_ROUTE_QUICKACK,
  ENI6_ROUTE_FIELDS,
};

struct eni6_rtnl_route {
  struct eni6_rtnl_head head;
  struct eni6_rtnl_ip dst, src;
  struct eni6_rtnl_ip gateway, via, prefsrc; /* via: a gateway of the other family */
  struct eni6_rtnl_slice nexthops; /* RTA_MULTIPATH's payload: see eni6_rtnl_put_nexthop */
  uint32_t table, metric, mark, iif, nhid;
  uint32_t expires; /* seconds; ENI6_RTNL_FOREVER: never */
  uint8_t type, protocol, scope, pref, tos;
  uint32_t mtu, advmss, hoplimit, initcwnd, initrwnd, quickack;
};

/* One way of a multipath route. */
enum eni6_rtnl_nexthop_field {
  ENI6_NEXTHOP_INDEX,
  ENI6_NEXTHOP_LINK,
  ENI6_NEXTHOP_GATEWAY,
  ENI6_NEXTHOP_VIA,
  ENI6_NEXTHOP_WEIGHT,
  ENI6_NEXTHOP_FLAGS,
  ENI6_NEXTHOP_DEAD,
  ENI6_NEXTHOP_ONLINK,
  ENI6_NEXTHOP_LINKDOWN,
  ENI6_NEXTHOP_FIELDS,
};

struct eni6_rtnl_nexthop {
  struct eni6_rtnl_head head;
  struct eni6_rtnl_ip gateway, via;
  uint32_t weight; /* 1 to 256 */
};

enum eni6_rtnl_neighbour_field {
  ENI6_NEIGHBOUR_INDEX,
  ENI6_NEIGHBOUR_LINK,
  ENI6_NEIGHBOUR_FAMILY,
  ENI6_NEIGHBOUR_DST,
  ENI6_NEIGHBOUR_LLADDR,
  ENI6_NEIGHBOUR_STATE,
  ENI6_NEIGHBOUR_TYPE,
  ENI6_NEIGHBOUR_MASTER,
  ENI6_NEIGHBOUR_PROTOCOL,
  ENI6_NEIGHBOUR_PROBES,
  ENI6_NEIGHBOUR_USED,
  ENI6_NEIGHBOUR_CONFIRMED,
  ENI6_NEIGHBOUR_UPDATED,
  ENI6_NEIGHBOUR_FLAGS,
  ENI6_NEIGHBOUR_USE,
  ENI6_NEIGHBOUR_PROXY,
  ENI6_NEIGHBOUR_EXTERN_LEARN,
  ENI6_NEIGHBOUR_ROUTER,
  ENI6_NEIGHBOUR_MANAGED,
  ENI6_NEIGHBOUR_FIELDS,
};

struct eni6_rtnl_neighbour {
  struct eni6_rtnl_head head; /* flags: NTF_*, with those of NDA_FLAGS_EXT above bit 7 */
  struct eni6_rtnl_ip dst;
  struct eni6_rtnl_hardware lladdr;
  uint16_t state; /* NUD_* */
  uint8_t type, protocol;
  uint32_t master, probes;
  uint32_t used, confirmed, updated; /* 1/100 s ago */
};

enum eni6_rtnl_rule_field {
  ENI6_RULE_FAMILY,
  ENI6_RULE_PRIORITY,
  ENI6_RULE_FROM,
  ENI6_RULE_TO,
  ENI6_RULE_ACTION,
  ENI6_RULE_TABLE,
  ENI6_RULE_GOTO,
  ENI6_RULE_IIF,
  ENI6_RULE_OIF,
  ENI6_RULE_TOS,
  ENI6_RULE_FWMARK,
  ENI6_RULE_FWMASK,
  ENI6_RULE_SUPPRESS_PREFIXLEN,
  ENI6_RULE_L3MDEV,
  ENI6_RULE_UIDRANGE,
  ENI6_RULE_PROTOCOL,
  ENI6_RULE_IPPROTO,
  ENI6_RULE_SPORT,
  ENI6_RULE_DPORT,
  ENI6_RULE_FLAGS,
  ENI6_RULE_INVERT,
  ENI6_RULE_FIELDS,
};

struct eni6_rtnl_rule {
  struct eni6_rtnl_head head;
  struct eni6_rtnl_ip from, to;
  char iif[ENI6_RTNL_NAME_SIZE], oif[ENI6_RTNL_NAME_SIZE];
  uint32_t priority, table, target, fwmark, fwmask, suppress_prefixlen;
  struct eni6_rtnl_range uidrange, sport, dport;
  uint8_t action, tos, l3mdev, protocol, ipproto;
};

enum eni6_rtnl_label_field {
  ENI6_LABEL_INDEX,
  ENI6_LABEL_LINK,
  ENI6_LABEL_FAMILY,
  ENI6_LABEL_PREFIX,
  ENI6_LABEL_LABEL,
  ENI6_LABEL_FIELDS,
};

/* RFC 6724's policy table. */
struct eni6_rtnl_label {
  struct eni6_rtnl_head head;
  struct eni6_rtnl_ip prefix;
  uint32_t label;
};

union eni6_rtnl_record {
  struct eni6_rtnl_head head;
  struct eni6_rtnl_link link;
  struct eni6_rtnl_address address;
  struct eni6_rtnl_route route;
  struct eni6_rtnl_neighbour neighbour;
  struct eni6_rtnl_rule rule;
  struct eni6_rtnl_label label;
  struct eni6_rtnl_nexthop nexthop;
};

/* --- writing ------------------------------------------------------------------ */

/* Bytes being written into memory of the caller's. Once something did not fit,
 * `full` is set and nothing more is written. */
struct eni6_rtnl_writer {
  uint8_t *bytes;
  size_t capacity, size;
  bool full;
};

/* Appends the request that does `verb` to *record, whose kind is `kind`.
 * 0; -EMSGSIZE when it does not fit (nothing is appended then); -EINVAL when
 * there is no such request. */
int eni6_rtnl_encode(struct eni6_rtnl_writer *writer, enum eni6_rtnl_kind kind,
                     enum eni6_rtnl_verb verb, uint32_t sequence,
                     const union eni6_rtnl_record *record, struct eni6_error *error);

/* True when the kernel knows such a request. */
bool eni6_rtnl_allows(enum eni6_rtnl_kind kind, enum eni6_rtnl_verb verb);

/* Appends one way to a multipath payload. 0 or -EMSGSIZE. */
int eni6_rtnl_put_nexthop(struct eni6_rtnl_writer *writer, const struct eni6_rtnl_nexthop *nexthop);

/* Writes the payload that describes the other end of a veth pair. 0 or -EMSGSIZE. */
int eni6_rtnl_put_peer(struct eni6_rtnl_writer *writer, const struct eni6_rtnl_link *peer);

/* --- reading ------------------------------------------------------------------ */

struct eni6_rtnl_message {
  const uint8_t *bytes; /* the whole of it, header first */
  size_t size;
  uint16_t type, flags;
  uint32_t sequence, port;
};

/* Takes the next message from bytes[*at…size): 1 and *at moves on; 0 at the
 * end; -EBADMSG when the bytes are no message. */
int eni6_rtnl_next(const uint8_t *bytes, size_t size, size_t *at,
                   struct eni6_rtnl_message *message);

struct eni6_rtnl_attribute {
  uint16_t type; /* without NLA_F_NESTED and NLA_F_NET_BYTEORDER */
  struct eni6_rtnl_slice payload;
};

/* Takes the next attribute from *rest: 1, or 0 at the end or at nonsense. */
int eni6_rtnl_next_attribute(struct eni6_rtnl_slice *rest, struct eni6_rtnl_attribute *attribute);

/* Reads a message into *record. 1; 0 when the type is none of ours; -EBADMSG.
 * Slices in *record point into the message. */
int eni6_rtnl_decode(const struct eni6_rtnl_message *message, enum eni6_rtnl_kind *kind,
                     enum eni6_rtnl_verb *verb, union eni6_rtnl_record *record);

/* Takes the next way of a multipath payload: 1, or 0 at the end. `family` is the route's. */
int eni6_rtnl_next_nexthop(struct eni6_rtnl_slice *rest, uint8_t family,
                           struct eni6_rtnl_nexthop *nexthop);

/* Reads the payload of eni6_rtnl_put_peer: 1, or 0 when it is none. */
int eni6_rtnl_get_peer(struct eni6_rtnl_slice payload, struct eni6_rtnl_link *peer);

/* --- what the kernel answers ---------------------------------------------------- */

enum { ENI6_RTNL_TEXT_SIZE = 160 };

/* NLMSG_ERROR or NLMSG_DONE, with its extended part. */
struct eni6_rtnl_ack {
  int status;                     /* 0 or a negated errno */
  char text[ENI6_RTNL_TEXT_SIZE]; /* the kernel's own words, or "" */
  bool has_offset;                /* `offset` is where in the request the fault is */
  bool has_missing;               /* the attribute that was expected inside the nest there */
  uint32_t offset, missing_nest;
  uint32_t missing;
};

/* 1; 0 when the message is neither; -EBADMSG. */
int eni6_rtnl_decode_ack(const struct eni6_rtnl_message *message, struct eni6_rtnl_ack *ack);

enum { ENI6_RTNL_FIELD_SIZE = 48 };

/* The name of the field at fault in a request ("gateway", "nexthops[2].gateway"),
 * or "" when the ack does not tell. */
void eni6_rtnl_fault(const struct eni6_rtnl_message *request, const struct eni6_rtnl_ack *ack,
                     char field[ENI6_RTNL_FIELD_SIZE]);

/* Fills *error for a refused request: what was asked, which field, the kernel's
 * words, and what to do. Returns ack->status. */
int eni6_rtnl_explain(const struct eni6_rtnl_message *request, const struct eni6_rtnl_ack *ack,
                      struct eni6_error *error);

/* What a person calls the request: "add_route". */
void eni6_rtnl_describe(const struct eni6_rtnl_message *request, char name[ENI6_RTNL_FIELD_SIZE]);

ENI6_PUBLIC_END

#endif
