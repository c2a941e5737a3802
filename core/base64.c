#include "base64.h"

#include <errno.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Writes the four characters of up to three bytes. */
static void encode_group(char *out, const unsigned char *bytes, size_t count) {
  unsigned long group = (unsigned long)bytes[0] << 16;
  if (count > 1) group |= (unsigned long)bytes[1] << 8;
  if (count > 2) group |= bytes[2];
  out[0] = alphabet[group >> 18];
  out[1] = alphabet[group >> 12 & 63];
  out[2] = '=';
  out[3] = '=';
  if (count > 1) out[2] = alphabet[group >> 6 & 63];
  if (count > 2) out[3] = alphabet[group & 63];
}

void eni6_base64_encode(char *out, struct eni6_text data) {
  const unsigned char *bytes = (const unsigned char *)data.data;
  for (size_t i = 0; i < data.size; i += 3, out += 4)
    encode_group(out, bytes + i, data.size - i < 3 ? data.size - i : 3);
}

enum { SPACE = -1, PADDING = -2, INVALID = -3 };

/* The six bits of a character, or what else it is. */
static int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  switch (c) {
  case '+': return 62;
  case '/': return 63;
  case '=': return PADDING;
  case ' ':
  case '\t':
  case '\r':
  case '\n': return SPACE;
  default: return INVALID;
  }
}

/* What has been read: `count` characters, `bits` of them not yet written. */
struct decoder {
  unsigned char *out;
  size_t count, padding;
  unsigned long bits;
};

/* Takes one character's value; false when it cannot stand there. */
static int take(struct decoder *decoder, int value) {
  if (value == SPACE) return 1;
  if (value == INVALID || (value != PADDING && decoder->padding > 0)) return 0;
  decoder->count++;
  if (value == PADDING) return ++decoder->padding <= 2;
  decoder->bits = (decoder->bits << 6 | (unsigned long)value) & 0xffffff;
  if (decoder->count % 4 != 0) return 1;
  *decoder->out++ = (unsigned char)(decoder->bits >> 16);
  *decoder->out++ = (unsigned char)(decoder->bits >> 8);
  *decoder->out++ = (unsigned char)decoder->bits;
  return 1;
}

/* Writes the one or two bytes before the padding; false when the bits that
 * nothing uses are not zero, so that every text has one encoding. */
static int take_rest(struct decoder *decoder) {
  if (decoder->padding == 1) {
    *decoder->out++ = (unsigned char)(decoder->bits >> 10);
    *decoder->out++ = (unsigned char)(decoder->bits >> 2);
    return (decoder->bits & 3) == 0;
  }
  if (decoder->padding == 2) {
    *decoder->out++ = (unsigned char)(decoder->bits >> 4);
    return (decoder->bits & 15) == 0;
  }
  return 1;
}

int eni6_base64_decode(unsigned char *out, size_t *size, struct eni6_text text,
                       struct eni6_error *error) {
  struct decoder decoder = {.out = out};
  for (size_t i = 0; i < text.size; i++)
    if (!take(&decoder, value_of(text.data[i])))
      return eni6_error_set(error, -EINVAL, "byte %zu cannot stand there in base64", i + 1);
  if (decoder.count % 4 != 0)
    return eni6_error_set(error, -EINVAL, "the base64 text is cut off: its padding is missing");
  if (!take_rest(&decoder))
    return eni6_error_set(error, -EINVAL, "the last character of the base64 text says too much");
  *size = (size_t)(decoder.out - out);
  return 0;
}
