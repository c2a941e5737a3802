#include "http_private.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "system.h"

enum {
  EVENTS_AT_ONCE = 64,
  ROUNDS_AT_ONCE = 8 /* of a step, before the caller gets its turn */
};

/* --- what libcurl asks of the loop --- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *unused) {
  struct eni6_http *client = data;
  struct epoll_event event = {.data.fd = fd};
  (void)easy, (void)unused;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(client->epoll, EPOLL_CTL_DEL, fd, NULL);
    return 0;
  }
  if (what != CURL_POLL_OUT) event.events |= EPOLLIN;
  if (what != CURL_POLL_IN) event.events |= EPOLLOUT;
  if (epoll_ctl(client->epoll, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
  return epoll_ctl(client->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -1;
}

static int on_timer(CURLM *multi, long milliseconds, void *data) {
  struct eni6_http *client = data;
  struct itimerspec time = {0};
  (void)multi;
  if (milliseconds >= 0) {
    time.it_value.tv_sec = milliseconds / 1000;
    time.it_value.tv_nsec = milliseconds % 1000 * 1000000;
    if (milliseconds == 0) time.it_value.tv_nsec = 1; /* 0 would disarm it */
  }
  return timerfd_settime(client->timer, 0, &time, NULL) == 0 ? 0 : -1;
}

/* --- the client ------------------------------------------------------------------------ */

static int global_init(struct eni6_error *error) {
  if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_THREADSAFE))
    return eni6_error_set(error, -ENOTSUP,
                          "this libcurl was built without thread-safe initialisation");
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return eni6_error_set(error, -ENOMEM, "libcurl cannot be initialised");
  return 0;
}

static int open_descriptors(struct eni6_http *client, struct eni6_error *error) {
  client->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (client->epoll < 0) return eni6_error_system(error, errno, "epoll_create1");
  client->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (client->timer < 0) return eni6_error_system(error, errno, "timerfd_create");
  struct epoll_event event = {.events = EPOLLIN, .data.fd = client->timer};
  if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, client->timer, &event) < 0)
    return eni6_error_system(error, errno, "epoll_ctl");
  return 0;
}

static int open_multi(struct eni6_http *client, long max_connections, struct eni6_error *error) {
  client->multi = curl_multi_init();
  client->share = curl_share_init();
  if (!client->multi || !client->share) return eni6_error_set(error, -ENOMEM, "out of memory");
  curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
  if (max_connections > 0) {
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, max_connections);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, max_connections);
  }
  return 0;
}

int eni6_http_open(struct eni6_http **out, long max_connections, struct eni6_error *error) {
  int status = global_init(error);
  if (status < 0) return status;
  struct eni6_http *client = calloc(1, sizeof *client);
  if (!client) return eni6_error_set(error, -ENOMEM, "out of memory");
  client->epoll = client->timer = -1;
  TAILQ_INIT(&client->running);
  TAILQ_INIT(&client->news);
  status = open_descriptors(client, error);
  if (status == 0) status = open_multi(client, max_connections, error);
  if (status < 0) {
    eni6_http_close(client);
    return status;
  }
  *out = client;
  return 0;
}

int eni6_http_pollfd(const struct eni6_http *client) {
  return client->epoll;
}

void eni6_http_mark_changed(struct eni6_transfer *transfer) {
  if (transfer->in_news) return;
  TAILQ_REMOVE(&transfer->client->running, transfer, links);
  TAILQ_INSERT_TAIL(&transfer->client->news, transfer, links);
  transfer->in_news = true;
}

/* --- the life of a transfer --------------------------------------------------------------- */

static CURL *take_handle(struct eni6_http *client) {
  if (client->spare_count > 0) return client->spare[--client->spare_count];
  return curl_easy_init();
}

static void give_handle_back(struct eni6_http *client, CURL *easy) {
  if (client->spare_count < SPARE_HANDLES) {
    curl_easy_reset(easy);
    client->spare[client->spare_count++] = easy;
  } else {
    curl_easy_cleanup(easy);
  }
}

/* Takes the easy handle away from a transfer, and out of the multi handle. */
static void release_handle(struct eni6_transfer *transfer) {
  if (transfer->easy) {
    curl_multi_remove_handle(transfer->client->multi, transfer->easy);
    give_handle_back(transfer->client, transfer->easy);
    transfer->easy = NULL;
  }
  curl_slist_free_all(transfer->headers);
  transfer->headers = NULL;
}

