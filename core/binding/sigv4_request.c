#include "sigv4_request.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../system.h"

#define UNKNOWN_TIME INT64_MIN

enum { DEFAULT_EXPIRES = 3600 };

enum field_kind { TEXT, FLAG, SECONDS, HEADERS };

static const struct field {
  struct eni6_text name;
  enum field_kind kind;
  size_t offset; /* in struct arguments */
} fields[] = {
    {{"method", 6}, TEXT, offsetof(struct arguments, request.method)},
    {{"uri", 3}, TEXT, offsetof(struct arguments, request.uri)},
    {{"headers", 7}, HEADERS, 0},
    {{"body", 4}, TEXT, offsetof(struct arguments, request.body)},
    {{"time", 4}, SECONDS, offsetof(struct arguments, request.time)},
    {{"scheme", 6}, TEXT, offsetof(struct arguments, scheme)},
    {{"expires", 7}, SECONDS, offsetof(struct arguments, request.expires)},
    {{"normalize_path", 14}, FLAG, offsetof(struct arguments, normalize_path)},
    {{"double_encode", 13}, FLAG, offsetof(struct arguments, double_encode)},
    {{"sign_body", 9}, FLAG, offsetof(struct arguments, request.sign_body)},
    {{"unsigned_payload", 16}, FLAG, offsetof(struct arguments, request.unsigned_payload)},
    {{"omit_session_token", 18}, FLAG, offsetof(struct arguments, request.omit_session_token)},
    {{"payload_hash", 12}, TEXT, offsetof(struct arguments, payload_hash)},
    {{"signed_headers", 14}, TEXT, offsetof(struct arguments, signed_headers)},
};

static void wrong_type(lua_State *L, const char *name, const char *expected) {
  luaL_error(L, "%s: %s expected, got %s", name, expected, luaL_typename(L, -1));
}

/* Borrows the text at the top of the stack. */
static struct eni6_text text_value(lua_State *L, const char *name) {
  struct eni6_text text;
  if (lua_type(L, -1) != LUA_TSTRING) wrong_type(L, name, "a string");
  text.data = lua_tolstring(L, -1, &text.size);
  return text;
}

static bool flag_value(lua_State *L, const char *name) {
  if (!lua_isboolean(L, -1)) wrong_type(L, name, "true or false");
  return lua_toboolean(L, -1);
}

/* A number of seconds, rounded down. */
static int64_t seconds_value(lua_State *L, const char *name) {
  if (lua_type(L, -1) != LUA_TNUMBER) wrong_type(L, name, "a number of seconds");
  lua_Number value = floor(lua_tonumber(L, -1));
  if (!(value >= -1e15 && value <= 1e15)) luaL_error(L, "%s is out of range", name);
  return (int64_t)value;
}

/* The field that the key below the top of the stack names. A field that nobody
 * knows is a slip of the pen that would otherwise change what is signed. */
static const struct field *find_field(lua_State *L) {
  struct eni6_text key = {"?", 0};
  const char *name = lua_tolstring(L, -2, &key.size); /* a number in its place is an error, too */
  if (name) key.data = name;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (eni6_text_equal(key, fields[i].name)) return &fields[i];
  luaL_error(L, "a request has no field \"%s\"", key.data);
  return NULL;
}

/* Reads the field whose key and value are at the top of the stack. */
static void read_field(lua_State *L, struct arguments *arguments) {
  const struct field *field = find_field(L);
  char *place = (char *)arguments + field->offset;
  switch (field->kind) {
  case TEXT: *(struct eni6_text *)(void *)place = text_value(L, field->name.data); break;
  case FLAG: *(bool *)place = flag_value(L, field->name.data); break;
  case SECONDS: *(int64_t *)(void *)place = seconds_value(L, field->name.data); break;
  case HEADERS: break; /* read before */
  }
}

/* Borrows the text of the header's name or value at the top of the stack; a number
 * becomes text there. */
static struct eni6_text header_text(lua_State *L, const char *what) {
  struct eni6_text text;
  text.data = lua_tolstring(L, -1, &text.size);
  if (!text.data)
    luaL_error(L, "headers: a %s must be a string, not %s", what, luaL_typename(L, -1));
  return text;
}

/* Makes room for `count` headers, in C and on the stack. */
static void reserve_headers(lua_State *L, struct headers *headers, size_t count) {
  if (count > INT_MAX / 8) luaL_error(L, "headers: too many");
  headers->all = headers->few;
  if (count > FEW_HEADERS) headers->all = lua_newuserdatauv(L, count * sizeof *headers->all, 0);
  luaL_checkstack(L, 5 * (int)count + LUA_MINSTACK, "too many headers");
  headers->count = count;
  headers->base = lua_gettop(L) + 1;
}

