/* The canonical request of AWS's Signature Version 4: one text that client and
 * server both derive from a request, whatever happened to it on the way. */
#ifndef ENI6_CANONICAL_H
#define ENI6_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "eni6.h"

ENI6_PUBLIC_BEGIN

struct eni6_header {
  struct eni6_text name, value;
};

/* What a header's name means to signing. */
enum eni6_header_kind {
  ENI6_HEADER_ORDINARY,
  ENI6_HEADER_HOST,
  ENI6_HEADER_CONTENT_SHA256, /* x-amz-content-sha256 */
  ENI6_HEADER_RESERVED,       /* X-Amz-Date and others that the signer sets */
  ENI6_HEADER_AUTHORIZATION,  /* the signature itself */
  ENI6_HEADER_UNSIGNED,       /* changed or dropped on the way: User-Agent, Connection, ... */
};

/* A canonical request in the making. All zero is empty; the memory is kept for
 * the next one. In this order: begin, add headers, finish them, add parameters,
 * build. */
struct eni6_canonical {
  struct eni6_buffer names;          /* the headers' names in lower case */
  struct eni6_buffer headers;        /* struct part[] of canonical.c */
  struct eni6_buffer signed_headers; /* "host;x-amz-date" */
  struct eni6_buffer query;          /* the parameters, encoded, in the order of their coming */
  struct eni6_buffer parameters;     /* struct part[], into query */
  struct eni6_buffer path;           /* the path, normalised */
  struct eni6_buffer request;        /* what eni6_canonical_build made */
  size_t value_bytes;                /* of all header values */
  size_t token_at;                   /* where in the request add_token's value is; 0: nowhere */
};

void eni6_canonical_begin(struct eni6_canonical *canonical);
void eni6_canonical_free(struct eni6_canonical *canonical);

/* Checks a header, says what its name means, and adds it unless it is UNSIGNED
 * or AUTHORIZATION. Its value is borrowed until the build. -EINVAL for a name that is no
 * token (RFC 9110) and for control characters in the value, line breaks among them,
 * except those of a folded line (followed by a space or tab). */
int eni6_canonical_add_header(struct eni6_canonical *canonical, const struct eni6_header *header,
                              enum eni6_header_kind *kind, struct eni6_error *error);

/* Checks a header, and adds it if its name is in a list such as "host;x-amz-date". */
int eni6_canonical_add_listed(struct eni6_canonical *canonical, const struct eni6_header *header,
                              struct eni6_text list, struct eni6_error *error);

/* Adds a header of the signer itself: a name in lower case, a value without spaces. */
int eni6_canonical_add_own(struct eni6_canonical *canonical, struct eni6_text name,
                           struct eni6_text value, struct eni6_error *error);

/* The same for the session token, whose place in the request is noted. */
int eni6_canonical_add_token(struct eni6_canonical *canonical, struct eni6_text name,
                             struct eni6_text value, struct eni6_error *error);

/* Gives the header that was added last another value, which is borrowed. */
void eni6_canonical_replace_value(struct eni6_canonical *canonical, struct eni6_text value);

/* Sorts the headers and writes signed_headers. */
int eni6_canonical_finish_headers(struct eni6_canonical *canonical, struct eni6_error *error);

/* Adds the parameters of a query as a URI has it, in any state of encoding; "+"
 * is a plus. -EINVAL for a "%" that starts no escape. */
int eni6_canonical_add_query(struct eni6_canonical *canonical, struct eni6_text query,
                             struct eni6_error *error);

/* Adds one parameter that is not encoded yet. */
int eni6_canonical_add_parameter(struct eni6_canonical *canonical, struct eni6_text name,
                                 struct eni6_text value, struct eni6_error *error);

/* Whether a parameter was added that the signer sets itself; then *name is it. */
bool eni6_canonical_find_reserved(const struct eni6_canonical *canonical, struct eni6_text *name);

/* Whether a text is a token (RFC 9110, 5.6.2): a method, a header's name. */
bool eni6_is_token(struct eni6_text text);

/* Whether a header's value has folded lines. */
bool eni6_header_is_folded(struct eni6_text value);

/* Writes a value as it may go on the wire: folded lines joined by one space.
 * At most value.size bytes; returns their number. */
size_t eni6_header_unfold(char *out, struct eni6_text value);

struct eni6_canonical_target {
  struct eni6_text method, path;
  struct eni6_text payload_hash;
  bool keep_path;     /* leave "..", "." and "//" in the path, as S3 does */
  bool single_encode; /* encode the path once, as S3 does */
};

/* Writes the canonical request into canonical->request. */
int eni6_canonical_build(struct eni6_canonical *canonical,
                         const struct eni6_canonical_target *target, struct eni6_error *error);

ENI6_PUBLIC_END

#endif
