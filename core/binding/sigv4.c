#include "eni6L.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "../sigv4.h"
#include "../system.h"
#include "../uri.h"

#define SIGNER_TYPE "eni6.signer"
#define BENCH_TYPE "eni6.sigv4.bench"

enum { FEW_HEADERS = 16, DEFAULT_EXPIRES = 3600 };

/* A signer that Lua holds. While results are pushed, Lua may collect garbage and
 * a finaliser may use or close the same signer: `uses` tells that this happened. */
struct holder {
  struct eni6_signer signer;
  bool open;
  unsigned long uses;
};

/* Signing fails by misuse or for want of memory, and raises, as Lua does for both. */
static int fail(lua_State *L, const struct eni6_error *error) {
  return luaL_error(L, "%s", error->message);
}

/* --- reading the arguments ------------------------------------------------------------ */

/* Pushes a field of the table at `table` and borrows its text; a nil field gives
 * data NULL unless it is required. The value stays on the stack. */
static struct eni6_text text_field(lua_State *L, int table, const char *name, bool required) {
  struct eni6_text text = {NULL, 0};
  int type = lua_getfield(L, table, name);
  if (type == LUA_TSTRING)
    text.data = lua_tolstring(L, -1, &text.size);
  else if (type != LUA_TNIL || required)
    luaL_error(L, "%s: a string expected, got %s", name, luaL_typename(L, -1));
  return text;
}

