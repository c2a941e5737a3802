/* The fields of addresses (linux/if_addr.h) and of address labels
 * (linux/if_addrlabel.h), and what their tables cannot say. */
#include "rtnl_table.h"

#include <linux/if_addr.h>
#include <linux/if_addrlabel.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define RECORD eni6_rtnl_address
#define HEADER_STRUCT ifaddrmsg

static const struct eni6_rtnl_field fields[] = {
    [ENI6_ADDRESS_INDEX] = FIELD_HEADER("index", U32, ifa_index, head.index, NULL),
    [ENI6_ADDRESS_LINK] = FIELD_NOWHERE("link", LINK, head.index),
    [ENI6_ADDRESS_FAMILY] = FIELD_HEADER("family", U8, ifa_family, head.family, eni6_words_family),
    [ENI6_ADDRESS_ADDRESS] = FIELD_PREFIX("address", IFA_LOCAL, ifa_prefixlen, address),
    [ENI6_ADDRESS_PEER] = FIELD_PREFIX("peer", IFA_ADDRESS, ifa_prefixlen, peer),
    [ENI6_ADDRESS_BROADCAST] = FIELD_ATTRIBUTE("broadcast", IP, IFA_BROADCAST, broadcast, NULL),
    [ENI6_ADDRESS_ANYCAST] = FIELD_ATTRIBUTE("anycast", IP, IFA_ANYCAST, anycast, NULL),
    [ENI6_ADDRESS_SCOPE] = FIELD_HEADER("scope", U8, ifa_scope, scope, eni6_words_scope),
    [ENI6_ADDRESS_LABEL] = FIELD_ATTRIBUTE("label", TEXT, IFA_LABEL, label, NULL),
    [ENI6_ADDRESS_METRIC] = FIELD_ATTRIBUTE("metric", U32, IFA_RT_PRIORITY, metric, NULL),
    [ENI6_ADDRESS_PROTOCOL] =
        FIELD_ATTRIBUTE("protocol", U8, IFA_PROTO, protocol, eni6_words_address_protocol),
    [ENI6_ADDRESS_VALID_LFT] =
        FIELD_INSIDE("valid_lft", LIFETIME, IFA_CACHEINFO, ifa_cacheinfo, ifa_valid, valid_lft),
    [ENI6_ADDRESS_PREFERRED_LFT] = FIELD_INSIDE("preferred_lft", LIFETIME, IFA_CACHEINFO,
                                                ifa_cacheinfo, ifa_prefered, preferred_lft),
    [ENI6_ADDRESS_FLAGS] = FIELD_FLAGS(IFA_FLAGS),
    [ENI6_ADDRESS_TEMPORARY] = FIELD_BIT("temporary", IFA_F_TEMPORARY),
    [ENI6_ADDRESS_NODAD] = FIELD_BIT("nodad", IFA_F_NODAD),
    [ENI6_ADDRESS_OPTIMISTIC] = FIELD_BIT("optimistic", IFA_F_OPTIMISTIC),
    [ENI6_ADDRESS_DADFAILED] = FIELD_BIT("dadfailed", IFA_F_DADFAILED),
    [ENI6_ADDRESS_HOME] = FIELD_BIT("home", IFA_F_HOMEADDRESS),
    [ENI6_ADDRESS_DEPRECATED] = FIELD_BIT("deprecated", IFA_F_DEPRECATED),
    [ENI6_ADDRESS_TENTATIVE] = FIELD_BIT("tentative", IFA_F_TENTATIVE),
    [ENI6_ADDRESS_PERMANENT] = FIELD_BIT("permanent", IFA_F_PERMANENT),
    [ENI6_ADDRESS_MNGTMPADDR] = FIELD_BIT("mngtmpaddr", IFA_F_MANAGETEMPADDR),
    [ENI6_ADDRESS_NOPREFIXROUTE] = FIELD_BIT("noprefixroute", IFA_F_NOPREFIXROUTE),
    [ENI6_ADDRESS_AUTOJOIN] = FIELD_BIT("autojoin", IFA_F_MCAUTOJOIN),
    [ENI6_ADDRESS_STABLE_PRIVACY] = FIELD_BIT("stable_privacy", IFA_F_STABLE_PRIVACY),
};

static const struct eni6_rtnl_section whole = {0, 0, ENI6_ADDRESS_FIELDS, NULL, NULL};

/* The header holds the low eight bits; IFA_FLAGS, where present, all of them. */
static void load(union eni6_rtnl_record *record, const uint8_t *header,
                 const struct eni6_rtnl_found *found) {
  const struct eni6_rtnl_slice *flags = &found->at[IFA_FLAGS];
  record->head.flags = header[offsetof(struct ifaddrmsg, ifa_flags)];
  if (flags->size >= 4) memcpy(&record->head.flags, flags->bytes, 4);
  ENI6_RTNL_GIVE(record, ENI6_ADDRESS_FLAGS);
}

static bool same_bytes(const struct eni6_rtnl_ip *one, const struct eni6_rtnl_ip *other) {
  return one->family == other->family && memcmp(one->bytes, other->bytes, 16) == 0;
}

