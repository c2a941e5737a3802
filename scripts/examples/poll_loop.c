/* EC2 calls in a C program with a poll loop of its own, beside its own timer and descriptor.
 *
 * usage: poll_loop OPERATION...
 * Build: cc poll_loop.c $(pkg-config --cflags --libs lua5.4)
 *
 * Standard input stands for the program's own descriptor: what comes there is counted. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { EC2 = 1, CALLS = 2 }; /* where they are on the Lua stack */

static const double TICK = 0.01; /* seconds between two ticks of the program's timer */

struct program {
  lua_State *L;
  double next_tick, longest_step;
  int ticks, bytes, pending;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void check(lua_State *L, int status) {
  if (status == LUA_OK) return;
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  exit(1);
}

/* Calls object:name() for the object at an index, and leaves `results` results on the stack. */
static void method(lua_State *L, int object, const char *name, int results) {
  object = lua_absindex(L, object);
  lua_getfield(L, object, name);
  lua_pushvalue(L, object);
  check(L, lua_pcall(L, 1, results, 0));
}

/* The client, and the list of the calls under way: call -> its operation. */
static void open_client(lua_State *L) {
  check(L, luaL_dostring(L, "return assert(require('eni6.aws.ec2').new())"));
  lua_newtable(L);
}

static void start(struct program *self, const char *operation) {
  lua_State *L = self->L;
  lua_getfield(L, EC2, "start");
  lua_pushvalue(L, EC2);
  lua_pushstring(L, operation);
  check(L, lua_pcall(L, 2, 2, 0));
  if (lua_isnil(L, -2)) check(L, LUA_ERRRUN);
  lua_pop(L, 1);
  lua_pushstring(L, operation);
  lua_settable(L, CALLS);
  self->pending++;
}

/* Prints what came of the calls that are done, and forgets them. */
static void collect(struct program *self) {
  lua_State *L = self->L;
  for (lua_pushnil(L); lua_next(L, CALLS);) {
    method(L, -2, "done", 1);
    bool done = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (done) {
      method(L, -2, "result", 2);
      printf("%s %s\n", lua_tostring(L, -3), lua_isnil(L, -2) ? lua_tostring(L, -1) : "answered");
      lua_pop(L, 2);
      lua_pushvalue(L, -2);
      lua_pushnil(L);
      lua_settable(L, CALLS);
      self->pending--;
    }
    lua_pop(L, 1);
  }
}

static void step(struct program *self) {
  double before = now();
  method(self->L, EC2, "step", 0);
  self->longest_step = fmax(self->longest_step, now() - before);
}

/* Milliseconds until the program's timer, or the client's. */
static int patience(struct program *self) {
  lua_State *L = self->L;
  double left = self->next_tick - now();
  method(L, EC2, "timeout", 1);
  if (!lua_isnil(L, -1)) left = fmin(left, lua_tonumber(L, -1));
  lua_pop(L, 1);
  return left > 0 ? (int)ceil(left * 1000) : 0;
}

static void tick(struct program *self) {
  if (now() < self->next_tick) return;
  self->next_tick += TICK;
  self->ticks++;
}

static void take_input(struct program *self, struct pollfd *input) {
  char bytes[256];
  ssize_t size = read(STDIN_FILENO, bytes, sizeof bytes);
  if (size > 0)
    self->bytes += (int)size;
  else
    input->fd = -1;
}

int main(int argc, char **argv) {
  struct program self = {.L = luaL_newstate(), .next_tick = now() + TICK};
  luaL_openlibs(self.L);
  open_client(self.L);
  for (int i = 1; i < argc; i++)
    start(&self, argv[i]);
  method(self.L, EC2, "pollfd", 1);
  struct pollfd entries[] = {{.fd = (int)lua_tointeger(self.L, -1), .events = POLLIN},
                             {.fd = STDIN_FILENO, .events = POLLIN}};
  lua_pop(self.L, 1);
  while (self.pending > 0) {
    if (poll(entries, 2, patience(&self)) < 0) break;
    if (entries[1].revents) take_input(&self, &entries[1]);
    tick(&self);
    step(&self);
    collect(&self);
  }
  printf("%d ticks, %d bytes, longest step %.1f ms\n", self.ticks, self.bytes,
         self.longest_step * 1000);
  method(self.L, EC2, "close", 0);
  lua_close(self.L);
  return 0;
}
