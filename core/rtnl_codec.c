/* Records to messages and back, as the tables say. */
#include "rtnl_table.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

const struct eni6_rtnl_object *const eni6_rtnl_objects[ENI6_RTNL_KINDS] = {
    [ENI6_RTNL_LINK] = &eni6_rtnl_link_object,
    [ENI6_RTNL_ADDRESS] = &eni6_rtnl_address_object,
    [ENI6_RTNL_ROUTE] = &eni6_rtnl_route_object,
    [ENI6_RTNL_NEIGHBOUR] = &eni6_rtnl_neighbour_object,
    [ENI6_RTNL_RULE] = &eni6_rtnl_rule_object,
    [ENI6_RTNL_ADDRESS_LABEL] = &eni6_rtnl_label_object,
};

const struct eni6_rtnl_object *eni6_rtnl_object_of(uint16_t type, enum eni6_rtnl_kind *kind) {
  for (int i = 0; i < ENI6_RTNL_KINDS; i++) {
    const struct eni6_rtnl_object *object = eni6_rtnl_objects[i];
    if (type < object->type || type > object->type + 2) continue;
    *kind = (enum eni6_rtnl_kind)i;
    return object;
  }
  return NULL;
}

bool eni6_rtnl_allows(enum eni6_rtnl_kind kind, enum eni6_rtnl_verb verb) {
  return (eni6_rtnl_objects[kind]->verbs & 1U << verb) != 0;
}

/* A given field's address, when it must be of the record's own family (a `via` is
 * of the other). */
static struct eni6_rtnl_ip *own_ip(const struct eni6_rtnl_object *object, int number,
                                   union eni6_rtnl_record *record) {
  const struct eni6_rtnl_field *field = &object->fields[number];
  if (field->type != ENI6_TYPE_IP && field->type != ENI6_TYPE_PREFIX) return NULL;
  return (struct eni6_rtnl_ip *)((uint8_t *)record + field->offset);
}

/* --- reading ------------------------------------------------------------------ */

/* A number of `size` bytes, which both sides hold alike. */
static bool read_number(uint8_t *to, struct eni6_rtnl_slice from, size_t size) {
  if (from.size < size) return false;
  memcpy(to, from.bytes, size);
  return true;
}

static bool read_be16(uint8_t *to, struct eni6_rtnl_slice from) {
  if (from.size < 2) return false;
  uint16_t value = (uint16_t)(from.bytes[0] << 8 | from.bytes[1]);
  memcpy(to, &value, sizeof value);
  return true;
}

/* A name that fits, closed by a NUL. */
static bool read_text(uint8_t *to, struct eni6_rtnl_slice from) {
  size_t size = strnlen((const char *)from.bytes, from.size);
  if (size == 0 || size >= ENI6_RTNL_NAME_SIZE) return false;
  memcpy(to, from.bytes, size);
  to[size] = '\0';
  return true;
}

/* An address, whose family is told by its size. */
static bool read_ip(struct eni6_rtnl_ip *to, struct eni6_rtnl_slice from) {
  if (from.size != 16 && from.size != 4) return false;
  to->family = from.size == 16 ? AF_INET6 : AF_INET;
  to->length = (uint8_t)(from.size * 8);
  memcpy(to->bytes, from.bytes, from.size);
  return true;
}

static bool read_prefix(struct eni6_rtnl_ip *to, struct eni6_rtnl_slice from, uint8_t length) {
  if (!read_ip(to, from) || length > to->length) return false;
  to->length = length;
  return true;
}

static bool read_via(struct eni6_rtnl_ip *to, struct eni6_rtnl_slice from) {
  uint16_t family;
  if (from.size < sizeof family) return false;
  memcpy(&family, from.bytes, sizeof family);
  struct eni6_rtnl_slice rest = {from.bytes + sizeof family, from.size - sizeof family};
  return rest.size == eni6_rtnl_ip_size((uint8_t)family) && read_ip(to, rest);
}

static bool read_hardware(struct eni6_rtnl_hardware *to, struct eni6_rtnl_slice from) {
  if (from.size == 0 || from.size > sizeof to->bytes) return false;
  to->size = (uint8_t)from.size;
  memcpy(to->bytes, from.bytes, from.size);
  return true;
}

