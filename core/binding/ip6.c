#include "ip6.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS "eni6.address"
#define PREFIX "eni6.prefix"

void eni6L_push_ip6(lua_State *L, const struct eni6_ip6 *address) {
  struct eni6_ip6 *object = eni6L_new(L, sizeof *object, ADDRESS);
  *object = *address;
}

struct eni6_prefix *eni6L_push_prefix(lua_State *L, const struct eni6_prefix *prefix) {
  struct eni6_prefix *object = eni6L_new(L, sizeof *object, PREFIX);
  *object = *prefix;
  return object;
}

void eni6L_push_count(lua_State *L, struct eni6_u128 count) {
  if (count.high == 0 && count.low <= LUA_MAXINTEGER)
    lua_pushinteger(L, (lua_Integer)count.low);
  else
    lua_pushnumber(L, ldexp((lua_Number)count.high, 64) + (lua_Number)count.low);
}

/* Raises what a parser said about an argument. */
static void refuse(lua_State *L, int argument, const struct eni6_error *error) {
  luaL_argerror(L, argument, error->message);
}

/* Raises that an argument is of no type that would do. */
static void refuse_type(lua_State *L, int argument, const char *expected) {
  const char *got = luaL_getmetafield(L, argument, "__name") == LUA_TSTRING
                        ? lua_tostring(L, -1)
                        : luaL_typename(L, argument);
  luaL_argerror(L, argument, lua_pushfstring(L, "%s expected, got %s", expected, got));
}

/* The text of a string argument (a number is none), or NULL. */
static const char *text_of(lua_State *L, int argument, size_t *size) {
  return lua_type(L, argument) == LUA_TSTRING ? lua_tolstring(L, argument, size) : NULL;
}

void eni6L_check_ip6(lua_State *L, int argument, struct eni6_ip6 *address) {
  struct eni6_error error;
  size_t size;
  const char *text = text_of(L, argument, &size);
  const struct eni6_ip6 *object = text ? NULL : luaL_testudata(L, argument, ADDRESS);
  if (object)
    *address = *object;
  else if (!text)
    refuse_type(L, argument, "an IPv6 address or its text");
  else if (eni6_ip6_parse(address, text, size, &error) < 0)
    refuse(L, argument, &error);
}

void eni6L_check_prefix(lua_State *L, int argument, struct eni6_prefix *prefix) {
  struct eni6_error error;
  size_t size;
  const char *text = text_of(L, argument, &size);
  const struct eni6_prefix *object = text ? NULL : luaL_testudata(L, argument, PREFIX);
  if (object)
    *prefix = *object;
  else if (!text)
    refuse_type(L, argument, "an IPv6 prefix or its text");
  else if (eni6_prefix_parse(prefix, text, size, &error) < 0)
    refuse(L, argument, &error);
}

void eni6L_check_block(lua_State *L, int argument, struct eni6_prefix *block) {
  size_t size;
  const char *text = text_of(L, argument, &size);
  bool single = text ? !memchr(text, '/', size) : luaL_testudata(L, argument, ADDRESS) != NULL;
  if (single) {
    eni6L_check_ip6(L, argument, &block->address);
    block->length = 128;
  } else if (!text && !luaL_testudata(L, argument, PREFIX)) {
    refuse_type(L, argument, "an IPv6 address or prefix, or its text,");
  } else {
    eni6L_check_prefix(L, argument, block);
  }
}

/* --- addresses ------------------------------------------------------------------ */

/* address(text): an address | nil, message, "EINVAL". An address is returned as it is. */
static int l_address(lua_State *L) {
  struct eni6_ip6 address;
  struct eni6_error error;
  size_t size;
  const char *text = text_of(L, 1, &size);
  if (text && eni6_ip6_parse(&address, text, size, &error) < 0) return eni6L_fail(L, &error);
  if (!text) eni6L_check_ip6(L, 1, &address);
  eni6L_push_ip6(L, &address);
  return 1;
}

/* from_bytes(bytes): the address of 16 bytes in network order. */
static int l_from_bytes(lua_State *L) {
  struct eni6_ip6 address;
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  luaL_argcheck(L, size == sizeof address.bytes, 1, "16 bytes expected");
  memcpy(address.bytes, bytes, sizeof address.bytes);
  eni6L_push_ip6(L, &address);
  return 1;
}

