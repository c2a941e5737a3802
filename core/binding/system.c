#include "eni6L.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>

#include "../system.h"

static int l_monotonic(lua_State *L) {
  lua_pushnumber(L, eni6_system_monotonic());
  return 1;
}

static int l_time(lua_State *L) {
  lua_pushnumber(L, eni6_system_time());
  return 1;
}

/* random(n): n random bytes, at most 64 KiB. */
static int l_random(lua_State *L) {
  struct eni6_error error;
  luaL_Buffer buffer;
  size_t size = (size_t)eni6L_integer(L, 1, 0, 65536);
  char *bytes = luaL_buffinitsize(L, &buffer, size);
  if (eni6_system_random(bytes, size, &error) < 0) return eni6L_fail(L, &error);
  luaL_pushresultsize(&buffer, size);
  return 1;
}

/* "r", "w" or "rw" as poll's event mask. */
static short events_from_text(lua_State *L, const char *text) {
  short events = 0;
  if (strchr(text, 'r')) events |= POLLIN;
  if (strchr(text, 'w')) events |= POLLOUT;
  if (!events) luaL_error(L, "poll: events must be \"r\", \"w\" or \"rw\", not \"%s\"", text);
  return events;
}

/* Reads {fd, events} from the list at index 1 into *entry. */
static void read_entry(lua_State *L, lua_Integer index, struct pollfd *entry) {
  lua_rawgeti(L, 1, index);
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_rawgeti(L, -1, 1);
  lua_rawgeti(L, -2, 2);
  entry->fd = (int)luaL_checkinteger(L, -2);
  entry->events = events_from_text(L, luaL_checkstring(L, -1));
  entry->revents = 0;
  lua_pop(L, 3);
}

/* Seconds (nil: for ever) as poll's milliseconds, rounded up so as not to spin. */
static int milliseconds(lua_Number seconds) {
  lua_Number value = ceil(seconds * 1000);
  if (!(value > 0)) return 0;
  return value > 86400000 ? 86400000 : (int)value;
}

/* poll({ {fd, "r"|"w"|"rw"}, ... }, seconds|nil): a list that says for each
 * entry whether it is ready (errors count as ready). An interrupted wait
 * returns with nothing ready, so that a signal hook gets its turn. */
static int l_poll(lua_State *L) {
  struct eni6_error error;
  luaL_checktype(L, 1, LUA_TTABLE);
  int timeout = lua_isnoneornil(L, 2) ? -1 : milliseconds(luaL_checknumber(L, 2));
  lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
  if (count > 65536) return luaL_argerror(L, 1, "too many descriptors");
  struct pollfd *entries = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *entries, 0);
  for (lua_Integer i = 0; i < count; i++)
    read_entry(L, i + 1, &entries[i]);
  if (poll(entries, (nfds_t)count, timeout) < 0 && errno != EINTR) {
    eni6_error_system(&error, errno, "poll");
    return eni6L_fail(L, &error);
  }
  lua_createtable(L, (int)count, 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_pushboolean(L, entries[i].revents != 0);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

int eni6L_open_system(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"monotonic", l_monotonic}, {"time", l_time}, {"random", l_random}, {"poll", l_poll}, {0}};
  luaL_newlib(L, functions);
  return 1;
}
