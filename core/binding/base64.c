#include "eni6L.h"

#include <stdint.h>

#include "../base64.h"

/* encode(bytes): base64 in one line. */
static int l_encode(lua_State *L) {
  luaL_Buffer buffer;
  struct eni6_text data;
  data.data = luaL_checklstring(L, 1, &data.size);
  luaL_argcheck(L, data.size <= SIZE_MAX / 4, 1, "too long");
  size_t size = eni6_base64_size(data.size);
  eni6_base64_encode(luaL_buffinitsize(L, &buffer, size), data);
  luaL_pushresultsize(&buffer, size);
  return 1;
}

/* decode(text): the bytes, or nil, message, "EINVAL". */
static int l_decode(lua_State *L) {
  struct eni6_error error;
  luaL_Buffer buffer;
  struct eni6_text text;
  size_t size;
  text.data = luaL_checklstring(L, 1, &text.size);
  unsigned char *out =
      (unsigned char *)luaL_buffinitsize(L, &buffer, eni6_base64_decoded_max(text.size));
  if (eni6_base64_decode(out, &size, text, &error) < 0) return eni6L_fail(L, &error);
  luaL_pushresultsize(&buffer, size);
  return 1;
}

int eni6L_open_base64(lua_State *L) {
  static const luaL_Reg functions[] = {{"encode", l_encode}, {"decode", l_decode}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
