/* eni6.core.process: a child process and our ends of its pipes. The comfortable
 * face, with waiting, is lua/eni6/process.lua. */
#include "eni6L.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "../process.h"

#define PROCESS_TYPE "eni6.core.process"

enum { READ_SIZE = 65536, MAX_STRINGS = 65536 };

/* Index 3 of l_spawn's stack: a table of ours that keeps every borrowed string. */
enum { ARGV = 1, OPTIONS = 2, KEPT = 3 };

/* Pops the string on top into KEPT, where it outlives the call; no byte 0 in it. */
static const char *keep_text(lua_State *L, const char *what) {
  size_t size;
  if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "spawn: %s must be a string", what);
  const char *text = lua_tolstring(L, -1, &size);
  if (memchr(text, '\0', size)) luaL_error(L, "spawn: %s has a zero byte in it", what);
  luaL_ref(L, KEPT);
  return text;
}

/* The strings of the list at `index` as a C array that ends with NULL, held in
 * a userdata that stays on the stack. */
static const char *const *string_list(lua_State *L, int index, const char *what) {
  luaL_checkstack(L, 8, NULL);
  size_t count = lua_rawlen(L, index);
  if (count > MAX_STRINGS) luaL_error(L, "spawn: %s is too long", what);
  const char **list = lua_newuserdatauv(L, (count + 1) * sizeof *list, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    list[i] = keep_text(L, what);
  }
  list[count] = NULL;
  return list;
}

static const char *text_option(lua_State *L, const char *name) {
  if (lua_getfield(L, OPTIONS, name) != LUA_TNIL) return keep_text(L, name);
  lua_pop(L, 1);
  return NULL;
}

