#include "digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum { BLOCK_SIZE = 64, SHA1_SIZE = 20 };

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
  if (status == 0) eni6_sha256_encode(hex, digest);
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

/* The two digits of every byte. */
static const char digit_pairs[] = "000102030405060708090a0b0c0d0e0f"
                                  "101112131415161718191a1b1c1d1e1f"
                                  "202122232425262728292a2b2c2d2e2f"
                                  "303132333435363738393a3b3c3d3e3f"
                                  "404142434445464748494a4b4c4d4e4f"
                                  "505152535455565758595a5b5c5d5e5f"
                                  "606162636465666768696a6b6c6d6e6f"
                                  "707172737475767778797a7b7c7d7e7f"
                                  "808182838485868788898a8b8c8d8e8f"
                                  "909192939495969798999a9b9c9d9e9f"
                                  "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
                                  "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
                                  "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
                                  "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
                                  "e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
                                  "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

static void put_pair(char *hex, unsigned char byte) {
  memcpy(hex, digit_pairs + (size_t)2 * byte, 2);
}

void eni6_sha256_encode(char hex[ENI6_SHA256_HEX_SIZE], const unsigned char *digest) {
  for (size_t i = 0; i < ENI6_SHA256_SIZE; i += 4, hex += 8) {
    put_pair(hex, digest[i]);
    put_pair(hex + 2, digest[i + 1]);
    put_pair(hex + 4, digest[i + 2]);
    put_pair(hex + 6, digest[i + 3]);
  }
}

int eni6_sha1_hex(struct eni6_text data, char hex[ENI6_SHA1_HEX_SIZE], struct eni6_error *error) {
  unsigned char digest[SHA1_SIZE];
  if (!EVP_Digest(data.data, data.size, digest, NULL, EVP_sha1(), NULL))
    return forget(eni6_error_set(error, -EIO, "OpenSSL computes no SHA-1 (or memory is short)"));
  for (size_t i = 0; i < SHA1_SIZE; i++)
    put_pair(hex + 2 * i, digest[i]);
  return 0;
}

void eni6_wipe(void *memory, size_t size) {
  OPENSSL_cleanse(memory, size);
}

int eni6_text_equal_secret(struct eni6_text a, struct eni6_text b) {
  return a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0;
}
