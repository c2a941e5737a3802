#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "system.h"

static void clocks_go_on(void **state) {
  (void)state;
  double first = eni6_system_monotonic();
  assert_true(eni6_system_monotonic() >= first);
  assert_true(eni6_system_time() > 1.6e9);
}

static void random_bytes_fill_all_of_it(void **state) {
  (void)state;
  unsigned char bytes[4096] = {0};
  struct eni6_error error;
  size_t zeros = 0;
  assert_int_equal(eni6_system_random(bytes, sizeof bytes, &error), 0);
  for (size_t i = 0; i < sizeof bytes; i++)
    zeros += bytes[i] == 0;
  assert_true(zeros < 100); /* 16 are expected */
}

static void poller_tells_what_is_ready(void **state) {
  (void)state;
  struct eni6_error error;
  struct eni6_ready ready[8];
  int ends[2], poller = eni6_poller_open(&error);
  assert_int_equal(pipe(ends), 0);
  assert_true(poller >= 0);
  assert_int_equal(eni6_poller_set(poller, ends[0], POLLIN, &error), 0);
  assert_int_equal(eni6_poller_wait(poller, ready, 8, 0, &error), 0);
  assert_int_equal(write(ends[1], "x", 1), 1);
  assert_int_equal(eni6_poller_wait(poller, ready, 8, -1, &error), 1);
  assert_int_equal(ready[0].fd, ends[0]);
  assert_int_equal(ready[0].events, POLLIN);
  assert_int_equal(eni6_poller_set(poller, ends[0], POLLOUT, &error), 0); /* changed in place */
  assert_int_equal(eni6_poller_wait(poller, ready, 8, 0, &error), 0);
  assert_int_equal(eni6_poller_set(poller, ends[0], POLLIN, &error), 0);
  assert_int_equal(eni6_poller_set(poller, ends[0], 0, &error), 0);
  assert_int_equal(eni6_poller_set(poller, ends[0], 0, &error), 0);
  assert_int_equal(eni6_poller_wait(poller, ready, 8, 0, &error), 0);
  close(ends[0]);
  close(ends[1]);
  assert_int_equal(eni6_poller_set(poller, ends[0], POLLIN, &error), -EBADF);
  close(poller);
}

static void poller_wakes_once(void **state) {
  (void)state;
  struct eni6_error error;
  struct eni6_ready ready[8];
  int poller = eni6_poller_open(&error), waker = eni6_waker_open(&error);
  assert_true(poller >= 0 && waker >= 0);
  for (int round = 0; round < 3; round++) {
    assert_int_equal(eni6_poller_wake(poller, waker, &error), 0);
    assert_int_equal(eni6_poller_wake(poller, waker, &error), 0); /* still once */
    struct pollfd itself = {.fd = poller, .events = POLLIN};
    assert_int_equal(poll(&itself, 1, 0), 1);
    assert_int_equal(eni6_poller_wait(poller, ready, 8, -1, &error), 1);
    assert_int_equal(ready[0].fd, waker);
    assert_int_equal(poll(&itself, 1, 0), 0);
    assert_int_equal(eni6_poller_wait(poller, ready, 8, 0, &error), 0);
  }
  close(waker);
  assert_int_equal(eni6_poller_wake(poller, waker, &error), -EBADF);
  close(poller);
}

static void poller_refuses_a_file(void **state) {
  (void)state;
  struct eni6_error error;
  int poller = eni6_poller_open(&error);
  FILE *file = tmpfile();
  assert_int_equal(eni6_poller_set(poller, fileno(file), POLLIN, &error), -EPERM);
  fclose(file);
  close(poller);
}

/* Writes into a pipe that nobody reads; true if that failed with EPIPE. */
static bool write_to_nobody(void) {
  int ends[2];
  if (pipe(ends) < 0) return false;
  close(ends[0]);
  bool broken = write(ends[1], "x", 1) < 0 && errno == EPIPE;
  close(ends[1]);
  return broken;
}

static volatile sig_atomic_t taken;

static void take(int number) {
  (void)number;
  taken++;
}

static void guard_swallows_its_own_sigpipe_only(void **state) {
  (void)state;
  struct eni6_sigpipe guard;
  sigset_t only;
  signal(SIGPIPE, take);
  eni6_sigpipe_block(&guard);
  assert_true(write_to_nobody());
  eni6_sigpipe_restore(&guard);
  assert_int_equal(taken, 0);
  sigemptyset(&only);
  sigaddset(&only, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &only, NULL);
  assert_true(write_to_nobody()); /* now one is pending that belongs to the host */
  eni6_sigpipe_block(&guard);
  assert_true(write_to_nobody());
  eni6_sigpipe_restore(&guard);
  assert_int_equal(taken, 0);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
  assert_int_equal(taken, 1);
  signal(SIGPIPE, SIG_DFL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clocks_go_on),
      cmocka_unit_test(random_bytes_fill_all_of_it),
      cmocka_unit_test(poller_tells_what_is_ready),
      cmocka_unit_test(poller_wakes_once),
      cmocka_unit_test(poller_refuses_a_file),
      cmocka_unit_test(guard_swallows_its_own_sigpipe_only),
  };
  return cmocka_run_group_tests_name("system", tests, NULL, NULL);
}
