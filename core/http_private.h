/* What the files of http share; nobody else includes this. */
#ifndef ENI6_HTTP_PRIVATE_H
#define ENI6_HTTP_PRIVATE_H

#include <curl/curl.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "http.h"

#if LIBCURL_VERSION_NUM < 0x075700
#error "eni6 needs libcurl 7.87 or newer (CURLOPT_QUICK_EXIT, no SIGPIPE, thread-safe start)"
#endif

enum { SPARE_HANDLES = 16 }; /* easy handles kept for the next transfers */

struct buffer {
  char *bytes;
  size_t used;
  size_t size;
};

/* Where the reader of the header lines stands. */
enum head { HEAD_STATUS, HEAD_FIELDS, HEAD_COMPLETE };

TAILQ_HEAD(transfers, eni6_transfer);

struct eni6_transfer {
  struct eni6_http *client; /* NULL once the news of its end was acknowledged */
  TAILQ_ENTRY(eni6_transfer) links;
  struct transfers *list; /* the one of the client's that it is in */
  void *owner;
  CURL *easy;
  struct curl_slist *headers;
  struct buffer head;
  struct buffer body;
  enum head head_state;
  size_t received; /* bytes of the body, taken ones included */
  size_t max_body;
  double timeout;
  double connect_timeout;
  bool stream;
  bool repeatable;
  bool retry_refused;  /* libcurl wanted to send it a second time */
  int callback_status; /* why one of our callbacks stopped it, or 0 */
  double deadline;     /* until which it waits for a connection */
  int socket_error;    /* errno of a socket that could not be made, or 0 */
  bool active;         /* in the hands of libcurl */
  bool done;
  struct eni6_http_answer answer;
  char target[300]; /* host and port, for messages */
  char reason[CURL_ERROR_SIZE];
};

struct eni6_http {
  pid_t process; /* that opened it */
  CURLM *multi;  /* NULL until the first transfer, and after `broken` */
  CURLSH *share;
  bool broken; /* libcurl ran out of memory in mid-work: the multi handle must go */
  long max_connections;
  int epoll;
  int timer;
  double due;               /* when libcurl wants its next turn, of the monotonic clock */
  double armed;             /* when the timer fires: no later than `due` between calls */
  long active;              /* transfers in the hands of libcurl, max_connections at most */
  struct transfers waiting; /* for one of those to end */
  struct transfers running; /* under way, nothing to tell */
  struct transfers news;    /* with something to tell, until acknowledged */
  CURL *spare[SPARE_HANDLES];
  size_t spare_count;
};

/* Growing memory: 0, or -1 without memory. */
int eni6_http_buffer_add(struct buffer *buffer, const char *bytes, size_t size);
void eni6_http_buffer_free(struct buffer *buffer);

/* Moves a transfer into its client's news. */
void eni6_http_mark_changed(struct eni6_transfer *transfer);

/* http_request.c: refuses what HTTP has no words for. */
int eni6_http_check(const struct eni6_http_request *request, struct eni6_error *error);

/* http_request.c: sets all options of the transfer's easy handle. */
int eni6_http_set_up(struct eni6_transfer *transfer, const struct eni6_http_request *request,
                     struct eni6_error *error);

/* http_answer.c: tells the easy handle where the answer goes. */
void eni6_http_set_callbacks(struct eni6_transfer *transfer);

/* http_answer.c: fills the error of a transfer that libcurl ended with `code`. */
void eni6_http_explain(struct eni6_transfer *transfer, CURLcode code, struct eni6_error *error);

#endif
