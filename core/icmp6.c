#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* struct in6_pktinfo */
#endif
#include "icmp6.h"

#include <errno.h>
#include <time.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "netns.h"
#include "system.h"

enum {
  HEADER = 8,       /* of an ICMPv6 message */
  IPV6_HEADER = 40, /* of the packet inside an error */
  IPV6_NEXT = 6,    /* offset of its next header */
  IPV6_DESTINATION = 24,
  ADVERT_SIZE = 24,
  NEIGHBOUR_HOPS = 255, /* else it came from beyond the link (RFC 4861, 7.1) */
  OPTION_TARGET = 2,    /* target link-layer address */
  PACKET_SIZE = 2048,   /* of an answer; the rest is of no interest */
  RECEIVE_BUFFER = 1 << 20,
};

/* --- messages ---------------------------------------------------------------------- */

void eni6_icmp6_write_echo(uint8_t *bytes, size_t size, const struct eni6_icmp6_key *key,
                           uint16_t sequence) {
  memset(bytes, 0, size);
  bytes[0] = ICMP6_ECHO_REQUEST;
  bytes[4] = (uint8_t)(key->id >> 8);
  bytes[5] = (uint8_t)key->id;
  bytes[6] = (uint8_t)(sequence >> 8);
  bytes[7] = (uint8_t)sequence;
  memcpy(bytes + HEADER, key->cookie, sizeof key->cookie);
}

size_t eni6_icmp6_write_solicit(uint8_t bytes[ENI6_ICMP6_SOLICIT_SIZE],
                                const struct eni6_ip6 *target, const uint8_t *mac) {
  memset(bytes, 0, ENI6_ICMP6_SOLICIT_SIZE);
  bytes[0] = ND_NEIGHBOR_SOLICIT;
  memcpy(bytes + HEADER, target->bytes, sizeof target->bytes);
  if (!mac) return HEADER + sizeof target->bytes;
  bytes[24] = ND_OPT_SOURCE_LINKADDR;
  bytes[25] = 1; /* in units of 8 bytes */
  memcpy(bytes + 26, mac, ENI6_ICMP6_MAC_SIZE);
  return ENI6_ICMP6_SOLICIT_SIZE;
}

/* Whether an echo message is of the key's; its sequence number goes to *answer. */
static bool is_ours(const uint8_t *bytes, size_t size, uint8_t type,
                    const struct eni6_icmp6_key *key, struct eni6_icmp6_answer *answer) {
  if (size < ENI6_ICMP6_ECHO_MIN || bytes[0] != type || bytes[1] != 0) return false;
  if (key->id >= 0 && (bytes[4] << 8 | bytes[5]) != key->id) return false;
  if (memcmp(bytes + HEADER, key->cookie, sizeof key->cookie) != 0) return false;
  answer->sequence = (uint16_t)(bytes[6] << 8 | bytes[7]);
  return true;
}

/* What RFC 4443's errors come to, as the kernel tells a TCP connection. */
static void explain(uint8_t type, uint8_t code, struct eni6_icmp6_answer *answer) {
  static const struct {
    int status;
    const char *reason;
  } unreachable[] = {
      {-ENETUNREACH, "no route to destination"},
      {-EACCES, "communication administratively prohibited"},
      {-EHOSTUNREACH, "beyond the scope of the source address"},
      {-EHOSTUNREACH, "address unreachable"},
      {-ECONNREFUSED, "port unreachable"},
      {-EACCES, "source address failed the policy"},
      {-EACCES, "route rejected"},
  };
  answer->status = -EHOSTUNREACH;
  answer->reason = "destination unreachable";
  if (type == ICMP6_DST_UNREACH && code < sizeof unreachable / sizeof *unreachable) {
    answer->status = unreachable[code].status;
    answer->reason = unreachable[code].reason;
  } else if (type == ICMP6_PACKET_TOO_BIG) {
    answer->status = -EMSGSIZE;
    answer->reason = "packet too big";
  } else if (type == ICMP6_TIME_EXCEEDED) {
    answer->reason = code == 0 ? "hop limit exceeded in transit" : "reassembly time exceeded";
  } else if (type == ICMP6_PARAM_PROB) {
    answer->status = -EPROTO;
    answer->reason = "parameter problem";
  }
}

/* An error holds the packet that it is about. */
static int read_error(const uint8_t *bytes, size_t size, const struct eni6_icmp6_key *key,
                      struct eni6_icmp6_answer *answer) {
  const uint8_t *packet = bytes + HEADER;
  if (size < HEADER + IPV6_HEADER || packet[0] >> 4 != 6) return 0;
  if (packet[IPV6_NEXT] != IPPROTO_ICMPV6) return 0;
  if (!is_ours(packet + IPV6_HEADER, size - HEADER - IPV6_HEADER, ICMP6_ECHO_REQUEST, key, answer))
    return 0;
  memcpy(answer->target.bytes, packet + IPV6_DESTINATION, sizeof answer->target.bytes);
  answer->kind = ENI6_ICMP6_ERROR;
  explain(bytes[0], bytes[1], answer);
  return 1;
}

