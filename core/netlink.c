#include "netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns.h"
#include "system.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum {
  HEADER = sizeof(struct nlmsghdr),
  BUFFER_SIZE = 65536, /* the kernel fills up to 32 KiB of a dump at a time */
  RECEIVE_BUFFER = 1 << 20,
  ACK_COST = 832,  /* of the socket's buffer, measured; half of it is left free */
  PATIENCE = 5000, /* ms for an answer that should be there already */
  LAST_SEQUENCE = 0x7fffffff,
};

/* --- opening ---------------------------------------------------------------------- */

/* A switch that old kernels may lack. */
static bool enable(int fd, int option) {
  int one = 1;
  return setsockopt(fd, SOL_NETLINK, option, &one, sizeof one) == 0;
}

/* Asks for a buffer, beyond the system's limit where that is allowed. Returns
 * how many acks fit into half of what was given. */
static uint32_t size_buffer(int fd, size_t wanted) {
  int bytes = wanted > INT32_MAX / 2 ? INT32_MAX / 2 : (int)wanted;
  socklen_t size = sizeof bytes;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size) < 0) return 1;
  uint32_t window = (uint32_t)bytes / ACK_COST / 2;
  return window ? window : 1;
}

static int set_up(struct eni6_netlink *netlink, const struct eni6_netlink_options *options,
                  struct eni6_error *error) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  socklen_t size = sizeof address;
  if (bind(netlink->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
      getsockname(netlink->fd, (struct sockaddr *)&address, &size) < 0)
    return eni6_error_system(error, errno, "cannot bind the netlink socket");
  netlink->port = address.nl_pid;
  netlink->sequence = 1;
  enable(netlink->fd, NETLINK_EXT_ACK);
  enable(netlink->fd, NETLINK_CAP_ACK);
  netlink->strict = !options->lenient && enable(netlink->fd, NETLINK_GET_STRICT_CHK);
  netlink->window =
      size_buffer(netlink->fd, options->receive_buffer ? options->receive_buffer : RECEIVE_BUFFER);
  netlink->buffer = malloc(BUFFER_SIZE);
  if (!netlink->buffer) return eni6_error_set(error, -ENOMEM, "no memory for the netlink socket");
  netlink->buffer_size = BUFFER_SIZE;
  return 0;
}

int eni6_netlink_open(struct eni6_netlink *netlink, const struct eni6_netlink_options *options,
                      struct eni6_error *error) {
  memset(netlink, 0, sizeof *netlink);
  netlink->netns = options->netns < 0 ? -1 : fcntl(options->netns, F_DUPFD_CLOEXEC, 0);
  netlink->fd = -1;
  if (options->netns >= 0 && netlink->netns < 0)
    return eni6_error_system(error, errno, "cannot keep the network namespace");
  int fd = eni6_netns_socket(netlink->netns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, error);
  netlink->fd = fd < 0 ? -1 : fd;
  int status = fd < 0 ? fd : set_up(netlink, options, error);
  if (status < 0) eni6_netlink_close(netlink);
  return status;
}

void eni6_netlink_close(struct eni6_netlink *netlink) {
  if (netlink->fd >= 0) close(netlink->fd);
  if (netlink->netns >= 0) close(netlink->netns);
  free(netlink->buffer);
  netlink->fd = netlink->netns = -1;
  netlink->buffer = NULL;
  netlink->buffer_size = netlink->filled = netlink->at = 0;
}

/* --- sending and receiving ----------------------------------------------------------- */

static int transmit(struct eni6_netlink *netlink, const uint8_t *bytes, size_t size,
                    struct eni6_error *error) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  ssize_t sent;
  do
    sent = sendto(netlink->fd, bytes, size, 0, (struct sockaddr *)&kernel, sizeof kernel);
  while (sent < 0 && errno == EINTR);
  if (sent == (ssize_t)size) return 0;
  return eni6_error_system(error, sent < 0 ? errno : EMSGSIZE, "cannot send to netlink");
}

