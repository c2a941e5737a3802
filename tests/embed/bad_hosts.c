/* Hosts that do to a library what hosts do: each case is survived, or refused with an
 * error that says what is wrong. TAP.
 *
 * usage: bad_hosts SCRIPT URL [CASE...]   URL is tests/support/http_server.py's */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

enum { STACK_KB = 64, REQUEST_STACK_KB = 128 };

static const char *script, *url;

/* Leaves the script's table of functions on a new state's stack. */
static int load(lua_State *L) {
  host_open(L);
  if (luaL_loadfile(L, script) != LUA_OK) return lua_error(L);
  lua_call(L, 0, 1);
  return 1;
}

static lua_State *new_state(void) {
  lua_State *L = luaL_newstate();
  lua_pushcfunction(L, load);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
    printf("Bail out! %s\n", lua_tostring(L, -1));
    exit(1);
  }
  return L;
}

/* Calls one of the script's functions; leaves its results. */
static bool call(lua_State *L, const char *name) {
  lua_settop(L, 1);
  lua_getfield(L, 1, name);
  lua_pushstring(L, url);
  if (lua_pcall(L, 1, LUA_MULTRET, 0) == LUA_OK) return true;
  printf("# %s: %s\n", name, luaL_tolstring(L, -1, NULL));
  return false;
}

static bool call_and_close(const char *name) {
  lua_State *L = new_state();
  bool good = call(L, name);
  lua_close(L);
  return good;
}

static bool close_in_the_middle(void) {
  return call_and_close("in_the_middle");
}

/* The descriptors are back before the state is closed. */
static bool drop_coroutines(void) {
  lua_State *L = new_state();
  int before = host_descriptors();
  bool good = call(L, "drop_coroutines");
  int after = host_settled_descriptors(before);
  if (after > before) printf("# %d descriptors are still open\n", after - before), good = false;
  lua_close(L);
  return good;
}

static bool raising_callbacks(void) {
  return call_and_close("raising_callbacks");
}

/* The child uses and closes what it has a copy of; the parent goes on with its own. */
static bool fork_in_the_middle(void) {
  lua_State *L = new_state();
  bool good = call(L, "before_fork");
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    good = call(L, "in_child");
    lua_close(L);
    fflush(stdout);
    _exit(good ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  if (status != 0) printf("# the child ended with %d\n", status), good = false;
  good = call(L, "in_parent") && good;
  lua_close(L);
  return good;
}

/* Somebody closes descriptors that are not his. */
static bool stolen_descriptors(void) {
  lua_State *L = new_state();
  bool good = call(L, "before_theft");
  for (int i = 2; good && i <= lua_gettop(L); i++)
    close((int)lua_tointeger(L, i));
  good = good && call(L, "after_theft");
  lua_close(L);
  return good;
}

static bool broken_pipes(void) {
  return call_and_close("broken_pipes");
}

struct errand {
  const char *name;
  bool good;
};

static void *run_errand(void *data) {
  struct errand *errand = data;
  errand->good = call_and_close(errand->name);
  return NULL;
}

/* On a thread with so many kilobytes of stack. */
static bool with_stack(size_t kilobytes, const char *name) {
  pthread_t thread;
  pthread_attr_t attributes;
  struct errand errand = {name, false};
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kilobytes * 1024);
  if (pthread_create(&thread, &attributes, run_errand, &errand) == 0) pthread_join(thread, NULL);
  pthread_attr_destroy(&attributes);
  return errand.good;
}

static bool little_stack(void) {
  return with_stack(STACK_KB, "little_stack");
}

static bool request_on_little_stack(void) {
  return with_stack(REQUEST_STACK_KB, "request");
}

static bool full_stacks(void) {
  return call_and_close("full_stacks");
}

static const struct {
  const char *name, *description;
  bool (*run)(void);
} cases[] = {
    {"close", "a state closed in the middle of a request", close_in_the_middle},
    {"drop", "coroutines dropped in the middle of a request", drop_coroutines},
    {"raise", "callbacks that raise", raising_callbacks},
    {"fork", "a fork in the middle of a request", fork_in_the_middle},
    {"theft", "descriptors closed by somebody else", stolen_descriptors},
    {"pipe", "SIGPIPE as it is by default", broken_pipes},
    {"stack", "a thread with a small stack", little_stack},
    {"request-stack", "a request on a thread with a small stack", request_on_little_stack},
    {"full", "Lua's and C's stack full", full_stacks},
};

static bool is_chosen(const char *name, char **names) {
  if (!*names) return true;
  while (*names && strcmp(*names, name) != 0)
    names++;
  return *names != NULL;
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: bad_hosts SCRIPT URL [CASE...]\n"), 2;
  int count = 0, failed = 0;
  script = argv[1], url = argv[2];
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!is_chosen(cases[i].name, argv + 3)) continue;
    int before = host_descriptors();
    bool good = cases[i].run();
    int after = host_settled_descriptors(before);
    if (after > before) printf("# %d descriptors left open\n", after - before), good = false;
    printf("%sok %d - %s\n", good ? "" : "not ", ++count, cases[i].description);
    failed += !good;
  }
  printf("1..%d\n", count);
  return failed > 0;
}
