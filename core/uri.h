/* Percent-encoding, paths and queries (RFC 3986). Only the unreserved characters
 * A-Z a-z 0-9 - . _ ~ stay as they are, as AWS's signatures want it. */
#ifndef ENI6_URI_H
#define ENI6_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "eni6.h"

ENI6_PUBLIC_BEGIN

/* Each of these writes into room that the caller has, and returns the size of
 * what it wrote. */

/* Encodes every byte that is not unreserved; "/" too, unless keep_slash.
 * At most 3 * text.size bytes. */
size_t eni6_uri_encode(char *out, struct eni6_text text, bool keep_slash);

/* Decodes "%41"; with plus_is_space also "+", as forms have it. A "%" without two
 * hexadecimal digits stays as it is. At most text.size bytes; `out` may be
 * text.data. */
size_t eni6_uri_decode(char *out, struct eni6_text text, bool plus_is_space);

/* The one normal form of a text that may be encoded in part: decoded, then
 * encoded. "%2f" becomes "%2F", never a slash. At most 3 * text.size bytes. */
size_t eni6_uri_recode(char *out, struct eni6_text text, bool keep_slash);

/* Whether each "%" is followed by two hexadecimal digits. */
bool eni6_uri_is_well_formed(struct eni6_text text);

/* Resolves "." and ".." and drops empty segments: "/a//b/../c/" gives "/a/c/".
 * A slash starts the result always, and ends it when it ended the path.
 * At most path.size + 1 bytes, not over the path itself. */
size_t eni6_uri_normalize_path(char *out, struct eni6_text path);

/* Cuts "/path?query" at its first "?"; the query lacks the "?". */
void eni6_uri_split(struct eni6_text uri, struct eni6_text *path, struct eni6_text *query);

/* Takes the next "name=value" off the query, as it is written there; a missing
 * "=" gives an empty value, and nothing between two "&" is passed over. False at
 * the end. */
bool eni6_uri_next_parameter(struct eni6_text *query, struct eni6_text *name,
                             struct eni6_text *value);

ENI6_PUBLIC_END

#endif
