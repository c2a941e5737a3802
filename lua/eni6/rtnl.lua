--- rtnetlink messages as bytes, for programs that do their own sending: a host
-- that forbids blocking calls, a test, a capture. Nothing here makes a system
-- call; links and namespaces are given by number. See linux/rtnetlink.h.

local core = require("eni6.core").rtnl

local rtnl = {}

--- A request's bytes, its header included.
-- Operations are a verb and an object: add, set, delete, get and dump of link;
-- add, replace, delete, get and dump of address and neighbour; the same and
-- append of route; add, delete and dump of rule; add, replace, delete and dump
-- of address_label. Fields are those of `eni6.netlink`.
---@param operation string "add_address", "dump_route", …
---@param fields table
---@param sequence integer? 1 when absent
---@return string bytes; misuse raises
function rtnl.encode(operation, fields, sequence) return core.encode(operation, fields, sequence) end

--- The messages in some bytes: requests, answers, events, from either side.
-- Each is `{ type=, flags=, sequence=, port= }` with the header's numbers and, when
-- it is of an object, `object="address"`, `verb="add"` and `record=`; an ack has
-- `object="ack"` (a dump's end "done") and, when refused, `code=`, `kernel=` (its
-- words) and `offset=` (where in the request the fault is).
---@param bytes string
---@return table[]|nil messages, string? message, string? code "EBADMSG"
function rtnl.decode(bytes) return core.decode(bytes) end

return rtnl
