/* The socket against the kernel, in a namespace of its own (as root). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "netns.h"

enum { LOOPBACK = 1, MANY = 3000 };

static char name[32];
static int netns;
static struct eni6_netlink nl;
static uint8_t bytes[MANY * 128];

/* --- requests ----------------------------------------------------------------------- */

static union eni6_rtnl_record address(unsigned number) {
  union eni6_rtnl_record record = {0};
  record.head.index = LOOPBACK;
  record.head.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE;
  record.address.address = (struct eni6_rtnl_ip){
      AF_INET6, 128, {0x20, 1, 0xd, 0xb8, [14] = (uint8_t)(number >> 8), [15] = (uint8_t)number}};
  record.head.present = ENI6_RTNL_BIT(ENI6_ADDRESS_INDEX) | ENI6_RTNL_BIT(ENI6_ADDRESS_ADDRESS);
  return record;
}

static struct eni6_rtnl_writer begin(void) {
  return (struct eni6_rtnl_writer){bytes, sizeof bytes, 0, false};
}

static void put(struct eni6_rtnl_writer *writer, enum eni6_rtnl_verb verb, unsigned number) {
  union eni6_rtnl_record record = address(number);
  assert_int_equal(eni6_rtnl_encode(writer, ENI6_RTNL_ADDRESS, verb, 0, &record, NULL), 0);
}

/* Runs what the writer holds; the statuses go to results. Returns how many came. */
static unsigned run(struct eni6_netlink *netlink, const struct eni6_rtnl_writer *writer,
                    int *results) {
  struct eni6_netlink_batch batch = {.bytes = writer->bytes, .size = writer->size};
  struct eni6_rtnl_message request;
  struct eni6_rtnl_ack ack;
  struct eni6_error error;
  unsigned count = 0;
  int status;
  while ((status = eni6_netlink_batch_next(netlink, &batch, &request, &ack, &error)) > 0)
    results[count++] = ack.status;
  if (status < 0) fail_msg("%s", error.message);
  return count;
}

static int run_one(enum eni6_rtnl_verb verb, unsigned number) {
  uint8_t memory[256];
  struct eni6_rtnl_writer writer = {memory, sizeof memory, 0, false};
  int result = 1;
  put(&writer, verb, number);
  assert_int_equal(run(&nl, &writer, &result), 1);
  return result;
}

static void open_one(struct eni6_netlink *netlink, size_t receive_buffer) {
  struct eni6_netlink_options options = {.netns = netns, .receive_buffer = receive_buffer};
  struct eni6_error error;
  if (eni6_netlink_open(netlink, &options, &error) < 0) fail_msg("%s", error.message);
}

static int begin_dump(struct eni6_netlink *netlink) {
  union eni6_rtnl_record filter = {0};
  uint8_t memory[128];
  struct eni6_rtnl_writer writer = {memory, sizeof memory, 0, false};
  /* Of all links: a dump of one link's is never said to be interrupted. */
  assert_int_equal(eni6_rtnl_encode(&writer, ENI6_RTNL_ADDRESS, ENI6_RTNL_DUMP, 0, &filter, NULL),
                   0);
  return eni6_netlink_dump(netlink, memory, writer.size, NULL);
}

static int set_up(void **state) {
  struct eni6_error error;
  (void)state;
  snprintf(name, sizeof name, "eni6-test-c-%d", (int)getpid());
  if (eni6_netns_create(name, &error) < 0 || (netns = eni6_netns_open(name, &error)) < 0) {
    fprintf(stderr, "%s\n", error.message);
    return -1;
  }
  open_one(&nl, 0);
  union eni6_rtnl_record loopback = {.head = {.index = LOOPBACK, .flags = 1}};
  struct eni6_rtnl_writer writer = begin();
  int result = 1;
  loopback.head.present = ENI6_RTNL_BIT(ENI6_LINK_INDEX) | ENI6_RTNL_BIT(ENI6_LINK_UP);
  eni6_rtnl_encode(&writer, ENI6_RTNL_LINK, ENI6_RTNL_SET, 0, &loopback, NULL);
  return run(&nl, &writer, &result) == 1 && result == 0 ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  eni6_netlink_close(&nl);
  eni6_netlink_close(&nl);
  close(netns);
  return eni6_netns_delete(name, NULL);
}

/* --- tests -------------------------------------------------------------------------- */

