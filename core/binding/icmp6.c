/* eni6.core.icmp6: echo requests and neighbour solicitations on one socket. */
#include <errno.h>
#include <string.h>

#include "../icmp6.h"
#include "../system.h"
#include "ip6.h"
#include "netlink.h"

#define TYPE "eni6.icmp6"

static struct eni6_icmp6 *check(lua_State *L) {
  struct eni6_icmp6 *icmp6 = luaL_checkudata(L, 1, TYPE);
  luaL_argcheck(L, icmp6->fd >= 0, 1, "this ICMPv6 socket is closed");
  return icmp6;
}

/* open{ netns=namespace or socket of netlink, link=name, source=address, raw=false }. */
static int l_open(lua_State *L) {
  struct eni6_icmp6_options options = {.netns = -1};
  struct eni6_ip6 source;
  struct eni6_error error;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct eni6_icmp6 *icmp6 = eni6L_new(L, sizeof *icmp6, TYPE);
  icmp6->fd = -1;
  lua_getfield(L, 1, "netns");
  if (!lua_isnil(L, 3)) options.netns = eni6L_netns_of(L, 3);
  if (lua_getfield(L, 1, "link") != LUA_TNIL) options.link = luaL_checkstring(L, 4);
  if (lua_getfield(L, 1, "source") != LUA_TNIL) {
    eni6L_check_ip6(L, 5, &source);
    options.source = &source;
  }
  options.unprivileged = lua_getfield(L, 1, "raw") == LUA_TBOOLEAN && !lua_toboolean(L, 6);
  if (eni6_icmp6_open(icmp6, &options, &error) < 0) return eni6L_fail(L, &error);
  lua_settop(L, 2);
  return 1;
}

static int l_close(lua_State *L) {
  eni6_icmp6_close(luaL_checkudata(L, 1, TYPE));
  return 0;
}

static int l_tostring(lua_State *L) {
  struct eni6_icmp6 *icmp6 = luaL_checkudata(L, 1, TYPE);
  if (icmp6->fd < 0)
    lua_pushliteral(L, "eni6.icmp6 (closed)");
  else
    lua_pushfstring(L, "eni6.icmp6 (descriptor %d)", icmp6->fd);
  return 1;
}

static int l_pollfd(lua_State *L) {
  lua_pushinteger(L, check(L)->fd);
  return 1;
}

/* Pushes what a sending function returns. */
static int push_outcome(lua_State *L, int status, const struct eni6_error *error) {
  if (status < 0) return eni6L_fail(L, error);
  lua_pushboolean(L, 1);
  return 1;
}

/* echo(sequence, target[, link[, size[, hop_limit]]]): true, or nil, message, code. */
static int l_echo(lua_State *L) {
  struct eni6_icmp6 *icmp6 = check(L);
  struct eni6_icmp6_echo echo = {0};
  struct eni6_error error;
  echo.sequence = (uint16_t)eni6L_integer(L, 2, 0, UINT16_MAX);
  eni6L_check_ip6(L, 3, &echo.target);
  if (!lua_isnoneornil(L, 4)) {
    echo.scope = eni6_icmp6_link(icmp6, luaL_checkstring(L, 4));
    if (echo.scope == 0) {
      eni6_error_set(&error, -ENODEV, "there is no link \"%s\"", lua_tostring(L, 4));
      return eni6L_fail(L, &error);
    }
  }
  if (!lua_isnoneornil(L, 5))
    echo.size = (uint16_t)eni6L_integer(L, 5, ENI6_ICMP6_ECHO_MIN, ENI6_ICMP6_ECHO_MAX);
  if (!lua_isnoneornil(L, 6)) echo.hop_limit = (uint8_t)eni6L_integer(L, 6, 1, UINT8_MAX);
  return push_outcome(L, eni6_icmp6_send(icmp6, &echo, &error), &error);
}

/* solicit(target, link): true, or nil, message, code. */
static int l_solicit(lua_State *L) {
  struct eni6_icmp6 *icmp6 = check(L);
  struct eni6_ip6 target;
  struct eni6_error error;
  eni6L_check_ip6(L, 2, &target);
  return push_outcome(L, eni6_icmp6_solicit(icmp6, &target, luaL_checkstring(L, 3), &error),
                      &error);
}

/* Sets a field of the table on top to an address's text. */
static void set_address(lua_State *L, const char *name, const struct eni6_ip6 *address) {
  char text[ENI6_IP6_TEXT_SIZE];
  lua_pushlstring(L, text, eni6_ip6_format(address, text));
  lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_neighbour(lua_State *L, const struct eni6_icmp6_answer *answer) {
  const uint8_t *m = answer->mac;
  char text[18];
  if (answer->has_mac) {
    snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
             m[5]);
    set_text(L, "lladdr", text);
  }
  lua_pushboolean(L, answer->router);
  lua_setfield(L, -2, "router");
}

/* receive(): { kind="reply"|"error"|"neighbour", … }, false when there is no answer
 * now, or nil, message, code. */
static int l_receive(lua_State *L) {
  static const char *const kinds[] = {"reply", "error", "neighbour"};
  struct eni6_icmp6_answer answer;
  struct eni6_error error;
  int status = eni6_icmp6_receive(check(L), &answer, &error);
  if (status < 0) return eni6L_fail(L, &error);
  if (status == 0) {
    lua_pushboolean(L, 0);
    return 1;
  }
  lua_createtable(L, 0, 8);
  set_text(L, "kind", kinds[answer.kind]);
  set_address(L, "from", &answer.from);
  set_address(L, "target", &answer.target);
  lua_pushnumber(L, eni6_system_monotonic());
  lua_setfield(L, -2, "time");
  if (answer.kind != ENI6_ICMP6_NEIGHBOUR) {
    lua_pushinteger(L, answer.sequence);
    lua_setfield(L, -2, "sequence");
  }
  if (answer.hop_limit >= 0) {
    lua_pushinteger(L, answer.hop_limit);
    lua_setfield(L, -2, "hop_limit");
  }
  if (answer.kind == ENI6_ICMP6_ERROR) {
    set_text(L, "code", eni6_status_name(answer.status));
    set_text(L, "reason", answer.reason);
  } else if (answer.kind == ENI6_ICMP6_NEIGHBOUR) {
    set_neighbour(L, &answer);
  }
  return 1;
}

int eni6L_open_icmp6(lua_State *L) {
  static const luaL_Reg methods[] = {{"echo", l_echo},       {"solicit", l_solicit},
                                     {"receive", l_receive}, {"pollfd", l_pollfd},
                                     {"close", l_close},     {0}};
  static const luaL_Reg metamethods[] = {
      {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {0}};
  static const luaL_Reg functions[] = {{"open", l_open}, {0}};
  eni6L_type(L, TYPE, methods, metamethods);
  luaL_newlib(L, functions);
  return 1;
}
