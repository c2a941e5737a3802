/* The fields of links (linux/if_link.h), and what their table cannot say. */
#include "rtnl_table.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

/* IFF_LOWER_UP, which net/if.h lacks and linux/if.h cannot add to it. */
#define LOWER_UP 0x10000

#define RECORD eni6_rtnl_link
#define HEADER_STRUCT ifinfomsg

static const struct eni6_rtnl_field fields[] = {
    [ENI6_LINK_INDEX] = FIELD_HEADER("index", U32, ifi_index, head.index, NULL),
    [ENI6_LINK_LINK] = FIELD_NOWHERE("link", LINK, head.index),
    [ENI6_LINK_FAMILY] = FIELD_HEADER("family", U8, ifi_family, head.family, eni6_words_family),
    [ENI6_LINK_NAME] = FIELD_ATTRIBUTE("name", TEXT, IFLA_IFNAME, name, NULL),
    [ENI6_LINK_TYPE] = FIELD_HEADER("link_type", U16, ifi_type, type, eni6_words_link_type),
    [ENI6_LINK_FLAGS] = FIELD_FLAGS(0),
    [ENI6_LINK_UP] = FIELD_BIT("up", IFF_UP),
    [ENI6_LINK_BROADCAST_FLAG] = FIELD_BIT("broadcast_capable", IFF_BROADCAST),
    [ENI6_LINK_LOOPBACK] = FIELD_BIT("loopback", IFF_LOOPBACK),
    [ENI6_LINK_POINTOPOINT] = FIELD_BIT("pointopoint", IFF_POINTOPOINT),
    [ENI6_LINK_RUNNING] = FIELD_BIT("running", IFF_RUNNING),
    [ENI6_LINK_NOARP] = FIELD_BIT("noarp", IFF_NOARP),
    [ENI6_LINK_PROMISC] = FIELD_BIT("promisc", IFF_PROMISC),
    [ENI6_LINK_ALLMULTI] = FIELD_BIT("allmulti", IFF_ALLMULTI),
    [ENI6_LINK_MULTICAST] = FIELD_BIT("multicast", IFF_MULTICAST),
    [ENI6_LINK_LOWER_UP] = FIELD_BIT("lower_up", LOWER_UP),
    [ENI6_LINK_MTU] = FIELD_ATTRIBUTE("mtu", U32, IFLA_MTU, mtu, NULL),
    [ENI6_LINK_ADDRESS] = FIELD_ATTRIBUTE("address", HARDWARE, IFLA_ADDRESS, address, NULL),
    [ENI6_LINK_BROADCAST] = FIELD_ATTRIBUTE("broadcast", HARDWARE, IFLA_BROADCAST, broadcast, NULL),
    [ENI6_LINK_PERMANENT_ADDRESS] =
        FIELD_READ("permaddr", HARDWARE, IFLA_PERM_ADDRESS, permanent_address, NULL),
    [ENI6_LINK_PARENT] = FIELD_ATTRIBUTE("parent", LINK, IFLA_LINK, parent, NULL),
    [ENI6_LINK_PARENT_NETNSID] =
        FIELD_ATTRIBUTE("parent_netnsid", U32, IFLA_LINK_NETNSID, parent_netnsid, NULL),
    [ENI6_LINK_MASTER] = FIELD_ATTRIBUTE("master", LINK, IFLA_MASTER, master, NULL),
    [ENI6_LINK_OPERSTATE] =
        FIELD_READ("operstate", U8, IFLA_OPERSTATE, operstate, eni6_words_operstate),
    [ENI6_LINK_CARRIER] = FIELD_READ("carrier", U8, IFLA_CARRIER, carrier, NULL),
    [ENI6_LINK_GROUP] = FIELD_ATTRIBUTE("group", U32, IFLA_GROUP, group, NULL),
    [ENI6_LINK_TXQLEN] = FIELD_ATTRIBUTE("txqlen", U32, IFLA_TXQLEN, txqlen, NULL),
    [ENI6_LINK_NETNS_PID] = FIELD_ATTRIBUTE("netns_pid", U32, IFLA_NET_NS_PID, netns_pid, NULL),
    [ENI6_LINK_NETNS_FD] = FIELD_ATTRIBUTE("netns_fd", U32, IFLA_NET_NS_FD, netns_fd, NULL),
    [ENI6_LINK_ALTNAMES] = FIELD_READ("altnames", NAMES, IFLA_PROP_LIST, altnames, NULL),
    [ENI6_LINK_KIND] = FIELD_ATTRIBUTE("kind", TEXT, IFLA_INFO_KIND, kind, NULL),
    [ENI6_LINK_SLAVE_KIND] = FIELD_READ("slave_kind", TEXT, IFLA_INFO_SLAVE_KIND, slave_kind, NULL),
    [ENI6_LINK_PEER] = FIELD_ATTRIBUTE("peer", PEER, VETH_INFO_PEER, peer, NULL),
    [ENI6_LINK_VLAN_ID] = FIELD_ATTRIBUTE("vlan_id", U16, IFLA_VLAN_ID, vlan_id, NULL),
    [ENI6_LINK_VLAN_PROTOCOL] = FIELD_ATTRIBUTE("vlan_protocol", BE16, IFLA_VLAN_PROTOCOL,
                                                vlan_protocol, eni6_words_vlan_protocol),
    [ENI6_LINK_MACVLAN_MODE] = FIELD_ATTRIBUTE("macvlan_mode", U32, IFLA_MACVLAN_MODE, macvlan_mode,
                                               eni6_words_macvlan_mode),
    [ENI6_LINK_IPVLAN_MODE] =
        FIELD_ATTRIBUTE("ipvlan_mode", U16, IFLA_IPVLAN_MODE, ipvlan_mode, eni6_words_ipvlan_mode),
    [ENI6_LINK_FORWARD_DELAY] =
        FIELD_ATTRIBUTE("forward_delay", U32, IFLA_BR_FORWARD_DELAY, forward_delay, NULL),
    [ENI6_LINK_AGEING_TIME] =
        FIELD_ATTRIBUTE("ageing_time", U32, IFLA_BR_AGEING_TIME, ageing_time, NULL),
    [ENI6_LINK_STP_STATE] = FIELD_ATTRIBUTE("stp_state", U32, IFLA_BR_STP_STATE, stp_state, NULL),
    [ENI6_LINK_VLAN_FILTERING] =
        FIELD_ATTRIBUTE("vlan_filtering", U8, IFLA_BR_VLAN_FILTERING, vlan_filtering, NULL),
    [ENI6_LINK_MCAST_SNOOPING] =
        FIELD_ATTRIBUTE("mcast_snooping", U8, IFLA_BR_MCAST_SNOOPING, mcast_snooping, NULL),
    [ENI6_LINK_ADDR_GEN_MODE] = FIELD_ATTRIBUTE("addr_gen_mode", U8, IFLA_INET6_ADDR_GEN_MODE,
                                                addr_gen_mode, eni6_words_addr_gen_mode),
    [ENI6_LINK_TOKEN] = FIELD_ATTRIBUTE("token", IP, IFLA_INET6_TOKEN, token, NULL),
    [ENI6_LINK_INET6] = FIELD_READ("inet6", SETTINGS, IFLA_INET6_CONF, inet6, NULL),
};