static void gives_every_request_of_a_batch_its_result(void **state) {
  static int results[MANY];
  (void)state;
  struct eni6_rtnl_writer writer = begin();
  for (unsigned i = 0; i < MANY; i++)
    put(&writer, ENI6_RTNL_ADD, i % 7 == 6 ? i - 1 : i);
  assert_int_equal(run(&nl, &writer, results), MANY);
  for (unsigned i = 0; i < MANY; i++)
    assert_int_equal(results[i], i % 7 == 6 ? -EEXIST : 0);
  writer = begin();
  for (unsigned i = 0; i < MANY; i++)
    put(&writer, ENI6_RTNL_DELETE, i);
  assert_int_equal(run(&nl, &writer, results), MANY);
  for (unsigned i = 0; i < MANY; i++)
    assert_int_equal(results[i], i % 7 == 6 ? -EADDRNOTAVAIL : 0);
}

/* More answers outstanding than fit: those that got lost are told so, in their
 * places, and the socket is good afterwards. */
static void tells_lost_results_apart(void **state) {
  static int results[MANY];
  struct eni6_netlink small;
  (void)state;
  open_one(&small, 8192);
  assert_in_range(small.window, 1, 64);
  small.window = MANY;
  struct eni6_rtnl_writer writer = begin();
  for (unsigned i = 0; i < 300; i++)
    put(&writer, ENI6_RTNL_DELETE, i);
  assert_int_equal(run(&small, &writer, results), 300);
  assert_int_equal(results[0], -EADDRNOTAVAIL);
  assert_int_equal(results[299], -ENOBUFS);
  unsigned lost = 0;
  for (unsigned i = 0; i < 300; i++) {
    assert_true(results[i] == -EADDRNOTAVAIL || results[i] == -ENOBUFS);
    lost += results[i] == -ENOBUFS;
  }
  assert_in_range(lost, 1, 299);
  /* One that succeeds has no answer, which means nothing when others got lost. */
  writer = begin();
  for (unsigned i = 0; i < 300; i++)
    put(&writer, ENI6_RTNL_ADD, 0);
  assert_int_equal(run(&small, &writer, results), 300);
  assert_int_equal(results[0], -ENOBUFS);
  assert_int_equal(results[1], -EEXIST);
  writer = begin();
  put(&writer, ENI6_RTNL_DELETE, 0);
  put(&writer, ENI6_RTNL_DELETE, 1);
  assert_int_equal(run(&small, &writer, results), 2);
  assert_int_equal(results[0], 0);
  assert_int_equal(results[1], -EADDRNOTAVAIL);
  writer = begin();
  put(&writer, ENI6_RTNL_DELETE, 1);
  assert_int_equal(run(&small, &writer, results), 1);
  assert_int_equal(results[0], -EADDRNOTAVAIL);
  eni6_netlink_close(&small);
}

/* With the window that open() chose, none is lost, however small the buffer. */
static void keeps_within_its_window(void **state) {
  static int results[MANY];
  struct eni6_netlink small;
  (void)state;
  open_one(&small, 1);
  struct eni6_rtnl_writer writer = begin();
  for (unsigned i = 0; i < 300; i++)
    put(&writer, ENI6_RTNL_DELETE, i);
  assert_int_equal(run(&small, &writer, results), 300);
  for (unsigned i = 0; i < 300; i++)
    assert_int_equal(results[i], -EADDRNOTAVAIL);
  eni6_netlink_close(&small);
}

/* The kernel finishes with new addresses a little later, which changes them once
 * more: waits until a while passes without. */
static void calm_down(void) {
  struct eni6_rtnl_message message;
  for (int quiet = 0; quiet < 3; usleep(10000)) {
    int status = begin_dump(&nl);
    while (status >= 0 && (status = eni6_netlink_dump_next(&nl, &message, NULL)) > 0)
      if (status == ENI6_NETLINK_RESTARTED) quiet = -1;
    assert_int_equal(status, 0);
    quiet++;
  }
}

static void fill_loopback(unsigned count) {
  static int results[MANY];
  struct eni6_rtnl_writer writer = begin();
  for (unsigned i = 0; i < count; i++)
    put(&writer, ENI6_RTNL_ADD, i);
  run(&nl, &writer, results);
  calm_down();
}

static void empty_loopback(unsigned count) {
  static int results[MANY];
  struct eni6_rtnl_writer writer = begin();
  for (unsigned i = 0; i < count; i++)
    put(&writer, ENI6_RTNL_DELETE, i);
  run(&nl, &writer, results);
}

/* Reads a dump on `netlink` to its end, and deletes an address through the
 * other socket at the first message of each of the first `disturbances` attempts. */
