/* What the hosts of these tests share: Lua states with eni6 linked in, and counts of
 * what the process holds. Lua finds the Lua files by LUA_PATH. */
#ifndef TESTS_EMBED_HOST_H
#define TESTS_EMBED_HOST_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <lauxlib.h>
#include <lualib.h>

#include "../../core/binding/openers.h"

static inline void host_preload(lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* Opens Lua's libraries and gives the state eni6's modules; a lua_CFunction, since
 * each step may run out of memory. */
static inline int host_open(lua_State *L) {
  luaL_openlibs(L);
  host_preload(L, "eni6.core", luaopen_eni6_core);
  host_preload(L, "eni6.core.http", luaopen_eni6_core_http);
  host_preload(L, "eni6.core.xml", luaopen_eni6_core_xml);
  return 0;
}

/* Runs a script, which returns a function, and calls that with the string arguments
 * below it on the stack: pushed are the script's name, then the arguments. */
static inline int host_run(lua_State *L) {
  host_open(L);
  if (luaL_loadfile(L, lua_tostring(L, 1)) != LUA_OK) return lua_error(L);
  lua_call(L, 0, 1);
  lua_replace(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static inline int host_descriptors(void) {
  int count = 0;
  DIR *directory = opendir("/proc/self/fd");
  while (directory && readdir(directory))
    count++;
  if (directory) closedir(directory);
  return count;
}

/* The same once they are as few as expected, or two seconds are over: libcurl's
 * resolver is a thread that closes what it has when it is done. */
static inline int host_settled_descriptors(int expected) {
  int count = host_descriptors();
  for (int tries = 0; count > expected && tries < 200; tries++) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    count = host_descriptors();
  }
  return count;
}

/* Kilobytes of the process in memory. */
static inline long host_resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%*s %ld", &pages) != 1) pages = -1;
  if (file) fclose(file);
  return pages * 4;
}

#endif
