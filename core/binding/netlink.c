/* eni6.core.netlink: requests, batches and dumps. */
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

enum { MESSAGE_SIZE = 20480 }; /* the largest request: the scratch, and the rest */

struct eni6_netlink *eni6L_check_netlink(lua_State *L, int argument) {
  struct eni6_netlink *netlink = luaL_checkudata(L, argument, ENI6L_NETLINK);
  luaL_argcheck(L, netlink->fd >= 0, argument, "this netlink socket is closed");
  return netlink;
}

/* Sets up a request of the kind and verb in the closure's upvalue. */
static void begin(lua_State *L, struct eni6L_request *request, struct eni6L_links *links,
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

/* Pushes nil, message, code, detail for a link or namespace that is not there. */
static int fail_request(lua_State *L, const struct eni6L_request *request) {
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
  uint8_t bytes[MESSAGE_SIZE];
  struct eni6_rtnl_writer writer = {bytes, sizeof bytes, 0, false};
  struct eni6_rtnl_message message;
  struct eni6_rtnl_ack ack;
  struct eni6_error error;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_newtable(L);
  begin(L, &request, &links, netlink, 3);
  if (eni6L_rtnl_read(L, 2, &request) < 0 || eni6L_rtnl_encode(L, &request, &writer, 0) < 0)
    return fail_request(L, &request);
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
  uint8_t bytes[MESSAGE_SIZE];
  struct eni6_rtnl_writer writer = {bytes, sizeof bytes, 0, false};
  struct eni6_rtnl_message message, answer;
  struct eni6_rtnl_ack ack;
  struct eni6_error error;
  size_t at = 0;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  begin(L, &request, &links, netlink, 0);
  if (eni6L_rtnl_read(L, 2, &request) < 0 || eni6L_rtnl_encode(L, &request, &writer, 0) < 0)
    return fail_request(L, &request);
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

/* --- dumps -------------------------------------------------------------------------- */

/* Bytes that a field takes in its record; 0 where it cannot be compared. */
static size_t size_of(const struct eni6_rtnl_field *field) {
  switch ((enum eni6_rtnl_type)field->type) {
  case ENI6_TYPE_U8: return 1;
  case ENI6_TYPE_U16:
  case ENI6_TYPE_BE16: return 2;
  case ENI6_TYPE_U32:
  case ENI6_TYPE_LINK:
  case ENI6_TYPE_LIFETIME:
  case ENI6_TYPE_TICKS: return 4;
  case ENI6_TYPE_TEXT: return ENI6_RTNL_NAME_SIZE;
  case ENI6_TYPE_IP:
  case ENI6_TYPE_PREFIX:
  case ENI6_TYPE_VIA: return sizeof(struct eni6_rtnl_ip);
  case ENI6_TYPE_HARDWARE: return sizeof(struct eni6_rtnl_hardware);
  case ENI6_TYPE_RANGE16:
  case ENI6_TYPE_RANGE32: return sizeof(struct eni6_rtnl_range);
  default: return 0;
  }
}

/* Whether a field of a record is what the filter says. */
static bool field_matches(const struct eni6_rtnl_field *field, const union eni6_rtnl_record *filter,
                          const union eni6_rtnl_record *record) {
  if (field->type == ENI6_TYPE_BIT)
    return ((filter->head.flags ^ record->head.flags) & field->wire) == 0;
  return memcmp((const uint8_t *)filter + field->offset, (const uint8_t *)record + field->offset,
                size_of(field)) == 0;
}

/* The kernel filters by some fields if it can; here it is done by all of them. */
static bool matches(const struct eni6_rtnl_object *object, const union eni6_rtnl_record *filter,
                    const union eni6_rtnl_record *record) {
  for (uint64_t given = filter->head.present; given; given &= given - 1)
    if (!field_matches(&object->fields[__builtin_ctzll(given)], filter, record)) return false;
  return true;
}

/* A filter's fields must be such as can be compared. */
static void check_filter(lua_State *L, const struct eni6_rtnl_object *object,
                         union eni6_rtnl_record *filter) {
  for (uint64_t given = filter->head.present; given; given &= given - 1) {
    const struct eni6_rtnl_field *field = &object->fields[__builtin_ctzll(given)];
    if (field->type != ENI6_TYPE_BIT && size_of(field) == 0)
      luaL_error(L, "a dump cannot be filtered by '%s'", field->name);
    if (field->offset == offsetof(struct eni6_rtnl_head, flags) && field->type != ENI6_TYPE_BIT)
      luaL_error(L, "a dump cannot be filtered by '%s'; give single flags", field->name);
  }
}

/* Sends the dump's request. 0, or a status with *error. */
static int send_dump(lua_State *L, struct eni6_netlink *netlink, struct eni6L_request *request,
                     struct eni6_error *error) {
  uint8_t bytes[ENI6_NETLINK_REQUEST_SIZE];
  struct eni6_rtnl_writer writer = {bytes, sizeof bytes, 0, false};
  if (eni6L_rtnl_encode(L, request, &writer, 0) < 0) return request->error.status;
  return eni6_netlink_dump(netlink, bytes, writer.size, error);
}

/* Reads a dump into the list on top of the stack, which is made anew when the
 * dump begins anew. The filter is in the request's record. */
static int read_dump(lua_State *L, struct eni6_netlink *netlink, struct eni6L_request *request,
                     struct eni6_error *error) {
  const struct eni6_rtnl_object *object = eni6_rtnl_objects[request->kind];
  struct eni6_rtnl_message message;
  union eni6_rtnl_record record;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  lua_Integer count = 0;
  int status;
  while ((status = eni6_netlink_dump_next(netlink, &message, error)) > 0) {
    if (status == ENI6_NETLINK_RESTARTED) {
      lua_pop(L, 1);
      lua_newtable(L);
      count = 0;
    } else if (eni6_rtnl_decode(&message, &kind, &verb, &record) > 0 && kind == request->kind &&
               matches(object, &request->record, &record)) {
      eni6L_rtnl_push(L, object, &record, request->links);
      lua_rawseti(L, -2, ++count);
    }
  }
  return status;
}

/* links, addresses, … ([filter]): a list with `consistent`, or nil, message, code. */
static int l_dump(lua_State *L) {
  struct eni6_netlink *netlink = eni6L_check_netlink(L, 1);
  struct eni6L_links links;
  struct eni6L_request request;
  struct eni6_error error;
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_newtable(L);
    lua_replace(L, 2);
  }
  luaL_checktype(L, 2, LUA_TTABLE);
  begin(L, &request, &links, netlink, 0);
  const struct eni6_rtnl_object *object = eni6_rtnl_objects[request.kind];
  if (eni6L_rtnl_read(L, 2, &request) < 0) return fail_request(L, &request);
  eni6_rtnl_settle_family(object, &request.record);
  check_filter(L, object, &request.record);
  int status = send_dump(L, netlink, &request, &error);
  if (request.record.head.family == 0) /* "any" */
    request.record.head.present &= ~ENI6_RTNL_BIT(object->family_field);
  lua_newtable(L);
  if (status == 0) status = read_dump(L, netlink, &request, &error);
  /* A table that does not exist holds no routes. */
  if (status < 0 && !(status == -ENOENT && request.kind == ENI6_RTNL_ROUTE))
    return eni6L_fail(L, &error);
  lua_pushboolean(L, !netlink->interrupted);
  lua_setfield(L, -2, "consistent");
  return 1;
}

/* --- many requests ------------------------------------------------------------------ */

/* Growing memory that the collector owns. */
struct box {
  uint8_t *bytes;
  size_t size, capacity;
};

static int l_box_gc(lua_State *L) {
  struct box *box = lua_touserdata(L, 1);
  void *context;
  lua_Alloc allocate = lua_getallocf(L, &context);
  if (box->bytes) allocate(context, box->bytes, box->capacity, 0);
  box->bytes = NULL;
  box->capacity = box->size = 0;
  return 0;
}

/* A writer behind what the box holds, with room for any request. */
static struct eni6_rtnl_writer box_room(lua_State *L, struct box *box) {
  if (box->capacity - box->size < MESSAGE_SIZE) {
    void *context;
    lua_Alloc allocate = lua_getallocf(L, &context);
    size_t capacity = box->capacity * 2 + MESSAGE_SIZE;
    uint8_t *larger = allocate(context, box->bytes, box->capacity, capacity);
    if (!larger) luaL_error(L, "not enough memory");
    box->bytes = larger;
    box->capacity = capacity;
  }
  return (struct eni6_rtnl_writer){box->bytes + box->size, MESSAGE_SIZE, 0, false};
}

/* A batch under way. Stack: 1 socket, 2 items, 3 kept namespaces, 4 results, 5 box. */
struct run {
  struct eni6_netlink *netlink;
  struct eni6L_links links;
  struct eni6L_request request;
  struct box *box;
  lua_Integer failed;
};

enum { ITEMS = 2, KEEP = 3, RESULTS = 4 };

/* Turns nil, message, code, detail on top into one table, and files it. */
static void file_failure(lua_State *L, struct run *run, lua_Integer item) {
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
  }
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "message");
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "code");
  lua_rawseti(L, RESULTS, item);
  lua_pop(L, 3);
  run->failed++;
}

