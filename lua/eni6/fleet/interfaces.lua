--- Gives one host its network interface with all its addresses.
--
-- The addresses in the create call are explicit, so the call is its own lock: if
-- anyone has one of them, EC2 refuses, and whoever looks again finds either the
-- interface that an earlier run made for this very host, or someone else's, and
-- then chooses other addresses. A lost answer is resolved the same way.

local ip6 = require "eni6.ip6"
local existing = require "eni6.fleet.existing"
local failure = require "eni6.fleet.failure"
local patience = require "eni6.fleet.patience"
local survey = require "eni6.fleet.survey"
local tags = require "eni6.fleet.tags"

local interfaces = {}

local AGAIN, want = patience.AGAIN, failure.want
local MOST_PLACES = 8
local OWNER_SECONDS = 10 -- for the holder of a refused address to become visible

-- What a new VPC's parts answer while they are too new to be seen.
local NOT_SEEN_YET = { ["InvalidSubnetID.NotFound"] = true, ["InvalidGroup.NotFound"] = true }
local INTERFACE_NOT_SEEN_YET = { ["InvalidNetworkInterfaceID.NotFound"] = true }

local function list_of(host, placed)
  local list = { { Ipv6Address = tostring(placed.address) } }
  if host.range.delegated then return list end
  for address in placed.block:addresses() do list[#list + 1] = { Ipv6Address = tostring(address) } end
  return list
end

--- The parameters of CreateNetworkInterface for a host.
---@param run table   see eni6.fleet.provision
---@param host table
---@param placed { address: any, block: any }
---@return table
function interfaces.parameters(run, host, placed)
  return {
    SubnetId = run.subnet.id, Groups = run.groups, Description = "eni6 " .. run.plan.name .. " " .. host.name,
    Ipv6Addresses = list_of(host, placed),
    TagSpecifications = tags.specification("network-interface", run.plan, {
      Name = host.name, [tags.HOST] = host.name, [tags.ADDRESS] = tostring(placed.address),
      [tags.BLOCK] = tostring(placed.block),
    }),
  }
end

local function create(run, host, placed)
  local answer, message, code, detail = patience.call(run.patience, NOT_SEEN_YET, function()
    return run.ec2:CreateNetworkInterface(interfaces.parameters(run, host, placed))
  end)
  if not answer then return nil, message, code, detail end
  local interface = existing.read(answer.NetworkInterface)
  interface.address, interface.block = placed.address, placed.block
  return interface
end

-- Whether a failed create means: look who has the addresses, or what became of it.
local function worth_a_look(code, detail) return code == "InvalidIPAddress.InUse" or (detail and detail.unknown) end

-- The host's own interface if there is one by now, and whoever else holds any of
-- the wanted addresses.
local function find_holders(run, host, placed)
  local all = survey.subnet_interfaces(run.ec2, run.subnet.id)
  local own, others = nil, {}
  for _, interface in ipairs(all) do
    if interface.plan == run.plan.name and interface.host == host.name then
      own = own or interface
    elseif existing.holds(interface, placed.block) or existing.holds(interface, placed.address:prefix(128)) then
      others[#others + 1] = interface
    end
  end
  return { own = own, others = others, all = all }
end

-- Looks until the holder of a refused address shows up, but not for ever: then
-- nobody is found. An answer that was lost may have no holder; one look is enough.
local function look_again(run, host, placed, lost)
  local last
  patience.try(lost and 0 or math.min(run.patience, OWNER_SECONDS), function()
    last = find_holders(run, host, placed)
    return (last.own or #last.others > 0) and last or AGAIN
  end)
  return last
end

-- A given address that someone else has cannot be replaced by another.
local function taken_by_others(host, placed, others)
  for _, interface in ipairs(others) do
    for _, given in ipairs { host.address and placed.address:prefix(128) or false, host.range.at or false } do
      if given and existing.holds(interface, given) then
        return given.length == 128 and tostring(given:first()) or tostring(given), existing.describe(interface)
      end
    end
  end
end

-- Chooses again after a refusal, which fails when the plan leaves no choice.
local function place_again(run, host, placed, holders)
  local given, owner = taken_by_others(host, placed, holders.others)
  if given then
    failure.raise(string.format("%s is in use by %s; give another in the plan, or leave it out to have one chosen", given,
      owner), "InvalidIPAddress.InUse")
  end
  if #holders.others == 0 and (host.address or host.range.at) then
    failure.raise("an address of the plan is in use, but EC2 does not show by whom; try again later, or give others",
      "InvalidIPAddress.InUse")
  end
  for _, item in ipairs(existing.taken(holders.all)) do run.space:take(item.block, item.owner) end
  local other = want(run.space:place_again(host))
  run.observe { host = host.name, state = "placing", text = "taken by someone else; now " .. tostring(other.block) }
  return other
end

--- Creates a host's interface, or finds the one that was made meanwhile. Failures
--- are raised.
---@param run table
---@param host table
---@param placed { address: any, block: any }
---@return table interface  of eni6.fleet.existing.read
function interfaces.create(run, host, placed)
  local message, code, detail
  for _ = 1, MOST_PLACES do
    local interface
    interface, message, code, detail = create(run, host, placed)
    if interface then return interface end
    if not worth_a_look(code, detail) then failure.raise(message, code, detail) end
    local lost = code ~= "InvalidIPAddress.InUse"
    local holders = look_again(run, host, placed, lost)
    if holders.own then return holders.own end
    if not lost or #holders.others > 0 then placed = place_again(run, host, placed, holders) end
  end
  return failure.raise(message .. "; gave up after " .. MOST_PLACES .. " tries", code, detail)
end

local function assign_call(run, interface, name, list)
  if #list == 0 then return true end
  return patience.call(run.patience, INTERFACE_NOT_SEEN_YET, function()
    return run.ec2:AssignIpv6Addresses { NetworkInterfaceId = interface.id, [name] = list }
  end)
end

local function note(list, values, read)
  for _, value in ipairs(values) do list[#list + 1] = read(value) end
end

-- Assigns what is missing; the record learns it.
local function assign(run, interface, addresses, prefixes)
  local ok, message, code, detail = assign_call(run, interface, "Ipv6Addresses", addresses)
  if not ok then return nil, message, code, detail end
  note(interface.addresses, addresses, ip6.address)
  ok, message, code, detail = assign_call(run, interface, "Ipv6Prefixes", prefixes)
  if not ok then return nil, message, code, detail end
  note(interface.prefixes, prefixes, ip6.prefix)
  return true
end

-- Another delegated prefix instead of one that someone else got first. The tag
-- goes first: a run that ends here finds in it what is still to be assigned.
local function retag(run, host, interface, holders)
  local open = { name = host.name, path = host.path, range = host.range, address = interface.address }
  local other = place_again(run, open, interface, holders)
  want(patience.repeatable(run.patience, INTERFACE_NOT_SEEN_YET, function()
    return run.ec2:CreateTags { Resources = { interface.id }, Tags = { { Key = tags.BLOCK, Value = tostring(other.block) } } }
  end))
  interface.block = other.block
end

-- After a refused or lost assignment: takes over what the interface has by now,
-- and decides whether another try makes sense.
local function after_refusal(run, host, interface, message, code, detail)
  local holders = find_holders(run, host, interface)
  if holders.own then interface.addresses, interface.prefixes = holders.own.addresses, holders.own.prefixes end
  local owner = holders.others[1]
  if not owner and not (detail and detail.unknown) then failure.raise(message, code, detail) end
  if owner and host.range.delegated and not host.range.at then return retag(run, host, interface, holders) end
  if owner then
    failure.raise(string.format("%s is in use by %s, and %s should have it; take it away there (unassign-ipv6-addresses), "
      .. "or this host: teardown.lua --host %s", interface.block, existing.describe(owner), interface.id, host.name), code)
  end
end

--- Assigns what an interface should have and lacks: the delegated prefix, which
--- the create call cannot carry beside an address, or whatever was lost. Failures
--- are raised.
---@param run table
---@param host table
---@param interface table  of read; its address and block say what it should have
function interfaces.complete(run, host, interface)
  for _ = 1, MOST_PLACES do
    local addresses, prefixes = existing.missing(interface, interface, host.range.delegated)
    if #addresses + #prefixes == 0 then return end
    local ok, message, code, detail = assign(run, interface, addresses, prefixes)
    if not ok then after_refusal(run, host, interface, message, code, detail) end
  end
  failure.raise("the addresses of " .. interface.id .. " could not be completed in " .. MOST_PLACES .. " tries; run again",
    "InvalidIPAddress.InUse")
end

return interfaces
