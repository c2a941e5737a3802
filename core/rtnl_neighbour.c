/* The fields of neighbours (linux/neighbour.h), proxy entries included, and of
 * rules (linux/fib_rules.h), and what their tables cannot say. */
#include "rtnl_table.h"

#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* Flags of NDA_FLAGS_EXT are held above those of the header, as in the kernel. */
enum { EXTENDED = 8 };

#define RECORD eni6_rtnl_neighbour
#define HEADER_STRUCT ndmsg

static const struct eni6_rtnl_field fields[] = {
    [ENI6_NEIGHBOUR_INDEX] = FIELD_HEADER("index", U32, ndm_ifindex, head.index, NULL),
    [ENI6_NEIGHBOUR_LINK] = FIELD_NOWHERE("link", LINK, head.index),
    [ENI6_NEIGHBOUR_FAMILY] =
        FIELD_HEADER("family", U8, ndm_family, head.family, eni6_words_family),
    [ENI6_NEIGHBOUR_DST] = FIELD_ATTRIBUTE("dst", IP, NDA_DST, dst, NULL),
    [ENI6_NEIGHBOUR_LLADDR] = FIELD_ATTRIBUTE("lladdr", HARDWARE, NDA_LLADDR, lladdr, NULL),
    [ENI6_NEIGHBOUR_STATE] =
        FIELD_HEADER("state", U16, ndm_state, state, eni6_words_neighbour_state),
    [ENI6_NEIGHBOUR_TYPE] = FIELD_HEADER("type", U8, ndm_type, type, eni6_words_route_type),
    [ENI6_NEIGHBOUR_MASTER] = FIELD_READ("master", LINK, NDA_MASTER, master, NULL),
    [ENI6_NEIGHBOUR_PROTOCOL] =
        FIELD_ATTRIBUTE("protocol", U8, NDA_PROTOCOL, protocol, eni6_words_protocol),
    [ENI6_NEIGHBOUR_PROBES] = FIELD_READ("probes", U32, NDA_PROBES, probes, NULL),
    [ENI6_NEIGHBOUR_USED] =
        FIELD_INSIDE("used", TICKS, NDA_CACHEINFO, nda_cacheinfo, ndm_used, used),
    [ENI6_NEIGHBOUR_CONFIRMED] =
        FIELD_INSIDE("confirmed", TICKS, NDA_CACHEINFO, nda_cacheinfo, ndm_confirmed, confirmed),
    [ENI6_NEIGHBOUR_UPDATED] =
        FIELD_INSIDE("updated", TICKS, NDA_CACHEINFO, nda_cacheinfo, ndm_updated, updated),
    [ENI6_NEIGHBOUR_FLAGS] = FIELD_FLAGS(NDA_FLAGS_EXT),
    [ENI6_NEIGHBOUR_USE] = FIELD_BIT("use", NTF_USE),
    [ENI6_NEIGHBOUR_PROXY] = FIELD_BIT("proxy", NTF_PROXY),
    [ENI6_NEIGHBOUR_EXTERN_LEARN] = FIELD_BIT("extern_learn", NTF_EXT_LEARNED),
    [ENI6_NEIGHBOUR_ROUTER] = FIELD_BIT("router", NTF_ROUTER),
    [ENI6_NEIGHBOUR_MANAGED] = FIELD_BIT("managed", NTF_EXT_MANAGED << EXTENDED),
};

static const struct eni6_rtnl_section whole = {0, 0, ENI6_NEIGHBOUR_FIELDS, NULL, NULL};

static void load(union eni6_rtnl_record *record, const uint8_t *header,
                 const struct eni6_rtnl_found *found) {
  const struct eni6_rtnl_slice *more = &found->at[NDA_FLAGS_EXT];
  uint32_t extended = 0;
  if (more->size >= 4) memcpy(&extended, more->bytes, 4);
  record->head.flags = header[offsetof(struct ndmsg, ndm_flags)] | extended << EXTENDED;
  ENI6_RTNL_GIVE(record, ENI6_NEIGHBOUR_FLAGS);
}

/* An entry is permanent unless it says otherwise; a proxy entry, one that the
 * kernel is to use or to manage has no state of ours. */
static void complete(union eni6_rtnl_record *record, enum eni6_rtnl_verb verb) {
  struct eni6_rtnl_neighbour *neighbour = &record->neighbour;
  uint32_t without = NTF_PROXY | NTF_USE | (uint32_t)NTF_EXT_MANAGED << EXTENDED;
  if (verb == ENI6_RTNL_GET || verb == ENI6_RTNL_DELETE) {
    neighbour->head.present &= ~ENI6_RTNL_BIT(ENI6_NEIGHBOUR_STATE);
  } else if (!ENI6_RTNL_HAS(neighbour, ENI6_NEIGHBOUR_STATE)) {
    neighbour->state = neighbour->head.flags & without ? NUD_NONE : NUD_PERMANENT;
    ENI6_RTNL_GIVE(neighbour, ENI6_NEIGHBOUR_STATE);
  }
}

