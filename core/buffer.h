/* Text that is borrowed, and text that grows. */
#ifndef ENI6_BUFFER_H
#define ENI6_BUFFER_H

#include <stddef.h>
#include <string.h>

#include "eni6.h"

ENI6_PUBLIC_BEGIN

/* Bytes that belong to somebody else; not terminated. */
struct eni6_text {
  const char *data;
  size_t size;
};

/* The text of a string literal. */
#ifdef __cplusplus
#define ENI6_TEXT(literal) (eni6_text{(literal), sizeof(literal) - 1})
#else
#define ENI6_TEXT(literal) ((struct eni6_text){(literal), sizeof(literal) - 1})
#endif

static inline int eni6_text_equal(struct eni6_text a, struct eni6_text b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Memory that grows and is wiped before it is given back: what passes through
 * it may be a security token. All zero is an empty buffer. */
struct eni6_buffer {
  char *data;
  size_t size, capacity;
};

/* Moves the buffer to where it has room for `more` bytes beyond size. */
int eni6_buffer_grow(struct eni6_buffer *buffer, size_t more, struct eni6_error *error);

/* Makes room for `more` bytes beyond size. -ENOMEM, the buffer left as it was. */
static inline int eni6_buffer_reserve(struct eni6_buffer *buffer, size_t more,
                                      struct eni6_error *error) {
  return more <= buffer->capacity - buffer->size ? 0 : eni6_buffer_grow(buffer, more, error);
}

/* Wipes and frees; the buffer is empty afterwards and can be used again. */
void eni6_buffer_free(struct eni6_buffer *buffer);

/* The bytes so far, borrowed until the buffer changes. */
static inline struct eni6_text eni6_buffer_text(const struct eni6_buffer *buffer) {
  struct eni6_text text = {buffer->data, buffer->size};
  return text;
}

/* Appends within the room that was reserved. */
static inline void eni6_buffer_put(struct eni6_buffer *buffer, struct eni6_text text) {
  if (text.size > 0) memcpy(buffer->data + buffer->size, text.data, text.size);
  buffer->size += text.size;
}

static inline void eni6_buffer_put_byte(struct eni6_buffer *buffer, char byte) {
  buffer->data[buffer->size++] = byte;
}

ENI6_PUBLIC_END

#endif
