/* Lua tables to records. */
#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../ip6.h"

static int misuse(lua_State *L, const struct eni6_rtnl_field *field, const char *expected,
                  int value) {
  const char *given = lua_type(L, value) == LUA_TSTRING
                          ? lua_pushfstring(L, "\"%s\"", lua_tostring(L, value))
                          : luaL_typename(L, value);
  return luaL_error(L, "field '%s': %s expected, got %s", field->name, expected, given);
}

/* The world's fault in a field: kept in the request, told by eni6L_rtnl_read. */
static void fault(struct eni6L_request *request, const struct eni6_rtnl_field *field, int status,
                  const char *text, const char *name) {
  request->field = field->name;
  eni6_error_set(&request->error, status, text, name);
}

/* --- links -------------------------------------------------------------------------- */

void eni6L_links_begin(struct eni6L_links *links, const struct eni6_netlink *netlink) {
  memset(links, 0, sizeof *links);
  links->netlink = netlink;
}

const char *eni6L_links_name(struct eni6L_links *links, uint32_t index) {
  unsigned slot = index % ENI6L_LINKS;
  char *name = links->by_index[slot].name;
  if (!links->netlink || index == 0) return NULL;
  if (links->by_index[slot].index != index) {
    links->by_index[slot].index = index;
    if (!eni6_netlink_name(links->netlink, index, name)) name[0] = '\0';
  }
  return name[0] ? name : NULL;
}

/* The index of a link by name; 0 when there is none. */
static uint32_t index_of(struct eni6L_links *links, const char *name, size_t size) {
  unsigned slot = ((unsigned char)name[size - 1] + (unsigned)size) % ENI6L_LINKS;
  if (size >= ENI6_RTNL_NAME_SIZE) return 0;
  if (strcmp(links->by_name[slot].name, name) != 0) {
    links->by_name[slot].index = eni6_netlink_index(links->netlink, name);
    memcpy(links->by_name[slot].name, name, size + 1);
  }
  return links->by_name[slot].index;
}

/* --- numbers ------------------------------------------------------------------------ */

/* A whole number within [0, high]. */
static uint32_t read_number(lua_State *L, const struct eni6_rtnl_field *field, int value,
                            lua_Integer high) {
  int whole;
  lua_Integer number = lua_tointegerx(L, value, &whole);
  if (!whole || lua_type(L, value) != LUA_TNUMBER || number < 0 || number > high)
    misuse(L, field, lua_pushfstring(L, "a whole number from 0 to %I", (LUAI_UACINT)high), value);
  return (uint32_t)number;
}

/* Pushes the field's words, separated by commas. */
static const char *push_words(lua_State *L, const struct eni6_rtnl_word *words) {
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (const struct eni6_rtnl_word *word = words; word->name; word++) {
    luaL_addstring(&buffer, word->name);
    luaL_addstring(&buffer, ", ");
  }
  luaL_addstring(&buffer, "or a number");
  luaL_pushresult(&buffer);
  return lua_tostring(L, -1);
}

/* A number, or its name. */
static uint32_t read_word(lua_State *L, const struct eni6_rtnl_field *field, int value,
                          lua_Integer high) {
  if (lua_type(L, value) != LUA_TSTRING || !field->words) return read_number(L, field, value, high);
  const char *text = lua_tostring(L, value);
  for (const struct eni6_rtnl_word *word = field->words; word->name; word++)
    if (strcmp(word->name, text) == 0) return word->value;
  misuse(L, field, push_words(L, field->words), value);
  return 0;
}

/* Seconds; math.huge is for ever. */
static uint32_t read_lifetime(lua_State *L, const struct eni6_rtnl_field *field, int value) {
  if (lua_type(L, value) == LUA_TNUMBER && lua_tonumber(L, value) == (lua_Number)HUGE_VAL)
    return ENI6_RTNL_FOREVER;
  return read_number(L, field, value, (lua_Integer)ENI6_RTNL_FOREVER - 1);
}

/* A link's index, or its name where names can be had. */
static uint32_t read_link(lua_State *L, struct eni6L_request *request,
                          const struct eni6_rtnl_field *field, int value) {
  size_t size;
  if (lua_type(L, value) == LUA_TNUMBER) return read_number(L, field, value, INT32_MAX);
  if (lua_type(L, value) != LUA_TSTRING) misuse(L, field, "a link's name or number", value);
  if (!request->links->netlink) misuse(L, field, "a link's number (no name can be had)", value);
  const char *name = lua_tolstring(L, value, &size);
  uint32_t index = size ? index_of(request->links, name, size) : 0;
  if (index == 0)
    fault(request, field, -ENODEV, "there is no link \"%s\" in this network namespace", name);
  return index;
}

