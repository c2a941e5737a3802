#define _GNU_SOURCE
#include "sigv4_request.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "../uri.h"

#define SIGNER_TYPE "eni6.signer"
#define STAGES_TYPE "eni6.sigv4.stages"
#define BENCH_TYPE "eni6.sigv4.bench"

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

/* The upvalues of sign and presign: what each call would else look up by name. */
enum {
  SIGNER_METATABLE = 1,
  STAGES_METATABLE,
  DATE_NAME,
  TOKEN_NAME,
  SHA256_NAME,
  AUTHORIZATION_NAME,
  UPVALUES = AUTHORIZATION_NAME
};

/* --- giving the results ----------------------------------------------------------------- */

/* A call's claim on the signer's results. */
struct claim {
  struct holder *holder;
  unsigned long use;
};

/* The signer's results are the claim's until a finaliser takes the signer. */
static void check_claim(lua_State *L, const struct claim *claim) {
  if (claim->holder->uses != claim->use)
    luaL_error(L, "a finaliser used this signer while it was giving its results: give each "
                  "finaliser a signer of its own");
}

static void push_result(lua_State *L, const struct claim *claim, struct eni6_text text) {
  check_claim(L, claim);
  lua_pushlstring(L, text.data, text.size);
}

/* Puts the value at the top into the pair below it. */
static void end_pair(lua_State *L, lua_Integer *count) {
  lua_rawseti(L, -2, 2);
  lua_rawseti(L, -2, ++*count);
}

/* Appends a header of the signer; `name` is an upvalue. */
static void append_result(lua_State *L, const struct claim *claim, int name, struct eni6_text value,
                          lua_Integer *count) {
  if (value.size == 0) return;
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, lua_upvalueindex(name));
  lua_rawseti(L, -2, 1);
  push_result(L, claim, value);
  end_pair(L, count);
}

/* The token's string is that of the caller, kept with the signer. */
static void append_token(lua_State *L, const struct eni6_signed *result, lua_Integer *count) {
  if (result->session_token.size == 0) return;
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, lua_upvalueindex(TOKEN_NAME));
  lua_rawseti(L, -2, 1);
  lua_getiuservalue(L, 1, 1);
  end_pair(L, count);
}

static void push_unfolded(lua_State *L, struct eni6_text value) {
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, value.size);
  luaL_pushresultsize(&buffer, eni6_header_unfold(out, value));
}

/* Pushes the value of one of the caller's headers as it is to be sent: a default
 * port dropped, folded lines joined. False: it is sent as it came, and nothing was
 * pushed. */
static bool push_changed(lua_State *L, struct eni6_text value, size_t i,
                         const struct eni6_signed *result) {
  if (i == result->host_index && result->host.size != value.size)
    lua_pushlstring(L, result->host.data, result->host.size);
  else if (eni6_header_is_folded(value))
    push_unfolded(L, value);
  else
    return false;
  return true;
}

/* Appends one of the caller's headers: the very pair if it is sent as it came. */
static void append_header(lua_State *L, const struct headers *headers, size_t i,
                          const struct eni6_signed *result, lua_Integer *count) {
  int pair = headers->base + 3 * (int)i;
  bool changed = push_changed(L, headers->all[i].value, i, result);
  if (!changed && !lua_isnil(L, pair)) {
    lua_pushvalue(L, pair);
    lua_rawseti(L, -2, ++*count);
    return;
  }
  if (!changed) lua_pushvalue(L, pair + 2);
  lua_createtable(L, 2, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 2);
  lua_pushvalue(L, pair + 1);
  lua_rawseti(L, -2, 1);
  lua_rawseti(L, -2, ++*count);
}

static void push_headers(lua_State *L, const struct claim *claim, const struct headers *headers,
                         const struct eni6_signed *result) {
  lua_Integer count = 0;
  lua_createtable(L, (int)headers->count + 4, 0);
  for (size_t i = 0; i < headers->count; i++)
    append_header(L, headers, i, result, &count);
  append_result(L, claim, DATE_NAME, result->timestamp, &count);
  append_token(L, result, &count);
  append_result(L, claim, SHA256_NAME, result->content_sha256, &count);
  append_result(L, claim, AUTHORIZATION_NAME, result->authorization, &count);
}

/* --- the stages of a signature -------------------------------------------------------------- */

/* What was computed on the way, in one piece of memory, made into strings when
 * somebody asks: hardly anybody does. The session token, most of a canonical
 * request, is not copied: it is the user value. */
struct stages {
  size_t before_token, after_token, string_to_sign;
  char bytes[]; /* the two parts of the canonical request, the string to sign, the signature */
};