/* Reads and encodes an item behind what the box holds. False when the world
 * failed it: then nothing is encoded. */
static bool encode_item(lua_State *L, struct run *run, lua_Integer item) {
  lua_rawgeti(L, ITEMS, item);
  if (!lua_istable(L, -1)) luaL_error(L, "item %d of the batch is no table", (int)item);
  lua_rawgeti(L, -1, 1);
  lua_rawgeti(L, -2, 2);
  const char *name = lua_tostring(L, -2);
  struct eni6L_request *request = &run->request;
  bool known = name && eni6L_rtnl_operation(name, &request->kind, &request->verb);
  if (!known || request->verb >= ENI6_RTNL_GET || !lua_istable(L, -1))
    luaL_error(L, "item %d of the batch is not { \"add_address\", { … } } or the like", (int)item);
  struct eni6_rtnl_writer writer = box_room(L, run->box);
  bool good = eni6L_rtnl_read(L, lua_gettop(L), request) == 0 &&
              eni6L_rtnl_encode(L, request, &writer, 0) == 0;
  if (good) run->box->size += writer.size;
  lua_pop(L, 3);
  return good;
}

/* Sends what the box holds, and files the results of the items it stands for:
 * those from *item on that have none yet. */
static int flush(lua_State *L, struct run *run, lua_Integer *item, struct eni6_error *error) {
  struct eni6_netlink_batch batch = {.bytes = run->box->bytes, .size = run->box->size};
  struct eni6_rtnl_message request;
  struct eni6_rtnl_ack ack;
  int status;
  while ((status = eni6_netlink_batch_next(run->netlink, &batch, &request, &ack, error)) > 0) {
    while (lua_rawgeti(L, RESULTS, *item) != LUA_TNIL) {
      lua_pop(L, 1);
      ++*item;
    }
    lua_pop(L, 1);
    if (ack.status == 0) {
      lua_pushboolean(L, 1);
      lua_rawseti(L, RESULTS, *item);
    } else {
      eni6L_rtnl_refused(L, &request, &ack);
      file_failure(L, run, *item);
    }
  }
  run->box->size = 0;
  eni6L_links_begin(&run->links, run->netlink);
  return status;
}

