/* XML as web services answer with it, read by Expat into a record of its tags.
 *
 * What EC2's answers never have is refused, whoever sends it: a document type
 * declaration, and with it every entity but XML's own five, and elements that
 * nest deeper than ENI6_XML_DEEPEST. Attributes, comments and processing
 * instructions are left out. */
#ifndef ENI6_XML_H
#define ENI6_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "eni6.h"

ENI6_PUBLIC_BEGIN

enum { ENI6_XML_DEEPEST = 64 }; /* real answers nest about a dozen elements */

struct eni6_xml;

/* Reads a whole document, in any encoding that Expat knows. -ENODATA: it is cut
 * off; -EBADMSG: it is not well-formed, or refused; both messages begin with the
 * line and the column, and *xml then has the tags up to there. -ENOMEM and
 * -EMSGSIZE (beyond 2 GiB) leave *xml NULL. */
int eni6_xml_read(struct eni6_xml **xml, const char *body, size_t size, struct eni6_error *error);

/* Wipes and frees; NULL is fine. */
void eni6_xml_free(struct eni6_xml *xml);

/* A start or an end tag, in UTF-8. Each end tag belongs to the last start tag that
 * is still open. `text` is what stands between a start tag and the next tag; text
 * after an end tag is not kept. Of an end tag only `opens` is set. */
struct eni6_xml_tag {
  bool opens;
  bool whole;                  /* the element has its end tag */
  unsigned children;           /* elements right inside of it, if it is whole */
  struct eni6_text name, text; /* borrowed from the document, and terminated */
};

/* Steps through the tags in their order; *cursor starts at 0. False at the end. */
bool eni6_xml_next(const struct eni6_xml *xml, size_t *cursor, struct eni6_xml_tag *tag);

ENI6_PUBLIC_END

#endif
