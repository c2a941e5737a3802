--- What happens to links, addresses, routes, neighbours and rules, as it happens.

local core = require("eni6.core").netlink
local tasks = require "eni6.tasks"

local monitor = { methods = {} }

-- RTNLGRP_… of linux/rtnetlink.h, for both families.
local GROUPS = {
  link = { 1 }, neighbour = { 3 }, address = { 5, 9 }, route = { 7, 11 }, rule = { 8, 19 },
}
local OPTIONS = { resync = true, receive_buffer = true }
local RECEIVE_BUFFER = 4 * 1024 * 1024

-- How to ask for all that a kind of event is about.
local DUMPS = {
  link = function(nl) return nl:links() end,
  address = function(nl) return nl:addresses{ family = "any" } end,
  route = function(nl) return nl:routes{ family = "any" } end,
  neighbour = function(nl) return nl:neighbours{ family = "any" } end,
  rule = function(nl) return nl:rules{ family = "any" } end,
}

-- Which fields make a record the same one at another time.
local KEYS = {
  link = { "index" },
  address = { "index", "family", "address", "peer" },
  route = { "family", "table", "dst", "src", "tos", "metric", "type" },
  neighbour = { "index", "family", "dst", "proxy" },
  rule = {
    "family", "priority", "from", "to", "iif", "oif", "table", "fwmark", "fwmask", "action", "target", "invert",
    "tos", "l3mdev", "ipproto", "sport", "dport", "uidrange", "suppress_prefixlength",
  },
}

-- Fields that change by themselves, as time passes.
local VOLATILE = {
  valid_lft = true, preferred_lft = true, expires = true,
  used = true, confirmed = true, updated = true, probes = true,
}

