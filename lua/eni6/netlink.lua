--- Links, addresses, routes, neighbours, rules and address labels of this or any
-- other network namespace, over rtnetlink.
--
-- Records are tables whose names are iproute2's. What a dump returns can be given
-- back to a request: what only the kernel decides is not heeded there.
--
--   link          index, name, link_type, up, running, lower_up, …, mtu, address, broadcast, permaddr,
--                 parent, master (names), operstate, carrier, group, txqlen, altnames, kind, slave_kind;
--                 addr_gen_mode, token, and inet6 = { forwarding=0, accept_ra=1, … }: the settings of
--                 /proc/sys/net/ipv6/conf/LINK (read only). To make one: kind "veth" (peer = { name=,
--                 netns=, … }), "bridge" (forward_delay, ageing_time in 1/100 s, stp_state, vlan_filtering,
--                 mcast_snooping), "vlan" (parent, vlan_id, vlan_protocol), "macvlan" (parent,
--                 macvlan_mode), "ipvlan" (parent, ipvlan_mode); netns = where it is to go
--   address       link, address "2001:db8::1/64", peer, broadcast, scope, label, metric (of its route),
--                 protocol, valid_lft, preferred_lft (seconds; absent or math.huge: for ever), flags (all
--                 32 bits) and each by name: nodad, optimistic, noprefixroute, mngtmpaddr, home, autojoin;
--                 told by the kernel: permanent, tentative, dadfailed, deprecated, temporary
--   route         dst ("2001:db8::/64", "::/0"; "default" is accepted), src, gateway, via (of the other
--                 family), link, metric, pref (RFC 4191: low, medium, high), table ("main", "local" or a
--                 number), protocol, scope, type, prefsrc, onlink, expires (seconds), mtu, advmss, hoplimit,
--                 initcwnd, initrwnd, quickack, nhid, nexthops = { { gateway=, link=, weight=, onlink= }, … }
--   neighbour     link, dst, lladdr, state ("permanent" when absent), proxy, router, extern_learn, managed, use
--   rule          priority, from, to, iif, oif, table, action, target (of goto), fwmark, fwmask, invert,
--                 suppress_prefixlength, l3mdev, uidrange, ipproto, sport, dport (a number or { first, last })
--   address_label prefix, label, link (RFC 6724)
--
-- `family` is "inet6" unless addresses say otherwise; dumps take "inet" and "any" too. A `link` is a
-- name (looked up in the socket's namespace) or a number; records have both `link` and `index`.
--
-- Requests return true, or nil, message, code, detail: `detail` is `{ operation=, field=, kernel= }`,
-- with the name of the field at fault and the kernel's own words where it told them. A name or type
-- that does not exist raises.

local core = require("eni6.core").netlink
local ensure = require "eni6.netlink.ensure"
local monitor = require "eni6.netlink.monitor"

local netlink = {}

---@class eni6.netlink
---@field links fun(self, filter?: table, options?: table): table[]|nil, string?, string?
---@field addresses fun(self, filter?: table, options?: table): table[]|nil, string?, string?
---@field routes fun(self, filter?: table, options?: table): table[]|nil, string?, string?
---@field neighbours fun(self, filter?: table, options?: table): table[]|nil, string?, string? proxies: with `proxy = true`
---@field rules fun(self, filter?: table, options?: table): table[]|nil, string?, string?
---@field address_labels fun(self, filter?: table, options?: table): table[]|nil, string?, string?
---@field add_link fun(self, link: table): true|nil, string?, string?, table?
---@field set_link fun(self, link: table): true|nil, string?, string?, table? `link` or `index` says which; `name` renames
---@field delete_link fun(self, link: table): true|nil, string?, string?, table?
---@field get_link fun(self, link: table): table|nil, string?, string?, table?
---@field add_address fun(self, address: table): true|nil, string?, string?, table?
---@field replace_address fun(self, address: table): true|nil, string?, string?, table? the prefix length stays as it was
---@field delete_address fun(self, address: table): true|nil, string?, string?, table?
---@field get_address fun(self, address: table): table|nil, string?, string?, table? of IPv6, by its bits alone
---@field add_route fun(self, route: table): true|nil, string?, string?, table?
---@field replace_route fun(self, route: table): true|nil, string?, string?, table? all ways of that dst, metric and table
---@field append_route fun(self, route: table): true|nil, string?, string?, table? one more way
---@field delete_route fun(self, route: table): true|nil, string?, string?, table? without metric: the lowest
---@field get_route fun(self, route: table): table|nil, string?, string?, table? which route a packet to `dst` takes
---@field add_neighbour fun(self, neighbour: table): true|nil, string?, string?, table?
---@field replace_neighbour fun(self, neighbour: table): true|nil, string?, string?, table?
---@field delete_neighbour fun(self, neighbour: table): true|nil, string?, string?, table?
---@field get_neighbour fun(self, neighbour: table): table|nil, string?, string?, table?
---@field add_rule fun(self, rule: table): true|nil, string?, string?, table?
---@field delete_rule fun(self, rule: table): true|nil, string?, string?, table?
---@field add_address_label fun(self, label: table): true|nil, string?, string?, table?
---@field replace_address_label fun(self, label: table): true|nil, string?, string?, table?
---@field delete_address_label fun(self, label: table): true|nil, string?, string?, table?
---@field batch fun(self, items: table[]): table[]|nil, integer|string, string? see below
---@field sysctl fun(self, path: string, value?: string|number): string|true|nil, string?, string? see below
---@field name fun(self, index: integer): string?
---@field index fun(self, name: string): integer?
---@field strict fun(self): boolean whether the kernel filters dumps by itself
---@field close fun(self)
--
-- nl:batch{ { "add_address", { … } }, … } sends many requests at once and returns a list with, for each, true or
-- { message=, code=, operation=, field=, kernel= }, and how many failed. It is no transaction: those after a failed
-- one run too. Misuse in any of them raises before the first is sent. The answer to one may be lost ("ENOBUFS").
--
-- nl:sysctl("ipv6/conf/ens5/accept_ra"[, value]) reads or writes /proc/sys/net/… in the socket's namespace.
local methods = core.methods

local OPTIONS = { netns = true, receive_buffer = true, strict = true }

local function check_options(options)
  if type(options) ~= "table" then error("netlink.open: options must be a table", 3) end
  for name in pairs(options) do
    if not OPTIONS[name] then error("netlink.open: there is no option " .. tostring(name), 3) end
  end
end

--- A namespace held open by a descriptor, to be given as `netns` to open, to links and to icmp6.
---@param where string|integer|nil a name (of `ip netns`), a path, a process id; nil: this one
---@return userdata|nil namespace, string? message, string? code "ENOENT" when there is none
function netlink.netns(where) return core.netns(where) end

--- Calls a function with a namespace that is open meanwhile.
---@param where string|integer|userdata|nil as of `netlink.netns`, or an open one; nil stays nil: this one
---@param fn fun(namespace: userdata|nil): any
---@return any what it returns; or nil, message, code when there is no such namespace
function netlink.within(where, fn)
  if where == nil or type(where) == "userdata" then return fn(where) end
  local namespace, message, code = core.netns(where)
  if not namespace then return nil, message, code end
  local value
  value, message, code = fn(namespace)
  namespace:close()
  return value, message, code
end

--- A socket for requests.
-- Its dumps take a filter of any fields; the kernel filters by those it knows and the rest is filtered here.
-- Their lists have `consistent`: false when the kernel says that what was dumped changed meanwhile, through several
-- attempts. It never says so of IPv6 routes, nor of IPv6 addresses filtered by link: for these, and when it matters,
-- the option `{ verify = true }` dumps until two in a row are the same. Of long lists the option
-- `{ fields = { "dst", "link" } }` takes only those fields, which takes less time and memory.
---@param options table? `netns` name, path, process id or namespace; `receive_buffer` bytes, 1 MiB;
---  `strict = false`: do as on a kernel that filters nothing
---@return eni6.netlink|nil socket, string? message, string? code
function netlink.open(options)
  options = options or {}
  check_options(options)
  return netlink.within(options.netns, function(netns)
    return core.open{ netns = netns, receive_buffer = options.receive_buffer, strict = options.strict }
  end)
end

--- Makes a named network namespace, as `ip netns add` does; its loopback is down.
---@param name string
---@return true|nil done, string? message, string? code "EEXIST", "EPERM", …
function netlink.create_netns(name) return core.create_netns(name) end

--- Takes a name away; its links go when nothing is in the namespace any more.
---@param name string
---@return true|nil done, string? message, string? code "ENOENT", …
function netlink.delete_netns(name) return core.delete_netns(name) end

--- The named network namespaces, sorted.
---@return string[]
function netlink.list_netns()
  local names = core.list_netns()
  table.sort(names)
  return names
end

for name, method in pairs(ensure.methods) do methods[name] = method end
for name, method in pairs(monitor.methods) do methods[name] = method end

return netlink
