--- Which address and which block each host gets: a pure function of the plan's
-- name, its hosts, and what EC2 says is in use in the subnet.
--
-- A plan's choices start at a place of its own, taken from its name: host
-- addresses from ::NNNN:8000 on, blocks from ::NNNN:0 on, delegated prefixes in a
-- /72 of their own. So two operators keep apart, single addresses and small
-- blocks stay together in the first /80 and leave the other 65,535 whole, and the
-- same plan asks for the same addresses after a crash, when EC2 may not show yet
-- what was made: the refusal that follows then leads to it.

local blocks = require "eni6.blocks"

local placement = {}
local Space = {}
Space.__index = Space

local REGION_LENGTH = 112 -- of a plan's addresses and blocks
local DELEGATED_REGION_LENGTH = 72

-- A number below 2^32 that depends on all of the text, the same everywhere and for ever.
local function hash(text)
  local value = 5381
  for i = 1, #text do value = (value * 33 + text:byte(i)) % 4294967291 end
  return value
end

local function number_of(bytes)
  local value = 0
  for i = 1, #bytes do value = value * 256 + bytes:byte(i) end
  return value
end

-- One of the first 65,536 prefixes of that length in `base`, but not its first,
-- which is left to people's own choices.
local function region_start(base, length, number)
  local count = 2 ^ math.min(length - base.length, 16)
  local index = 1 + number % (count - 1)
  local half = index * 2 ^ (127 - length) -- the whole way may not fit in an integer
  return base:first():offset(half):offset(half)
end

-- Where to begin a search in a pool over `base` for a thing of a host.
local function search_start(base, kind, number)
  if kind == "delegated" then
    return base.length < DELEGATED_REGION_LENGTH and region_start(base, DELEGATED_REGION_LENGTH, number) or base:first()
  end
  if base.length < 80 then base = base:first():prefix(80) end
  if base.length >= REGION_LENGTH then
    return base:first():offset(number % base:size())
  end
  local start = region_start(base, REGION_LENGTH, number)
  return kind == "address" and start:offset(0x8000) or start
end

-- Opens a pool over a prefix (its first /64 when it is larger) for things of a kind.
local function open_pool(prefix)
  if prefix.length < 64 then prefix = prefix:first():prefix(64) end
  return { prefix = prefix, pool = assert(blocks.new(prefix)) }
end

-- Marks a block as taken, together with what is marked inside it already.
local function mark(entry, block)
  if block:contains(entry.prefix) then
    entry.full = true
  elseif entry.prefix:contains(block) then
    local inner = entry.pool:overlapping(block)
    while inner and not inner:contains(block) do
      entry.pool:release(inner)
      inner = entry.pool:overlapping(block)
    end
    if not inner then entry.pool:occupy(block) end
  end
end

