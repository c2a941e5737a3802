/* A host that makes and closes Lua states, one after the other.
 *
 * usage: states flat COUNT SCRIPT [ARGUMENT...]
 *        states cap STEPS SCRIPT [ARGUMENT...]
 *
 * flat: COUNT states run the script's function; from the first tenth of them to the end
 * neither memory nor descriptors may grow.
 *
 * cap: the states may have so much memory and no more, as in HAProxy with
 * tune.lua.maxmem: from nothing to what the script needs, in STEPS steps. Below, a state
 * fails with an error that speaks of memory; with as much as it wants, the same state then
 * runs the script to its end; and closing it gives back all memory and descriptors. */
#include <stdbool.h>
#include <string.h>

#include "host.h"

enum {
  GROWTH = 512, /* kilobytes that the C library's own arenas may vary by */
  FAULT_SIZE = 400
};

struct cap {
  size_t used, most, limit;
};

static void *allocate(void *data, void *block, size_t old, size_t size) {
  struct cap *cap = data;
  if (!block) old = 0;
  if (size > old && cap->used + (size - old) > cap->limit) return NULL;
  void *moved = NULL;
  if (size == 0) {
    free(block);
  } else if (!(moved = realloc(block, size))) {
    return NULL;
  }
  cap->used += size - old;
  if (cap->used > cap->most) cap->most = cap->used;
  return moved;
}

/* Runs the script's function with its arguments; what it says of an error. Pushing a
 * function needs no memory; pushing strings does, while nobody catches an error yet. */
static int run_script(lua_State *L, struct cap *cap, char **script, char fault[FAULT_SIZE]) {
  int count = 0, status = LUA_ERRMEM;
  snprintf(fault, FAULT_SIZE, "not enough memory");
  lua_settop(L, 0);
  lua_pushcfunction(L, host_run);
  if (cap->limit - cap->used < 4096) return LUA_ERRMEM;
  for (; script[count]; count++)
    lua_pushstring(L, script[count]);
  status = lua_pcall(L, count, 0, 0);
  if (status != LUA_OK) snprintf(fault, FAULT_SIZE, "%s", luaL_tolstring(L, -1, NULL));
  return status;
}

/* One state's whole life. */
static int run_state(struct cap *cap, char **script, char fault[FAULT_SIZE]) {
  char later[FAULT_SIZE];
  lua_State *L = lua_newstate(allocate, cap);
  snprintf(fault, FAULT_SIZE, "not enough memory");
  if (!L) return LUA_ERRMEM;
  int status = run_script(L, cap, script, fault);
  if (status != LUA_OK) {
    cap->limit = SIZE_MAX;
    if (run_script(L, cap, script, later) != LUA_OK)
      snprintf(fault, FAULT_SIZE, "with enough of it later: %.300s", later);
  }
  lua_close(L);
  return status;
}

/* lua_checkstack fails for want of memory as it does for a stack that is too high. */
static bool speaks_of_memory(int status, const char *fault) {
  if (strncmp(fault, "with enough", 11) == 0) return false;
  return status == LUA_OK || status == LUA_ERRMEM || strstr(fault, "memory") ||
         strstr(fault, "ENOMEM") || strstr(fault, "stack overflow");
}

static int complain(const char *what, long value) {
  return printf("# %s: %ld\n", what, value), 1;
}

static int run_flat(long count, char **script) {
  char fault[FAULT_SIZE];
  long descriptors = 0, resident = 0;
  for (long i = 1; i <= count; i++) {
    struct cap cap = {.limit = SIZE_MAX};
    if (run_state(&cap, script, fault) != LUA_OK) return printf("# %s\n", fault), 1;
    if (cap.used != 0) return complain("bytes that a closed state still has", (long)cap.used);
    if (i == count / 10) descriptors = host_descriptors(), resident = host_resident();
  }
  int more = host_settled_descriptors((int)descriptors);
  if (more > descriptors) return complain("descriptors more", more - descriptors);
  long growth = host_resident() - resident;
  printf("# %ld states, %ld KB more than after the first tenth\n", count, growth);
  return growth > GROWTH ? complain("KB more is too much", growth) : 0;
}

static int run_caps(long steps, char **script) {
  char fault[FAULT_SIZE];
  struct cap cap = {.limit = SIZE_MAX};
  if (run_state(&cap, script, fault) != LUA_OK) return printf("# %s\n", fault), 1;
  size_t needed = cap.most;
  int faults = 0, before = host_descriptors(), failed = 0;
  for (long i = 0; i <= steps; i++) {
    size_t limit = needed / (size_t)steps * (size_t)i;
    cap = (struct cap){.limit = limit};
    int status = run_state(&cap, script, fault);
    failed += status != LUA_OK;
    if (!speaks_of_memory(status, fault)) faults++, printf("# with %zu: %s\n", limit, fault);
    if (cap.used != 0) faults += complain("bytes that a closed state still has", (long)cap.used);
    int after = host_settled_descriptors(before);
    if (after > before) faults += complain("descriptors more", after - before);
    before = after;
  }
  printf("# %zu KB needed, %d of %ld caps too low\n", needed / 1024, failed, steps + 1);
  return faults > 0 || failed < steps / 4;
}

int main(int argc, char **argv) {
  if (argc < 4) return fprintf(stderr, "usage: states flat|cap NUMBER SCRIPT [ARGUMENT...]\n"), 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  bool flat = strcmp(argv[1], "flat") == 0;
  return flat ? run_flat(atol(argv[2]), argv + 3) : run_caps(atol(argv[2]), argv + 3);
}
