/* The bare loop: rtnetlink with nothing around it. Messages are written straight
 * into a buffer of 32 KiB, sent, and every one of them acked. Prints the seconds
 * of CPU that it took, the kernel's part included.
 *
 * usage: netlink_peer add|delete address|route FILE LINK FLAGS   one address or prefix a line
 *                                                            (FLAGS of addresses)
 *        netlink_peer walk|text address|route                a dump: its attributes found,
 *                                                            or its addresses made text too
 *        netlink_peer run PROGRAM…                           another program */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32768, NLM_ADD = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL };

static int fd;
static char out[BATCH + 1024], in[65536];
static size_t used;
static unsigned pending, window = 1000, flags;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* Sends what there is and reads as many acks. */
static void flush(void) {
  if (send(fd, out, used, 0) < 0) die("send");
  while (pending) {
    ssize_t size = recv(fd, in, sizeof in, 0);
    if (size < 0) die("recv");
    for (struct nlmsghdr *h = (void *)in; NLMSG_OK(h, (unsigned)size); h = NLMSG_NEXT(h, size)) {
      const struct nlmsgerr *error = NLMSG_DATA(h);
      if (error->error) fprintf(stderr, "refused: %s\n", strerror(-error->error)), exit(1);
      pending--;
    }
  }
  used = 0;
}

static void *put(struct nlmsghdr *header, unsigned short type, const void *data, size_t size) {
  struct rtattr *attribute = (void *)((char *)header + NLMSG_ALIGN(header->nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = (unsigned short)RTA_LENGTH(size);
  memcpy(RTA_DATA(attribute), data, size);
  header->nlmsg_len = (unsigned)(NLMSG_ALIGN(header->nlmsg_len) + RTA_ALIGN(attribute->rta_len));
  return attribute;
}

static struct nlmsghdr *begin(unsigned short type, unsigned short flags, size_t body) {
  struct nlmsghdr *header = (void *)(out + used);
  memset(header, 0, NLMSG_LENGTH(body));
  header->nlmsg_len = (unsigned)NLMSG_LENGTH(body);
  header->nlmsg_type = type;
  header->nlmsg_flags = flags;
  return header;
}

static void change_address(int delete, const unsigned char *ip, int length, unsigned link) {
  struct nlmsghdr *header =
      begin(delete ? RTM_DELADDR : RTM_NEWADDR, delete ? NLM_F_REQUEST | NLM_F_ACK : NLM_ADD,
            sizeof(struct ifaddrmsg));
  struct ifaddrmsg *body = NLMSG_DATA(header);
  body->ifa_family = AF_INET6;
  body->ifa_prefixlen = (unsigned char)length;
  body->ifa_index = link;
  put(header, IFA_LOCAL, ip, 16);
  if (!delete) put(header, IFA_FLAGS, &flags, sizeof flags);
  used += header->nlmsg_len;
}

static void change_route(int delete, const unsigned char *ip, int length, unsigned link) {
  struct nlmsghdr *header =
      begin(delete ? RTM_DELROUTE : RTM_NEWROUTE, delete ? NLM_F_REQUEST | NLM_F_ACK : NLM_ADD,
            sizeof(struct rtmsg));
  struct rtmsg *body = NLMSG_DATA(header);
  body->rtm_family = AF_INET6;
  body->rtm_dst_len = (unsigned char)length;
  body->rtm_table = RT_TABLE_MAIN;
  body->rtm_protocol = RTPROT_STATIC;
  body->rtm_type = RTN_UNICAST;
  put(header, RTA_DST, ip, 16);
  put(header, RTA_OIF, &link, sizeof link);
  used += header->nlmsg_len;
}

static void change_all(int delete, int route, FILE *file, unsigned link) {
  char line[128];
  while (fgets(line, sizeof line, file)) {
    unsigned char ip[16];
    char *slash = strchr(line, '/');
    *slash = '\0';
    if (inet_pton(AF_INET6, line, ip) != 1) die("address");
    (route ? change_route : change_address)(delete, ip, atoi(slash + 1), link);
    pending++;
    if (used >= BATCH - 256 || pending >= window) flush();
  }
  if (pending) flush();
}

/* Finds the attributes of a message, and with `text` makes its addresses text. */
static size_t read_message(const struct nlmsghdr *header, size_t body, int text) {
  const struct rtattr *found[64] = {0};
  char shown[INET6_ADDRSTRLEN];
  size_t sum = 0;
  int left = (int)(header->nlmsg_len - NLMSG_LENGTH(body));
  for (struct rtattr *a = (void *)((char *)NLMSG_DATA(header) + NLMSG_ALIGN(body)); RTA_OK(a, left);
       a = RTA_NEXT(a, left))
    if (a->rta_type < 64) found[a->rta_type] = a;
  for (int i = 0; text && i < 16; i++)
    if (found[i] && RTA_PAYLOAD(found[i]) == 16)
      sum += strlen(inet_ntop(AF_INET6, RTA_DATA(found[i]), shown, sizeof shown));
  return sum;
}

static unsigned dump(int route, int text) {
  size_t body = route ? sizeof(struct rtmsg) : sizeof(struct ifaddrmsg);
  struct nlmsghdr *header =
      begin(route ? RTM_GETROUTE : RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, body);
  unsigned count = 0;
  *(unsigned char *)NLMSG_DATA(header) = AF_INET6;
  if (send(fd, out, header->nlmsg_len, 0) < 0) die("send");
  for (;;) {
    ssize_t size = recv(fd, in, sizeof in, 0);
    if (size < 0) die("recv");
    for (struct nlmsghdr *h = (void *)in; NLMSG_OK(h, (unsigned)size); h = NLMSG_NEXT(h, size)) {
      if (h->nlmsg_type == NLMSG_DONE) return count;
      read_message(h, body, text);
      count++;
    }
  }
}

/* Runs another program and prints what it took. */
static int run(char **argv) {
  struct rusage usage;
  int status;
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    execvp(argv[0], argv);
    _exit(127);
  }
  if (wait4(child, &status, 0, &usage) < 0 || status != 0) return 1;
  printf("%.6f\n", (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
  return 0;
}

int main(int argc, char **argv) {
  int buffer = 4 << 20, one = 1;
  if (argc < 3) return 2;
  if (strcmp(argv[1], "run") == 0) return run(argv + 2);
  int route = strcmp(argv[2], "route") == 0;
  fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  setsockopt(fd, 270, 10, &one, sizeof one); /* NETLINK_CAP_ACK */
  double start = now();
  if (argc == 6) {
    flags = (unsigned)atoi(argv[5]);
    FILE *file = fopen(argv[3], "r");
    if (!file) die(argv[3]);
    change_all(strcmp(argv[1], "delete") == 0, route, file, if_nametoindex(argv[4]));
  } else {
    dump(route, strcmp(argv[1], "text") == 0);
  }
  printf("%.9f\n", now() - start);
  return 0;
}
