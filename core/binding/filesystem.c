#include "eni6L.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../filesystem.h"

#define LOCK_TYPE "eni6.lock"
#define DIRECTORY_TYPE "eni6.directory"

/* true, or nil, message, code. */
static int outcome(lua_State *L, int status, const struct eni6_error *error) {
  if (status < 0) return eni6L_fail(L, error);
  lua_pushboolean(L, 1);
  return 1;
}

static mode_t mode_argument(lua_State *L, int argument, mode_t otherwise) {
  return lua_isnoneornil(L, argument) ? otherwise : (mode_t)eni6L_integer(L, argument, 0, 07777);
}

/* replace(path, text[, mode = 0644]) */
static int l_replace(lua_State *L) {
  struct eni6_error error;
  size_t size;
  const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &size);
  int status = eni6_filesystem_replace(path, text, size, mode_argument(L, 3, 0644), &error);
  return outcome(L, status, &error);
}

/* append(path, text[, mode = 0600]) */
static int l_append(lua_State *L) {
  struct eni6_error error;
  size_t size;
  const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &size);
  int status = eni6_filesystem_append(path, text, size, mode_argument(L, 3, 0600), &error);
  return outcome(L, status, &error);
}

/* remove(path) */
static int l_remove(lua_State *L) {
  struct eni6_error error;
  return outcome(L, eni6_filesystem_remove(luaL_checkstring(L, 1), &error), &error);
}

/* make_directory(path[, mode = 0755]) */
static int l_make_directory(lua_State *L) {
  struct eni6_error error;
  const char *path = luaL_checkstring(L, 1);
  int status = eni6_filesystem_make_directory(path, mode_argument(L, 2, 0755), &error);
  return outcome(L, status, &error);
}

/* stat(path): { kind = "file"|"directory"|"other", mode =, size =, modified = }
 * | nil, message, code */
static int l_stat(lua_State *L) {
  struct eni6_error error;
  struct stat found;
  const char *path = luaL_checkstring(L, 1);
  if (stat(path, &found) < 0) {
    eni6_error_system(&error, errno, "cannot look at %s", path);
    return eni6L_fail(L, &error);
  }
  lua_createtable(L, 0, 4);
  lua_pushstring(L, S_ISREG(found.st_mode)   ? "file"
                    : S_ISDIR(found.st_mode) ? "directory"
                                             : "other");
  lua_setfield(L, -2, "kind");
  lua_pushinteger(L, found.st_mode & 07777);
  lua_setfield(L, -2, "mode");
  lua_pushinteger(L, (lua_Integer)found.st_size);
  lua_setfield(L, -2, "size");
  lua_pushinteger(L, (lua_Integer)found.st_mtim.tv_sec * 1000000000 + found.st_mtim.tv_nsec);
  lua_setfield(L, -2, "modified");
  return 1;
}

static int close_directory(lua_State *L) {
  DIR **directory = luaL_checkudata(L, 1, DIRECTORY_TYPE);
  if (*directory) closedir(*directory);
  *directory = NULL;
  return 0;
}

/* list(path): the names in a folder in no order, without "." and ".." */
static int l_list(lua_State *L) {
  struct eni6_error error;
  const char *path = luaL_checkstring(L, 1);
  DIR **directory = eni6L_new(L, sizeof *directory, DIRECTORY_TYPE);
  *directory = opendir(path);
  if (!*directory) {
    eni6_error_system(&error, errno, "cannot read the folder %s", path);
    return eni6L_fail(L, &error);
  }
  lua_newtable(L);
  lua_Integer count = 0;
  for (struct dirent *entry; (entry = readdir(*directory));) {
    const char *name = entry->d_name;
    if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]))) continue;
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++count);
  }
  closedir(*directory);
  *directory = NULL;
  return 1;
}

/* A lock holds its descriptor plus one, so that zero bytes mean "none". */
static int close_lock(lua_State *L) {
  int *lock = luaL_checkudata(L, 1, LOCK_TYPE);
  if (*lock > 0) close(*lock - 1);
  *lock = 0;
  return 0;
}

/* lock(path): a lock that closes itself when collected | nil, message, "EAGAIN" */
static int l_lock(lua_State *L) {
  struct eni6_error error;
  const char *path = luaL_checkstring(L, 1);
  int *lock = eni6L_new(L, sizeof *lock, LOCK_TYPE);
  int file = eni6_filesystem_lock(path, &error);
  if (file < 0) return eni6L_fail(L, &error);
  *lock = file + 1;
  return 1;
}

int eni6L_open_filesystem(lua_State *L) {
  static const luaL_Reg functions[] = {{"replace", l_replace}, {"append", l_append},
                                       {"remove", l_remove},   {"make_directory", l_make_directory},
                                       {"stat", l_stat},       {"list", l_list},
                                       {"lock", l_lock},       {NULL, NULL}};
  static const luaL_Reg lock_methods[] = {{"close", close_lock}, {NULL, NULL}};
  static const luaL_Reg lock_meta[] = {{"__gc", close_lock}, {"__close", close_lock}, {NULL, NULL}};
  static const luaL_Reg directory_meta[] = {{"__gc", close_directory}, {NULL, NULL}};
  eni6L_type(L, LOCK_TYPE, lock_methods, lock_meta);
  eni6L_type(L, DIRECTORY_TYPE, NULL, directory_meta);
  luaL_newlib(L, functions);
  return 1;
}
