/* What the kernel answers: acks, and in which field of the request the fault is. */
#include "rtnl_table.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

enum { NETLINK_HEADER = sizeof(struct nlmsghdr) };

/* A number of 32 bits at the start of a payload. */
static bool number_in(struct eni6_rtnl_slice payload, uint32_t *value) {
  if (payload.size < sizeof *value) return false;
  memcpy(value, payload.bytes, sizeof *value);
  return true;
}

static void read_extended(struct eni6_rtnl_slice rest, struct eni6_rtnl_ack *ack) {
  struct eni6_rtnl_found found;
  eni6_rtnl_find(rest, NLMSGERR_ATTR_MAX, &found);
  struct eni6_rtnl_slice text = found.at[NLMSGERR_ATTR_MSG];
  if (text.bytes)
    snprintf(ack->text, sizeof ack->text, "%.*s", (int)text.size, (const char *)text.bytes);
  ack->has_offset = number_in(found.at[NLMSGERR_ATTR_OFFS], &ack->offset);
  ack->has_missing = number_in(found.at[NLMSGERR_ATTR_MISS_TYPE], &ack->missing);
  number_in(found.at[NLMSGERR_ATTR_MISS_NEST], &ack->missing_nest);
}

int eni6_rtnl_decode_ack(const struct eni6_rtnl_message *message, struct eni6_rtnl_ack *ack) {
  int32_t status;
  size_t at = NETLINK_HEADER + sizeof status;
  if (message->type != NLMSG_ERROR && message->type != NLMSG_DONE) return 0;
  memset(ack, 0, sizeof *ack);
  /* A bare DONE is what some kernels close a dump with. */
  if (message->size < at) return message->type == NLMSG_DONE ? 1 : -EBADMSG;
  memcpy(&status, message->bytes + NETLINK_HEADER, sizeof status);
  ack->status = status > 0 || status < -4095 ? -EBADMSG : status;
  if (message->type == NLMSG_ERROR) {
    struct nlmsghdr request;
    if (message->size < at + sizeof request) return -EBADMSG;
    memcpy(&request, message->bytes + at, sizeof request);
    bool capped = message->flags & NLM_F_CAPPED || status == 0;
    at += capped ? sizeof request : (request.nlmsg_len + 3) & ~UINT32_C(3);
  }
  if (message->flags & NLM_F_ACK_TLVS && at < message->size)
    read_extended((struct eni6_rtnl_slice){message->bytes + at, message->size - at}, ack);
  return 1;
}

/* --- the field at fault ------------------------------------------------------------ */

/* Names the field of a section that is found by the attribute type; false when none is. */
static bool name_of(const struct eni6_rtnl_object *object, const struct eni6_rtnl_section *section,
                    uint16_t type, char field[ENI6_RTNL_FIELD_SIZE]) {
  for (unsigned i = section->first; i < section->first + (unsigned)section->count; i++) {
    const struct eni6_rtnl_field *row = &object->fields[i];
    if (row->place == ENI6_PLACE_HEADER || row->type == ENI6_TYPE_BIT) continue;
    if (row->wire != type || type == 0) continue;
    snprintf(field, ENI6_RTNL_FIELD_SIZE, "%s", row->name);
    return true;
  }
  return false;
}

/* Names the field of the fixed header that covers an offset in it. */
static void name_in_header(const struct eni6_rtnl_object *object, size_t offset,
                           char field[ENI6_RTNL_FIELD_SIZE]) {
  for (size_t i = 0; i < object->field_count; i++) {
    const struct eni6_rtnl_field *row = &object->fields[i];
    bool here = row->place == ENI6_PLACE_HEADER && row->wire == offset;
    bool length = row->type == ENI6_TYPE_PREFIX && row->inside == offset;
    if (here || length) {
      snprintf(field, ENI6_RTNL_FIELD_SIZE, "%s", row->name);
      return;
    }
  }
}

/* What is looked for: the attribute at an offset, or one missing inside it. */
struct target {
  const uint8_t *base; /* the request */
  size_t offset;
  bool missing;
  uint16_t type; /* of the missing one */
};

static void search(const struct eni6_rtnl_object *object, const struct eni6_rtnl_section *section,
                   struct eni6_rtnl_slice attributes, const struct target *target,
                   char field[ENI6_RTNL_FIELD_SIZE]);

/* Names a field inside one way of a multipath route: "nexthops[2].gateway". */
static void search_ways(struct eni6_rtnl_slice rest, const struct target *target,
                        char field[ENI6_RTNL_FIELD_SIZE]) {
  struct eni6_rtnl_nexthop nexthop;
  for (int i = 1; rest.size; i++) {
    struct eni6_rtnl_slice way = rest;
    if (!eni6_rtnl_next_nexthop(&rest, 0, &nexthop)) return;
    way.size -= rest.size;
    size_t start = (size_t)(way.bytes - target->base);
    if (target->offset < start || target->offset >= start + way.size) continue;
    char inner[ENI6_RTNL_FIELD_SIZE / 2] = "";
    char name[ENI6_RTNL_FIELD_SIZE] = "";
    struct eni6_rtnl_slice inside = {way.bytes + 8, way.size > 8 ? way.size - 8 : 0};
    search(&eni6_rtnl_nexthop_object, eni6_rtnl_nexthop_object.section, inside, target, name);
    snprintf(inner, sizeof inner, "%.23s", name);
    snprintf(field, ENI6_RTNL_FIELD_SIZE, "nexthops[%d]%s%s", i, *inner ? "." : "", inner);
    return;
  }
}

