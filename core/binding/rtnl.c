/* eni6.core.rtnl: rtnetlink messages made and read as bytes, for hosts that do
 * the sending themselves. */
#include "rtnl.h"

#include <linux/netlink.h>
#include <string.h>

static const char *const verb_names[] = {"add",    "replace", "append", "set",
                                         "delete", "get",     "dump"};

/* For an object, in the registry: under its address its fields' numbers by name,
 * and under theirs the names by number. */
static void prepare_names(lua_State *L, const struct eni6_rtnl_object *object) {
  lua_createtable(L, 0, (int)object->field_count);
  lua_createtable(L, (int)object->field_count, 1);
  for (size_t i = 0; i < object->field_count; i++) {
    lua_pushinteger(L, (lua_Integer)i);
    lua_setfield(L, -3, object->fields[i].name);
    lua_pushstring(L, object->fields[i].name);
    lua_rawseti(L, -2, (lua_Integer)i);
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, object->fields);
  lua_rawsetp(L, LUA_REGISTRYINDEX, object);
}

void eni6L_rtnl_prepare(lua_State *L) {
  for (int i = 0; i < ENI6_RTNL_KINDS; i++)
    prepare_names(L, eni6_rtnl_objects[i]);
  prepare_names(L, &eni6_rtnl_nexthop_object);
}

/* encode(operation, fields[, sequence]): the request's bytes. Links and
 * namespaces are given by number. Misuse raises. */
static int l_encode(lua_State *L) {
  struct eni6L_links none;
  struct eni6L_request request;
  const char *name = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 3);
  lua_Integer sequence = lua_isnil(L, 3) ? 1 : eni6L_integer(L, 3, 0, UINT32_MAX);
  luaL_argcheck(L, eni6L_rtnl_operation(name, &request.kind, &request.verb), 1,
                "there is no such request");
  eni6L_links_begin(&none, NULL);
  request.links = &none;
  request.keep = 0;
  eni6L_rtnl_read(L, 2, &request);
  luaL_Buffer buffer;
  size_t capacity = sizeof request.scratch + 4096;
  struct eni6_rtnl_writer writer = {(uint8_t *)luaL_buffinitsize(L, &buffer, capacity), capacity, 0,
                                    false};
  if (eni6L_rtnl_encode(L, &request, &writer, (uint32_t)sequence) < 0)
    return luaL_error(L, "%s", request.error.message);
  luaL_pushresultsize(&buffer, writer.size);
  return 1;
}

static void set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* Adds an answer's result to the table on top. */
static void push_answer(lua_State *L, const struct eni6_rtnl_ack *ack) {
  if (ack->status < 0) set_text(L, "code", eni6_status_name(ack->status));
  if (*ack->text) set_text(L, "kernel", ack->text);
  if (ack->has_offset) set_integer(L, "offset", ack->offset);
}

/* Pushes one message as a table. */
static void push_message(lua_State *L, const struct eni6_rtnl_message *message) {
  union eni6_rtnl_record record;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  struct eni6_rtnl_ack ack;
  struct eni6L_links none;
  eni6L_links_begin(&none, NULL);
  lua_createtable(L, 0, 6);
  set_integer(L, "type", message->type);
  set_integer(L, "flags", message->flags);
  set_integer(L, "sequence", message->sequence);
  set_integer(L, "port", message->port);
  if (eni6_rtnl_decode_ack(message, &ack) > 0) {
    set_text(L, "object", message->type == NLMSG_DONE ? "done" : "ack");
    push_answer(L, &ack);
  } else if (eni6_rtnl_decode(message, &kind, &verb, &record) > 0) {
    set_text(L, "object", eni6_rtnl_objects[kind]->name);
    set_text(L, "verb", verb_names[verb]);
    eni6L_rtnl_push(L, eni6_rtnl_objects[kind], &record, &none);
    lua_setfield(L, -2, "record");
  }
}

/* decode(bytes): a list of messages, or nil, message, "EBADMSG". */
static int l_decode(lua_State *L) {
  size_t size, at = 0;
  const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 1, &size);
  struct eni6_rtnl_message message;
  struct eni6_error error;
  int status = 0;
  lua_newtable(L);
  for (lua_Integer i = 1; (status = eni6_rtnl_next(bytes, size, &at, &message)) > 0; i++) {
    push_message(L, &message);
    lua_rawseti(L, -2, i);
  }
  if (status == 0) return 1;
  eni6_error_set(&error, status, "no netlink message at byte %u", (unsigned)at);
  return eni6L_fail(L, &error);
}

int eni6L_open_rtnl(lua_State *L) {
  static const luaL_Reg functions[] = {{"encode", l_encode}, {"decode", l_decode}, {0}};
  eni6L_rtnl_prepare(L);
  luaL_newlib(L, functions);
  return 1;
}
