/* eni6.core.netlink: the socket, single requests and events. */
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

struct eni6_netlink *eni6L_check_netlink(lua_State *L, int argument) {
  struct eni6_netlink *netlink = luaL_checkudata(L, argument, ENI6L_NETLINK);
  luaL_argcheck(L, netlink->fd >= 0, argument, "this netlink socket is closed");
  return netlink;
}

void eni6L_netlink_begin(lua_State *L, struct eni6L_request *request, struct eni6L_links *links,
                         struct eni6_netlink *netlink, int keep) {
  lua_Integer operation = lua_tointeger(L, lua_upvalueindex(1));
  request->kind = (enum eni6_rtnl_kind)(operation / 16);
  request->verb = (enum eni6_rtnl_verb)(operation % 16);
  request->links = links;
  request->keep = keep;
  eni6L_links_begin(links, netlink);
}

/* Pushes "add_address". */
static const char *push_operation(lua_State *L, const struct eni6L_request *request) {
  static const char *const verbs[] = {"add", "replace", "append", "set", "delete", "get", "dump"};
  return lua_pushfstring(L, "%s_%s", verbs[request->verb], eni6_rtnl_objects[request->kind]->name);
}

int eni6L_netlink_fail(lua_State *L, const struct eni6L_request *request) {
  const char *operation = push_operation(L, request);
  lua_pushnil(L);
  if (request->field)
    lua_pushfstring(L, "%s: %s: %s", operation, request->field, request->error.message);
  else
    lua_pushfstring(L, "%s: %s", operation, request->error.message);
  lua_pushstring(L, request->error.code);
  eni6L_rtnl_push_detail(L, operation, request->field, NULL);
  return 4;
}

/* --- one request -------------------------------------------------------------------- */

/* add_x, replace_x, … (fields): true, or nil, message, code, detail. */
static int l_request(lua_State *L) {
  struct eni6_netlink *netlink = eni6L_check_netlink(L, 1);
  struct eni6L_links links;
  struct eni6L_request request;
  uint8_t bytes[ENI6L_MESSAGE_SIZE];
  struct eni6_rtnl_writer writer = {bytes, sizeof bytes, 0, false};
  struct eni6_rtnl_message message;
  struct eni6_rtnl_ack ack;
  struct eni6_error error;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_newtable(L);
  eni6L_netlink_begin(L, &request, &links, netlink, 3);
  if (eni6L_rtnl_read(L, 2, &request) < 0 || eni6L_rtnl_encode(L, &request, &writer, 0) < 0)
    return eni6L_netlink_fail(L, &request);
  struct eni6_netlink_batch batch = {.bytes = bytes, .size = writer.size};
  if (eni6_netlink_batch_next(netlink, &batch, &message, &ack, &error) < 0)
    return eni6L_fail(L, &error);
  if (ack.status < 0) return eni6L_rtnl_refused(L, &message, &ack);
  lua_pushboolean(L, 1);
  return 1;
}

/* get_x(fields): the record, or nil, message, code, detail. */
static int l_get(lua_State *L) {
  struct eni6_netlink *netlink = eni6L_check_netlink(L, 1);
  struct eni6L_links links;
  struct eni6L_request request;
  uint8_t bytes[ENI6L_MESSAGE_SIZE];
  struct eni6_rtnl_writer writer = {bytes, sizeof bytes, 0, false};
  struct eni6_rtnl_message message, answer;
  struct eni6_rtnl_ack ack;
  struct eni6_error error;
  size_t at = 0;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  eni6L_netlink_begin(L, &request, &links, netlink, 0);
  if (eni6L_rtnl_read(L, 2, &request) < 0 || eni6L_rtnl_encode(L, &request, &writer, 0) < 0)
    return eni6L_netlink_fail(L, &request);
  int status = eni6_netlink_send(netlink, bytes, writer.size, &error);
  if (status == 0) status = eni6_netlink_next(netlink, &answer, &error);
  if (status == 0)
    status = eni6_error_set(&error, -ENOBUFS, "the answer did not fit into the socket's buffer");
  if (status < 0) return eni6L_fail(L, &error);
  eni6_rtnl_next(bytes, writer.size, &at, &message);
  if (eni6_rtnl_decode_ack(&answer, &ack) != 0) return eni6L_rtnl_refused(L, &message, &ack);
  if (eni6_rtnl_decode(&answer, &request.kind, &request.verb, &request.record) <= 0)
    return luaL_error(L, "the kernel answered with a message of type %d", answer.type);
  eni6L_rtnl_push(L, eni6_rtnl_objects[request.kind], &request.record, &links);
  return 1;
}

