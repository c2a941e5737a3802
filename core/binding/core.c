/* The module eni6.core: one table a part. */
#include "eni6L.h"
#include "openers.h"

ENI6L_EXPORT int luaopen_eni6_core(lua_State *L) {
  /* clang-format off */
  static const luaL_Reg parts[] = {
      {"base64", eni6L_open_base64},
      {"blocks", eni6L_open_blocks},
      {"digest", eni6L_open_digest},
      {"filesystem", eni6L_open_filesystem},
      {"icmp6", eni6L_open_icmp6},
      {"ip6", eni6L_open_ip6},
      {"listener", eni6L_open_listener},
      {"netlink", eni6L_open_netlink},
      {"process", eni6L_open_process},
      {"rtnl", eni6L_open_rtnl},
      {"sigv4", eni6L_open_sigv4},
      {"system", eni6L_open_system},
      {"uri", eni6L_open_uri},
      {NULL, NULL},
  };
  /* clang-format on */
  luaL_checkversion(L);
  lua_newtable(L);
  lua_pushliteral(L, ENI6_VERSION);
  lua_setfield(L, -2, "version");
  for (const luaL_Reg *part = parts; part->name; part++) {
    part->func(L);
    lua_setfield(L, -2, part->name);
  }
  return 1;
}
