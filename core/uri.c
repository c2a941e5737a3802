#include "uri.h"

#include <stdint.h>

/* One bit for each byte: is it unreserved? (RFC 3986, 2.3) */
static const uint32_t unreserved[8] = {0, 0x03ff6000 /* - . 0-9 */, 0x87fffffe /* A-Z _ */,
                                       0x47fffffe /* a-z ~ */};

static bool is_unreserved(char byte) {
  unsigned char value = (unsigned char)byte;
  return unreserved[value >> 5] >> (value & 31) & 1;
}

/* The value of a hexadecimal digit, or -1. */
static int digit_value(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  return -1;
}

/* Writes one byte, encoded unless it may stand for itself; returns the place after it. */
static char *put_encoded(char *out, char byte, bool keep_slash) {
  static const char digits[] = "0123456789ABCDEF";
  if (is_unreserved(byte) || (keep_slash && byte == '/')) {
    *out++ = byte;
    return out;
  }
  *out++ = '%';
  *out++ = digits[(unsigned char)byte >> 4];
  *out++ = digits[(unsigned char)byte & 15];
  return out;
}

/* Whether "%XX" starts at text.data[at]; then *byte is what it stands for. */
static bool escape_at(struct eni6_text text, size_t at, char *byte) {
  if (text.data[at] != '%' || text.size - at < 3) return false;
  int high = digit_value(text.data[at + 1]), low = digit_value(text.data[at + 2]);
  if (high < 0 || low < 0) return false;
  *byte = (char)(high << 4 | low);
  return true;
}

size_t eni6_uri_encode(char *out, struct eni6_text text, bool keep_slash) {
  char *next = out;
  for (size_t i = 0; i < text.size; i++)
    next = put_encoded(next, text.data[i], keep_slash);
  return (size_t)(next - out);
}

size_t eni6_uri_decode(char *out, struct eni6_text text, bool plus_is_space) {
  char *next = out;
  for (size_t i = 0; i < text.size; i++) {
    char byte = text.data[i];
    if (escape_at(text, i, &byte))
      i += 2;
    else if (byte == '+' && plus_is_space)
      byte = ' ';
    *next++ = byte;
  }
  return (size_t)(next - out);
}

bool eni6_uri_is_well_formed(struct eni6_text text) {
  char byte;
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] == '%' && !escape_at(text, i, &byte)) return false;
  return true;
}

size_t eni6_uri_recode(char *out, struct eni6_text text, bool keep_slash) {
  char *next = out;
  for (size_t i = 0; i < text.size; i++) {
    char byte = text.data[i];
    bool escaped = escape_at(text, i, &byte);
    next = put_encoded(next, byte, keep_slash && !escaped);
    if (escaped) i += 2;
  }
  return (size_t)(next - out);
}

/* Drops the last segment of what is written: "/a/b" gives "/a", "/a" nothing. */
static size_t parent(const char *out, size_t size) {
  while (size > 0 && out[--size] != '/')
    ;
  return size;
}

/* The text up to the next slash. */
static struct eni6_text segment_of(struct eni6_text path) {
  const char *slash = path.size > 0 ? memchr(path.data, '/', path.size) : NULL;
  if (slash) path.size = (size_t)(slash - path.data);
  return path;
}

size_t eni6_uri_normalize_path(char *out, struct eni6_text path) {
  size_t written = 0;
  for (size_t at = 0; at < path.size; at++) {
    struct eni6_text segment = segment_of((struct eni6_text){path.data + at, path.size - at});
    at += segment.size;
    if (segment.size == 0 || eni6_text_equal(segment, ENI6_TEXT("."))) continue;
    if (eni6_text_equal(segment, ENI6_TEXT(".."))) {
      written = parent(out, written);
      continue;
    }
    out[written++] = '/';
    memcpy(out + written, segment.data, segment.size);
    written += segment.size;
  }
  if (written == 0 || path.data[path.size - 1] == '/') out[written++] = '/';
  return written;
}

void eni6_uri_split(struct eni6_text uri, struct eni6_text *path, struct eni6_text *query) {
  const char *mark = uri.size > 0 ? memchr(uri.data, '?', uri.size) : NULL;
  *path = uri;
  *query = (struct eni6_text){NULL, 0};
  if (!mark) return;
  path->size = (size_t)(mark - uri.data);
  *query = (struct eni6_text){mark + 1, uri.size - path->size - 1};
}

/* Takes what stands before `separator` off `text`, and the separator with it. */
static struct eni6_text take_until(struct eni6_text *text, char separator) {
  const char *found = memchr(text->data, separator, text->size);
  struct eni6_text taken = *text;
  if (found) taken.size = (size_t)(found - text->data);
  size_t passed = taken.size + (found ? 1 : 0);
  text->data += passed;
  text->size -= passed;
  return taken;
}

bool eni6_uri_next_parameter(struct eni6_text *query, struct eni6_text *name,
                             struct eni6_text *value) {
  while (query->size > 0) {
    *value = take_until(query, '&');
    if (value->size == 0) continue;
    *name = take_until(value, '=');
    return true;
  }
  return false;
}
