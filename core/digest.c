#include "digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum { BLOCK_SIZE = 64 };

/* Empties OpenSSL's queue of errors after a failure: a host that speaks TLS would
 * take ours for its own. */
static int forget(int status) {
  ERR_clear_error();
  return status;
}

/* Once the algorithm is there, hashing fails only for want of memory, though
 * OpenSSL reports it under other names. */
static int no_memory(struct eni6_error *error, const char *what) {
  return forget(eni6_error_set(error, -ENOMEM, "no memory to %s", what));
}

int eni6_sha256_open(struct eni6_sha256 *sha256, struct eni6_error *error) {
  sha256->algorithm = EVP_MD_fetch(NULL, "SHA2-256", NULL);
  if (!sha256->algorithm)
    return forget(eni6_error_set(error, -EIO,
                                 "OpenSSL provides no SHA-256 (or memory is short): look at the "
                                 "providers in its configuration file"));
  sha256->work = EVP_MD_CTX_new();
  if (sha256->work) return 0;
  eni6_sha256_close(sha256);
  return no_memory(error, "set up SHA-256");
}

void eni6_sha256_close(struct eni6_sha256 *sha256) {
  EVP_MD_CTX_free(sha256->work);
  EVP_MD_free(sha256->algorithm);
  *sha256 = (struct eni6_sha256){0};
}

int eni6_sha256_hash(struct eni6_sha256 *sha256, struct eni6_text data,
                     unsigned char digest[ENI6_SHA256_SIZE], struct eni6_error *error) {
  if (!EVP_DigestInit_ex(sha256->work, sha256->algorithm, NULL) ||
      !EVP_DigestUpdate(sha256->work, data.data, data.size) ||
      !EVP_DigestFinal_ex(sha256->work, digest, NULL))
    return no_memory(error, "compute SHA-256");
  return 0;
}

int eni6_sha256_hex(struct eni6_sha256 *sha256, struct eni6_text data,
                    char hex[ENI6_SHA256_HEX_SIZE], struct eni6_error *error) {
  unsigned char digest[ENI6_SHA256_SIZE];
  int status = eni6_sha256_hash(sha256, data, digest, error);
  if (status == 0) eni6_hex_encode(hex, digest, sizeof digest);
  return status;
}

/* Brings a state to where it has eaten the key's block, each byte xor `pad`. */
static int start_state(EVP_MD_CTX **state, const EVP_MD *algorithm,
                       const unsigned char key[BLOCK_SIZE], unsigned char pad) {
  unsigned char block[BLOCK_SIZE];
  for (size_t i = 0; i < BLOCK_SIZE; i++)
    block[i] = (unsigned char)(key[i] ^ pad);
  if (!*state) *state = EVP_MD_CTX_new();
  int done = *state && EVP_DigestInit_ex(*state, algorithm, NULL) &&
             EVP_DigestUpdate(*state, block, sizeof block);
  eni6_wipe(block, sizeof block);
  return done;
}

int eni6_hmac_key(struct eni6_hmac *hmac, struct eni6_sha256 *sha256, struct eni6_text key,
                  struct eni6_error *error) {
  unsigned char block[BLOCK_SIZE] = {0};
  int status = 0;
  if (key.size > BLOCK_SIZE)
    status = eni6_sha256_hash(sha256, key, block, error);
  else if (key.size > 0)
    memcpy(block, key.data, key.size);
  if (status == 0 && (!start_state(&hmac->inner, sha256->algorithm, block, 0x36) ||
                      !start_state(&hmac->outer, sha256->algorithm, block, 0x5c)))
    status = no_memory(error, "expand a key");
  eni6_wipe(block, sizeof block);
  return status;
}

/* OpenSSL wipes a context's state when it frees it. */
void eni6_hmac_close(struct eni6_hmac *hmac) {
  EVP_MD_CTX_free(hmac->inner);
  EVP_MD_CTX_free(hmac->outer);
  *hmac = (struct eni6_hmac){0};
}

int eni6_hmac_sign(const struct eni6_hmac *hmac, struct eni6_sha256 *sha256, struct eni6_text data,
                   unsigned char code[ENI6_SHA256_SIZE], struct eni6_error *error) {
  if (!EVP_MD_CTX_copy_ex(sha256->work, hmac->inner) ||
      !EVP_DigestUpdate(sha256->work, data.data, data.size) ||
      !EVP_DigestFinal_ex(sha256->work, code, NULL) ||
      !EVP_MD_CTX_copy_ex(sha256->work, hmac->outer) ||
      !EVP_DigestUpdate(sha256->work, code, ENI6_SHA256_SIZE) ||
      !EVP_DigestFinal_ex(sha256->work, code, NULL))
    return no_memory(error, "compute an HMAC");
  return 0;
}

/* A digit without a table or a branch, so that the compiler may do many at once. */
static char hex_digit(unsigned value) {
  return (char)('0' + value + (((9 - value) >> 8) & ('a' - '0' - 10)));
}

void eni6_hex_encode(char *hex, const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    hex[2 * i] = hex_digit(bytes[i] >> 4);
    hex[2 * i + 1] = hex_digit(bytes[i] & 15);
  }
}

void eni6_wipe(void *memory, size_t size) {
  OPENSSL_cleanse(memory, size);
}

int eni6_text_equal_secret(struct eni6_text a, struct eni6_text b) {
  return a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0;
}
