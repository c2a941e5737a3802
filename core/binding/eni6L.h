/* What every binding shares: the error convention, safe userdata, checked
 * integers, and the few names in which Lua 5.3 and 5.4 differ. */
#ifndef ENI6L_H
#define ENI6L_H

#include <stddef.h>
#include <lua.h>
#include <lauxlib.h>

#include "../eni6.h"

#define ENI6L_EXPORT __attribute__((visibility("default")))

#if LUA_VERSION_NUM < 504
#define lua_newuserdatauv(L, size, values) lua_newuserdata((L), (size))
#define lua_setiuservalue(L, index, n) lua_setuservalue((L), (index))
#define lua_getiuservalue(L, index, n) lua_getuservalue((L), (index))
#endif

/* Pushes nil, message, code: what a function returns when the world fails. */
int eni6L_fail(lua_State *L, const struct eni6_error *error);

/* Pushes a zero-filled userdata that already has its metatable: a closed, empty
 * object that __gc may see at any later moment. Acquire into it afterwards. */
void *eni6L_new(lua_State *L, size_t size, const char *type);

/* The same, with room for one Lua value (lua_setiuservalue, number 1). */
void *eni6L_new_with_value(lua_State *L, size_t size, const char *type);

/* Makes the metatable of a type: `metamethods` go into it, `methods` into its
 * __index; either may be NULL. Leaves the stack as it was. */
void eni6L_type(lua_State *L, const char *type, const luaL_Reg *methods,
                const luaL_Reg *metamethods);

/* An integer argument within [low, high], or an argument error that says so. */
lua_Integer eni6L_integer(lua_State *L, int argument, lua_Integer low, lua_Integer high);

/* The openers of the parts of eni6.core: each pushes the part's table. */
int eni6L_open_filesystem(lua_State *L);
int eni6L_open_system(lua_State *L);
int eni6L_open_ip6(lua_State *L);
int eni6L_open_blocks(lua_State *L);
int eni6L_open_process(lua_State *L);
int eni6L_open_base64(lua_State *L);
int eni6L_open_digest(lua_State *L);
int eni6L_open_sigv4(lua_State *L);
int eni6L_open_uri(lua_State *L);
int eni6L_open_rtnl(lua_State *L);
int eni6L_open_listener(lua_State *L);
int eni6L_open_netlink(lua_State *L);
int eni6L_open_icmp6(lua_State *L);

#endif
