#include "eni6L.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

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

#define POLLER_TYPE "eni6.core.poller"

enum { READY_AT_ONCE = 64 };

struct poller {
  int fd;    /* -1: closed */
  int waker; /* -1: not made yet */
};

/* poller(): a set of descriptors to wait for. */
static int l_poller(lua_State *L) {
  struct eni6_error error;
  struct poller *poller = eni6L_new(L, sizeof *poller, POLLER_TYPE);
  poller->fd = poller->waker = -1;
  int fd = eni6_poller_open(&error);
  if (fd < 0) return eni6L_fail(L, &error);
  poller->fd = fd;
  return 1;
}

static struct poller *check_poller(lua_State *L) {
  struct poller *poller = luaL_checkudata(L, 1, POLLER_TYPE);
  if (poller->fd < 0) luaL_argerror(L, 1, "closed poller");
  return poller;
}

/* set(fd, "r"|"w"|"rw"|nil): true | nil, message, code. nil: no longer. */
static int l_poller_set(lua_State *L) {
  struct eni6_error error;
  int poller = check_poller(L)->fd;
  int fd = (int)eni6L_integer(L, 2, 0, INT_MAX);
  int events = lua_isnoneornil(L, 3) ? 0 : events_from_text(L, luaL_checkstring(L, 3));
  if (eni6_poller_set(poller, fd, events, &error) < 0) return eni6L_fail(L, &error);
  lua_pushboolean(L, 1);
  return 1;
}

/* wake(): true | nil, message, code. The poller is ready once more, and no descriptor is the
 * reason. */
static int l_poller_wake(lua_State *L) {
  struct eni6_error error;
  struct poller *poller = check_poller(L);
  if (poller->waker < 0) poller->waker = eni6_waker_open(&error);
  if (poller->waker < 0) return eni6L_fail(L, &error);
  if (eni6_poller_wake(poller->fd, poller->waker, &error) < 0) return eni6L_fail(L, &error);
  lua_pushboolean(L, 1);
  return 1;
}

/* wait(seconds|nil): the list of the descriptors that are ready, each followed
 * by "r", "w" or "rw"; empty too when a signal came, or wake was called. */
static int l_poller_wait(lua_State *L) {
  static const char *const names[] = {"", "r", "w", "rw"};
  struct eni6_error error;
  struct eni6_ready ready[READY_AT_ONCE];
  struct poller *poller = check_poller(L);
  int timeout = lua_isnoneornil(L, 2) ? -1 : milliseconds(luaL_checknumber(L, 2));
  int count = eni6_poller_wait(poller->fd, ready, READY_AT_ONCE, timeout, &error);
  if (count < 0) return eni6L_fail(L, &error);
  lua_createtable(L, 2 * count, 0);
  lua_Integer filled = 0;
  for (int i = 0; i < count; i++) {
    int name = (ready[i].events & POLLIN ? 1 : 0) + (ready[i].events & POLLOUT ? 2 : 0);
    if (ready[i].fd == poller->waker) continue;
    lua_pushinteger(L, ready[i].fd);
    lua_rawseti(L, -2, ++filled);
    lua_pushstring(L, names[name]);
    lua_rawseti(L, -2, ++filled);
  }
  return 1;
}

/* pollfd(): readable when any of them is ready. */
static int l_poller_pollfd(lua_State *L) {
  lua_pushinteger(L, check_poller(L)->fd);
  return 1;
}

static int l_poller_close(lua_State *L) {
  struct poller *poller = luaL_checkudata(L, 1, POLLER_TYPE);
  if (poller->fd >= 0) close(poller->fd);
  if (poller->waker >= 0) close(poller->waker);
  poller->fd = poller->waker = -1;
  return 0;
}

/* is_terminal(fd): whether the descriptor is a terminal. */
static int l_is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)eni6L_integer(L, 1, 0, INT_MAX)));
  return 1;
}

int eni6L_open_system(lua_State *L) {
  static const luaL_Reg functions[] = {{"monotonic", l_monotonic},
                                       {"time", l_time},
                                       {"random", l_random},
                                       {"poll", l_poll},
                                       {"poller", l_poller},
                                       {"is_terminal", l_is_terminal},
                                       {0}};
  static const luaL_Reg methods[] = {{"set", l_poller_set},     {"wait", l_poller_wait},
                                     {"wake", l_poller_wake},   {"pollfd", l_poller_pollfd},
                                     {"close", l_poller_close}, {0}};
  static const luaL_Reg metamethods[] = {
      {"__gc", l_poller_close}, {"__close", l_poller_close}, {0}};
  eni6L_type(L, POLLER_TYPE, methods, metamethods);
  luaL_newlib(L, functions);
  return 1;
}
