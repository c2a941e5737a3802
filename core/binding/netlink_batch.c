/* Batches: many requests at once, and a result for each. */
#include <string.h>

#include "netlink.h"

#define BOX "eni6.netlink.box"

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
  if (box->capacity - box->size < ENI6L_MESSAGE_SIZE) {
    void *context;
    lua_Alloc allocate = lua_getallocf(L, &context);
    size_t capacity = box->capacity * 2 + ENI6L_MESSAGE_SIZE;
    uint8_t *larger = allocate(context, box->bytes, box->capacity, capacity);
    if (!larger) luaL_error(L, "not enough memory");
    box->bytes = larger;
    box->capacity = capacity;
  }
  return (struct eni6_rtnl_writer){box->bytes + box->size, ENI6L_MESSAGE_SIZE, 0, false};
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
      eni6L_netlink_fail(L, &run->request);
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
int eni6L_netlink_batch(lua_State *L) {
  struct run run = {.netlink = eni6L_check_netlink(L, 1)};
  struct eni6_error error;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
  lua_newtable(L);
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  run.box = eni6L_new(L, sizeof *run.box, BOX);
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

void eni6L_netlink_prepare_batch(lua_State *L) {
  static const luaL_Reg box[] = {{"__gc", l_box_gc}, {0}};
  eni6L_type(L, BOX, NULL, box);
}
