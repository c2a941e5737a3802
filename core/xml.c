#include "xml.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <expat.h>

/* The record is one run of bytes: a start tag is OPENS, the number of its children
 * (COUNT bytes, in the machine's order), its name, NUL, its text, NUL; an end tag is
 * CLOSES. XML has no NUL in it, so neither have names and texts; and a record is
 * hardly ever longer than its document. */
enum { OPENS = '<', CLOSES = '>', COUNT = sizeof(unsigned) };

/* The count of an element without an end. */
static const unsigned ENDLESS = UINT_MAX;

struct eni6_xml {
  char *data;
  size_t size, capacity;
};

/* What Expat's callbacks share. */
struct reading {
  XML_Parser parser;
  struct eni6_xml *xml;
  unsigned depth;                          /* of open elements; 0 is outside of the root */
  size_t counts[ENI6_XML_DEEPEST + 1];     /* by depth: where the record has their count */
  unsigned children[ENI6_XML_DEEPEST + 1]; /* by depth: the count so far */
  bool in_text;      /* the last tag was a start tag, and its text is still to end */
  bool failed;       /* nothing is recorded any more */
  const char *fault; /* why we stopped the parser; NULL with `failed`: no memory */
};

void eni6_xml_free(struct eni6_xml *xml) {
  if (!xml) return;
  if (xml->data) explicit_bzero(xml->data, xml->size);
  free(xml->data);
  free(xml);
}

/* An empty record with room for what a document of `size` bytes usually needs. */
static struct eni6_xml *new_record(size_t size) {
  struct eni6_xml *xml = calloc(1, sizeof *xml);
  if (!xml) return NULL;
  xml->capacity = size + 64;
  xml->data = malloc(xml->capacity);
  if (xml->data) return xml;
  free(xml);
  return NULL;
}

/* Makes room for `more` bytes. Not with realloc, which would leave copies of a
 * secret in the answer behind. */
static bool reserve(struct eni6_xml *xml, size_t more) {
  if (more <= xml->capacity - xml->size) return true;
  if (more > SIZE_MAX / 2 - xml->capacity) return false;
  size_t capacity = (xml->capacity + more) * 2;
  char *data = malloc(capacity);
  if (!data) return false;
  memcpy(data, xml->data, xml->size);
  explicit_bzero(xml->data, xml->size);
  free(xml->data);
  xml->data = data;
  xml->capacity = capacity;
  return true;
}

/* Stops the parser. It may call back once more (the end of an empty element). */
static void stop(struct reading *reading, const char *fault) {
  reading->failed = true;
  reading->fault = fault;
  XML_StopParser(reading->parser, XML_FALSE);
}

/* Makes room for `more` bytes, or stops the parser. */
static bool ready_for(struct reading *reading, size_t more) {
  if (reading->failed) return false;
  if (reserve(reading->xml, more)) return true;
  stop(reading, NULL);
  return false;
}

/* Ends the text of the last tag, if that is a start tag. Whoever adds to the record
 * leaves the byte of room that this takes. */
static void end_text(struct reading *reading) {
  struct eni6_xml *xml = reading->xml;
  if (reading->in_text) xml->data[xml->size++] = '\0';
  reading->in_text = false;
}

/* Appends what fits into the room that is there. */
static void put(struct eni6_xml *xml, const void *bytes, size_t size) {
  memcpy(xml->data + xml->size, bytes, size);
  xml->size += size;
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes) {
  struct reading *reading = data;
  struct eni6_xml *xml = reading->xml;
  size_t size = strlen(name) + 1;
  (void)attributes;
  if (!ready_for(reading, 1 + 1 + COUNT + size + 1)) return;
  end_text(reading);
  if (reading->depth == ENI6_XML_DEEPEST) {
    stop(reading, "elements nest too deep");
    return;
  }
  reading->children[reading->depth++]++;
  reading->children[reading->depth] = 0;
  xml->data[xml->size++] = OPENS;
  reading->counts[reading->depth] = xml->size;
  put(xml, &ENDLESS, COUNT);
  put(xml, name, size);
  reading->in_text = true;
}

