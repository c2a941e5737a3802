#define _GNU_SOURCE
/* The signer on requests of any bytes. The lines of the input are the method, the URI, options, the
 * body, and then names and values of headers by turns; the byte 1 in a value is a line end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sigv4.h"
#include "uri.h"

enum { HEADERS_MAX = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer when something that must hold does not. */
static void require(bool holds) {
  if (!holds) abort();
}

/* Takes a line off the input. */
static struct eni6_text take_line(struct eni6_text *input) {
  const char *end = input->size > 0 ? memchr(input->data, '\n', input->size) : NULL;
  struct eni6_text line = {input->data, end ? (size_t)(end - input->data) : input->size};
  size_t passed = line.size + (end ? 1 : 0);
  *input = (struct eni6_text){input->data + passed, input->size - passed};
  return line;
}

/* Makes line ends of the bytes 1 in the headers' values. */
static void put_folds(char *data, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (data[i] == 1) data[i] = '\n';
}

static void read_request(struct eni6_sigv4_request *request, struct eni6_header *headers,
                         struct eni6_text input) {
  request->method = take_line(&input);
  request->uri = take_line(&input);
  struct eni6_text options = take_line(&input);
  char bits = options.size > 0 ? options.data[0] : 0;
  request->keep_path = bits & 1;
  request->single_encode = bits & 2;
  request->sign_body = bits & 4;
  request->unsigned_payload = bits & 8;
  request->omit_session_token = bits & 16;
  request->plain_http = bits & 32;
  request->body = take_line(&input);
  request->headers = headers;
  while (input.size > 0 && request->header_count < HEADERS_MAX) {
    struct eni6_header *header = &headers[request->header_count++];
    header->name = take_line(&input);
    header->value = take_line(&input);
    put_folds((char *)(uintptr_t)header->value.data, header->value.size);
  }
}

static size_t count_lines(struct eni6_text text) {
  size_t lines = 1;
  for (size_t i = 0; i < text.size; i++)
    lines += text.data[i] == '\n';
  return lines;
}

static size_t count_names(struct eni6_text names) {
  size_t count = 1;
  for (size_t i = 0; i < names.size; i++)
    count += names.data[i] == ';';
  return count;
}

/* Nothing of a request can add a line to what is signed. */
static void check_shape(const struct eni6_signer *signer, const struct eni6_signed *result) {
  size_t headers = count_names(eni6_buffer_text(&signer->canonical.signed_headers));
  require(count_lines(result->canonical_request) == headers + 6);
  require(count_lines(result->string_to_sign) == 4);
  require(!memchr(result->canonical_request.data, '\r', result->canonical_request.size));
  require(!memchr(result->canonical_request.data, '\0', result->canonical_request.size));
}

/* Who receives a presigned URI derives the canonical request that was signed. */
static void check_presigned(const struct eni6_sigv4_request *request,
                            const struct eni6_signed *result) {
  struct eni6_canonical canonical = {0};
  struct eni6_text path, query, request_text = result->canonical_request;
  enum eni6_header_kind kind;
  eni6_uri_split(result->uri, &path, &query);
  const char *signature = memmem(query.data, query.size, "&X-Amz-Signature=", 17);
  require(signature != NULL);
  query.size = (size_t)(signature - query.data);
  for (size_t i = 0; i < request->header_count; i++) {
    struct eni6_header header = request->headers[i];
    if (i == result->host_index) header.value = result->host;
    require(eni6_canonical_add_header(&canonical, &header, &kind, NULL) == 0);
  }
  require(eni6_canonical_finish_headers(&canonical, NULL) == 0);
  require(eni6_canonical_add_query(&canonical, query, NULL) == 0);
  const char *last_line = memrchr(request_text.data, '\n', request_text.size);
  struct eni6_text hash = {last_line + 1,
                           (size_t)(request_text.data + request_text.size - last_line - 1)};
  struct eni6_canonical_target target = {request->method, path, hash, request->keep_path,
                                         request->single_encode};
  require(eni6_canonical_build(&canonical, &target, NULL) == 0);
  require(eni6_text_equal(eni6_buffer_text(&canonical.request), request_text));
  eni6_canonical_free(&canonical);
}

/* A value that was unfolded has no line ends and signs as before. */
static void check_unfolded(const struct eni6_sigv4_request *request) {
  for (size_t i = 0; i < request->header_count; i++) {
    struct eni6_text value = request->headers[i].value;
    char *out = malloc(value.size + 1);
    require(out != NULL);
    size_t size = eni6_header_unfold(out, value);
    require(size <= value.size && !memchr(out, '\n', size));
    free(out);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct eni6_credentials credentials = {
      {"AKIDEXAMPLE", 11}, {"secret", 6}, {"to/ken+=", 8}, {"us-east-1", 9}, {"ec2", 3}};
  struct eni6_signer signer;
  struct eni6_signed result;
  struct eni6_error error = {.message = ""};
  struct eni6_header headers[HEADERS_MAX];
  struct eni6_sigv4_request request = {.time = 1440938160, .expires = 60};
  char *copy = malloc(size > 0 ? size : 1);
  require(copy != NULL);
  if (size > 0) memcpy(copy, data, size);
  read_request(&request, headers, (struct eni6_text){copy, size});
  require(eni6_signer_open(&signer, &credentials, NULL) == 0);
  if (eni6_signer_sign(&signer, &request, &result, &error) == 0) {
    check_shape(&signer, &result);
    check_unfolded(&request);
  } else {
    require(error.message[0] != '\0');
  }
  if (eni6_signer_presign(&signer, &request, &result, &error) == 0) {
    check_shape(&signer, &result);
    if (!request.omit_session_token) check_presigned(&request, &result);
  }
  eni6_signer_close(&signer);
  free(copy);
  return 0;
}
