/* A host with many Lua states on many threads at once, built for ThreadSanitizer.
 *
 * usage: threads COUNT SCRIPT [ARGUMENT...]
 *
 * Each thread, twice, makes a state of its own, runs the script's function with its number
 * and the arguments, and closes the state: states come and go while others work. */
#include <pthread.h>

#include "host.h"

struct work {
  pthread_t thread;
  int number;
  char **arguments; /* the script, then its arguments; ends with NULL */
  char fault[400];
};

static void run_once(struct work *work) {
  lua_State *L = luaL_newstate();
  lua_pushcfunction(L, host_run);
  lua_pushstring(L, work->arguments[0]);
  lua_pushinteger(L, work->number);
  int count = 2;
  for (char **argument = work->arguments + 1; *argument; argument++, count++)
    lua_pushstring(L, *argument);
  if (lua_pcall(L, count, 0, 0) != LUA_OK)
    snprintf(work->fault, sizeof work->fault, "%s", lua_tostring(L, -1));
  lua_close(L);
}

static void *run_twice(void *data) {
  struct work *work = data;
  for (int i = 0; i < 2 && work->fault[0] == 0; i++)
    run_once(work);
  return NULL;
}

int main(int argc, char **argv) {
  int count = argc > 2 ? atoi(argv[1]) : 0, failed = 0;
  if (count < 1) return fprintf(stderr, "usage: threads COUNT SCRIPT [ARGUMENT...]\n"), 2;
  int before = host_descriptors();
  struct work *works = calloc((size_t)count, sizeof *works);
  for (int i = 0; i < count; i++) {
    works[i].number = i + 1;
    works[i].arguments = argv + 2;
    if (pthread_create(&works[i].thread, NULL, run_twice, &works[i])) return perror("thread"), 1;
  }
  for (int i = 0; i < count; i++) {
    pthread_join(works[i].thread, NULL);
    if (works[i].fault[0]) failed++, fprintf(stderr, "thread %d: %s\n", i + 1, works[i].fault);
  }
  free(works);
  int after = host_settled_descriptors(before);
  if (after > before) failed++, fprintf(stderr, "%d descriptors left open\n", after - before);
  return failed > 0;
}
