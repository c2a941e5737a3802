/* The tables that rtnl's encoder, decoder and its binding are driven by: where
 * each field lies in its record and on the wire, and what it is called. */
#ifndef ENI6_RTNL_TABLE_H
#define ENI6_RTNL_TABLE_H

#include "rtnl.h"

/* How a field is held. Numbers are host order on both sides unless said. */
enum eni6_rtnl_type {
  ENI6_TYPE_U8,
  ENI6_TYPE_U16,
  ENI6_TYPE_BE16, /* network order on the wire */
  ENI6_TYPE_U32,
  ENI6_TYPE_LINK,     /* an interface's index, a name to people */
  ENI6_TYPE_LIFETIME, /* seconds, ENI6_RTNL_FOREVER for no end */
  ENI6_TYPE_TICKS,    /* 1/100 s (USER_HZ), ENI6_RTNL_FOREVER for none */
  ENI6_TYPE_BIT,      /* one bit of the head's flags; `wire` is the bit */
  ENI6_TYPE_TEXT,     /* ENI6_RTNL_NAME_SIZE bytes, closed by a NUL */
  ENI6_TYPE_IP,
  ENI6_TYPE_PREFIX, /* its length is in the header, at `inside` */
  ENI6_TYPE_VIA,    /* struct rtvia */
  ENI6_TYPE_HARDWARE,
  ENI6_TYPE_RANGE16, /* two numbers */
  ENI6_TYPE_RANGE32,
  ENI6_TYPE_NEXTHOPS, /* from here on slices: the attribute's payload as it is */
  ENI6_TYPE_PEER,
  ENI6_TYPE_NAMES,
  ENI6_TYPE_SETTINGS,
};

enum eni6_rtnl_place {
  ENI6_PLACE_HEADER,    /* `wire` is the offset in the fixed header */
  ENI6_PLACE_ATTRIBUTE, /* `wire` is the attribute's type */
  ENI6_PLACE_INSIDE,    /* at `inside` in a struct attribute: read here, written by the object */
  ENI6_PLACE_NOWHERE,   /* not on the wire by itself */
};

struct eni6_rtnl_word {
  const char *name;
  uint32_t value;
};

struct eni6_rtnl_field {
  const char *name;
  uint8_t type;      /* enum eni6_rtnl_type */
  uint8_t place;     /* enum eni6_rtnl_place */
  uint8_t inside;    /* see ENI6_TYPE_PREFIX and ENI6_PLACE_INSIDE */
  uint8_t read_only; /* the kernel's to say: never written */
  uint16_t offset;   /* in the record */
  uint32_t wire;
  const struct eni6_rtnl_word *words; /* names of its values, or NULL; ends with a NULL name */
};

/* A message's attributes, or those of a nest in it. */
struct eni6_rtnl_section {
  uint16_t attribute;                        /* of the nest; 0 for the outermost */
  uint8_t first, count;                      /* its fields, a range of the object's */
  const char *link_kind;                     /* only for links of this kind, or NULL */
  const struct eni6_rtnl_section *const *in; /* the nests inside it, ended by NULL; or NULL */
};

/* Attributes by type, NULL bytes where there is none. */
enum { ENI6_RTNL_ATTRIBUTES = 80 };
struct eni6_rtnl_found {
  struct eni6_rtnl_slice at[ENI6_RTNL_ATTRIBUTES];
};

enum { ENI6_NONE = 255 };

struct eni6_rtnl_object {
  const char *name;   /* "address" */
  uint16_t type;      /* RTM_NEW…; +1 deletes, +2 asks */
  uint8_t header;     /* size of the fixed header */
  uint16_t attribute; /* the largest type it reads */
  size_t record;      /* size of the record */
  const struct eni6_rtnl_field *fields;
  size_t field_count;
  const struct eni6_rtnl_section *section;
  uint32_t verbs;       /* bits of enum eni6_rtnl_verb */
  uint8_t family;       /* meant when none is given */
  uint8_t family_field; /* the number of its field */
  uint8_t required;     /* the field that no request but a dump can do without, or ENI6_NONE */
  /* Takes the flags out of the header and attributes, before the fields are read. */
  void (*load)(union eni6_rtnl_record *record, const uint8_t *header,
               const struct eni6_rtnl_found *found);
  /* Puts right what the table cannot say, after the fields were read. */
  void (*settle)(union eni6_rtnl_record *record, const uint8_t *header,
                 const struct eni6_rtnl_found *found);
  /* What is wrong with a record, or NULL. */
  const char *(*check)(const union eni6_rtnl_record *record);
  /* Supplies what was left out, in a copy, before the fields are written. */
  void (*complete)(union eni6_rtnl_record *record, enum eni6_rtnl_verb verb);
  /* Writes flags and whatever the table cannot say; the fields are written. */
  void (*store)(struct eni6_rtnl_writer *writer, size_t header,
                const union eni6_rtnl_record *record, enum eni6_rtnl_verb verb);
  /* Writes the request for a dump, filters included. */
  void (*ask)(struct eni6_rtnl_writer *writer, size_t header, const union eni6_rtnl_record *filter);
};

/* Rows of the tables. A file that uses them defines RECORD, its record's struct,
 * and HEADER_STRUCT, the kernel's. */
