/* Network namespaces: sockets and sysctls in another one, and named ones as
 * iproute2 keeps them. The calling thread is in its own namespace again when a
 * function returns. */
#ifndef ENI6_NETNS_H
#define ENI6_NETNS_H

#include <stddef.h>

#include "eni6.h"

ENI6_PUBLIC_BEGIN

#define ENI6_NETNS_DIRECTORY "/run/netns"

/* A descriptor for a namespace: by path when `where` has a slash, by name in
 * ENI6_NETNS_DIRECTORY otherwise, the calling thread's own when NULL. */
int eni6_netns_open(const char *where, struct eni6_error *error);

/* A descriptor for the namespace of a process. */
int eni6_netns_open_process(int pid, struct eni6_error *error);

/* socket(2) in the namespace; `netns` -1 is the calling thread's. */
int eni6_netns_socket(int netns, int domain, int type, int protocol, struct eni6_error *error);

/* open(2) of a file below /proc/sys/net as the namespace sees it. */
int eni6_netns_file(int netns, const char *path, int flags, struct eni6_error *error);

/* Makes a named namespace, as `ip netns add` does: -EEXIST when there is one. */
int eni6_netns_create(const char *name, struct eni6_error *error);

/* Takes the name away; the namespace ends with its last process and socket. */
int eni6_netns_delete(const char *name, struct eni6_error *error);

ENI6_PUBLIC_END

#endif
