/* Addresses and prefixes as arguments and results of other bindings. */
#ifndef ENI6L_IP6_H
#define ENI6L_IP6_H

#include "eni6L.h"
#include "../ip6.h"

/* Arguments: an address or a prefix, or their text; else an argument error that
 * says what is wrong with the text. */
void eni6L_check_ip6(lua_State *L, int argument, struct eni6_ip6 *address);
void eni6L_check_prefix(lua_State *L, int argument, struct eni6_prefix *prefix);

/* The same where a single address may stand for the block that only it is in. */
void eni6L_check_block(lua_State *L, int argument, struct eni6_prefix *block);

void eni6L_push_ip6(lua_State *L, const struct eni6_ip6 *address);

/* The new object's value is returned, to be set before anyone else sees it. */
struct eni6_prefix *eni6L_push_prefix(lua_State *L, const struct eni6_prefix *prefix);

/* A count: an integer, or from 2^63 on the nearest float. */
void eni6L_push_count(lua_State *L, struct eni6_u128 count);

#endif