/* A buffer that was too small is made large enough for the next time. */
static int too_small(struct eni6_netlink *netlink, size_t needed, struct eni6_error *error) {
  uint8_t *larger = realloc(netlink->buffer, needed);
  if (!larger) return eni6_error_set(error, -ENOMEM, "no memory for a netlink message");
  netlink->buffer = larger;
  netlink->buffer_size = needed;
  return eni6_error_set(error, -EMSGSIZE, "a netlink message was larger than the buffer");
}

/* Receives what is there from the kernel: 1, 0 when nothing is. */
static int receive(struct eni6_netlink *netlink, struct eni6_error *error) {
  for (;;) {
    struct sockaddr_nl from = {0};
    socklen_t from_size = sizeof from;
    ssize_t size = recvfrom(netlink->fd, netlink->buffer, netlink->buffer_size,
                            MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &from_size);
    netlink->filled = netlink->at = 0;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return 0;
    if (size < 0) return eni6_error_system(error, errno, "cannot receive from netlink");
    if ((size_t)size > netlink->buffer_size) return too_small(netlink, (size_t)size, error);
    if (from.nl_pid != 0) continue; /* another process, not the kernel */
    netlink->filled = (size_t)size;
    return 1;
  }
}

/* Waits for an answer that should have been there: not for ever, in case that a
 * kernel gives none. */
static int wait_for_answer(struct eni6_netlink *netlink, double deadline,
                           struct eni6_error *error) {
  struct pollfd entry = {.fd = netlink->fd, .events = POLLIN};
  double left = deadline - eni6_system_monotonic();
  if (left > 0 && (poll(&entry, 1, (int)(left * 1000) + 1) >= 0 || errno == EINTR)) return 0;
  return eni6_error_set(error, -ETIMEDOUT, "the kernel did not answer a netlink request");
}

/* Receives more, come what may. 1, or 0 when answers are known to be lost. */
static int receive_answer(struct eni6_netlink *netlink, struct eni6_error *error) {
  double deadline = 0;
  for (;;) {
    int status = receive(netlink, error);
    if (status == -ENOBUFS) netlink->lost = true;
    if (status != 0 && status != -ENOBUFS) return status;
    if (status == 0 && netlink->lost) return 0;
    if (deadline == 0) deadline = eni6_system_monotonic() + PATIENCE / 1000.0;
    if (status == 0 && (status = wait_for_answer(netlink, deadline, error)) < 0) return status;
  }
}

static bool awaited(const struct eni6_netlink *netlink, const struct eni6_rtnl_message *message) {
  return message->port == netlink->port &&
         message->sequence - netlink->first <= netlink->last - netlink->first;
}

int eni6_netlink_next(struct eni6_netlink *netlink, struct eni6_rtnl_message *message,
                      struct eni6_error *error) {
  for (;;) {
    int status;
    while ((status = eni6_rtnl_next(netlink->buffer, netlink->filled, &netlink->at, message)) > 0)
      if (awaited(netlink, message)) return 1;
    if (status < 0) {
      netlink->filled = netlink->at = 0;
      return eni6_error_set(error, status, "the kernel sent a malformed netlink message");
    }
    status = receive_answer(netlink, error);
    if (status <= 0) return status;
  }
}

/* Reads an abandoned dump to its end: the kernel runs one at a time on a socket. */
static void finish_dump(struct eni6_netlink *netlink) {
  struct eni6_rtnl_message message;
  for (int status = 1; netlink->dumping && (status > 0 || status == -EMSGSIZE);) {
    status = eni6_netlink_next(netlink, &message, NULL);
    if (status > 0 && (message.type == NLMSG_DONE || message.type == NLMSG_ERROR)) break;
  }
  netlink->dumping = false;
}

/* Sequence numbers for `count` requests; what came for earlier ones is dropped. */
static void take_sequence(struct eni6_netlink *netlink, uint32_t count) {
  if (netlink->sequence > LAST_SEQUENCE - count) netlink->sequence = 1;
  netlink->first = netlink->sequence;
  netlink->last = netlink->first + count - 1;
  netlink->sequence += count;
  netlink->filled = netlink->at = 0;
  netlink->lost = false;
}

