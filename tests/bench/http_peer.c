/* What tests/bench/http.lua measures against.
 *
 * usage: http_peer server
 *          answers every request with 1,000 bytes; prints its port
 *        http_peer client PORT COUNT CONCURRENCY
 *          a bare loop over curl_multi_poll; prints CPU and wall seconds */
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listener.h"

enum { CONNECTIONS = 256, BODY = 1000 };

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* --- the server: one request is one read, which holds on loopback ------------------- */

static void answer(struct pollfd *entry) {
  static char reply[BODY + 128];
  char request[65536];
  if (!reply[0]) {
    int head = sprintf(reply, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
    memset(reply + head, 'x', BODY);
  }
  if (read(entry->fd, request, sizeof request) > 0 &&
      write(entry->fd, reply, strlen(reply)) == (ssize_t)strlen(reply))
    return;
  close(entry->fd);
  entry->fd = -1;
}

static void admit(struct pollfd *entries, int listener) {
  int fd = accept(listener, NULL, NULL), one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (int i = 1; i < CONNECTIONS; i++)
    if (entries[i].fd < 0) {
      entries[i].fd = fd;
      return;
    }
  close(fd);
}

/* Serves until stdin ends. */
static int serve(void) {
  struct pollfd entries[CONNECTIONS + 1];
  for (int i = 0; i <= CONNECTIONS; i++)
    entries[i] = (struct pollfd){.fd = -1, .events = POLLIN};
  entries[0].fd = open_listener(CONNECTIONS);
  entries[CONNECTIONS].fd = STDIN_FILENO;
  while (poll(entries, CONNECTIONS + 1, -1) > 0 && !entries[CONNECTIONS].revents) {
    for (int i = 1; i < CONNECTIONS; i++)
      if (entries[i].revents) answer(&entries[i]);
    if (entries[0].revents) admit(entries, entries[0].fd);
  }
  return 0;
}

/* --- the client ---------------------------------------------------------------------- */

static size_t received;

static size_t on_body(char *bytes, size_t one, size_t size, void *data) {
  (void)bytes, (void)one, (void)data;
  received += size;
  return size;
}

static int run_client(const char *port, long count, long concurrency) {
  char url[64];
  CURLM *multi = curl_multi_init();
  long started = 0, done = 0;
  int running, left;
  snprintf(url, sizeof url, "http://127.0.0.1:%s/", port);
  double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
  for (; started < concurrency; started++) {
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_multi_add_handle(multi, easy);
  }
  while (done < count) {
    CURLMsg *message;
    curl_multi_perform(multi, &running);
    while ((message = curl_multi_info_read(multi, &left))) {
      CURL *easy = message->easy_handle;
      done++;
      curl_multi_remove_handle(multi, easy);
      if (started++ < count) curl_multi_add_handle(multi, easy);
    }
    if (done < count) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  printf("%.6f %.6f\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, seconds(CLOCK_MONOTONIC) - wall);
  return received == (size_t)count * BODY ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "server") == 0) return serve();
  if (argc == 5) return run_client(argv[2], atol(argv[3]), atol(argv[4]));
  fprintf(stderr, "usage: http_peer server | client PORT COUNT CONCURRENCY\n");
  return 2;
}