/* The holder's link-layer address is an option of the advertisement. */
static void read_options(const uint8_t *bytes, size_t size, struct eni6_icmp6_answer *answer) {
  while (size >= 8 && bytes[1] != 0 && (size_t)bytes[1] * 8 <= size) {
    if (bytes[0] == OPTION_TARGET && bytes[1] == 1) {
      answer->has_mac = true;
      memcpy(answer->mac, bytes + 2, sizeof answer->mac);
      return;
    }
    size -= (size_t)bytes[1] * 8;
    bytes += (size_t)bytes[1] * 8;
  }
}

static int read_neighbour(const uint8_t *bytes, size_t size, int hop_limit,
                          struct eni6_icmp6_answer *answer) {
  if (size < ADVERT_SIZE || bytes[1] != 0 || hop_limit != NEIGHBOUR_HOPS) return 0;
  answer->kind = ENI6_ICMP6_NEIGHBOUR;
  answer->router = (bytes[4] & 0x80) != 0;
  answer->solicited = (bytes[4] & 0x40) != 0;
  memcpy(answer->target.bytes, bytes + HEADER, sizeof answer->target.bytes);
  read_options(bytes + ADVERT_SIZE, size - ADVERT_SIZE, answer);
  return 1;
}

int eni6_icmp6_read(const uint8_t *bytes, size_t size, const struct eni6_icmp6_key *key,
                    int hop_limit, struct eni6_icmp6_answer *answer) {
  if (size < HEADER) return 0;
  answer->has_mac = false;
  if (bytes[0] == ND_NEIGHBOR_ADVERT) return read_neighbour(bytes, size, hop_limit, answer);
  if (bytes[0] < 128) return read_error(bytes, size, key, answer);
  if (!is_ours(bytes, size, ICMP6_ECHO_REPLY, key, answer)) return 0;
  answer->kind = ENI6_ICMP6_REPLY;
  return 1;
}

/* --- opening ----------------------------------------------------------------------- */

static bool enable(int fd, int option) {
  int one = 1;
  return setsockopt(fd, IPPROTO_IPV6, option, &one, sizeof one) == 0;
}

/* A raw socket sees everything: only these pass. */
static void filter(int fd) {
  static const int passed[] = {ICMP6_DST_UNREACH, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED,
                               ICMP6_PARAM_PROB,  ICMP6_ECHO_REPLY,     ND_NEIGHBOR_ADVERT};
  struct icmp6_filter wanted;
  ICMP6_FILTER_SETBLOCKALL(&wanted);
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
    ICMP6_FILTER_SETPASS(passed[i], &wanted);
  setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &wanted, sizeof wanted);
}

static int open_socket(struct eni6_icmp6 *icmp6, const struct eni6_icmp6_options *options,
                       struct eni6_error *error) {
  int fd = -EPERM;
  if (!options->unprivileged)
    fd = eni6_netns_socket(options->netns, AF_INET6, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMPV6,
                           error);
  icmp6->raw = fd >= 0;
  if (fd == -EPERM || fd == -EACCES)
    fd = eni6_netns_socket(options->netns, AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_ICMPV6,
                           error);
  if (fd == -EACCES || fd == -EPERM)
    return eni6_error_set(error, fd,
                          "no ICMPv6 socket: run as root, or let the group have one with the "
                          "sysctl net.ipv4.ping_group_range");
  return fd;
}