/* Encodes the items from `item` up to the first that changes links, which later
 * names depend on. Returns the one after it. */
static lua_Integer encode_until_links(lua_State *L, struct run *run, lua_Integer item,
                                      lua_Integer count) {
  for (; item <= count; item++) {
    if (!encode_item(L, run, item)) {
      fail_request(L, &run->request);
      file_failure(L, run, item);
    } else if (run->request.kind == ENI6_RTNL_LINK) {
      return item + 1;
    }
  }
  return item;
}

/* Misuse in any item is found before the first is sent. */
static void check_rest(lua_State *L, struct run *run, lua_Integer item, lua_Integer count) {
  size_t size = run->box->size;
  for (; item <= count; item++) {
    encode_item(L, run, item);
    run->box->size = size;
  }
}

/* batch(items): a list with, for each item, true or { message=, code=, field=, … },
 * and how many failed; or nil, message, code when the socket itself fails. */
static int l_batch(lua_State *L) {
  struct run run = {.netlink = eni6L_check_netlink(L, 1)};
  struct eni6_error error;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
  lua_newtable(L);
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  run.box = eni6L_new(L, sizeof *run.box, ENI6L_BOX);
  run.request.links = &run.links;
  run.request.keep = KEEP;
  eni6L_links_begin(&run.links, run.netlink);
  lua_Integer answered = 1;
  for (lua_Integer item = 1; item <= count;) {
    lua_Integer next = encode_until_links(L, &run, item, count);
    if (item == 1) check_rest(L, &run, next, count);
    if (flush(L, &run, &answered, &error) < 0) return eni6L_fail(L, &error);
    item = next;
  }
  lua_pushvalue(L, RESULTS);
  lua_pushinteger(L, run.failed);
  return 2;
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
      lua_pushcclosure(L, v == ENI6_RTNL_DUMP ? l_dump : v == ENI6_RTNL_GET ? l_get : l_request, 1);
      lua_setfield(L, -3, name);
      lua_pop(L, 1);
    }
}

int eni6L_open_netlink(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"batch", l_batch}, {"event", l_event}, {"close", l_close},   {"pollfd", l_pollfd},
      {"name", l_name},   {"index", l_index}, {"strict", l_strict}, {0}};
  static const luaL_Reg metamethods[] = {
      {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {0}};
  static const luaL_Reg box[] = {{"__gc", l_box_gc}, {0}};
  eni6L_type(L, ENI6L_BOX, NULL, box);
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
