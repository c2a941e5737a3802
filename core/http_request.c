/* A request translated into the options of an easy handle. */
#include "http_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Visible characters without separators: RFC 9110's token. */
static bool is_token(const char *text) {
  static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return *text && text[strspn(text, allowed)] == '\0';
}

static bool is_line(const char *text) {
  return text[strcspn(text, "\r\n")] == '\0';
}

int eni6_http_check(const struct eni6_http_request *request, struct eni6_error *error) {
  if (!is_token(request->method))
    return eni6_error_set(error, -EINVAL, "the method is not a token of HTTP");
  for (size_t i = 0; i < request->header_count; i++) {
    const struct eni6_http_header *header = &request->headers[i];
    if (!is_token(header->name))
      return eni6_error_set(error, -EINVAL, "the name of header %zu is not a token of HTTP", i + 1);
    if (!is_line(header->value))
      return eni6_error_set(error, -EINVAL, "the header %s has a line break in it", header->name);
  }
  return 0;
}

static int append_line(struct eni6_transfer *transfer, const char *line) {
  struct curl_slist *list = curl_slist_append(transfer->headers, line);
  if (!list) return -1;
  transfer->headers = list;
  return 0;
}

/* One header in libcurl's notation: an empty value is written with a semicolon. */
static int append_header(struct eni6_transfer *transfer, const struct eni6_http_header *header) {
  struct buffer *line = &transfer->head; /* not in use yet */
  const char *value = header->value + strspn(header->value, " \t");
  line->used = 0;
  int status = eni6_http_buffer_add(line, header->name, strlen(header->name));
  if (*value) {
    status |= eni6_http_buffer_add(line, ": ", 2);
    status |= eni6_http_buffer_add(line, value, strlen(value) + 1);
  } else {
    status |= eni6_http_buffer_add(line, ";", 2);
  }
  if (status == 0) status = append_line(transfer, line->bytes);
  line->used = 0;
  return status;
}

static bool has_header(const struct eni6_http_request *request, const char *name) {
  for (size_t i = 0; i < request->header_count; i++)
    if (curl_strequal(request->headers[i].name, name)) return true;
  return false;
}

/* The headers as given, and those that libcurl would add on its own taken away. */
static CURLcode set_headers(struct eni6_transfer *transfer,
                            const struct eni6_http_request *request) {
  static const char *const unwanted[] = {"Accept", "Content-Type", "Expect"};
  for (size_t i = 0; i < request->header_count; i++)
    if (append_header(transfer, &request->headers[i]) < 0) return CURLE_OUT_OF_MEMORY;
  for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++) {
    char line[32];
    if (has_header(request, unwanted[i])) continue;
    snprintf(line, sizeof line, "%s:", unwanted[i]);
    if (append_line(transfer, line) < 0) return CURLE_OUT_OF_MEMORY;
  }
  return curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

/* Methods whose request has a length even when it has no body. */
static bool expects_body(const char *method) {
  return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static void set_method(CURL *easy, const struct eni6_http_request *request) {
  if (strcmp(request->method, "HEAD") == 0) {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request->body || expects_body(request->method)) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
  } else {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
  }
}

/* Seconds as libcurl's milliseconds, rounded up; 0 (no limit) stays 0. */
static long milliseconds(double seconds) {
  double value = seconds * 1000 + 0.999;
  return value > 2000000000 ? 2000000000L : (long)value;
}

/* libcurl's own sockets would be inherited by programs that the host starts; and
 * it would not tell why there is none. */
