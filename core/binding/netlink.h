/* The netlink socket and namespaces, shared by the bindings that use them. */
#ifndef ENI6L_NETLINK_H
#define ENI6L_NETLINK_H

#include "rtnl.h"

#define ENI6L_NETLINK "eni6.netlink"
#define ENI6L_NETNS "eni6.netns"

/* Room for the largest request: what is nested in it, and the rest. */
enum { ENI6L_MESSAGE_SIZE = 20480 };

/* The open socket at an argument. */
struct eni6_netlink *eni6L_check_netlink(lua_State *L, int argument);

/* Sets up a request of the kind and verb in the closure's upvalue. */
void eni6L_netlink_begin(lua_State *L, struct eni6L_request *request, struct eni6L_links *links,
                         struct eni6_netlink *netlink, int keep);

/* Pushes nil, message, code, detail for a link or namespace that is not there. */
int eni6L_netlink_fail(lua_State *L, const struct eni6L_request *request);

/* Methods of the socket, each in a file of its own. */
int eni6L_netlink_dump(lua_State *L);
int eni6L_netlink_batch(lua_State *L);

/* Makes what eni6L_netlink_batch relies on. */
void eni6L_netlink_prepare_batch(lua_State *L);

/* The namespace that an option names: an object of netns(), or a socket in it. -1
 * is the calling thread's. */
int eni6L_netns_of(lua_State *L, int argument);

/* Adds the functions for namespaces to the table on top. */
void eni6L_netns_functions(lua_State *L);

#endif
