/* The module eni6.core.xml: turns a document into the tables that a map of its
 * elements asks for. Lua is called only after Expat is done, so no error can leap
 * over Expat's frames.
 *
 * The map: `fields`, indexed by an element's name (so that __index can make them
 * on use), give
 *   nil or false      the element is left out, with all that it holds;
 *   a string          its text goes to this key of its parent's table;
 *   an entry          { key, how, kind, empty }. key: false for the next place in a
 *                     list. how: the fields of its children, and its value is a
 *                     table; a function from its text to its value, nil if it can
 *                     have none of it; true, for whether the text is "true"; nil,
 *                     for the text itself. kind: what the message calls such values
 *                     if there is none. empty: for a structure, the metatable that
 *                     it gets if nothing comes into it; for a list, nil. */
#include "eni6L.h"
#include "openers.h"

#include <errno.h>
#include <stdbool.h>

#include "../xml.h"

#define DOCUMENT_TYPE "eni6.core.xml.document"

enum { KEY = 1, HOW, KIND, EMPTY };

/* For how many fields a table has room from the start, at most: an answer can be
 * full of elements that the map leaves out. */
enum { MOST_FIELDS = 64 };

/* The innermost open element has the top of the stack: its table, the fields of
 * its children, and its `empty`. Its parents lie below it in the same way. */
enum { TABLE = -3, FIELDS = -2, MARK = -1, SLOTS = 3, SCRATCH = 10 };

/* Owns a document while Lua may throw. */
struct document {
  struct eni6_xml *xml; /* NULL: not read yet, or freed */
};

static int l_free(lua_State *L) {
  struct document *document = luaL_checkudata(L, 1, DOCUMENT_TYPE);
  eni6_xml_free(document->xml);
  document->xml = NULL;
  return 0;
}

static void push_text(lua_State *L, struct eni6_text text) {
  lua_pushlstring(L, text.data, text.size);
}

/* table[key] = value, popping both; a key that is false is the next place in a list. */
static void store(lua_State *L, int table) {
  if (lua_type(L, -2) == LUA_TSTRING) {
    lua_rawset(L, table);
    return;
  }
  lua_rawseti(L, table, (lua_Integer)lua_rawlen(L, table) + 1);
  lua_pop(L, 1);
}

/* Opens an element that is a table, with its entry and its fields on top, and puts
 * the table in its parent's. The three slots take the place of entry and fields. */
static void enter(lua_State *L, int entry, unsigned children) {
  bool list = lua_rawgeti(L, entry, EMPTY) == LUA_TNIL;
  unsigned fields = children < MOST_FIELDS ? children : MOST_FIELDS;
  lua_rawgeti(L, entry, KEY);
  lua_createtable(L, list ? (int)children : 0, list ? 0 : (int)fields);
  lua_pushvalue(L, -1);
  lua_replace(L, entry);
  store(L, entry + TABLE);
}

/* Ends the innermost element. */
static void leave(lua_State *L) {
  int table = lua_absindex(L, TABLE);
  if (lua_istable(L, MARK)) {
    lua_pushnil(L);
    if (!lua_next(L, table)) lua_setmetatable(L, table);
  }
  lua_settop(L, table - 1);
}

/* Pushes what the `how` at an index makes of a text. */
static void push_value(lua_State *L, int how, struct eni6_text text) {
  switch (lua_type(L, how)) {
  case LUA_TNIL: push_text(L, text); break;
  case LUA_TBOOLEAN: lua_pushboolean(L, eni6_text_equal(text, ENI6_TEXT("true"))); break;
  default:
    lua_pushvalue(L, how);
    push_text(L, text);
    lua_call(L, 1, 1);
  }
}

/* Stores the value of a text, with its entry and how to convert it on top, and pops
 * them. False, with a message on top, for a text that is no value of its kind. */
static bool convert(lua_State *L, int entry, const struct eni6_xml_tag *tag) {
  lua_rawgeti(L, entry, KEY);
  push_value(L, entry + 1, tag->text);
  if (lua_isnil(L, -1)) {
    lua_rawgeti(L, entry, KIND);
    lua_pushfstring(L, "element %s holds no %s", tag->name.data, lua_tostring(L, -1));
    return false;
  }
  store(L, entry + TABLE);
  lua_pop(L, 2);
  return true;
}

/* Takes a start tag; *skipped becomes 1 if what is inside of it is to be left out.
 * An element without an end, of a document that is cut off, has no value. False,
 * with a message on top, for a text that is no value of its kind. */
static bool start(lua_State *L, const struct eni6_xml_tag *tag, unsigned *skipped) {
  push_text(L, tag->name);
  int type = lua_gettable(L, FIELDS - 1), entry = lua_gettop(L);
  *skipped = 1;
  if (type == LUA_TSTRING && tag->whole) {
    push_text(L, tag->text);
    lua_rawset(L, TABLE - 2);
  } else if (type != LUA_TTABLE) {
    lua_pop(L, 1);
  } else if (lua_rawgeti(L, entry, HOW) == LUA_TTABLE) {
    enter(L, entry, tag->whole ? tag->children : 0);
    *skipped = 0;
  } else if (tag->whole) {
    return convert(L, entry, tag);
  } else {
    lua_pop(L, 2);
  }
  return true;
}

/* Builds what the top of the stack asks for. False, with a message on top, for a
 * text that is no value of its kind. */
static bool build(lua_State *L, const struct eni6_xml *xml) {
  struct eni6_xml_tag tag;
  size_t cursor = 0;
  unsigned skipped = 0; /* open elements that are left out */
  while (eni6_xml_next(xml, &cursor, &tag)) {
    if (skipped > 0)
      skipped = tag.opens ? skipped + 1 : skipped - 1;
    else if (!tag.opens)
      leave(L);
    else if (!start(L, &tag, &skipped))
      return false;
  }
  return true;
}

/* decode(body, table, fields): true, with the table filled; or nil, message, code,
 * with the table filled as far as the document was read and made sense.
 * Codes: "ENODATA", the document is cut off; "EBADMSG", it is malformed, or refused,
 * or a text is no value of its kind; "ENOMEM"; "EMSGSIZE". */
static int l_decode(lua_State *L) {
  struct eni6_error error;
  size_t size;
  const char *body = luaL_checklstring(L, 1, &size);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  luaL_checkstack(L, SLOTS * (ENI6_XML_DEEPEST + 1) + SCRATCH, NULL);
  struct document *document = eni6L_new(L, sizeof *document, DOCUMENT_TYPE);
  int status = eni6_xml_read(&document->xml, body, size, &error);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_pushnil(L);
  if (document->xml && !build(L, document->xml))
    status = eni6_error_set(&error, -EBADMSG, "%s", lua_tostring(L, -1));
  eni6_xml_free(document->xml);
  document->xml = NULL;
  if (status < 0) return eni6L_fail(L, &error);
  lua_pushboolean(L, true);
  return 1;
}

ENI6L_EXPORT int luaopen_eni6_core_xml(lua_State *L) {
  static const luaL_Reg functions[] = {{"decode", l_decode}, {0}};
  static const luaL_Reg metamethods[] = {{"__gc", l_free}, {0}};
  luaL_checkversion(L);
  eni6L_type(L, DOCUMENT_TYPE, NULL, metamethods);
  luaL_newlib(L, functions);
  return 1;
}