/* eui64(prefix, mac): what the interface calls itself under the prefix. */
static int l_eui64(lua_State *L) {
  struct eni6_prefix prefix;
  struct eni6_ip6 address;
  struct eni6_error error;
  uint8_t mac[ENI6_MAC_SIZE];
  size_t size;
  eni6L_check_prefix(L, 1, &prefix);
  const char *text = luaL_checklstring(L, 2, &size);
  if (eni6_mac_parse(mac, text, size, &error) < 0) return eni6L_fail(L, &error);
  if (eni6_ip6_eui64(&address, &prefix, mac, &error) < 0) return eni6L_fail(L, &error);
  eni6L_push_ip6(L, &address);
  return 1;
}

/* compare(a, b): -1, 0 or 1. */
static int l_compare(lua_State *L) {
  struct eni6_ip6 a, b;
  eni6L_check_ip6(L, 1, &a);
  eni6L_check_ip6(L, 2, &b);
  int order = eni6_ip6_compare(&a, &b);
  lua_pushinteger(L, (order > 0) - (order < 0));
  return 1;
}

static int l_address_tostring(lua_State *L) {
  char text[ENI6_IP6_TEXT_SIZE];
  struct eni6_ip6 address;
  eni6L_check_ip6(L, 1, &address);
  lua_pushlstring(L, text, eni6_ip6_format(&address, text));
  return 1;
}

/* address:key(): its 16 bytes, equal for equal addresses. */
static int l_address_key(lua_State *L) {
  struct eni6_ip6 address;
  eni6L_check_ip6(L, 1, &address);
  lua_pushlstring(L, (const char *)address.bytes, sizeof address.bytes);
  return 1;
}

static int l_address_equal(lua_State *L) {
  const struct eni6_ip6 *a = luaL_testudata(L, 1, ADDRESS), *b = luaL_testudata(L, 2, ADDRESS);
  lua_pushboolean(L, a && b && eni6_ip6_compare(a, b) == 0);
  return 1;
}

static int l_address_less(lua_State *L) {
  struct eni6_ip6 a, b;
  eni6L_check_ip6(L, 1, &a);
  eni6L_check_ip6(L, 2, &b);
  lua_pushboolean(L, eni6_ip6_compare(&a, &b) < 0);
  return 1;
}

static int l_address_at_most(lua_State *L) {
  struct eni6_ip6 a, b;
  eni6L_check_ip6(L, 1, &a);
  eni6L_check_ip6(L, 2, &b);
  lua_pushboolean(L, eni6_ip6_compare(&a, &b) <= 0);
  return 1;
}

/* address:offset(n): the address n further on | nil, message, "ERANGE". */
static int l_address_offset(lua_State *L) {
  struct eni6_ip6 address;
  struct eni6_error error;
  eni6L_check_ip6(L, 1, &address);
  if (eni6_ip6_add(&address, &address, luaL_checkinteger(L, 2), &error) < 0)
    return eni6L_fail(L, &error);
  eni6L_push_ip6(L, &address);
  return 1;
}

/* address + n and n + address; past either end of the space it raises. */
static int l_address_add(lua_State *L) {
  struct eni6_ip6 address;
  struct eni6_error error;
  int number = lua_type(L, 1) == LUA_TNUMBER ? 1 : 2;
  eni6L_check_ip6(L, 3 - number, &address);
  if (eni6_ip6_add(&address, &address, luaL_checkinteger(L, number), &error) < 0)
    return luaL_error(L, "%s", error.message);
  eni6L_push_ip6(L, &address);
  return 1;
}

/* The difference of two addresses; raises when no integer holds it. */
static int push_difference(lua_State *L) {
  struct eni6_ip6 a, b;
  struct eni6_error error;
  int64_t difference = 0;
  eni6L_check_ip6(L, 1, &a);
  eni6L_check_ip6(L, 2, &b);
  if (eni6_ip6_subtract(&difference, &a, &b, &error) < 0) return luaL_error(L, "%s", error.message);
  lua_pushinteger(L, difference);
  return 1;
}

