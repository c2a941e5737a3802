/* Dumps: what there is, as lists of records. */
#include <errno.h>
#include <string.h>

#include "netlink.h"

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

/* The kernel filters by some fields if it can; here it is done by all of them.
 * The family "any" is no filter. */
static bool matches(const struct eni6_rtnl_object *object, const union eni6_rtnl_record *filter,
                    const union eni6_rtnl_record *record) {
  for (uint64_t given = filter->head.present; given; given &= given - 1) {
    int number = __builtin_ctzll(given);
    bool any = number == object->family_field && filter->head.family == 0;
    if (!any && !field_matches(&object->fields[number], filter, record)) return false;
  }
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

/* Mixes bytes into a hash (FNV-1a). */
static uint64_t mix(uint64_t hash, const void *bytes, size_t size) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
  return hash;
}

/* Mixes a record into a hash, but for what changes as time passes. */
static uint64_t mix_record(uint64_t hash, const struct eni6_rtnl_object *object,
                           const union eni6_rtnl_record *record) {
  for (uint64_t present = record->head.present; present; present &= present - 1) {
    int number = __builtin_ctzll(present);
    const struct eni6_rtnl_field *field = &object->fields[number];
    const void *from = (const uint8_t *)record + field->offset;
    const struct eni6_rtnl_slice *slice = from;
    if (field->type == ENI6_TYPE_LIFETIME || field->type == ENI6_TYPE_TICKS) continue;
    hash = mix(hash, &number, sizeof number);
    if (field->type >= ENI6_TYPE_NEXTHOPS)
      hash = mix(hash, slice->bytes, slice->size);
    else
      hash = mix(hash, from, size_of(field));
  }
  return hash;
}

/* A dump under way. */
struct dump {
  struct eni6_netlink *netlink;
  struct eni6L_request *request; /* the filter is its record */
  uint64_t wanted;               /* bits of the fields that the lists are to have */
  struct eni6_error error;
  int status;
  bool verify, consistent;
};

/* Reads a dump into a list, which it leaves on the stack, and hashes it. The list
 * is made anew when the dump begins anew. */
static int read_dump(lua_State *L, struct dump *dump, uint64_t *hash) {
  const struct eni6_rtnl_object *object = eni6_rtnl_objects[dump->request->kind];
  struct eni6_rtnl_message message;
  union eni6_rtnl_record record;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  lua_Integer count = 0;
  int status;
  lua_newtable(L);
  while ((status = eni6_netlink_dump_next(dump->netlink, &message, &dump->error)) > 0) {
    if (status == ENI6_NETLINK_RESTARTED) {
      lua_pop(L, 1);
      lua_newtable(L);
      count = 0;
    } else if (eni6_rtnl_decode(&message, &kind, &verb, &record) > 0 &&
               kind == dump->request->kind && matches(object, &dump->request->record, &record)) {
      eni6L_rtnl_push_some(L, object, &record, dump->request->links, dump->wanted);
      lua_rawseti(L, -2, ++count);
      if (hash) *hash = mix_record(*hash, object, &record);
    }
  }
  return status;
}

/* Dumps again and again until two in a row are the same; leaves the last list on
 * the stack, and `consistent` says whether they ever were. */
static int read_same_twice(lua_State *L, struct dump *dump) {
  uint64_t before = 0;
  dump->consistent = false;
  for (int i = 0; i <= ENI6_NETLINK_ATTEMPTS && !dump->consistent; i++) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    if (i > 0) lua_pop(L, 1);
    int status = send_dump(L, dump->netlink, dump->request, &dump->error);
    if (status == 0) status = read_dump(L, dump, &hash);
    if (status < 0) return status;
    dump->consistent = i > 0 && hash == before && !dump->netlink->interrupted;
    before = hash;
  }
  return 0;
}