/* The nest of a section with this attribute type, or NULL. */
static const struct eni6_rtnl_section *nest_of(const struct eni6_rtnl_section *section,
                                               uint16_t type) {
  for (const struct eni6_rtnl_section *const *in = section->in; in && *in; in++)
    if ((*in)->attribute == type && !(*in)->link_kind) return *in;
  return NULL;
}

static void search(const struct eni6_rtnl_object *object, const struct eni6_rtnl_section *section,
                   struct eni6_rtnl_slice attributes, const struct target *target,
                   char field[ENI6_RTNL_FIELD_SIZE]) {
  struct eni6_rtnl_attribute attribute;
  while (eni6_rtnl_next_attribute(&attributes, &attribute)) {
    size_t end = (size_t)(attribute.payload.bytes - target->base) + attribute.payload.size;
    size_t start = (size_t)(attribute.payload.bytes - target->base) - sizeof(struct nlattr);
    if (target->offset < start || target->offset >= end) continue;
    const struct eni6_rtnl_section *nest = nest_of(section, attribute.type);
    if (nest && target->missing && target->offset == start) {
      name_of(object, nest, target->type, field);
      return;
    }
    name_of(object, section, attribute.type, field);
    if (strcmp(field, "nexthops") == 0 && target->offset > start)
      search_ways(attribute.payload, target, field);
    else if (nest)
      search(object, nest, attribute.payload, target, field);
    return;
  }
}

void eni6_rtnl_fault(const struct eni6_rtnl_message *request, const struct eni6_rtnl_ack *ack,
                     char field[ENI6_RTNL_FIELD_SIZE]) {
  enum eni6_rtnl_kind kind;
  const struct eni6_rtnl_object *object = eni6_rtnl_object_of(request->type, &kind);
  struct target target = {request->bytes, ack->offset, false, 0};
  field[0] = '\0';
  if (!object || request->size < NETLINK_HEADER + (size_t)object->header) return;
  size_t start = NETLINK_HEADER + (size_t)object->header;
  struct eni6_rtnl_slice attributes = {request->bytes + start, request->size - start};
  if (ack->has_missing) {
    target.offset = ack->missing_nest;
    target.missing = true;
    target.type = (uint16_t)ack->missing;
    if (ack->missing_nest < start) name_of(object, object->section, target.type, field);
  } else if (ack->has_offset && ack->offset < start && ack->offset >= NETLINK_HEADER) {
    name_in_header(object, ack->offset - NETLINK_HEADER, field);
  }
  if (!*field && (ack->has_missing || ack->has_offset) && target.offset >= start)
    search(object, object->section, attributes, &target, field);
}

/* --- in words ----------------------------------------------------------------------- */

void eni6_rtnl_describe(const struct eni6_rtnl_message *request, char name[ENI6_RTNL_FIELD_SIZE]) {
  static const char *const verbs[] = {"add", "replace", "append", "set", "delete", "get", "dump"};
  union eni6_rtnl_record record;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  snprintf(name, ENI6_RTNL_FIELD_SIZE, "request %u", request->type);
  if (eni6_rtnl_decode(request, &kind, &verb, &record) <= 0) return;
  snprintf(name, ENI6_RTNL_FIELD_SIZE, "%s_%s", verbs[verb], eni6_rtnl_objects[kind]->name);
}

/* What to do about a refusal, or "". */
static const char *remedy_for(enum eni6_rtnl_kind kind, enum eni6_rtnl_verb verb, int status) {
  switch (-status) {
  case EPERM: return "it needs CAP_NET_ADMIN in that network namespace: run as root";
  case EACCES: return "IPv6 may be disabled there (sysctl disable_ipv6)";
  case ENODEV: return "that link is not in this network namespace";
  case EEXIST: return "one is there already: use replace or ensure";
  case EOPNOTSUPP: return "this kernel has no support for it (a module may be missing)";
  case ESRCH:
  case ENOENT:
  case EADDRNOTAVAIL: return verb == ENI6_RTNL_DELETE ? "nothing like it is there" : "";
  case ENETUNREACH:
  case EHOSTUNREACH:
    return kind == ENI6_RTNL_ROUTE && verb != ENI6_RTNL_GET
               ? "the gateway is not on the link: give `link`, an address in its prefix, or onlink"
               : "";
  case EAFNOSUPPORT:
    return kind == ENI6_RTNL_LINK ? "settings of IPv6 need a link that is there: set_link" : "";
  case ENETDOWN: return "set the link up first";
  case ENOTCONN: return "the peer of a pair cannot be made up: set it up afterwards";
  default: return "";
  }
}

static void append(struct eni6_error *error, const char *before, const char *text,
                   const char *after) {
  size_t used = strlen(error->message);
  snprintf(error->message + used, sizeof error->message - used, "%s%s%s", before, text, after);
}

int eni6_rtnl_explain(const struct eni6_rtnl_message *request, const struct eni6_rtnl_ack *ack,
                      struct eni6_error *error) {
  char name[ENI6_RTNL_FIELD_SIZE], field[ENI6_RTNL_FIELD_SIZE];
  union eni6_rtnl_record record;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  char reason[64];
  if (!error) return ack->status;
  bool known = eni6_rtnl_decode(request, &kind, &verb, &record) > 0;
  const char *remedy = known ? remedy_for(kind, verb, ack->status) : "";
  eni6_rtnl_describe(request, name);
  eni6_rtnl_fault(request, ack, field);
  if (strerror_r(-ack->status, reason, sizeof reason) != 0) *reason = '\0';
  int status = eni6_error_set(error, ack->status, "%s: %s%s%s", name, field, *field ? ": " : "",
                              *ack->text ? ack->text : reason);
  if (*ack->text) append(error, " (", reason, ")");
  if (*remedy) append(error, "; ", remedy, "");
  return status;
}
