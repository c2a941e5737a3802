/* Base64 (RFC 4648, section 4): user data, blobs and key material in EC2's API. */
#ifndef ENI6_BASE64_H
#define ENI6_BASE64_H

#include <stddef.h>

#include "buffer.h"
#include "eni6.h"

ENI6_PUBLIC_BEGIN

/* The size of what eni6_base64_encode writes; `size` is at most SIZE_MAX / 2. */
static inline size_t eni6_base64_size(size_t size) {
  return size / 3 * 4 + (size % 3 ? 4 : 0);
}

/* Writes eni6_base64_size(data.size) characters, without line breaks. */
void eni6_base64_encode(char *out, struct eni6_text data);

/* An upper bound of what eni6_base64_decode writes. */
static inline size_t eni6_base64_decoded_max(size_t size) {
  return size / 4 * 3;
}

/* Decodes, and sets *size to the number of bytes. White space is skipped; the
 * padding must be there. */
int eni6_base64_decode(unsigned char *out, size_t *size, struct eni6_text text,
                       struct eni6_error *error);

ENI6_PUBLIC_END

#endif
