/* The module eni6.core.http: clients and transfers of core/http. Lua is never
 * called from here, so no error can leap over libcurl's frames: step returns
 * the transfers that have news, and lua/eni6/http.lua does the rest. */
#include "eni6L.h"
#include "openers.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "../http.h"

#define CLIENT_TYPE "eni6.core.http.client"
#define TRANSFER_TYPE "eni6.core.http.transfer"

enum { MAX_REQUEST_HEADERS = 1000, MAX_SECONDS = 2000000 };

/* The user value of a client is a table of its transfers by their address, which
 * keeps them while they are under way; that of a transfer keeps client and body. */
struct client {
  struct eni6_http *http; /* NULL: closed */
};

struct transfer {
  struct eni6_transfer *transfer; /* NULL: never started, or closed */
};

/* A userdata with one user value, closed and empty, as eni6L_new makes them. */
static void *new_object(lua_State *L, size_t size, const char *type) {
  void *object = lua_newuserdatauv(L, size, 1);
  memset(object, 0, size);
  luaL_setmetatable(L, type);
  return object;
}

/* --- clients -------------------------------------------------------------------- */

/* new(max_connections): client | nil, message, code. 0: no limit. */
static int l_new(lua_State *L) {
  struct eni6_error error;
  long limit = (long)eni6L_integer(L, 1, 0, INT_MAX);
  struct client *client = new_object(L, sizeof *client, CLIENT_TYPE);
  lua_newtable(L);
  lua_setuservalue(L, -2);
  if (eni6_http_open(&client->http, limit, &error) < 0) return eni6L_fail(L, &error);
  return 1;
}

static struct client *check_client(lua_State *L) {
  struct client *client = luaL_checkudata(L, 1, CLIENT_TYPE);
  if (!client->http) luaL_argerror(L, 1, "closed client");
  return client;
}

static int l_pollfd(lua_State *L) {
  lua_pushinteger(L, eni6_http_pollfd(check_client(L)->http));
  return 1;
}

static int l_client_close(lua_State *L) {
  struct client *client = luaL_checkudata(L, 1, CLIENT_TYPE);
  eni6_http_close(client->http);
  client->http = NULL;
  lua_pushnil(L);
  lua_setuservalue(L, 1); /* the holds */
  return 0;
}

static int l_client_tostring(lua_State *L) {
  struct client *client = luaL_checkudata(L, 1, CLIENT_TYPE);
  lua_pushfstring(L, "%s (%s)", CLIENT_TYPE, client->http ? "open" : "closed");
  return 1;
}

/* --- a request, read from a table --------------------------------------------------- */

/* The string in field `name` of the request at index 2, left on the stack. */
static const char *text_field(lua_State *L, const char *name) {
  size_t size;
  luaL_checkstack(L, 1, NULL);
  int type = lua_getfield(L, 2, name);
  if (type == LUA_TNIL) return NULL;
  if (type != LUA_TSTRING) luaL_error(L, "start: %s must be a string", name);
  const char *text = lua_tolstring(L, -1, &size);
  if (strlen(text) != size) luaL_error(L, "start: %s has a zero byte in it", name);
  return text;
}

static const char *needed_field(lua_State *L, const char *name) {
  const char *text = text_field(L, name);
  if (!text) luaL_error(L, "start: %s is missing", name);
  return text;
}

static bool flag_field(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Seconds; nil and anything beyond MAX_SECONDS (infinity too) mean no limit. */
static double seconds_field(lua_State *L, const char *name) {
  int type = lua_getfield(L, 2, name);
  double value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  if (type == LUA_TNIL) return 0;
  if (type != LUA_TNUMBER || !(value > 0))
    luaL_error(L, "start: %s must be a number of seconds above 0", name);
  return value > MAX_SECONDS ? 0 : value;
}

static size_t size_field(lua_State *L, const char *name) {
  int type = lua_getfield(L, 2, name);
  lua_Integer value = lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (type == LUA_TNIL) return 0;
  if (type != LUA_TNUMBER || value <= 0)
    luaL_error(L, "start: %s must be an integer above 0", name);
  return (size_t)value;
}

/* One half of a {name, value} pair on top of the stack, left there. */
static const char *header_text(lua_State *L, int pair, int half, size_t index) {
  size_t size;
  if (lua_rawgeti(L, pair, half) != LUA_TSTRING)
    luaL_error(L, "start: headers[%d] must be {name, value}, two strings", (int)index + 1);
  const char *text = lua_tolstring(L, -1, &size);
  if (strlen(text) != size) luaL_error(L, "start: headers[%d] has a zero byte", (int)index + 1);
  return text;
}

/* Field `headers`: the array and every string stay on the stack. */
static void headers_field(lua_State *L, struct eni6_http_request *request) {
  int type = lua_getfield(L, 2, "headers");
  if (type == LUA_TNIL) return;
  if (type != LUA_TTABLE) luaL_error(L, "start: headers must be a list of {name, value}");
  int list = lua_gettop(L);
  size_t count = lua_rawlen(L, list);
  if (count > MAX_REQUEST_HEADERS) luaL_error(L, "start: headers are too many");
  luaL_checkstack(L, (int)(3 * count) + 1, "headers");
  struct eni6_http_header *headers = lua_newuserdatauv(L, (count + 1) * sizeof *headers, 0);
  for (size_t i = 0; i < count; i++) {
    if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TTABLE)
      luaL_error(L, "start: headers[%d] must be {name, value}", (int)i + 1);
    int pair = lua_gettop(L);
    headers[i].name = header_text(L, pair, 1, i);
    headers[i].value = header_text(L, pair, 2, i);
  }
  request->headers = headers;
  request->header_count = count;
}