static void stamp(uint8_t *message, uint32_t sequence) {
  memcpy(message + offsetof(struct nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
}

/* Has the kernel answer a request when it succeeds, too. */
static void want_ack(uint8_t *message, bool wanted) {
  struct nlmsghdr header;
  memcpy(&header, message, sizeof header);
  header.nlmsg_flags &= (uint16_t)~NLM_F_ACK;
  if (wanted) header.nlmsg_flags |= NLM_F_ACK;
  memcpy(message, &header, sizeof header);
}

int eni6_netlink_send(struct eni6_netlink *netlink, uint8_t *request, size_t size,
                      struct eni6_error *error) {
  finish_dump(netlink);
  take_sequence(netlink, 1);
  stamp(request, netlink->first);
  return transmit(netlink, request, size, error);
}

/* --- batches ------------------------------------------------------------------------ */

/* Sends the next messages, as many as their answers surely fit. The last of them
 * is answered whatever becomes of it, the others only when they fail: acks are a
 * third of all the work. */
static int send_window(struct eni6_netlink *netlink, struct eni6_netlink_batch *batch,
                       struct eni6_error *error) {
  struct eni6_rtnl_message message;
  size_t end = batch->sent, next = batch->sent;
  uint32_t count = 0;
  int status = 0;
  while (count < netlink->window &&
         (status = eni6_rtnl_next(batch->bytes, batch->size, &next, &message)) > 0) {
    if (count && next - batch->sent > ENI6_NETLINK_BATCH_SIZE) break;
    end = next;
    count++;
  }
  if (status < 0) return eni6_error_set(error, status, "the batch holds no netlink messages");
  take_sequence(netlink, count);
  batch->sequence = netlink->first;
  uint32_t sequence = netlink->first;
  for (next = batch->sent; next < end; sequence++) {
    stamp(batch->bytes + next, sequence);
    want_ack(batch->bytes + next, sequence == netlink->last);
    eni6_rtnl_next(batch->bytes, batch->size, &next, &message);
  }
  size_t start = batch->sent;
  batch->sent = end > batch->size ? batch->size : end;
  return transmit(netlink, batch->bytes + start, batch->sent - start, error);
}

/* The result of the request whose turn it is. An answer that comes for a later one
 * is held: this one was not answered, so that it succeeded, unless answers are known
 * to be lost. The kernel tells so before it gives any of those that it has. */
static int take_ack(struct eni6_netlink *netlink, struct eni6_netlink_batch *batch,
                    struct eni6_rtnl_ack *ack, struct eni6_error *error) {
  int status = 1;
  while (!batch->held && (status = eni6_netlink_next(netlink, &batch->message, error)) > 0)
    batch->held = batch->message.type == NLMSG_ERROR;
  if (status < 0) return status;
  memset(ack, 0, sizeof *ack);
  if (netlink->lost) ack->status = -ENOBUFS;
  if (batch->held && batch->message.sequence == batch->sequence) {
    batch->held = false;
    status = eni6_rtnl_decode_ack(&batch->message, ack);
    if (status < 0) return eni6_error_set(error, status, "the kernel sent a malformed ack");
  }
  batch->sequence++;
  return 1;
}

int eni6_netlink_batch_next(struct eni6_netlink *netlink, struct eni6_netlink_batch *batch,
                            struct eni6_rtnl_message *request, struct eni6_rtnl_ack *ack,
                            struct eni6_error *error) {
  if (batch->answered >= batch->size) return 0;
  if (batch->answered == batch->sent) {
    finish_dump(netlink);
    batch->held = false;
    int status = send_window(netlink, batch, error);
    if (status < 0) return status;
  }
  int status = take_ack(netlink, batch, ack, error);
  if (status < 0) return status;
  return eni6_rtnl_next(batch->bytes, batch->size, &batch->answered, request);
}

/* --- dumps -------------------------------------------------------------------------- */

/* Sends the kept request: the first time, or once more. */
static int begin_dump(struct eni6_netlink *netlink, struct eni6_error *error) {
  finish_dump(netlink);
  take_sequence(netlink, 1);
  stamp(netlink->request, netlink->first);
  netlink->interrupted = false;
  netlink->attempts++;
  int status = transmit(netlink, netlink->request, netlink->request_size, error);
  netlink->dumping = status == 0;
  return status;
}

int eni6_netlink_dump(struct eni6_netlink *netlink, const uint8_t *request, size_t size,
                      struct eni6_error *error) {
  if (size > sizeof netlink->request)
    return eni6_error_set(error, -EMSGSIZE, "the request for a dump is too large");
  memcpy(netlink->request, request, size);
  netlink->request_size = size;
  netlink->attempts = 0;
  return begin_dump(netlink, error);
}

/* The dump is over, or its request was refused. */
static int end_dump(struct eni6_netlink *netlink, const struct eni6_rtnl_message *message,
                    struct eni6_error *error) {
  struct eni6_rtnl_ack ack;
  netlink->dumping = false;
  if (eni6_rtnl_decode_ack(message, &ack) < 0)
    return eni6_error_set(error, -EBADMSG, "the kernel ended a dump with a malformed message");
  if (ack.status < 0) {
    size_t at = 0;
    struct eni6_rtnl_message request;
    eni6_rtnl_next(netlink->request, netlink->request_size, &at, &request);
    return eni6_rtnl_explain(&request, &ack, error);
  }
  if (!netlink->interrupted || netlink->attempts >= ENI6_NETLINK_ATTEMPTS) return 0;
  int status = begin_dump(netlink, error);
  return status < 0 ? status : ENI6_NETLINK_RESTARTED;
}

int eni6_netlink_dump_next(struct eni6_netlink *netlink, struct eni6_rtnl_message *message,
                           struct eni6_error *error) {
  for (;;) {
    int status = eni6_netlink_next(netlink, message, error);
    if (status == -EMSGSIZE) {
      netlink->interrupted = true; /* one was cut off: read on, then begin again */
      continue;
    }
    if (status == 0) return eni6_error_set(error, -ENOBUFS, "netlink lost part of a dump");
    if (status < 0) return status;
    if (message->flags & NLM_F_DUMP_INTR) netlink->interrupted = true;
    if (message->type == NLMSG_DONE || message->type == NLMSG_ERROR)
      return end_dump(netlink, message, error);
    if (message->type >= NLMSG_MIN_TYPE) return 1;
  }
}

/* --- events ------------------------------------------------------------------------- */

int eni6_netlink_join(struct eni6_netlink *netlink, uint32_t group, struct eni6_error *error) {
  if (setsockopt(netlink->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0)
    return 0;
  return eni6_error_system(error, errno, "cannot join netlink's group %u", group);
}

int eni6_netlink_event(struct eni6_netlink *netlink, struct eni6_rtnl_message *message,
                       struct eni6_error *error) {
  for (;;) {
    int status = eni6_rtnl_next(netlink->buffer, netlink->filled, &netlink->at, message);
    if (status < 0) netlink->filled = netlink->at = 0;
    if (status != 0) return status;
    status = receive(netlink, error);
    if (status == -EMSGSIZE) status = -ENOBUFS; /* an event was cut off: as good as lost */
    if (status <= 0) return status;
  }
}

/* --- names -------------------------------------------------------------------------- */

uint32_t eni6_netlink_index(const struct eni6_netlink *netlink, const char *name) {
  struct ifreq request = {0};
  size_t size = strlen(name);
  if (size == 0 || size >= sizeof request.ifr_name) return 0;
  memcpy(request.ifr_name, name, size);
  return ioctl(netlink->fd, SIOCGIFINDEX, &request) < 0 ? 0 : (uint32_t)request.ifr_ifindex;
}

bool eni6_netlink_name(const struct eni6_netlink *netlink, uint32_t index,
                       char name[ENI6_RTNL_NAME_SIZE]) {
  struct ifreq request = {.ifr_ifindex = (int)index};
  if (ioctl(netlink->fd, SIOCGIFNAME, &request) < 0) return false;
  memcpy(name, request.ifr_name, ENI6_RTNL_NAME_SIZE);
  name[ENI6_RTNL_NAME_SIZE - 1] = '\0';
  return true;
}
