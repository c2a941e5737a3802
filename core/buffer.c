#include "buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <openssl/crypto.h>

/* A capacity for `needed` bytes: at least doubled, so that growth is rare. */
static size_t grown(size_t capacity, size_t needed) {
  size_t doubled = capacity > SIZE_MAX / 2 ? SIZE_MAX : capacity * 2;
  size_t least = doubled > needed ? doubled : needed;
  return least < 256 ? 256 : least;
}

int eni6_buffer_grow(struct eni6_buffer *buffer, size_t more, struct eni6_error *error) {
  if (more > SIZE_MAX - buffer->size)
    return eni6_error_set(error, -ENOMEM, "a text of more than %zu bytes", (size_t)SIZE_MAX);
  size_t capacity = grown(buffer->capacity, buffer->size + more);
  char *data = malloc(capacity);
  if (!data) return eni6_error_set(error, -ENOMEM, "no memory for %zu bytes", capacity);
  if (buffer->size > 0) memcpy(data, buffer->data, buffer->size);
  size_t size = buffer->size;
  eni6_buffer_free(buffer);
  *buffer = (struct eni6_buffer){data, size, capacity};
  return 0;
}

void eni6_buffer_free(struct eni6_buffer *buffer) {
  if (buffer->data) OPENSSL_cleanse(buffer->data, buffer->capacity);
  free(buffer->data);
  *buffer = (struct eni6_buffer){0};
}