/* A number, or two of them in a table. */
static void read_range(lua_State *L, const struct eni6_rtnl_field *field, int value,
                       lua_Integer high, struct eni6_rtnl_range *range) {
  if (!lua_istable(L, value)) {
    range->first = range->last = read_number(L, field, value, high);
    return;
  }
  lua_rawgeti(L, value, 1);
  lua_rawgeti(L, value, 2);
  range->first = read_number(L, field, lua_gettop(L) - 1, high);
  range->last = read_number(L, field, lua_gettop(L), high);
  lua_pop(L, 2);
}

/* --- addresses ----------------------------------------------------------------------- */

/* An address without its prefix length. */
static bool parse_address(const char *text, size_t size, struct eni6_rtnl_ip *ip) {
  char copy[INET_ADDRSTRLEN];
  struct eni6_ip6 address;
  if (memchr(text, ':', size)) {
    if (eni6_ip6_parse(&address, text, size, NULL) < 0) return false;
    memcpy(ip->bytes, address.bytes, sizeof ip->bytes);
    ip->family = AF_INET6;
    ip->length = 128;
    return true;
  }
  if (size >= sizeof copy) return false;
  memcpy(copy, text, size);
  copy[size] = '\0';
  ip->family = AF_INET;
  ip->length = 32;
  return inet_pton(AF_INET, copy, ip->bytes) == 1;
}

/* A prefix length of one to three digits that fits. */
static bool parse_length(const char *text, size_t size, struct eni6_rtnl_ip *ip) {
  unsigned length = 0;
  if (size == 0 || size > 3) return false;
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    length = length * 10 + (unsigned)(text[i] - '0');
  }
  if (length > ip->length) return false;
  ip->length = (uint8_t)length;
  return true;
}

/* An address, with "/length" where `prefix` allows it. "default" is the prefix
 * of length 0 of whatever family the rest is. */
static bool parse_ip(const char *text, size_t size, bool prefix, struct eni6_rtnl_ip *ip) {
  const char *slash = memchr(text, '/', size);
  size_t address = slash ? (size_t)(slash - text) : size;
  memset(ip, 0, sizeof *ip);
  if (prefix && strcmp(text, "default") == 0) return true;
  if (slash && !prefix) return false;
  if (!parse_address(text, address, ip)) return false;
  return !slash || parse_length(slash + 1, size - address - 1, ip);
}