/* address - n is an address, address - address an integer. */
static int l_address_subtract(lua_State *L) {
  struct eni6_ip6 address;
  struct eni6_error error;
  if (lua_type(L, 2) != LUA_TNUMBER) return push_difference(L);
  eni6L_check_ip6(L, 1, &address);
  lua_Integer offset = luaL_checkinteger(L, 2);
  /* The least integer has no opposite: it goes in two steps. */
  int status = 0;
  if (offset == LUA_MININTEGER) {
    status = eni6_ip6_add(&address, &address, 1, &error);
    offset++;
  }
  if (status < 0 || eni6_ip6_add(&address, &address, -offset, &error) < 0)
    return luaL_error(L, "%s", error.message);
  eni6L_push_ip6(L, &address);
  return 1;
}

static int l_address_kind(lua_State *L) {
  struct eni6_ip6 address;
  eni6L_check_ip6(L, 1, &address);
  lua_pushstring(L, eni6_ip6_kind(&address));
  return 1;
}

static int l_address_solicited_node(lua_State *L) {
  struct eni6_ip6 address;
  eni6L_check_ip6(L, 1, &address);
  address = eni6_ip6_solicited_node(&address);
  eni6L_push_ip6(L, &address);
  return 1;
}

/* address:is_aligned(length): whether a prefix of that length begins here. */
static int l_address_is_aligned(lua_State *L) {
  struct eni6_ip6 address;
  eni6L_check_ip6(L, 1, &address);
  lua_pushboolean(L, eni6_ip6_aligned(&address, (unsigned)eni6L_integer(L, 2, 0, 128)));
  return 1;
}

/* address:prefix(length): the prefix of that length that it is in. */
static int l_address_prefix(lua_State *L) {
  struct eni6_prefix prefix;
  struct eni6_ip6 address;
  eni6L_check_ip6(L, 1, &address);
  prefix.length = (unsigned char)eni6L_integer(L, 2, 0, 128);
  prefix.address = eni6_ip6_mask(&address, prefix.length);
  eni6L_push_prefix(L, &prefix);
  return 1;
}

/* --- prefixes ------------------------------------------------------------------- */

/* prefix(text): a prefix | nil, message, "EINVAL". A prefix is returned as it is. */
static int l_prefix(lua_State *L) {
  struct eni6_prefix prefix;
  struct eni6_error error;
  size_t size;
  const char *text = text_of(L, 1, &size);
  if (text && eni6_prefix_parse(&prefix, text, size, &error) < 0) return eni6L_fail(L, &error);
  if (!text) eni6L_check_prefix(L, 1, &prefix);
  eni6L_push_prefix(L, &prefix);
  return 1;
}

/* interface(text): address, length | nil, message, "EINVAL". */
static int l_interface(lua_State *L) {
  struct eni6_prefix interface;
  struct eni6_error error;
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  if (eni6_interface_parse(&interface, text, size, &error) < 0) return eni6L_fail(L, &error);
  eni6L_push_ip6(L, &interface.address);
  lua_pushinteger(L, interface.length);
  return 2;
}

/* compare_prefixes(a, b): -1, 0 or 1: by address, then the larger block first. */
static int l_compare_prefixes(lua_State *L) {
  struct eni6_prefix a, b;
  eni6L_check_prefix(L, 1, &a);
  eni6L_check_prefix(L, 2, &b);
  int order = eni6_prefix_compare(&a, &b);
  lua_pushinteger(L, (order > 0) - (order < 0));
  return 1;
}

static int l_prefix_tostring(lua_State *L) {
  char text[ENI6_PREFIX_TEXT_SIZE];
  struct eni6_prefix prefix;
  eni6L_check_prefix(L, 1, &prefix);
  lua_pushlstring(L, text, eni6_prefix_format(&prefix, text));
  return 1;
}

/* prefix:key(): its 16 bytes and its length as one more. */
static int l_prefix_key(lua_State *L) {
  struct eni6_prefix prefix;
  eni6L_check_prefix(L, 1, &prefix);
  lua_pushlstring(L, (const char *)&prefix, sizeof prefix);
  return 1;
}

static int l_prefix_equal(lua_State *L) {
  const struct eni6_prefix *a = luaL_testudata(L, 1, PREFIX), *b = luaL_testudata(L, 2, PREFIX);
  lua_pushboolean(L, a && b && eni6_prefix_compare(a, b) == 0);
  return 1;
}

static int l_prefix_less(lua_State *L) {
  struct eni6_prefix a, b;
  eni6L_check_prefix(L, 1, &a);
  eni6L_check_prefix(L, 2, &b);
  lua_pushboolean(L, eni6_prefix_compare(&a, &b) < 0);
  return 1;
}