static bool read_range(struct eni6_rtnl_range *to, struct eni6_rtnl_slice from, size_t width) {
  uint16_t narrow[2];
  if (from.size < 2 * width) return false;
  if (width == 4) {
    memcpy(to, from.bytes, sizeof *to);
  } else {
    memcpy(narrow, from.bytes, sizeof narrow);
    to->first = narrow[0];
    to->last = narrow[1];
  }
  return true;
}

/* Reads one field's bytes into its place; false leaves it absent. */
static bool read_value(const struct eni6_rtnl_field *field, struct eni6_rtnl_slice from,
                       const uint8_t *header, void *to) {
  switch ((enum eni6_rtnl_type)field->type) {
  case ENI6_TYPE_U8: return read_number(to, from, 1);
  case ENI6_TYPE_U16: return read_number(to, from, 2);
  case ENI6_TYPE_U32:
  case ENI6_TYPE_LINK:
  case ENI6_TYPE_LIFETIME:
  case ENI6_TYPE_TICKS: return read_number(to, from, 4);
  case ENI6_TYPE_BE16: return read_be16(to, from);
  case ENI6_TYPE_TEXT: return read_text(to, from);
  case ENI6_TYPE_IP: return read_ip(to, from);
  case ENI6_TYPE_PREFIX: return read_prefix(to, from, header[field->inside]);
  case ENI6_TYPE_VIA: return read_via(to, from);
  case ENI6_TYPE_HARDWARE: return read_hardware(to, from);
  case ENI6_TYPE_RANGE16: return read_range(to, from, 2);
  case ENI6_TYPE_RANGE32: return read_range(to, from, 4);
  case ENI6_TYPE_NEXTHOPS:
  case ENI6_TYPE_PEER:
  case ENI6_TYPE_NAMES:
  case ENI6_TYPE_SETTINGS: *(struct eni6_rtnl_slice *)to = from; return true;
  case ENI6_TYPE_BIT: break;
  }
  return false;
}

/* Where on the wire a field's value begins; NULL bytes when it is not there. */
static struct eni6_rtnl_slice source_of(const struct eni6_rtnl_object *object,
                                        const struct eni6_rtnl_field *field, const uint8_t *header,
                                        const struct eni6_rtnl_found *found) {
  struct eni6_rtnl_slice none = {NULL, 0};
  if (field->place == ENI6_PLACE_HEADER)
    return (struct eni6_rtnl_slice){header + field->wire, object->header - field->wire};
  if (field->place == ENI6_PLACE_NOWHERE) return none;
  struct eni6_rtnl_slice payload = found->at[field->wire];
  if (field->place == ENI6_PLACE_ATTRIBUTE || !payload.bytes) return payload;
  if (payload.size <= field->inside) return none;
  return (struct eni6_rtnl_slice){payload.bytes + field->inside, payload.size - field->inside};
}

/* The largest attribute type that a section's fields and nests are found by. */
static uint16_t largest_in(const struct eni6_rtnl_object *object,
                           const struct eni6_rtnl_section *section) {
  uint32_t largest = 0;
  for (unsigned i = section->first; i < section->first + (unsigned)section->count; i++)
    if (object->fields[i].place == ENI6_PLACE_ATTRIBUTE && object->fields[i].wire > largest)
      largest = object->fields[i].wire;
  for (const struct eni6_rtnl_section *const *in = section->in; in && *in; in++)
    if ((*in)->attribute > largest) largest = (*in)->attribute;
  return (uint16_t)largest;
}

static bool section_applies(const struct eni6_rtnl_section *section,
                            const union eni6_rtnl_record *record) {
  return !section->link_kind || strcmp(section->link_kind, record->link.kind) == 0;
}

void eni6_rtnl_read_section(const struct eni6_rtnl_object *object,
                            const struct eni6_rtnl_section *section, const uint8_t *header,
                            const struct eni6_rtnl_found *found, union eni6_rtnl_record *record) {
  for (unsigned i = section->first; i < section->first + (unsigned)section->count; i++) {
    const struct eni6_rtnl_field *field = &object->fields[i];
    if (field->type == ENI6_TYPE_BIT) {
      if (record->head.flags & field->wire) ENI6_RTNL_GIVE(record, i);
      continue;
    }
    struct eni6_rtnl_slice from = source_of(object, field, header, found);
    if (from.bytes && read_value(field, from, header, (uint8_t *)record + field->offset))
      ENI6_RTNL_GIVE(record, i);
  }
  for (const struct eni6_rtnl_section *const *in = section->in; in && *in; in++) {
    struct eni6_rtnl_found nested;
    if (!found->at[(*in)->attribute].bytes || !section_applies(*in, record)) continue;
    eni6_rtnl_find(found->at[(*in)->attribute], largest_in(object, *in), &nested);
    eni6_rtnl_read_section(object, *in, header, &nested, record);
  }
}