static int read_once(lua_State *L, struct dump *dump) {
  int status = send_dump(L, dump->netlink, dump->request, &dump->error);
  if (status == 0) status = read_dump(L, dump, NULL);
  dump->consistent = !dump->netlink->interrupted;
  return status;
}

/* Runs the dump that is the argument; the list is the result. */
static int l_run(lua_State *L) {
  struct dump *dump = lua_touserdata(L, 1);
  dump->status = dump->verify ? read_same_twice(L, dump) : read_once(L, dump);
  if (dump->status < 0) lua_pushnil(L);
  return 1;
}

/* Runs a dump while the collector rests: it would go through the growing list
 * time and again, and nothing of it is garbage. (When memory is short it runs
 * nevertheless.) */
static void run_quietly(lua_State *L, struct dump *dump) {
  bool running = lua_gc(L, LUA_GCISRUNNING, 0);
  lua_pushcfunction(L, l_run);
  lua_pushlightuserdata(L, dump);
  if (running) lua_gc(L, LUA_GCSTOP, 0);
  int status = lua_pcall(L, 1, 1, 0);
  if (running) lua_gc(L, LUA_GCRESTART, 0);
  if (status != LUA_OK) lua_error(L);
}

/* Reads the filter at 2 (a table, or nil) into the request. */
static int read_filter(lua_State *L, struct eni6L_request *request) {
  const struct eni6_rtnl_object *object = eni6_rtnl_objects[request->kind];
  union eni6_rtnl_record *filter = &request->record;
  if (lua_isnil(L, 2)) {
    lua_newtable(L);
    lua_replace(L, 2);
  }
  luaL_checktype(L, 2, LUA_TTABLE);
  int status = eni6L_rtnl_read(L, 2, request);
  if (status < 0) return status;
  eni6_rtnl_settle_family(object, filter);
  check_filter(L, object, filter);
  return 0;
}

/* The bits of the fields that are named in the list on top. */
static uint64_t read_wanted(lua_State *L, const struct eni6_rtnl_object *object) {
  uint64_t wanted = 0;
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_rawgetp(L, LUA_REGISTRYINDEX, object);
  for (lua_Integer i = 1; lua_rawgeti(L, -2, i) != LUA_TNIL; i++) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TNIL)
      luaL_error(L, "%s: there is no field '%s'", object->name, luaL_tolstring(L, -2, NULL));
    wanted |= ENI6_RTNL_BIT(lua_tointeger(L, -1));
    lua_pop(L, 2);
  }
  lua_pop(L, 2);
  return wanted;
}

/* Reads the options in the table at 3, if there is one. */
static void read_options(lua_State *L, struct dump *dump) {
  dump->wanted = UINT64_MAX;
  if (lua_isnil(L, 3)) return;
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_getfield(L, 3, "verify");
  dump->verify = lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (lua_getfield(L, 3, "fields") != LUA_TNIL)
    dump->wanted = read_wanted(L, eni6_rtnl_objects[dump->request->kind]);
  lua_settop(L, 3);
}

/* links, addresses, … ([filter[, { verify=true, fields={ names } }]]): a list with
 * `consistent`, or nil, message, code. */
int eni6L_netlink_dump(lua_State *L) {
  struct eni6L_links links;
  struct eni6L_request request;
  struct dump dump = {.netlink = eni6L_check_netlink(L, 1), .request = &request};
  lua_settop(L, 3);
  eni6L_netlink_begin(L, &request, &links, dump.netlink, 0);
  if (read_filter(L, &request) < 0) return eni6L_netlink_fail(L, &request);
  read_options(L, &dump);
  run_quietly(L, &dump);
  /* A table that does not exist holds no routes. */
  if (dump.status == -ENOENT && request.kind == ENI6_RTNL_ROUTE) {
    lua_newtable(L);
    dump.status = 0;
  }
  if (dump.status < 0) return eni6L_fail(L, &dump.error);
  lua_pushboolean(L, dump.consistent);
  lua_setfield(L, -2, "consistent");
  return 1;
}