-- The pools to search for things of a kind: the subnet's reservations made for
-- it, then the rest of the subnet without those made for the other kind.
local function pools_for(subnet, reservations, wanted, all, marked)
  local list, rest = {}, all
  for _, reservation in ipairs(reservations) do
    if reservation.type == wanted then
      list[#list + 1] = open_pool(reservation.prefix)
      marked[#marked + 1] = list[#list]
    elseif rest == all then
      rest = open_pool(subnet)
      marked[#marked + 1] = rest
    end
    if reservation.type ~= wanted then mark(rest, reservation.prefix) end
  end
  list[#list + 1] = rest
  return list
end

local function as_prefix(block) return block.length and block or block:prefix(128) end

--- Marks an address or block as taken.
---@param block any      eni6.ip6 address or prefix
---@param owner string?  who has it, for messages
function Space:take(block, owner)
  block = as_prefix(block)
  self.owners[#self.owners + 1] = { block = block, owner = owner or "another resource" }
  for _, entry in ipairs(self.marked) do mark(entry, block) end
end

--- Who holds an address of this block, as `take` was told.
---@param block any  eni6.ip6 address or prefix
---@return string|nil
function Space:owner(block)
  block = as_prefix(block)
  if self.all.prefix:contains(block) and not self.all.pool:overlapping(block) then return nil end
  for _, held in ipairs(self.owners) do
    if held.block:overlaps(block) then return held.owner end
  end
end

-- The lowest free block of that length from the search's start on, taken.
function Space:choose(kind, length, number)
  for _, entry in ipairs(self.pools[kind]) do
    if not entry.full and entry.prefix.length <= length then
      local found = entry.pool:allocate(length, { from = search_start(entry.prefix, kind, number) })
      if found then
        self:take(found)
        return found
      end
    end
  end
  return nil, string.format("%s has no free %s left; use another subnet, or give addresses back (teardown)",
    self.subnet, kind == "address" and "address" or "/" .. length), "ENOSPC"
end

-- Takes one given address or block; a fault says who has it already.
local function take_one(space, host, block, path, report)
  local owner = space:owner(block)
  if owner then
    report:add(path, block .. " is in use by " .. owner .. "; give another, or leave it out to have one chosen", host.path)
  end
  space:take(block, "host " .. host.name .. " of this plan")
end

local function take_given(space, host, report)
  if host.address then take_one(space, host, host.address, host.path .. ".address", report) end
  if host.range.at then take_one(space, host, host.range.at, host.range.path, report) end
end

local function block_for(space, range, number)
  if range.at then return range.at end
  return space:choose(range.delegated and "delegated" or "block", range.length, number)
end

local function address_for(space, given, number)
  if given then return given end
  local found, message, code = space:choose("address", 128, number)
  return found and found:first(), message, code
end

--- Chooses what the plan leaves open for one host.
---@param host table      of eni6.fleet.hosts.place
---@param number integer?  where to start; nil: at the plan's own place
---@return { address: any, block: any }|nil  eni6.ip6 address and prefix
---@return string? message
---@return string? code  "ENOSPC"
function Space:place(host, number)
  number = number or self.number
  local block, message, code = block_for(self, host.range, number)
  if not block then return nil, message, code end
  local address
  address, message, code = address_for(self, host.address, number)
  if not address then return nil, message, code end
  return { address = address, block = block }
end

--- Chooses again for a host whose last choice turned out to be taken by someone
--- whom EC2 did not show: from a random place, so that the next try is free.
---@param host table
---@return { address: any, block: any }|nil
---@return string? message
---@return string? code
function Space:place_again(host) return self:place(host, number_of(self.random(4))) end

--- Places all hosts: first what the plan gives, then what it leaves open.
---@param list table[]    hosts to place, of eni6.fleet.hosts.place
---@param report table    eni6.fleet.faults: gets a fault for each given address that is in use
---@return table<string, { address: any, block: any }>|nil  by host name; nil with a message when space runs out
---@return string? message
---@return string? code
function Space:place_all(list, report)
  local placed = {}
  for _, host in ipairs(list) do take_given(self, host, report) end
  for _, host in ipairs(list) do
    local one, message, code = self:place(host)
    if not one then return nil, "host " .. host.name .. ": " .. message, code end
    placed[host.name] = one
  end
  return placed
end

--- Opens a space.
---@param from { subnet: any, plan: string, taken: {block: any, owner: string}[],
---  reservations: {prefix: any, type: string}[], random: fun(bytes: integer): string }
---  `taken` is what EC2 shows in the subnet; `reservations` are its CIDR reservations.
function placement.new(from)
  local subnet, all = from.subnet, open_pool(from.subnet)
  local marked = { all }
  local small = pools_for(subnet, from.reservations, "explicit", all, marked)
  local delegated = pools_for(subnet, from.reservations, "prefix", all, marked)
  local space = setmetatable({ subnet = subnet, number = hash(from.plan), random = from.random, owners = {}, all = all,
    marked = marked, pools = { address = small, block = small, delegated = delegated } }, Space)
  space:take(subnet:first():prefix(126), "AWS itself")
  space:take(subnet:last(), "AWS itself")
  for _, item in ipairs(from.taken) do space:take(item.block, item.owner) end
  return space
end

return placement