#define SECTION(name, attribute, first, last, kind, in)                                            \
  static const struct eni6_rtnl_section name = {attribute, first, (last) - (first) + 1, kind, in}

SECTION(veth, IFLA_INFO_DATA, ENI6_LINK_PEER, ENI6_LINK_PEER, "veth", NULL);
SECTION(vlan, IFLA_INFO_DATA, ENI6_LINK_VLAN_ID, ENI6_LINK_VLAN_PROTOCOL, "vlan", NULL);
SECTION(macvlan, IFLA_INFO_DATA, ENI6_LINK_MACVLAN_MODE, ENI6_LINK_MACVLAN_MODE, "macvlan", NULL);
SECTION(ipvlan, IFLA_INFO_DATA, ENI6_LINK_IPVLAN_MODE, ENI6_LINK_IPVLAN_MODE, "ipvlan", NULL);
SECTION(bridge, IFLA_INFO_DATA, ENI6_LINK_FORWARD_DELAY, ENI6_LINK_MCAST_SNOOPING, "bridge", NULL);
static const struct eni6_rtnl_section *const kinds[] = {&veth,   &vlan,   &macvlan,
                                                        &ipvlan, &bridge, NULL};
SECTION(info, IFLA_LINKINFO, ENI6_LINK_KIND, ENI6_LINK_SLAVE_KIND, NULL, kinds);
SECTION(inet6, AF_INET6, ENI6_LINK_ADDR_GEN_MODE, ENI6_LINK_INET6, NULL, NULL);
static const struct eni6_rtnl_section *const families[] = {&inet6, NULL};
static const struct eni6_rtnl_section spec = {IFLA_AF_SPEC, 0, 0, NULL, families};
static const struct eni6_rtnl_section *const nests[] = {&info, &spec, NULL};
SECTION(whole, 0, ENI6_LINK_INDEX, ENI6_LINK_ALTNAMES, NULL, nests);

