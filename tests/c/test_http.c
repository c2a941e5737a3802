#include <errno.h>
#include <netinet/in.h>
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
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "http.h"

/* --- a server: one thread a connection, the path says what it does ------------------ */

static int server_port;

/* Reads one request's head; false when the client has gone. */
static bool read_head(int fd, char *head, size_t size) {
  size_t used = 0;
  head[0] = '\0';
  while (!strstr(head, "\r\n\r\n")) {
    ssize_t got = read(fd, head + used, size - 1 - used);
    if (got <= 0) return false;
    used += (size_t)got;
    head[used] = '\0';
  }
  return true;
}

static void *serve(void *argument) {
  int fd = (int)(intptr_t)argument;
  char head[4096];
  const char *answer =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Same: 1\r\nX-Same: 2\r\n\r\nhello";
  while (read_head(fd, head, sizeof head)) {
    if (strncmp(head, "GET /hang", 9) == 0) continue; /* never answers */
    if (write(fd, answer, strlen(answer)) < 0) break;
  }
  close(fd);
  return NULL;
}

static void *accept_all(void *argument) {
  int listener = (int)(intptr_t)argument, fd;
  while ((fd = accept(listener, NULL, NULL)) >= 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd);
    pthread_detach(thread);
  }
  return NULL;
}

static int start_server(void **state) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  pthread_t thread;
  (void)state;
  signal(SIGPIPE, SIG_IGN); /* the server's; the client is tested with the default */
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 64) < 0) return -1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  server_port = ntohs(address.sin_port);
  return pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener);
}

/* --- the client's loop --------------------------------------------------------------- */

static struct eni6_http *open_client(void) {
  struct eni6_http *client = NULL;
  struct eni6_error error;
  assert_int_equal(eni6_http_open(&client, 0, &error), 0);
  return client;
}

static struct eni6_transfer *start(struct eni6_http *client, const char *path) {
  char url[128];
  struct eni6_transfer *transfer = NULL;
  struct eni6_error error;
  struct eni6_http_request request = {.method = "GET", .url = url, .timeout = 20};
  snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server_port, path);
  assert_int_equal(eni6_http_start(client, &request, NULL, &transfer, &error), 0);
  return transfer;
}

/* Steps until the transfer is done, as a host's event loop does. */
static void finish(struct eni6_http *client, struct eni6_transfer *transfer) {
  while (!eni6_transfer_done(transfer)) {
    struct pollfd entry = {.fd = eni6_http_pollfd(client), .events = POLLIN};
    poll(&entry, 1, -1);
    eni6_http_step(client);
    eni6_http_acknowledge(client);
  }
}

/* Whether a whole answer came. cmocka's assertions are for the main thread alone. */
static bool got_hello(struct eni6_http *client) {
  struct eni6_transfer *transfer = start(client, "/");
  finish(client, transfer);
  const struct eni6_http_answer *answer = eni6_transfer_answer(transfer);
  bool good = answer->error.status == 0 && answer->body_size == 5;
  if (!good) printf("# %s\n", answer->error.message);
  eni6_transfer_free(transfer);
  return good;
}

/* --- tests ----------------------------------------------------------------------------- */

static void gets_an_answer(void **state) {
  (void)state;
  struct eni6_http *client = open_client();
  struct eni6_transfer *transfer = start(client, "/");
  finish(client, transfer);
  const struct eni6_http_answer *answer = eni6_transfer_answer(transfer);
  size_t cursor = 0, name_size, value_size, count = 0;
  const char *name, *value;
  while (eni6_http_next_header(answer, &cursor, &name, &name_size, &value, &value_size)) {
    if (count++ == 0) continue;
    assert_memory_equal(name, "X-Same", name_size);
    assert_int_equal(*value, count == 2 ? '1' : '2');
  }
  assert_int_equal(count, 3);
  assert_string_equal(answer->version, "1.1");
  eni6_transfer_free(transfer);
  eni6_http_close(client);
}