static void store(struct eni6_rtnl_writer *writer, size_t header,
                  const union eni6_rtnl_record *record, enum eni6_rtnl_verb verb) {
  uint32_t extended = record->head.flags >> EXTENDED;
  if (extended && verb != ENI6_RTNL_GET) eni6_rtnl_put_u32(writer, NDA_FLAGS_EXT, extended);
  if (!writer->full)
    writer->bytes[header + offsetof(struct ndmsg, ndm_flags)] = (uint8_t)record->head.flags;
}

/* The kernel filters neighbours by link and master, and shows proxy entries
 * only when nothing else is asked for. */
static void ask(struct eni6_rtnl_writer *writer, size_t header,
                const union eni6_rtnl_record *filter) {
  const struct eni6_rtnl_neighbour *neighbour = &filter->neighbour;
  if (neighbour->head.index) eni6_rtnl_put_u32(writer, NDA_IFINDEX, neighbour->head.index);
  if (neighbour->master) eni6_rtnl_put_u32(writer, NDA_MASTER, neighbour->master);
  if (!writer->full)
    writer->bytes[header + offsetof(struct ndmsg, ndm_flags)] =
        (uint8_t)(neighbour->head.flags & NTF_PROXY);
}

const struct eni6_rtnl_object eni6_rtnl_neighbour_object = {
    .name = "neighbour",
    .type = RTM_NEWNEIGH,
    .header = sizeof(struct ndmsg),
    .attribute = NDA_MAX,
    .record = sizeof(struct eni6_rtnl_neighbour),
    .fields = fields,
    .field_count = ENI6_NEIGHBOUR_FIELDS,
    .section = &whole,
    .verbs = 1U << ENI6_RTNL_ADD | 1U << ENI6_RTNL_REPLACE | 1U << ENI6_RTNL_DELETE |
             1U << ENI6_RTNL_GET | 1U << ENI6_RTNL_DUMP,
    .family = AF_INET6,
    .family_field = ENI6_NEIGHBOUR_FAMILY,
    .required = ENI6_NEIGHBOUR_DST,
    .load = load,
    .complete = complete,
    .store = store,
    .ask = ask,
};

/* --- rules ---------------------------------------------------------------------- */

#undef RECORD
#undef HEADER_STRUCT
#define RECORD eni6_rtnl_rule
#define HEADER_STRUCT fib_rule_hdr

static const struct eni6_rtnl_field rule_fields[] = {
    [ENI6_RULE_FAMILY] = FIELD_HEADER("family", U8, family, head.family, eni6_words_family),
    [ENI6_RULE_PRIORITY] = FIELD_ATTRIBUTE("priority", U32, FRA_PRIORITY, priority, NULL),
    [ENI6_RULE_FROM] = FIELD_PREFIX("from", FRA_SRC, src_len, from),
    [ENI6_RULE_TO] = FIELD_PREFIX("to", FRA_DST, dst_len, to),
    [ENI6_RULE_ACTION] = FIELD_HEADER("action", U8, action, action, eni6_words_action),
    [ENI6_RULE_TABLE] = FIELD_ATTRIBUTE("table", U32, FRA_TABLE, table, eni6_words_table),
    [ENI6_RULE_GOTO] = FIELD_ATTRIBUTE("target", U32, FRA_GOTO, target, NULL),
    [ENI6_RULE_IIF] = FIELD_ATTRIBUTE("iif", TEXT, FRA_IIFNAME, iif, NULL),
    [ENI6_RULE_OIF] = FIELD_ATTRIBUTE("oif", TEXT, FRA_OIFNAME, oif, NULL),
    [ENI6_RULE_TOS] = FIELD_HEADER("tos", U8, tos, tos, NULL),
    [ENI6_RULE_FWMARK] = FIELD_ATTRIBUTE("fwmark", U32, FRA_FWMARK, fwmark, NULL),
    [ENI6_RULE_FWMASK] = FIELD_ATTRIBUTE("fwmask", U32, FRA_FWMASK, fwmask, NULL),
    [ENI6_RULE_SUPPRESS_PREFIXLEN] = FIELD_ATTRIBUTE(
        "suppress_prefixlength", U32, FRA_SUPPRESS_PREFIXLEN, suppress_prefixlen, NULL),
    [ENI6_RULE_L3MDEV] = FIELD_ATTRIBUTE("l3mdev", U8, FRA_L3MDEV, l3mdev, NULL),
    [ENI6_RULE_UIDRANGE] = FIELD_ATTRIBUTE("uidrange", RANGE32, FRA_UID_RANGE, uidrange, NULL),
    [ENI6_RULE_PROTOCOL] =
        FIELD_ATTRIBUTE("protocol", U8, FRA_PROTOCOL, protocol, eni6_words_protocol),
    [ENI6_RULE_IPPROTO] = FIELD_ATTRIBUTE("ipproto", U8, FRA_IP_PROTO, ipproto, NULL),
    [ENI6_RULE_SPORT] = FIELD_ATTRIBUTE("sport", RANGE16, FRA_SPORT_RANGE, sport, NULL),
    [ENI6_RULE_DPORT] = FIELD_ATTRIBUTE("dport", RANGE16, FRA_DPORT_RANGE, dport, NULL),
    [ENI6_RULE_FLAGS] = FIELD_FLAGS(0),
    [ENI6_RULE_INVERT] = FIELD_BIT("invert", FIB_RULE_INVERT),
};

