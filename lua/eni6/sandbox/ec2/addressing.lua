--- Which IPv6 addresses a request wants for an interface: addresses, a count of
--- them, prefixes or a count of those, one of the four. The plan made here is
--- checked; `interfaces.give` carries it out.

local ipv4 = require "eni6.sandbox.state.ipv4"
local refuse = require("eni6.sandbox.refusal").refuse

local M = {}

-- An interface that is not attached may hold as many as the largest type allows.
local UNATTACHED_LIMIT = 50

---@class eni6.sandbox.addressing
---@field ledger table|nil of the subnet
---@field addresses string[] explicit, canonical
---@field count integer addresses for EC2 to choose
---@field prefixes string[] explicit, canonical
---@field prefix_count integer prefixes for EC2 to choose
---@field primary boolean whether the first address becomes the primary one

local EXCLUSIVE = { "Ipv6Addresses", "Ipv6AddressCount", "Ipv6Prefix", "Ipv6PrefixCount" }

local function is_given(params, name)
  local value = params[name]
  return value ~= nil and not (type(value) == "table" and #value == 0)
end

-- The one of the four parameters that is given, if any; two are refused.
local function given(params)
  local found
  for _, name in ipairs(EXCLUSIVE) do
    if is_given(params, name) then
      if found then
        refuse("InvalidParameterCombination", "The parameter %s cannot be used with the parameter %s", found, name)
      end
      found = name
    end
  end
  return found
end

local function check_count(count, name)
  if count < 0 then refuse("InvalidParameterValue", "Value (%d) for parameter %s is invalid.", count, name) end
  return count
end

local function checked(list, check)
  local out, seen = {}, {}
  for i, text in ipairs(list) do
    out[i] = check(text)
    if seen[out[i]] then refuse("InvalidParameterValue", "The address %s is specified more than once", out[i]) end
    seen[out[i]] = true
  end
  return out
end

local function texts(list, member)
  local out = {}
  for i, item in ipairs(list or {}) do
    out[i] = type(item) == "table" and (item[member] or refuse("MissingParameter",
      "The request must contain the parameter %s", member)) or item
  end
  return out
end

--- What a request asks for a new interface: a subnet that assigns on creation
--- adds an address of its own unless the count is given.
---@param subnet table
---@param params table
---@return eni6.sandbox.addressing
function M.plan_new(subnet, params)
  local plan = M.plan(subnet, params)
  if subnet.assign_on_creation and plan.ledger and not params.Ipv6AddressCount then plan.count = 1 end
  return plan
end

--- Reads and checks what a request asks for.
---@param subnet table
---@param params table with the four parameters under the names of CreateNetworkInterface
---@return eni6.sandbox.addressing
function M.plan(subnet, params)
  local name = given(params)
  local ledger = subnet.ipv6 and subnet.ipv6.ledger
  local count = check_count(params.Ipv6AddressCount or 0, "Ipv6AddressCount")
  local prefix_count = check_count(params.Ipv6PrefixCount or 0, "Ipv6PrefixCount")
  local wants = name and not (name == "Ipv6AddressCount" and count == 0) and not (name == "Ipv6PrefixCount" and prefix_count == 0)
  if wants and not ledger then
    refuse("InvalidParameterValue", "The subnet '%s' does not have any IPv6 CIDR block associated with it.", subnet.id)
  end
  return {
    ledger = ledger,
    addresses = checked(texts(params.Ipv6Addresses, "Ipv6Address"), function(text) return ledger:check_address(text) end),
    prefixes = checked(texts(params.Ipv6Prefix, "Ipv6Prefix"), function(text) return ledger:check_prefix(text) end),
    count = count,
    prefix_count = prefix_count,
    primary = params.EnablePrimaryIpv6 or params.PrimaryIpv6 or false,
  }
end

--- How many addresses a plan adds; each prefix counts as one.
---@param plan eni6.sandbox.addressing
---@return integer
function M.size(plan) return #plan.addresses + plan.count + #plan.prefixes + plan.prefix_count end

--- Refuses more addresses than the interface's type of instance allows, and
--- prefixes where they are not supported.
---@param total integer addresses and prefixes on one interface
---@param has_prefixes boolean
---@param kind eni6.sandbox.instance_type|nil nil for an interface that is not attached
function M.check_limit(total, has_prefixes, kind)
  local limit = kind and kind.ipv6 or UNATTACHED_LIMIT
  if total > 0 and limit == 0 then
    refuse("InvalidParameterValue", "The instance type '%s' does not support IPv6 addresses", kind.name)
  end
  if has_prefixes and kind and not kind.nitro then
    refuse("UnsupportedOperation", "The instance type '%s' does not support prefix delegation", kind.name)
  end
  if total > limit then
    refuse("PrivateIpAddressLimitExceeded", "Number of IPv6 addresses exceeds the limit: %d addresses and prefixes, %d allowed%s",
      total, limit, kind and " for " .. kind.name or "")
  end
end

--- Refuses a count of prefixes that the subnet has no room for.
---@param plan eni6.sandbox.addressing
---@param times integer how often the plan will be carried out
function M.check_room(plan, times)
  if plan.prefix_count == 0 then return end
  local taken = {}
  for _ = 1, plan.prefix_count * times do
    local prefix = plan.ledger:choose_prefix()
    if prefix then
      plan.ledger:take_prefix(prefix, "checking")
      taken[#taken + 1] = prefix
    else
      for _, held in ipairs(taken) do plan.ledger:drop_prefix(held) end
      refuse("InsufficientCidrBlocks", "The specified subnet does not have enough free cidr blocks to satisfy the request.")
    end
  end
  for _, held in ipairs(taken) do plan.ledger:drop_prefix(held) end
end

--- Reads and checks a private IPv4 address.
---@param subnet table
---@param text string|nil
---@return integer|nil
function M.check_ipv4(subnet, text)
  if not text then return nil end
  local number = ipv4.parse(text)
  if not number then refuse("InvalidParameterValue", "invalid value for parameter address: %s", text) end
  if not subnet.cidr or number < subnet.cidr.first or number > subnet.cidr.last then
    refuse("InvalidParameterValue", "Address %s does not fall within the subnet's address range", text)
  end
  if number < subnet.cidr.first + 4 or number == subnet.cidr.last then
    refuse("InvalidParameterValue", "Address %s is in subnet's reserved address range", text)
  end
  if subnet.used_ipv4[number] then refuse("InvalidIPAddress.InUse", "Address %s is in use.", text) end
  return number
end

--- Refuses when a subnet has too few private IPv4 addresses left.
---@param subnet table
---@param free integer how many it has
---@param wanted integer
function M.check_ipv4_room(subnet, free, wanted)
  if subnet.cidr and free < wanted then
    refuse("InsufficientFreeAddressesInSubnet",
      "The specified subnet does not have enough free addresses to satisfy the request.")
  end
end

return M
