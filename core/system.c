#include "system.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
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

int eni6_poller_open(struct eni6_error *error) {
  int poller = epoll_create1(EPOLL_CLOEXEC);
  return poller < 0 ? eni6_error_system(error, errno, "epoll_create1") : poller;
}

int eni6_poller_set(int poller, int fd, int events, struct eni6_error *error) {
  struct epoll_event event = {.data.fd = fd};
  if (events & POLLIN) event.events |= EPOLLIN;
  if (events & POLLOUT) event.events |= EPOLLOUT;
  if (events == 0) {
    epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL); /* may be closed and gone already */
    return 0;
  }
  if (epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
  if (errno == ENOENT && epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  return eni6_error_system(error, errno, "cannot wait for descriptor %d", fd);
}

/* Always readable: the set asks for it once each time it is woken, so that nothing has to be read.
 */
int eni6_waker_open(struct eni6_error *error) {
  int waker = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
  return waker < 0 ? eni6_error_system(error, errno, "eventfd") : waker;
}

int eni6_poller_wake(int poller, int waker, struct eni6_error *error) {
  struct epoll_event event = {.data.fd = waker, .events = EPOLLIN | EPOLLONESHOT};
  if (epoll_ctl(poller, EPOLL_CTL_MOD, waker, &event) == 0) return 0;
  if (errno == ENOENT && epoll_ctl(poller, EPOLL_CTL_ADD, waker, &event) == 0) return 0;
  return eni6_error_system(error, errno, "cannot wake the poller");
}

int eni6_poller_wait(int poller, struct eni6_ready *ready, int size, int milliseconds,
                     struct eni6_error *error) {
  struct epoll_event events[64];
  if (size > 64) size = 64;
  int count = epoll_wait(poller, events, size, milliseconds);
  if (count < 0 && errno != EINTR) return eni6_error_system(error, errno, "epoll_wait");
  for (int i = 0; i < count; i++) {
    ready[i].fd = events[i].data.fd;
    ready[i].events = 0;
    if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) ready[i].events |= POLLIN;
    if (events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) ready[i].events |= POLLOUT;
  }
  return count < 0 ? 0 : count;
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
