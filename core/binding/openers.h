/* The openers of the Lua modules, for a host that links them into itself, with
 * no file of theirs to be found. With the Lua files on its package.path, such a host does for each
 *
 *   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
 *   lua_pushcfunction(L, luaopen_eni6_core);
 *   lua_setfield(L, -2, "eni6.core");
 *   lua_pop(L, 1);
 *
 * What it leaves out needs no library either. */
#ifndef ENI6_OPENERS_H
#define ENI6_OPENERS_H

#include <lua.h>

#ifdef __cplusplus
extern "C" {
#endif

int luaopen_eni6_core(lua_State *L);      /* eni6.core; needs libcrypto */
int luaopen_eni6_core_http(lua_State *L); /* eni6.core.http; needs libcurl */
int luaopen_eni6_core_xml(lua_State *L);  /* eni6.core.xml; needs expat */

#ifdef __cplusplus
}
#endif

#endif
