/* AWS Signature Version 4: a request's Authorization header, or a presigned URI.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
#ifndef ENI6_SIGV4_H
#define ENI6_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "canonical.h"
#include "digest.h"
#include "eni6.h"

ENI6_PUBLIC_BEGIN

enum {
  ENI6_SIGV4_TIMESTAMP_SIZE = 16,  /* "20150830T123600Z" */
  ENI6_SIGV4_EXPIRES_MAX = 604800, /* seconds; AWS's limit of seven days */
  ENI6_SIGV4_KEYS = 4,             /* derived keys that a signer remembers */
};

/* The last second of the year 9999: timestamps have four digits for the year. */
#define ENI6_SIGV4_TIME_MAX INT64_C(253402300799)

struct eni6_credentials {
  struct eni6_text access_key_id, secret_access_key;
  struct eni6_text session_token; /* empty: none */
  struct eni6_text region, service;
};

/* A signing key, derived for one scope "20150830/us-east-1/ec2/aws4_request". */
struct eni6_scope_key {
  struct eni6_buffer scope;
  struct eni6_hmac hmac;
};

/* Credentials made ready, and memory that is used again for each request. The
 * secret is kept only as HMAC states keyed by it. All zero is closed. Not to be
 * used by two threads at once. */
struct eni6_signer {
  struct eni6_sha256 sha256;
  struct eni6_hmac secret; /* keyed by "AWS4" and the secret */
  struct eni6_scope_key keys[ENI6_SIGV4_KEYS];
  unsigned next_key; /* which of them goes next */
  size_t access_key_id_size;
  struct eni6_buffer credential; /* "AKID/20150830/us-east-1/ec2/aws4_request" */
  struct eni6_buffer session_token;
  struct eni6_canonical canonical;
  struct eni6_buffer string_to_sign, output;
  int64_t time; /* of the timestamp below */
  char timestamp[ENI6_SIGV4_TIMESTAMP_SIZE];
  char payload_hash[ENI6_SHA256_HEX_SIZE];
  char signature[ENI6_SHA256_HEX_SIZE];
};

struct eni6_sigv4_request {
  struct eni6_text method;
  struct eni6_text uri; /* "/path?query" as it goes on the wire */
  const struct eni6_header *headers;
  size_t header_count;
  struct eni6_text body;   /* data NULL: not given, which hashes like an empty one */
  int64_t time;            /* seconds since the epoch */
  int64_t expires;         /* seconds, for a presigned URI */
  bool plain_http;         /* the default port is 80, not 443 */
  bool keep_path;          /* leave "..", "." and "//" in the path, as S3 does */
  bool single_encode;      /* encode the path once, as S3 does */
  bool sign_body;          /* send the hash of the body along (x-amz-content-sha256) */
  bool unsigned_payload;   /* sign UNSIGNED-PAYLOAD in place of the body's hash */
  bool omit_session_token; /* send the session token, but do not sign it */
};

/* What came of it; the texts belong to the signer until its next call. */
struct eni6_signed {
  struct eni6_text host;           /* the value of Host to send */
  size_t host_index;               /* which of the request's headers it is */
  struct eni6_text timestamp;      /* of X-Amz-Date */
  struct eni6_text session_token;  /* of X-Amz-Security-Token; empty: do not send it */
  struct eni6_text content_sha256; /* of x-amz-content-sha256; empty: do not send it */
  struct eni6_text authorization;  /* header form */
  struct eni6_text uri;            /* presigned form */
  struct eni6_text canonical_request, string_to_sign, signature;
  size_t token_at; /* where in the canonical request the session token stands; 0: nowhere */
};

/* -EINVAL for credentials that cannot be sent: empty, or with bytes that a header
 * or a scope cannot hold. */
int eni6_signer_open(struct eni6_signer *signer, const struct eni6_credentials *credentials,
                     struct eni6_error *error);

/* Wipes and frees everything; the signer is closed afterwards. */
void eni6_signer_close(struct eni6_signer *signer);

struct eni6_text eni6_signer_access_key_id(const struct eni6_signer *signer);

/* Signs with an Authorization header. -EINVAL says what of the request is wrong. */
int eni6_signer_sign(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                     struct eni6_signed *out, struct eni6_error *error);

/* Signs in the query of the URI. */
int eni6_signer_presign(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                        struct eni6_signed *out, struct eni6_error *error);

/* The last stage alone: the signature of a string to sign, for a scope such as
 * "20150830/us-east-1/ec2/aws4_request". */
int eni6_signer_signature(struct eni6_signer *signer, struct eni6_text scope,
                          struct eni6_text string_to_sign, char signature[ENI6_SHA256_HEX_SIZE],
                          struct eni6_error *error);

/* The scope in a string to sign, its third line; empty when there is none. */
struct eni6_text eni6_sigv4_scope(struct eni6_text string_to_sign);

/* Appends the string to sign for a canonical request. */
int eni6_sigv4_string_to_sign(struct eni6_buffer *out, struct eni6_sha256 *sha256,
                              struct eni6_text timestamp, struct eni6_text scope,
                              struct eni6_text canonical_request, struct eni6_error *error);

/* "20150830T123600Z", not terminated. -ERANGE outside the years 1970 to 9999. */
int eni6_sigv4_timestamp(int64_t time, char timestamp[ENI6_SIGV4_TIMESTAMP_SIZE],
                         struct eni6_error *error);

/* -EINVAL unless `method` is a token and `uri` a path or query without spaces,
 * control characters and fragment. */
int eni6_sigv4_check_target(struct eni6_text method, struct eni6_text uri,
                            struct eni6_error *error);

ENI6_PUBLIC_END

#endif