static int l_prefix_at_most(lua_State *L) {
  struct eni6_prefix a, b;
  eni6L_check_prefix(L, 1, &a);
  eni6L_check_prefix(L, 2, &b);
  lua_pushboolean(L, eni6_prefix_compare(&a, &b) <= 0);
  return 1;
}

static int l_prefix_first(lua_State *L) {
  struct eni6_prefix prefix;
  eni6L_check_prefix(L, 1, &prefix);
  eni6L_push_ip6(L, &prefix.address);
  return 1;
}

static int l_prefix_last(lua_State *L) {
  struct eni6_prefix prefix;
  eni6L_check_prefix(L, 1, &prefix);
  struct eni6_ip6 last = eni6_prefix_last(&prefix);
  eni6L_push_ip6(L, &last);
  return 1;
}

/* prefix:size(): how many addresses; a float, exact as a power of two, from 2^63 on. */
static int l_prefix_size(lua_State *L) {
  struct eni6_prefix prefix;
  eni6L_check_prefix(L, 1, &prefix);
  if (prefix.length > 65)
    lua_pushinteger(L, (lua_Integer)1 << (128 - prefix.length));
  else
    lua_pushnumber(L, ldexp(1, 128 - prefix.length));
  return 1;
}

/* prefix:contains(x): whether all of the address or prefix is inside. */
static int l_prefix_contains(lua_State *L) {
  struct eni6_prefix outer, inner;
  eni6L_check_prefix(L, 1, &outer);
  eni6L_check_block(L, 2, &inner);
  lua_pushboolean(L, eni6_prefix_contains(&outer, &inner));
  return 1;
}

/* prefix:overlaps(x): whether they share an address. */
static int l_prefix_overlaps(lua_State *L) {
  struct eni6_prefix a, b;
  eni6L_check_prefix(L, 1, &a);
  eni6L_check_block(L, 2, &b);
  lua_pushboolean(L, eni6_prefix_contains(&a, &b) || eni6_prefix_contains(&b, &a));
  return 1;
}

/* Says that a prefix has no i-th address. */
static int refuse_index(lua_State *L, const struct eni6_prefix *prefix, lua_Integer i) {
  char text[ENI6_PREFIX_TEXT_SIZE], number[32];
  struct eni6_error error;
  eni6_prefix_format(prefix, text);
  snprintf(number, sizeof number, LUA_INTEGER_FMT, i);
  eni6_error_set(&error, -ERANGE, "%s has no address number %s", text, number);
  return eni6L_fail(L, &error);
}

/* prefix:nth(i): its i-th address, from 1; -1 is the last | nil, message, "ERANGE". */
static int l_prefix_nth(lua_State *L) {
  struct eni6_prefix prefix;
  struct eni6_ip6 address;
  eni6L_check_prefix(L, 1, &prefix);
  lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i != 0, 2, "addresses are counted from 1, or from -1 at the end");
  struct eni6_ip6 origin = i > 0 ? prefix.address : eni6_prefix_last(&prefix);
  if (eni6_ip6_add(&address, &origin, i > 0 ? i - 1 : i + 1, NULL) < 0 ||
      !eni6_prefix_has(&prefix, &address))
    return refuse_index(L, &prefix, i);
  eni6L_push_ip6(L, &address);
  return 1;
}

/* One step of prefix:addresses(): the address after the one before. */
static int l_next_address(lua_State *L) {
  const struct eni6_prefix *prefix = luaL_checkudata(L, 1, PREFIX);
  struct eni6_ip6 address = prefix->address;
  if (!lua_isnil(L, 2)) {
    eni6L_check_ip6(L, 2, &address);
    if (eni6_ip6_add(&address, &address, 1, NULL) < 0 || !eni6_prefix_has(prefix, &address))
      return 0;
  }
  eni6L_push_ip6(L, &address);
  return 1;
}

/* prefix:addresses(): iterates from the first to the last. */
static int l_prefix_addresses(lua_State *L) {
  struct eni6_prefix prefix;
  eni6L_check_prefix(L, 1, &prefix);
  lua_pushcfunction(L, l_next_address);
  eni6L_push_prefix(L, &prefix);
  return 2;
}

