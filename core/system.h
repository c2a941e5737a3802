/* The clock, randomness and poll: the few system services that waiting needs. */
#ifndef ENI6_SYSTEM_H
#define ENI6_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/select.h> /* sigset_t, which <signal.h> hides from strict C11 */

#include "eni6.h"

ENI6_PUBLIC_BEGIN

/* Seconds of CLOCK_MONOTONIC: for intervals and deadlines. */
double eni6_system_monotonic(void);

/* Seconds since the epoch, of CLOCK_REALTIME. */
double eni6_system_time(void);

/* Fills `size` bytes from the kernel's generator (getrandom(2)). */
int eni6_system_random(void *bytes, size_t size, struct eni6_error *error);

/* --- a set of descriptors to wait for, which is itself one to wait for (epoll) --- */

struct eni6_ready {
  int fd;
  int events; /* POLLIN, POLLOUT; both after an error, so that it is met */
};

/* The descriptor of a new set. */
int eni6_poller_open(struct eni6_error *error);

/* Waits for `events` (POLLIN, POLLOUT) of a descriptor from now on; for nothing
 * more if 0, which never fails. -EPERM: a file, which is always ready. */
int eni6_poller_set(int poller, int fd, int events, struct eni6_error *error);

/* The descriptor with which eni6_poller_wake wakes sets. */
int eni6_waker_open(struct eni6_error *error);

/* Makes the set ready once more, for the waker, whoever waits for it. */
int eni6_poller_wake(int poller, int waker, struct eni6_error *error);

/* Waits at most that long (-1: for ever) and tells how many of `size` are ready;
 * 0 also when a signal came. */
int eni6_poller_wait(int poller, struct eni6_ready *ready, int size, int milliseconds,
                     struct eni6_error *error);

/* What the calling thread's signals were before eni6_sigpipe_block. */
struct eni6_sigpipe {
  sigset_t before;
  bool pending; /* a SIGPIPE was waiting already, and is not ours to swallow */
};

/* Blocks every signal of this thread, so that a write to a closed pipe or
 * socket only fails with EPIPE, and threads started meanwhile take no signal
 * that the host waits for. Not for calls that wait. */
void eni6_sigpipe_block(struct eni6_sigpipe *guard);

/* Drops a SIGPIPE that came since, and puts the signal mask back. */
void eni6_sigpipe_restore(const struct eni6_sigpipe *guard);

ENI6_PUBLIC_END

#endif
