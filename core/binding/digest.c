#include "eni6L.h"

#include "../digest.h"

#define TYPE "eni6.digest"

/* The state's hash, in the functions' upvalue: fetched when first used. */
static struct eni6_sha256 *checked_sha256(lua_State *L) {
  struct eni6_error error;
  struct eni6_sha256 *sha256 = lua_touserdata(L, lua_upvalueindex(1));
  if (!sha256->algorithm && eni6_sha256_open(sha256, &error) < 0)
    luaL_error(L, "%s", error.message);
  return sha256;
}

static int l_gc(lua_State *L) {
  eni6_sha256_close(luaL_checkudata(L, 1, TYPE));
  return 0;
}

static struct eni6_text checked_text(lua_State *L, int argument) {
  struct eni6_text text;
  text.data = luaL_checklstring(L, argument, &text.size);
  return text;
}

/* sha256_hex(bytes): 64 lower-case hexadecimal digits. */
static int l_sha256_hex(lua_State *L) {
  struct eni6_error error;
  char hex[ENI6_SHA256_HEX_SIZE];
  if (eni6_sha256_hex(checked_sha256(L), checked_text(L, 1), hex, &error) < 0)
    return luaL_error(L, "%s", error.message);
  lua_pushlstring(L, hex, sizeof hex);
  return 1;
}

/* sha1_hex(bytes): 40 lower-case hexadecimal digits. */
static int l_sha1_hex(lua_State *L) {
  struct eni6_error error;
  char hex[ENI6_SHA1_HEX_SIZE];
  if (eni6_sha1_hex(checked_text(L, 1), hex, &error) < 0) return luaL_error(L, "%s", error.message);
  lua_pushlstring(L, hex, sizeof hex);
  return 1;
}

/* Keys, signs, and leaves nothing of the key behind. */
static int sign(struct eni6_sha256 *sha256, struct eni6_text key, struct eni6_text data,
                unsigned char code[ENI6_SHA256_SIZE], struct eni6_error *error) {
  struct eni6_hmac hmac = {0};
  int status = eni6_hmac_key(&hmac, sha256, key, error);
  if (status == 0) status = eni6_hmac_sign(&hmac, sha256, data, code, error);
  eni6_hmac_close(&hmac);
  return status;
}

/* hmac_sha256(key, bytes): the 32 bytes of the code. */
static int l_hmac_sha256(lua_State *L) {
  struct eni6_error error;
  unsigned char code[ENI6_SHA256_SIZE];
  if (sign(checked_sha256(L), checked_text(L, 1), checked_text(L, 2), code, &error) < 0)
    return luaL_error(L, "%s", error.message);
  lua_pushlstring(L, (const char *)code, sizeof code);
  return 1;
}

/* equal(a, b): compares in a time that tells nothing but the sizes. */
static int l_equal(lua_State *L) {
  lua_pushboolean(L, eni6_text_equal_secret(checked_text(L, 1), checked_text(L, 2)));
  return 1;
}

int eni6L_open_digest(lua_State *L) {
  static const luaL_Reg functions[] = {{"sha256_hex", l_sha256_hex},
                                       {"sha1_hex", l_sha1_hex},
                                       {"hmac_sha256", l_hmac_sha256},
                                       {"equal", l_equal},
                                       {NULL, NULL}};
  static const luaL_Reg metamethods[] = {{"__gc", l_gc}, {NULL, NULL}};
  eni6L_type(L, TYPE, NULL, metamethods);
  luaL_newlibtable(L, functions);
  eni6L_new(L, sizeof(struct eni6_sha256), TYPE);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