static const char *version_name(CURL *easy) {
  long version = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  switch (version) {
  case CURL_HTTP_VERSION_1_0: return "1.0";
  case CURL_HTTP_VERSION_2_0: return "2";
  case CURL_HTTP_VERSION_3: return "3";
  default: return "1.1";
  }
}

/* The end of a transfer by libcurl's account: keeps the result, frees the rest. */
static void finish(struct eni6_transfer *transfer, CURLcode code) {
  struct eni6_http_answer *answer = &transfer->answer;
  eni6_transfer_answer(transfer);
  answer->error.status = 0;
  if (code != CURLE_OK) eni6_http_explain(transfer, code, &answer->error);
  transfer->done = true;
  release_handle(transfer);
  eni6_http_mark_changed(transfer);
}

/* Ends one that libcurl has not finished. */
static void abandon(struct eni6_transfer *transfer, int status, const char *why) {
  transfer->done = true;
  release_handle(transfer);
  eni6_error_set(&transfer->answer.error, status, "%s: %s", transfer->target, why);
}

/* Takes a transfer out of its client's lists. */
static void detach(struct eni6_transfer *transfer) {
  struct eni6_http *client = transfer->client;
  TAILQ_REMOVE(transfer->in_news ? &client->news : &client->running, transfer, links);
  transfer->client = NULL;
}

static struct eni6_transfer *new_transfer(struct eni6_http *client,
                                          const struct eni6_http_request *request, void *owner) {
  struct eni6_transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer) return NULL;
  transfer->client = client;
  transfer->owner = owner;
  transfer->timeout = request->timeout;
  transfer->connect_timeout = request->connect_timeout;
  transfer->max_body = request->max_body;
  transfer->stream = request->stream;
  transfer->repeatable = request->repeatable;
  TAILQ_INSERT_TAIL(&client->running, transfer, links);
  return transfer;
}

static int start(struct eni6_transfer *transfer, const struct eni6_http_request *request,
                 struct eni6_error *error) {
  struct eni6_sigpipe guard;
  transfer->easy = take_handle(transfer->client);
  if (!transfer->easy) return eni6_error_set(error, -ENOMEM, "out of memory");
  int status = eni6_http_set_up(transfer, request, error);
  if (status < 0) return status;
  eni6_sigpipe_block(&guard);
  CURLMcode code = curl_multi_add_handle(transfer->client->multi, transfer->easy);
  eni6_sigpipe_restore(&guard);
  if (code != CURLM_OK)
    return eni6_error_set(error, -ENOMEM, "%s: %s", transfer->target, curl_multi_strerror(code));
  return 0;
}

int eni6_http_start(struct eni6_http *client, const struct eni6_http_request *request, void *owner,
                    struct eni6_transfer **out, struct eni6_error *error) {
  int status = eni6_http_check(request, error);
  if (status < 0) return status;
  struct eni6_transfer *transfer = new_transfer(client, request, owner);
  if (!transfer) return eni6_error_set(error, -ENOMEM, "out of memory");
  status = start(transfer, request, error);
  if (status < 0) {
    eni6_transfer_free(transfer);
    return status;
  }
  *out = transfer;
  return 0;
}

/* --- doing the work --------------------------------------------------------------------- */

static void fetch_finished(struct eni6_http *client) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(client->multi, &left))) {
    struct eni6_transfer *transfer = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode code = message->data.result; /* gone with the handle */
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    finish(transfer, code);
  }
}

