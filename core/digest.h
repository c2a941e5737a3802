/* SHA-256 and HMAC-SHA-256 on OpenSSL's EVP. The algorithm is fetched once for
 * each owner, and a key is expanded once: both cost more than the hashing.
 * SHA-1 for names that others chose with it. */
#ifndef ENI6_DIGEST_H
#define ENI6_DIGEST_H

#include <stddef.h>

#include "buffer.h"
#include "eni6.h"

ENI6_PUBLIC_BEGIN

struct evp_md_st;
struct evp_md_ctx_st;

enum { ENI6_SHA256_SIZE = 32, ENI6_SHA256_HEX_SIZE = 64, ENI6_SHA1_HEX_SIZE = 40 };

/* The fetched algorithm with a context to work in. All zero is closed. Not to
 * be used by two threads at once. */
struct eni6_sha256 {
  struct evp_md_st *algorithm;
  struct evp_md_ctx_st *work;
};

int eni6_sha256_open(struct eni6_sha256 *sha256, struct eni6_error *error);
void eni6_sha256_close(struct eni6_sha256 *sha256);

/* The hash of `data`. */
int eni6_sha256_hash(struct eni6_sha256 *sha256, struct eni6_text data,
                     unsigned char digest[ENI6_SHA256_SIZE], struct eni6_error *error);

/* The same in lower-case hexadecimal, not terminated. */
int eni6_sha256_hex(struct eni6_sha256 *sha256, struct eni6_text data,
                    char hex[ENI6_SHA256_HEX_SIZE], struct eni6_error *error);

/* A key, expanded: the two hash states that HMAC starts from (RFC 2104). The key
 * itself is not kept. All zero is closed. */
struct eni6_hmac {
  struct evp_md_ctx_st *inner, *outer;
};

/* Keys `hmac`, which may have had another key before. */
int eni6_hmac_key(struct eni6_hmac *hmac, struct eni6_sha256 *sha256, struct eni6_text key,
                  struct eni6_error *error);
void eni6_hmac_close(struct eni6_hmac *hmac);

/* The code of `data` under the key; `sha256` is the one that keyed it. */
int eni6_hmac_sign(const struct eni6_hmac *hmac, struct eni6_sha256 *sha256, struct eni6_text data,
                   unsigned char code[ENI6_SHA256_SIZE], struct eni6_error *error);

/* Writes a hash or code in lower-case hexadecimal, not terminated. */
void eni6_sha256_encode(char hex[ENI6_SHA256_HEX_SIZE], const unsigned char *digest);

/* The SHA-1 of `data` in lower-case hexadecimal, not terminated: for names of files
 * only, since it withstands no forger. */
int eni6_sha1_hex(struct eni6_text data, char hex[ENI6_SHA1_HEX_SIZE], struct eni6_error *error);

/* Overwrites memory in a way that no optimiser drops. */
void eni6_wipe(void *memory, size_t size);

/* Whether two texts are equal, in a time that tells only their sizes. */
int eni6_text_equal_secret(struct eni6_text a, struct eni6_text b);

ENI6_PUBLIC_END

#endif