static bool flag_option(lua_State *L, const char *name) {
  lua_getfield(L, OPTIONS, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static const char *const *list_option(lua_State *L, const char *name) {
  int type = lua_getfield(L, OPTIONS, name);
  if (type == LUA_TTABLE) return string_list(L, lua_gettop(L), name);
  if (type != LUA_TNIL) luaL_error(L, "spawn: %s must be a table", name);
  return NULL;
}

/* The kinds by their names, in the order of enum eni6_process_kind. */
static const char *const kinds[] = {"inherit", "null",       "pipe",   "file",
                                    "data",    "descriptor", "stdout", NULL};

/* Reads {kind, value} on top of the stack and pops it. */
static void read_stream(lua_State *L, int number, struct eni6_process_stream *stream) {
  luaL_checktype(L, -1, LUA_TTABLE);
  int entry = lua_gettop(L);
  lua_rawgeti(L, entry, 1);
  stream->kind = (enum eni6_process_kind)luaL_checkoption(L, -1, NULL, kinds);
  if ((stream->kind == ENI6_PROCESS_DATA && number != 0) ||
      (stream->kind == ENI6_PROCESS_STDOUT && number != 2))
    luaL_error(L, "spawn: stream %d cannot be \"%s\"", number, kinds[stream->kind]);
  lua_rawgeti(L, entry, 2);
  if (stream->kind == ENI6_PROCESS_FILE) {
    lua_pushvalue(L, -1);
    stream->text = keep_text(L, "the path of a stream");
  } else if (stream->kind == ENI6_PROCESS_DATA) {
    stream->text = luaL_checklstring(L, -1, &stream->size);
    lua_pushvalue(L, -1);
    luaL_ref(L, KEPT);
  } else if (stream->kind == ENI6_PROCESS_DESCRIPTOR) {
    stream->descriptor = (int)eni6L_integer(L, -1, 0, INT32_MAX);
  }
  lua_settop(L, entry - 1);
}

static void read_streams(lua_State *L, struct eni6_process_options *options) {
  if (lua_getfield(L, OPTIONS, "streams") != LUA_TTABLE)
    luaL_error(L, "spawn: streams must be a table");
  int list = lua_gettop(L);
  for (int i = 0; i < 3; i++) {
    lua_rawgeti(L, list, i + 1);
    read_stream(L, i, &options->streams[i]);
  }
  lua_pop(L, 1);
}

/* spawn(argv, { env = {"NAME=value", …}, clear_env, cwd, netns, die_with_parent,
 * new_group, streams = { {kind, value}, … three } }): process | nil, message, code. */
static int l_spawn(lua_State *L) {
  struct eni6_error error;
  struct eni6_process_options options = {0};
  luaL_checktype(L, ARGV, LUA_TTABLE);
  luaL_checktype(L, OPTIONS, LUA_TTABLE);
  lua_settop(L, OPTIONS);
  lua_newtable(L);
  options.argv = string_list(L, ARGV, "argv");
  if (!options.argv[0]) return luaL_argerror(L, ARGV, "argv is empty");
  options.environment = list_option(L, "env");
  options.directory = text_option(L, "cwd");
  options.netns = text_option(L, "netns");
  options.clear_environment = flag_option(L, "clear_env");
  options.die_with_parent = flag_option(L, "die_with_parent");
  options.new_group = flag_option(L, "new_group");
  read_streams(L, &options);
  struct eni6_process *process = eni6L_new(L, sizeof *process, PROCESS_TYPE);
  *process = (struct eni6_process)ENI6_PROCESS_CLOSED;
  if (eni6_process_spawn(process, &options, &error) < 0) return eni6L_fail(L, &error);
  return 1;
}

/* The process at index 1, which has been started. */
static struct eni6_process *check_process(lua_State *L) {
  struct eni6_process *process = luaL_checkudata(L, 1, PROCESS_TYPE);
  if (process->pid == 0) luaL_argerror(L, 1, "closed process");
  return process;
}

/* Its stream of that number (index 2), which must be an open pipe. */
static int check_stream(lua_State *L, struct eni6_process *process, int low) {
  int stream = (int)eni6L_integer(L, 2, low, 2);
  if (process->streams[stream] < 0) luaL_argerror(L, 2, "not a pipe, or closed");
  return stream;
}

/* read(1|2): the bytes that are there, "" at the end | nil, message, "EAGAIN"…. */
static int l_read(lua_State *L) {
  struct eni6_error error;
  struct eni6_process *process = check_process(L);
  int stream = check_stream(L, process, 1);
  luaL_Buffer buffer;
  size_t got;
  char *bytes = luaL_buffinitsize(L, &buffer, READ_SIZE);
  if (eni6_process_read(process, stream, bytes, READ_SIZE, &got, &error) < 0)
    return eni6L_fail(L, &error);
  luaL_pushresultsize(&buffer, got);
  return 1;
}

/* write(bytes, from): how many bytes were taken, counted from position `from`. */
static int l_write(lua_State *L) {
  struct eni6_error error;
  struct eni6_process *process = check_process(L);
  size_t size, done;
  const char *bytes = luaL_checklstring(L, 2, &size);
  size_t from = (size_t)eni6L_integer(L, 3, 1, (lua_Integer)size + 1) - 1;
  if (process->streams[0] < 0) return luaL_argerror(L, 1, "stdin is not a pipe, or closed");
  if (eni6_process_write(process, bytes + from, size - from, &done, &error) < 0)
    return eni6L_fail(L, &error);
  lua_pushinteger(L, (lua_Integer)done);
  return 1;
}

/* close_stream(0|1|2): closes our end of a pipe; nothing if it is none. */
static int l_close_stream(lua_State *L) {
  struct eni6_process *process = check_process(L);
  eni6_process_close_stream(process, (int)eni6L_integer(L, 2, 0, 2));
  return 0;
}

/* Pushes a descriptor, or nil for none. */
static int push_descriptor(lua_State *L, int fd) {
  if (fd < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, fd);
  return 1;
}

/* descriptor(0|1|2): our end of a pipe, or nil. */
static int l_descriptor(lua_State *L) {
  struct eni6_process *process = check_process(L);
  return push_descriptor(L, process->streams[eni6L_integer(L, 2, 0, 2)]);
}

/* pollfd(): readable once the child has ended; nil where the kernel has no pidfd. */
static int l_pollfd(lua_State *L) {
  return push_descriptor(L, check_process(L)->pidfd);
}

static int l_pid(lua_State *L) {
  lua_pushinteger(L, check_process(L)->pid);
  return 1;
}

/* reap(): status, or false, signal, once ended; nothing while it runs. */
static int l_reap(lua_State *L) {
  struct eni6_error error;
  struct eni6_process *process = check_process(L);
  int ended = eni6_process_reap(process, &error);
  if (ended < 0) return eni6L_fail(L, &error);
  if (!ended) return 0;
  if (process->signal) {
    lua_pushboolean(L, 0);
    lua_pushinteger(L, process->signal);
    return 2;
  }
  lua_pushinteger(L, process->status);
  return 1;
}

/* A signal by number or name ("TERM", "SIGTERM"). */
static int check_signal(lua_State *L, int argument) {
  static const struct {
    const char *name;
    int number;
  } signals[] = {{"HUP", SIGHUP},   {"INT", SIGINT},    {"QUIT", SIGQUIT}, {"KILL", SIGKILL},
                 {"TERM", SIGTERM}, {"USR1", SIGUSR1},  {"USR2", SIGUSR2}, {"STOP", SIGSTOP},
                 {"CONT", SIGCONT}, {"WINCH", SIGWINCH}};
  if (lua_type(L, argument) == LUA_TNUMBER) return (int)eni6L_integer(L, argument, 0, 64);
  const char *name = luaL_checkstring(L, argument);
  if (strncmp(name, "SIG", 3) == 0) name += 3;
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    if (strcmp(signals[i].name, name) == 0) return signals[i].number;
  return luaL_argerror(L, argument, "unknown signal");
}

/* kill(signal): true | nil, message, code ("ESRCH" once it has been reaped). */
static int l_kill(lua_State *L) {
  struct eni6_error error;
  struct eni6_process *process = check_process(L);
  if (eni6_process_kill(process, check_signal(L, 2), &error) < 0) return eni6L_fail(L, &error);
  lua_pushboolean(L, 1);
  return 1;
}

static int l_close(lua_State *L) {
  struct eni6_process *process = luaL_checkudata(L, 1, PROCESS_TYPE);
  if (process->pid > 0) eni6_process_close(process);
  *process = (struct eni6_process)ENI6_PROCESS_CLOSED;
  return 0;
}

static int l_tostring(lua_State *L) {
  struct eni6_process *process = luaL_checkudata(L, 1, PROCESS_TYPE);
  if (process->pid == 0)
    lua_pushliteral(L, "eni6.core.process (closed)");
  else
    lua_pushfstring(L, "eni6.core.process (%d)", (int)process->pid);
  return 1;
}

int eni6L_open_process(lua_State *L) {
  static const luaL_Reg functions[] = {{"spawn", l_spawn}, {0}};
  static const luaL_Reg methods[] = {{"read", l_read},
                                     {"write", l_write},
                                     {"close_stream", l_close_stream},
                                     {"descriptor", l_descriptor},
                                     {"pollfd", l_pollfd},
                                     {"pid", l_pid},
                                     {"reap", l_reap},
                                     {"kill", l_kill},
                                     {"close", l_close},
                                     {0}};
  static const luaL_Reg metamethods[] = {
      {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {0}};
  eni6L_type(L, PROCESS_TYPE, methods, metamethods);
  luaL_newlib(L, functions);
  return 1;
}
