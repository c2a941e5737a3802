/* The rtnetlink socket: requests, batches, dumps and events, in any network
 * namespace. The kernel answers requests before send(2) returns, so nothing
 * here waits, except for events, whose waiting is the caller's. */
#ifndef ENI6_NETLINK_H
#define ENI6_NETLINK_H

#include "rtnl.h"

ENI6_PUBLIC_BEGIN

enum {
  ENI6_NETLINK_REQUEST_SIZE = 256, /* a dump's request, kept to be repeated */
  ENI6_NETLINK_BATCH_SIZE = 32768, /* bytes sent at once */
  ENI6_NETLINK_ATTEMPTS = 4,       /* dumps of something that keeps changing */
};

/* Zero-filled except for the descriptors, which are -1, it is closed. */
struct eni6_netlink {
  int fd;
  int netns; /* the namespace the socket is in, or -1: the opener's */
  uint32_t port;
  uint32_t sequence;    /* of the next request */
  uint32_t window;      /* answers that surely fit into the receive buffer */
  bool strict;          /* the kernel heeds filters of dumps */
  bool lost;            /* an answer did not fit (ENOBUFS) */
  bool dumping;         /* a dump was begun and is not read to its end */
  bool interrupted;     /* what is dumped changed meanwhile */
  unsigned attempts;    /* of this dump */
  uint32_t first, last; /* sequence numbers whose answers are awaited */
  uint8_t *buffer;
  size_t buffer_size, filled, at;
  uint8_t request[ENI6_NETLINK_REQUEST_SIZE];
  size_t request_size;
};

struct eni6_netlink_options {
  int netns;             /* a descriptor, which is duplicated; -1: the calling thread's */
  size_t receive_buffer; /* bytes of socket buffer; 0: 1 MiB */
  bool lenient;          /* behave as on a kernel without strict checking */
};

int eni6_netlink_open(struct eni6_netlink *netlink, const struct eni6_netlink_options *options,
                      struct eni6_error *error);

/* Safe twice, and on a closed one. */
void eni6_netlink_close(struct eni6_netlink *netlink);

/* Sends one request (its sequence number is filled in) and takes its answers:
 * see eni6_netlink_next. */
int eni6_netlink_send(struct eni6_netlink *netlink, uint8_t *request, size_t size,
                      struct eni6_error *error);

/* The next answer to what was sent last: 1; 0 when answers were lost and no more
 * will come; or an error. The message is good until the next call. */
int eni6_netlink_next(struct eni6_netlink *netlink, struct eni6_rtnl_message *message,
                      struct eni6_error *error);

/* Many requests, one behind the other in memory of the caller's. */
struct eni6_netlink_batch {
  uint8_t *bytes;
  size_t size;
  size_t sent, answered; /* offsets: what was sent, and what is answered of it */
  uint32_t sequence;     /* of the next answer */
  bool held;             /* `message` came before its turn */
  struct eni6_rtnl_message message;
};

/* Sends as much as may be outstanding, then gives the results in order, sending
 * the rest as there is room. 1: *request has the result *ack; 0: that was all;
 * or an error of the socket. When an answer is lost, the requests that have none are
 * -ENOBUFS: what became of them is not known. */
int eni6_netlink_batch_next(struct eni6_netlink *netlink, struct eni6_netlink_batch *batch,
                            struct eni6_rtnl_message *request, struct eni6_rtnl_ack *ack,
                            struct eni6_error *error);

/* Begins a dump with a request of eni6_rtnl_encode. */
int eni6_netlink_dump(struct eni6_netlink *netlink, const uint8_t *request, size_t size,
                      struct eni6_error *error);

enum { ENI6_NETLINK_RESTARTED = 2 };

/* The next record's message of a dump: 1; 0 at the end, and `interrupted` tells
 * whether it was changed under way to the last; ENI6_NETLINK_RESTARTED when it was
 * and another attempt begins: throw away what came so far; or an error. */
int eni6_netlink_dump_next(struct eni6_netlink *netlink, struct eni6_rtnl_message *message,
                           struct eni6_error *error);

/* Joins a group of events (RTNLGRP_…). */
int eni6_netlink_join(struct eni6_netlink *netlink, uint32_t group, struct eni6_error *error);

/* The next event: 1; 0 when none is there now; -ENOBUFS when some were lost,
 * after which only a dump tells what is. */
int eni6_netlink_event(struct eni6_netlink *netlink, struct eni6_rtnl_message *message,
                       struct eni6_error *error);

/* The index of a link in the socket's namespace, 0 when there is none. */
uint32_t eni6_netlink_index(const struct eni6_netlink *netlink, const char *name);

/* The name of a link in the socket's namespace; false when there is none. */
bool eni6_netlink_name(const struct eni6_netlink *netlink, uint32_t index,
                       char name[ENI6_RTNL_NAME_SIZE]);

ENI6_PUBLIC_END

#endif
