#include "system.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

/* Seconds of any clock as a double: 53 bits hold microseconds for centuries. */
static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double eni6_system_monotonic(void) {
  return seconds(CLOCK_MONOTONIC);
}

double eni6_system_time(void) {
  return seconds(CLOCK_REALTIME);
}

int eni6_system_random(void *bytes, size_t size, struct eni6_error *error) {
  unsigned char *next = bytes;
  while (size > 0) {
    ssize_t got = getrandom(next, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return eni6_error_system(error, errno, "cannot read random bytes");
    next += got;
    size -= (size_t)got;
  }
  return 0;
}

static bool sigpipe_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

void eni6_sigpipe_block(struct eni6_sigpipe *guard) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &guard->before);
  guard->pending = sigpipe_pending();
}

void eni6_sigpipe_restore(const struct eni6_sigpipe *guard) {
  if (!guard->pending && sigpipe_pending()) {
    const struct timespec now = {0};
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    while (sigtimedwait(&only, NULL, &now) < 0 && errno == EINTR)
      ;
  }
  pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}
