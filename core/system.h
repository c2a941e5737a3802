/* The clock, randomness and poll: the few system services that waiting needs. */
#ifndef ENI6_SYSTEM_H
#define ENI6_SYSTEM_H

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

#ifdef __cplusplus
}
#endif

#endif