/* What a message of the object asks, told from its type and flags. */
static enum eni6_rtnl_verb verb_of(const struct eni6_rtnl_object *object,
                                   const struct eni6_rtnl_message *message) {
  if (message->type == object->type + 1) return ENI6_RTNL_DELETE;
  if (message->type == object->type + 2)
    return (message->flags & NLM_F_DUMP) == NLM_F_DUMP ? ENI6_RTNL_DUMP : ENI6_RTNL_GET;
  if (message->flags & NLM_F_REPLACE) return ENI6_RTNL_REPLACE;
  if (message->flags & NLM_F_APPEND) return ENI6_RTNL_APPEND;
  return message->flags & NLM_F_CREATE ? ENI6_RTNL_ADD : ENI6_RTNL_SET;
}

int eni6_rtnl_decode(const struct eni6_rtnl_message *message, enum eni6_rtnl_kind *kind,
                     enum eni6_rtnl_verb *verb, union eni6_rtnl_record *record) {
  const struct eni6_rtnl_object *object = eni6_rtnl_object_of(message->type, kind);
  struct eni6_rtnl_found found;
  if (!object) return 0;
  size_t start = sizeof(struct nlmsghdr) + object->header;
  if (message->size < start) return -EBADMSG;
  const uint8_t *header = message->bytes + sizeof(struct nlmsghdr);
  struct eni6_rtnl_slice attributes = {message->bytes + start, message->size - start};
  eni6_rtnl_find(attributes, object->attribute, &found);
  memset(record, 0, object->record);
  *verb = verb_of(object, message);
  if (object->load) object->load(record, header, &found);
  eni6_rtnl_read_section(object, object->section, header, &found, record);
  if (object->settle) object->settle(record, header, &found);
  return 1;
}

int eni6_rtnl_get_peer(struct eni6_rtnl_slice payload, struct eni6_rtnl_link *peer) {
  /* The same bytes as a link's message, without the header of netlink. */
  const struct eni6_rtnl_object *object = &eni6_rtnl_link_object;
  union eni6_rtnl_record record;
  struct eni6_rtnl_found found;
  if (payload.size < object->header) return 0;
  struct eni6_rtnl_slice attributes = {payload.bytes + object->header,
                                       payload.size - object->header};
  memset(&record, 0, sizeof record);
  eni6_rtnl_find(attributes, object->attribute, &found);
  object->load(&record, payload.bytes, &found);
  eni6_rtnl_read_section(object, object->section, payload.bytes, &found, &record);
  *peer = record.link;
  return 1;
}

/* --- writing ------------------------------------------------------------------ */

static void write_via(struct eni6_rtnl_writer *writer, uint16_t type,
                      const struct eni6_rtnl_ip *ip) {
  uint8_t payload[18];
  uint16_t family = ip->family;
  memcpy(payload, &family, sizeof family);
  memcpy(payload + 2, ip->bytes, 16);
  eni6_rtnl_put(writer, type, payload, 2 + eni6_rtnl_ip_size(ip->family));
}

static void write_range16(struct eni6_rtnl_writer *writer, uint16_t type,
                          const struct eni6_rtnl_range *range) {
  uint16_t narrow[2] = {(uint16_t)range->first, (uint16_t)range->last};
  eni6_rtnl_put(writer, type, narrow, sizeof narrow);
}