static unsigned read_disturbed(struct eni6_netlink *netlink, unsigned disturbances,
                               unsigned *restarts) {
  struct eni6_rtnl_message message;
  struct eni6_error error;
  unsigned count = 0;
  int status;
  *restarts = 0;
  assert_int_equal(begin_dump(netlink), 0);
  while ((status = eni6_netlink_dump_next(netlink, &message, &error)) > 0) {
    if (status == ENI6_NETLINK_RESTARTED) {
      ++*restarts;
      count = 0;
    } else if (count++ == 0 && *restarts < disturbances) {
      assert_int_equal(run_one(ENI6_RTNL_DELETE, *restarts), 0);
    }
  }
  if (status < 0) fail_msg("%s", error.message);
  return count;
}

static void begins_an_interrupted_dump_again(void **state) {
  struct eni6_netlink reader;
  unsigned restarts;
  (void)state;
  fill_loopback(1000);
  open_one(&reader, 0);
  assert_int_equal(read_disturbed(&reader, 1, &restarts), 1000);
  assert_int_equal(restarts, 1);
  assert_false(reader.interrupted);
  eni6_netlink_close(&reader);
  empty_loopback(1000);
}

static void gives_up_on_what_keeps_changing(void **state) {
  struct eni6_netlink reader;
  unsigned restarts;
  (void)state;
  fill_loopback(1000);
  open_one(&reader, 0);
  read_disturbed(&reader, 100, &restarts);
  assert_int_equal(restarts, ENI6_NETLINK_ATTEMPTS - 1);
  assert_true(reader.interrupted);
  eni6_netlink_close(&reader);
  empty_loopback(1000);
}

static void finishes_a_dump_that_was_abandoned(void **state) {
  struct eni6_rtnl_message message;
  (void)state;
  fill_loopback(1000);
  assert_int_equal(begin_dump(&nl), 0);
  assert_int_equal(eni6_netlink_dump_next(&nl, &message, NULL), 1);
  assert_int_equal(run_one(ENI6_RTNL_ADD, 0), -EEXIST);
  assert_int_equal(begin_dump(&nl), 0);
  assert_int_equal(eni6_netlink_dump_next(&nl, &message, NULL), 1);
  assert_int_equal(begin_dump(&nl), 0);
  unsigned count = 0;
  while (eni6_netlink_dump_next(&nl, &message, NULL) == 1)
    count++;
  assert_int_equal(count, 1001);
  empty_loopback(1000);
}

static void enlarges_a_buffer_that_was_too_small(void **state) {
  struct eni6_netlink small;
  unsigned restarts;
  (void)state;
  fill_loopback(1000);
  open_one(&small, 0);
  small.buffer_size = 100;
  assert_int_equal(read_disturbed(&small, 0, &restarts), 1001);
  assert_true(restarts >= 1);
  assert_true(small.buffer_size > 1000);
  eni6_netlink_close(&small);
  empty_loopback(1000);
}

/* Another process may send to our port: only the kernel, port 0, is believed. */
static void believes_only_the_kernel(void **state) {
  struct eni6_netlink liar;
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
  } lie = {.header = {.nlmsg_len = sizeof lie, .nlmsg_type = NLMSG_ERROR}};
  struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = nl.port};
  (void)state;
  open_one(&liar, 0);
  lie.header.nlmsg_seq = nl.sequence;
  lie.header.nlmsg_pid = nl.port;
  lie.error.error = -EXDEV;
  assert_int_equal(sendto(liar.fd, &lie, sizeof lie, 0, (struct sockaddr *)&to, sizeof to),
                   sizeof lie);
  assert_int_equal(run_one(ENI6_RTNL_DELETE, 1), -EADDRNOTAVAIL);
  eni6_netlink_close(&liar);
}

static void counts_sequence_numbers_past_their_end(void **state) {
  (void)state;
  nl.sequence = 0x7ffffffe;
  for (int i = 0; i < 4; i++)
    assert_int_equal(run_one(ENI6_RTNL_DELETE, 1), -EADDRNOTAVAIL);
  assert_in_range(nl.sequence, 1, 4);
}

static void tells_of_events_and_of_those_it_lost(void **state) {
  struct eni6_netlink watch;
  struct eni6_rtnl_message message;
  union eni6_rtnl_record record;
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  (void)state;
  fill_loopback(1000);
  open_one(&watch, 16384);
  assert_int_equal(eni6_netlink_join(&watch, RTNLGRP_IPV6_IFADDR, NULL), 0);
  assert_int_equal(eni6_netlink_event(&watch, &message, NULL), 0);
  assert_int_equal(run_one(ENI6_RTNL_DELETE, 5), 0);
  assert_int_equal(eni6_netlink_event(&watch, &message, NULL), 1);
  assert_int_equal(eni6_rtnl_decode(&message, &kind, &verb, &record), 1);
  assert_int_equal(verb, ENI6_RTNL_DELETE);
  assert_int_equal(record.address.address.bytes[15], 5);
  assert_int_equal(eni6_netlink_event(&watch, &message, NULL), 0);
  empty_loopback(999);
  int status;
  unsigned overruns = 0;
  while ((status = eni6_netlink_event(&watch, &message, NULL)) != 0)
    overruns += status == -ENOBUFS;
  assert_int_equal(overruns, 1);
  assert_int_equal(run_one(ENI6_RTNL_DELETE, 999), 0);
  assert_int_equal(eni6_netlink_event(&watch, &message, NULL), 1);
  eni6_netlink_close(&watch);
}

