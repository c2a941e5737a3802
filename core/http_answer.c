/* An answer's head and body as they come in, and what went wrong. */
#include "http_private.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADERS = 262144 }; /* bytes of an answer's header block */

/* --- growing memory ------------------------------------------------------------- */

static int buffer_reserve(struct buffer *buffer, size_t more) {
  if (more > SIZE_MAX / 2 - buffer->used) return -1;
  if (buffer->used + more <= buffer->size) return 0;
  size_t size = buffer->size ? buffer->size : 1024;
  while (size < buffer->used + more)
    size *= 2;
  char *bytes = realloc(buffer->bytes, size);
  if (!bytes) return -1;
  buffer->bytes = bytes;
  buffer->size = size;
  return 0;
}

int eni6_http_buffer_add(struct buffer *buffer, const char *bytes, size_t size) {
  if (buffer_reserve(buffer, size) < 0) return -1;
  if (size > 0) memcpy(buffer->bytes + buffer->used, bytes, size);
  buffer->used += size;
  return 0;
}

void eni6_http_buffer_free(struct buffer *buffer) {
  free(buffer->bytes);
  *buffer = (struct buffer){0};
}

/* --- the answer's head ------------------------------------------------------------ */

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **text, size_t *size) {
  while (*size > 0 && is_blank((*text)[*size - 1]))
    --*size;
  while (*size > 0 && is_blank(**text))
    ++*text, --*size;
}

/* A field line as "name:value\n", blanks around the value removed; a folded
 * line (RFC 9112, 5.2) goes on with the value before it. */
static int add_field(struct buffer *head, const char *line, size_t size) {
  if (head->used + size > MAX_HEADERS) return -EMSGSIZE;
  bool folded = head->used > 0 && (*line == ' ' || *line == '\t');
  const char *colon = folded ? line : memchr(line, ':', size);
  if (!colon) return -EPROTO;
  const char *value = folded ? line : colon + 1;
  size_t value_size = size - (size_t)(value - line);
  trim(&value, &value_size);
  int status = 0;
  if (folded) head->used--;
  if (folded)
    status |= eni6_http_buffer_add(head, " ", 1);
  else
    status |= eni6_http_buffer_add(head, line, (size_t)(colon + 1 - line));
  status |= eni6_http_buffer_add(head, value, value_size);
  status |= eni6_http_buffer_add(head, "\n", 1);
  return status < 0 ? -ENOMEM : 0;
}

/* The next line of a head: a status line, a field, or the empty line. Interim
 * answers (1xx) are forgotten; trailers are passed over. */
static int read_head_line(struct eni6_transfer *transfer, const char *line, size_t size) {
  bool empty = size > 0 && (line[0] == '\r' || line[0] == '\n');
  switch (transfer->head_state) {
  case HEAD_STATUS:
    transfer->head.used = 0;
    transfer->head_state = HEAD_FIELDS;
    return 0;
  case HEAD_FIELDS:
    if (!empty) return add_field(&transfer->head, line, size);
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->head_state = status >= 100 && status < 200 ? HEAD_STATUS : HEAD_COMPLETE;
    return 0;
  default: return 0;
  }
}

bool eni6_http_next_header(const struct eni6_http_answer *answer, size_t *cursor, const char **name,
                           size_t *name_size, const char **value, size_t *value_size) {
  if (*cursor >= answer->headers_size) return false;
  const char *line = answer->headers + *cursor;
  size_t rest = answer->headers_size - *cursor;
  const char *end = memchr(line, '\n', rest);
  const char *colon = memchr(line, ':', rest);
  *name = line;
  *name_size = (size_t)(colon - line);
  *value = colon + 1;
  *value_size = (size_t)(end - colon) - 1;
  *cursor += (size_t)(end - line) + 1;
  return true;
}

/* --- what libcurl calls ------------------------------------------------------------- */

static size_t on_header(char *line, size_t one, size_t size, void *data) {
  struct eni6_transfer *transfer = data;
  (void)one;
  transfer->callback_status = read_head_line(transfer, line, size);
  return transfer->callback_status == 0 ? size : 0;
}

/* Whether the body would exceed its limit, by what was announced or what came. */
static bool too_large(struct eni6_transfer *transfer, size_t more) {
  curl_off_t announced = -1;
  if (transfer->max_body == 0) return false;
  if (transfer->received == 0)
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  return transfer->received + more > transfer->max_body ||
         (announced > 0 && (uint64_t)announced > transfer->max_body);
}

static size_t on_body(char *bytes, size_t one, size_t size, void *data) {
  struct eni6_transfer *transfer = data;
  (void)one;
  if (too_large(transfer, size))
    transfer->callback_status = -EMSGSIZE;
  else if (eni6_http_buffer_add(&transfer->body, bytes, size) < 0)
    transfer->callback_status = -ENOMEM;
  if (transfer->callback_status != 0) return 0;
  transfer->received += size;
  if (transfer->stream) eni6_http_mark_changed(transfer);
  return size;
}

