#include "eni6L.h"

#include <string.h>

int eni6L_fail(lua_State *L, const struct eni6_error *error) {
  lua_pushnil(L);
  lua_pushstring(L, error->message);
  lua_pushstring(L, error->code);
  return 3;
}

/* Empties the userdata at the top of the stack and gives it its type. */
static void *made_closed(lua_State *L, void *object, size_t size, const char *type) {
  memset(object, 0, size);
  luaL_setmetatable(L, type);
  return object;
}

void *eni6L_new(lua_State *L, size_t size, const char *type) {
  return made_closed(L, lua_newuserdatauv(L, size, 0), size, type);
}

void *eni6L_new_with_value(lua_State *L, size_t size, const char *type) {
  return made_closed(L, lua_newuserdatauv(L, size, 1), size, type);
}

void eni6L_type(lua_State *L, const char *type, const luaL_Reg *methods,
                const luaL_Reg *metamethods) {
  luaL_newmetatable(L, type);
  if (metamethods) luaL_setfuncs(L, metamethods, 0);
  if (methods) {
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
}

lua_Integer eni6L_integer(lua_State *L, int argument, lua_Integer low, lua_Integer high) {
  lua_Integer value = luaL_checkinteger(L, argument);
  if (value < low || value > high)
    luaL_argerror(L, argument,
                  lua_pushfstring(L, "%I is not within %I and %I", (LUAI_UACINT)value,
                                  (LUAI_UACINT)low, (LUAI_UACINT)high));
  return value;
}