static void reports_news_once(void **state) {
  (void)state;
  struct eni6_http *client = open_client();
  struct eni6_transfer *transfer = start(client, "/");
  assert_null(eni6_http_changed(client, NULL));
  while (!eni6_http_changed(client, NULL)) {
    struct pollfd entry = {.fd = eni6_http_pollfd(client), .events = POLLIN};
    poll(&entry, 1, -1);
    eni6_http_step(client);
  }
  assert_ptr_equal(eni6_http_changed(client, NULL), transfer);
  assert_null(eni6_http_changed(client, transfer));
  eni6_http_acknowledge(client);
  assert_null(eni6_http_changed(client, NULL));
  eni6_transfer_free(transfer);
  eni6_http_close(client);
}

static void frees_in_any_order(void **state) {
  (void)state;
  struct eni6_http *client = open_client();
  struct eni6_transfer *hanging = start(client, "/hang"), *cancelled = start(client, "/hang");
  struct eni6_transfer *unread = start(client, "/");
  while (!eni6_transfer_done(unread))
    eni6_http_step(client);
  eni6_transfer_cancel(cancelled);
  assert_string_equal(eni6_transfer_answer(cancelled)->error.code, "ECANCELED");
  eni6_transfer_free(unread); /* done, its news not acknowledged */
  assert_null(eni6_http_changed(client, NULL));
  eni6_http_close(client);
  assert_true(eni6_transfer_done(hanging));
  assert_string_equal(eni6_transfer_answer(hanging)->error.code, "ECANCELED");
  assert_true(eni6_transfer_answer(hanging)->sent);
  eni6_transfer_free(hanging);
  eni6_transfer_free(cancelled);
  eni6_transfer_free(NULL);
  eni6_http_close(NULL);
}

static void refuses_what_http_has_no_words_for(void **state) {
  (void)state;
  struct eni6_http *client = open_client();
  struct eni6_transfer *transfer = NULL;
  struct eni6_error error;
  struct eni6_http_header header = {"A", "b\nc"};
  struct eni6_http_request request = {
      .method = "GET", .url = "http://127.0.0.1/", .headers = &header, .header_count = 1};
  assert_int_equal(eni6_http_start(client, &request, NULL, &transfer, &error), -EINVAL);
  assert_string_equal(error.message, "the header A has a line break in it");
  request.header_count = 0;
  request.method = "G T";
  assert_int_equal(eni6_http_start(client, &request, NULL, &transfer, &error), -EINVAL);
  request.method = "GET";
  request.url = "gopher://x/";
  assert_int_equal(eni6_http_start(client, &request, NULL, &transfer, &error), -EPROTONOSUPPORT);
  assert_null(transfer);
  eni6_http_close(client);
}

static volatile sig_atomic_t signals_taken;

static void take_signal(int number) {
  (void)number;
  signals_taken++;
}

static void leaves_the_signals_of_the_host_alone(void **state) {
  (void)state;
  sigset_t before, after;
  signal(SIGPIPE, take_signal);
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  struct eni6_http *client = open_client();
  assert_true(got_hello(client));
  eni6_http_close(client);
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  for (int number = 1; number < NSIG; number++)
    assert_int_equal(sigismember(&before, number), sigismember(&after, number));
  assert_int_equal(signals_taken, 0);
  raise(SIGPIPE);
  assert_int_equal(signals_taken, 1);
  signal(SIGPIPE, SIG_IGN);
}

/* In a thread: counts in *argument the requests that failed. */
static void *use_a_client(void *argument) {
  int *failed = argument;
  for (int round = 0; round < 5; round++) {
    struct eni6_http *client = open_client();
    struct eni6_transfer *hanging = start(client, "/hang");
    for (int i = 0; i < 40; i++)
      *failed += !got_hello(client);
    eni6_http_close(client);
    eni6_transfer_free(hanging);
  }
  return NULL;
}

static void works_on_several_threads(void **state) {
  pthread_t threads[4];
  int failed[4] = {0};
  (void)state;
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, use_a_client, &failed[i]);
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(failed[i], 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(works_on_several_threads), /* first: libcurl is set up by all at once */
      cmocka_unit_test(gets_an_answer),
      cmocka_unit_test(reports_news_once),
      cmocka_unit_test(frees_in_any_order),
      cmocka_unit_test(refuses_what_http_has_no_words_for),
      cmocka_unit_test(leaves_the_signals_of_the_host_alone),
  };
  return cmocka_run_group_tests_name("http", tests, start_server, NULL);
}
