/* Messages and attributes: how netlink lays out bytes (linux/netlink.h). */
#include "rtnl_table.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

enum { HEADER = sizeof(struct nlmsghdr), ATTRIBUTE = sizeof(struct nlattr) };

static size_t aligned(size_t size) {
  return (size + 3) & ~(size_t)3;
}

/* --- writing ------------------------------------------------------------------ */

uint8_t *eni6_rtnl_reserve(struct eni6_rtnl_writer *writer, size_t size) {
  size_t whole = aligned(size);
  if (writer->full || whole > writer->capacity - writer->size) {
    writer->full = true;
    return NULL;
  }
  uint8_t *at = writer->bytes + writer->size;
  memset(at, 0, whole);
  writer->size += whole;
  return at;
}

size_t eni6_rtnl_begin(struct eni6_rtnl_writer *writer, uint16_t type, uint16_t flags,
                       uint32_t sequence) {
  struct nlmsghdr header = {.nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = sequence};
  size_t start = writer->size;
  uint8_t *at = eni6_rtnl_reserve(writer, HEADER);
  if (at) memcpy(at, &header, HEADER);
  return start;
}

/* Closes a message; one that did not fit is taken back. */
int eni6_rtnl_end(struct eni6_rtnl_writer *writer, size_t start) {
  if (writer->full) {
    writer->full = false;
    writer->size = start;
    return -EMSGSIZE;
  }
  uint32_t size = (uint32_t)(writer->size - start);
  memcpy(writer->bytes + start, &size, sizeof size);
  return 0;
}

void eni6_rtnl_put(struct eni6_rtnl_writer *writer, uint16_t type, const void *data, size_t size) {
  if (size > UINT16_MAX - ATTRIBUTE) {
    writer->full = true;
    return;
  }
  struct nlattr header = {.nla_len = (uint16_t)(ATTRIBUTE + size), .nla_type = type};
  uint8_t *at = eni6_rtnl_reserve(writer, ATTRIBUTE + size);
  if (!at) return;
  memcpy(at, &header, ATTRIBUTE);
  if (size) memcpy(at + ATTRIBUTE, data, size);
}

void eni6_rtnl_put_u8(struct eni6_rtnl_writer *writer, uint16_t type, uint8_t value) {
  eni6_rtnl_put(writer, type, &value, sizeof value);
}

void eni6_rtnl_put_u32(struct eni6_rtnl_writer *writer, uint16_t type, uint32_t value) {
  eni6_rtnl_put(writer, type, &value, sizeof value);
}

size_t eni6_rtnl_open_nest(struct eni6_rtnl_writer *writer, uint16_t type) {
  size_t start = writer->size;
  eni6_rtnl_put(writer, type, NULL, 0);
  return start;
}

/* Closes a nest; an empty one is taken back. */
void eni6_rtnl_close_nest(struct eni6_rtnl_writer *writer, size_t start) {
  if (writer->full) return;
  size_t size = writer->size - start;
  if (size == ATTRIBUTE) {
    writer->size = start;
  } else if (size > UINT16_MAX) {
    writer->full = true;
  } else {
    uint16_t length = (uint16_t)size;
    memcpy(writer->bytes + start, &length, sizeof length);
  }
}

/* --- reading ------------------------------------------------------------------ */

int eni6_rtnl_next(const uint8_t *bytes, size_t size, size_t *at,
                   struct eni6_rtnl_message *message) {
  struct nlmsghdr header;
  if (*at >= size) return 0;
  if (size - *at < HEADER) return -EBADMSG;
  memcpy(&header, bytes + *at, HEADER);
  if (header.nlmsg_len < HEADER || header.nlmsg_len > size - *at) return -EBADMSG;
  message->bytes = bytes + *at;
  message->size = header.nlmsg_len;
  message->type = header.nlmsg_type;
  message->flags = header.nlmsg_flags;
  message->sequence = header.nlmsg_seq;
  message->port = header.nlmsg_pid;
  *at += aligned(header.nlmsg_len);
  return 1;
}

int eni6_rtnl_next_attribute(struct eni6_rtnl_slice *rest, struct eni6_rtnl_attribute *attribute) {
  struct nlattr header;
  if (rest->size < ATTRIBUTE) return 0;
  memcpy(&header, rest->bytes, ATTRIBUTE);
  if (header.nla_len < ATTRIBUTE || header.nla_len > rest->size) return 0;
  attribute->type = header.nla_type & NLA_TYPE_MASK;
  attribute->payload.bytes = rest->bytes + ATTRIBUTE;
  attribute->payload.size = header.nla_len - (size_t)ATTRIBUTE;
  size_t whole = aligned(header.nla_len);
  if (whole > rest->size) whole = rest->size;
  rest->bytes += whole;
  rest->size -= whole;
  return 1;
}

void eni6_rtnl_find(struct eni6_rtnl_slice attributes, uint16_t largest,
                    struct eni6_rtnl_found *found) {
  struct eni6_rtnl_attribute attribute;
  memset(found, 0, (largest + (size_t)1) * sizeof found->at[0]);
  while (eni6_rtnl_next_attribute(&attributes, &attribute))
    if (attribute.type <= largest && !found->at[attribute.type].bytes)
      found->at[attribute.type] = attribute.payload;
}

size_t eni6_rtnl_ip_size(uint8_t family) {
  return family == AF_INET6 ? 16 : family == AF_INET ? 4 : 0;
}
