/* The netlink socket and namespaces, shared by the bindings that use them. */
#ifndef ENI6L_NETLINK_H
#define ENI6L_NETLINK_H

#include "rtnl.h"

#define ENI6L_NETLINK "eni6.netlink"
#define ENI6L_NETNS "eni6.netns"
#define ENI6L_BOX "eni6.netlink.box"

/* The open socket at an argument. */
struct eni6_netlink *eni6L_check_netlink(lua_State *L, int argument);

/* The namespace that an option names: an object of netns(), or a socket in it. -1
 * is the calling thread's. */
int eni6L_netns_of(lua_State *L, int argument);

/* Adds the functions for namespaces to the table on top. */
void eni6L_netns_functions(lua_State *L);

#endif