static void names_links_in_its_namespace(void **state) {
  char found[ENI6_RTNL_NAME_SIZE];
  (void)state;
  assert_int_equal(eni6_netlink_index(&nl, "lo"), LOOPBACK);
  assert_int_equal(eni6_netlink_index(&nl, "nowhere"), 0);
  assert_int_equal(eni6_netlink_index(&nl, ""), 0);
  assert_int_equal(eni6_netlink_index(&nl, "a name far too long for a link"), 0);
  assert_true(eni6_netlink_name(&nl, LOOPBACK, found));
  assert_string_equal(found, "lo");
  assert_false(eni6_netlink_name(&nl, 999, found));
}

/* Which namespace the calling thread is in. */
static void read_own(char text[64]) {
  ssize_t size = readlink("/proc/thread-self/ns/net", text, 63);
  assert_true(size > 0);
  text[size] = '\0';
}

static void leaves_the_thread_where_it_was(void **state) {
  char before[64], after[64];
  struct eni6_error error;
  struct rlimit limit, none;
  (void)state;
  read_own(before);
  int fd = eni6_netns_socket(netns, AF_INET6, SOCK_DGRAM, 0, &error);
  assert_true(fd >= 0);
  close(fd);
  read_own(after);
  assert_string_equal(before, after);
  assert_int_equal(eni6_netns_socket(netns, AF_INET6, 99, 0, &error), -EINVAL);
  read_own(after);
  assert_string_equal(before, after);
  /* One descriptor is left: it goes to the way back, none to the socket. */
  int lowest = dup(0);
  close(lowest);
  getrlimit(RLIMIT_NOFILE, &limit);
  none = limit;
  none.rlim_cur = (rlim_t)lowest + 1;
  setrlimit(RLIMIT_NOFILE, &none);
  int status = eni6_netns_socket(netns, AF_INET6, SOCK_DGRAM, 0, &error);
  setrlimit(RLIMIT_NOFILE, &limit);
  assert_int_equal(status, -EMFILE);
  read_own(after);
  assert_string_equal(before, after);
}

static void keeps_namespaces_by_name(void **state) {
  struct eni6_error error;
  (void)state;
  assert_int_equal(eni6_netns_create(name, &error), -EEXIST);
  assert_int_equal(eni6_netns_create("a/b", &error), -EINVAL);
  assert_int_equal(eni6_netns_create("..", &error), -EINVAL);
  assert_int_equal(eni6_netns_delete("", &error), -EINVAL);
  assert_int_equal(eni6_netns_delete("eni6-test-none", &error), -ENOENT);
  assert_int_equal(eni6_netns_open("eni6-test-none", &error), -ENOENT);
  int own = eni6_netns_open(NULL, &error), process = eni6_netns_open_process(getpid(), &error);
  assert_true(own >= 0 && process >= 0);
  close(own);
  close(process);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_every_request_of_a_batch_its_result),
      cmocka_unit_test(tells_lost_results_apart),
      cmocka_unit_test(keeps_within_its_window),
      cmocka_unit_test(begins_an_interrupted_dump_again),
      cmocka_unit_test(gives_up_on_what_keeps_changing),
      cmocka_unit_test(finishes_a_dump_that_was_abandoned),
      cmocka_unit_test(enlarges_a_buffer_that_was_too_small),
      cmocka_unit_test(believes_only_the_kernel),
      cmocka_unit_test(counts_sequence_numbers_past_their_end),
      cmocka_unit_test(tells_of_events_and_of_those_it_lost),
      cmocka_unit_test(names_links_in_its_namespace),
      cmocka_unit_test(leaves_the_thread_where_it_was),
      cmocka_unit_test(keeps_namespaces_by_name),
  };
  if (geteuid() != 0) {
    printf("1..0 # SKIP network namespaces need root\n");
    return 0;
  }
  return cmocka_run_group_tests_name("netlink", tests, set_up, tear_down);
}
