/* Records to Lua tables. */
#include "rtnl.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "../ip6.h"

/* Writes an address without a closing NUL and returns its length. */
static size_t format_address(const struct eni6_rtnl_ip *ip, char text[ENI6_PREFIX_TEXT_SIZE]) {
  struct eni6_ip6 address;
  const uint8_t *b = ip->bytes;
  if (ip->family == AF_INET)
    return (size_t)snprintf(text, ENI6_PREFIX_TEXT_SIZE, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
  memcpy(address.bytes, ip->bytes, sizeof address.bytes);
  return eni6_ip6_format(&address, text);
}

static void push_ip(lua_State *L, const struct eni6_rtnl_ip *ip, bool prefix) {
  char text[ENI6_PREFIX_TEXT_SIZE];
  size_t size = format_address(ip, text);
  if (prefix) {
    text[size++] = '/';
    if (ip->length >= 100) text[size++] = '1';
    if (ip->length >= 10) text[size++] = (char)('0' + ip->length / 10 % 10);
    text[size++] = (char)('0' + ip->length % 10);
  }
  lua_pushlstring(L, text, size);
}

static void push_hardware(lua_State *L, const struct eni6_rtnl_hardware *hardware) {
  static const char digits[] = "0123456789abcdef";
  char text[3 * ENI6_RTNL_HARDWARE_SIZE];
  for (size_t i = 0; i < hardware->size; i++) {
    text[3 * i] = digits[hardware->bytes[i] >> 4];
    text[3 * i + 1] = digits[hardware->bytes[i] & 15];
    text[3 * i + 2] = ':';
  }
  lua_pushlstring(L, text, hardware->size ? 3U * hardware->size - 1 : 0);
}

/* The number's name, or the number. */
static void push_word(lua_State *L, const struct eni6_rtnl_field *field, uint32_t value) {
  for (const struct eni6_rtnl_word *word = field->words; word && word->name; word++)
    if (word->value == value) {
      lua_pushstring(L, word->name);
      return;
    }
  lua_pushinteger(L, value);
}

/* Without links to ask, the number it is. */
static void push_link(lua_State *L, uint32_t index, struct eni6L_links *links) {
  const char *name = links ? eni6L_links_name(links, index) : NULL;
  if (name)
    lua_pushstring(L, name);
  else
    lua_pushinteger(L, index);
}

static void push_range(lua_State *L, const struct eni6_rtnl_range *range) {
  lua_createtable(L, 2, 0);
  lua_pushinteger(L, range->first);
  lua_rawseti(L, -2, 1);
  lua_pushinteger(L, range->last);
  lua_rawseti(L, -2, 2);
}

static void push_nexthops(lua_State *L, struct eni6_rtnl_slice rest, uint8_t family,
                          struct eni6L_links *links) {
  union eni6_rtnl_record record;
  lua_newtable(L);
  for (lua_Integer i = 1; eni6_rtnl_next_nexthop(&rest, family, &record.nexthop); i++) {
    eni6L_rtnl_push(L, &eni6_rtnl_nexthop_object, &record, links);
    lua_rawseti(L, -2, i);
  }
}

/* The other end of a pair, whose links are those of another namespace. */
static void push_peer(lua_State *L, struct eni6_rtnl_slice payload) {
  union eni6_rtnl_record record;
  struct eni6L_links none;
  eni6L_links_begin(&none, NULL);
  if (eni6_rtnl_get_peer(payload, &record.link)) {
    /* A pair has no pair inside: what says so is not followed. */
    record.head.present &= ~ENI6_RTNL_BIT(ENI6_LINK_PEER);
    eni6L_rtnl_push(L, &eni6_rtnl_link_object, &record, &none);
  } else {
    lua_newtable(L);
  }
}

/* A list of names, one an attribute. */
static void push_names(lua_State *L, struct eni6_rtnl_slice rest) {
  struct eni6_rtnl_attribute attribute;
  lua_newtable(L);
  for (lua_Integer i = 1; eni6_rtnl_next_attribute(&rest, &attribute); i++) {
    const char *text = (const char *)attribute.payload.bytes;
    lua_pushlstring(L, text, strnlen(text, attribute.payload.size));
    lua_rawseti(L, -2, i);
  }
}

/* The settings by the names of their sysctls. */
static void push_settings(lua_State *L, struct eni6_rtnl_slice slice) {
  int32_t value;
  lua_createtable(L, 0, ENI6_RTNL_SETTINGS);
  for (size_t i = 0; i < ENI6_RTNL_SETTINGS && (i + 1) * sizeof value <= slice.size; i++) {
    if (!eni6_rtnl_settings[i]) continue;
    memcpy(&value, slice.bytes + i * sizeof value, sizeof value);
    lua_pushinteger(L, value);
    lua_setfield(L, -2, eni6_rtnl_settings[i]);
  }
}

/* Pushes a number of any width. False, and nothing, when it says nothing: for
 * ever, no family or flags, or a zero in the header that has no name. */
static bool push_number(lua_State *L, const struct eni6_rtnl_field *field, const void *from) {
  uint32_t value = 0;
  uint16_t narrow;
  if (field->type == ENI6_TYPE_U8) {
    value = *(const uint8_t *)from;
  } else if (field->type == ENI6_TYPE_U16 || field->type == ENI6_TYPE_BE16) {
    memcpy(&narrow, from, sizeof narrow);
    value = narrow;
  } else {
    memcpy(&value, from, sizeof value);
  }
  bool named = field->words && field->offset != offsetof(struct eni6_rtnl_head, family);
  if (value == 0 && field->place != ENI6_PLACE_ATTRIBUTE && !named) return false;
  bool time = field->type == ENI6_TYPE_LIFETIME || field->type == ENI6_TYPE_TICKS;
  if (time && value == ENI6_RTNL_FOREVER) return false;
  if (field->type == ENI6_TYPE_TICKS)
    lua_pushnumber(L, value / (lua_Number)100);
  else
    push_word(L, field, value);
  return true;
}

/* Pushes one field's value; false when there is nothing to push. */
static bool push_value(lua_State *L, const struct eni6_rtnl_field *field, const void *from,
                       const union eni6_rtnl_record *record, struct eni6L_links *links) {
  const struct eni6_rtnl_slice *slice = from;
  uint32_t index;
  switch ((enum eni6_rtnl_type)field->type) {
  case ENI6_TYPE_LINK:
    memcpy(&index, from, sizeof index);
    push_link(L, index, links);
    return true;
  case ENI6_TYPE_BIT: lua_pushboolean(L, 1); return true;
  case ENI6_TYPE_TEXT: lua_pushstring(L, from); return true;
  case ENI6_TYPE_IP:
  case ENI6_TYPE_VIA: push_ip(L, from, false); return true;
  case ENI6_TYPE_PREFIX: push_ip(L, from, true); return true;
  case ENI6_TYPE_HARDWARE: push_hardware(L, from); return true;
  case ENI6_TYPE_RANGE16:
  case ENI6_TYPE_RANGE32: push_range(L, from); return true;
  case ENI6_TYPE_NEXTHOPS: push_nexthops(L, *slice, record->head.family, links); return true;
  case ENI6_TYPE_PEER: push_peer(L, *slice); return true;
  case ENI6_TYPE_NAMES: push_names(L, *slice); return true;
  case ENI6_TYPE_SETTINGS: push_settings(L, *slice); return true;
  default: return push_number(L, field, from);
  }
}

/* Field 1 is the name of the link whose number is field 0, where there is one. */
#define OWN_LINK ENI6_RTNL_BIT(1)

/* Names a link beside its number, except in links themselves. The table is on top. */
static void push_own_link(lua_State *L, const struct eni6_rtnl_object *object,
                          const union eni6_rtnl_record *record, struct eni6L_links *links) {
  if (object == &eni6_rtnl_link_object || object == &eni6_rtnl_rule_object) return;
  const char *name = eni6L_links_name(links, record->head.index);
  if (!name) return;
  lua_pushstring(L, name);
  lua_setfield(L, -2, "link");
}

/* Names come from a list kept in the registry: faster than looking each up again. */
void eni6L_rtnl_push_some(lua_State *L, const struct eni6_rtnl_object *object,
                          const union eni6_rtnl_record *record, struct eni6L_links *links,
                          uint64_t wanted) {
  uint64_t present = record->head.present & wanted;
  luaL_checkstack(L, 8, "a record is nested too deeply");
  lua_rawgetp(L, LUA_REGISTRYINDEX, object->fields);
  int names = lua_gettop(L);
  lua_createtable(L, 0, __builtin_popcountll(present) + 1);
  for (; present; present &= present - 1) {
    int number = __builtin_ctzll(present);
    const struct eni6_rtnl_field *field = &object->fields[number];
    bool away = number == ENI6_LINK_PARENT && object == &eni6_rtnl_link_object &&
                ENI6_RTNL_HAS(record, ENI6_LINK_PARENT_NETNSID);
    const void *from = (const uint8_t *)record + field->offset;
    lua_rawgeti(L, names, number);
    if (push_value(L, field, from, record, away ? NULL : links))
      lua_rawset(L, names + 1);
    else
      lua_settop(L, names + 1);
  }
  if (wanted & OWN_LINK) push_own_link(L, object, record, links);
  lua_remove(L, names);
}

void eni6L_rtnl_push(lua_State *L, const struct eni6_rtnl_object *object,
                     const union eni6_rtnl_record *record, struct eni6L_links *links) {
  eni6L_rtnl_push_some(L, object, record, links, UINT64_MAX);
}

void eni6L_rtnl_push_detail(lua_State *L, const char *operation, const char *field,
                            const char *kernel) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, operation);
  lua_setfield(L, -2, "operation");
  if (field && *field) {
    lua_pushstring(L, field);
    lua_setfield(L, -2, "field");
  }
  if (kernel && *kernel) {
    lua_pushstring(L, kernel);
    lua_setfield(L, -2, "kernel");
  }
}

int eni6L_rtnl_refused(lua_State *L, const struct eni6_rtnl_message *request,
                       const struct eni6_rtnl_ack *ack) {
  char operation[ENI6_RTNL_FIELD_SIZE], field[ENI6_RTNL_FIELD_SIZE];
  struct eni6_error error;
  eni6_rtnl_explain(request, ack, &error);
  eni6_rtnl_describe(request, operation);
  eni6_rtnl_fault(request, ack, field);
  eni6L_fail(L, &error);
  eni6L_rtnl_push_detail(L, operation, field, ack->text);
  return 4;
}