/* Reads { {name, value}, ... }. */
static void read_list(lua_State *L, int table, size_t count, struct headers *headers) {
  reserve_headers(L, headers, count);
  for (size_t i = 0; i < count; i++) {
    if (lua_rawgeti(L, table, (lua_Integer)i + 1) != LUA_TTABLE)
      luaL_error(L, "headers: entry %d must be {name, value}, not %s", (int)i + 1,
                 luaL_typename(L, -1));
    lua_rawgeti(L, -1, 1);
    headers->all[i].name = header_text(L, "name");
    lua_rawgeti(L, -2, 2);
    headers->all[i].value = header_text(L, "value");
  }
}

static size_t count_entries(lua_State *L, int table) {
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    count++;
  return count;
}

static int compare_names(const void *a, const void *b) {
  const struct eni6_header *left = a, *right = b;
  size_t shorter = left->name.size < right->name.size ? left->name.size : right->name.size;
  int order = memcmp(left->name.data, right->name.data, shorter);
  if (order != 0) return order;
  return (left->name.size > right->name.size) - (left->name.size < right->name.size);
}

/* Reads { [name] = value, ... }, in the order of the names: that of the table is
 * another one in each run. */
static void read_map(lua_State *L, int table, struct headers *headers) {
  size_t i = 0;
  reserve_headers(L, headers, count_entries(L, table));
  for (lua_pushnil(L); lua_next(L, table); i++) {
    headers->all[i].value = header_text(L, "value");
    lua_insert(L, -2);
    if (lua_type(L, -1) != LUA_TSTRING) wrong_type(L, "headers", "names that are strings");
    headers->all[i].name = header_text(L, "name");
    lua_pushvalue(L, -1); /* value, name, and the name again for lua_next */
  }
  qsort(headers->all, headers->count, sizeof *headers->all, compare_names);
  headers->base = lua_gettop(L) + 1;
  for (i = 0; i < headers->count; i++) {
    lua_pushnil(L);
    lua_pushlstring(L, headers->all[i].name.data, headers->all[i].name.size);
    lua_pushlstring(L, headers->all[i].value.data, headers->all[i].value.size);
  }
}

static void read_headers(lua_State *L, int request, struct headers *headers) {
  lua_pushliteral(L, "headers");
  if (lua_rawget(L, request) != LUA_TTABLE) wrong_type(L, "headers", "a table");
  int table = lua_gettop(L);
  size_t count = lua_rawlen(L, table);
  if (count > 0)
    read_list(L, table, count, headers);
  else
    read_map(L, table, headers);
}

static void check_scheme(lua_State *L, struct arguments *arguments) {
  struct eni6_text scheme = arguments->scheme;
  arguments->request.plain_http = eni6_text_equal(scheme, ENI6_TEXT("http"));
  if (scheme.data && !arguments->request.plain_http && !eni6_text_equal(scheme, ENI6_TEXT("https")))
    luaL_error(L, "scheme: it must be \"https\" or \"http\"");
}

void eni6L_read_request(lua_State *L, int table, struct arguments *arguments,
                        struct headers *headers) {
  *arguments = (struct arguments){.normalize_path = true, .double_encode = true};
  arguments->request.expires = DEFAULT_EXPIRES;
  arguments->request.time = UNKNOWN_TIME;
  luaL_checktype(L, table, LUA_TTABLE);
  read_headers(L, table, headers);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    read_field(L, arguments);
  if (!arguments->request.method.data) luaL_error(L, "method: a string expected, got nil");
  if (!arguments->request.uri.data) luaL_error(L, "uri: a string expected, got nil");
  check_scheme(L, arguments);
  arguments->request.keep_path = !arguments->normalize_path;
  arguments->request.single_encode = !arguments->double_encode;
  arguments->request.headers = headers->all;
  arguments->request.header_count = headers->count;
}

void eni6L_read_signing(lua_State *L, struct arguments *arguments, struct headers *headers) {
  eni6L_read_request(L, 2, arguments, headers);
  if (arguments->payload_hash.data) luaL_error(L, "payload_hash: give the body instead");
  if (arguments->signed_headers.data) luaL_error(L, "signed_headers: a signer signs all it may");
  if (arguments->request.time == UNKNOWN_TIME)
    arguments->request.time = (int64_t)eni6_system_time();
}

struct eni6_text eni6L_text_field(lua_State *L, const char *name, bool required) {
  if (lua_getfield(L, 1, name) == LUA_TNIL && !required) return (struct eni6_text){NULL, 0};
  return text_value(L, name);
}
