/* Fails each allocation of a Lua script once, in turn, and looks at what is left.
 *
 * usage: sweep lua|malloc SCRIPT
 *
 * The script returns a function. `lua` counts the allocations that Lua makes
 * while that function runs; `malloc` counts malloc, calloc and realloc of
 * everything loaded (this program's definitions come before libc's). For n = 1,
 * 2, ... a fresh state runs the function with the n-th allocation failing, until
 * a run needs fewer than n. Whatever happens, no run may crash, leave a
 * descriptor open, or fail with anything but a memory error or a value the
 * script expects. One line of TAP says how it went. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static bool counting_malloc; /* which of the two counters is armed */
static bool counting_lua;
static long countdown; /* allocations until the one that fails; <= 0: it has failed */

/* True for the one allocation that is to fail. */
static bool fails(bool armed) {
  return armed && --countdown == 0;
}

void *malloc(size_t size) {
  if (fails(counting_malloc)) return errno = ENOMEM, NULL;
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  if (fails(counting_malloc)) return errno = ENOMEM, NULL;
  return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
  if (fails(counting_malloc)) return errno = ENOMEM, NULL;
  return __libc_realloc(block, size);
}

/* Where Lua gets no memory, it collects garbage and asks once more: that fails, too. */
static bool fails_twice(bool armed) {
  return armed && (--countdown == 0 || countdown == -1);
}

/* Lua's allocator: straight to libc, past the malloc counter. */
static void *allocate(void *data, void *block, size_t old, size_t size) {
  (void)data;
  (void)old;
  if (size == 0) {
    free(block);
    return NULL;
  }
  if (fails_twice(counting_lua && (!block || size > old))) return NULL;
  return __libc_realloc(block, size);
}

static int open_descriptors(void) {
  int count = 0;
  DIR *directory = opendir("/proc/self/fd");
  while (directory && readdir(directory))
    count++;
  if (directory) closedir(directory);
  return count;
}

/* The same once those are closed that another thread still has: libcurl leaves a
 * resolver of its own behind, which closes what it has when it is done. */
static int settled_descriptors(int expected) {
  int count = open_descriptors();
  for (int tries = 0; count > expected && tries < 200; tries++) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    count = open_descriptors();
  }
  return count;
}

/* Loads the script and leaves its function on the stack. */
static lua_State *new_state(const char *script) {
  lua_State *L = lua_newstate(allocate, NULL);
  luaL_openlibs(L);
  if (luaL_dofile(L, script) != LUA_OK) {
    printf("Bail out! %s\n", lua_tostring(L, -1));
    exit(1);
  }
  return L;
}

/* A failed allocation surfaces as LUA_ERRMEM, as an error that speaks of memory (or of
 * the stack, which lua_checkstack could not grow), or not at all (the function may have
 * coped). Anything else is a fault. */
static bool acceptable(lua_State *L, int status) {
  if (status == LUA_OK || status == LUA_ERRMEM) return true;
  const char *message = lua_tostring(L, -1);
  return message && (strstr(message, "memory") || strstr(message, "ENOMEM") ||
                     strstr(message, "stack overflow"));
}

/* One run with allocation n failing; false when the run was a fault. */
static bool run_once(const char *script, bool of_malloc, long n, bool *reached) {
  lua_State *L = new_state(script);
  countdown = n;
  *(of_malloc ? &counting_malloc : &counting_lua) = true;
  int status = lua_pcall(L, 0, 0, 0);
  counting_malloc = counting_lua = false;
  *reached = countdown <= 0;
  bool good = *reached ? acceptable(L, status) : status == LUA_OK;
  if (!good) printf("# allocation %ld: %s\n", n, lua_tostring(L, -1));
  lua_close(L);
  return good;
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: sweep lua|malloc SCRIPT\n"), 2;
  bool of_malloc = strcmp(argv[1], "malloc") == 0, reached = true;
  int faults = 0, before = 0;
  long n = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (reached) {
    if (!run_once(argv[2], of_malloc, ++n, &reached)) faults++;
    if (n == 1) before = open_descriptors();
    int after = settled_descriptors(before);
    if (after > before) printf("# allocation %ld leaks a descriptor\n", n), faults++;
    before = after;
  }
  printf("%sok 1 - %s: %ld failing allocations (%s)\n1..1\n", faults ? "not " : "", argv[2], n - 1,
         argv[1]);
  return faults != 0;
}