/* Field `body`, left on the stack; returns its index there. */
static int body_field(lua_State *L, struct eni6_http_request *request) {
  int type = lua_getfield(L, 2, "body");
  if (type != LUA_TNIL && type != LUA_TSTRING) luaL_error(L, "start: body must be a string");
  request->body = lua_tolstring(L, -1, &request->body_size);
  return lua_gettop(L);
}

static void read_request(lua_State *L, struct eni6_http_request *request) {
  request->method = needed_field(L, "method");
  request->url = needed_field(L, "url");
  request->unix_socket = text_field(L, "unix_socket");
  request->proxy = text_field(L, "proxy");
  request->no_proxy = text_field(L, "no_proxy");
  request->ca_file = text_field(L, "ca_file");
  request->ca_path = text_field(L, "ca_path");
  request->timeout = seconds_field(L, "timeout");
  request->connect_timeout = seconds_field(L, "connect_timeout");
  request->max_body = size_field(L, "max_body");
  request->stream = flag_field(L, "stream");
  request->repeatable = flag_field(L, "repeatable");
  request->insecure = flag_field(L, "insecure");
  headers_field(L, request);
}

/* --- transfers ------------------------------------------------------------------------ */

/* Sets or clears the client's hold on a transfer: t[address] = value on top, popped. */
static void set_hold(lua_State *L, int client, const void *address) {
  lua_getuservalue(L, client);
  lua_insert(L, -2);
  lua_rawsetp(L, -2, address);
  lua_pop(L, 1);
}

/* client:start(request): transfer | nil, message, code. */
static int l_start(lua_State *L) {
  struct eni6_error error;
  struct eni6_http_request request = {0};
  struct client *client = check_client(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  int body = body_field(L, &request);
  read_request(L, &request);
  luaL_checkstack(L, 6, NULL);
  struct transfer *transfer = new_object(L, sizeof *transfer, TRANSFER_TYPE);
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, body);
  lua_rawseti(L, -2, 2);
  lua_setuservalue(L, -2);
  lua_pushvalue(L, -1);
  set_hold(L, 1, transfer);
  if (eni6_http_start(client->http, &request, transfer, &transfer->transfer, &error) < 0) {
    lua_pushnil(L);
    set_hold(L, 1, transfer);
    return eni6L_fail(L, &error);
  }
  return 1;
}

/* Pushes the list of the transfers with news, from the holds at index 2. */
static void push_changed(lua_State *L, const struct eni6_http *http) {
  const struct eni6_transfer *changed = NULL;
  lua_Integer count = 0;
  lua_newtable(L);
  while ((changed = eni6_http_changed(http, changed))) {
    lua_rawgetp(L, 2, eni6_transfer_owner(changed));
    lua_rawseti(L, -2, ++count);
  }
}

/* client:step(): the list of the transfers that have news, held no longer if
 * done. Without memory for the list the news stay for the next step. */
static int l_step(lua_State *L) {
  struct client *client = check_client(L);
  const struct eni6_transfer *changed = NULL;
  lua_settop(L, 1);
  lua_getuservalue(L, 1);
  eni6_http_step(client->http);
  push_changed(L, client->http);
  while ((changed = eni6_http_changed(client->http, changed))) {
    if (!eni6_transfer_done(changed)) continue;
    lua_pushnil(L);
    lua_rawsetp(L, 2, eni6_transfer_owner(changed));
  }
  eni6_http_acknowledge(client->http);
  return 1;
}

