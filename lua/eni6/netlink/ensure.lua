--- Calls that make something so, change nothing when it is so already, and read
-- it back. They return what was done, "unchanged", "added", "changed" or "deleted",
-- and the record as it is now; or nil, message, code, detail.
--
-- What is there but is not ours to change is refused with "EEXIST" and
-- `detail.existing`, unless an option allows it.

local rtnl = require "eni6.rtnl"

local ensure = { methods = {} }

-- --- comparing ------------------------------------------------------------------------

local function copy(fields)
  local result = {}
  for name, value in pairs(fields) do result[name] = value end
  return result
end

local function no_link(operation, name)
  return nil, string.format('%s: link: there is no link "%s" in this network namespace', operation, name), "ENODEV",
    { operation = operation, field = "link" }
end

-- The fields with numbers in the place of links' names.
local function by_number(nl, operation, fields)
  local result = copy(fields)
  if type(fields.link) == "string" then
    result.link, result.index = nil, nl:index(fields.link)
    if not result.index then return no_link(operation, fields.link) end
  end
  if fields.nexthops then
    result.nexthops = {}
    for i, way in ipairs(fields.nexthops) do
      local numbered, message, code, detail = by_number(nl, operation, way)
      if not numbered then return nil, message, code, detail end
      result.nexthops[i] = numbered
    end
  end
  return result
end

-- The record that the kernel would have of these fields, in its own spelling: what
-- encoding and decoding them gives.
local function canonical(nl, object, fields)
  local operation = "ensure_" .. object
  local numbered, message, code, detail = by_number(nl, operation, fields)
  if not numbered then return nil, message, code, detail end
  return rtnl.decode(rtnl.encode("add_" .. object, numbered))[1].record
end

local function way_key(way)
  return table.concat({ tostring(way.gateway or way.via), tostring(way.index), tostring(way.weight or 1) }, " ")
end

-- The ways of a route as a sorted text; a lone gateway is one way.
local function ways_of(route)
  local keys = {}
  for i, way in ipairs(route.nexthops or { route }) do keys[i] = way_key(way) end
  table.sort(keys)
  return table.concat(keys, ", ")
end

-- Whether two values of a field are the same; times may have moved on a little.
local TIMES = { valid_lft = true, preferred_lft = true, expires = true }
local function equal(name, wanted, have)
  if TIMES[name] and wanted and have then return math.abs(wanted - have) <= 2 end
  if type(wanted) == "table" and type(have) == "table" then
    return table.concat(wanted, "-") == table.concat(have, "-")
  end
  return wanted == have
end

-- The name of the first of the fields in which two records differ.
local function difference(names, wanted, have)
  for _, name in ipairs(names) do
    if not equal(name, wanted[name], have[name]) then return name end
  end
end