static void push_stages(lua_State *L, const struct claim *claim, const struct eni6_signed *result) {
  struct eni6_text request = result->canonical_request, string = result->string_to_sign;
  size_t before = result->token_at > 0 ? result->token_at : request.size;
  size_t token = result->token_at > 0 ? result->session_token.size : 0;
  size_t after = request.size - before - token;
  size_t size = before + after + string.size + ENI6_SHA256_HEX_SIZE;
  struct stages *stages = lua_newuserdatauv(L, sizeof *stages + size, 1);
  check_claim(L, claim);
  *stages = (struct stages){before, after, string.size};
  char *next = mempcpy(stages->bytes, request.data, before);
  next = mempcpy(next, request.data + before + token, after);
  next = mempcpy(next, string.data, string.size);
  memcpy(next, result->signature.data, ENI6_SHA256_HEX_SIZE);
  lua_pushvalue(L, lua_upvalueindex(STAGES_METATABLE));
  lua_setmetatable(L, -2);
  if (token == 0) return;
  lua_getiuservalue(L, 1, 1);
  lua_setiuservalue(L, -2, 1);
}

static void push_canonical_request(lua_State *L, const struct stages *stages) {
  lua_pushlstring(L, stages->bytes, stages->before_token);
  if (lua_getiuservalue(L, 1, 1) != LUA_TSTRING) {
    lua_pop(L, 1);
    return;
  }
  lua_pushlstring(L, stages->bytes + stages->before_token, stages->after_token);
  lua_concat(L, 3);
}

static const char *const stage_names[] = {"canonical_request", "string_to_sign", "signature", NULL};

/* Pushes a stage by its place in stage_names; false for any other number. */
static bool push_stage(lua_State *L, const struct stages *stages, int number) {
  const char *string = stages->bytes + stages->before_token + stages->after_token;
  switch (number) {
  case 0: push_canonical_request(L, stages); return true;
  case 1: lua_pushlstring(L, string, stages->string_to_sign); return true;
  case 2: lua_pushlstring(L, string + stages->string_to_sign, ENI6_SHA256_HEX_SIZE); return true;
  default: return false;
  }
}

/* The number of the stage that the key at index 2 names; -1 for none. */
static int stage_number(lua_State *L) {
  for (int number = 0; lua_type(L, 2) == LUA_TSTRING && stage_names[number]; number++)
    if (strcmp(lua_tostring(L, 2), stage_names[number]) == 0) return number;
  return -1;
}

/* stages.canonical_request, ...; nil for any other key */
static int l_stages_index(lua_State *L) {
  const struct stages *stages = luaL_checkudata(L, 1, STAGES_TYPE);
  if (!push_stage(L, stages, stage_number(L))) lua_pushnil(L);
  return 1;
}

/* The next name and stage after a name, or the first ones after nil. */
static int l_stages_next(lua_State *L) {
  const struct stages *stages = luaL_checkudata(L, 1, STAGES_TYPE);
  int number = stage_number(L) + 1;
  if (!stage_names[number]) return 0;
  lua_pushstring(L, stage_names[number]);
  push_stage(L, stages, number);
  return 2;
}

