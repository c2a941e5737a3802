#define _GNU_SOURCE /* dladdr */

#include "http_private.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "system.h"

enum {
  EVENTS_AT_ONCE = 16, /* so that a step stays within a few milliseconds */
  ROUNDS_AT_ONCE = 8   /* of a step, before the caller gets its turn */
};

static const char FORKED[] = "the client was opened before a fork, by another process; open one "
                             "in this process";

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

/* Only keeps the time: what is due at once is done before the timer matters. */
static int on_timer(CURLM *multi, long milliseconds, void *data) {
  struct eni6_http *client = data;
  (void)multi;
  client->due = milliseconds < 0 ? INFINITY : eni6_system_monotonic() + (double)milliseconds / 1000;
  return 0;
}

/* Has the timer fire at that time at the latest (0: at once). One that fires early
 * does no harm, so that it is seldom set: each time costs a system call. */
static void arm_timer(struct eni6_http *client, double when) {
  struct itimerspec time = {0};
  if (client->armed <= when) return;
  client->armed = when;
  time.it_value.tv_sec = (time_t)when;
  time.it_value.tv_nsec = (long)((when - (double)time.it_value.tv_sec) * 1e9);
  if (when == 0) time.it_value.tv_nsec = 1; /* all zero would disarm it */
  timerfd_settime(client->timer, TFD_TIMER_ABSTIME, &time, NULL);
}

/* --- the client ------------------------------------------------------------------------ */

/* Keeps libcurl loaded for good: a thread of its own that looks up a name may
 * outlive the client, and the Lua state whose end would unload the library. */
static void pin_libcurl(void) {
  Dl_info library;
  if (dladdr((void *)(intptr_t)curl_global_init, &library))
    (void)!dlopen(library.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

static int global_init(struct eni6_error *error) {
  if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_THREADSAFE))
    return eni6_error_set(error, -ENOTSUP,
                          "this libcurl was built without thread-safe initialisation");
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return eni6_error_set(error, -ENOMEM, "libcurl cannot be initialised");
  pin_libcurl();
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

/* A new multi handle in place of none, or of a broken one and its connections. */
static int renew_multi(struct eni6_http *client, struct eni6_error *error) {
  curl_multi_cleanup(client->multi);
  client->broken = false;
  client->due = INFINITY;
  client->multi = curl_multi_init();
  if (!client->multi) return eni6_error_set(error, -ENOMEM, "out of memory");
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
  if (client->max_connections > 0)
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, client->max_connections);
  return 0;
}

/* What connections have in common: the sessions of TLS. */
static int open_share(struct eni6_http *client, struct eni6_error *error) {
  client->share = curl_share_init();
  if (!client->share) return eni6_error_set(error, -ENOMEM, "out of memory");
  curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  return 0;
}

int eni6_http_open(struct eni6_http **out, long max_connections, struct eni6_error *error) {
  int status = global_init(error);
  if (status < 0) return status;
  struct eni6_http *client = calloc(1, sizeof *client);
  if (!client) return eni6_error_set(error, -ENOMEM, "out of memory");
  client->process = getpid();
  client->epoll = client->timer = -1;
  client->due = client->armed = INFINITY;
  client->max_connections = max_connections;
  TAILQ_INIT(&client->waiting);
  TAILQ_INIT(&client->running);
  TAILQ_INIT(&client->news);
  status = open_descriptors(client, error);
  if (status == 0) status = open_share(client, error);
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

/* Takes a transfer out of its client's lists. */
static void detach(struct eni6_transfer *transfer) {
  TAILQ_REMOVE(transfer->list, transfer, links);
  transfer->list = NULL;
  transfer->client = NULL;
}

static void move(struct eni6_transfer *transfer, struct transfers *list) {
  TAILQ_REMOVE(transfer->list, transfer, links);
  TAILQ_INSERT_TAIL(list, transfer, links);
  transfer->list = list;
}

void eni6_http_mark_changed(struct eni6_transfer *transfer) {
  struct transfers *news = &transfer->client->news;
  if (transfer->list != news) move(transfer, news);
}

/* --- the life of a transfer --------------------------------------------------------------- */

static CURL *take_handle(struct eni6_http *client) {
  if (client->spare_count > 0) return client->spare[--client->spare_count];
  return curl_easy_init();
}

/* Keeps a handle for the next transfer. Not one with an errno in it: a reset leaves
 * that, and the next transfer would take it for its own. */
static void give_handle_back(struct eni6_http *client, CURL *easy) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  if (number == 0 && client->spare_count < SPARE_HANDLES) {
    curl_easy_reset(easy);
    client->spare[client->spare_count++] = easy;
  } else {
    curl_easy_cleanup(easy);
  }
}