static curl_socket_t on_open_socket(void *data, curlsocktype purpose,
                                    struct curl_sockaddr *address) {
  struct eni6_transfer *transfer = data;
  (void)purpose;
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  transfer->socket_error = fd < 0 ? errno : 0;
  return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* What holds for every request. QUICK_EXIT: a transfer that ends while its host
 * name is looked up leaves that to its thread and does not wait for it. */
static void set_manners(CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

static CURLcode set_trust(CURL *easy, const struct eni6_http_request *request) {
  bool own = request->ca_file || request->ca_path;
  CURLcode code = CURLE_OK;
  if (own) code = curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
  if (own && code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_CAPATH, request->ca_path);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, request->insecure ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request->insecure ? 0L : 2L);
  return code;
}

/* Proxy and socket: always set, so that libcurl never looks into the environment. */
static CURLcode set_route(CURL *easy, const struct eni6_http_request *request) {
  const char *proxy = request->proxy && !request->unix_socket ? request->proxy : "";
  CURLcode code = curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
  if (code == CURLE_OK)
    code = curl_easy_setopt(easy, CURLOPT_NOPROXY, request->no_proxy ? request->no_proxy : "");
  if (code == CURLE_OK && request->unix_socket)
    code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
  return code;
}

/* Host and port of the URL, or the socket's path: what messages name. Nothing
 * else of a URL is safe to show. */
static CURLUcode describe_target(struct eni6_transfer *transfer, CURLU *url, const char *socket) {
  char *host = NULL, *port = NULL;
  CURLUcode code = curl_url_get(url, CURLUPART_HOST, &host, 0);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
  if (code == CURLUE_OK && socket)
    snprintf(transfer->target, sizeof transfer->target, "%s", socket);
  else if (code == CURLUE_OK)
    snprintf(transfer->target, sizeof transfer->target, "%s:%s", host, port);
  curl_free(host);
  curl_free(port);
  return code;
}

/* Tells whether libcurl may go there: *foreign if the scheme is another. */
static CURLUcode check_scheme(CURLU *url, bool *foreign) {
  char *scheme = NULL;
  CURLUcode code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
  if (code == CURLUE_OK) *foreign = strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0;
  curl_free(scheme);
  return code;
}

static int read_url(struct eni6_transfer *transfer, const struct eni6_http_request *request,
                    struct eni6_error *error) {
  bool foreign = false;
  CURLU *url = curl_url();
  if (!url) return eni6_error_set(error, -ENOMEM, "out of memory");
  CURLUcode code = curl_url_set(url, CURLUPART_URL, request->url, CURLU_NON_SUPPORT_SCHEME);
  if (code == CURLUE_OK) code = check_scheme(url, &foreign);
  if (code == CURLUE_OK && !foreign) code = describe_target(transfer, url, request->unix_socket);
  curl_url_cleanup(url);
  if (foreign)
    return eni6_error_set(error, -EPROTONOSUPPORT, "the URL's scheme must be http or https");
  if (code == CURLUE_OUT_OF_MEMORY) return eni6_error_set(error, -ENOMEM, "out of memory");
  if (code == CURLUE_OK) return 0;
  return eni6_error_set(error, -EINVAL, "the URL is malformed: %s", curl_url_strerror(code));
}

int eni6_http_set_up(struct eni6_transfer *transfer, const struct eni6_http_request *request,
                     struct eni6_error *error) {
  CURL *easy = transfer->easy;
  int status = read_url(transfer, request, error);
  if (status < 0) return status;
  eni6_http_set_callbacks(transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
  set_manners(easy);
  set_method(easy, request);
  curl_easy_setopt(easy, CURLOPT_SHARE, transfer->client->share);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(request->timeout));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request->connect_timeout));
  CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, request->url);
  if (code == CURLE_OK) code = set_trust(easy, request);
  if (code == CURLE_OK) code = set_route(easy, request);
  if (code == CURLE_OK) code = set_headers(transfer, request);
  if (code == CURLE_OUT_OF_MEMORY) return eni6_error_set(error, -ENOMEM, "out of memory");
  if (code == CURLE_OK) return 0;
  return eni6_error_set(error, -ENOTSUP, "this libcurl lacks an option of the request: %s",
                        curl_easy_strerror(code));
}