/* pairs(stages) */
static int l_stages_pairs(lua_State *L) {
  lua_pushcfunction(L, l_stages_next);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* --- the signer --------------------------------------------------------------------------- */

/* The signer at index 1, open or not. */
static struct holder *any_signer(lua_State *L) {
  return luaL_checkudata(L, 1, SIGNER_TYPE);
}

static void check_open(lua_State *L, const struct holder *holder) {
  if (!holder->open) luaL_argerror(L, 1, "the signer is closed");
}

/* new{ access_key_id=, secret_access_key=, session_token=, region=, service= } */
static int l_new(lua_State *L) {
  struct eni6_error error;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct eni6_credentials credentials;
  credentials.session_token = eni6L_text_field(L, "session_token", false); /* at index 2 */
  credentials.access_key_id = eni6L_text_field(L, "access_key_id", true);
  credentials.secret_access_key = eni6L_text_field(L, "secret_access_key", true);
  credentials.region = eni6L_text_field(L, "region", true);
  credentials.service = eni6L_text_field(L, "service", true);
  struct holder *holder = eni6L_new_with_value(L, sizeof *holder, SIGNER_TYPE);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  if (eni6_signer_open(&holder->signer, &credentials, &error) < 0) return fail(L, &error);
  holder->open = true;
  return 1;
}

typedef int signing(struct eni6_signer *, const struct eni6_sigv4_request *, struct eni6_signed *,
                    struct eni6_error *);

/* The signer of sign and presign. */
static struct holder *fast_signer(lua_State *L) {
  bool is_signer =
      lua_getmetatable(L, 1) && lua_rawequal(L, -1, lua_upvalueindex(SIGNER_METATABLE));
  return is_signer ? lua_touserdata(L, 1) : any_signer(L);
}

/* What sign and presign have in common: reads the request and signs it. */
static struct claim compute(lua_State *L, signing *sign, struct headers *headers,
                            struct eni6_signed *result) {
  struct eni6_error error;
  struct arguments arguments;
  struct holder *holder = fast_signer(L);
  eni6L_read_signing(L, &arguments, headers);
  check_open(L, holder); /* now: reading may have run a finaliser that closed it */
  struct claim claim = {holder, ++holder->uses};
  if (sign(&holder->signer, &arguments.request, result, &error) < 0) fail(L, &error);
  return claim;
}

/* signer:sign(request): headers to send, { canonical_request=, ... } */
static int l_sign(lua_State *L) {
  struct eni6_signed result;
  struct headers headers;
  struct claim claim = compute(L, eni6_signer_sign, &headers, &result);
  push_headers(L, &claim, &headers, &result);
  push_stages(L, &claim, &result);
  return 2;
}

/* signer:presign(request): the URI, { canonical_request=, ... } */
static int l_presign(lua_State *L) {
  struct eni6_signed result;
  struct headers headers;
  struct claim claim = compute(L, eni6_signer_presign, &headers, &result);
  push_result(L, &claim, result.uri);
  push_stages(L, &claim, &result);
  return 2;
}

/* signer:signature(string_to_sign): 64 hexadecimal digits */
static int l_signature(lua_State *L) {
  struct eni6_error error;
  struct eni6_text text;
  char signature[ENI6_SHA256_HEX_SIZE];
  struct holder *holder = any_signer(L);
  text.data = luaL_checklstring(L, 2, &text.size);
  check_open(L, holder);
  struct eni6_text scope = eni6_sigv4_scope(text);
  luaL_argcheck(L, scope.size > 0, 2, "a string to sign has its scope on the third line");
  holder->uses++;
  if (eni6_signer_signature(&holder->signer, scope, text, signature, &error) < 0)
    return fail(L, &error);
  lua_pushlstring(L, signature, sizeof signature);
  return 1;
}

/* The access key id is the only part of the credentials that may be seen. */
static int l_tostring(lua_State *L) {
  struct holder *holder = any_signer(L);
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
  struct holder *holder = any_signer(L);
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
  enum eni6_header_kind kind;
  int status = 0;
  for (size_t i = 0; status == 0 && i < headers->count; i++)
    status = list.data ? eni6_canonical_add_listed(canonical, &headers->all[i], list, error)
                       : eni6_canonical_add_header(canonical, &headers->all[i], &kind, error);
  return status == 0 ? eni6_canonical_finish_headers(canonical, error) : status;
}

/* Builds the canonical request of what was read from the arguments. */
static int build_request(struct bench *bench, const struct arguments *arguments,
                         const struct headers *headers, struct eni6_error *error) {
  char hash[ENI6_SHA256_HEX_SIZE];
  const struct eni6_sigv4_request *request = &arguments->request;
  struct eni6_text path, query, payload_hash = arguments->payload_hash;
  eni6_canonical_begin(&bench->canonical);
  eni6_uri_split(request->uri, &path, &query);
  int status = eni6_sigv4_check_target(request->method, request->uri, error);
  if (status == 0) status = open_bench(bench, error);
  if (status == 0)
    status = add_headers(&bench->canonical, headers, arguments->signed_headers, error);
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
  struct arguments arguments;
  struct headers headers;
  struct bench *bench = lua_touserdata(L, lua_upvalueindex(1));
  eni6L_read_request(L, 1, &arguments, &headers);
  int status = build_request(bench, &arguments, &headers, &error);
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
  struct eni6_text canonical_request = eni6L_text_field(L, "canonical_request", true);
  struct eni6_text timestamp = eni6L_text_field(L, "timestamp", true);
  struct eni6_text scope = eni6L_text_field(L, "scope", true);
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

/* Adds sign and presign to the signer's methods. */
static void add_signing(lua_State *L) {
  static const luaL_Reg methods[] = {{"sign", l_sign}, {"presign", l_presign}, {NULL, NULL}};
  luaL_getmetatable(L, SIGNER_TYPE);
  lua_getfield(L, -1, "__index");
  lua_pushvalue(L, -2);
  luaL_getmetatable(L, STAGES_TYPE);
  lua_pushliteral(L, "X-Amz-Date");
  lua_pushliteral(L, "X-Amz-Security-Token");
  lua_pushliteral(L, "X-Amz-Content-Sha256");
  lua_pushliteral(L, "Authorization");
  luaL_setfuncs(L, methods, UPVALUES);
  lua_pop(L, 2);
}

int eni6L_open_sigv4(lua_State *L) {
  static const luaL_Reg methods[] = {{"signature", l_signature}, {"close", l_close}, {NULL, NULL}};
  static const luaL_Reg metamethods[] = {
      {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {NULL, NULL}};
  static const luaL_Reg stages_metamethods[] = {
      {"__index", l_stages_index}, {"__pairs", l_stages_pairs}, {NULL, NULL}};
  static const luaL_Reg bench_metamethods[] = {{"__gc", l_bench_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"new", l_new},
                                       {"canonical_request", l_canonical_request},
                                       {"string_to_sign", l_string_to_sign},
                                       {"timestamp", l_timestamp},
                                       {NULL, NULL}};
  eni6L_type(L, SIGNER_TYPE, methods, metamethods);
  eni6L_type(L, STAGES_TYPE, NULL, stages_metamethods);
  eni6L_type(L, BENCH_TYPE, NULL, bench_metamethods);
  add_signing(L);
  luaL_newlibtable(L, functions);
  eni6L_new(L, sizeof(struct bench), BENCH_TYPE);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