/* IFA_ADDRESS is the address itself, unless there is a far end. */
static void settle(union eni6_rtnl_record *record, const uint8_t *header,
                   const struct eni6_rtnl_found *found) {
  struct eni6_rtnl_address *address = &record->address;
  (void)header;
  (void)found;
  if (!ENI6_RTNL_HAS(address, ENI6_ADDRESS_PEER)) return;
  if (!ENI6_RTNL_HAS(address, ENI6_ADDRESS_ADDRESS)) {
    address->address = address->peer;
    ENI6_RTNL_GIVE(address, ENI6_ADDRESS_ADDRESS);
  } else if (!same_bytes(&address->address, &address->peer)) {
    return;
  }
  memset(&address->peer, 0, sizeof address->peer);
  address->head.present &= ~ENI6_RTNL_BIT(ENI6_ADDRESS_PEER);
}

/* The far end is the address itself when there is none; what is asked for is
 * found by IFA_ADDRESS. */
static void complete(union eni6_rtnl_record *record, enum eni6_rtnl_verb verb) {
  struct eni6_rtnl_address *address = &record->address;
  (void)verb;
  if (!ENI6_RTNL_HAS(address, ENI6_ADDRESS_ADDRESS)) return;
  if (!ENI6_RTNL_HAS(address, ENI6_ADDRESS_PEER)) address->peer = address->address;
  ENI6_RTNL_GIVE(address, ENI6_ADDRESS_PEER);
}

/* IFA_FLAGS replaces the header's flags wholesale, so the full mask is always
 * sent. A lifetime that was not given is for ever, or as long as it may be. What
 * is asked for is told by the address alone. */
static void store(struct eni6_rtnl_writer *writer, size_t header,
                  const union eni6_rtnl_record *record, enum eni6_rtnl_verb verb) {
  const struct eni6_rtnl_address *address = &record->address;
  bool valid = ENI6_RTNL_HAS(address, ENI6_ADDRESS_VALID_LFT);
  bool preferred = ENI6_RTNL_HAS(address, ENI6_ADDRESS_PREFERRED_LFT);
  if (verb == ENI6_RTNL_GET && !writer->full)
    writer->bytes[header + offsetof(struct ifaddrmsg, ifa_prefixlen)] = 0;
  if (verb == ENI6_RTNL_GET || verb == ENI6_RTNL_DELETE) return;
  eni6_rtnl_put_u32(writer, IFA_FLAGS, address->head.flags);
  if (valid || preferred) {
    struct ifa_cacheinfo times = {.ifa_valid = valid ? address->valid_lft : ENI6_RTNL_FOREVER};
    times.ifa_prefered = preferred ? address->preferred_lft : times.ifa_valid;
    eni6_rtnl_put(writer, IFA_CACHEINFO, &times, sizeof times);
  }
  if (!writer->full)
    writer->bytes[header + offsetof(struct ifaddrmsg, ifa_flags)] = (uint8_t)address->head.flags;
}

/* The kernel filters addresses by family and link. */
static void ask(struct eni6_rtnl_writer *writer, size_t header,
                const union eni6_rtnl_record *filter) {
  if (!writer->full)
    memcpy(writer->bytes + header + offsetof(struct ifaddrmsg, ifa_index), &filter->head.index, 4);
}

const struct eni6_rtnl_object eni6_rtnl_address_object = {
    .name = "address",
    .type = RTM_NEWADDR,
    .header = sizeof(struct ifaddrmsg),
    .attribute = IFA_MAX,
    .record = sizeof(struct eni6_rtnl_address),
    .fields = fields,
    .field_count = ENI6_ADDRESS_FIELDS,
    .section = &whole,
    .verbs = 1U << ENI6_RTNL_ADD | 1U << ENI6_RTNL_REPLACE | 1U << ENI6_RTNL_DELETE |
             1U << ENI6_RTNL_GET | 1U << ENI6_RTNL_DUMP,
    .family = AF_INET6,
    .family_field = ENI6_ADDRESS_FAMILY,
    .required = ENI6_ADDRESS_ADDRESS,
    .load = load,
    .settle = settle,
    .complete = complete,
    .store = store,
    .ask = ask,
};

#undef RECORD
#undef HEADER_STRUCT
#define RECORD eni6_rtnl_label
#define HEADER_STRUCT ifaddrlblmsg

static const struct eni6_rtnl_field label_fields[] = {
    [ENI6_LABEL_INDEX] = FIELD_HEADER("index", U32, ifal_index, head.index, NULL),
    [ENI6_LABEL_LINK] = FIELD_NOWHERE("link", LINK, head.index),
    [ENI6_LABEL_FAMILY] = FIELD_HEADER("family", U8, ifal_family, head.family, eni6_words_family),
    [ENI6_LABEL_PREFIX] = FIELD_PREFIX("prefix", IFAL_ADDRESS, ifal_prefixlen, prefix),
    [ENI6_LABEL_LABEL] = FIELD_ATTRIBUTE("label", U32, IFAL_LABEL, label, NULL),
};

static const struct eni6_rtnl_section label_whole = {0, 0, ENI6_LABEL_FIELDS, NULL, NULL};

const struct eni6_rtnl_object eni6_rtnl_label_object = {
    .name = "address_label",
    .type = RTM_NEWADDRLABEL,
    .header = sizeof(struct ifaddrlblmsg),
    .attribute = IFAL_MAX,
    .record = sizeof(struct eni6_rtnl_label),
    .fields = label_fields,
    .field_count = ENI6_LABEL_FIELDS,
    .section = &label_whole,
    .verbs = 1U << ENI6_RTNL_ADD | 1U << ENI6_RTNL_REPLACE | 1U << ENI6_RTNL_DELETE |
             1U << ENI6_RTNL_DUMP,
    .family = AF_INET6,
    .family_field = ENI6_LABEL_FAMILY,
    .required = ENI6_LABEL_PREFIX,
};
