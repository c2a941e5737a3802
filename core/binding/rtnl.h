/* Records of rtnetlink as Lua tables, for the bindings that send and receive
 * them. Keys are the names in core/rtnl_*.c's tables. */
#ifndef ENI6L_RTNL_H
#define ENI6L_RTNL_H

#include "eni6L.h"
#include "../netlink.h"
#include "../rtnl_table.h"

/* Names of links, asked of the kernel and remembered for the length of a call. */
enum { ENI6L_LINKS = 16 };
struct eni6L_links {
  const struct eni6_netlink *netlink; /* NULL: no names can be had */
  struct {
    uint32_t index;
    char name[ENI6_RTNL_NAME_SIZE];
  } by_index[ENI6L_LINKS], by_name[ENI6L_LINKS];
};

/* Forgets what it remembered, because links were changed. */
void eni6L_links_begin(struct eni6L_links *links, const struct eni6_netlink *netlink);

/* The link's name, or NULL. */
const char *eni6L_links_name(struct eni6L_links *links, uint32_t index);

/* A request being made of a table. */
struct eni6L_request {
  enum eni6_rtnl_kind kind;
  enum eni6_rtnl_verb verb;
  union eni6_rtnl_record record;
  struct eni6L_links *links;
  int keep;                /* stack index of a table that keeps opened namespaces, or 0 */
  struct eni6_error error; /* the world's fault: a link or namespace that is not there */
  const char *field;       /* in which field, or NULL */
  size_t used;             /* bytes of `scratch`, where nested parts are written */
  uint8_t scratch[16384];
};

/* Finds kind and verb of "add_address"; false when there is no such request. */
bool eni6L_rtnl_operation(const char *name, enum eni6_rtnl_kind *kind, enum eni6_rtnl_verb *verb);

/* Reads the table at `table` into the request's record. Misuse raises, naming
 * the field; 0, or a negative status with request->error when the world fails. */
int eni6L_rtnl_read(lua_State *L, int table, struct eni6L_request *request);

/* Encodes the request behind what the writer holds; misuse raises. */
int eni6L_rtnl_encode(lua_State *L, struct eni6L_request *request, struct eni6_rtnl_writer *writer,
                      uint32_t sequence);

/* Pushes a record as a table. */
void eni6L_rtnl_push(lua_State *L, const struct eni6_rtnl_object *object,
                     const union eni6_rtnl_record *record, struct eni6L_links *links);

/* Pushes only those of its fields whose bits are wanted. */
void eni6L_rtnl_push_some(lua_State *L, const struct eni6_rtnl_object *object,
                          const union eni6_rtnl_record *record, struct eni6L_links *links,
                          uint64_t wanted);

/* Pushes nil, message, code, { operation=, field=, kernel= } for a refused request. */
int eni6L_rtnl_refused(lua_State *L, const struct eni6_rtnl_message *request,
                       const struct eni6_rtnl_ack *ack);

/* Pushes the third of these, a table, alone. */
void eni6L_rtnl_push_detail(lua_State *L, const char *operation, const char *field,
                            const char *kernel);

/* A descriptor of a namespace, closed by the collector: a name, path or process id
 * at `argument` is opened; false with *error when there is no such namespace. */
bool eni6L_push_netns(lua_State *L, int argument, struct eni6_error *error);

/* The descriptor in the object at `argument`, which must be one of these. */
int eni6L_check_netns(lua_State *L, int argument);

/* Called by the opener of rtnl: makes what the functions above rely on. */
void eni6L_rtnl_prepare(lua_State *L);

#endif
