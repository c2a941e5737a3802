#include "ip6.h"

#include <limits.h>

#include "../blocks.h"

#define POOL "eni6.blocks"

/* A pool: closed before it is opened, and again after close(). */
struct pool {
  struct eni6_blocks blocks;
  bool open;
};

static struct eni6_blocks *check_pool(lua_State *L) {
  struct pool *pool = luaL_checkudata(L, 1, POOL);
  if (!pool->open) luaL_error(L, "the pool of blocks is closed");
  return &pool->blocks;
}

/* new(prefix): an empty pool | nil, message, "EINVAL". Its memory comes from the
 * state's own allocator, so that a host that limits it limits this too. */
static int l_new(lua_State *L) {
  struct eni6_prefix prefix;
  struct eni6_error error;
  struct eni6_allocator allocator;
  size_t size;
  const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &size) : NULL;
  if (text && eni6_prefix_parse(&prefix, text, size, &error) < 0) return eni6L_fail(L, &error);
  if (!text) eni6L_check_prefix(L, 1, &prefix);
  allocator.resize = lua_getallocf(L, &allocator.state);
  struct pool *pool = eni6L_new(L, sizeof *pool, POOL);
  if (eni6_blocks_open(&pool->blocks, &prefix, &allocator, &error) < 0)
    return eni6L_fail(L, &error);
  pool->open = true;
  return 1;
}

/* pool:close(): gives the memory back; also __gc and __close, and again. */
static int l_close(lua_State *L) {
  struct pool *pool = luaL_checkudata(L, 1, POOL);
  if (pool->open) eni6_blocks_close(&pool->blocks);
  pool->open = false;
  return 0;
}

/* What a call that takes or gives back a block returns: true, or nil, message,
 * code, and when another is in the way { block = that one }. */
static int finish(lua_State *L, const struct eni6_blocks *pool, const struct eni6_prefix *block,
                  int status, const struct eni6_error *error) {
  struct eni6_prefix found;
  if (status == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  eni6L_fail(L, error);
  if (!eni6_blocks_overlapping(pool, block, &found)) return 3;
  lua_createtable(L, 0, 1);
  eni6L_push_prefix(L, &found);
  lua_setfield(L, -2, "block");
  return 4;
}

/* pool:occupy(block): true | nil, message, "EEXIST"|"ERANGE"|"ENOMEM", { block = }. */
static int l_occupy(lua_State *L) {
  struct eni6_prefix block;
  struct eni6_error error;
  struct eni6_blocks *pool = check_pool(L);
  eni6L_check_block(L, 2, &block);
  int status = eni6_blocks_occupy(pool, &block, &error);
  return finish(L, pool, &block, status, &error);
}

/* pool:release(block): true | nil, message, "ENOENT"|"ERANGE", { block = }. */
static int l_release(lua_State *L) {
  struct eni6_prefix block;
  struct eni6_error error;
  struct eni6_blocks *pool = check_pool(L);
  eni6L_check_block(L, 2, &block);
  int status = eni6_blocks_release(pool, &block, &error);
  return finish(L, pool, &block, status, &error);
}

/* Reads the list at index 2 into memory of Lua's. */
static struct eni6_prefix *read_list(lua_State *L, size_t *size) {
  luaL_checktype(L, 2, LUA_TTABLE);
  *size = lua_rawlen(L, 2);
  luaL_argcheck(L, *size <= INT_MAX / sizeof(struct eni6_prefix), 2, "the list is too long");
  struct eni6_prefix *list = lua_newuserdatauv(L, (*size + 1) * sizeof *list, 0);
  for (size_t i = 0; i < *size; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    eni6L_check_block(L, -1, &list[i]);
    lua_pop(L, 1);
  }
  return list;
}

/* pool:load(list): how many were new | nil, message, "EEXIST"|"ERANGE"|"ENOMEM". */
static int l_load(lua_State *L) {
  struct eni6_error error;
  size_t size, added;
  struct eni6_blocks *pool = check_pool(L);
  struct eni6_prefix *list = read_list(L, &size);
  if (eni6_blocks_load(pool, list, size, &added, &error) < 0) return eni6L_fail(L, &error);
  lua_pushinteger(L, (lua_Integer)added);
  return 1;
}

/* Reads length [, { from = address }]. */
static unsigned read_question(lua_State *L, const struct eni6_blocks *pool,
                              struct eni6_ip6 *address, const struct eni6_ip6 **from) {
  unsigned length = (unsigned)eni6L_integer(L, 2, pool->prefix.length, 128);
  *from = NULL;
  if (lua_isnoneornil(L, 3)) return length;
  luaL_checktype(L, 3, LUA_TTABLE);
  if (lua_getfield(L, 3, "from") != LUA_TNIL) {
    eni6L_check_ip6(L, -1, address);
    *from = address;
  }
  lua_pop(L, 1);
  return length;
}

/* pool:allocate(length [, options]): a prefix, now taken | nil, message, "ENOSPC"|… */
static int l_allocate(lua_State *L) {
  struct eni6_ip6 address;
  const struct eni6_ip6 *from;
  struct eni6_error error;
  struct eni6_blocks *pool = check_pool(L);
  unsigned length = read_question(L, pool, &address, &from);
  /* The result comes first, as nothing may fail once the block is taken. */
  struct eni6_prefix *block = eni6L_push_prefix(L, &pool->prefix);
  if (eni6_blocks_allocate(pool, length, from, block, &error) < 0) return eni6L_fail(L, &error);
  return 1;
}

/* pool:find(length [, options]): the same, without taking it. */
static int l_find(lua_State *L) {
  struct eni6_prefix block;
  struct eni6_ip6 address;
  const struct eni6_ip6 *from;
  struct eni6_error error;
  struct eni6_blocks *pool = check_pool(L);
  unsigned length = read_question(L, pool, &address, &from);
  if (eni6_blocks_find(pool, length, from, &block, &error) < 0) return eni6L_fail(L, &error);
  eni6L_push_prefix(L, &block);
  return 1;
}

/* pool:contains(block): whether this very block is taken. */
static int l_contains(lua_State *L) {
  struct eni6_prefix block;
  struct eni6_blocks *pool = check_pool(L);
  eni6L_check_block(L, 2, &block);
  lua_pushboolean(L, eni6_blocks_contains(pool, &block));
  return 1;
}

/* pool:overlapping(block): the first taken one that shares an address with it, or nil. */
static int l_overlapping(lua_State *L) {
  struct eni6_prefix block, found;
  struct eni6_blocks *pool = check_pool(L);
  eni6L_check_block(L, 2, &block);
  if (eni6_blocks_overlapping(pool, &block, &found))
    eni6L_push_prefix(L, &found);
  else
    lua_pushnil(L);
  return 1;
}

/* One step of pool:blocks(): the first block past the one before. */
static int l_next(lua_State *L) {
  struct eni6_blocks *pool = check_pool(L);
  struct eni6_prefix block;
  struct eni6_ip6 from = pool->prefix.address;
  if (!lua_isnil(L, 2)) {
    eni6L_check_prefix(L, 2, &block);
    from = eni6_prefix_last(&block);
    if (eni6_ip6_add(&from, &from, 1, NULL) < 0) return 0;
  }
  if (!eni6_blocks_next(pool, &from, &block)) return 0;
  eni6L_push_prefix(L, &block);
  return 1;
}

/* pool:blocks(): iterates over those taken, in order; the pool may change meanwhile. */
static int l_blocks(lua_State *L) {
  check_pool(L);
  lua_pushcfunction(L, l_next);
  lua_pushvalue(L, 1);
  return 2;
}

/* pool:count(), #pool: how many blocks are taken. */
static int l_count(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_pool(L)->trie.count);
  return 1;
}

