#define _GNU_SOURCE
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns.h"

/* Reads a numeric address; no name is ever looked up. */
static int resolve(const char *address, int port, struct addrinfo **found,
                   struct eni6_error *error) {
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                 .ai_socktype = SOCK_STREAM};
  char service[12];
  snprintf(service, sizeof service, "%d", port);
  int status = getaddrinfo(address, service, &hints, found);
  if (status == EAI_MEMORY) return eni6_error_set(error, -ENOMEM, "no memory to listen");
  if (status != 0)
    return eni6_error_set(error, -EINVAL, "'%s' is no numeric address to listen on", address);
  return 0;
}

/* Binds and listens: 0 or a negated errno. */
static int listen_on(int file, const struct addrinfo *where) {
  const int one = 1;
  setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (where->ai_family == AF_INET6) {
    setsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    setsockopt(file, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof one);
  } else {
    setsockopt(file, IPPROTO_IP, IP_FREEBIND, &one, sizeof one);
  }
  if (bind(file, where->ai_addr, where->ai_addrlen) < 0) return -errno;
  return listen(file, SOMAXCONN) < 0 ? -errno : 0;
}

int eni6_listener_open(int netns, const char *address, int port, struct eni6_error *error) {
  struct addrinfo *where = NULL;
  int status = resolve(address, port, &where, error);
  if (status < 0) return status;
  int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  int file = eni6_netns_socket(netns, where->ai_family, type, 0, error);
  if (file >= 0) {
    status = listen_on(file, where);
    if (status < 0) {
      close(file);
      file = eni6_error_system(error, -status, "cannot listen on %s, port %d", address, port);
    }
  }
  freeaddrinfo(where);
  return file;
}
