--- IPv6 addresses and prefixes.
--
-- Both are immutable values that compare with `==`, `<` and `<=` (an address
-- with an address, a prefix with a prefix; text is never `==` to either) and
-- print as RFC 5952 text. Every function and method that takes one also takes its
-- text; text that comes from people is best read with `address`, `prefix` or
-- `interface`, which return what is wrong with it, while elsewhere bad text raises.
--
--     local block = assert(ip6.prefix("2001:db8::8/126"))
--     print(block:nth(2), block:contains("2001:db8::b"), block:last() + 1)
--
-- As table keys use `tostring(x)` or `x:key()`: equal values are not the same object.

local core = require("eni6.core").ip6

---An address. `address + n`, `n + address` and `address - n` are addresses and
---`address - address` an integer; these raise when the result does not exist.
---@class eni6.address
---Its 16 bytes in network order.
---@field key fun(self: eni6.address): string
---The address n further on | nil, message, "ERANGE".
---@field offset fun(self: eni6.address, n: integer): eni6.address?, string?, string?
---"unspecified", "loopback", "multicast", "link-local", "unique-local", "documentation",
---"ipv4-mapped", "global" or "reserved" (RFC 4291, 4193, 3849).
---@field kind fun(self: eni6.address): string
---The group at which neighbours ask for it (RFC 4291, 2.7.1).
---@field solicited_node fun(self: eni6.address): eni6.address
---Whether a prefix of that length can begin here.
---@field is_aligned fun(self: eni6.address, length: integer): boolean
---The prefix of that length that it is in.
---@field prefix fun(self: eni6.address, length: integer): eni6.prefix
---@operator add(integer): eni6.address
---@operator sub(integer): eni6.address

---A prefix: an aligned block of addresses.
---@class eni6.prefix
---0 to 128.
---@field length integer
---The 16 bytes of its first address, then its length as a byte.
---@field key fun(self: eni6.prefix): string
---@field first fun(self: eni6.prefix): eni6.address
---@field last fun(self: eni6.prefix): eni6.address
---How many addresses; an integer, or from 2^63 on a float (exact: a power of two).
---@field size fun(self: eni6.prefix): number
---Whether all of x is inside.
---@field contains fun(self: eni6.prefix, x: eni6.address|eni6.prefix|string): boolean
---Whether they share an address.
---@field overlaps fun(self: eni6.prefix, x: eni6.address|eni6.prefix|string): boolean
---Its i-th address: 1 is the first, -1 the last | nil, message, "ERANGE".
---@field nth fun(self: eni6.prefix, i: integer): eni6.address?, string?, string?
---Iterates from the first to the last: `for address in prefix:addresses() do`.
---@field addresses fun(self: eni6.prefix): fun(): eni6.address
---The address ("::1:1") or prefix ("::8/126") that the suffix names below this prefix; what already
---lies in it stays as it is | nil, message, "EINVAL" or "ERANGE".
---@field at fun(self: eni6.prefix, suffix: eni6.address|eni6.prefix|string): eni6.address|eni6.prefix|nil, string?, string?

local ip6 = {}

---Reads an address in any text form of RFC 4291, section 2.2. Zone identifiers,
---brackets and spaces are refused.
---@param text string|eni6.address
---@return eni6.address? address
---@return string? message
---@return string? code "EINVAL"
ip6.address = core.address

---Reads a prefix, such as `2001:db8::/64`. Host bits are refused, and the right prefix named.
---@param text string|eni6.prefix
---@return eni6.prefix? prefix
---@return string? message
---@return string? code "EINVAL"
ip6.prefix = core.prefix

---Reads an address with the length of the prefix it lives in, such as `2001:db8::1/64`.
---@param text string
---@return eni6.address? address
---@return integer|string length 0 to 128, or the message
---@return string? code "EINVAL"
ip6.interface = core.interface

---The address of 16 bytes in network order, as `address:key()` gives them.
---@param bytes string
---@return eni6.address
ip6.from_bytes = core.from_bytes

---The address that an interface forms from its MAC (RFC 4291, appendix A).
---@param prefix eni6.prefix|string at most 64 bits long; "fe80::/64" for the link-local one
---@param mac string six bytes in hexadecimal between colons or hyphens
---@return eni6.address? address
---@return string? message
---@return string? code "EINVAL"
ip6.eui64 = core.eui64

---Orders two addresses.
---@param a eni6.address|string
---@param b eni6.address|string
---@return integer order -1, 0 or 1
ip6.compare = core.compare

---Orders two prefixes: by their first address, then the larger one first.
---@param a eni6.prefix|string
---@param b eni6.prefix|string
---@return integer order -1, 0 or 1
ip6.compare_prefixes = core.compare_prefixes

return ip6