/* pool:used(): how many addresses are taken. */
static int l_used(lua_State *L) {
  eni6L_push_count(L, eni6_blocks_used(check_pool(L)));
  return 1;
}

/* pool:free(): how many are not. */
static int l_free(lua_State *L) {
  eni6L_push_count(L, eni6_blocks_free(check_pool(L)));
  return 1;
}

/* pool:largest_free(): the length of the largest free block, nil when all is taken. */
static int l_largest_free(lua_State *L) {
  int length = eni6_blocks_largest(check_pool(L));
  if (length < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, length);
  return 1;
}

/* pool:memory(): bytes allocated for what it keeps. */
static int l_memory(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)eni6_blocks_memory(check_pool(L)));
  return 1;
}

/* pool:prefix(): what it is over. */
static int l_prefix(lua_State *L) {
  eni6L_push_prefix(L, &check_pool(L)->prefix);
  return 1;
}

static int l_tostring(lua_State *L) {
  const struct pool *pool = luaL_checkudata(L, 1, POOL);
  char text[ENI6_PREFIX_TEXT_SIZE];
  if (pool->open) {
    eni6_prefix_format(&pool->blocks.prefix, text);
    lua_pushfstring(L, POOL ": %s, %I taken", text, (LUAI_UACINT)pool->blocks.trie.count);
  } else {
    lua_pushliteral(L, POOL ": closed");
  }
  return 1;
}

int eni6L_open_blocks(lua_State *L) {
  static const luaL_Reg functions[] = {{"new", l_new}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"close", l_close},
                                     {"occupy", l_occupy},
                                     {"release", l_release},
                                     {"load", l_load},
                                     {"allocate", l_allocate},
                                     {"find", l_find},
                                     {"contains", l_contains},
                                     {"overlapping", l_overlapping},
                                     {"blocks", l_blocks},
                                     {"count", l_count},
                                     {"used", l_used},
                                     {"free", l_free},
                                     {"largest_free", l_largest_free},
                                     {"memory", l_memory},
                                     {"prefix", l_prefix},
                                     {NULL, NULL}};
  static const luaL_Reg metamethods[] = {{"__gc", l_close},
                                         {"__close", l_close},
                                         {"__len", l_count},
                                         {"__tostring", l_tostring},
                                         {NULL, NULL}};
  eni6L_type(L, POOL, methods, metamethods);
  luaL_newlib(L, functions);
  return 1;
}