/* Text, or an object whose text it is: one of eni6.ip6. */
static void read_ip(lua_State *L, const struct eni6_rtnl_field *field, int value,
                    struct eni6_rtnl_ip *ip) {
  size_t size;
  bool prefix = field->type == ENI6_TYPE_PREFIX;
  const char *expected = prefix ? "an address or prefix" : "an address";
  if (lua_type(L, value) != LUA_TSTRING && lua_type(L, value) != LUA_TUSERDATA)
    misuse(L, field, expected, value);
  int top = lua_gettop(L);
  const char *text = lua_type(L, value) == LUA_TSTRING ? lua_tolstring(L, value, &size)
                                                       : luaL_tolstring(L, value, &size);
  if (!parse_ip(text, size, prefix, ip)) misuse(L, field, expected, value);
  lua_settop(L, top);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Pairs of hexadecimal digits between colons. */
static void read_hardware(lua_State *L, const struct eni6_rtnl_field *field, int value,
                          struct eni6_rtnl_hardware *hardware) {
  size_t size = 0;
  const char *text = lua_type(L, value) == LUA_TSTRING ? lua_tolstring(L, value, &size) : "";
  if (size % 3 != 2 || size / 3 >= ENI6_RTNL_HARDWARE_SIZE)
    misuse(L, field, "a hardware address like 02:00:00:00:00:01", value);
  hardware->size = (uint8_t)((size + 1) / 3);
  for (size_t i = 0; i < hardware->size; i++, text += 3) {
    int high = hex_digit(text[0]), low = hex_digit(text[1]);
    if (high < 0 || low < 0 || (text[2] != ':' && text[2] != '\0'))
      misuse(L, field, "a hardware address like 02:00:00:00:00:01", value);
    hardware->bytes[i] = (uint8_t)(high << 4 | low);
  }
}

static void read_text(lua_State *L, const struct eni6_rtnl_field *field, int value, char *to) {
  size_t size;
  if (lua_type(L, value) != LUA_TSTRING) misuse(L, field, "a text", value);
  const char *text = lua_tolstring(L, value, &size);
  if (size == 0 || size >= ENI6_RTNL_NAME_SIZE || memchr(text, '\0', size))
    misuse(L, field, "a text of 1 to 15 bytes", value);
  memcpy(to, text, size + 1);
}

/* --- nested parts ---------------------------------------------------------------------- */

static void read_fields(lua_State *L, int table, const struct eni6_rtnl_object *object,
                        union eni6_rtnl_record *record, struct eni6L_request *request);

/* The ways of a multipath route, written into the request's scratch. */
static void read_nexthops(lua_State *L, struct eni6L_request *request,
                          const struct eni6_rtnl_field *field, int value,
                          struct eni6_rtnl_slice *slice) {
  struct eni6_rtnl_writer writer = {request->scratch + request->used,
                                    sizeof request->scratch - request->used, 0, false};
  if (!lua_istable(L, value)) misuse(L, field, "a list of tables", value);
  lua_Integer count = (lua_Integer)lua_rawlen(L, value);
  if (count == 0) misuse(L, field, "at least one way", value);
  for (lua_Integer i = 1; i <= count; i++) {
    union eni6_rtnl_record record;
    memset(&record, 0, sizeof record);
    lua_rawgeti(L, value, i);
    if (!lua_istable(L, -1)) misuse(L, field, "a list of tables", -1);
    read_fields(L, lua_gettop(L), &eni6_rtnl_nexthop_object, &record, request);
    lua_pop(L, 1);
    if (record.nexthop.weight > 256) luaL_error(L, "field 'nexthops': a weight is from 1 to 256");
    if (eni6_rtnl_put_nexthop(&writer, &record.nexthop) < 0)
      luaL_error(L, "field 'nexthops': too many ways");
  }
  slice->bytes = writer.bytes;
  slice->size = writer.size;
  request->used += writer.size;
}

/* The other end of a veth pair, the same way. */
static void read_peer(lua_State *L, struct eni6L_request *request,
                      const struct eni6_rtnl_field *field, int value,
                      struct eni6_rtnl_slice *slice) {
  union eni6_rtnl_record record;
  struct eni6_rtnl_writer writer = {request->scratch + request->used,
                                    sizeof request->scratch - request->used, 0, false};
  if (!lua_istable(L, value)) misuse(L, field, "a table", value);
  memset(&record, 0, sizeof record);
  read_fields(L, value, &eni6_rtnl_link_object, &record, request);
  if (eni6_rtnl_put_peer(&writer, &record.link) < 0) luaL_error(L, "field 'peer': too large");
  slice->bytes = writer.bytes;
  slice->size = writer.size;
  request->used += writer.size;
}

/* `netns` of a link: where it moves to, or is made. */
static void read_netns(lua_State *L, struct eni6L_request *request, int value,
                       union eni6_rtnl_record *record) {
  static const struct eni6_rtnl_field field = {.name = "netns"};
  if (!request->keep) misuse(L, &field, "netns_fd or netns_pid in its place", value);
  if (!eni6L_push_netns(L, value, &request->error)) {
    request->field = field.name;
    return;
  }
  record->link.netns_fd = (uint32_t)eni6L_check_netns(L, -1);
  ENI6_RTNL_GIVE(&record->link, ENI6_LINK_NETNS_FD);
  lua_rawseti(L, request->keep, (lua_Integer)lua_rawlen(L, request->keep) + 1);
}

/* --- whole tables ---------------------------------------------------------------------- */

/* Reads one value into its place in the record. */
static void read_value(lua_State *L, const struct eni6_rtnl_field *field, int value, void *to,
                       struct eni6L_request *request) {
  uint16_t narrow;
  uint32_t number;
  switch ((enum eni6_rtnl_type)field->type) {
  case ENI6_TYPE_U8: *(uint8_t *)to = (uint8_t)read_word(L, field, value, UINT8_MAX); return;
  case ENI6_TYPE_U16:
  case ENI6_TYPE_BE16:
    narrow = (uint16_t)read_word(L, field, value, UINT16_MAX);
    memcpy(to, &narrow, sizeof narrow);
    return;
  case ENI6_TYPE_U32: number = read_word(L, field, value, UINT32_MAX); break;
  case ENI6_TYPE_LINK: number = read_link(L, request, field, value); break;
  case ENI6_TYPE_LIFETIME: number = read_lifetime(L, field, value); break;
  case ENI6_TYPE_TEXT: read_text(L, field, value, to); return;
  case ENI6_TYPE_IP:
  case ENI6_TYPE_PREFIX:
  case ENI6_TYPE_VIA: read_ip(L, field, value, to); return;
  case ENI6_TYPE_HARDWARE: read_hardware(L, field, value, to); return;
  case ENI6_TYPE_RANGE16: read_range(L, field, value, UINT16_MAX, to); return;
  case ENI6_TYPE_RANGE32: read_range(L, field, value, UINT32_MAX, to); return;
  case ENI6_TYPE_NEXTHOPS: read_nexthops(L, request, field, value, to); return;
  case ENI6_TYPE_PEER: read_peer(L, request, field, value, to); return;
  default: luaL_error(L, "field '%s' cannot be asked for", field->name); return;
  }
  memcpy(to, &number, sizeof number);
}

/* What only the kernel tells may be there, in a table that was a dump's, and is not
 * heeded; a filter may ask for some of it. */
static bool told_by_kernel(const struct eni6_rtnl_field *field) {
  return field->read_only || field->type == ENI6_TYPE_TICKS || field->type >= ENI6_TYPE_NAMES;
}

/* Which bits of the flags a table sets and clears, whatever its order. */
struct flags {
  uint32_t set, clear;
};

static void read_bit(lua_State *L, const struct eni6_rtnl_field *field, int value,
                     struct flags *flags) {
  if (!lua_isboolean(L, value)) misuse(L, field, "a boolean", value);
  if (lua_toboolean(L, value))
    flags->set |= field->wire;
  else
    flags->clear |= field->wire;
}

/* Reads the pair at the top of the stack: key, value. */
static void read_pair(lua_State *L, int names, const struct eni6_rtnl_object *object,
                      union eni6_rtnl_record *record, struct flags *flags,
                      struct eni6L_request *request) {
  int value = lua_gettop(L);
  if (lua_type(L, value - 1) != LUA_TSTRING)
    luaL_error(L, "%s: named fields expected, such as link=", object->name);
  lua_pushvalue(L, value - 1);
  lua_rawget(L, names);
  if (lua_isnil(L, -1) && object == &eni6_rtnl_link_object &&
      strcmp(lua_tostring(L, value - 1), "netns") == 0) {
    read_netns(L, request, value, record);
    lua_settop(L, value);
    return;
  }
  if (lua_isnil(L, -1))
    luaL_error(L, "%s: there is no field '%s'", object->name, lua_tostring(L, value - 1));
  size_t number = (size_t)lua_tointeger(L, -1);
  const struct eni6_rtnl_field *field = &object->fields[number];
  lua_pop(L, 1);
  if (field->type == ENI6_TYPE_BIT) {
    read_bit(L, field, value, flags);
  } else if (told_by_kernel(field) && request->verb != ENI6_RTNL_DUMP) {
    return;
  } else if (field->offset == offsetof(struct eni6_rtnl_head, flags)) {
    flags->set |= read_number(L, field, value, UINT32_MAX);
  } else {
    read_value(L, field, value, (uint8_t *)record + field->offset, request);
    /* A link by name is its number, which is field 0 wherever there is one. */
    if (field->offset == offsetof(struct eni6_rtnl_head, index)) number = 0;
  }
  ENI6_RTNL_GIVE(record, number);
}

static void read_fields(lua_State *L, int table, const struct eni6_rtnl_object *object,
                        union eni6_rtnl_record *record, struct eni6L_request *request) {
  struct flags flags = {0, 0};
  luaL_checkstack(L, 10, "a request is nested too deeply");
  lua_rawgetp(L, LUA_REGISTRYINDEX, object);
  int names = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, table)) {
    read_pair(L, names, object, record, &flags, request);
    lua_settop(L, names + 1);
  }
  lua_settop(L, names - 1);
  record->head.flags = flags.set & ~flags.clear;
}

