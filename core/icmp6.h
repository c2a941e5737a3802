/* ICMPv6 echo (RFC 4443) and neighbour solicitation (RFC 4861), to prove that
 * somebody is there: many targets on one socket, in any network namespace, and
 * never waiting. Which answer belongs to which question is told by a sequence
 * number of the caller's. */
#ifndef ENI6_ICMP6_H
#define ENI6_ICMP6_H

#include <stdbool.h>
#include <stdint.h>

#include "ip6.h"

ENI6_PUBLIC_BEGIN

enum { ENI6_ICMP6_ECHO_MIN = 16, ENI6_ICMP6_ECHO_MAX = 9216, ENI6_ICMP6_MAC_SIZE = 6 };

/* What makes an answer ours: the identifier, and a random number in the payload. */
struct eni6_icmp6_key {
  int id; /* -1: the kernel's choice, and its to check */
  uint8_t cookie[8];
};

/* Closed, its descriptor is -1. */
struct eni6_icmp6 {
  int fd;
  bool raw; /* else a ping socket, which can only echo */
  struct eni6_icmp6_key key;
};

struct eni6_icmp6_options {
  int netns;                     /* a descriptor; -1: the calling thread's */
  const char *link;              /* send and receive on this link alone, or NULL */
  const struct eni6_ip6 *source; /* send from this address, or NULL: the kernel's choice */
  bool unprivileged;             /* a ping socket, even where a raw one is allowed */
};

/* A raw socket, or where that is not allowed a ping socket (the sysctl
 * net.ipv4.ping_group_range says whose group may have one). */
int eni6_icmp6_open(struct eni6_icmp6 *icmp6, const struct eni6_icmp6_options *options,
                    struct eni6_error *error);

/* Safe twice, and on a closed one. */
void eni6_icmp6_close(struct eni6_icmp6 *icmp6);

/* The index of a link in the socket's namespace, 0 when there is none. */
uint32_t eni6_icmp6_link(const struct eni6_icmp6 *icmp6, const char *name);

struct eni6_icmp6_echo {
  struct eni6_ip6 target;
  uint32_t scope; /* index of the link, for a link-local target; else 0 */
  uint16_t sequence;
  uint16_t size;     /* of the ICMPv6 message, within ECHO_MIN and ECHO_MAX; 0: the minimum */
  uint8_t hop_limit; /* 0: the kernel's */
};

/* Sends an echo request. 0, -EAGAIN when the socket's buffer is full, or why the
 * kernel refused it: -ENETUNREACH when there is no route. */
int eni6_icmp6_send(struct eni6_icmp6 *icmp6, const struct eni6_icmp6_echo *echo,
                    struct eni6_error *error);

/* Asks on a link for the holder of an address, at the address's multicast group.
 * -EOPNOTSUPP on a ping socket. */
int eni6_icmp6_solicit(struct eni6_icmp6 *icmp6, const struct eni6_ip6 *target, const char *link,
                       struct eni6_error *error);

enum eni6_icmp6_kind {
  ENI6_ICMP6_REPLY,
  ENI6_ICMP6_ERROR,     /* a router, or this host, could not deliver */
  ENI6_ICMP6_NEIGHBOUR, /* the holder of an address, or its proxy */
};

struct eni6_icmp6_answer {
  enum eni6_icmp6_kind kind;
  uint16_t sequence;      /* of a reply and an error */
  struct eni6_ip6 from;   /* who sent the answer */
  struct eni6_ip6 target; /* who was asked; of a reply it is `from` */
  uint32_t link;          /* index of the link it came in on, 0: unknown */
  int hop_limit;          /* what was left of it, -1: unknown */
  int status;             /* of an error: what a TCP connection would fail with */
  const char *reason;     /* of an error, in RFC 4443's words */
  bool router, solicited; /* flags of a neighbour */
  bool has_mac;
  uint8_t mac[ENI6_ICMP6_MAC_SIZE]; /* of a neighbour */
};

/* The next answer that is ours: 1; 0 when none is there now; or an error. */
int eni6_icmp6_receive(struct eni6_icmp6 *icmp6, struct eni6_icmp6_answer *answer,
                       struct eni6_error *error);

/* --- the messages themselves, without a system call ---------------------------------- */

/* Writes an echo request of `size` bytes at least ENI6_ICMP6_ECHO_MIN; the kernel
 * fills the checksum in. */
void eni6_icmp6_write_echo(uint8_t *bytes, size_t size, const struct eni6_icmp6_key *key,
                           uint16_t sequence);

enum { ENI6_ICMP6_SOLICIT_SIZE = 32 };

/* Writes a neighbour solicitation; returns its size. `mac` is the asker's, or NULL. */
size_t eni6_icmp6_write_solicit(uint8_t bytes[ENI6_ICMP6_SOLICIT_SIZE],
                                const struct eni6_ip6 *target, const uint8_t *mac);

/* Reads a message: 1 when it is an answer to something of the key's, and `from`,
 * `link` and `hop_limit` of *answer are left alone; else 0. */
int eni6_icmp6_read(const uint8_t *bytes, size_t size, const struct eni6_icmp6_key *key,
                    int hop_limit, struct eni6_icmp6_answer *answer);

ENI6_PUBLIC_END

#endif