static const struct eni6_rtnl_section rule_whole = {0, 0, ENI6_RULE_FIELDS, NULL, NULL};

static void load_rule(union eni6_rtnl_record *record, const uint8_t *header,
                      const struct eni6_rtnl_found *found) {
  (void)found;
  memcpy(&record->head.flags, header + offsetof(struct fib_rule_hdr, flags), 4);
  ENI6_RTNL_GIVE(record, ENI6_RULE_FLAGS);
}

/* A small table number may be in the header; the kernel's words for "none" are left out. */
static void settle_rule(union eni6_rtnl_record *record, const uint8_t *header,
                        const struct eni6_rtnl_found *found) {
  struct eni6_rtnl_rule *rule = &record->rule;
  (void)found;
  if (!ENI6_RTNL_HAS(rule, ENI6_RULE_TABLE)) {
    rule->table = header[offsetof(struct fib_rule_hdr, table)];
    ENI6_RTNL_GIVE(rule, ENI6_RULE_TABLE);
  }
  ENI6_RTNL_GIVE(rule, ENI6_RULE_PRIORITY); /* 0 is not sent */
  if (rule->table == RT_TABLE_UNSPEC) rule->head.present &= ~ENI6_RTNL_BIT(ENI6_RULE_TABLE);
  if (rule->suppress_prefixlen == UINT32_MAX)
    rule->head.present &= ~ENI6_RTNL_BIT(ENI6_RULE_SUPPRESS_PREFIXLEN);
}

/* A rule looks the main table up unless it says otherwise, and is ours. */
static void complete_rule(union eni6_rtnl_record *record, enum eni6_rtnl_verb verb) {
  struct eni6_rtnl_rule *rule = &record->rule;
  if (verb == ENI6_RTNL_DELETE) return;
  if (!ENI6_RTNL_HAS(rule, ENI6_RULE_ACTION)) rule->action = FR_ACT_TO_TBL;
  ENI6_RTNL_GIVE(rule, ENI6_RULE_ACTION);
  if (!ENI6_RTNL_HAS(rule, ENI6_RULE_TABLE) && rule->action == FR_ACT_TO_TBL && !rule->l3mdev) {
    rule->table = RT_TABLE_MAIN;
    ENI6_RTNL_GIVE(rule, ENI6_RULE_TABLE);
  }
  if (!ENI6_RTNL_HAS(rule, ENI6_RULE_PROTOCOL)) rule->protocol = RTPROT_STATIC;
  ENI6_RTNL_GIVE(rule, ENI6_RULE_PROTOCOL);
}

static void store_rule(struct eni6_rtnl_writer *writer, size_t header,
                       const union eni6_rtnl_record *record, enum eni6_rtnl_verb verb) {
  uint32_t flags = record->head.flags & FIB_RULE_INVERT;
  (void)verb;
  if (!writer->full)
    memcpy(writer->bytes + header + offsetof(struct fib_rule_hdr, flags), &flags, 4);
}

const struct eni6_rtnl_object eni6_rtnl_rule_object = {
    .name = "rule",
    .type = RTM_NEWRULE,
    .header = sizeof(struct fib_rule_hdr),
    .attribute = FRA_MAX,
    .record = sizeof(struct eni6_rtnl_rule),
    .fields = rule_fields,
    .field_count = ENI6_RULE_FIELDS,
    .section = &rule_whole,
    .verbs = 1U << ENI6_RTNL_ADD | 1U << ENI6_RTNL_DELETE | 1U << ENI6_RTNL_DUMP,
    .family = AF_INET6,
    .family_field = ENI6_RULE_FAMILY,
    .required = ENI6_NONE,
    .load = load_rule,
    .settle = settle_rule,
    .complete = complete_rule,
    .store = store_rule,
};
