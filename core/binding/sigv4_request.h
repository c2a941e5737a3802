/* A request as Lua describes it, read into what the core takes. */
#ifndef ENI6L_SIGV4_REQUEST_H
#define ENI6L_SIGV4_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "eni6L.h"
#include "../sigv4.h"

enum { FEW_HEADERS = 16 };

/* What a caller may say of a request. */
struct arguments {
  struct eni6_sigv4_request request;
  bool normalize_path, double_encode;
  struct eni6_text scheme, payload_hash, signed_headers;
};

/* The headers as C has them. On the stack from `base` on are three values for each:
 * its pair (nil if it came from a map), name and value, so that the texts live
 * whatever becomes of the tables. */
struct headers {
  struct eni6_header few[FEW_HEADERS], *all;
  size_t count;
  int base;
};

/* Reads the request at `table`. After the headers nothing allocates, so that no
 * finaliser can take the borrowed texts away before they are used. */
void eni6L_read_request(lua_State *L, int table, struct arguments *arguments,
                        struct headers *headers);

/* Reads the request at index 2, which is to be signed, now unless it says when. */
void eni6L_read_signing(lua_State *L, struct arguments *arguments, struct headers *headers);

/* Borrows a text of the table at index 1; the string stays on the stack. */
struct eni6_text eni6L_text_field(lua_State *L, const char *name, bool required);

#endif
