#include "canonical.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "uri.h"

/* A header or a parameter. Names lie in a buffer that may move while more are
 * added, so `at` is kept, and `name` is set from it before the parts are sorted. */
struct part {
  size_t at;
  struct eni6_text name, value;
  bool clean; /* the value needs no trimming */
  bool token; /* the value is the session token */
};

void eni6_canonical_begin(struct eni6_canonical *canonical) {
  canonical->names.size = canonical->headers.size = canonical->signed_headers.size = 0;
  canonical->query.size = canonical->parameters.size = canonical->path.size = 0;
  canonical->request.size = canonical->value_bytes = canonical->token_at = 0;
}

void eni6_canonical_free(struct eni6_canonical *canonical) {
  eni6_buffer_free(&canonical->names);
  eni6_buffer_free(&canonical->headers);
  eni6_buffer_free(&canonical->signed_headers);
  eni6_buffer_free(&canonical->query);
  eni6_buffer_free(&canonical->parameters);
  eni6_buffer_free(&canonical->path);
  eni6_buffer_free(&canonical->request);
}

static int add_part(struct eni6_buffer *parts, struct part part, struct eni6_error *error) {
  int status = eni6_buffer_reserve(parts, sizeof part, error);
  if (status == 0) eni6_buffer_put(parts, (struct eni6_text){(const char *)&part, sizeof part});
  return status;
}

static struct part *parts_of(const struct eni6_buffer *parts, size_t *count) {
  *count = parts->size / sizeof(struct part);
  return (struct part *)(void *)parts->data;
}

/* --- headers -------------------------------------------------------------------- */