/* A boolean field; `otherwise` when it is nil. */
static bool flag_field(lua_State *L, int table, const char *name, bool otherwise) {
  bool value = lua_getfield(L, table, name) == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* A number field, rounded down; `otherwise` when it is nil. */
static int64_t seconds_field(lua_State *L, int table, const char *name, lua_Number otherwise) {
  lua_Number value = otherwise;
  int type = lua_getfield(L, table, name);
  if (type == LUA_TNUMBER)
    value = lua_tonumber(L, -1);
  else if (type != LUA_TNIL)
    luaL_error(L, "%s: seconds expected, got %s", name, luaL_typename(L, -1));
  lua_pop(L, 1);
  value = floor(value);
  if (!(value >= -1e15 && value <= 1e15)) luaL_error(L, "%s is out of range", name);
  return (int64_t)value;
}

/* The headers as C has them. Their names and values stay on the stack, so that
 * the texts live whatever becomes of the table. */
struct headers {
  struct eni6_header few[FEW_HEADERS], *all;
  size_t count;
};

/* Borrows the text of the header's name or value at the top of the stack. */
static struct eni6_text header_text(lua_State *L, const char *what) {
  struct eni6_text text;
  int type = lua_type(L, -1);
  if (type != LUA_TSTRING && (type != LUA_TNUMBER || *what == 'n'))
    luaL_error(L, "headers: a %s must be a string, not %s", what, luaL_typename(L, -1));
  text.data = lua_tolstring(L, -1, &text.size);
  return text;
}

/* Makes room for `count` headers, in C and on the stack. */
static void reserve_headers(lua_State *L, struct headers *headers, size_t count) {
  if (count > INT_MAX / 4) luaL_error(L, "headers: too many");
  headers->all = headers->few;
  if (count > FEW_HEADERS) headers->all = lua_newuserdatauv(L, count * sizeof *headers->all, 0);
  luaL_checkstack(L, 2 * (int)count + LUA_MINSTACK, "too many headers");
  headers->count = count;
}

/* Reads { {name, value}, ... }. */
static void read_list(lua_State *L, int table, size_t count, struct headers *headers) {
  reserve_headers(L, headers, count);
  for (size_t i = 0; i < count; i++) {
    if (lua_rawgeti(L, table, (lua_Integer)i + 1) != LUA_TTABLE)
      luaL_error(L, "headers: entry %d must be {name, value}, not %s", (int)i + 1,
                 luaL_typename(L, -1));
    int pair = lua_gettop(L);
    lua_rawgeti(L, pair, 1);
    headers->all[i].name = header_text(L, "name");
    lua_rawgeti(L, pair, 2);
    headers->all[i].value = header_text(L, "value");
    lua_remove(L, pair);
  }
}

static size_t count_entries(lua_State *L, int table) {
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    count++;
  return count;
}

static int compare_names(const void *a, const void *b) {
  const struct eni6_header *left = a, *right = b;
  size_t shorter = left->name.size < right->name.size ? left->name.size : right->name.size;
  int order = memcmp(left->name.data, right->name.data, shorter);
  if (order != 0) return order;
  return (left->name.size > right->name.size) - (left->name.size < right->name.size);
}

/* Reads { [name] = value, ... }, in the order of the names: that of the table is
 * another one in each run. */
static void read_map(lua_State *L, int table, struct headers *headers) {
  size_t i = 0;
  reserve_headers(L, headers, count_entries(L, table));
  for (lua_pushnil(L); lua_next(L, table); i++) {
    headers->all[i].value = header_text(L, "value");
    lua_insert(L, -2);
    headers->all[i].name = header_text(L, "name");
    lua_pushvalue(L, -1); /* value, name, and the name again for lua_next */
  }
  qsort(headers->all, headers->count, sizeof *headers->all, compare_names);
}

static void read_headers(lua_State *L, int request, struct headers *headers) {
  if (lua_getfield(L, request, "headers") != LUA_TTABLE)
    luaL_error(L, "headers: a table expected, got %s", luaL_typename(L, -1));
  int table = lua_gettop(L);
  size_t count = lua_rawlen(L, table);
  if (count > 0)
    read_list(L, table, count, headers);
  else
    read_map(L, table, headers);
}

/* Fields of a request that sign, presign and canonical_request have in common. */
static void read_request(lua_State *L, int table, struct eni6_sigv4_request *request,
                         struct headers *headers) {
  luaL_checktype(L, table, LUA_TTABLE);
  *request = (struct eni6_sigv4_request){0};
  request->method = text_field(L, table, "method", true);
  request->uri = text_field(L, table, "uri", true);
  request->body = text_field(L, table, "body", false);
  request->keep_path = !flag_field(L, table, "normalize_path", true);
  request->single_encode = !flag_field(L, table, "double_encode", true);
  read_headers(L, table, headers);
  request->headers = headers->all;
  request->header_count = headers->count;
}

/* Fields that only signing has. */
static void read_signing(lua_State *L, int table, struct eni6_sigv4_request *request) {
  request->time = seconds_field(L, table, "time", eni6_system_time());
  request->sign_body = flag_field(L, table, "sign_body", false);
  request->unsigned_payload = flag_field(L, table, "unsigned_payload", false);
  request->omit_session_token = flag_field(L, table, "omit_session_token", false);
  struct eni6_text scheme = text_field(L, table, "scheme", false);
  request->plain_http = eni6_text_equal(scheme, ENI6_TEXT("http"));
  if (scheme.data && !request->plain_http && !eni6_text_equal(scheme, ENI6_TEXT("https")))
    luaL_error(L, "scheme: it must be \"https\" or \"http\"");
}

/* --- giving the results ----------------------------------------------------------------- */

/* A call's claim on the signer's results. */
struct claim {
  struct holder *holder;
  unsigned long use;
};

/* Pushes a text that belongs to the signer, unless a finaliser took the signer. */
static void push_result(lua_State *L, const struct claim *claim, struct eni6_text text) {
  if (claim->holder->uses != claim->use)
    luaL_error(L, "a finaliser used this signer while it was giving its results: give each "
                  "finaliser a signer of its own");
  lua_pushlstring(L, text.data, text.size);
}

static void set_result(lua_State *L, const struct claim *claim, const char *name,
                       struct eni6_text text) {
  push_result(L, claim, text);
  lua_setfield(L, -2, name);
}

static void push_stages(lua_State *L, const struct claim *claim, const struct eni6_signed *result) {
  lua_createtable(L, 0, 3);
  set_result(L, claim, "canonical_request", result->canonical_request);
  set_result(L, claim, "string_to_sign", result->string_to_sign);
  set_result(L, claim, "signature", result->signature);
}

/* Puts the value at the top into the pair below it. */
static void end_pair(lua_State *L, lua_Integer *count) {
  lua_rawseti(L, -2, 2);
  lua_rawseti(L, -2, ++*count);
}

static void append_result(lua_State *L, const struct claim *claim, const char *name,
                          struct eni6_text value, lua_Integer *count) {
  if (value.size == 0) return;
  lua_createtable(L, 2, 0);
  lua_pushstring(L, name);
  lua_rawseti(L, -2, 1);
  push_result(L, claim, value);
  end_pair(L, count);
}

static void push_unfolded(lua_State *L, struct eni6_text value) {
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, value.size);
  luaL_pushresultsize(&buffer, eni6_header_unfold(out, value));
}

