/* The clock, randomness and poll: the few system services that waiting needs. */
#ifndef ENI6_SYSTEM_H
#define ENI6_SYSTEM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "eni6.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Seconds of CLOCK_MONOTONIC: for intervals and deadlines. */
double eni6_system_monotonic(void);

/* Seconds since the epoch, of CLOCK_REALTIME. */
double eni6_system_time(void);

/* Fills `size` bytes from the kernel's generator (getrandom(2)). */
int eni6_system_random(void *bytes, size_t size, struct eni6_error *error);

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

#ifdef __cplusplus
}
#endif

#endif
