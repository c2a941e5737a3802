/* The record of a document against what Expat tells without a record between:
 * the same tags, names, texts and numbers of children. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <expat.h>

#include "xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer when something that must hold does not. */
static void require(bool holds) {
  if (!holds) abort();
}

/* A second reading, which follows the record tag by tag. */
struct second {
  const struct eni6_xml *xml;
  size_t cursor;
  struct eni6_xml_tag tag;
  size_t compared; /* bytes of the text of the last start tag */
  bool in_text;
};

static void end_text(struct second *second) {
  require(!second->in_text || second->compared == second->tag.text.size);
  second->in_text = false;
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes) {
  struct second *second = data;
  (void)attributes;
  end_text(second);
  require(eni6_xml_next(second->xml, &second->cursor, &second->tag));
  require(second->tag.opens && strcmp(second->tag.name.data, name) == 0);
  second->in_text = true;
  second->compared = 0;
}

static void on_end(void *data, const XML_Char *name) {
  struct second *second = data;
  (void)name;
  end_text(second);
  require(eni6_xml_next(second->xml, &second->cursor, &second->tag));
  require(!second->tag.opens);
}

static void on_text(void *data, const XML_Char *text, int size) {
  struct second *second = data;
  if (!second->in_text) return;
  require((size_t)size <= second->tag.text.size - second->compared);
  require(memcmp(second->tag.text.data + second->compared, text, (size_t)size) == 0);
  second->compared += (size_t)size;
}

/* A document that was read whole is told a second time. */
static void again(const struct eni6_xml *xml, const char *body, size_t size) {
  struct second second = {.xml = xml};
  XML_Parser parser = XML_ParserCreate(NULL);
  require(parser != NULL);
  XML_SetUserData(parser, &second);
  XML_SetElementHandler(parser, on_start, on_end);
  XML_SetCharacterDataHandler(parser, on_text);
  require(XML_Parse(parser, body, (int)size, XML_TRUE) == XML_STATUS_OK);
  require(!eni6_xml_next(xml, &second.cursor, &second.tag));
  XML_ParserFree(parser);
}

/* Tags match, no deeper than they may; the numbers of children are true where the
 * elements are whole. */
static void is_consistent(const struct eni6_xml *xml, bool whole) {
  unsigned told[ENI6_XML_DEEPEST + 1], seen[ENI6_XML_DEEPEST + 1] = {0}, depth = 0;
  struct eni6_xml_tag tag;
  size_t cursor = 0;
  while (eni6_xml_next(xml, &cursor, &tag)) {
    if (tag.opens) {
      require(tag.whole || !whole);
      require(tag.name.size > 0 && depth < ENI6_XML_DEEPEST);
      seen[depth++]++;
      told[depth] = tag.children;
      seen[depth] = 0;
    } else {
      require(depth > 0 && told[depth] == seen[depth]);
      depth--;
    }
  }
  require(!whole || (depth == 0 && seen[0] == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct eni6_xml *xml;
  struct eni6_error error = {0};
  const char *body = (const char *)data;
  int status = eni6_xml_read(&xml, body, size, &error);
  require(status == 0 || ((status == -ENODATA || status == -EBADMSG) && error.message[0]));
  is_consistent(xml, status == 0);
  if (status == 0) again(xml, body, size);
  eni6_xml_free(xml);
  return 0;
}