static struct eni6_transfer *check_transfer(lua_State *L) {
  struct transfer *box = luaL_checkudata(L, 1, TRANSFER_TYPE);
  if (!box->transfer) luaL_argerror(L, 1, "closed transfer");
  return box->transfer;
}

static int l_done(lua_State *L) {
  lua_pushboolean(L, eni6_transfer_done(check_transfer(L)));
  return 1;
}

/* take(): what came of the body since the last take, nil if nothing. */
static int l_take(lua_State *L) {
  struct eni6_transfer *transfer = check_transfer(L);
  const struct eni6_http_answer *answer = eni6_transfer_answer(transfer);
  const char *bytes;
  if (answer->body_size == 0) return 0;
  lua_pushlstring(L, answer->body, answer->body_size); /* may throw: taken only afterwards */
  eni6_transfer_take(transfer, &bytes);
  return 1;
}

/* Pushes { {name, value}, … }. */
static void push_headers(lua_State *L, const struct eni6_http_answer *answer) {
  const char *name, *value;
  size_t name_size, value_size, cursor = 0;
  lua_Integer count = 0;
  lua_newtable(L);
  while (eni6_http_next_header(answer, &cursor, &name, &name_size, &value, &value_size)) {
    lua_createtable(L, 2, 0);
    lua_pushlstring(L, name, name_size);
    lua_rawseti(L, -2, 1);
    lua_pushlstring(L, value, value_size);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, ++count);
  }
}

static int push_failure(lua_State *L, const struct eni6_http_answer *answer) {
  eni6L_fail(L, &answer->error);
  lua_createtable(L, 0, 1);
  lua_pushboolean(L, answer->sent);
  lua_setfield(L, -2, "sent");
  return 4;
}

/* head(): { status, http_version, headers } as far as they are known. */
static int l_head(lua_State *L) {
  const struct eni6_http_answer *answer = eni6_transfer_answer(check_transfer(L));
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, answer->status);
  lua_setfield(L, -2, "status");
  lua_pushstring(L, answer->version);
  lua_setfield(L, -2, "http_version");
  push_headers(L, answer);
  lua_setfield(L, -2, "headers");
  return 1;
}

/* result(): the head with the body in it | nil, message, code, { sent = boolean }. */
static int l_result(lua_State *L) {
  struct eni6_transfer *transfer = check_transfer(L);
  const struct eni6_http_answer *answer = eni6_transfer_answer(transfer);
  if (!eni6_transfer_done(transfer)) return luaL_argerror(L, 1, "the transfer is not done");
  if (answer->error.status < 0) return push_failure(L, answer);
  l_head(L);
  lua_pushlstring(L, answer->body ? answer->body : "", answer->body_size);
  lua_setfield(L, -2, "body");
  return 1;
}

/* cancel(): ends it; nothing if it is done. */
static int l_cancel(lua_State *L) {
  struct transfer *box = luaL_checkudata(L, 1, TRANSFER_TYPE);
  struct eni6_transfer *transfer = check_transfer(L);
  if (eni6_transfer_done(transfer)) return 0;
  eni6_transfer_cancel(transfer);
  lua_settop(L, 1);
  lua_getuservalue(L, 1);
  lua_rawgeti(L, -1, 1);
  lua_pushnil(L);
  set_hold(L, 3, box);
  return 0;
}

static int l_transfer_close(lua_State *L) {
  struct transfer *box = luaL_checkudata(L, 1, TRANSFER_TYPE);
  eni6_transfer_free(box->transfer);
  box->transfer = NULL;
  return 0;
}

ENI6L_EXPORT int luaopen_eni6_core_http(lua_State *L) {
  static const luaL_Reg functions[] = {{"new", l_new}, {0}};
  static const luaL_Reg client_methods[] = {
      {"start", l_start}, {"step", l_step}, {"pollfd", l_pollfd}, {"close", l_client_close}, {0}};
  static const luaL_Reg client_metamethods[] = {{"__gc", l_client_close},
                                                {"__close", l_client_close},
                                                {"__tostring", l_client_tostring},
                                                {0}};
  static const luaL_Reg transfer_methods[] = {{"done", l_done},
                                              {"take", l_take},
                                              {"head", l_head},
                                              {"result", l_result},
                                              {"cancel", l_cancel},
                                              {"close", l_transfer_close},
                                              {0}};
  static const luaL_Reg transfer_metamethods[] = {
      {"__gc", l_transfer_close}, {"__close", l_transfer_close}, {0}};
  luaL_checkversion(L);
  eni6L_type(L, CLIENT_TYPE, client_methods, client_metamethods);
  eni6L_type(L, TRANSFER_TYPE, transfer_methods, transfer_metamethods);
  luaL_newlib(L, functions);
  return 1;
}