/* Appends one of the caller's headers as it is to be sent: folded lines joined,
 * a default port dropped, else the very same strings. */
static void append_header(lua_State *L, const struct headers *headers, size_t i,
                          const struct eni6_signed *result, lua_Integer *count) {
  struct eni6_text value = headers->all[i].value;
  lua_createtable(L, 2, 0);
  lua_pushlstring(L, headers->all[i].name.data, headers->all[i].name.size);
  lua_rawseti(L, -2, 1);
  if (i == result->host_index)
    lua_pushlstring(L, result->host.data, result->host.size);
  else if (eni6_header_is_folded(value))
    push_unfolded(L, value);
  else
    lua_pushlstring(L, value.data, value.size);
  end_pair(L, count);
}

static void push_headers(lua_State *L, const struct claim *claim, const struct headers *headers,
                         const struct eni6_signed *result) {
  lua_Integer count = 0;
  lua_createtable(L, (int)headers->count + 4, 0);
  for (size_t i = 0; i < headers->count; i++)
    append_header(L, headers, i, result, &count);
  append_result(L, claim, "X-Amz-Date", result->timestamp, &count);
  append_result(L, claim, "X-Amz-Security-Token", result->session_token, &count);
  append_result(L, claim, "X-Amz-Content-Sha256", result->content_sha256, &count);
  append_result(L, claim, "Authorization", result->authorization, &count);
}

/* --- the signer --------------------------------------------------------------------------- */

static struct holder *checked_signer(lua_State *L) {
  struct holder *holder = luaL_checkudata(L, 1, SIGNER_TYPE);
  if (!holder->open) luaL_argerror(L, 1, "the signer is closed");
  return holder;
}

static struct claim claim_signer(lua_State *L) {
  struct holder *holder = checked_signer(L);
  return (struct claim){holder, ++holder->uses};
}

/* new{ access_key_id=, secret_access_key=, session_token=, region=, service= } */
static int l_new(lua_State *L) {
  struct eni6_error error;
  luaL_checktype(L, 1, LUA_TTABLE);
  struct eni6_credentials credentials = {
      text_field(L, 1, "access_key_id", true), text_field(L, 1, "secret_access_key", true),
      text_field(L, 1, "session_token", false), text_field(L, 1, "region", true),
      text_field(L, 1, "service", true)};
  struct holder *holder = eni6L_new(L, sizeof *holder, SIGNER_TYPE);
  if (eni6_signer_open(&holder->signer, &credentials, &error) < 0) return fail(L, &error);
  holder->open = true;
  return 1;
}

/* signer:sign(request): headers to send, { canonical_request=, ... } */
static int l_sign(lua_State *L) {
  struct eni6_error error;
  struct eni6_sigv4_request request;
  struct eni6_signed result;
  struct headers headers;
  read_request(L, 2, &request, &headers);
  read_signing(L, 2, &request);
  struct claim claim = claim_signer(L);
  if (eni6_signer_sign(&claim.holder->signer, &request, &result, &error) < 0)
    return fail(L, &error);
  push_headers(L, &claim, &headers, &result);
  push_stages(L, &claim, &result);
  return 2;
}

