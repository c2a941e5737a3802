#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "xml.h"

/* Prints the tags: "a2(text" and ")", 2 being the number of children, "?" without an end. */
static void show(const struct eni6_xml *xml, char *out, size_t size) {
  struct eni6_xml_tag tag;
  size_t cursor = 0, used = 0;
  out[0] = '\0';
  while (eni6_xml_next(xml, &cursor, &tag)) {
    char count[12] = "?";
    if (tag.opens && tag.whole) sprintf(count, "%u", tag.children);
    int more = tag.opens ? snprintf(out + used, size - used, "%s%s(%s", tag.name.data, count,
                                    tag.text.data)
                         : snprintf(out + used, size - used, ")");
    assert_in_range(more, 1, size - used - 1);
    used += (size_t)more;
    if (!tag.opens) continue;
    assert_int_equal(tag.name.size, strlen(tag.name.data));
    assert_int_equal(tag.text.size, strlen(tag.text.data));
  }
  assert_false(eni6_xml_next(xml, &cursor, &tag));
}

/* Reads `size` bytes, and compares the status, the tags and the start of the message. */
static void reads_bytes(const char *body, size_t size, int status, const char *tags,
                        const char *message) {
  struct eni6_xml *xml;
  struct eni6_error error = {0};
  char shown[1024];
  assert_int_equal(eni6_xml_read(&xml, body, size, &error), status);
  assert_memory_equal(error.message, message, strlen(message));
  show(xml, shown, sizeof shown);
  assert_string_equal(shown, tags);
  eni6_xml_free(xml);
}

static void reads(const char *body, int status, const char *tags, const char *message) {
  reads_bytes(body, strlen(body), status, tags, message);
}

static void records_tags_and_texts(void **state) {
  (void)state;
  reads("<a/>", 0, "a0()", "");
  reads("<?xml version='1.0'?><!-- x --><a b='c'>t<b>u</b>v<c/></a>\n", 0, "a2(tb0(u)c0())", "");
  reads("<a>1<!-- x -->2<?p i?>3<![CDATA[<&]]>&lt;&amp;&#65;</a>", 0, "a0(123<&<&A)", "");
  reads("<x:a xmlns:x='y'>\r\n</x:a>", 0, "x:a0(\n)", "");
}

static void reads_other_encodings(void **state) {
  (void)state;
  static const char utf16[] = "\xff\xfe<\0a\0>\0\xe9\0<\0/\0a\0>\0";
  reads_bytes(utf16, sizeof utf16 - 1, 0, "a0(\xc3\xa9)", "");
  reads("\xef\xbb\xbf<a>\xc3\xa9</a>", 0, "a0(\xc3\xa9)", "");
  reads("<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>", 0, "a0(\xc3\xa9)", "");
  reads("<?xml version='1.0' encoding='x-none'?><a/>", -EBADMSG, "", "line 1, column 31: unknown");
}

/* What Latin-1 doubles outgrows the room that the record starts with. */
static void grows(void **state) {
  (void)state;
  enum { SIZE = 100000 };
  static char body[SIZE + 100];
  struct eni6_xml *xml;
  struct eni6_xml_tag tag;
  size_t cursor = 0, size;
  size = (size_t)sprintf(body, "<?xml version='1.0' encoding='iso-8859-1'?><a>");
  memset(body + size, 0xe9, SIZE);
  memcpy(body + size + SIZE, "</a>", 5);
  assert_int_equal(eni6_xml_read(&xml, body, size + SIZE + 4, NULL), 0);
  assert_true(eni6_xml_next(xml, &cursor, &tag));
  assert_int_equal(tag.text.size, 2 * SIZE);
  for (size_t i = 0; i < tag.text.size; i += 2)
    assert_memory_equal(tag.text.data + i, "\xc3\xa9", 2);
  eni6_xml_free(xml);
}

static void keeps_what_came_before_the_cut(void **state) {
  (void)state;
  reads("", -ENODATA, "", "line 1, column 1: no element found");
  reads("<a><b>text</b><c>te", -ENODATA, "a?(b0(text)c?(te", "line 1, column 20: no element");
  reads("<a><b>text</", -ENODATA, "a?(b?(text", "line 1, column 11: unclosed token");
  reads("<a>\n<b", -ENODATA, "a?(\n", "line 2, column 1: unclosed token");
  reads("<a>\xc3", -ENODATA, "a?(", "line 1, column 4: partial character");
  reads("<a><![CDATA[x", -ENODATA, "a?(x", "line 1, column 14: unclosed CDATA section");
}

static void refuses(void **state) {
  (void)state;
  reads("<a><b>t</a>", -EBADMSG, "a?(b?(t", "line 1, column 10: mismatched tag");
  reads("<a/><b/>", -EBADMSG, "a0()", "line 1, column 5: junk after document element");
  reads("<a>&b;</a>", -EBADMSG, "a?(", "line 1, column 4: undefined entity");
  reads("<a>\xff</a>", -EBADMSG, "a?(", "line 1, column 4: not well-formed");
  reads_bytes("<a>\0</a>", 8, -EBADMSG, "a?(", "line 1, column 4: not well-formed");
  reads("<!DOCTYPE a><a/>", -EBADMSG, "", "line 1, column 12: it has a document type declaration");
  reads("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", -EBADMSG, "",
        "line 1, column 13: it has a document type declaration");
  reads("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", -EBADMSG, "", "line 1, column 40: it has");
}

/* A document of nested elements, the innermost an empty one. */
static int nested(int levels) {
  char body[8 * (ENI6_XML_DEEPEST + 2)] = "";
  struct eni6_xml *xml;
  struct eni6_error error;
  for (int i = 1; i < levels; i++)
    strcat(body, "<a>");
  strcat(body, "<a/>");
  for (int i = 1; i < levels; i++)
    strcat(body, "</a>");
  int status = eni6_xml_read(&xml, body, strlen(body), &error);
  if (status < 0) assert_non_null(strstr(error.message, "elements nest too deep"));
  eni6_xml_free(xml);
  return status;
}

static void limits_the_depth(void **state) {
  (void)state;
  assert_int_equal(nested(ENI6_XML_DEEPEST), 0);
  assert_int_equal(nested(ENI6_XML_DEEPEST + 1), -EBADMSG);
}

static void limits_the_size(void **state) {
  (void)state;
  struct eni6_xml *xml;
  assert_int_equal(eni6_xml_read(&xml, "", (size_t)INT_MAX + 1, NULL), -EMSGSIZE);
  assert_null(xml);
  eni6_xml_free(xml);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(records_tags_and_texts),
      cmocka_unit_test(reads_other_encodings),
      cmocka_unit_test(grows),
      cmocka_unit_test(keeps_what_came_before_the_cut),
      cmocka_unit_test(refuses),
      cmocka_unit_test(limits_the_depth),
      cmocka_unit_test(limits_the_size),
  };
  return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
