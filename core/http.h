/* HTTP over libcurl's multi interface, behind one pollable descriptor.
 *
 * A client owns connections and any number of transfers at once. Its descriptor
 * becomes readable whenever there is something to do, a time limit included;
 * eni6_http_step then does it without waiting. Nothing here waits, and nothing
 * calls back: step leaves news of the transfers, for eni6_http_changed to walk.
 *
 * A client belongs to the process that opened it: after a fork the child may close its
 * copy, which leaves the parent's connections alone, and all else fails with ECHILD.
 *
 * libcurl is set up once per process, with its own thread-safe initialisation;
 * a client is used by one thread at a time. */
#ifndef ENI6_HTTP_H
#define ENI6_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "eni6.h"

ENI6_PUBLIC_BEGIN

struct eni6_http;
struct eni6_transfer;

struct eni6_http_header {
  const char *name;
  const char *value;
};

/* All strings are borrowed until eni6_http_start returns; `body` until the
 * transfer is done. */
struct eni6_http_request {
  const char *method;
  const char *url; /* http or https; the path goes out as it is, dots included */
  const struct eni6_http_header *headers;
  size_t header_count; /* sent in this order; libcurl adds only Host and Content-Length */
  const char *body;    /* NULL: none */
  size_t body_size;
  double timeout;          /* seconds for all of it; 0: no limit */
  double connect_timeout;  /* seconds until the connection stands, TLS included; 0: no limit */
  size_t max_body;         /* bytes of the answer's body; 0: no limit */
  bool stream;             /* the caller takes the body piece by piece (eni6_transfer_take) */
  bool repeatable;         /* may be sent again by itself when a kept connection turns out dead */
  bool insecure;           /* do not verify the server's certificate */
  const char *unix_socket; /* connect to this path in place of the URL's host, or NULL */
  const char *proxy;       /* a proxy's URL, or NULL; the environment is never read */
  const char *no_proxy;    /* comma-separated hosts that need no proxy, or NULL */
  const char *ca_file;     /* certificates to trust in place of the system's, or NULL */
  const char *ca_path;     /* a directory of them, or NULL */
};

/* What became of a transfer, once it is done. */
struct eni6_http_answer {
  struct eni6_error error; /* status 0: there is an answer */
  bool sent;               /* a byte of the request may have reached the server */
  int status;              /* of HTTP */
  const char *version;     /* "1.0", "1.1", "2" or "3" */
  const char *headers;     /* "name:value\n" for each, as received; see next_header */
  size_t headers_size;
  const char *body; /* what was not taken */
  size_t body_size;
};

/* Makes a client with at most that many requests under way at once (0: no limit);
 * more of them wait, within their time limits. */
int eni6_http_open(struct eni6_http **client, long max_connections, struct eni6_error *error);

/* Ends every transfer with ECANCELED (they remain the caller's to free), closes
 * every connection and frees the client. NULL is fine. */
void eni6_http_close(struct eni6_http *client);

/* The descriptor to poll for reading. */
int eni6_http_pollfd(const struct eni6_http *client);

/* Starts a transfer. `owner` comes back from eni6_transfer_owner. */
int eni6_http_start(struct eni6_http *client, const struct eni6_http_request *request, void *owner,
                    struct eni6_transfer **transfer, struct eni6_error *error);

/* Does all that can be done without waiting. Look at the news afterwards: they do
 * not make the descriptor readable. */
void eni6_http_step(struct eni6_http *client);

/* Walks the transfers with news (pieces of a streamed body, or their end): the
 * first after NULL, then the one after each; NULL after the last. */
struct eni6_transfer *eni6_http_changed(const struct eni6_http *client,
                                        const struct eni6_transfer *after);

/* Forgets the news, and lets go of the transfers that are done. */
void eni6_http_acknowledge(struct eni6_http *client);

void *eni6_transfer_owner(const struct eni6_transfer *transfer);
bool eni6_transfer_done(const struct eni6_transfer *transfer);

/* The answer so far; complete and with `error` valid once the transfer is done. */
const struct eni6_http_answer *eni6_transfer_answer(struct eni6_transfer *transfer);

/* Empties the body received so far into *bytes, valid until the next step. */
size_t eni6_transfer_take(struct eni6_transfer *transfer, const char **bytes);

/* Ends a transfer with ECANCELED; nothing if it is done. */
void eni6_transfer_cancel(struct eni6_transfer *transfer);

/* Cancels and frees. NULL is fine. */
void eni6_transfer_free(struct eni6_transfer *transfer);

/* Walks an answer's headers: *cursor starts at 0; false after the last. */
bool eni6_http_next_header(const struct eni6_http_answer *answer, size_t *cursor, const char **name,
                           size_t *name_size, const char **value, size_t *value_size);

ENI6_PUBLIC_END

#endif