/* --- opening ------------------------------------------------------------------------ */

/* An integer option of the table at 1, or what it is when absent. */
static lua_Integer option(lua_State *L, const char *name, lua_Integer low, lua_Integer high) {
  lua_Integer value = 0;
  if (lua_getfield(L, 1, name) != LUA_TNIL) {
    int whole;
    value = lua_tointegerx(L, -1, &whole);
    if (!whole || value < low || value > high)
      luaL_error(L, "option '%s' is not a whole number in its range", name);
  }
  lua_pop(L, 1);
  return value;
}

/* Joins the groups in the list option `groups`. */
static int join_groups(lua_State *L, struct eni6_netlink *netlink, struct eni6_error *error) {
  if (lua_getfield(L, 1, "groups") != LUA_TTABLE) return 0;
  int list = lua_gettop(L);
  for (lua_Integer i = 1; lua_rawgeti(L, list, i) != LUA_TNIL; i++) {
    int status = eni6_netlink_join(netlink, (uint32_t)luaL_checkinteger(L, -1), error);
    if (status < 0) return status;
    lua_pop(L, 1);
  }
  return 0;
}

/* open{ netns=namespace or socket, receive_buffer=bytes, strict=false, groups={ numbers } }. */
static int l_open(lua_State *L) {
  struct eni6_netlink_options options = {.netns = -1};
  struct eni6_error error;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  options.receive_buffer = (size_t)option(L, "receive_buffer", 1, INT32_MAX);
  options.lenient = lua_getfield(L, 1, "strict") == LUA_TBOOLEAN && !lua_toboolean(L, -1);
  struct eni6_netlink *netlink = eni6L_new(L, sizeof *netlink, ENI6L_NETLINK);
  netlink->fd = netlink->netns = -1;
  if (lua_getfield(L, 1, "netns") != LUA_TNIL) options.netns = eni6L_netns_of(L, -1);
  lua_pop(L, 1);
  if (eni6_netlink_open(netlink, &options, &error) < 0) return eni6L_fail(L, &error);
  lua_settop(L, 3);
  if (join_groups(L, netlink, &error) < 0) return eni6L_fail(L, &error);
  lua_settop(L, 3);
  return 1;
}

/* close(), and what the collector calls. */
static int l_close(lua_State *L) {
  struct eni6_netlink *netlink = luaL_checkudata(L, 1, ENI6L_NETLINK);
  eni6_netlink_close(netlink);
  return 0;
}

static int l_tostring(lua_State *L) {
  struct eni6_netlink *netlink = luaL_checkudata(L, 1, ENI6L_NETLINK);
  if (netlink->fd < 0)
    lua_pushliteral(L, "eni6.netlink (closed)");
  else
    lua_pushfstring(L, "eni6.netlink (descriptor %d)", netlink->fd);
  return 1;
}

/* pollfd(): the descriptor. */
static int l_pollfd(lua_State *L) {
  lua_pushinteger(L, eni6L_check_netlink(L, 1)->fd);
  return 1;
}

/* name(index): the link's name, or nil. */
static int l_name(lua_State *L) {
  struct eni6_netlink *netlink = eni6L_check_netlink(L, 1);
  char name[ENI6_RTNL_NAME_SIZE];
  if (eni6_netlink_name(netlink, (uint32_t)eni6L_integer(L, 2, 0, INT32_MAX), name))
    lua_pushstring(L, name);
  else
    lua_pushnil(L);
  return 1;
}

