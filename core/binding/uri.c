#include "eni6L.h"

#include <stdint.h>

#include "../uri.h"

/* A text argument, short enough that three times its size is a size. */
static struct eni6_text checked_text(lua_State *L, int argument) {
  struct eni6_text text;
  text.data = luaL_checklstring(L, argument, &text.size);
  luaL_argcheck(L, text.size <= SIZE_MAX / 4, argument, "too long");
  return text;
}

/* encode(text[, keep_slash]) */
static int l_encode(lua_State *L) {
  luaL_Buffer buffer;
  struct eni6_text text = checked_text(L, 1);
  char *out = luaL_buffinitsize(L, &buffer, 3 * text.size);
  luaL_pushresultsize(&buffer, eni6_uri_encode(out, text, lua_toboolean(L, 2)));
  return 1;
}

static void push_decoded(lua_State *L, struct eni6_text text, bool plus_is_space) {
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, text.size);
  luaL_pushresultsize(&buffer, eni6_uri_decode(out, text, plus_is_space));
}

static int malformed(lua_State *L) {
  lua_pushnil(L);
  lua_pushliteral(L, "a \"%\" must be followed by two hexadecimal digits");
  lua_pushliteral(L, "EINVAL");
  return 3;
}

/* decode(text[, plus_is_space]): the text, or nil, message, "EINVAL". */
static int l_decode(lua_State *L) {
  struct eni6_text text = checked_text(L, 1);
  if (!eni6_uri_is_well_formed(text)) return malformed(L);
  push_decoded(L, text, lua_toboolean(L, 2));
  return 1;
}

/* normalize_path(path) */
static int l_normalize_path(lua_State *L) {
  luaL_Buffer buffer;
  struct eni6_text path = checked_text(L, 1);
  char *out = luaL_buffinitsize(L, &buffer, path.size + 1);
  luaL_pushresultsize(&buffer, eni6_uri_normalize_path(out, path));
  return 1;
}

/* split(uri): path, query; the query is nil when there is no "?". */
static int l_split(lua_State *L) {
  struct eni6_text path, query;
  eni6_uri_split(checked_text(L, 1), &path, &query);
  lua_pushlstring(L, path.data, path.size);
  if (query.data)
    lua_pushlstring(L, query.data, query.size);
  else
    lua_pushnil(L);
  return 2;
}

/* parameters(query[, plus_is_space]): { {name, value}, ... } decoded, in their
 * order, or nil, message, "EINVAL". */
static int l_parameters(lua_State *L) {
  struct eni6_text query = checked_text(L, 1), name, value;
  bool plus_is_space = lua_toboolean(L, 2);
  if (!eni6_uri_is_well_formed(query)) return malformed(L);
  lua_newtable(L);
  for (lua_Integer i = 1; eni6_uri_next_parameter(&query, &name, &value); i++) {
    lua_createtable(L, 2, 0);
    push_decoded(L, name, plus_is_space);
    lua_rawseti(L, -2, 1);
    push_decoded(L, value, plus_is_space);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

int eni6L_open_uri(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"encode", l_encode}, {"decode", l_decode},         {"normalize_path", l_normalize_path},
      {"split", l_split},   {"parameters", l_parameters}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