/* signer:presign(request): the URI, { canonical_request=, ... } */
static int l_presign(lua_State *L) {
  struct eni6_error error;
  struct eni6_sigv4_request request;
  struct eni6_signed result;
  struct headers headers;
  read_request(L, 2, &request, &headers);
  read_signing(L, 2, &request);
  request.expires = seconds_field(L, 2, "expires", DEFAULT_EXPIRES);
  struct claim claim = claim_signer(L);
  if (eni6_signer_presign(&claim.holder->signer, &request, &result, &error) < 0)
    return fail(L, &error);
  push_result(L, &claim, result.uri);
  push_stages(L, &claim, &result);
  return 2;
}

/* signer:signature(string_to_sign): 64 hexadecimal digits */
static int l_signature(lua_State *L) {
  struct eni6_error error;
  struct eni6_text text;
  char signature[ENI6_SHA256_HEX_SIZE];
  struct holder *holder = checked_signer(L);
  text.data = luaL_checklstring(L, 2, &text.size);
  holder->uses++;
  if (eni6_signer_signature(&holder->signer, text, signature, &error) < 0) return fail(L, &error);
  lua_pushlstring(L, signature, sizeof signature);
  return 1;
}

/* The access key id is the only part of the credentials that may be seen. */
static int l_tostring(lua_State *L) {
  struct holder *holder = luaL_checkudata(L, 1, SIGNER_TYPE);
  lua_pushliteral(L, SIGNER_TYPE " (");
  struct eni6_text id = eni6_signer_access_key_id(&holder->signer);
  if (holder->open)
    lua_pushlstring(L, id.data, id.size);
  else
    lua_pushliteral(L, "closed");
  lua_pushliteral(L, ")");
  lua_concat(L, 3);
  return 1;
}

/* close, __gc and __close: safe twice. */
static int l_close(lua_State *L) {
  struct holder *holder = luaL_checkudata(L, 1, SIGNER_TYPE);
  holder->open = false;
  holder->uses++;
  eni6_signer_close(&holder->signer);
  return 0;
}

/* --- the stages without a signer ------------------------------------------------------------ */

/* Memory and a hash for the stages, in their upvalue. */
struct bench {
  struct eni6_sha256 sha256;
  struct eni6_canonical canonical;
  struct eni6_buffer string_to_sign;
};

static int l_bench_gc(lua_State *L) {
  struct bench *bench = luaL_checkudata(L, 1, BENCH_TYPE);
  eni6_sha256_close(&bench->sha256);
  eni6_canonical_free(&bench->canonical);
  eni6_buffer_free(&bench->string_to_sign);
  return 0;
}

static int open_bench(struct bench *bench, struct eni6_error *error) {
  return bench->sha256.algorithm ? 0 : eni6_sha256_open(&bench->sha256, error);
}

/* Adds the listed headers, or without a list all that a signer would sign. */
static int add_headers(struct eni6_canonical *canonical, const struct headers *headers,
                       struct eni6_text list, struct eni6_error *error) {
  int status = 0;
  for (size_t i = 0; status == 0 && i < headers->count; i++) {
    enum eni6_header_kind kind;
    const struct eni6_header *header = &headers->all[i];
    status = eni6_header_check(header, &kind, error);
    bool signs = list.data ? eni6_header_is_listed(list, header->name)
                           : kind != ENI6_HEADER_UNSIGNED &&
                                 !eni6_header_is_listed(ENI6_TEXT("authorization"), header->name);
    if (status == 0 && signs) status = eni6_canonical_add_header(canonical, header, false, error);
  }
  return status == 0 ? eni6_canonical_finish_headers(canonical, error) : status;
}

