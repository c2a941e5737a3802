--- Interfaces as EC2 shows them, read for comparison with a plan. Pure.

local ip6 = require "eni6.ip6"
local tags = require "eni6.fleet.tags"

local existing = {}

local function addresses_of(interface)
  local list = {}
  for i, item in ipairs(interface.Ipv6Addresses or {}) do list[i] = assert(ip6.address(item.Ipv6Address)) end
  return list
end

local function prefixes_of(interface)
  local list = {}
  for i, item in ipairs(interface.Ipv6Prefixes or {}) do list[i] = assert(ip6.prefix(item.Ipv6Prefix)) end
  return list
end

--- Reads one described interface.
---@param interface table  of DescribeNetworkInterfaces
---@return table  { id, mac, subnet, status, plan?, host?, address?, block?, delegated, addresses, prefixes, groups,
---  instance_id?, attachment_status? }; address and block are what its tags say
function existing.read(interface)
  local map = tags.of(interface)
  local attachment = interface.Attachment
  local block = map[tags.BLOCK] and ip6.prefix(map[tags.BLOCK])
  local groups = {}
  for i, group in ipairs(interface.Groups or {}) do groups[i] = group.GroupId end
  return {
    id = interface.NetworkInterfaceId, mac = interface.MacAddress, subnet = interface.SubnetId, status = interface.Status,
    description = interface.Description, plan = map[tags.PLAN], host = map[tags.HOST],
    address = map[tags.ADDRESS] and ip6.address(map[tags.ADDRESS]), block = block,
    delegated = block ~= nil and block.length == 80,
    addresses = addresses_of(interface), prefixes = prefixes_of(interface), groups = groups,
    instance_id = attachment and attachment.InstanceId, attachment_status = attachment and attachment.Status,
  }
end

--- Who an interface belongs to, for a message.
---@param interface table  of read
---@return string
function existing.describe(interface)
  if interface.plan then
    return interface.id .. " (host " .. tostring(interface.host) .. " of plan " .. interface.plan .. ")"
  end
  local told = interface.description or ""
  return interface.id .. (told ~= "" and " (" .. told .. ")" or "")
end

--- The addresses and prefixes of interfaces as eni6.fleet.placement takes them.
---@param interfaces table[]  of read
---@return { block: any, owner: string }[]
function existing.taken(interfaces)
  local list = {}
  for _, interface in ipairs(interfaces) do
    local owner = existing.describe(interface)
    for _, address in ipairs(interface.addresses) do list[#list + 1] = { block = address, owner = owner } end
    for _, prefix in ipairs(interface.prefixes) do list[#list + 1] = { block = prefix, owner = owner } end
  end
  return list
end

--- Whether an interface holds any address of a block.
---@param interface table  of read
---@param block any        eni6.ip6 prefix
---@return boolean
function existing.holds(interface, block)
  for _, address in ipairs(interface.addresses) do
    if block:contains(address) then return true end
  end
  for _, prefix in ipairs(interface.prefixes) do
    if block:overlaps(prefix) then return true end
  end
  return false
end

-- What is on an interface, as a set of texts.
local function held(interface)
  local set = {}
  for _, address in ipairs(interface.addresses) do set[tostring(address)] = true end
  for _, prefix in ipairs(interface.prefixes) do set[tostring(prefix)] = true end
  return set
end

--- What an interface lacks of a host's address and block: a call of
--- AssignIpv6Addresses was lost, or someone took it away.
---@param interface table  of read
---@param placed { address: any, block: any }
---@param delegated boolean
---@return string[] addresses
---@return string[] prefixes
function existing.missing(interface, placed, delegated)
  local set, addresses, prefixes = held(interface), {}, {}
  if not set[tostring(placed.address)] then addresses[1] = tostring(placed.address) end
  if delegated then
    if not set[tostring(placed.block)] then prefixes[1] = tostring(placed.block) end
    return addresses, prefixes
  end
  for address in placed.block:addresses() do
    if not set[tostring(address)] then addresses[#addresses + 1] = tostring(address) end
  end
  return addresses, prefixes
end

--- In what an existing host differs from the plan so that only making it anew would help.
---@param host table           of eni6.fleet.hosts.place
---@param interface table      of read
---@param instance_type string?  of the instance on it, if any
---@return string[] differences  "block is …, the plan says …"
function existing.differences(host, interface, instance_type)
  local list = {}
  local function differs(what, is, wanted) list[#list + 1] = string.format("%s is %s, the plan says %s", what, is, wanted) end
  if not (interface.address and interface.block) then
    return { "the tags eni6:address and eni6:block of " .. interface.id .. " are gone, so its use cannot be told" }
  end
  if host.address and host.address ~= interface.address then differs("address", interface.address, host.address) end
  local range = host.range
  if range.at and range.at ~= interface.block then
    differs("block", interface.block, range.at)
  elseif range.length ~= interface.block.length then
    differs("block", interface.block, (range.delegated and "a delegated /" or "a /") .. range.length)
  end
  if instance_type and instance_type ~= host.instance_type then differs("type", instance_type, host.instance_type) end
  return list
end

return existing