/* Writes one field as an attribute. */
static void write_attribute(struct eni6_rtnl_writer *writer, size_t header,
                            const struct eni6_rtnl_field *field, const void *from) {
  uint16_t type = (uint16_t)field->wire;
  const struct eni6_rtnl_ip *ip = from;
  const struct eni6_rtnl_hardware *hardware = from;
  const struct eni6_rtnl_slice *slice = from;
  const uint8_t *bytes = from;
  switch ((enum eni6_rtnl_type)field->type) {
  case ENI6_TYPE_U8: eni6_rtnl_put(writer, type, from, 1); break;
  case ENI6_TYPE_U16: eni6_rtnl_put(writer, type, from, 2); break;
  case ENI6_TYPE_U32:
  case ENI6_TYPE_LINK:
  case ENI6_TYPE_LIFETIME:
  case ENI6_TYPE_TICKS: eni6_rtnl_put(writer, type, from, 4); break;
  case ENI6_TYPE_BE16: {
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    eni6_rtnl_put(writer, type, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
    break;
  }
  case ENI6_TYPE_TEXT: eni6_rtnl_put(writer, type, from, strlen(from) + 1); break;
  case ENI6_TYPE_PREFIX:
    if (!writer->full) writer->bytes[header + field->inside] = ip->length;
    eni6_rtnl_put(writer, type, ip->bytes, eni6_rtnl_ip_size(ip->family));
    break;
  case ENI6_TYPE_IP: eni6_rtnl_put(writer, type, ip->bytes, eni6_rtnl_ip_size(ip->family)); break;
  case ENI6_TYPE_VIA: write_via(writer, type, ip); break;
  case ENI6_TYPE_HARDWARE: eni6_rtnl_put(writer, type, hardware->bytes, hardware->size); break;
  case ENI6_TYPE_RANGE16: write_range16(writer, type, from); break;
  case ENI6_TYPE_RANGE32: eni6_rtnl_put(writer, type, from, 8); break;
  case ENI6_TYPE_NEXTHOPS:
  case ENI6_TYPE_PEER:
  case ENI6_TYPE_NAMES:
  case ENI6_TYPE_SETTINGS: eni6_rtnl_put(writer, type, slice->bytes, slice->size); break;
  case ENI6_TYPE_BIT: break;
  }
}

/* Writes one field into the fixed header, whose numbers are host order. */
static void write_header(struct eni6_rtnl_writer *writer, size_t header,
                         const struct eni6_rtnl_field *field, const void *from) {
  size_t size = field->type == ENI6_TYPE_U8 ? 1 : field->type == ENI6_TYPE_U16 ? 2 : 4;
  if (!writer->full) memcpy(writer->bytes + header + field->wire, from, size);
}

/* Which of a section's own fields are given. */
static uint64_t given_of(const struct eni6_rtnl_section *section,
                         const union eni6_rtnl_record *record) {
  return record->head.present & (ENI6_RTNL_BIT(section->count) - 1) << section->first;
}

/* Whether a nest has anything to hold. */
static bool section_given(const struct eni6_rtnl_section *section,
                          const union eni6_rtnl_record *record) {
  if (given_of(section, record)) return true;
  for (const struct eni6_rtnl_section *const *in = section->in; in && *in; in++)
    if (section_given(*in, record)) return true;
  return false;
}

void eni6_rtnl_write_section(struct eni6_rtnl_writer *writer, size_t header,
                             const struct eni6_rtnl_object *object,
                             const struct eni6_rtnl_section *section,
                             const union eni6_rtnl_record *record) {
  for (uint64_t left = given_of(section, record); left; left &= left - 1) {
    const struct eni6_rtnl_field *field = &object->fields[__builtin_ctzll(left)];
    if (field->read_only) continue;
    const void *from = (const uint8_t *)record + field->offset;
    if (field->place == ENI6_PLACE_HEADER) write_header(writer, header, field, from);
    if (field->place == ENI6_PLACE_ATTRIBUTE) write_attribute(writer, header, field, from);
  }
  for (const struct eni6_rtnl_section *const *in = section->in; in && *in; in++) {
    if (!section_applies(*in, record) || !section_given(*in, record)) continue;
    size_t nest = eni6_rtnl_open_nest(writer, (*in)->attribute);
    eni6_rtnl_write_section(writer, header, object, *in, record);
    eni6_rtnl_close_nest(writer, nest);
  }
}

int eni6_rtnl_put_peer(struct eni6_rtnl_writer *writer, const struct eni6_rtnl_link *peer) {
  const struct eni6_rtnl_object *object = &eni6_rtnl_link_object;
  union eni6_rtnl_record record = {.link = *peer};
  size_t start = writer->size;
  eni6_rtnl_reserve(writer, object->header);
  eni6_rtnl_write_section(writer, start, object, object->section, &record);
  object->store(writer, start, &record, ENI6_RTNL_ADD);
  if (!writer->full) return 0;
  writer->full = false;
  writer->size = start;
  return -EMSGSIZE;
}

const char *eni6_rtnl_settle_family(const struct eni6_rtnl_object *object,
                                    union eni6_rtnl_record *record) {
  uint8_t *family = &record->head.family;
  if (object->family == AF_UNSPEC) return NULL;
  for (uint64_t left = record->head.present; left; left &= left - 1) {
    int i = __builtin_ctzll(left);
    const struct eni6_rtnl_ip *ip = own_ip(object, i, record);
    if (!ip || ip->family == AF_UNSPEC) continue;
    if (*family == AF_UNSPEC) *family = ip->family;
    if (*family != ip->family) return object->fields[i].name;
  }
  if (!ENI6_RTNL_HAS(record, object->family_field) && *family == AF_UNSPEC)
    *family = object->family;
  for (uint64_t left = record->head.present; left; left &= left - 1) {
    struct eni6_rtnl_ip *ip = own_ip(object, __builtin_ctzll(left), record);
    if (ip && ip->family == AF_UNSPEC) ip->family = *family;
  }
  return NULL;
}

static uint16_t flags_of(enum eni6_rtnl_verb verb) {
  switch (verb) {
  case ENI6_RTNL_ADD: return NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  case ENI6_RTNL_REPLACE: return NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
  case ENI6_RTNL_APPEND: return NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND;
  case ENI6_RTNL_SET:
  case ENI6_RTNL_DELETE: return NLM_F_REQUEST | NLM_F_ACK;
  case ENI6_RTNL_GET: return NLM_F_REQUEST;
  case ENI6_RTNL_DUMP: return NLM_F_REQUEST | NLM_F_DUMP;
  }
  return NLM_F_REQUEST;
}

/* Writes header and body; the record is complete and sound. */
static int write_message(struct eni6_rtnl_writer *writer, const struct eni6_rtnl_object *object,
                         enum eni6_rtnl_verb verb, uint32_t sequence,
                         const union eni6_rtnl_record *record) {
  uint16_t offset = verb == ENI6_RTNL_DELETE ? 1 : verb >= ENI6_RTNL_GET ? 2 : 0;
  size_t start =
      eni6_rtnl_begin(writer, (uint16_t)(object->type + offset), flags_of(verb), sequence);
  size_t header = writer->size;
  uint8_t *at = eni6_rtnl_reserve(writer, object->header);
  if (at) at[0] = record->head.family;
  if (verb == ENI6_RTNL_DUMP) {
    if (object->ask) object->ask(writer, header, record);
  } else {
    eni6_rtnl_write_section(writer, header, object, object->section, record);
    if (object->store) object->store(writer, header, record, verb);
  }
  return eni6_rtnl_end(writer, start);
}

int eni6_rtnl_encode(struct eni6_rtnl_writer *writer, enum eni6_rtnl_kind kind,
                     enum eni6_rtnl_verb verb, uint32_t sequence,
                     const union eni6_rtnl_record *record, struct eni6_error *error) {
  const struct eni6_rtnl_object *object = eni6_rtnl_objects[kind];
  union eni6_rtnl_record copy;
  if (!eni6_rtnl_allows(kind, verb))
    return eni6_error_set(error, -EINVAL, "there is no such request for %s", object->name);
  memcpy(&copy, record, object->record);
  const char *stranger = eni6_rtnl_settle_family(object, &copy);
  if (stranger)
    return eni6_error_set(error, -EINVAL, "%s is of another address family than the rest",
                          stranger);
  bool lacking = object->required != ENI6_NONE && !ENI6_RTNL_HAS(&copy, object->required);
  if (lacking && verb != ENI6_RTNL_DUMP)
    return eni6_error_set(error, -EINVAL, "%s: '%s' is missing", object->name,
                          object->fields[object->required].name);
  const char *complaint = object->check ? object->check(&copy) : NULL;
  if (complaint) return eni6_error_set(error, -EINVAL, "%s", complaint);
  if (object->complete && verb != ENI6_RTNL_DUMP) object->complete(&copy, verb);
  if (write_message(writer, object, verb, sequence, &copy) == 0) return 0;
  return eni6_error_set(error, -EMSGSIZE, "the %s does not fit into the message", object->name);
}