-- Those of the names that the caller gave.
local function given(names, fields)
  local result = {}
  for _, name in ipairs(names) do
    if fields[name] ~= nil then result[#result + 1] = name end
  end
  return result
end

local function refuse(object, existing, text, ...)
  return nil, "ensure_" .. object .. ": " .. string.format(text, ...), "EEXIST",
    { operation = "ensure_" .. object, existing = existing }
end

local function not_taken(object, field)
  return nil, string.format("ensure_%s: the kernel reports success, but %s is not as asked for", object, field), "ESTALE",
    { operation = "ensure_" .. object, field = field }
end

local function vanished(object)
  return nil, "ensure_" .. object .. ": the kernel reports success, but it is not there", "ESTALE",
    { operation = "ensure_" .. object }
end

local function check_options(options, known, object)
  for name in pairs(options) do
    if name ~= known then error("ensure_" .. object .. ": there is no option " .. tostring(name), 3) end
  end
end

-- --- addresses ------------------------------------------------------------------------

local ADDRESS_ALWAYS = { "peer", "valid_lft", "preferred_lft" }
local ADDRESS_GIVEN = { "nodad", "optimistic", "home", "mngtmpaddr", "noprefixroute", "metric", "protocol", "label", "scope" }

local function bits(text) return (text:match("^[^/]*")) end

-- The address on that link with the same bits, whatever its prefix length.
local function find_address(nl, wanted)
  if wanted.family == "inet6" then
    local record, message, code = nl:get_address{ index = wanted.index, address = bits(wanted.address) }
    if record or code ~= "EADDRNOTAVAIL" then return record, message, code end
    return false
  end
  local list, message, code = nl:addresses{ index = wanted.index, family = "inet", address = wanted.address }
  if not list then return nil, message, code end
  return list[1] or false
end

local function address_difference(wanted, have, fields)
  if wanted.address ~= have.address then return "address" end
  return difference(ADDRESS_ALWAYS, wanted, have) or difference(given(ADDRESS_GIVEN, fields), wanted, have)
end

-- A prefix length cannot be changed in place: the kernel reports success and keeps
-- the old one. The address goes and comes back; if it cannot, the old one returns.
local function change_length(nl, fields, existing)
  local done, message, code, detail = nl:delete_address{ index = existing.index, address = existing.address }
  if not done then return nil, message, code, detail end
  done, message, code, detail = nl:add_address(fields)
  if done then return true end
  nl:add_address(existing)
  return nil, message, code, detail
end

local function write_address(nl, fields, wanted, existing, options)
  if not existing then return nl:add_address(fields) end
  if existing.address == wanted.address then return nl:replace_address(fields) end
  if options.replace_length then return change_length(nl, fields, existing) end
  return refuse("address", existing, "%s is there as %s, and a prefix length cannot be changed in place; "
    .. "replace_length = true deletes it first, with the routes that depend on it", bits(wanted.address), existing.address)
end

--- Makes an address be there, for ever unless lifetimes are given.
-- The same address with another prefix length is left alone unless `replace_length` is set.
---@param fields table of an address
---@param options table? `{ replace_length = true }`
---@return string|nil done "unchanged", "added" or "changed", table|string record or message, string? code, table? detail
function ensure.methods:ensure_address(fields, options)
  options = options or {}
  check_options(options, "replace_length", "address")
  local wanted, message, code, detail = canonical(self, "address", fields)
  if not wanted then return nil, message, code, detail end
  local existing
  existing, message, code = find_address(self, wanted)
  if existing == nil then return nil, message, code end
  if existing and not address_difference(wanted, existing, fields) then return "unchanged", existing end
  local done
  done, message, code, detail = write_address(self, fields, wanted, existing, options)
  if not done then return nil, message, code, detail end
  local now = find_address(self, wanted)
  if not now then return vanished("address") end
  local field = address_difference(wanted, now, fields)
  if field then return not_taken("address", field) end
  return existing and "changed" or "added", now
end

--- Makes an address not be there. Without a prefix length, whatever its length is.
---@param fields table `{ link=, address= }`
---@return string|nil done "unchanged" or "deleted", string? message, string? code, table? detail
function ensure.methods:ensure_no_address(fields)
  local wanted, message, code, detail = canonical(self, "address", fields)
  if not wanted then return nil, message, code, detail end
  local existing
  existing, message, code = find_address(self, wanted)
  if existing == nil then return nil, message, code end
  local other_length = existing and tostring(fields.address):find("/", 1, true) and existing.address ~= wanted.address
  if not existing or other_length then return "unchanged" end
  local done
  done, message, code, detail = self:delete_address{ index = existing.index, address = existing.address, peer = existing.peer }
  if not done then return nil, message, code, detail end
  return "deleted"
end

-- --- routes ---------------------------------------------------------------------------

local ROUTE_ALWAYS = { "type", "expires" }
local ROUTE_GIVEN = {
  "protocol", "pref", "prefsrc", "onlink", "nhid", "mtu", "advmss", "hoplimit", "initcwnd", "initrwnd", "quickack",
}

local function has_gateway(route) return route.gateway or route.via or route.nexthops or route.nhid end

-- The routes that the kernel takes for the same one: IPv6 keeps one without a
-- gateway for each link, and all with gateways as ways of one.
local function find_routes(nl, wanted)
  local filter = { family = wanted.family, table = wanted.table, dst = wanted.dst }
  local list, message, code = nl:routes(filter)
  if not list then return nil, message, code end
  local found = {}
  for _, route in ipairs(list) do
    local alike = (route.metric or 0) == (wanted.metric or 0) and route.src == wanted.src and route.tos == wanted.tos
    local same_kind = has_gateway(route) or has_gateway(wanted) or wanted.type ~= "unicast" or route.index == wanted.index
    if alike and same_kind then found[#found + 1] = route end
  end
  return found
end

local function route_difference(wanted, have, fields)
  local name = difference(ROUTE_ALWAYS, wanted, have) or difference(given(ROUTE_GIVEN, fields), wanted, have)
  if name then return name end
  if wanted.type ~= "unicast" or fields.nhid then return nil end
  -- A route by its gateway alone is wherever the kernel found that gateway.
  if not wanted.index and not wanted.nexthops and wanted.gateway == have.gateway and not have.nexthops then return nil end
  return ways_of(wanted) ~= ways_of(have) and "nexthops" or nil
end

-- The one of the routes that is as wanted; or nil and the first difference.
local function matching_route(routes, wanted, fields)
  local first
  for _, route in ipairs(routes) do
    local name = route_difference(wanted, route, fields)
    if not name then return route end
    first = first or name
  end
  return nil, first
end

local function write_route(nl, fields, wanted, existing, options)
  if #existing == 0 then return nl:add_route(fields) end
  for _, route in ipairs(existing) do
    if route.protocol ~= wanted.protocol and not options.take_over then
      return refuse("route", route, "%s with metric %d is there from %s; give another metric, "
        .. "or take_over = true replaces it for good", wanted.dst, wanted.metric or 0, route.protocol)
    end
  end
  return nl:replace_route(fields)
end

--- Makes a route be there, with exactly the given gateway or nexthops.
-- A route of the same dst, metric and table that somebody else made (of another `protocol`: a router advertisement,
-- the kernel, DHCP) is left alone unless `take_over` is set: replacing would take it over for good.
---@param fields table of a route
---@param options table? `{ take_over = true }`
---@return string|nil done "unchanged", "added" or "changed", table|string record or message, string? code, table? detail
function ensure.methods:ensure_route(fields, options)
  options = options or {}
  check_options(options, "take_over", "route")
  local wanted, message, code, detail = canonical(self, "route", fields)
  if not wanted then return nil, message, code, detail end
  -- IPv6 has no metric 0: it means the default.
  if wanted.family == "inet6" and (wanted.metric or 0) == 0 then wanted.metric = 1024 end
  local existing
  existing, message, code = find_routes(self, wanted)
  if not existing then return nil, message, code end
  local there = matching_route(existing, wanted, fields)
  if there then return "unchanged", there end
  local done
  done, message, code, detail = write_route(self, fields, wanted, existing, options)
  if not done then return nil, message, code, detail end
  local now = find_routes(self, wanted) or {}
  if #now == 0 then return vanished("route") end
  local record, field = matching_route(now, wanted, fields)
  if not record then return not_taken("route", field) end
  return #existing > 0 and "changed" or "added", record
end

--- Makes all routes that match the given fields not be there.
---@param fields table what to match, at least `dst`: also link, metric, table ("main"), protocol, gateway, …
---@return string|nil done "unchanged" or "deleted", string? message, string? code, table? detail
function ensure.methods:ensure_no_route(fields)
  if fields.dst == nil then error("ensure_no_route: which dst?", 2) end
  local filter = copy(fields)
  filter.table = fields.table or "main"
  local list, message, code, detail = self:routes(filter)
  if not list then return nil, message, code, detail end
  for _, route in ipairs(list) do
    local done
    route.expires = nil
    done, message, code, detail = self:delete_route(route)
    if not done and code ~= "ESRCH" then return nil, message, code, detail end
  end
  return #list > 0 and "deleted" or "unchanged"
end

-- --- neighbours -----------------------------------------------------------------------

local NEIGHBOUR_ALWAYS = { "lladdr", "proxy" }
local NEIGHBOUR_GIVEN = { "state", "router", "extern_learn", "managed", "protocol" }

local function find_neighbour(nl, wanted)
  local record, message, code = nl:get_neighbour{
    index = wanted.index, dst = wanted.dst, family = wanted.family, proxy = wanted.proxy,
  }
  if record or code ~= "ENOENT" then return record, message, code end
  return false
end

local function neighbour_difference(wanted, have, fields)
  local name = difference(NEIGHBOUR_ALWAYS, wanted, have) or difference(given(NEIGHBOUR_GIVEN, fields), wanted, have)
  if name or wanted.proxy then return name end
  return wanted.state ~= have.state and "state" or nil
end

--- Makes a neighbour or proxy entry be there; a neighbour is permanent unless `state` is given.
---@param fields table of a neighbour
---@return string|nil done "unchanged", "added" or "changed", table|string record or message, string? code, table? detail
function ensure.methods:ensure_neighbour(fields)
  local wanted, message, code, detail = canonical(self, "neighbour", fields)
  if not wanted then return nil, message, code, detail end
  local existing
  existing, message, code = find_neighbour(self, wanted)
  if existing == nil then return nil, message, code end
  if existing and not neighbour_difference(wanted, existing, fields) then return "unchanged", existing end
  local done
  done, message, code, detail = self:replace_neighbour(fields)
  if not done then return nil, message, code, detail end
  local now = find_neighbour(self, wanted)
  if not now then return vanished("neighbour") end
  local field = neighbour_difference(wanted, now, fields)
  if field then return not_taken("neighbour", field) end
  return existing and "changed" or "added", now
end

--- Makes a neighbour or (with `proxy = true`) a proxy entry not be there.
---@param fields table `{ link=, dst=, proxy= }`
---@return string|nil done "unchanged" or "deleted", string? message, string? code, table? detail
function ensure.methods:ensure_no_neighbour(fields)
  local done, message, code, detail = self:delete_neighbour(fields)
  if done then return "deleted" end
  if code == "ENOENT" then return "unchanged" end
  return nil, message, code, detail
end

-- --- rules and address labels -----------------------------------------------------------

local RULE_FIELDS = {
  "from", "to", "iif", "oif", "table", "action", "target", "fwmark", "fwmask", "invert", "suppress_prefixlength",
  "l3mdev", "uidrange", "ipproto", "sport", "dport", "tos",
}

-- The kernel fills the mask of a mark in.
local function completed_rule(rule)
  if rule.fwmark and not rule.fwmask then rule.fwmask = 0xffffffff end
  if rule.from and rule.from:match("/0$") then rule.from = nil end
  if rule.to and rule.to:match("/0$") then rule.to = nil end
  return rule
end

local function find_rule(nl, wanted, fields)
  local list, message, code = nl:rules{ family = wanted.family, priority = fields.priority }
  if not list then return nil, message, code end
  for _, rule in ipairs(list) do
    if not difference(RULE_FIELDS, wanted, completed_rule(rule)) then return rule end
  end
  return false
end

--- Makes a rule be there. Without `priority`, one of any priority will do.
---@param fields table of a rule
---@return string|nil done "unchanged" or "added", table|string record or message, string? code, table? detail
function ensure.methods:ensure_rule(fields)
  local wanted, message, code, detail = canonical(self, "rule", fields)
  if not wanted then return nil, message, code, detail end
  wanted = completed_rule(wanted)
  local existing
  existing, message, code = find_rule(self, wanted, fields)
  if existing == nil then return nil, message, code end
  if existing then return "unchanged", existing end
  local done
  done, message, code, detail = self:add_rule(fields)
  if not done then return nil, message, code, detail end
  local now = find_rule(self, wanted, fields)
  if not now then return vanished("rule") end
  return "added", now
end

--- Makes a rule not be there, nor any double of it.
---@param fields table of a rule
---@return string|nil done "unchanged" or "deleted", string? message, string? code, table? detail
function ensure.methods:ensure_no_rule(fields)
  local wanted, message, code, detail = canonical(self, "rule", fields)
  if not wanted then return nil, message, code, detail end
  wanted = completed_rule(wanted)
  local result = "unchanged"
  while true do
    local existing
    existing, message, code = find_rule(self, wanted, fields)
    if existing == nil then return nil, message, code end
    if not existing then return result end
    local done
    done, message, code, detail = self:delete_rule(existing)
    if not done then return nil, message, code, detail end
    result = "deleted"
  end
end

local function find_label(nl, wanted)
  local list, message, code = nl:address_labels{ prefix = wanted.prefix }
  if not list then return nil, message, code end
  for _, label in ipairs(list) do
    if label.index == wanted.index then return label end
  end
  return false
end

--- Makes an address label be there (RFC 6724's policy table).
---@param fields table `{ prefix=, label=, link= }`
---@return string|nil done "unchanged", "added" or "changed", table|string record or message, string? code, table? detail
function ensure.methods:ensure_address_label(fields)
  local wanted, message, code, detail = canonical(self, "address_label", fields)
  if not wanted then return nil, message, code, detail end
  local existing
  existing, message, code = find_label(self, wanted)
  if existing == nil then return nil, message, code end
  if existing and existing.label == wanted.label then return "unchanged", existing end
  local done
  done, message, code, detail = self:replace_address_label(fields)
  if not done then return nil, message, code, detail end
  local now = find_label(self, wanted)
  if not now then return vanished("address_label") end
  if now.label ~= wanted.label then return not_taken("address_label", "label") end
  return existing and "changed" or "added", now
end

-- --- links ----------------------------------------------------------------------------

-- What can be changed in place; the rest is settled when a link is made.
local LINK_FIELDS = {
  "mtu", "address", "master", "up", "noarp", "promisc", "allmulti", "multicast", "txqlen", "group", "addr_gen_mode",
  "token", "macvlan_mode", "ipvlan_mode", "forward_delay", "ageing_time", "stp_state", "vlan_filtering",
  "mcast_snooping",
}
local LINK_MADE = { "kind", "parent", "vlan_id", "vlan_protocol" }
local OF_A_KIND = {
  macvlan_mode = true, ipvlan_mode = true, forward_delay = true, ageing_time = true, stp_state = true,
  vlan_filtering = true, mcast_snooping = true,
}

local function find_link(nl, fields)
  local record, message, code = nl:get_link{ name = fields.name }
  if record or code ~= "ENODEV" then return record, message, code end
  return false
end

-- A wanted value as a record has it.
local function link_value(nl, name, value)
  if value == false then return nil end
  if name == "address" or name == "token" then return value:lower() end
  if (name == "master" or name == "parent") and type(value) == "number" then return nl:name(value) end
  return value
end

-- The fields among the names that are not as wanted, as a table, or nil.
local function link_changes(nl, names, fields, have)
  local changes
  for _, name in ipairs(given(names, fields)) do
    local wanted = link_value(nl, name, fields[name])
    local none = name == "master" and fields.master == 0
    if wanted ~= have[name] and not (none and have.master == nil) then
      changes = changes or {}
      changes[name] = fields[name]
      if OF_A_KIND[name] then changes.kind = have.kind end
    end
  end
  return changes
end

-- Takes the settings of IPv6 out of a link's fields: what is left, and they, or nil.
local function split_inet6(fields)
  local rest, inet6 = copy(fields), nil
  for _, name in ipairs{ "addr_gen_mode", "token" } do
    if rest[name] ~= nil then
      inet6 = inet6 or { index = fields.index, name = not fields.index and fields.name or nil }
      rest[name], inet6[name] = nil, fields[name]
    end
  end
  return rest, inet6
end

-- Changes a link; how it forms addresses before it is up and forms them.
local function set_in_order(nl, changes)
  local rest, inet6 = split_inet6(changes)
  if inet6 then
    local done, message, code, detail = nl:set_link(inet6)
    if not done then return nil, message, code, detail end
  end
  return nl:set_link(rest)
end

-- Makes a link. The settings of IPv6 can be given only once it is there.
local function make_link(nl, fields)
  local first, inet6 = split_inet6(fields)
  if not inet6 then return nl:add_link(first) end
  inet6.up, first.up = fields.up, nil
  local done, message, code, detail = nl:add_link(first)
  if not done then return nil, message, code, detail end
  return set_in_order(nl, inet6)
end

local function change_link(nl, fields, existing)
  local fixed = link_changes(nl, LINK_MADE, fields, existing)
  if fixed then
    return refuse("link", existing, "%s is there with another %s, which cannot be changed: delete it first",
      fields.name, (next(fixed)))
  end
  local changes = link_changes(nl, LINK_FIELDS, fields, existing)
  if not changes then return "unchanged" end
  changes.index = existing.index
  local done, message, code, detail = set_in_order(nl, changes)
  if not done then return nil, message, code, detail end
  return "changed"
end

--- Makes a link be there, found by its name.
-- `peer`, `netns` and what else is settled when a link is made count only then. A link is never taken down here:
-- its addresses and routes would go with it (`set_link` does that).
---@param fields table of a link
---@return string|nil done "unchanged", "added" or "changed", table|string record or message, string? code, table? detail
function ensure.methods:ensure_link(fields)
  if type(fields.name) ~= "string" then error("ensure_link: which name?", 2) end
  if fields.up == false then error("ensure_link never takes a link down; set_link does", 2) end
  local existing, message, code, detail = find_link(self, fields)
  if existing == nil then return nil, message, code, detail end
  local done
  if existing then
    done, message, code, detail = change_link(self, fields, existing)
  else
    done, message, code, detail = make_link(self, fields)
  end
  if not done then return nil, message, code, detail end
  if fields.netns and not existing then return "added" end
  local now = find_link(self, fields)
  if not now then return vanished("link") end
  local left = link_changes(self, LINK_FIELDS, fields, now)
  if left then return not_taken("link", (next(left))) end
  return existing and done or "added", now
end

--- Makes a link not be there.
---@param fields table `{ name= }`
---@return string|nil done "unchanged" or "deleted", string? message, string? code, table? detail
function ensure.methods:ensure_no_link(fields)
  local existing, message, code, detail = find_link(self, fields)
  if not existing then
    if existing == false then return "unchanged" end
    return nil, message, code, detail
  end
  local done
  done, message, code, detail = self:delete_link{ index = existing.index }
  if not done then return nil, message, code, detail end
  return "deleted"
end

return ensure