/* Called with a connection that stands, right before the request goes out on
 * it: from here on it may have arrived. libcurl sends a request once more when a
 * kept connection breaks before any answer; the first may have been acted upon,
 * so this is left to those who know that it does no harm. */
static int on_ready(void *data, char *peer, char *local, int peer_port, int local_port) {
  struct eni6_transfer *transfer = data;
  (void)peer, (void)local, (void)peer_port, (void)local_port;
  if (transfer->answer.sent && !transfer->repeatable) {
    transfer->retry_refused = true;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer->answer.sent = true;
  return CURL_PREREQFUNC_OK;
}

void eni6_http_set_callbacks(struct eni6_transfer *transfer) {
  CURL *easy = transfer->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->reason);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
}

/* --- errors --------------------------------------------------------------------------- */

/* The status of an error of libcurl, apart from the system's own reason. */
static int status_of(CURLcode code) {
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY: return ENI6_ERESOLVE;
  case CURLE_COULDNT_CONNECT: return -ECONNREFUSED;
  case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_PARTIAL_FILE: return -ECONNRESET;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ENGINE_INITFAILED:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_SHUTDOWN_FAILED: return ENI6_ETLS;
  case CURLE_OUT_OF_MEMORY: return -ENOMEM;
  case CURLE_URL_MALFORMAT:
  case CURLE_LOGIN_DENIED:
  case CURLE_BAD_FUNCTION_ARGUMENT: return -EINVAL;
  case CURLE_UNSUPPORTED_PROTOCOL: return -EPROTONOSUPPORT;
  default: return -EPROTO;
  }
}

/* The system's reason for which there is no connection, if it is known. libcurl does
 * not keep the reason of one that broke: what it has then may be of an address that
 * failed before another one connected. */
static int refine(const struct eni6_transfer *transfer, int status) {
  long number = transfer->socket_error;
  if (status != -ECONNREFUSED) return status;
  if (number == 0) curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
  return number > 0 && number != EINPROGRESS ? -(int)number : status;
}

static void timed_out(struct eni6_transfer *transfer, struct eni6_error *error) {
  double limit = transfer->active ? transfer->connect_timeout : 0;
  if (limit <= 0 || (transfer->timeout > 0 && transfer->timeout < limit)) limit = transfer->timeout;
  if (transfer->answer.sent)
    eni6_error_set(error, -ETIMEDOUT, "%s: no complete answer within %g seconds", transfer->target,
                   transfer->timeout);
  else
    eni6_error_set(error, -ETIMEDOUT, "%s: no connection within %g seconds", transfer->target,
                   limit);
}

/* The error of a transfer that one of our callbacks stopped. */
static void stopped(struct eni6_transfer *transfer, struct eni6_error *error) {
  int status = transfer->callback_status;
  if (status == -ENOMEM)
    eni6_error_set(error, status, "%s: out of memory", transfer->target);
  else if (status == -EPROTO)
    eni6_error_set(error, status, "%s: the answer has a malformed header", transfer->target);
  else if (transfer->head_state == HEAD_COMPLETE)
    eni6_error_set(error, status, "%s: the answer's body exceeds %zu bytes", transfer->target,
                   transfer->max_body);
  else
    eni6_error_set(error, status, "%s: the answer's headers exceed %d bytes", transfer->target,
                   MAX_HEADERS);
}

/* A proxy that answers CONNECT with anything but 2xx. */
static bool refused_by_proxy(const struct eni6_transfer *transfer) {
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return !transfer->answer.sent && status >= 300;
}

void eni6_http_explain(struct eni6_transfer *transfer, CURLcode code, struct eni6_error *error) {
  const char *reason = transfer->reason[0] ? transfer->reason : curl_easy_strerror(code);
  int status = refine(transfer, status_of(code));
  if (transfer->retry_refused)
    eni6_error_set(error, -ECONNRESET,
                   "%s: the connection broke before the answer; the request may have arrived",
                   transfer->target);
  else if (transfer->callback_status != 0)
    stopped(transfer, error);
  else if (code == CURLE_OPERATION_TIMEDOUT)
    timed_out(transfer, error);
  else if (code == CURLE_COULDNT_RESOLVE_PROXY) /* libcurl's text may hold the proxy's password */
    eni6_error_set(error, status, "%s: the proxy's host name cannot be resolved", transfer->target);
  else if (code == CURLE_COULDNT_CONNECT)
    eni6_error_system(error, -status, "%s: cannot connect", transfer->target);
  else if (code == CURLE_LOGIN_DENIED)
    eni6_error_set(error, status, "%s: the URL has a user name in it", transfer->target);
  else if (refused_by_proxy(transfer) ||
           (code == CURLE_UNSUPPORTED_PROTOCOL && transfer->answer.sent))
    eni6_error_set(error, -EPROTO, "%s: %s", transfer->target, reason);
  else
    eni6_error_set(error, status, "%s: %s", transfer->target, reason);
}
