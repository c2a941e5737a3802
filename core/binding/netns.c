/* Network namespaces, as part of eni6.core.netlink. */
#include "netlink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../netns.h"

#define DIRECTORY "eni6.netns.directory"

struct netns {
  int fd;
};

int eni6L_check_netns(lua_State *L, int argument) {
  struct netns *netns = luaL_checkudata(L, argument, ENI6L_NETNS);
  luaL_argcheck(L, netns->fd >= 0, argument, "this namespace is closed");
  return netns->fd;
}

int eni6L_netns_of(lua_State *L, int argument) {
  if (luaL_testudata(L, argument, ENI6L_NETLINK)) return eni6L_check_netlink(L, argument)->netns;
  return eni6L_check_netns(L, argument);
}

static int open_argument(lua_State *L, int argument, struct eni6_error *error) {
  if (lua_type(L, argument) == LUA_TNUMBER)
    return eni6_netns_open_process((int)eni6L_integer(L, argument, 1, INT32_MAX), error);
  if (lua_isnoneornil(L, argument)) return eni6_netns_open(NULL, error);
  return eni6_netns_open(luaL_checkstring(L, argument), error);
}

bool eni6L_push_netns(lua_State *L, int argument, struct eni6_error *error) {
  if (luaL_testudata(L, argument, ENI6L_NETNS)) {
    eni6L_check_netns(L, argument);
    lua_pushvalue(L, argument);
    return true;
  }
  struct netns *netns = eni6L_new(L, sizeof *netns, ENI6L_NETNS);
  netns->fd = -1;
  int fd = open_argument(L, argument, error);
  if (fd < 0) {
    lua_pop(L, 1);
    return false;
  }
  netns->fd = fd;
  return true;
}

static int l_close(lua_State *L) {
  struct netns *netns = luaL_checkudata(L, 1, ENI6L_NETNS);
  if (netns->fd >= 0) close(netns->fd);
  netns->fd = -1;
  return 0;
}

static int l_tostring(lua_State *L) {
  struct netns *netns = luaL_checkudata(L, 1, ENI6L_NETNS);
  lua_pushfstring(L, netns->fd < 0 ? "eni6.netns (closed)" : "eni6.netns (descriptor %d)",
                  netns->fd);
  return 1;
}

/* netns([name, path or process id]): a namespace held open. */
static int l_netns(lua_State *L) {
  struct eni6_error error;
  lua_settop(L, 1);
  return eni6L_push_netns(L, 1, &error) ? 1 : eni6L_fail(L, &error);
}

/* create_netns(name): true, or nil, message, code. */
static int l_create(lua_State *L) {
  struct eni6_error error;
  if (eni6_netns_create(luaL_checkstring(L, 1), &error) < 0) return eni6L_fail(L, &error);
  lua_pushboolean(L, 1);
  return 1;
}

/* delete_netns(name): true, or nil, message, code. */
static int l_delete(lua_State *L) {
  struct eni6_error error;
  if (eni6_netns_delete(luaL_checkstring(L, 1), &error) < 0) return eni6L_fail(L, &error);
  lua_pushboolean(L, 1);
  return 1;
}

static int l_directory_gc(lua_State *L) {
  DIR **directory = lua_touserdata(L, 1);
  if (*directory) closedir(*directory);
  *directory = NULL;
  return 0;
}

/* list_netns(): the names, in no order. */
static int l_list(lua_State *L) {
  DIR **directory = eni6L_new(L, sizeof(DIR *), DIRECTORY);
  *directory = opendir(ENI6_NETNS_DIRECTORY);
  lua_newtable(L);
  if (!*directory) return 1;
  const struct dirent *entry;
  for (lua_Integer i = 1; (entry = readdir(*directory));) {
    if (entry->d_name[0] == '.') continue;
    lua_pushstring(L, entry->d_name);
    lua_rawseti(L, -2, i++);
  }
  closedir(*directory);
  *directory = NULL;
  return 1;
}

/* --- sysctls ---------------------------------------------------------------------- */

enum { SYSCTL_SIZE = 4096 };

/* Opens /proc/sys/net/PATH in the namespace of the socket at 1. */
static int open_sysctl(lua_State *L, const char *path, int flags, struct eni6_error *error) {
  const struct eni6_netlink *netlink = eni6L_check_netlink(L, 1);
  luaL_argcheck(L, !strstr(path, ".."), 2, "\"..\" in the path of a sysctl");
  return eni6_netns_file(netlink->netns, lua_pushfstring(L, "/proc/sys/net/%s", path), flags,
                         error);
}

static int read_sysctl(lua_State *L, const char *path) {
  struct eni6_error error;
  char text[SYSCTL_SIZE];
  int fd = open_sysctl(L, path, O_RDONLY, &error);
  if (fd < 0) return eni6L_fail(L, &error);
  ssize_t size = read(fd, text, sizeof text);
  int number = errno;
  close(fd);
  if (size < 0) {
    eni6_error_system(&error, number, "cannot read /proc/sys/net/%s", path);
    return eni6L_fail(L, &error);
  }
  while (size > 0 && text[size - 1] == '\n')
    size--;
  lua_pushlstring(L, text, (size_t)size);
  return 1;
}

static int write_sysctl(lua_State *L, const char *path) {
  struct eni6_error error;
  size_t size;
  const char *text = luaL_tolstring(L, 3, &size);
  int fd = open_sysctl(L, path, O_WRONLY, &error);
  if (fd < 0) return eni6L_fail(L, &error);
  ssize_t written = write(fd, text, size);
  int number = errno;
  close(fd);
  if (written == (ssize_t)size) {
    lua_pushboolean(L, 1);
    return 1;
  }
  eni6_error_system(&error, written < 0 ? number : EIO, "cannot write \"%s\" to /proc/sys/net/%s",
                    text, path);
  return eni6L_fail(L, &error);
}

/* nl:sysctl(path): the value of /proc/sys/net/PATH in the socket's namespace, a
 * text; nl:sysctl(path, value) sets it: true. Or nil, message, code. Names of
 * links are parts of the path, dots and all. */
static int l_sysctl(lua_State *L) {
  const char *path = luaL_checkstring(L, 2);
  lua_settop(L, 3);
  return lua_isnil(L, 3) ? read_sysctl(L, path) : write_sysctl(L, path);
}

void eni6L_netns_functions(lua_State *L) {
  static const luaL_Reg metamethods[] = {
      {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {0}};
  static const luaL_Reg methods[] = {{"close", l_close}, {0}};
  static const luaL_Reg directory[] = {{"__gc", l_directory_gc}, {0}};
  static const luaL_Reg functions[] = {{"netns", l_netns},
                                       {"create_netns", l_create},
                                       {"delete_netns", l_delete},
                                       {"list_netns", l_list},
                                       {0}};
  eni6L_type(L, ENI6L_NETNS, methods, metamethods);
  eni6L_type(L, DIRECTORY, NULL, directory);
  luaL_setfuncs(L, functions, 0);
  luaL_getmetatable(L, ENI6L_NETLINK);
  lua_getfield(L, -1, "__index");
  lua_pushcfunction(L, l_sysctl);
  lua_setfield(L, -2, "sysctl");
  lua_pop(L, 2);
}
