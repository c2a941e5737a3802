#include "sigv4.h"

#include <errno.h>

/* Checks that every byte is visible ASCII and none of `excluded`. */
static int check_visible(struct eni6_text text, const char *field, const char *excluded,
                         struct eni6_error *error) {
  if (text.size == 0) return eni6_error_set(error, -EINVAL, "%s is empty", field);
  for (size_t i = 0; i < text.size; i++) {
    char byte = text.data[i];
    if (byte <= ' ' || byte > '~' || strchr(excluded, byte))
      return eni6_error_set(error, -EINVAL,
                            "%s has a byte that cannot belong to it, at place %zu of %zu (white "
                            "space at an end is a usual mistake)",
                            field, i + 1, text.size);
  }
  return 0;
}

static int check_credentials(const struct eni6_credentials *credentials, struct eni6_error *error) {
  int status = check_visible(credentials->access_key_id, "access_key_id", "/,", error);
  if (status == 0)
    status = check_visible(credentials->secret_access_key, "secret_access_key", "", error);
  if (status == 0) status = check_visible(credentials->region, "region", "/,", error);
  if (status == 0) status = check_visible(credentials->service, "service", "/,", error);
  if (status == 0 && credentials->session_token.size > 0)
    status = check_visible(credentials->session_token, "session_token", "", error);
  return status;
}

/* Keys the HMAC from which all signing keys are derived. */
static int key_secret(struct eni6_signer *signer, struct eni6_text secret,
                      struct eni6_error *error) {
  struct eni6_buffer key = {0};
  int status = eni6_buffer_reserve(&key, 4 + secret.size, error);
  if (status == 0) {
    eni6_buffer_put(&key, ENI6_TEXT("AWS4"));
    eni6_buffer_put(&key, secret);
    status = eni6_hmac_key(&signer->secret, &signer->sha256, eni6_buffer_text(&key), error);
  }
  eni6_buffer_free(&key);
  return status;
}

/* Writes the credential with a date to be overwritten for each request. */
static int write_credential(struct eni6_signer *signer, const struct eni6_credentials *from,
                            struct eni6_error *error) {
  struct eni6_buffer *out = &signer->credential;
  size_t size = from->access_key_id.size + from->region.size + from->service.size + 32;
  int status = eni6_buffer_reserve(out, size, error);
  if (status < 0) return status;
  signer->access_key_id_size = from->access_key_id.size;
  eni6_buffer_put(out, from->access_key_id);
  eni6_buffer_put(out, ENI6_TEXT("/00000000/"));
  eni6_buffer_put(out, from->region);
  eni6_buffer_put_byte(out, '/');
  eni6_buffer_put(out, from->service);
  eni6_buffer_put_byte(out, '/');
  eni6_buffer_put(out, ENI6_TEXT("aws4_request"));
  return 0;
}

int eni6_signer_open(struct eni6_signer *signer, const struct eni6_credentials *credentials,
                     struct eni6_error *error) {
  *signer = (struct eni6_signer){0};
  int status = check_credentials(credentials, error);
  if (status == 0) status = eni6_sha256_open(&signer->sha256, error);
  if (status == 0) status = key_secret(signer, credentials->secret_access_key, error);
  if (status == 0) status = write_credential(signer, credentials, error);
  if (status == 0)
    status = eni6_buffer_reserve(&signer->session_token, credentials->session_token.size, error);
  if (status == 0)
    eni6_buffer_put(&signer->session_token, credentials->session_token);
  else
    eni6_signer_close(signer);
  return status;
}

void eni6_signer_close(struct eni6_signer *signer) {
  for (size_t i = 0; i < ENI6_SIGV4_KEYS; i++) {
    eni6_buffer_free(&signer->keys[i].scope);
    eni6_hmac_close(&signer->keys[i].hmac);
  }
  eni6_hmac_close(&signer->secret);
  eni6_sha256_close(&signer->sha256);
  eni6_buffer_free(&signer->credential);
  eni6_buffer_free(&signer->session_token);
  eni6_canonical_free(&signer->canonical);
  eni6_buffer_free(&signer->string_to_sign);
  eni6_buffer_free(&signer->output);
  *signer = (struct eni6_signer){0};
}

struct eni6_text eni6_signer_access_key_id(const struct eni6_signer *signer) {
  return (struct eni6_text){signer->credential.data, signer->access_key_id_size};
}

/* --- keys ----------------------------------------------------------------------------- */

/* Derives the key of a scope: an HMAC keyed by the date's HMAC, keyed ... with the
 * secret at the bottom. */
static int derive_key(struct eni6_signer *signer, struct eni6_hmac *hmac, struct eni6_text scope,
                      struct eni6_error *error) {
  unsigned char code[ENI6_SHA256_SIZE];
  const struct eni6_hmac *under = &signer->secret;
  int status = 0;
  while (status == 0 && scope.size > 0) {
    struct eni6_text element = scope;
    const char *slash = memchr(scope.data, '/', scope.size);
    if (slash) element.size = (size_t)(slash - scope.data);
    size_t passed = element.size + (slash ? 1 : 0);
    scope = (struct eni6_text){scope.data + passed, scope.size - passed};
    status = eni6_hmac_sign(under, &signer->sha256, element, code, error);
    if (status == 0)
      status = eni6_hmac_key(hmac, &signer->sha256,
                             (struct eni6_text){(const char *)code, sizeof code}, error);
    under = hmac;
  }
  eni6_wipe(code, sizeof code);
  return status;
}

/* Derives a key in the place of the oldest one. */
static int replace_key(struct eni6_signer *signer, struct eni6_text scope,
                       struct eni6_scope_key **found, struct eni6_error *error) {
  struct eni6_scope_key *key = &signer->keys[signer->next_key];
  key->scope.size = 0; /* until the key is whole, it is nobody's */
  int status = eni6_buffer_reserve(&key->scope, scope.size, error);
  if (status == 0) status = derive_key(signer, &key->hmac, scope, error);
  if (status < 0) return status;
  eni6_buffer_put(&key->scope, scope);
  signer->next_key = (signer->next_key + 1) % ENI6_SIGV4_KEYS;
  *found = key;
  return 0;
}

static int find_key(struct eni6_signer *signer, struct eni6_text scope,
                    struct eni6_scope_key **found, struct eni6_error *error) {
  for (size_t i = 0; i < ENI6_SIGV4_KEYS; i++)
    if (eni6_text_equal(eni6_buffer_text(&signer->keys[i].scope), scope))
      return *found = &signer->keys[i], 0;
  return replace_key(signer, scope, found, error);
}

int eni6_signer_signature(struct eni6_signer *signer, struct eni6_text scope,
                          struct eni6_text string_to_sign, char signature[ENI6_SHA256_HEX_SIZE],
                          struct eni6_error *error) {
  unsigned char code[ENI6_SHA256_SIZE];
  struct eni6_scope_key *key;
  if (scope.size == 0) return eni6_error_set(error, -EINVAL, "the scope is empty");
  int status = find_key(signer, scope, &key, error);
  if (status == 0)
    status = eni6_hmac_sign(&key->hmac, &signer->sha256, string_to_sign, code, error);
  if (status == 0) eni6_sha256_encode(signature, code);
  return status;
}