local function key_of(object, record)
  local parts = {}
  for i, name in ipairs(KEYS[object]) do
    local value = record[name]
    parts[i] = type(value) == "table" and table.concat(value, "-") or tostring(value)
  end
  -- Routes without a gateway are one a link, where their kin with gateways are ways of one route.
  if object == "route" and not record.gateway and not record.nexthops then parts[#parts + 1] = record.index end
  return table.concat(parts, " ")
end

local function same(one, other)
  if type(one) ~= "table" or type(other) ~= "table" then return one == other end
  for name, value in pairs(one) do
    if not VOLATILE[name] and not same(value, other[name]) then return false end
  end
  for name in pairs(other) do
    if one[name] == nil and not VOLATILE[name] then return false end
  end
  return true
end

---@class eni6.netlink.monitor
local Monitor = {}
Monitor.__index = Monitor
Monitor.__name = "eni6.netlink.monitor"

local function note(self, event)
  local known = self.known and self.known[event.object]
  if known then known[key_of(event.object, event.record)] = event.action == "new" and event.record or nil end
  return event
end

local function queue(self, object, action, record)
  self.pending[#self.pending + 1] = { object = object, action = action, record = record }
end

-- Queues the difference between what was known of an object and what is.
local function resync_object(self, object)
  local records, message, code = DUMPS[object](self.requests)
  if not records then return nil, message, code end
  local before, now = self.known[object], {}
  for _, record in ipairs(records) do
    local key = key_of(object, record)
    now[key] = record
    if not same(before[key], record) then queue(self, object, "new", record) end
  end
  for key, record in pairs(before) do
    if not now[key] then queue(self, object, "delete", record) end
  end
  self.known[object] = now
  return true
end

local function resync(self)
  for _, object in ipairs(self.objects) do
    local done, message, code = resync_object(self, object)
    if not done then return nil, message, code end
  end
  return true
end

local function overrun(self)
  if self.known then
    local done, message, code = resync(self)
    if not done then return nil, message, code end
  end
  return { action = "overrun" }
end

-- The oldest of the events that a resync made up.
local function take_pending(self)
  local event = self.pending[self.oldest]
  self.pending[self.oldest] = nil
  self.oldest = self.oldest + 1
  if not event then self.pending, self.oldest = {}, 1 end
  return event
end

--- The next event, without waiting.
---@return table|false|nil event `{ object="address", action="new"|"delete", record= }` or `{ action="overrun" }`;
---  false when there is none now; nil, message, code when the socket fails
function Monitor:read()
  local event = take_pending(self)
  if event then return event end
  local object, action, record = self.socket:event()
  if not object then return object, action, record end
  if object == "overrun" then return overrun(self) end
  return note(self, { object = object, action = action, record = record })
end

--- The next event, waited for.
---@param seconds number? how long at most; nil: for ever
---@return table|nil event, string? message, string? code "ETIMEDOUT"
function Monitor:next(seconds)
  local deadline = seconds and tasks.now() + seconds
  while true do
    local event, message, code = self:read()
    if event then return event end
    if event == nil then return nil, message, code end
    local left = deadline and math.max(0, deadline - tasks.now())
    local ready
    ready, message, code = tasks.poll({ { self:pollfd(), self:events() } }, left)
    if not ready then return nil, message, code end
  end
end

--- Iterates over events until none comes for so long.
---@param seconds number? nil: for ever
---@return fun(): table|nil
function Monitor:each(seconds)
  return function() return (self:next(seconds)) end
end

--- The convention of cqueues: what to wait for before `read`.
---@return integer descriptor
function Monitor:pollfd() return self.socket:pollfd() end
---@return string events
function Monitor:events() return "r" end -- luacheck: no self
---@return number? seconds 0 while events are waiting here already
function Monitor:timeout() return self.pending[self.oldest] and 0 or nil end

--- Ends it; safe twice.
function Monitor:close() self.socket:close() end
Monitor.__close = Monitor.close

local function check_options(options)
  local groups, objects = {}, {}
  for key, value in pairs(options) do
    local listed = type(key) == "number"
    if listed and not GROUPS[value] then
      error('nl:monitor: there are no events of "' .. tostring(value) .. '"', 3)
    end
    if not listed and not OPTIONS[key] then error("nl:monitor: there is no option " .. tostring(key), 3) end
  end
  for i, object in ipairs(options) do
    objects[i] = object
    for _, group in ipairs(GROUPS[object]) do groups[#groups + 1] = group end
  end
  if #groups == 0 then error('nl:monitor: name what to watch, such as { "link", "address" }', 3) end
  return groups, objects
end

--- Watches the namespace of this socket, on a socket of its own.
-- When more happened than fitted into its buffer, an event `{ action = "overrun" }` says so, after which only a
-- dump tells what is. With `resync = true` the monitor does that: it begins with what is there, as "new" events,
-- and after an overrun it gives the differences that were missed.
-- That a port joined or left a bridge is no event here; the port's link has `master`.
---@param options table `{ "link", "address", "route", "neighbour", "rule", resync=, receive_buffer= bytes (4 MiB) }`
---@return eni6.netlink.monitor|nil monitor, string? message, string? code
function monitor.methods:monitor(options)
  local groups, objects = check_options(options)
  local socket, message, code = core.open{
    netns = self, groups = groups, receive_buffer = options.receive_buffer or RECEIVE_BUFFER,
  }
  if not socket then return nil, message, code end
  local new = setmetatable({
    socket = socket, requests = self, objects = objects, pending = {}, oldest = 1,
  }, Monitor)
  if options.resync then
    new.known = {}
    for _, object in ipairs(objects) do new.known[object] = {} end
    local done
    done, message, code = resync(new)
    if not done then
      socket:close()
      return nil, message, code
    end
  end
  return new
end

-- The record once duplicate address detection is over; false while it is not.
local function settled(nl, address)
  local record, message, code = nl:get_address{ link = address.link, index = address.index, address = address.address }
  if not record then return nil, message, code end
  if record.dadfailed then
    return nil, "somebody else on the link has " .. address.address .. " (duplicate address detection failed)",
      "EADDRINUSE"
  end
  return not record.tentative and record
end

local function wait_settled(nl, address, watch, deadline)
  while true do
    local record, message, code = settled(nl, address)
    if record ~= false then return record, message, code end
    local event
    event, message, code = watch:next(math.max(0, deadline - tasks.now()))
    if not event then return nil, "waiting for " .. address.address .. ": " .. message, code end
  end
end

--- Waits until an IPv6 address can be used: duplicate address detection is over.
---@param address table `{ link=, address= }`
---@param seconds number? how long at most, 5
---@return table|nil record, string? message, string? code "EADDRINUSE" when somebody else has it, "ETIMEDOUT",
---  "EADDRNOTAVAIL" when it is not there (any more)
function monitor.methods:wait_address(address, seconds)
  local watch, message, code = self:monitor{ "address" }
  if not watch then return nil, message, code end
  local record
  record, message, code = wait_settled(self, address, watch, tasks.now() + (seconds or 5))
  watch:close()
  return record, message, code
end

return monitor