static int set_up(struct eni6_icmp6 *icmp6, const struct eni6_icmp6_options *options,
                  struct eni6_error *error) {
  int bytes = RECEIVE_BUFFER;
  if (icmp6->raw)
    filter(icmp6->fd);
  else
    enable(icmp6->fd, IPV6_RECVERR);
  enable(icmp6->fd, IPV6_RECVHOPLIMIT);
  enable(icmp6->fd, IPV6_RECVPKTINFO);
  if (setsockopt(icmp6->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(icmp6->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (options->link && setsockopt(icmp6->fd, SOL_SOCKET, SO_BINDTODEVICE, options->link,
                                  (socklen_t)strlen(options->link)) < 0)
    return eni6_error_system(error, errno, "cannot use the link %s", options->link);
  if (!options->source) return 0;
  struct sockaddr_in6 source = {.sin6_family = AF_INET6};
  memcpy(&source.sin6_addr, options->source->bytes, sizeof source.sin6_addr);
  if (bind(icmp6->fd, (struct sockaddr *)&source, sizeof source) == 0) return 0;
  return eni6_error_system(error, errno, "cannot send from that source address");
}

int eni6_icmp6_open(struct eni6_icmp6 *icmp6, const struct eni6_icmp6_options *options,
                    struct eni6_error *error) {
  uint16_t id;
  icmp6->fd = open_socket(icmp6, options, error);
  if (icmp6->fd < 0) {
    int status = icmp6->fd;
    icmp6->fd = -1;
    return status;
  }
  int status = eni6_system_random(icmp6->key.cookie, sizeof icmp6->key.cookie, error);
  if (status == 0) status = eni6_system_random(&id, sizeof id, error);
  if (status == 0) status = set_up(icmp6, options, error);
  if (status < 0)
    eni6_icmp6_close(icmp6);
  else
    icmp6->key.id = icmp6->raw ? id : -1;
  return status;
}

void eni6_icmp6_close(struct eni6_icmp6 *icmp6) {
  if (icmp6->fd >= 0) close(icmp6->fd);
  icmp6->fd = -1;
}

/* --- sending ----------------------------------------------------------------------- */

/* Room for one control message that holds an int. */
union control {
  struct cmsghdr header;
  uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

static int transmit(struct eni6_icmp6 *icmp6, const struct eni6_ip6 *target, uint32_t scope,
                    int hop_limit, struct iovec *part, struct eni6_error *error) {
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = scope};
  union control control = {.header = {.cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_HOPLIMIT}};
  struct msghdr message = {
      .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = part, .msg_iovlen = 1};
  char text[ENI6_IP6_TEXT_SIZE];
  memcpy(&to.sin6_addr, target->bytes, sizeof to.sin6_addr);
  if (hop_limit > 0) {
    control.header.cmsg_len = CMSG_LEN(sizeof hop_limit);
    memcpy(CMSG_DATA(&control.header), &hop_limit, sizeof hop_limit);
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
  }
  ssize_t sent;
  do
    sent = sendmsg(icmp6->fd, &message, 0);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return 0;
  int number = errno;
  eni6_ip6_format(target, text);
  return eni6_error_system(error, number, "cannot send to %s", text);
}

int eni6_icmp6_send(struct eni6_icmp6 *icmp6, const struct eni6_icmp6_echo *echo,
                    struct eni6_error *error) {
  uint8_t bytes[ENI6_ICMP6_ECHO_MAX];
  size_t size = echo->size ? echo->size : ENI6_ICMP6_ECHO_MIN;
  if (size < ENI6_ICMP6_ECHO_MIN || size > sizeof bytes)
    return eni6_error_set(error, -EMSGSIZE, "an echo request is of %d to %d bytes",
                          ENI6_ICMP6_ECHO_MIN, ENI6_ICMP6_ECHO_MAX);
  eni6_icmp6_write_echo(bytes, size, &icmp6->key, echo->sequence);
  struct iovec part = {bytes, size};
  return transmit(icmp6, &echo->target, echo->scope, echo->hop_limit, &part, error);
}

uint32_t eni6_icmp6_link(const struct eni6_icmp6 *icmp6, const char *name) {
  struct ifreq request = {0};
  size_t size = strlen(name);
  if (size == 0 || size >= sizeof request.ifr_name) return 0;
  memcpy(request.ifr_name, name, size);
  return ioctl(icmp6->fd, SIOCGIFINDEX, &request) < 0 ? 0 : (uint32_t)request.ifr_ifindex;
}

/* The link's hardware address, where it is one of Ethernet. */
static bool read_mac(const struct eni6_icmp6 *icmp6, const char *link,
                     uint8_t mac[ENI6_ICMP6_MAC_SIZE]) {
  struct ifreq request = {0};
  memcpy(request.ifr_name, link, strlen(link));
  if (ioctl(icmp6->fd, SIOCGIFHWADDR, &request) < 0) return false;
  memcpy(mac, request.ifr_hwaddr.sa_data, ENI6_ICMP6_MAC_SIZE);
  return request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

int eni6_icmp6_solicit(struct eni6_icmp6 *icmp6, const struct eni6_ip6 *target, const char *link,
                       struct eni6_error *error) {
  uint8_t bytes[ENI6_ICMP6_SOLICIT_SIZE], mac[ENI6_ICMP6_MAC_SIZE];
  if (!icmp6->raw)
    return eni6_error_set(error, -EOPNOTSUPP,
                          "asking for neighbours needs a raw socket: run as root");
  uint32_t index = eni6_icmp6_link(icmp6, link);
  if (index == 0) return eni6_error_set(error, -ENODEV, "there is no link \"%s\"", link);
  struct eni6_ip6 group = eni6_ip6_solicited_node(target);
  bool has_mac = read_mac(icmp6, link, mac);
  size_t size = eni6_icmp6_write_solicit(bytes, target, has_mac ? mac : NULL);
  struct iovec part = {bytes, size};
  return transmit(icmp6, &group, index, NEIGHBOUR_HOPS, &part, error);
}

/* --- receiving --------------------------------------------------------------------- */

/* What came with a message: hop limit and link, and an error of a ping socket's. */
struct circumstances {
  int hop_limit;
  uint32_t link;
  bool failed;
  struct sock_extended_err error;
  struct sockaddr_in6 offender;
};

static void read_control(struct msghdr *message, struct circumstances *seen) {
  struct in6_pktinfo info;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
    size_t size = part->cmsg_len - CMSG_LEN(0);
    if (part->cmsg_level != IPPROTO_IPV6) continue;
    if (part->cmsg_type == IPV6_HOPLIMIT && size >= sizeof seen->hop_limit) {
      memcpy(&seen->hop_limit, CMSG_DATA(part), sizeof seen->hop_limit);
    } else if (part->cmsg_type == IPV6_PKTINFO && size >= sizeof info) {
      memcpy(&info, CMSG_DATA(part), sizeof info);
      seen->link = info.ipi6_ifindex;
    } else if (part->cmsg_type == IPV6_RECVERR && size >= sizeof seen->error) {
      seen->failed = true;
      memcpy(&seen->error, CMSG_DATA(part), sizeof seen->error);
      if (size >= sizeof seen->error + sizeof seen->offender)
        memcpy(&seen->offender, CMSG_DATA(part) + sizeof seen->error, sizeof seen->offender);
    }
  }
}

/* Receives one message: its size, 0 when there is none, or an error. */
static ssize_t take(int fd, int flags, uint8_t *bytes, struct sockaddr_in6 *from,
                    struct circumstances *seen, struct eni6_error *error) {
  union {
    struct cmsghdr header;
    uint8_t bytes[512];
  } control;
  struct iovec part = {bytes, PACKET_SIZE};
  struct msghdr message = {.msg_name = from,
                           .msg_namelen = sizeof *from,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  memset(seen, 0, sizeof *seen);
  seen->hop_limit = -1;
  ssize_t size;
  do
    size = recvmsg(fd, &message, flags);
  while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return 0;
  if (size < 0) return eni6_error_system(error, errno, "cannot receive ICMPv6");
  read_control(&message, seen);
  return size;
}

/* An error that the kernel keeps for a ping socket, beside the request it is about. */
static int receive_error(struct eni6_icmp6 *icmp6, struct eni6_icmp6_answer *answer) {
  uint8_t bytes[PACKET_SIZE];
  struct sockaddr_in6 target = {0};
  struct circumstances seen;
  ssize_t size;
  while ((size = take(icmp6->fd, MSG_ERRQUEUE, bytes, &target, &seen, NULL)) > 0) {
    if (!seen.failed || seen.error.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
    if (!is_ours(bytes, (size_t)size, ICMP6_ECHO_REQUEST, &icmp6->key, answer)) continue;
    answer->kind = ENI6_ICMP6_ERROR;
    explain(seen.error.ee_type, seen.error.ee_code, answer);
    memcpy(answer->from.bytes, &seen.offender.sin6_addr, sizeof answer->from.bytes);
    memcpy(answer->target.bytes, &target.sin6_addr, sizeof answer->target.bytes);
    return 1;
  }
  return 0;
}

int eni6_icmp6_receive(struct eni6_icmp6 *icmp6, struct eni6_icmp6_answer *answer,
                       struct eni6_error *error) {
  uint8_t bytes[PACKET_SIZE];
  struct sockaddr_in6 from = {0};
  struct circumstances seen;
  memset(answer, 0, sizeof *answer);
  answer->hop_limit = -1;
  if (!icmp6->raw && receive_error(icmp6, answer)) return 1;
  for (;;) {
    ssize_t size = take(icmp6->fd, 0, bytes, &from, &seen, error);
    /* What a ping socket fails with is also in its queue of errors. */
    if (size < 0 && !icmp6->raw && receive_error(icmp6, answer)) return 1;
    if (size <= 0) return (int)size;
    memcpy(answer->from.bytes, &from.sin6_addr, sizeof answer->from.bytes);
    answer->target = answer->from;
    answer->hop_limit = seen.hop_limit;
    answer->link = seen.link;
    if (eni6_icmp6_read(bytes, (size_t)size, &icmp6->key, seen.hop_limit, answer)) return 1;
  }
}