/* Reads the suffix at index 2: *single tells an address from a prefix. */
static int read_suffix(lua_State *L, struct eni6_prefix *suffix, bool *single,
                       struct eni6_error *error) {
  size_t size;
  const char *text = text_of(L, 2, &size);
  *single = text ? !memchr(text, '/', size) : luaL_testudata(L, 2, ADDRESS) != NULL;
  if (!text) eni6L_check_block(L, 2, suffix);
  if (!text) return 0;
  suffix->length = 128;
  return *single ? eni6_ip6_parse(&suffix->address, text, size, error)
                 : eni6_prefix_parse(suffix, text, size, error);
}

/* prefix:at(suffix): the address ("::1:1") or prefix ("::8/126") below this one |
 * nil, message, "EINVAL" or "ERANGE". */
static int l_prefix_at(lua_State *L) {
  struct eni6_prefix prefix, suffix;
  struct eni6_error error;
  bool single;
  eni6L_check_prefix(L, 1, &prefix);
  if (read_suffix(L, &suffix, &single, &error) < 0) return eni6L_fail(L, &error);
  if (eni6_prefix_place(&suffix, &prefix, &suffix, &error) < 0) return eni6L_fail(L, &error);
  if (single)
    eni6L_push_ip6(L, &suffix.address);
  else
    eni6L_push_prefix(L, &suffix);
  return 1;
}

/* prefix.length, else a method. */
static int l_prefix_index(lua_State *L) {
  const struct eni6_prefix *prefix = luaL_checkudata(L, 1, PREFIX);
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(name, "length") == 0)
    lua_pushinteger(L, prefix->length);
  else
    lua_gettable(L, lua_upvalueindex(1));
  return 1;
}

/* Pushes an operand of `..` as text. */
static void push_operand(lua_State *L, int argument) {
  if (!lua_isstring(L, argument) && !lua_isuserdata(L, argument))
    luaL_error(L, "attempt to concatenate a %s value", luaL_typename(L, argument));
  luaL_tolstring(L, argument, NULL);
}

/* Text .. address, address .. text: as tostring would join them. */
static int l_concat(lua_State *L) {
  push_operand(L, 1);
  push_operand(L, 2);
  lua_concat(L, 2);
  return 1;
}

static const luaL_Reg address_methods[] = {{"key", l_address_key},
                                           {"offset", l_address_offset},
                                           {"kind", l_address_kind},
                                           {"solicited_node", l_address_solicited_node},
                                           {"is_aligned", l_address_is_aligned},
                                           {"prefix", l_address_prefix},
                                           {NULL, NULL}};

static const luaL_Reg address_metamethods[] = {
    {"__tostring", l_address_tostring}, {"__concat", l_concat},
    {"__eq", l_address_equal},          {"__lt", l_address_less},
    {"__le", l_address_at_most},        {"__add", l_address_add},
    {"__sub", l_address_subtract},      {NULL, NULL}};

static const luaL_Reg prefix_methods[] = {{"key", l_prefix_key},
                                          {"first", l_prefix_first},
                                          {"last", l_prefix_last},
                                          {"size", l_prefix_size},
                                          {"contains", l_prefix_contains},
                                          {"overlaps", l_prefix_overlaps},
                                          {"nth", l_prefix_nth},
                                          {"addresses", l_prefix_addresses},
                                          {"at", l_prefix_at},
                                          {NULL, NULL}};

static const luaL_Reg prefix_metamethods[] = {
    {"__tostring", l_prefix_tostring}, {"__concat", l_concat},     {"__eq", l_prefix_equal},
    {"__lt", l_prefix_less},           {"__le", l_prefix_at_most}, {NULL, NULL}};

int eni6L_open_ip6(lua_State *L) {
  static const luaL_Reg functions[] = {{"address", l_address},
                                       {"from_bytes", l_from_bytes},
                                       {"eui64", l_eui64},
                                       {"compare", l_compare},
                                       {"prefix", l_prefix},
                                       {"interface", l_interface},
                                       {"compare_prefixes", l_compare_prefixes},
                                       {NULL, NULL}};
  eni6L_type(L, ADDRESS, address_methods, address_metamethods);
  eni6L_type(L, PREFIX, NULL, prefix_metamethods);
  luaL_getmetatable(L, PREFIX);
  luaL_newlib(L, prefix_methods);
  lua_pushcclosure(L, l_prefix_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
