#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "process.h"

/* Starts `argv` with stdout on a pipe. */
static struct eni6_process start(const char *const *argv) {
  struct eni6_process process = ENI6_PROCESS_CLOSED;
  struct eni6_process_options options = {.argv = argv};
  struct eni6_error error;
  options.streams[1].kind = ENI6_PROCESS_PIPE;
  assert_int_equal(eni6_process_spawn(&process, &options, &error), 0);
  return process;
}

/* Waits for the child's end, with the pidfd or by looking again and again. */
static void wait_for(struct eni6_process *process) {
  struct eni6_error error;
  int ended = 0;
  while (ended == 0) {
    struct pollfd entry = {.fd = process->pidfd, .events = POLLIN};
    poll(&entry, 1, process->pidfd < 0 ? 2 : -1);
    ended = eni6_process_reap(process, &error);
  }
  assert_int_equal(ended, 1);
}

/* All that the child writes to stdout, as text. */
static void read_all(struct eni6_process *process, char *text, size_t size) {
  struct eni6_error error;
  size_t used = 0, got = 1;
  while (got > 0) {
    struct pollfd entry = {.fd = process->streams[1], .events = POLLIN};
    poll(&entry, 1, -1);
    assert_int_equal(eni6_process_read(process, 1, text + used, size - 1 - used, &got, &error), 0);
    used += got;
  }
  text[used] = '\0';
}

static void reports_output_and_status(void **state) {
  (void)state;
  char text[64];
  struct eni6_process process = start((const char *[]){"sh", "-c", "echo 'a b'; exit 7", NULL});
  read_all(&process, text, sizeof text);
  assert_string_equal(text, "a b\n");
  wait_for(&process);
  assert_int_equal(process.status, 7);
  assert_int_equal(process.signal, 0);
  eni6_process_close(&process);
}

static void finds_the_end_without_a_pidfd(void **state) {
  (void)state;
  struct eni6_error error;
  struct eni6_process process = start((const char *[]){"sleep", "100", NULL});
  close(process.pidfd);
  process.pidfd = -1;
  assert_int_equal(eni6_process_reap(&process, &error), 0);
  assert_int_equal(eni6_process_kill(&process, SIGTERM, &error), 0);
  wait_for(&process);
  assert_int_equal(process.signal, SIGTERM);
  assert_int_equal(eni6_process_kill(&process, SIGTERM, &error), -ESRCH);
  eni6_process_close(&process);
}

static void reports_why_exec_failed(void **state) {
  (void)state;
  struct eni6_process process = ENI6_PROCESS_CLOSED;
  struct eni6_process_options options = {.argv = (const char *[]){"/nowhere/x", NULL}};
  struct eni6_error error;
  assert_int_equal(eni6_process_spawn(&process, &options, &error), -ENOENT);
  assert_string_equal(error.message, "cannot run /nowhere/x: No such file or directory");
  assert_int_equal(process.pid, 0);
  options.argv = (const char *[]){"true", NULL};
  options.netns = "/nowhere/netns";
  assert_int_equal(eni6_process_spawn(&process, &options, &error), -ENOENT);
  assert_non_null(strstr(error.message, "/nowhere/netns"));
}

/* The signals 1 to 31 of a child's mask that /proc/self/status calls `name`.
 * glibc keeps 32 and 33 to itself: they stay as this program got them. */
static unsigned long child_signals(const char *name) {
  char text[128];
  struct eni6_process process = start((const char *[]){"grep", name, "/proc/self/status", NULL});
  read_all(&process, text, sizeof text);
  wait_for(&process);
  eni6_process_close(&process);
  assert_memory_equal(text, name, strlen(name));
  return strtoul(text + strlen(name) + 2, NULL, 16) & 0x7fffffff;
}

static void gives_the_child_fresh_signals(void **state) {
  (void)state;
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(child_signals("SigBlk"), 0);
  assert_int_equal(child_signals("SigIgn"), 0);
  signal(SIGPIPE, SIG_DFL);
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &before, &after);
  assert_true(sigismember(&after, SIGUSR1));
  assert_false(sigismember(&after, SIGUSR2));
}

static void leaks_no_descriptor_of_the_host(void **state) {
  (void)state;
  char path[64];
  int leaky = open("/dev/zero", O_RDONLY); /* without O_CLOEXEC, as a careless host would */
  snprintf(path, sizeof path, "/proc/self/fd/%d", leaky);
  struct eni6_process process = start((const char *[]){"test", "-e", path, NULL});
  wait_for(&process);
  assert_int_equal(process.status, 1);
  eni6_process_close(&process);
  close(leaky);
}