int eni6L_rtnl_read(lua_State *L, int table, struct eni6L_request *request) {
  const struct eni6_rtnl_object *object = eni6_rtnl_objects[request->kind];
  memset(&request->record, 0, object->record);
  request->used = 0;
  request->error.status = 0;
  request->field = NULL;
  read_fields(L, table, object, &request->record, request);
  return request->error.status;
}

int eni6L_rtnl_encode(lua_State *L, struct eni6L_request *request, struct eni6_rtnl_writer *writer,
                      uint32_t sequence) {
  int status = eni6_rtnl_encode(writer, request->kind, request->verb, sequence, &request->record,
                                &request->error);
  if (status == -EINVAL) return luaL_error(L, "%s", request->error.message);
  return status;
}

bool eni6L_rtnl_operation(const char *name, enum eni6_rtnl_kind *kind, enum eni6_rtnl_verb *verb) {
  static const char *const verbs[] = {"add_",    "replace_", "append_", "set_",
                                      "delete_", "get_",     "dump_"};
  for (int v = ENI6_RTNL_ADD; v <= ENI6_RTNL_DUMP; v++) {
    size_t size = strlen(verbs[v]);
    if (strncmp(name, verbs[v], size) != 0) continue;
    for (int k = 0; k < ENI6_RTNL_KINDS; k++) {
      *kind = (enum eni6_rtnl_kind)k;
      *verb = (enum eni6_rtnl_verb)v;
      if (strcmp(name + size, eni6_rtnl_objects[k]->name) == 0)
        return eni6_rtnl_allows(*kind, *verb);
    }
  }
  return false;
}
