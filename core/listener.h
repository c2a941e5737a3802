/* A listening TCP socket in any network namespace. */
#ifndef ENI6_LISTENER_H
#define ENI6_LISTENER_H

#include "eni6.h"

ENI6_PUBLIC_BEGIN

/* Listens on a numeric IPv4 or IPv6 address; `netns` is a descriptor of the
 * namespace, or -1 for the calling thread's. The address need not be there yet
 * (IP_FREEBIND). Returns the socket, non-blocking and close-on-exec. */
int eni6_listener_open(int netns, const char *address, int port, struct eni6_error *error);

ENI6_PUBLIC_END

#endif