static void XMLCALL on_end(void *data, const XML_Char *name) {
  struct reading *reading = data;
  struct eni6_xml *xml = reading->xml;
  (void)name;
  if (!ready_for(reading, 2)) return;
  end_text(reading);
  memcpy(xml->data + reading->counts[reading->depth], &reading->children[reading->depth], COUNT);
  reading->depth--;
  xml->data[xml->size++] = CLOSES;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int size) {
  struct reading *reading = data;
  struct eni6_xml *xml = reading->xml;
  if (!reading->in_text || !ready_for(reading, (size_t)size + 1)) return;
  put(xml, text, (size_t)size);
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset) {
  (void)name;
  (void)system_id;
  (void)public_id;
  (void)has_internal_subset;
  stop(data, "it has a document type declaration");
}

/* Whether more of the document could have avoided the error. */
static bool is_cut_off(enum XML_Error code) {
  return code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_UNCLOSED_TOKEN ||
         code == XML_ERROR_PARTIAL_CHAR || code == XML_ERROR_UNCLOSED_CDATA_SECTION;
}

/* The error of a parser that has failed. */
static int fail(const struct reading *reading, struct eni6_error *error) {
  enum XML_Error code = XML_GetErrorCode(reading->parser);
  if (code == XML_ERROR_NO_MEMORY || (reading->failed && !reading->fault))
    return eni6_error_set(error, -ENOMEM, "no memory to read an XML document");
  return eni6_error_set(error, is_cut_off(code) ? -ENODATA : -EBADMSG, "line %lu, column %lu: %s",
                        (unsigned long)XML_GetCurrentLineNumber(reading->parser),
                        (unsigned long)XML_GetCurrentColumnNumber(reading->parser) + 1,
                        reading->fault ? reading->fault : XML_ErrorString(code));
}

/* Runs the parser over the whole body at once: Expat then works on it in place. */
static int parse(struct reading *reading, const char *body, size_t size, struct eni6_error *error) {
  XML_SetUserData(reading->parser, reading);
  XML_SetElementHandler(reading->parser, on_start, on_end);
  XML_SetCharacterDataHandler(reading->parser, on_text);
  XML_SetStartDoctypeDeclHandler(reading->parser, on_doctype);
  if (XML_Parse(reading->parser, body, (int)size, XML_TRUE) == XML_STATUS_OK) return 0;
  return fail(reading, error);
}

int eni6_xml_read(struct eni6_xml **xml, const char *body, size_t size, struct eni6_error *error) {
  *xml = NULL;
  if (size > INT_MAX) return eni6_error_set(error, -EMSGSIZE, "an XML document beyond 2 GiB");
  struct reading reading = {.parser = XML_ParserCreate(NULL), .xml = new_record(size)};
  int status = reading.parser && reading.xml
                   ? parse(&reading, body, size, error)
                   : eni6_error_set(error, -ENOMEM, "no memory to read an XML document");
  XML_ParserFree(reading.parser);
  if (status == -ENOMEM) {
    eni6_xml_free(reading.xml);
    return status;
  }
  end_text(&reading);
  *xml = reading.xml;
  return status;
}

/* The terminated text at the cursor, which moves behind it. */
static struct eni6_text take(const struct eni6_xml *xml, size_t *cursor) {
  struct eni6_text text = {xml->data + *cursor, strlen(xml->data + *cursor)};
  *cursor += text.size + 1;
  return text;
}

bool eni6_xml_next(const struct eni6_xml *xml, size_t *cursor, struct eni6_xml_tag *tag) {
  if (*cursor == xml->size) return false;
  tag->opens = xml->data[(*cursor)++] == OPENS;
  if (!tag->opens) return true;
  memcpy(&tag->children, xml->data + *cursor, COUNT);
  *cursor += COUNT;
  tag->whole = tag->children != ENDLESS;
  tag->name = take(xml, cursor);
  tag->text = take(xml, cursor);
  return true;
}
