/* A host that links eni6's bindings into itself: its Lua states find them in
 * package.preload, and no library of eni6's is ever opened.
 *
 * usage: static_host FOLDER MODULE...   loads each module from the Lua files in FOLDER */
#include <stdio.h>
#include <lauxlib.h>
#include <lualib.h>
#include <eni6/openers.h>

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

static void set_path(lua_State *L, const char *folder) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", folder, folder, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: static_host FOLDER MODULE...\n"), 2;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  preload(L, "eni6.core", luaopen_eni6_core);
  preload(L, "eni6.core.http", luaopen_eni6_core_http);
  preload(L, "eni6.core.xml", luaopen_eni6_core_xml);
  set_path(L, argv[1]);
  int failed = 0;
  for (int i = 2; i < argc; i++) {
    lua_getglobal(L, "require");
    lua_pushstring(L, argv[i]);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
      fprintf(stderr, "%s: %s\n", argv[i], lua_tostring(L, -1));
      failed++;
    }
  }
  lua_close(L);
  return failed > 0;
}