static CURLMcode handle_event(struct eni6_http *client, const struct epoll_event *event) {
  int running, mask = 0;
  if (event->data.fd == client->timer) {
    uint64_t expirations;
    ssize_t ignored = read(client->timer, &expirations, sizeof expirations);
    (void)ignored;
    return curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  if (event->events & EPOLLIN) mask |= CURL_CSELECT_IN;
  if (event->events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
  if (event->events & (EPOLLERR | EPOLLHUP)) mask |= CURL_CSELECT_ERR;
  return curl_multi_socket_action(client->multi, event->data.fd, mask, &running);
}

/* The multi handle is of no more use (out of memory or of descriptors). */
static void fail_all(struct eni6_http *client, CURLMcode code) {
  struct eni6_transfer *transfer;
  while ((transfer = TAILQ_FIRST(&client->running)))
    eni6_http_mark_changed(transfer);
  TAILQ_FOREACH(transfer, &client->news, links)
  if (!transfer->done) abandon(transfer, -EIO, curl_multi_strerror(code));
}

/* Handles what is ready at this moment; false if nothing was. */
static bool handle_ready(struct eni6_http *client) {
  struct epoll_event events[EVENTS_AT_ONCE];
  int count = epoll_wait(client->epoll, events, EVENTS_AT_ONCE, 0);
  for (int i = 0; i < count; i++) {
    CURLMcode code = handle_event(client, &events[i]);
    if (code != CURLM_OK && code != CURLM_BAD_SOCKET) fail_all(client, code);
  }
  fetch_finished(client);
  return count > 0;
}

void eni6_http_step(struct eni6_http *client) {
  struct eni6_sigpipe guard;
  eni6_sigpipe_block(&guard);
  for (int round = 0; round < ROUNDS_AT_ONCE && handle_ready(client); round++)
    if (!TAILQ_EMPTY(&client->news)) break;
  eni6_sigpipe_restore(&guard);
}

struct eni6_transfer *eni6_http_changed(const struct eni6_http *client,
                                        const struct eni6_transfer *after) {
  return after ? TAILQ_NEXT(after, links) : TAILQ_FIRST(&client->news);
}

void eni6_http_acknowledge(struct eni6_http *client) {
  struct eni6_transfer *transfer;
  while ((transfer = TAILQ_FIRST(&client->news))) {
    detach(transfer);
    if (transfer->done) continue;
    transfer->client = client;
    transfer->in_news = false;
    TAILQ_INSERT_TAIL(&client->running, transfer, links);
  }
}

static void cancel_list(struct transfers *list) {
  struct eni6_transfer *transfer;
  while ((transfer = TAILQ_FIRST(list))) {
    if (!transfer->done) abandon(transfer, -ECANCELED, "cancelled: the client was closed");
    detach(transfer);
  }
}

void eni6_http_close(struct eni6_http *client) {
  struct eni6_sigpipe guard;
  if (!client) return;
  eni6_sigpipe_block(&guard);
  cancel_list(&client->running);
  cancel_list(&client->news);
  while (client->spare_count > 0)
    curl_easy_cleanup(client->spare[--client->spare_count]);
  curl_multi_cleanup(client->multi);
  curl_share_cleanup(client->share);
  eni6_sigpipe_restore(&guard);
  if (client->timer >= 0) close(client->timer);
  if (client->epoll >= 0) close(client->epoll);
  free(client);
}

/* --- what a transfer tells ----------------------------------------------------------------- */

void *eni6_transfer_owner(const struct eni6_transfer *transfer) {
  return transfer->owner;
}

bool eni6_transfer_done(const struct eni6_transfer *transfer) {
  return transfer->done;
}

const struct eni6_http_answer *eni6_transfer_answer(struct eni6_transfer *transfer) {
  struct eni6_http_answer *answer = &transfer->answer;
  if (transfer->easy) {
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    answer->version = version_name(transfer->easy);
  }
  answer->headers = transfer->head.bytes;
  answer->headers_size = transfer->head.used;
  answer->body = transfer->body.bytes;
  answer->body_size = transfer->body.used;
  return answer;
}

size_t eni6_transfer_take(struct eni6_transfer *transfer, const char **bytes) {
  size_t size = transfer->body.used;
  *bytes = transfer->body.bytes;
  transfer->body.used = 0;
  return size;
}

void eni6_transfer_cancel(struct eni6_transfer *transfer) {
  struct eni6_sigpipe guard;
  if (transfer->done) return;
  eni6_sigpipe_block(&guard);
  abandon(transfer, -ECANCELED, "cancelled");
  eni6_sigpipe_restore(&guard);
  detach(transfer);
}

void eni6_transfer_free(struct eni6_transfer *transfer) {
  if (!transfer) return;
  eni6_transfer_cancel(transfer);
  if (transfer->client) detach(transfer);
  eni6_http_buffer_free(&transfer->head);
  eni6_http_buffer_free(&transfer->body);
  free(transfer);
}
