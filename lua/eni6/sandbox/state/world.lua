--- What exists: the records of every family, their ids, the time at which each
--- becomes visible, and what is to happen later. The world knows nothing of
--- requests; the operations under `ec2/` read and change it.
---
--- A record is a table with `id`, `family`, `serial` (its place in the order of
--- creation), `created` (seconds since the epoch), `tags` (key to value) and the
--- fields of its family. Records are changed in place.

local families = require "eni6.sandbox.state.families"
local random = require "eni6.sandbox.random"
local refuse = require("eni6.sandbox.refusal").refuse

local world = { __name = "eni6.sandbox.world" }
world.__index = world

---@class eni6.sandbox.habits EC2's awkward habits, all in seconds
---@field consistency_lag number how long a new thing stays unseen and a deleted one seen
---@field state_delay number how long a change of state takes
---@field latency number added to every answer (the server's business)

--- Makes an empty world.
---@param options { clock: (fun(): number), seed: integer, account: string|nil, region: string|nil, habits: table|nil }
function world.new(options)
  local self = setmetatable({
    clock = options.clock,
    random = random.new(options.seed),
    account = options.account or "123456789012",
    region = options.region or "us-east-1",
    habits = { consistency_lag = 0, state_delay = 0, latency = 0 },
    observers = {},
    stores = {},
    last_serial = 0,
    due = {},
    taken = {},
  }, world)
  for name in pairs(families) do self.stores[name] = { by_id = {}, list = {} } end
  for name, value in pairs(options.habits or {}) do self.habits[name] = value end
  return self
end

--- A new id: the prefix, `-0`, and 16 random hexadecimal digits.
---@param prefix string
---@return string
function world:new_id(prefix)
  local id
  repeat id = prefix .. "-0" .. self.random:hex(16) until not self.taken[id]
  self.taken[id] = true
  return id
end

--- Tells the observers (the rehearsal's network, tests) what has changed.
---@param event string such as "network_interface.created", "instance.running"
---@param record table
function world:notify(event, record)
  for _, observer in ipairs(self.observers) do observer(event, record) end
end

--- Adds a record to its family; gives it its id unless it has one.
---@param family string
---@param record table
---@return table record
function world:insert(family, record)
  local store, now = self.stores[family], self.clock()
  self.last_serial = self.last_serial + 1
  record.id = record.id or self:new_id(families[family].prefix)
  record.family, record.serial, record.created = family, self.last_serial, now
  record.tags = record.tags or {}
  if record.visible_at == nil then record.visible_at = now + self.habits.consistency_lag end
  store.by_id[record.id] = record
  store.list[#store.list + 1] = record
  self:notify(family .. ".created", record)
  return record
end

local function forget(store, record)
  store.by_id[record.id] = nil
  for i = #store.list, 1, -1 do
    if store.list[i] == record then return table.remove(store.list, i) end
  end
end

--- Removes a record; with a consistency lag its ghost is described a while longer.
---@param record table
function world:remove(record)
  local store, lag = self.stores[record.family], self.habits.consistency_lag
  record.deleted = true
  if lag > 0 then
    self:after(lag, function() forget(store, record) end)
  else
    forget(store, record)
  end
  self:notify(record.family .. ".deleted", record)
end

local function well_formed(id, prefix)
  local digits = id:match("^" .. prefix .. "%-(%x+)$")
  return digits and (#digits == 8 or #digits == 17) and not digits:find("%u")
end

-- Refuses an id that names nothing: as malformed, or as not found.
local function refuse_missing(family, id)
  local kind = families[family]
  if not well_formed(id, kind.prefix) then
    refuse(kind.malformed, 'Invalid id: "%s" (expecting "%s-...")', id, kind.prefix)
  end
  if family == "key_pair" then refuse(kind.missing, "The key pair '%s' does not exist", id) end
  if family == "security_group" then refuse(kind.missing, "The security group '%s' does not exist", id) end
  if family == "image" then refuse(kind.missing, "The image id '[%s]' does not exist", id) end
  refuse(kind.missing, "The %s ID '%s' does not exist", kind.noun, id)
end

--- The record with an id, for an operation that uses it; refuses a malformed id
--- and one that does not exist or is not visible yet.
---@param family string
---@param id string
---@return table record
function world:find(family, id)
  local record = self.stores[family].by_id[id]
  if record and not record.deleted and record.visible_at <= self.clock() then return record end
  return refuse_missing(family, id)
end

--- As `find`, for a description: sees the ghosts of deleted things too.
---@param family string
---@param id string
---@return table record
function world:find_described(family, id)
  local record = self.stores[family].by_id[id]
  if record and record.visible_at <= self.clock() then return record end
  return refuse_missing(family, id)
end

--- What a description of the family sees, in the order of creation.
---@param family string
---@return table[] records
function world:described(family)
  local now, seen = self.clock(), {}
  for _, record in ipairs(self.stores[family].list) do
    if record.visible_at <= now then seen[#seen + 1] = record end
  end
  return seen
end

--- What there really is, whatever descriptions see.
---@param family string
---@param test (fun(record: table): boolean)|nil
---@return table[] records
function world:all(family, test)
  local found = {}
  for _, record in ipairs(self.stores[family].list) do
    if not record.deleted and (not test or test(record)) then found[#found + 1] = record end
  end
  return found
end

--- Makes everything there is visible and settled at once: how a world starts.
function world:see_all()
  for _, store in pairs(self.stores) do
    for _, record in ipairs(store.list) do record.visible_at = 0 end
  end
  while self.due[1] do table.remove(self.due, 1).act() end
end

--- Makes something happen later. Nothing waits for it: `advance` does what is due.
---@param seconds number
---@param act fun()
function world:after(seconds, act)
  if seconds <= 0 then return act() end
  local entry = { at = self.clock() + seconds, act = act }
  local place = #self.due + 1
  while place > 1 and self.due[place - 1].at > entry.at do place = place - 1 end
  table.insert(self.due, place, entry)
  if self.wake then self.wake() end
end

--- Lets a change of state take its time (habit `state_delay`).
---@param act fun()
function world:settle(act) return self:after(self.habits.state_delay, act) end

--- Does what has become due.
---@return number|nil seconds until the next thing is due
function world:advance()
  local now = self.clock()
  while self.due[1] and self.due[1].at <= now do table.remove(self.due, 1).act() end
  return self.due[1] and self.due[1].at - now
end

return world
