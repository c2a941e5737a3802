/* A connection that is slow and loses answers: a proxy in front of a server of loopback.
 *
 * usage: slow_link PORT MILLISECONDS LOST_PER_MILLE [SEED]
 *
 * Prints the port it listens on. Every byte of an answer comes that much later; so many answers in
 * a thousand never come: the connection is closed instead, after the server has acted. When
 * standard input ends it prints how many requests it has carried and how many answers it has lost,
 * and ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENT, SERVER, SIDES, EVENTS = 64, CHUNK = 65536 };

struct link;

struct end {
  struct link *link; /* NULL: the listener, or standard input */
  int fd;
};

struct link {
  struct end ends[SIDES];
  bool asked, closed;
};

/* Bytes on their way to the client; none: the server has closed the connection. */
struct parcel {
  TAILQ_ENTRY(parcel) links;
  struct link *link;
  double due;
  size_t size;
  char bytes[];
};

TAILQ_HEAD(parcels, parcel);

struct slow_link {
  int epoll, port, lost_per_mille;
  double delay;
  unsigned random;
  struct parcels parcels;
  size_t requests, lost;
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void watch(struct slow_link *self, struct end *end) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
  if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, end->fd, &event) < 0) die("epoll_ctl");
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static void at_once(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* Links stay in memory: parcels and events may still name them, and the program is short-lived. */
static void close_link(struct link *link) {
  if (!link->closed)
    for (int side = 0; side < SIDES; side++)
      close(link->ends[side].fd);
  link->closed = true;
}

static void admit(struct slow_link *self, int listener) {
  struct sockaddr_in address = loopback(self->port);
  struct link *link = calloc(1, sizeof *link);
  int client = accept(listener, NULL, NULL), server = socket(AF_INET, SOCK_STREAM, 0);
  if (!link || client < 0 || server < 0) die("accept");
  if (connect(server, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  at_once(client);
  at_once(server);
  link->ends[CLIENT] = (struct end){link, client};
  link->ends[SERVER] = (struct end){link, server};
  watch(self, &link->ends[CLIENT]);
  watch(self, &link->ends[SERVER]);
}

static bool is_lost(struct slow_link *self) {
  return rand_r(&self->random) % 1000 < self->lost_per_mille;
}

static void send_later(struct slow_link *self, struct link *link, const char *bytes, size_t size) {
  struct parcel *parcel = malloc(sizeof *parcel + size);
  if (!parcel) die("malloc");
  *parcel = (struct parcel){.link = link, .due = now() + self->delay, .size = size};
  memcpy(parcel->bytes, bytes, size);
  TAILQ_INSERT_TAIL(&self->parcels, parcel, links);
}

static bool send_all(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    size -= (size_t)sent;
  }
  return true;
}

static void from_client(struct slow_link *self, struct link *link, const char *bytes,
                        ssize_t size) {
  if (size <= 0 || !send_all(link->ends[SERVER].fd, bytes, (size_t)size)) {
    close_link(link);
    return;
  }
  if (!link->asked) self->requests++;
  link->asked = true;
}

static void from_server(struct slow_link *self, struct link *link, const char *bytes,
                        ssize_t size) {
  bool begins = link->asked;
  link->asked = false;
  if (size > 0 && begins && is_lost(self)) {
    self->lost++;
    close_link(link);
    return;
  }
  send_later(self, link, bytes, size > 0 ? (size_t)size : 0);
  if (size <= 0) epoll_ctl(self->epoll, EPOLL_CTL_DEL, link->ends[SERVER].fd, NULL);
}

static void carry(struct slow_link *self, struct end *end) {
  static char bytes[CHUNK];
  struct link *link = end->link;
  if (link->closed) return;
  ssize_t size = read(end->fd, bytes, sizeof bytes);
  if (end == &link->ends[CLIENT])
    from_client(self, link, bytes, size);
  else
    from_server(self, link, bytes, size);
}

static void deliver_due(struct slow_link *self) {
  struct parcel *parcel;
  double time = now();
  while ((parcel = TAILQ_FIRST(&self->parcels)) && parcel->due <= time) {
    struct link *link = parcel->link;
    TAILQ_REMOVE(&self->parcels, parcel, links);
    if (!link->closed &&
        (parcel->size == 0 || !send_all(link->ends[CLIENT].fd, parcel->bytes, parcel->size)))
      close_link(link);
    free(parcel);
  }
}

static int patience(struct slow_link *self) {
  struct parcel *first = TAILQ_FIRST(&self->parcels);
  double left = first ? first->due - now() : -1;
  return first ? (left > 0 ? (int)ceil(left * 1000) : 0) : -1;
}

static int listen_on(int *port) {
  struct sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 512) < 0)
    die("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  *port = ntohs(address.sin_port);
  return listener;
}

/* One round; false once standard input has ended. */
static bool turn(struct slow_link *self, struct end *listener, struct end *input) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(self->epoll, events, EVENTS, patience(self));
  if (count < 0 && errno != EINTR) die("epoll_wait");
  for (int i = 0; i < count; i++) {
    struct end *end = events[i].data.ptr;
    if (end == input) return false;
    if (end == listener)
      admit(self, listener->fd);
    else
      carry(self, end);
  }
  deliver_due(self);
  return true;
}

int main(int argc, char **argv) {
  struct slow_link self = {.epoll = epoll_create1(EPOLL_CLOEXEC), .random = 1};
  struct end input = {NULL, STDIN_FILENO}, listener = {NULL, -1};
  int port;
  if (argc < 4) return 2;
  self.port = atoi(argv[1]);
  self.delay = atof(argv[2]) / 1000;
  self.lost_per_mille = atoi(argv[3]);
  if (argc > 4) self.random = (unsigned)atoi(argv[4]);
  TAILQ_INIT(&self.parcels);
  listener.fd = listen_on(&port);
  watch(&self, &input);
  watch(&self, &listener);
  printf("%d\n", port);
  fflush(stdout);
  while (turn(&self, &listener, &input))
    ;
  printf("%zu requests, %zu lost\n", self.requests, self.lost);
  return 0;
}