/* Builds the canonical request of what was read from the arguments. */
static int build_request(struct bench *bench, const struct eni6_sigv4_request *request,
                         const struct headers *headers, struct eni6_text list,
                         struct eni6_text payload_hash, struct eni6_error *error) {
  char hash[ENI6_SHA256_HEX_SIZE];
  struct eni6_text path, query;
  eni6_canonical_begin(&bench->canonical);
  eni6_uri_split(request->uri, &path, &query);
  int status = eni6_sigv4_check_target(request->method, request->uri, error);
  if (status == 0) status = open_bench(bench, error);
  if (status == 0) status = add_headers(&bench->canonical, headers, list, error);
  if (status == 0) status = eni6_canonical_add_query(&bench->canonical, query, error);
  if (status == 0 && !payload_hash.data) {
    status = eni6_sha256_hex(&bench->sha256, request->body, hash, error);
    payload_hash = (struct eni6_text){hash, sizeof hash};
  }
  struct eni6_canonical_target target = {request->method, path, payload_hash, request->keep_path,
                                         request->single_encode};
  return status == 0 ? eni6_canonical_build(&bench->canonical, &target, error) : status;
}

/* canonical_request{ method=, uri=, headers=, body= or payload_hash=,
 * signed_headers="host;x-amz-date" }: the text, or nil, message, code. */
static int l_canonical_request(lua_State *L) {
  struct eni6_error error;
  struct eni6_sigv4_request request;
  struct headers headers;
  struct bench *bench = lua_touserdata(L, lua_upvalueindex(1));
  read_request(L, 1, &request, &headers);
  struct eni6_text list = text_field(L, 1, "signed_headers", false);
  struct eni6_text payload_hash = text_field(L, 1, "payload_hash", false);
  int status = build_request(bench, &request, &headers, list, payload_hash, &error);
  if (status == -EINVAL) return eni6L_fail(L, &error); /* who verifies must not raise for it */
  if (status < 0) return fail(L, &error);
  lua_pushlstring(L, bench->canonical.request.data, bench->canonical.request.size);
  return 1;
}

/* string_to_sign{ canonical_request=, timestamp=, scope= } */
static int l_string_to_sign(lua_State *L) {
  struct eni6_error error;
  struct bench *bench = lua_touserdata(L, lua_upvalueindex(1));
  luaL_checktype(L, 1, LUA_TTABLE);
  struct eni6_text canonical_request = text_field(L, 1, "canonical_request", true);
  struct eni6_text timestamp = text_field(L, 1, "timestamp", true);
  struct eni6_text scope = text_field(L, 1, "scope", true);
  bench->string_to_sign.size = 0;
  if (open_bench(bench, &error) < 0 ||
      eni6_sigv4_string_to_sign(&bench->string_to_sign, &bench->sha256, timestamp, scope,
                                canonical_request, &error) < 0)
    return fail(L, &error);
  lua_pushlstring(L, bench->string_to_sign.data, bench->string_to_sign.size);
  return 1;
}

/* timestamp(time): "20150830T123600Z" */
static int l_timestamp(lua_State *L) {
  struct eni6_error error;
  char timestamp[ENI6_SIGV4_TIMESTAMP_SIZE];
  lua_Number time = floor(luaL_checknumber(L, 1));
  luaL_argcheck(L, time >= -1e15 && time <= 1e15, 1, "out of range");
  if (eni6_sigv4_timestamp((int64_t)time, timestamp, &error) < 0) return fail(L, &error);
  lua_pushlstring(L, timestamp, sizeof timestamp);
  return 1;
}

int eni6L_open_sigv4(lua_State *L) {
  static const luaL_Reg methods[] = {{"sign", l_sign},
                                     {"presign", l_presign},
                                     {"signature", l_signature},
                                     {"close", l_close},
                                     {NULL, NULL}};
  static const luaL_Reg metamethods[] = {
      {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {NULL, NULL}};
  static const luaL_Reg bench_metamethods[] = {{"__gc", l_bench_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"new", l_new},
                                       {"canonical_request", l_canonical_request},
                                       {"string_to_sign", l_string_to_sign},
                                       {"timestamp", l_timestamp},
                                       {NULL, NULL}};
  eni6L_type(L, SIGNER_TYPE, methods, metamethods);
  eni6L_type(L, BENCH_TYPE, NULL, bench_metamethods);
  luaL_newlibtable(L, functions);
  eni6L_new(L, sizeof(struct bench), BENCH_TYPE);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
