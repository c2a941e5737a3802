#include "eni6L.h"

#include <unistd.h>

#include "../listener.h"
#include "../netns.h"

/* open(address, port[, netns]): a listening descriptor, which the caller closes |
 * nil, message, code. `netns` is a name of `ip netns` or a path. */
static int l_open(lua_State *L) {
  struct eni6_error error;
  const char *address = luaL_checkstring(L, 1);
  int port = (int)eni6L_integer(L, 2, 0, 65535);
  const char *where = luaL_optstring(L, 3, NULL);
  int netns = where ? eni6_netns_open(where, &error) : -1;
  if (where && netns < 0) return eni6L_fail(L, &error);
  int file = eni6_listener_open(netns, address, port, &error);
  if (netns >= 0) close(netns);
  if (file < 0) return eni6L_fail(L, &error);
  lua_pushinteger(L, file);
  return 1;
}

int eni6L_open_listener(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