/* With 0, 1 and 2 closed, the pipes get those numbers; nothing may be mixed up. */
static void works_when_the_standard_streams_are_closed(void **state) {
  (void)state;
  char text[64] = "";
  int kept[3], status;
  struct eni6_error error;
  struct eni6_process process = ENI6_PROCESS_CLOSED;
  struct eni6_process_options options = {.argv =
                                             (const char *[]){"sh", "-c", "cat; echo x >&2", NULL}};
  options.streams[0] =
      (struct eni6_process_stream){.kind = ENI6_PROCESS_DATA, .text = "in ", .size = 3};
  options.streams[1].kind = ENI6_PROCESS_PIPE;
  options.streams[2].kind = ENI6_PROCESS_STDOUT;
  for (int i = 0; i < 3; i++) {
    kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
    close(i);
  }
  status = eni6_process_spawn(&process, &options, &error);
  if (status == 0) read_all(&process, text, sizeof text);
  int ours = process.streams[1] >= 0 ? fcntl(process.streams[1], F_DUPFD_CLOEXEC, 10) : -1;
  eni6_process_close(&process);
  for (int i = 0; i < 3; i++) {
    dup2(kept[i], i);
    close(kept[i]);
  }
  close(ours);
  assert_int_equal(status, 0);
  assert_string_equal(text, "in x\n");
}

static void writes_to_a_closed_pipe_without_a_signal(void **state) {
  (void)state;
  struct eni6_error error;
  size_t done;
  struct eni6_process process = ENI6_PROCESS_CLOSED;
  struct eni6_process_options options = {.argv = (const char *[]){"true", NULL}};
  options.streams[0].kind = ENI6_PROCESS_PIPE;
  assert_int_equal(eni6_process_spawn(&process, &options, &error), 0);
  wait_for(&process);
  assert_int_equal(eni6_process_write(&process, "x", 1, &done, &error), -EPIPE);
  eni6_process_close(&process);
}

static void signals_a_group_whole(void **state) {
  (void)state;
  char text[64];
  struct eni6_error error;
  struct eni6_process process = ENI6_PROCESS_CLOSED;
  struct eni6_process_options options = {
      .argv = (const char *[]){"sh", "-c", "sleep 100 & echo started; wait", NULL},
      .new_group = true};
  options.streams[1].kind = ENI6_PROCESS_PIPE;
  assert_int_equal(eni6_process_spawn(&process, &options, &error), 0);
  struct pollfd entry = {.fd = process.streams[1], .events = POLLIN};
  poll(&entry, 1, -1);
  assert_int_equal(eni6_process_kill(&process, SIGKILL, &error), 0);
  read_all(&process, text, sizeof text); /* ends only when the sleep, too, is gone */
  wait_for(&process);
  assert_int_equal(process.signal, SIGKILL);
  eni6_process_close(&process);
}

/* In the thread: starts a child tied to it, and ends while the child sleeps. */
static void *start_and_leave(void *argument) {
  struct eni6_process *process = argument;
  struct eni6_process_options options = {.argv = (const char *[]){"sleep", "100", NULL},
                                         .die_with_parent = true};
  struct eni6_error error;
  eni6_process_spawn(process, &options, &error);
  return NULL;
}

static void dies_with_the_thread_that_started_it(void **state) {
  (void)state;
  struct eni6_process process = ENI6_PROCESS_CLOSED;
  pthread_t thread;
  pthread_create(&thread, NULL, start_and_leave, &process);
  pthread_join(thread, NULL);
  assert_int_not_equal(process.pid, 0);
  wait_for(&process);
  assert_int_equal(process.signal, SIGKILL);
  eni6_process_close(&process);
}

static void *start_many(void *argument) {
  for (int i = 0; i < 50; i++) {
    struct eni6_process process = start((const char *[]){"sh", "-c", "exit 5", NULL});
    wait_for(&process);
    assert_int_equal(process.status, 5);
    eni6_process_close(&process);
  }
  return argument;
}

static void starts_from_several_threads(void **state) {
  (void)state;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, start_many, NULL);
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reports_output_and_status),
      cmocka_unit_test(finds_the_end_without_a_pidfd),
      cmocka_unit_test(reports_why_exec_failed),
      cmocka_unit_test(gives_the_child_fresh_signals),
      cmocka_unit_test(leaks_no_descriptor_of_the_host),
      cmocka_unit_test(works_when_the_standard_streams_are_closed),
      cmocka_unit_test(writes_to_a_closed_pipe_without_a_signal),
      cmocka_unit_test(signals_a_group_whole),
      cmocka_unit_test(dies_with_the_thread_that_started_it),
      cmocka_unit_test(starts_from_several_threads),
  };
  return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
