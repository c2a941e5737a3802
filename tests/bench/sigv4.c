/* The bare hashing of a signature, for tests/bench/sigv4.lua: SHA-256 of a body and of a canonical
 * request, HMAC of a string to sign under a key that is ready. What no signer on OpenSSL's EVP can
 * beat.
 *
 * usage: sigv4 SECONDS BODY_SIZE CANONICAL_REQUEST_SIZE STRING_TO_SIGN_SIZE
 * prints the signatures per second of CPU time, of the best slice */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/evp.h>

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void hash(EVP_MD_CTX *context, const EVP_MD *algorithm, const char *data, size_t size,
                 unsigned char *digest) {
  if (!EVP_DigestInit_ex(context, algorithm, NULL) || !EVP_DigestUpdate(context, data, size) ||
      !EVP_DigestFinal_ex(context, digest, NULL))
    abort();
}

static void finish(EVP_MD_CTX *context, const EVP_MD_CTX *keyed, const void *data, size_t size,
                   unsigned char *digest) {
  if (!EVP_MD_CTX_copy_ex(context, keyed) || !EVP_DigestUpdate(context, data, size) ||
      !EVP_DigestFinal_ex(context, digest, NULL))
    abort();
}

static EVP_MD_CTX *keyed_context(const EVP_MD *algorithm, int pad) {
  unsigned char block[64];
  memset(block, pad, sizeof block);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (!EVP_DigestInit_ex(context, algorithm, NULL) ||
      !EVP_DigestUpdate(context, block, sizeof block))
    abort();
  return context;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  double seconds = atof(argv[1]), start = cpu_seconds();
  size_t body = (size_t)atol(argv[2]), canonical = (size_t)atol(argv[3]),
         string = (size_t)atol(argv[4]);
  char *data = calloc(1, body + canonical + string);
  EVP_MD *algorithm = EVP_MD_fetch(NULL, "SHA2-256", NULL);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_MD_CTX *inner = keyed_context(algorithm, 0x36), *outer = keyed_context(algorithm, 0x5c);
  unsigned char digest[EVP_MAX_MD_SIZE];
  double best = 0;
  while (cpu_seconds() - start < seconds) {
    double before = cpu_seconds();
    for (int i = 0; i < 5000; i++) {
      hash(context, algorithm, data, body, digest);
      hash(context, algorithm, data, canonical, digest);
      finish(context, inner, data, string, digest);
      finish(context, outer, digest, 32, digest);
    }
    double rate = 5000 / (cpu_seconds() - before);
    if (rate > best) best = rate;
  }
  printf("%.0f\n", best);
  return 0;
}