/* The lower-case form of every byte that a token may have (RFC 9110, 5.6.2). */
static const char token_bytes[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*',
    ['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`',   ['|'] = '|',
    ['~'] = '~', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',   ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b',   ['C'] = 'c',
    ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',   ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',   ['Q'] = 'q',
    ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w',   ['X'] = 'x',
    ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',   ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',   ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',   ['s'] = 's',
    ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',   ['z'] = 'z',
};

static const struct {
  struct eni6_text name;
  enum eni6_header_kind kind;
} known_headers[] = {
    {{"host", 4}, ENI6_HEADER_HOST},
    {{"x-amz-content-sha256", 20}, ENI6_HEADER_CONTENT_SHA256},
    {{"authorization", 13}, ENI6_HEADER_AUTHORIZATION},
    {{"x-amz-algorithm", 15}, ENI6_HEADER_RESERVED},
    {{"x-amz-credential", 16}, ENI6_HEADER_RESERVED},
    {{"x-amz-date", 10}, ENI6_HEADER_RESERVED},
    {{"x-amz-expires", 13}, ENI6_HEADER_RESERVED},
    {{"x-amz-security-token", 20}, ENI6_HEADER_RESERVED},
    {{"x-amz-signature", 15}, ENI6_HEADER_RESERVED},
    {{"x-amz-signedheaders", 19}, ENI6_HEADER_RESERVED},
    {{"connection", 10}, ENI6_HEADER_UNSIGNED},
    {{"expect", 6}, ENI6_HEADER_UNSIGNED},
    {{"te", 2}, ENI6_HEADER_UNSIGNED},
    {{"trailer", 7}, ENI6_HEADER_UNSIGNED},
    {{"transfer-encoding", 17}, ENI6_HEADER_UNSIGNED},
    {{"user-agent", 10}, ENI6_HEADER_UNSIGNED},
    {{"x-amzn-trace-id", 15}, ENI6_HEADER_UNSIGNED},
};

static enum eni6_header_kind kind_of(struct eni6_text lower_case) {
  for (size_t i = 0; i < sizeof known_headers / sizeof *known_headers; i++)
    if (eni6_text_equal(lower_case, known_headers[i].name)) return known_headers[i].kind;
  return ENI6_HEADER_ORDINARY;
}

/* Writes a name in lower case; false when it has a byte that no token has. */
static bool put_lower(char *out, struct eni6_text name) {
  for (size_t i = 0; i < name.size; i++) {
    out[i] = token_bytes[(unsigned char)name.data[i]];
    if (!out[i]) return false;
  }
  return true;
}

bool eni6_is_token(struct eni6_text text) {
  for (size_t i = 0; i < text.size; i++)
    if (!token_bytes[(unsigned char)text.data[i]]) return false;
  return text.size > 0;
}

/* The size of a folded line's break at `at` (CRLF or LF before a space or tab), or 0. */
static size_t fold_at(struct eni6_text value, size_t at) {
  size_t size = value.data[at] == '\r' ? 2 : 1;
  if (at + size >= value.size || value.data[at + size - 1] != '\n') return 0;
  char next = value.data[at + size];
  return next == ' ' || next == '\t' ? size : 0;
}

static bool is_control(char byte) {
  return (unsigned char)byte < 0x20 || byte == 0x7f;
}

/* Whether each of eight bytes is above a space and none is 0x7f: most of what
 * headers hold. The two subtractions borrow from a byte's top bit if it is not. */
static bool eight_are_visible(const char *bytes) {
  const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  uint64_t delete = word ^ (ones * 0x7f);
  return !(((word - ones * 0x21) & ~word & tops) | ((delete - ones) & ~delete &tops));
}

/* How many bytes from `at` on are surely visible: eight, or the last ones, or 0. */
static size_t visible_run(struct eni6_text value, size_t at) {
  if (value.size < 8) return 0;
  size_t from = value.size - at < 8 ? value.size - 8 : at;
  return eight_are_visible(value.data + from) ? from + 8 - at : 0;
}

/* Whether a value has no byte that could end it early; *clean says whether it
 * needs no trimming either. */
static bool check_value(struct eni6_text value, bool *clean) {
  bool after_space = true, single = true;
  for (size_t i = 0; i < value.size; i++) {
    size_t visible = visible_run(value, i);
    if (visible > 0) {
      after_space = false;
      i += visible - 1;
      continue;
    }
    char byte = value.data[i];
    bool space = byte == ' ';
    if (space && after_space) single = false;
    after_space = space;
    if (!is_control(byte)) continue;
    single = false;
    if (byte == '\t') continue;
    size_t fold = fold_at(value, i);
    if (fold == 0) return false;
    i += fold - 1;
  }
  *clean = single && (!after_space || value.size == 0);
  return true;
}

static int bad_name(struct eni6_error *error) {
  return eni6_error_set(error, -EINVAL,
                        "a header's name is empty or has a byte that no header name has");
}

static int bad_value(struct eni6_text name, struct eni6_error *error) {
  return eni6_error_set(error, -EINVAL,
                        "header %.*s: its value has a control character or a line break",
                        (int)(name.size < 64 ? name.size : 64), name.data);
}

/* Writes the name in lower case behind the others, without counting it yet, and
 * checks the value. */
static int read_header(struct eni6_canonical *canonical, const struct eni6_header *header,
                       struct part *part, struct eni6_error *error) {
  struct eni6_buffer *names = &canonical->names;
  if (header->name.size == 0) return bad_name(error);
  int status = eni6_buffer_reserve(names, header->name.size, error);
  if (status < 0) return status;
  if (!put_lower(names->data + names->size, header->name)) return bad_name(error);
  part->at = names->size;
  part->name = (struct eni6_text){names->data + names->size, header->name.size};
  part->value = header->value;
  part->token = false;
  return check_value(header->value, &part->clean) ? 0 : bad_value(header->name, error);
}

static int keep_header(struct eni6_canonical *canonical, struct part part,
                       struct eni6_error *error) {
  int status = add_part(&canonical->headers, part, error);
  if (status < 0) return status;
  canonical->names.size += part.name.size;
  canonical->value_bytes += part.value.size;
  return 0;
}

int eni6_canonical_add_header(struct eni6_canonical *canonical, const struct eni6_header *header,
                              enum eni6_header_kind *kind, struct eni6_error *error) {
  struct part part;
  int status = read_header(canonical, header, &part, error);
  if (status < 0) return status;
  *kind = kind_of(part.name);
  if (*kind == ENI6_HEADER_AUTHORIZATION || *kind == ENI6_HEADER_UNSIGNED) return 0;
  return keep_header(canonical, part, error);
}

/* Whether a list such as "host;x-amz-date" has the name. */
static bool is_listed(struct eni6_text list, struct eni6_text name) {
  while (list.size > 0) {
    const char *end = memchr(list.data, ';', list.size);
    size_t size = end ? (size_t)(end - list.data) : list.size;
    if (eni6_text_equal(name, (struct eni6_text){list.data, size})) return true;
    size_t passed = size + (end ? 1 : 0);
    list = (struct eni6_text){list.data + passed, list.size - passed};
  }
  return false;
}

int eni6_canonical_add_listed(struct eni6_canonical *canonical, const struct eni6_header *header,
                              struct eni6_text list, struct eni6_error *error) {
  struct part part;
  int status = read_header(canonical, header, &part, error);
  if (status < 0 || !is_listed(list, part.name)) return status;
  return keep_header(canonical, part, error);
}

static int add_clean(struct eni6_canonical *canonical, struct part part, struct eni6_error *error) {
  struct eni6_buffer *names = &canonical->names;
  int status = eni6_buffer_reserve(names, part.name.size, error);
  if (status < 0) return status;
  memcpy(names->data + names->size, part.name.data, part.name.size);
  return keep_header(canonical, part, error);
}

int eni6_canonical_add_own(struct eni6_canonical *canonical, struct eni6_text name,
                           struct eni6_text value, struct eni6_error *error) {
  return add_clean(canonical, (struct part){canonical->names.size, name, value, true, false},
                   error);
}

int eni6_canonical_add_token(struct eni6_canonical *canonical, struct eni6_text name,
                             struct eni6_text value, struct eni6_error *error) {
  return add_clean(canonical, (struct part){canonical->names.size, name, value, true, true}, error);
}

void eni6_canonical_replace_value(struct eni6_canonical *canonical, struct eni6_text value) {
  size_t count;
  struct part *last = parts_of(&canonical->headers, &count) + count - 1;
  canonical->value_bytes += value.size - last->value.size;
  last->value = value;
}

bool eni6_header_is_folded(struct eni6_text value) {
  return value.size > 0 && memchr(value.data, '\n', value.size) != NULL;
}

static bool is_space(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

size_t eni6_header_unfold(char *out, struct eni6_text value) {
  size_t size = 0;
  for (size_t i = 0; i < value.size; i++) {
    size_t fold = is_control(value.data[i]) ? fold_at(value, i) : 0;
    if (fold == 0) {
      out[size++] = value.data[i];
      continue;
    }
    for (i += fold; i < value.size && is_space(value.data[i]); i++)
      ;
    i--;
    out[size++] = ' ';
  }
  return size;
}

/* --- order ---------------------------------------------------------------------- */

static int compare_text(struct eni6_text a, struct eni6_text b) {
  size_t shorter = a.size < b.size ? a.size : b.size;
  int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
  return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Headers: by name, those of one name in the order of their coming. */
static int compare_headers(const void *a, const void *b) {
  const struct part *left = a, *right = b;
  int order = compare_text(left->name, right->name);
  return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

/* Parameters: by encoded name, then by encoded value. */
static int compare_parameters(const void *a, const void *b) {
  const struct part *left = a, *right = b;
  int order = compare_text(left->name, right->name);
  return order != 0 ? order : compare_text(left->value, right->value);
}

/* Insertion for the usual few, qsort beyond. */
static void sort(struct part *parts, size_t count, int (*compare)(const void *, const void *)) {
  if (count > 16) {
    qsort(parts, count, sizeof *parts, compare);
    return;
  }
  for (size_t i = 1; i < count; i++) {
    struct part moving = parts[i];
    size_t to = i;
    for (; to > 0 && compare(&parts[to - 1], &moving) > 0; to--)
      parts[to] = parts[to - 1];
    parts[to] = moving;
  }
}

/* Whether parts[i] has the same name as its predecessor. */
static bool repeats(const struct part *parts, size_t i) {
  return i > 0 && eni6_text_equal(parts[i].name, parts[i - 1].name);
}

int eni6_canonical_finish_headers(struct eni6_canonical *canonical, struct eni6_error *error) {
  size_t count;
  struct part *headers = parts_of(&canonical->headers, &count);
  struct eni6_buffer *names = &canonical->signed_headers;
  for (size_t i = 0; i < count; i++)
    headers[i].name.data = canonical->names.data + headers[i].at;
  sort(headers, count, compare_headers);
  int status = eni6_buffer_reserve(names, canonical->names.size + count, error);
  for (size_t i = 0; status == 0 && i < count; i++) {
    if (repeats(headers, i)) continue;
    if (i > 0) eni6_buffer_put_byte(names, ';');
    eni6_buffer_put(names, headers[i].name);
  }
  return status;
}

/* --- parameters ----------------------------------------------------------------- */

/* Makes room for one more parameter of these sizes before encoding, and writes
 * the "&" before it. */
static int reserve_parameter(struct eni6_canonical *canonical, struct eni6_text name,
                             struct eni6_text value, struct eni6_error *error) {
  if (name.size > SIZE_MAX / 8 || value.size > SIZE_MAX / 8)
    return eni6_error_set(error, -E2BIG, "a query parameter is too long");
  int status = eni6_buffer_reserve(&canonical->query, 3 * (name.size + value.size) + 2, error);
  if (status == 0 && canonical->query.size > 0) eni6_buffer_put_byte(&canonical->query, '&');
  return status;
}

typedef size_t encoder(char *out, struct eni6_text text, bool keep_slash);

static int add_parameter(struct eni6_canonical *canonical, struct eni6_text name,
                         struct eni6_text value, encoder *encode, struct eni6_error *error) {
  struct eni6_buffer *query = &canonical->query;
  int status = reserve_parameter(canonical, name, value, error);
  if (status < 0) return status;
  struct part part = {.at = query->size};
  part.name.size = encode(query->data + query->size, name, false);
  query->size += part.name.size;
  eni6_buffer_put_byte(query, '=');
  part.value.size = encode(query->data + query->size, value, false);
  query->size += part.value.size;
  return add_part(&canonical->parameters, part, error);
}

int eni6_canonical_add_parameter(struct eni6_canonical *canonical, struct eni6_text name,
                                 struct eni6_text value, struct eni6_error *error) {
  return add_parameter(canonical, name, value, eni6_uri_encode, error);
}

int eni6_canonical_add_query(struct eni6_canonical *canonical, struct eni6_text query,
                             struct eni6_error *error) {
  struct eni6_text name, value;
  if (!eni6_uri_is_well_formed(query))
    return eni6_error_set(error, -EINVAL,
                          "the query has a \"%%\" without two hexadecimal digits: encode it as "
                          "%%25");
  int status = 0;
  while (status == 0 && eni6_uri_next_parameter(&query, &name, &value))
    status = add_parameter(canonical, name, value, eni6_uri_recode, error);
  return status;
}

/* Whether the signer sets a parameter of this name, in whatever case. */
static bool is_own_parameter(struct eni6_text name) {
  char lower_case[32];
  if (name.size < 7 || name.size > sizeof lower_case) return false;
  if (!put_lower(lower_case, name) || memcmp(lower_case, "x-amz-", 6) != 0) return false;
  return kind_of((struct eni6_text){lower_case, name.size}) == ENI6_HEADER_RESERVED;
}

bool eni6_canonical_find_reserved(const struct eni6_canonical *canonical, struct eni6_text *name) {
  size_t count;
  const struct part *parameters = parts_of(&canonical->parameters, &count);
  for (size_t i = 0; i < count; i++) {
    *name = (struct eni6_text){canonical->query.data + parameters[i].at, parameters[i].name.size};
    if (is_own_parameter(*name)) return true;
  }
  return false;
}

/* --- the whole -------------------------------------------------------------------- */

/* Trims the value and makes one space of each run of white space. */
static void put_trimmed(struct eni6_buffer *out, struct eni6_text value) {
  char *start = out->data + out->size, *next = start;
  bool pending = false;
  for (size_t i = 0; i < value.size; i++) {
    if (is_space(value.data[i])) {
      pending = next > start;
      continue;
    }
    if (pending) *next++ = ' ';
    pending = false;
    *next++ = value.data[i];
  }
  out->size += (size_t)(next - start);
}

/* One line a name: "name:value\n", repeats joined by commas. */
static void put_headers(struct eni6_canonical *canonical) {
  size_t count;
  struct eni6_buffer *out = &canonical->request;
  const struct part *headers = parts_of(&canonical->headers, &count);
  for (size_t i = 0; i < count; i++) {
    bool again = repeats(headers, i);
    if (i > 0 && !again) eni6_buffer_put_byte(out, '\n');
    if (!again) eni6_buffer_put(out, headers[i].name);
    eni6_buffer_put_byte(out, again ? ',' : ':');
    if (headers[i].token) canonical->token_at = out->size;
    if (headers[i].clean)
      eni6_buffer_put(out, headers[i].value);
    else
      put_trimmed(out, headers[i].value);
  }
  if (count > 0) eni6_buffer_put_byte(out, '\n');
}

static void put_parameters(struct eni6_canonical *canonical) {
  size_t count;
  struct eni6_buffer *out = &canonical->request;
  struct part *parameters = parts_of(&canonical->parameters, &count);
  for (size_t i = 0; i < count; i++) {
    parameters[i].name.data = canonical->query.data + parameters[i].at;
    parameters[i].value.data = parameters[i].name.data + parameters[i].name.size + 1;
  }
  sort(parameters, count, compare_parameters);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) eni6_buffer_put_byte(out, '&');
    eni6_buffer_put(out, parameters[i].name);
    eni6_buffer_put_byte(out, '=');
    eni6_buffer_put(out, parameters[i].value);
  }
}

/* Writes the path of the canonical request; `path` is at most 3 times its size. */
static int put_path(struct eni6_canonical *canonical, const struct eni6_canonical_target *target,
                    struct eni6_error *error) {
  struct eni6_text path = target->path.size > 0 ? target->path : ENI6_TEXT("/");
  struct eni6_buffer *out = &canonical->request;
  if (!target->keep_path && path.size > 1) {
    int status = eni6_buffer_reserve(&canonical->path, path.size + 1, error);
    if (status < 0) return status;
    canonical->path.size = eni6_uri_normalize_path(canonical->path.data, path);
    path = eni6_buffer_text(&canonical->path);
  }
  encoder *encode = target->single_encode ? eni6_uri_recode : eni6_uri_encode;
  out->size += encode(out->data + out->size, path, true);
  return 0;
}

int eni6_canonical_build(struct eni6_canonical *canonical,
                         const struct eni6_canonical_target *target, struct eni6_error *error) {
  struct eni6_buffer *out = &canonical->request;
  if (target->path.size > SIZE_MAX / 8)
    return eni6_error_set(error, -E2BIG, "the path is too long");
  size_t bound = target->method.size + 3 * (target->path.size + 1) + canonical->query.size +
                 2 * canonical->signed_headers.size + canonical->headers.size +
                 canonical->names.size + canonical->value_bytes + target->payload_hash.size + 8;
  int status = eni6_buffer_reserve(out, bound, error);
  if (status < 0) return status;
  eni6_buffer_put(out, target->method);
  eni6_buffer_put_byte(out, '\n');
  status = put_path(canonical, target, error);
  if (status < 0) return status;
  eni6_buffer_put_byte(out, '\n');
  put_parameters(canonical);
  eni6_buffer_put_byte(out, '\n');
  put_headers(canonical);
  eni6_buffer_put_byte(out, '\n');
  eni6_buffer_put(out, eni6_buffer_text(&canonical->signed_headers));
  eni6_buffer_put_byte(out, '\n');
  eni6_buffer_put(out, target->payload_hash);
  return 0;
}