#define FIELD_AT(member) offsetof(struct RECORD, member)
#define FIELD_ATTRIBUTE(name, type, wire, member, words)                                           \
  { name, ENI6_TYPE_##type, ENI6_PLACE_ATTRIBUTE, 0, 0, FIELD_AT(member), wire, words }
#define FIELD_READ(name, type, wire, member, words)                                                \
  { name, ENI6_TYPE_##type, ENI6_PLACE_ATTRIBUTE, 0, 1, FIELD_AT(member), wire, words }
#define FIELD_HEADER(name, type, wire, member, words)                                              \
  {                                                                                                \
    name, ENI6_TYPE_##type, ENI6_PLACE_HEADER, 0, 0, FIELD_AT(member),                             \
        offsetof(struct HEADER_STRUCT, wire), words                                                \
  }
#define FIELD_PREFIX(name, wire, length, member)                                                   \
  {                                                                                                \
    name, ENI6_TYPE_PREFIX, ENI6_PLACE_ATTRIBUTE, offsetof(struct HEADER_STRUCT, length), 0,       \
        FIELD_AT(member), wire, NULL                                                               \
  }
#define FIELD_INSIDE(name, type, wire, kernel_struct, part, member)                                \
  {                                                                                                \
    name, ENI6_TYPE_##type, ENI6_PLACE_INSIDE, offsetof(struct kernel_struct, part), 0,            \
        FIELD_AT(member), wire, NULL                                                               \
  }
#define FIELD_NOWHERE(name, type, member)                                                          \
  { name, ENI6_TYPE_##type, ENI6_PLACE_NOWHERE, 0, 0, FIELD_AT(member), 0, NULL }
/* All the flags as a number; `wire` is the attribute that they are in, or 0. */
#define FIELD_FLAGS(wire)                                                                          \
  { "flags", ENI6_TYPE_U32, ENI6_PLACE_NOWHERE, 0, 0, FIELD_AT(head.flags), wire, NULL }
#define FIELD_BIT(name, bit)                                                                       \
  { name, ENI6_TYPE_BIT, ENI6_PLACE_NOWHERE, 0, 0, FIELD_AT(head.flags), bit, NULL }

extern const struct eni6_rtnl_object eni6_rtnl_link_object, eni6_rtnl_address_object,
    eni6_rtnl_route_object, eni6_rtnl_neighbour_object, eni6_rtnl_rule_object,
    eni6_rtnl_label_object;
extern const struct eni6_rtnl_object *const eni6_rtnl_objects[ENI6_RTNL_KINDS];

/* The fields of a way of a multipath route, which is no message of its own. */
extern const struct eni6_rtnl_object eni6_rtnl_nexthop_object;

/* The names of IFLA_INET6_CONF's numbers, which are those of the sysctls; NULL
 * where a number has none. */
enum { ENI6_RTNL_SETTINGS = 64 };
extern const char *const eni6_rtnl_settings[ENI6_RTNL_SETTINGS];

extern const struct eni6_rtnl_word eni6_words_family[], eni6_words_scope[], eni6_words_protocol[],
    eni6_words_address_protocol[], eni6_words_table[], eni6_words_route_type[], eni6_words_pref[],
    eni6_words_neighbour_state[], eni6_words_action[], eni6_words_operstate[],
    eni6_words_link_type[], eni6_words_addr_gen_mode[], eni6_words_macvlan_mode[],
    eni6_words_ipvlan_mode[], eni6_words_vlan_protocol[];

/* Writing, piece by piece. Offsets returned are for the closing call. */
size_t eni6_rtnl_begin(struct eni6_rtnl_writer *writer, uint16_t type, uint16_t flags,
                       uint32_t sequence);
int eni6_rtnl_end(struct eni6_rtnl_writer *writer, size_t start);
void eni6_rtnl_put(struct eni6_rtnl_writer *writer, uint16_t type, const void *data, size_t size);
void eni6_rtnl_put_u8(struct eni6_rtnl_writer *writer, uint16_t type, uint8_t value);
void eni6_rtnl_put_u32(struct eni6_rtnl_writer *writer, uint16_t type, uint32_t value);
uint8_t *eni6_rtnl_reserve(struct eni6_rtnl_writer *writer, size_t size);
size_t eni6_rtnl_open_nest(struct eni6_rtnl_writer *writer, uint16_t type);
void eni6_rtnl_close_nest(struct eni6_rtnl_writer *writer, size_t start);

/* Sorts attributes by type; the first of each wins, unknown ones are left out. */
void eni6_rtnl_find(struct eni6_rtnl_slice attributes, uint16_t largest,
                    struct eni6_rtnl_found *found);

/* The object whose messages have this type, or NULL; *kind is set too. */
const struct eni6_rtnl_object *eni6_rtnl_object_of(uint16_t type, enum eni6_rtnl_kind *kind);

/* The family is that of the first address when it was not given; all others
 * must be of it, and those of none (a default route) become of it. NULL, or the
 * name of the field that is of another. */
const char *eni6_rtnl_settle_family(const struct eni6_rtnl_object *object,
                                    union eni6_rtnl_record *record);

/* Number of bytes of an address of the family: 16, 4, or 0. */
size_t eni6_rtnl_ip_size(uint8_t family);

/* Fields of one section, header, nests: the walks shared by messages, peers and ways. */
void eni6_rtnl_read_section(const struct eni6_rtnl_object *object,
                            const struct eni6_rtnl_section *section, const uint8_t *header,
                            const struct eni6_rtnl_found *found, union eni6_rtnl_record *record);
void eni6_rtnl_write_section(struct eni6_rtnl_writer *writer, size_t header,
                             const struct eni6_rtnl_object *object,
                             const struct eni6_rtnl_section *section,
                             const union eni6_rtnl_record *record);

#endif
