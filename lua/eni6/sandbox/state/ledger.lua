--- Which IPv6 addresses and /80 prefixes of one subnet are whose, which are
--- reserved, and which EC2 picks when the caller names only a count.

local ipv6 = require "eni6.sandbox.state.ipv6"
local refuse = require("eni6.sandbox.refusal").refuse

local ledger = { __name = "eni6.sandbox.ledger" }
ledger.__index = ledger

--- Makes the ledger of a subnet.
---@param cidr eni6.sandbox.cidr the subnet's block
---@param random table eni6.sandbox.random
function ledger.new(cidr, random)
  local kept = {}
  for offset = 0, 3 do kept[tostring(cidr.prefix:first() + offset)] = true end
  return setmetatable({
    cidr = cidr,
    random = random,
    kept = kept,
    singles = {},
    blocks = {},
    crowd = {}, -- how many single addresses are in a /80
    reservations = {},
  }, ledger)
end

--- Whether no address or prefix is assigned.
---@return boolean
function ledger:empty() return next(self.singles) == nil and next(self.blocks) == nil end

-- EC2 keeps the first four addresses of a subnet and the last one.
local function is_reserved(self, address)
  return address == self.cidr.last or self.kept[address] ~= nil
end

-- The first and the last /80 of a subnet hold addresses that EC2 keeps.
local function holds_reserved(self, block)
  return block == ipv6.block80(self.cidr.base) or block == ipv6.block80(self.cidr.last)
end

local function in_use(self, address)
  return self.singles[address] ~= nil or self.blocks[ipv6.block80(address)] ~= nil
end

--- Refuses an address that cannot be assigned; else gives it in canonical text.
---@param text string as the caller wrote it
---@return string address
function ledger:check_address(text)
  local address = ipv6.canonical(text)
  if not address then refuse("InvalidParameterValue", "Invalid IPv6 address: %s", text) end
  if not ipv6.contains(self.cidr, address) then
    refuse("InvalidParameterValue", "Address %s does not fall within the subnet's address range", address)
  end
  if is_reserved(self, address) then
    refuse("InvalidParameterValue", "Address %s is in subnet's reserved address range", address)
  end
  if in_use(self, address) then refuse("InvalidIPAddress.InUse", "Address %s is in use.", address) end
  return address
end

--- Refuses a prefix that cannot be delegated; else gives it in canonical text.
---@param text string
---@return string prefix
function ledger:check_prefix(text)
  local cidr = ipv6.cidr(text)
  if not cidr or cidr.length ~= 80 then
    refuse("InvalidParameterValue", "Invalid IPv6 prefix: %s. It must be an aligned /80", text)
  end
  if not ipv6.contains(self.cidr, cidr.base) then
    refuse("InvalidParameterValue", "Prefix %s does not fall within the subnet's address range", cidr.text)
  end
  if holds_reserved(self, cidr.text) then
    refuse("InvalidParameterValue", "Prefix %s holds addresses that are reserved in the subnet", cidr.text)
  end
  if self.blocks[cidr.text] or self.crowd[cidr.text] then
    refuse("InvalidIPAddress.InUse", "Prefix %s is in use.", cidr.text)
  end
  return cidr.text
end

---@param address string canonical
---@param owner table the network interface
function ledger:take_address(address, owner)
  local block = ipv6.block80(address)
  self.singles[address] = owner
  self.crowd[block] = (self.crowd[block] or 0) + 1
end

---@param address string canonical
function ledger:drop_address(address)
  local block = ipv6.block80(address)
  self.singles[address] = nil
  self.crowd[block] = self.crowd[block] > 1 and self.crowd[block] - 1 or nil
end

---@param prefix string canonical
---@param owner table
function ledger:take_prefix(prefix, owner) self.blocks[prefix] = owner end

---@param prefix string canonical
function ledger:drop_prefix(prefix) self.blocks[prefix] = nil end

local function reserved_for(self, address, kind)
  for _, reservation in ipairs(self.reservations) do
    if (not kind or reservation.kind == kind) and ipv6.contains(reservation.cidr, address) then return true end
  end
  return false
end

--- An address as EC2 picks it: random, outside what is reserved or in use.
---@return string address
function ledger:choose_address()
  local address
  repeat
    address = ipv6.random(self.cidr, self.random)
  until not (in_use(self, address) or is_reserved(self, address) or reserved_for(self, address))
  return address
end

local function prefix_is_free(self, block)
  if self.blocks[block] or self.crowd[block] or holds_reserved(self, block) then return false end
  return not reserved_for(self, block:match("^[^/]+"), "explicit")
end

local TRIES = 32

-- Tries some of a block's /80s at random; then looks through them from a random
-- one on, around the end once. A block of more than a /64 is too large to look
-- through whole.
local function search_prefix(self, cidr)
  local block
  for _ = 1, TRIES do
    block = ipv6.block80(ipv6.random(cidr, self.random))
    if prefix_is_free(self, block) then return block end
  end
  for _ = 1, math.floor(2 ^ (80 - math.max(64, cidr.length))) do
    if prefix_is_free(self, block) then return block end
    block = ipv6.next80(block)
    if not block or not cidr.prefix:contains(block) then block = ipv6.block80(cidr.base) end
  end
  return nil
end

--- A /80 as EC2 picks it: out of the subnet's `prefix` reservations where there
--- are any, else anywhere but in an `explicit` one.
---@return string|nil prefix nil when no contiguous /80 is left
function ledger:choose_prefix()
  local reserved
  for _, reservation in ipairs(self.reservations) do
    if reservation.kind == "prefix" and reservation.cidr.length <= 80 then
      reserved = true
      local block = search_prefix(self, reservation.cidr)
      if block then return block end
    end
  end
  return not reserved and search_prefix(self, self.cidr) or nil
end

return ledger