/* index(name): the link's index, or nil. */
static int l_index(lua_State *L) {
  uint32_t index = eni6_netlink_index(eni6L_check_netlink(L, 1), luaL_checkstring(L, 2));
  if (index)
    lua_pushinteger(L, index);
  else
    lua_pushnil(L);
  return 1;
}

/* strict(): whether the kernel filters dumps. */
static int l_strict(lua_State *L) {
  lua_pushboolean(L, eni6L_check_netlink(L, 1)->strict);
  return 1;
}

/* --- events ------------------------------------------------------------------------- */

/* Pushes the event in a message: object, verb, record. False when it is none. */
static bool push_event(lua_State *L, struct eni6_netlink *netlink,
                       const struct eni6_rtnl_message *message) {
  union eni6_rtnl_record record;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  struct eni6L_links links;
  if (eni6_rtnl_decode(message, &kind, &verb, &record) <= 0) return false;
  /* A bridge tells of its ports in messages of links, which are no news of the links. */
  if (kind == ENI6_RTNL_LINK && record.head.family != 0) return false;
  eni6L_links_begin(&links, netlink);
  lua_pushstring(L, eni6_rtnl_objects[kind]->name);
  lua_pushstring(L, verb == ENI6_RTNL_DELETE ? "delete" : "new");
  eni6L_rtnl_push(L, eni6_rtnl_objects[kind], &record, &links);
  return true;
}

/* event(): object, "new" or "delete", record; "overrun"; false when there is none
 * now; or nil, message, code. */
static int l_event(lua_State *L) {
  struct eni6_netlink *netlink = eni6L_check_netlink(L, 1);
  struct eni6_rtnl_message message;
  struct eni6_error error;
  int status;
  while ((status = eni6_netlink_event(netlink, &message, &error)) > 0)
    if (push_event(L, netlink, &message)) return 3;
  if (status == -ENOBUFS) {
    lua_pushliteral(L, "overrun");
    return 1;
  }
  if (status == 0) {
    lua_pushboolean(L, 0);
    return 1;
  }
  return eni6L_fail(L, &error);
}

/* --- the module --------------------------------------------------------------------- */

/* Adds to the methods on top one for each request that the kernel knows. */
static void add_requests(lua_State *L) {
  static const char *const dumps[] = {"links",      "addresses", "routes",
                                      "neighbours", "rules",     "address_labels"};
  struct eni6L_request request;
  for (int k = 0; k < ENI6_RTNL_KINDS; k++)
    for (int v = ENI6_RTNL_ADD; v <= ENI6_RTNL_DUMP; v++) {
      request.kind = (enum eni6_rtnl_kind)k;
      request.verb = (enum eni6_rtnl_verb)v;
      if (!eni6_rtnl_allows(request.kind, request.verb)) continue;
      const char *name =
          v == ENI6_RTNL_DUMP ? lua_pushstring(L, dumps[k]) : push_operation(L, &request);
      lua_pushinteger(L, k * 16 + v);
      lua_pushcclosure(L,
                       v == ENI6_RTNL_DUMP  ? eni6L_netlink_dump
                       : v == ENI6_RTNL_GET ? l_get
                                            : l_request,
                       1);
      lua_setfield(L, -3, name);
      lua_pop(L, 1);
    }
}

int eni6L_open_netlink(lua_State *L) {
  static const luaL_Reg methods[] = {{"batch", eni6L_netlink_batch},
                                     {"event", l_event},
                                     {"close", l_close},
                                     {"pollfd", l_pollfd},
                                     {"name", l_name},
                                     {"index", l_index},
                                     {"strict", l_strict},
                                     {0}};
  static const luaL_Reg metamethods[] = {
      {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {0}};
  eni6L_netlink_prepare_batch(L);
  eni6L_type(L, ENI6L_NETLINK, methods, metamethods);
  lua_newtable(L);
  eni6L_netns_functions(L);
  lua_pushcfunction(L, l_open);
  lua_setfield(L, -2, "open");
  luaL_getmetatable(L, ENI6L_NETLINK);
  lua_getfield(L, -1, "__index");
  add_requests(L);
  lua_setfield(L, -3, "methods");
  lua_pop(L, 1);
  return 1;
}
