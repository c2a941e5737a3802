/* The smallest Lua host: runs a script with its arguments. Built with the
 * sanitizers it runs the test files under them, without preloading their
 * runtime into the programs that the tests start. */
#include <stdio.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* Adds the traceback to an error's message. */
static int explain(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* The global `arg`, as the stock interpreter sets it. */
static void set_arguments(lua_State *L, int argc, char **argv) {
  lua_createtable(L, argc, 0);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: interpreter SCRIPT [ARGUMENT...]\n"), 2;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  set_arguments(L, argc, argv);
  lua_pushcfunction(L, explain);
  int status = luaL_loadfile(L, argv[1]);
  for (int i = 2; i < argc && status == LUA_OK; i++)
    lua_pushstring(L, argv[i]);
  if (status == LUA_OK) status = lua_pcall(L, argc - 2, 0, 1);
  if (status != LUA_OK) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status != LUA_OK;
}
