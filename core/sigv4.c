#include "sigv4.h"

#include <errno.h>

#include "uri.h"

static const struct eni6_text algorithm = {"AWS4-HMAC-SHA256", 16};
static const struct eni6_text unsigned_payload = {"UNSIGNED-PAYLOAD", 16};
static const struct eni6_text date_header = {"x-amz-date", 10};
static const struct eni6_text token_header = {"x-amz-security-token", 20};
static const struct eni6_text sha256_header = {"x-amz-content-sha256", 20};

/* --- time ------------------------------------------------------------------------- */

/* Year, month and day of a day counted from 1970-01-01, reckoned in years that
 * begin in March, so that the leap day comes last. */
static void date_of_day(int64_t day, int *year, int *month, int *date) {
  int64_t shifted = day + 719468; /* days since 0000-03-01 */
  int64_t era = shifted / 146097, in_era = shifted % 146097;
  int64_t year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  int64_t in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t march_month = (5 * in_year + 2) / 153;
  *date = (int)(in_year - (153 * march_month + 2) / 5 + 1);
  *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
  *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static char *put_digits(char *out, int value, int digits) {
  for (int i = digits - 1; i >= 0; i--, value /= 10)
    out[i] = (char)('0' + value % 10);
  return out + digits;
}

int eni6_sigv4_timestamp(int64_t time, char timestamp[ENI6_SIGV4_TIMESTAMP_SIZE],
                         struct eni6_error *error) {
  if (time < 0 || time > ENI6_SIGV4_TIME_MAX)
    return eni6_error_set(error, -ERANGE,
                          "time %lld is not within the years 1970 to 9999: give seconds since the "
                          "epoch",
                          (long long)time);
  int year, month, date, second = (int)(time % 86400);
  date_of_day(time / 86400, &year, &month, &date);
  char *next = put_digits(timestamp, year, 4);
  next = put_digits(next, month, 2);
  next = put_digits(next, date, 2);
  *next++ = 'T';
  next = put_digits(next, second / 3600, 2);
  next = put_digits(next, second / 60 % 60, 2);
  next = put_digits(next, second % 60, 2);
  *next = 'Z';
  return 0;
}

/* --- stages ---------------------------------------------------------------------------- */

int eni6_sigv4_string_to_sign(struct eni6_buffer *out, struct eni6_sha256 *sha256,
                              struct eni6_text timestamp, struct eni6_text scope,
                              struct eni6_text canonical_request, struct eni6_error *error) {
  size_t size = algorithm.size + timestamp.size + scope.size + ENI6_SHA256_HEX_SIZE + 3;
  int status = eni6_buffer_reserve(out, size, error);
  if (status < 0) return status;
  eni6_buffer_put(out, algorithm);
  eni6_buffer_put_byte(out, '\n');
  eni6_buffer_put(out, timestamp);
  eni6_buffer_put_byte(out, '\n');
  eni6_buffer_put(out, scope);
  eni6_buffer_put_byte(out, '\n');
  status = eni6_sha256_hex(sha256, canonical_request, out->data + out->size, error);
  if (status == 0) out->size += ENI6_SHA256_HEX_SIZE;
  return status;
}

struct eni6_text eni6_sigv4_scope(struct eni6_text string_to_sign) {
  struct eni6_text line = {NULL, 0}, rest = string_to_sign;
  for (int n = 0; n < 3; n++) {
    const char *end = rest.size > 0 ? memchr(rest.data, '\n', rest.size) : NULL;
    if (!end) return (struct eni6_text){NULL, 0};
    line = (struct eni6_text){rest.data, (size_t)(end - rest.data)};
    rest = (struct eni6_text){end + 1, rest.size - line.size - 1};
  }
  return line;
}

int eni6_sigv4_check_target(struct eni6_text method, struct eni6_text uri,
                            struct eni6_error *error) {
  if (!eni6_is_token(method))
    return eni6_error_set(error, -EINVAL, "method: it must be a word such as GET or POST");
  if (uri.size > 0 && uri.data[0] != '/' && uri.data[0] != '?')
    return eni6_error_set(error, -EINVAL,
                          "uri: it must start with \"/\": the path and query of the URL alone");
  for (size_t i = 0; i < uri.size; i++) {
    unsigned char byte = (unsigned char)uri.data[i];
    if (byte < ' ' || byte == 0x7f || byte == '#')
      return eni6_error_set(
          error, -EINVAL, "uri: byte %zu (0x%02x) never goes on the wire: encode it", i + 1, byte);
  }
  return 0;
}

/* --- headers of a request --------------------------------------------------------------- */

/* What the caller's headers say that signing needs to know. */
struct seen {
  struct eni6_text host, content_sha256;
  size_t host_index, hosts, content_sha256s;
};

static struct eni6_text trimmed(struct eni6_text text) {
  while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
    text = (struct eni6_text){text.data + 1, text.size - 1};
  while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
    text.size--;
  return text;
}

/* Whether a text is there and has no white space within. */
static bool is_word(struct eni6_text text) {
  for (size_t i = 0; i < text.size; i++)
    if ((unsigned char)text.data[i] <= ' ') return false;
  return text.size > 0;
}

/* The host as HTTP clients send it: trimmed, without the scheme's default port.
 * A colon within an address belongs to the address unless "]" closes it. */
static struct eni6_text host_to_send(struct eni6_text host, bool plain_http) {
  struct eni6_text port = plain_http ? ENI6_TEXT(":80") : ENI6_TEXT(":443");
  host = trimmed(host);
  if (host.size <= port.size) return host;
  size_t name = host.size - port.size;
  if (memcmp(host.data + name, port.data, port.size) != 0) return host;
  if (host.data[name - 1] != ']' && memchr(host.data, ':', name)) return host;
  host.size = name;
  return host;
}

static int reserved_header(struct eni6_text name, struct eni6_error *error) {
  return eni6_error_set(error, -EINVAL,
                        "header %.*s: the signer sets it itself: leave it out (or sign the request "
                        "that was not signed yet)",
                        (int)name.size, name.data);
}

/* Adds one of the caller's headers to the canonical request. */
static int take_header(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                       size_t index, struct seen *seen, struct eni6_error *error) {
  enum eni6_header_kind kind;
  const struct eni6_header *header = &request->headers[index];
  int status = eni6_canonical_add_header(&signer->canonical, header, &kind, error);
  if (status < 0) return status;
  if (kind == ENI6_HEADER_RESERVED || kind == ENI6_HEADER_AUTHORIZATION)
    return reserved_header(header->name, error);
  if (kind == ENI6_HEADER_HOST) {
    seen->hosts++;
    seen->host_index = index;
    seen->host = host_to_send(header->value, request->plain_http);
    eni6_canonical_replace_value(&signer->canonical, seen->host);
  } else if (kind == ENI6_HEADER_CONTENT_SHA256) {
    seen->content_sha256s++;
    seen->content_sha256 = trimmed(header->value);
  }
  return 0;
}

static int take_headers(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                        struct seen *seen, struct eni6_error *error) {
  int status = 0;
  for (size_t i = 0; status == 0 && i < request->header_count; i++)
    status = take_header(signer, request, i, seen, error);
  if (status < 0) return status;
  if (seen->hosts != 1 || !is_word(seen->host))
    return eni6_error_set(
        error, -EINVAL, "headers: there must be one Host, a name or address with or without port");
  if (seen->content_sha256s > 1)
    return eni6_error_set(error, -EINVAL, "headers: there must be one x-amz-content-sha256");
  return 0;
}

/* --- payload ------------------------------------------------------------------------------ */

static bool is_hash(struct eni6_text text) {
  if (text.size != ENI6_SHA256_HEX_SIZE) return false;
  for (size_t i = 0; i < text.size; i++)
    if (!strchr("0123456789abcdef", text.data[i]) || text.data[i] == '\0') return false;
  return true;
}

/* Whether the value says, in S3's words, that the payload is not hashed as a whole. */
static bool is_unhashed(struct eni6_text text) {
  struct eni6_text streaming = ENI6_TEXT("STREAMING-");
  return eni6_text_equal(text, unsigned_payload) ||
         (text.size > streaming.size && memcmp(text.data, streaming.data, streaming.size) == 0);
}

/* The payload's hash as the caller declared it in x-amz-content-sha256. */
static int declared_payload(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                            struct eni6_text declared, struct eni6_text *hash,
                            struct eni6_error *error) {
  if (request->sign_body || request->unsigned_payload)
    return eni6_error_set(error, -EINVAL,
                          "header x-amz-content-sha256 is there already: leave it out, or "
                          "sign_body and unsigned_payload");
  if (!is_hash(declared) && !is_unhashed(declared))
    return eni6_error_set(error, -EINVAL,
                          "header x-amz-content-sha256: it must be a SHA-256 in lower-case "
                          "hexadecimal, UNSIGNED-PAYLOAD or STREAMING-...");
  *hash = declared;
  if (!request->body.data || is_unhashed(declared)) return 0;
  int status = eni6_sha256_hex(&signer->sha256, request->body, signer->payload_hash, error);
  if (status == 0 && memcmp(declared.data, signer->payload_hash, declared.size) != 0)
    return eni6_error_set(error, -EINVAL,
                          "header x-amz-content-sha256 is not the SHA-256 of the body given");
  return status;
}

/* The last line of the canonical request; out->content_sha256 when it is to be sent. */
static int find_payload(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                        const struct seen *seen, struct eni6_text *hash, struct eni6_signed *out,
                        struct eni6_error *error) {
  int status = 0;
  if (seen->content_sha256s > 0)
    return declared_payload(signer, request, seen->content_sha256, hash, error);
  if (request->unsigned_payload) {
    *hash = unsigned_payload;
  } else {
    status = eni6_sha256_hex(&signer->sha256, request->body, signer->payload_hash, error);
    *hash = (struct eni6_text){signer->payload_hash, sizeof signer->payload_hash};
  }
  if (request->sign_body || request->unsigned_payload) out->content_sha256 = *hash;
  return status;
}

/* --- signing ------------------------------------------------------------------------------ */

/* Writes the timestamp, and its date into the credential. Many requests have the
 * same second. */
static int set_time(struct eni6_signer *signer, int64_t time, struct eni6_error *error) {
  if (time == signer->time && signer->timestamp[0]) return 0;
  int status = eni6_sigv4_timestamp(time, signer->timestamp, error);
  if (status < 0) return status;
  signer->time = time;
  memcpy(signer->credential.data + signer->access_key_id_size + 1, signer->timestamp, 8);
  return 0;
}

/* What every signature begins with: checks, the time, a clean slate. */
static int begin(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                 struct eni6_signed *out, struct eni6_error *error) {
  *out = (struct eni6_signed){0};
  eni6_canonical_begin(&signer->canonical);
  signer->string_to_sign.size = signer->output.size = 0;
  int status = eni6_sigv4_check_target(request->method, request->uri, error);
  if (status == 0) status = set_time(signer, request->time, error);
  if (status < 0) return status;
  out->timestamp = (struct eni6_text){signer->timestamp, sizeof signer->timestamp};
  out->session_token = eni6_buffer_text(&signer->session_token);
  return 0;
}

static struct eni6_text scope_of(const struct eni6_signer *signer) {
  size_t skipped = signer->access_key_id_size + 1;
  return (struct eni6_text){signer->credential.data + skipped, signer->credential.size - skipped};
}

/* Canonical request, string to sign and signature, from what was added. */
static int compute(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                   struct eni6_text path, struct eni6_text payload_hash, struct eni6_signed *out,
                   struct eni6_error *error) {
  struct eni6_canonical_target target = {request->method, path, payload_hash, request->keep_path,
                                         request->single_encode};
  int status = eni6_canonical_build(&signer->canonical, &target, error);
  if (status < 0) return status;
  out->canonical_request = eni6_buffer_text(&signer->canonical.request);
  out->token_at = signer->canonical.token_at;
  status = eni6_sigv4_string_to_sign(&signer->string_to_sign, &signer->sha256, out->timestamp,
                                     scope_of(signer), out->canonical_request, error);
  if (status < 0) return status;
  out->string_to_sign = eni6_buffer_text(&signer->string_to_sign);
  out->signature = (struct eni6_text){signer->signature, sizeof signer->signature};
  return eni6_signer_signature(signer, scope_of(signer), out->string_to_sign, signer->signature,
                               error);
}

/* Refuses a URI that was presigned already. */
static int check_parameters(const struct eni6_signer *signer, struct eni6_error *error) {
  struct eni6_text name;
  if (!eni6_canonical_find_reserved(&signer->canonical, &name)) return 0;
  return eni6_error_set(error, -EINVAL,
                        "uri: the signer sets the parameter %.*s itself: leave it out",
                        (int)name.size, name.data);
}

static int write_authorization(struct eni6_signer *signer, struct eni6_signed *out,
                               struct eni6_error *error) {
  struct eni6_buffer *buffer = &signer->output;
  struct eni6_text names = eni6_buffer_text(&signer->canonical.signed_headers);
  int status = eni6_buffer_reserve(buffer, signer->credential.size + names.size + 160, error);
  if (status < 0) return status;
  eni6_buffer_put(buffer, algorithm);
  eni6_buffer_put(buffer, ENI6_TEXT(" Credential="));
  eni6_buffer_put(buffer, eni6_buffer_text(&signer->credential));
  eni6_buffer_put(buffer, ENI6_TEXT(", SignedHeaders="));
  eni6_buffer_put(buffer, names);
  eni6_buffer_put(buffer, ENI6_TEXT(", Signature="));
  eni6_buffer_put(buffer, out->signature);
  out->authorization = eni6_buffer_text(buffer);
  return 0;
}

/* Adds the headers that the signer sends itself. */
static int add_own_headers(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                           const struct eni6_signed *out, struct eni6_error *error) {
  int status = eni6_canonical_add_own(&signer->canonical, date_header, out->timestamp, error);
  if (status == 0 && out->session_token.size > 0 && !request->omit_session_token)
    status = eni6_canonical_add_token(&signer->canonical, token_header, out->session_token, error);
  if (status == 0 && out->content_sha256.size > 0)
    status = eni6_canonical_add_own(&signer->canonical, sha256_header, out->content_sha256, error);
  if (status == 0) status = eni6_canonical_finish_headers(&signer->canonical, error);
  return status;
}

int eni6_signer_sign(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                     struct eni6_signed *out, struct eni6_error *error) {
  struct seen seen = {0};
  struct eni6_text path, query, payload_hash;
  eni6_uri_split(request->uri, &path, &query);
  int status = begin(signer, request, out, error);
  if (status == 0) status = take_headers(signer, request, &seen, error);
  if (status == 0) status = find_payload(signer, request, &seen, &payload_hash, out, error);
  if (status == 0) status = add_own_headers(signer, request, out, error);
  if (status == 0) status = eni6_canonical_add_query(&signer->canonical, query, error);
  if (status == 0) status = check_parameters(signer, error);
  if (status == 0) status = compute(signer, request, path, payload_hash, out, error);
  if (status == 0) status = write_authorization(signer, out, error);
  out->host = seen.host;
  out->host_index = seen.host_index;
  return status;
}

/* Adds the parameters that make a URI presigned, but for the signature. */
static int add_own_parameters(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                              const struct eni6_signed *out, struct eni6_error *error) {
  char expires[8];
  size_t digits = 1;
  for (int64_t rest = request->expires; rest >= 10; rest /= 10)
    digits++;
  put_digits(expires, (int)request->expires, (int)digits);
  struct eni6_header parameters[] = {
      {ENI6_TEXT("X-Amz-Algorithm"), algorithm},
      {ENI6_TEXT("X-Amz-Credential"), eni6_buffer_text(&signer->credential)},
      {ENI6_TEXT("X-Amz-Date"), out->timestamp},
      {ENI6_TEXT("X-Amz-Expires"), {expires, digits}},
      {ENI6_TEXT("X-Amz-SignedHeaders"), eni6_buffer_text(&signer->canonical.signed_headers)},
      {ENI6_TEXT("X-Amz-Content-Sha256"),
       request->sign_body ? out->content_sha256 : (struct eni6_text){0}},
      {ENI6_TEXT("X-Amz-Security-Token"),
       request->omit_session_token ? (struct eni6_text){0} : out->session_token},
  };
  int status = 0;
  for (size_t i = 0; status == 0 && i < sizeof parameters / sizeof *parameters; i++)
    if (parameters[i].value.size > 0)
      status = eni6_canonical_add_parameter(&signer->canonical, parameters[i].name,
                                            parameters[i].value, error);
  return status;
}

/* Writes "/path?parameters&X-Amz-Signature=...", the token before the signature
 * when it was not signed. */
static int write_uri(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                     struct eni6_text path, struct eni6_signed *out, struct eni6_error *error) {
  struct eni6_buffer *buffer = &signer->output;
  struct eni6_text query = eni6_buffer_text(&signer->canonical.query);
  size_t size = path.size + query.size + 3 * out->session_token.size + 128;
  int status = eni6_buffer_reserve(buffer, size, error);
  if (status < 0) return status;
  eni6_buffer_put(buffer, path.size > 0 ? path : ENI6_TEXT("/"));
  eni6_buffer_put_byte(buffer, '?');
  eni6_buffer_put(buffer, query);
  if (request->omit_session_token && out->session_token.size > 0) {
    eni6_buffer_put(buffer, ENI6_TEXT("&X-Amz-Security-Token="));
    buffer->size += eni6_uri_encode(buffer->data + buffer->size, out->session_token, false);
  }
  eni6_buffer_put(buffer, ENI6_TEXT("&X-Amz-Signature="));
  eni6_buffer_put(buffer, out->signature);
  out->uri = eni6_buffer_text(buffer);
  return 0;
}

static int check_expires(int64_t expires, struct eni6_error *error) {
  if (expires >= 1 && expires <= ENI6_SIGV4_EXPIRES_MAX) return 0;
  return eni6_error_set(error, -ERANGE, "expires: %lld is not within 1 and %d seconds (seven days)",
                        (long long)expires, ENI6_SIGV4_EXPIRES_MAX);
}

int eni6_signer_presign(struct eni6_signer *signer, const struct eni6_sigv4_request *request,
                        struct eni6_signed *out, struct eni6_error *error) {
  struct seen seen = {0};
  struct eni6_text path, query, payload_hash;
  eni6_uri_split(request->uri, &path, &query);
  int status = begin(signer, request, out, error);
  if (status == 0) status = check_expires(request->expires, error);
  if (status == 0) status = take_headers(signer, request, &seen, error);
  if (status == 0) status = find_payload(signer, request, &seen, &payload_hash, out, error);
  if (status == 0) status = eni6_canonical_finish_headers(&signer->canonical, error);
  if (status == 0) status = eni6_canonical_add_query(&signer->canonical, query, error);
  if (status == 0) status = check_parameters(signer, error);
  if (status == 0) status = add_own_parameters(signer, request, out, error);
  if (status == 0) status = compute(signer, request, path, payload_hash, out, error);
  if (status == 0) status = write_uri(signer, request, path, out, error);
  out->host = seen.host;
  out->host_index = seen.host_index;
  return status;
}