/* Takes the easy handle away from a transfer, and out of the multi handle. */
static void release_handle(struct eni6_transfer *transfer) {
  struct eni6_http *client = transfer->client;
  if (transfer->active) {
    curl_multi_remove_handle(client->multi, transfer->easy);
    client->active--;
    transfer->active = false;
  }
  if (transfer->easy) give_handle_back(client, transfer->easy);
  transfer->easy = NULL;
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

/* --- after a fork ------------------------------------------------------------------------ */

static void forsake(struct eni6_transfer *transfer) {
  transfer->easy = NULL;
  transfer->active = false;
  transfer->done = true;
  eni6_error_set(&transfer->answer.error, -ECHILD, "%s: %s", transfer->target, FORKED);
}

/* Whether the client belongs to another process, of which this one was forked. The
 * connections, the epoll set and the timer are that one's too, so nothing here may touch
 * them, not even to close: TLS would say goodbye, and the set forget the sockets. What
 * libcurl has is left alone; this process's transfers are over. */
static bool is_foreign(struct eni6_http *client) {
  struct eni6_transfer *transfer;
  if (client->process == getpid()) return false;
  while ((transfer = TAILQ_FIRST(&client->waiting)))
    move(transfer, &client->news);
  while ((transfer = TAILQ_FIRST(&client->running)))
    move(transfer, &client->news);
  TAILQ_FOREACH(transfer, &client->news, links)
  if (!transfer->done) forsake(transfer);
  client->multi = NULL;
  client->share = NULL;
  client->spare_count = 0;
  return true;
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

/* The multi handle can be used no more: libcurl leaves it half changed when it
 * runs out of memory, and may crash on it later. */
static void fail_all(struct eni6_http *client, CURLMcode code) {
  struct eni6_transfer *transfer;
  client->broken = true;
  while ((transfer = TAILQ_FIRST(&client->running)))
    move(transfer, &client->news);
  TAILQ_FOREACH(transfer, &client->news, links)
  if (!transfer->done) abandon(transfer, -EIO, curl_multi_strerror(code));
}

/* Gives libcurl its turn, for a socket or for the time, and gathers what is done. */
static void act(struct eni6_http *client, curl_socket_t fd, int mask) {
  int running;
  if (client->broken || !client->multi) return;
  CURLMcode code = curl_multi_socket_action(client->multi, fd, mask, &running);
  if (code != CURLM_OK && code != CURLM_BAD_SOCKET) fail_all(client, code);
  fetch_finished(client);
}

static void handle_event(struct eni6_http *client, const struct epoll_event *event) {
  int mask = 0;
  if (event->data.fd == client->timer) {
    uint64_t expirations;
    ssize_t ignored = read(client->timer, &expirations, sizeof expirations);
    (void)ignored;
    client->armed = INFINITY;
    return;
  }
  if (event->events & EPOLLIN) mask |= CURL_CSELECT_IN;
  if (event->events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
  if (event->events & (EPOLLERR | EPOLLHUP)) mask |= CURL_CSELECT_ERR;
  act(client, event->data.fd, mask);
}

/* Handles what is ready at this moment; false if nothing was. */
static bool handle_ready(struct eni6_http *client) {
  struct epoll_event events[EVENTS_AT_ONCE];
  int count = epoll_wait(client->epoll, events, EVENTS_AT_ONCE, 0);
  for (int i = 0; i < count; i++)
    handle_event(client, &events[i]);
  return count > 0;
}

/* Handles what the time has come for; false if nothing was. libcurl calls
 * on_timer again before it returns. */
static bool handle_due(struct eni6_http *client) {
  if (client->due > eni6_system_monotonic()) return false;
  client->due = INFINITY;
  act(client, CURL_SOCKET_TIMEOUT, 0);
  return true;
}

/* --- a connection for each, and in time ---------------------------------------- */

static bool has_room(const struct eni6_http *client) {
  return client->max_connections == 0 || client->active < client->max_connections;
}

/* Has a transfer begin: on a kept connection it is sent right here. */
static int begin(struct eni6_transfer *transfer, struct eni6_error *error) {
  struct eni6_http *client = transfer->client;
  if (client->broken || !client->multi) {
    int status = renew_multi(client, error);
    if (status < 0) return status;
  }
  CURLMcode code = curl_multi_add_handle(client->multi, transfer->easy);
  if (code != CURLM_OK)
    return eni6_error_set(error, -ENOMEM, "%s: %s", transfer->target, curl_multi_strerror(code));
  client->active++;
  transfer->active = true;
  int rounds = ROUNDS_AT_ONCE;
  while (rounds > 0 && handle_due(client))
    rounds--;
  return 0;
}

/* libcurl would let a transfer that it has no connection for overrun its time
 * limit, so that those wait here, with what is left of theirs. */
static void admit(struct eni6_http *client) {
  struct eni6_transfer *transfer;
  while ((transfer = TAILQ_FIRST(&client->waiting)) && has_room(client)) {
    double left = (transfer->deadline - eni6_system_monotonic()) * 1000;
    move(transfer, &client->running);
    if (transfer->timeout > 0)
      curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, left > 1 ? (long)left : 1L);
    if (begin(transfer, &transfer->answer.error) < 0) {
      transfer->done = true;
      release_handle(transfer);
      eni6_http_mark_changed(transfer);
    }
  }
}

/* Ends the waiting whose time is over; returns when the next one's will be. */
static double expire(struct eni6_http *client) {
  double now = eni6_system_monotonic(), next = INFINITY;
  struct eni6_transfer *transfer, *following;
  for (transfer = TAILQ_FIRST(&client->waiting); transfer; transfer = following) {
    following = TAILQ_NEXT(transfer, links);
    if (transfer->deadline <= now)
      finish(transfer, CURLE_OPERATION_TIMEDOUT);
    else if (transfer->deadline < next)
      next = transfer->deadline;
  }
  return next;
}

/* What every call ends with: room is used, and the descriptor will tell what comes.
 * `told`: the caller looks at the news next; else they make it readable. */
static void settle(struct eni6_http *client, bool told) {
  admit(client);
  double when = expire(client);
  if (client->due < when) when = client->due;
  if (!told && !TAILQ_EMPTY(&client->news)) when = 0;
  arm_timer(client, when);
}

void eni6_http_step(struct eni6_http *client) {
  struct eni6_sigpipe guard;
  bool more = true;
  if (is_foreign(client)) return;
  eni6_sigpipe_block(&guard);
  for (int round = 0; more && round < ROUNDS_AT_ONCE; round++) {
    more = handle_ready(client);
    more = handle_due(client) || more;
    if (!TAILQ_EMPTY(&client->news)) break;
  }
  settle(client, true);
  eni6_sigpipe_restore(&guard);
}

/* --- starting, and telling what came of it ---------------------------------------- */

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
  transfer->deadline = INFINITY;
  transfer->list = &client->running;
  TAILQ_INSERT_TAIL(transfer->list, transfer, links);
  return transfer;
}

static int start(struct eni6_transfer *transfer, const struct eni6_http_request *request,
                 struct eni6_error *error) {
  struct eni6_http *client = transfer->client;
  transfer->easy = take_handle(client);
  if (!transfer->easy) return eni6_error_set(error, -ENOMEM, "out of memory");
  int status = eni6_http_set_up(transfer, request, error);
  if (status < 0) return status;
  if (has_room(client)) return begin(transfer, error);
  move(transfer, &client->waiting);
  if (transfer->timeout > 0) transfer->deadline = eni6_system_monotonic() + transfer->timeout;
  return 0;
}

int eni6_http_start(struct eni6_http *client, const struct eni6_http_request *request, void *owner,
                    struct eni6_transfer **out, struct eni6_error *error) {
  int status = eni6_http_check(request, error);
  if (status < 0) return status;
  if (is_foreign(client)) return eni6_error_set(error, -ECHILD, "%s", FORKED);
  struct eni6_transfer *transfer = new_transfer(client, request, owner);
  if (!transfer) return eni6_error_set(error, -ENOMEM, "out of memory");
  struct eni6_sigpipe guard;
  eni6_sigpipe_block(&guard);
  status = start(transfer, request, error);
  settle(client, false);
  eni6_sigpipe_restore(&guard);
  if (status == 0) *out = transfer;
  if (status < 0) eni6_transfer_free(transfer);
  return status;
}

struct eni6_transfer *eni6_http_changed(const struct eni6_http *client,
                                        const struct eni6_transfer *after) {
  return after ? TAILQ_NEXT(after, links) : TAILQ_FIRST(&client->news);
}

void eni6_http_acknowledge(struct eni6_http *client) {
  struct eni6_transfer *transfer;
  while ((transfer = TAILQ_FIRST(&client->news))) {
    if (transfer->done)
      detach(transfer);
    else
      move(transfer, &client->running);
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
  is_foreign(client);
  eni6_sigpipe_block(&guard);
  cancel_list(&client->waiting);
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
  struct eni6_http *client = transfer->client;
  struct eni6_sigpipe guard;
  if (transfer->done || is_foreign(client)) return;
  eni6_sigpipe_block(&guard);
  abandon(transfer, -ECANCELED, "cancelled");
  detach(transfer);
  settle(client, false);
  eni6_sigpipe_restore(&guard);
}

void eni6_transfer_free(struct eni6_transfer *transfer) {
  if (!transfer) return;
  eni6_transfer_cancel(transfer);
  if (transfer->client) detach(transfer);
  eni6_http_buffer_free(&transfer->head);
  eni6_http_buffer_free(&transfer->body);
  free(transfer);
}
