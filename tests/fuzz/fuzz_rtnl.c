/* Messages of rtnetlink: whatever the bytes, reading them is sound; what was read
 * can be written, and then reads and writes the same for ever. */
#include <stdlib.h>
#include <string.h>

#include "rtnl.h"
#include "rtnl_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

/* Reads every byte, so that a sanitizer sees a slice that is out of bounds. */
static unsigned touch(struct eni6_rtnl_slice slice) {
  unsigned sum = 0;
  for (size_t i = 0; i < slice.size; i++)
    sum += slice.bytes[i];
  return sum;
}

static void check_texts(enum eni6_rtnl_kind kind, const union eni6_rtnl_record *record) {
  const struct eni6_rtnl_object *object = eni6_rtnl_objects[kind];
  for (size_t i = 0; i < object->field_count; i++) {
    const struct eni6_rtnl_field *field = &object->fields[i];
    const uint8_t *at = (const uint8_t *)record + field->offset;
    if (!ENI6_RTNL_HAS(record, i)) continue;
    if (field->type == ENI6_TYPE_TEXT) require(memchr(at, '\0', ENI6_RTNL_NAME_SIZE) != NULL);
    if (field->type == ENI6_TYPE_HARDWARE) require(*at <= ENI6_RTNL_HARDWARE_SIZE);
    if (field->type >= ENI6_TYPE_NEXTHOPS)
      require(touch(*(const struct eni6_rtnl_slice *)at) < UINT32_MAX);
  }
}

static void walk_ways(const union eni6_rtnl_record *record) {
  uint8_t memory[4096];
  struct eni6_rtnl_writer writer = {memory, sizeof memory, 0, false};
  struct eni6_rtnl_nexthop nexthop;
  struct eni6_rtnl_slice rest = record->route.nexthops;
  size_t before = rest.size;
  while (eni6_rtnl_next_nexthop(&rest, record->head.family, &nexthop)) {
    require(rest.size < before);
    before = rest.size;
    if (eni6_rtnl_put_nexthop(&writer, &nexthop) < 0) return;
  }
}

static void walk_link(const union eni6_rtnl_record *record) {
  uint8_t memory[8192];
  struct eni6_rtnl_writer writer = {memory, sizeof memory, 0, false};
  struct eni6_rtnl_link peer;
  struct eni6_rtnl_attribute attribute;
  struct eni6_rtnl_slice rest = record->link.altnames;
  while (eni6_rtnl_next_attribute(&rest, &attribute))
    touch(attribute.payload);
  if (eni6_rtnl_get_peer(record->link.peer, &peer)) eni6_rtnl_put_peer(&writer, &peer);
}

/* Writes the record and reads it again; false when it cannot be written. */
static bool rewrite(enum eni6_rtnl_kind kind, enum eni6_rtnl_verb verb,
                    const union eni6_rtnl_record *record, uint8_t *memory, size_t capacity,
                    struct eni6_rtnl_message *message, union eni6_rtnl_record *again) {
  struct eni6_rtnl_writer writer = {memory, capacity, 0, false};
  enum eni6_rtnl_kind read_kind;
  enum eni6_rtnl_verb read_verb;
  size_t at = 0;
  if (eni6_rtnl_encode(&writer, kind, verb, 1, record, NULL) < 0) return false;
  require(eni6_rtnl_next(memory, writer.size, &at, message) == 1 && at == writer.size);
  require(eni6_rtnl_decode(message, &read_kind, &read_verb, again) == 1);
  require(read_kind == kind && read_verb == verb);
  return true;
}

static void there_and_back(enum eni6_rtnl_kind kind, enum eni6_rtnl_verb verb,
                           const union eni6_rtnl_record *record) {
  static uint8_t first[70000], second[70000];
  struct eni6_rtnl_message one, other;
  union eni6_rtnl_record again, last;
  if (!rewrite(kind, verb, record, first, sizeof first, &one, &again)) return;
  if (verb == ENI6_RTNL_DUMP) return; /* its filters are for the kernel alone to read */
  require(rewrite(kind, verb, &again, second, sizeof second, &other, &last));
  require(one.size == other.size && memcmp(one.bytes, other.bytes, one.size) == 0);
}

static void read_one(const struct eni6_rtnl_message *message, uint32_t offset) {
  union eni6_rtnl_record record;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  struct eni6_rtnl_ack ack;
  struct eni6_error error;
  char field[ENI6_RTNL_FIELD_SIZE];
  if (eni6_rtnl_decode_ack(message, &ack) > 0) {
    require(ack.status <= 0 && memchr(ack.text, '\0', sizeof ack.text) != NULL);
    return;
  }
  ack = (struct eni6_rtnl_ack){.status = -22, .has_offset = true, .offset = offset};
  eni6_rtnl_explain(message, &ack, &error);
  require(memchr(error.message, '\0', sizeof error.message) != NULL);
  ack = (struct eni6_rtnl_ack){.has_missing = true, .missing = offset >> 16};
  ack.missing_nest = offset & 0xffff;
  eni6_rtnl_fault(message, &ack, field);
  require(memchr(field, '\0', sizeof field) != NULL);
  if (eni6_rtnl_decode(message, &kind, &verb, &record) <= 0) return;
  check_texts(kind, &record);
  if (kind == ENI6_RTNL_ROUTE) walk_ways(&record);
  if (kind == ENI6_RTNL_LINK) walk_link(&record);
  there_and_back(kind, verb, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct eni6_rtnl_message message;
  uint32_t offset;
  size_t at = 0, before = 0;
  if (size < sizeof offset) return 0;
  memcpy(&offset, data, sizeof offset);
  data += sizeof offset;
  size -= sizeof offset;
  while (eni6_rtnl_next(data, size, &at, &message) > 0) {
    require(at > before);
    before = at;
    read_one(&message, offset);
  }
  return 0;
}