static void load(union eni6_rtnl_record *record, const uint8_t *header,
                 const struct eni6_rtnl_found *found) {
  (void)found;
  memcpy(&record->head.flags, header + offsetof(struct ifinfomsg, ifi_flags), 4);
  ENI6_RTNL_GIVE(record, ENI6_LINK_FLAGS);
}

/* AF_SPEC means something else in the messages of a bridge's ports. */
static void settle(union eni6_rtnl_record *record, const uint8_t *header,
                   const struct eni6_rtnl_found *found) {
  (void)header;
  (void)found;
  if (record->head.family != AF_UNSPEC)
    record->head.present &= ENI6_RTNL_BIT(ENI6_LINK_ADDR_GEN_MODE) - 1;
}

/* A kind's own settings need that kind. */
static const char *check(const union eni6_rtnl_record *record) {
  for (const struct eni6_rtnl_section *const *kind = kinds; *kind; kind++)
    for (unsigned i = 0; i < (*kind)->count; i++)
      if (ENI6_RTNL_HAS(record, (*kind)->first + i) &&
          strcmp(record->link.kind, (*kind)->link_kind) != 0)
        return "a setting is of another kind of link than `kind` says; give the kind with it";
  return NULL;
}

/* Only the flags that were given are to change. */
static void store(struct eni6_rtnl_writer *writer, size_t header,
                  const union eni6_rtnl_record *record, enum eni6_rtnl_verb verb) {
  uint32_t change = 0;
  for (size_t i = ENI6_LINK_UP; i <= ENI6_LINK_LOWER_UP; i++)
    if (ENI6_RTNL_HAS(record, i)) change |= fields[i].wire;
  if (verb == ENI6_RTNL_GET) {
    eni6_rtnl_put_u32(writer, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    change = 0;
  }
  if (writer->full) return;
  uint32_t flags = record->head.flags & change;
  memcpy(writer->bytes + header + offsetof(struct ifinfomsg, ifi_flags), &flags, 4);
  memcpy(writer->bytes + header + offsetof(struct ifinfomsg, ifi_change), &change, 4);
}

/* The kernel filters links by master and kind. Statistics are left out. */
static void ask(struct eni6_rtnl_writer *writer, size_t header,
                const union eni6_rtnl_record *filter) {
  (void)header;
  const struct eni6_rtnl_link *link = &filter->link;
  eni6_rtnl_put_u32(writer, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  if (ENI6_RTNL_HAS(link, ENI6_LINK_MASTER)) eni6_rtnl_put_u32(writer, IFLA_MASTER, link->master);
  if (ENI6_RTNL_HAS(link, ENI6_LINK_KIND)) {
    size_t nest = eni6_rtnl_open_nest(writer, IFLA_LINKINFO);
    eni6_rtnl_put(writer, IFLA_INFO_KIND, link->kind, strlen(link->kind) + 1);
    eni6_rtnl_close_nest(writer, nest);
  }
}

const struct eni6_rtnl_object eni6_rtnl_link_object = {
    .name = "link",
    .type = RTM_NEWLINK,
    .header = sizeof(struct ifinfomsg),
    .attribute = IFLA_MAX,
    .record = sizeof(struct eni6_rtnl_link),
    .fields = fields,
    .field_count = ENI6_LINK_FIELDS,
    .section = &whole,
    .verbs = 1U << ENI6_RTNL_ADD | 1U << ENI6_RTNL_SET | 1U << ENI6_RTNL_DELETE |
             1U << ENI6_RTNL_GET | 1U << ENI6_RTNL_DUMP,
    .family = AF_UNSPEC,
    .family_field = ENI6_LINK_FAMILY,
    .required = ENI6_NONE,
    .load = load,
    .settle = settle,
    .check = check,
    .store = store,
    .ask = ask,
};
