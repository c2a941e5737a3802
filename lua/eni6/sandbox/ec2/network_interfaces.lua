--- Network interfaces: create, describe, delete, and their attributes.

local addressing = require "eni6.sandbox.ec2.addressing"
local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local interfaces = require "eni6.sandbox.state.interfaces"
local ipv6 = require "eni6.sandbox.state.ipv6"
local refuse = require("eni6.sandbox.refusal").refuse
local subnets = require "eni6.sandbox.ec2.subnets"
local tags = require "eni6.sandbox.ec2.tags"
local types = require "eni6.sandbox.catalogue.types"
local timestamp = require("eni6.sandbox.ec2.shapes").timestamp

local M = {}
local operations = {}
M.operations = operations

--- The groups of an interface as answers show them.
---@param groups table[]
---@return table[]
function M.groups_view(groups)
  local set = {}
  for i, group in ipairs(groups) do set[i] = { groupId = group.id, groupName = group.name } end
  return set
end

local function attachment_view(attachment, world)
  return {
    attachmentId = attachment.id,
    attachTime = timestamp(attachment.time),
    deleteOnTermination = attachment.delete_on_termination,
    deviceIndex = attachment.device_index,
    networkCardIndex = attachment.card_index,
    instanceId = attachment.instance.id,
    instanceOwnerId = world.account,
    status = attachment.status,
  }
end

local function private_name(address, world)
  local suffix = world.region == "us-east-1" and ".ec2.internal" or "." .. world.region .. ".compute.internal"
  return "ip-" .. address:gsub("%.", "-") .. suffix
end
M.private_name = private_name

--- The parts that descriptions of interfaces and of instances have in common.
---@param interface table
---@param world table
---@return table
function M.core_view(interface, world)
  local addresses, prefixes, private = {}, {}, {}
  for i, address in ipairs(interface.ipv6) do
    addresses[i] = { ipv6Address = address }
    if interface.primary_ipv6 then addresses[i].isPrimaryIpv6 = address == interface.primary_ipv6 end
  end
  for i, prefix in ipairs(interface.prefixes) do prefixes[i] = { ipv6Prefix = prefix } end
  for i, address in ipairs(interfaces.private_ipv4(interface)) do
    private[i] = { privateIpAddress = address, primary = i == 1, privateDnsName = private_name(address, world) }
  end
  return {
    networkInterfaceId = interface.id,
    subnetId = interface.subnet.id,
    vpcId = interface.vpc.id,
    description = interface.description,
    ownerId = world.account,
    status = interface.status,
    interfaceType = interface.kind,
    macAddress = interface.mac,
    privateIpAddress = private[1] and private[1].privateIpAddress,
    privateDnsName = private[1] and private[1].privateDnsName,
    privateIpAddressesSet = private,
    ipv6AddressesSet = addresses,
    ipv6PrefixSet = prefixes[1] and prefixes or nil,
    sourceDestCheck = interface.source_dest_check,
    groupSet = M.groups_view(interface.groups),
  }
end

local function view(interface, world)
  local shown = M.core_view(interface, world)
  shown.availabilityZone = interface.subnet.zone.name
  shown.requesterManaged = false
  shown.tagSet = tags.view(interface)
  shown.ipv6Native = interface.subnet.native or nil
  shown.ipv6Address = interface.ipv6[1]
  if interface.attachment then shown.attachment = attachment_view(interface.attachment, world) end
  return shown
end

local function of_attachment(field)
  return function(interface)
    local attachment = interface.attachment
    return attachment and field(attachment)
  end
end

local function of_groups(field)
  return function(interface)
    local list = {}
    for i, group in ipairs(interface.groups) do list[i] = group[field] end
    return list
  end
end

local getters = filters.fields { ["network-interface-id"] = "id", status = "status", description = "description",
  ["mac-address"] = "mac", ["interface-type"] = "kind", ["source-dest-check"] = "source_dest_check",
  ["ipv6-addresses.ipv6-address"] = "ipv6", ["ipv6-prefixes.ipv6-prefix"] = "prefixes" }
getters["subnet-id"] = function(interface) return interface.subnet.id end
getters["vpc-id"] = function(interface) return interface.vpc.id end
getters["availability-zone"] = function(interface) return interface.subnet.zone.name end
getters["owner-id"] = function(_, world) return world.account end
getters["requester-managed"] = function() return false end
getters["group-id"] = of_groups("id")
getters["group-name"] = of_groups("name")
getters["addresses.private-ip-address"] = interfaces.private_ipv4
getters["private-ip-address"] = function(interface) return interfaces.private_ipv4(interface)[1] end
getters["attachment.attachment-id"] = of_attachment(function(a) return a.id end)
getters["attachment.instance-id"] = of_attachment(function(a) return a.instance.id end)
getters["attachment.instance-owner-id"] = function(i, world) return i.attachment and world.account end
getters["attachment.status"] = of_attachment(function(a) return a.status end)
getters["attachment.device-index"] = of_attachment(function(a) return a.device_index end)
getters["attachment.delete-on-termination"] = of_attachment(function(a) return a.delete_on_termination end)

operations.DescribeNetworkInterfaces = describe.operation {
  family = "network_interface", ids = "NetworkInterfaceId", set = "networkInterfaceSet", view = view, filters = getters,
  bounds = { 5, 1000 },
}

--- The groups that a request names; the VPC's default group when it names none.
---@param world table
---@param ids string[]|nil
---@param vpc table
---@return table[]
function M.check_groups(world, ids, vpc)
  if not ids or #ids == 0 then return { vpc.default_group } end
  local groups, seen = {}, {}
  for _, id in ipairs(ids) do
    local group = world:find("security_group", id)
    if group.vpc ~= vpc then
      refuse("InvalidGroup.NotFound", "Security group %s and the subnet belong to different networks.", id)
    end
    if seen[group] then refuse("InvalidParameterValue", "The security group '%s' is specified more than once", id) end
    seen[group] = true
    groups[#groups + 1] = group
  end
  if #groups > 16 then
    refuse("SecurityGroupsPerInterfaceLimitExceeded", "You have exceeded the number of security groups for an interface")
  end
  return groups
end

local PRIVATE = {
  PrivateIpAddress = "string", PrivateIpAddresses = { { PrivateIpAddress = "string", Primary = "boolean" } },
  SecondaryPrivateIpAddressCount = "integer",
}

-- The primary private IPv4 address asked for, and how many more.
local function check_private(subnet, params)
  local wanted, more = params.PrivateIpAddress, params.SecondaryPrivateIpAddressCount or 0
  if params.PrivateIpAddresses and #params.PrivateIpAddresses > 0 then
    if wanted then
      refuse("InvalidParameterCombination", "The parameter PrivateIpAddress cannot be used with PrivateIpAddresses")
    end
    if #params.PrivateIpAddresses > 1 then
      refuse("UnsupportedOperation", "The sandbox takes one explicit private IPv4 address for an interface")
    end
    wanted = params.PrivateIpAddresses[1].PrivateIpAddress
  end
  local number = addressing.check_ipv4(subnet, wanted)
  addressing.check_ipv4_room(subnet, subnets.free_ipv4(subnet), 1 + more)
  return number, more
end

--- Checks what a request asks of a new interface.
---@param world table
---@param params table with the names of CreateNetworkInterface
---@param kind eni6.sandbox.instance_type|nil of the instance it is for
---@return table fields for `interfaces.create`
function M.plan(world, params, kind)
  local subnet = world:find("subnet", params.SubnetId)
  local groups = M.check_groups(world, params.SecurityGroupId, subnet.vpc)
  local plan = addressing.plan_new(subnet, params)
  addressing.check_limit(addressing.size(plan), #plan.prefixes + plan.prefix_count > 0, kind)
  addressing.check_room(plan, 1)
  local number, more = check_private(subnet, params)
  return { subnet = subnet, groups = groups, description = params.Description or "", addressing = plan,
    private_ipv4 = number, more_private_ipv4 = more }
end

local KINDS = { interface = true, efa = true, branch = true, trunk = true }

local function merged(...)
  local all = {}
  for _, map in ipairs { ... } do
    for name, value in pairs(map) do all[name] = value end
  end
  return all
end

operations.CreateNetworkInterface = {
  idempotent = true,
  parameters = merged(PRIVATE, {
    SubnetId = "string!", Description = "string", SecurityGroupId = { "string" }, InterfaceType = "string",
    Ipv6AddressCount = "integer", Ipv6Addresses = { { Ipv6Address = "string" } }, EnablePrimaryIpv6 = "boolean",
    Ipv6PrefixCount = "integer", Ipv6Prefix = { { Ipv6Prefix = "string" } }, TagSpecification = tags.parameters,
  }),
  run = function(world, params)
    local fields = M.plan(world, params)
    if params.InterfaceType and not KINDS[params.InterfaceType] then
      refuse("InvalidParameterValue", "Invalid value '%s' for InterfaceType", params.InterfaceType)
    end
    fields.kind = params.InterfaceType
    fields.tags = tags.specified(params.TagSpecification, "network-interface")["network-interface"]
    return function()
      local interface = interfaces.create(world, fields)
      local answer = { networkInterface = view(interface, world), clientToken = params.ClientToken }
      answer.networkInterface.status = "pending"
      return answer
    end
  end,
}

operations.DeleteNetworkInterface = {
  parameters = { NetworkInterfaceId = "string!" },
  run = function(world, params)
    local interface = world:find("network_interface", params.NetworkInterfaceId)
    if interface.attachment then
      refuse("InvalidParameterValue", "Network interface '%s' is currently in use.", interface.id)
    end
    return function()
      interfaces.remove(world, interface)
      return { ["return"] = true }
    end
  end,
}

-- The type of the instance that an interface is attached to.
local function type_of(interface)
  return interface.attachment and types.get(interface.attachment.instance.type)
end

operations.AssignIpv6Addresses = {
  parameters = {
    NetworkInterfaceId = "string!", Ipv6AddressCount = "integer", Ipv6Addresses = { "string" },
    Ipv6PrefixCount = "integer", Ipv6Prefix = { "string" },
  },
  run = function(world, params)
    local interface = world:find("network_interface", params.NetworkInterfaceId)
    local plan = addressing.plan(interface.subnet, params)
    if addressing.size(plan) == 0 then
      refuse("MissingParameter", "The request must contain ipv6AddressCount, ipv6Addresses, ipv6PrefixCount or ipv6Prefixes")
    end
    addressing.check_limit(#interface.ipv6 + #interface.prefixes + addressing.size(plan),
      #interface.prefixes + #plan.prefixes + plan.prefix_count > 0, type_of(interface))
    addressing.check_room(plan, 1)
    return function()
      local addresses, prefixes = interfaces.give(interface, plan)
      world:notify("network_interface.changed", interface)
      return { networkInterfaceId = interface.id, assignedIpv6Addresses = addresses,
        assignedIpv6PrefixSet = prefixes[1] and prefixes or nil }
    end
  end,
}

local function includes(list, value)
  for _, other in ipairs(list) do
    if other == value then return true end
  end
  return false
end

-- The interface's own among the addresses or prefixes that a request names.
local function own(interface, list, held, canonical)
  local out, seen = {}, {}
  for i, text in ipairs(list or {}) do
    out[i] = canonical(text) or refuse("InvalidParameterValue", "Invalid IPv6 address: %s", text)
    if seen[out[i]] then refuse("InvalidParameterValue", "The address %s is specified more than once", out[i]) end
    seen[out[i]] = true
    if not includes(held, out[i]) then
      refuse("InvalidParameterValue", "Some of the specified addresses are not assigned to interface %s: [%s]", interface.id,
        out[i])
    end
  end
  return out
end

local function canonical_prefix(text)
  local cidr = ipv6.cidr(text)
  return cidr and cidr.text
end

operations.UnassignIpv6Addresses = {
  parameters = { NetworkInterfaceId = "string!", Ipv6Addresses = { "string" }, Ipv6Prefix = { "string" } },
  run = function(world, params)
    local interface = world:find("network_interface", params.NetworkInterfaceId)
    local addresses = own(interface, params.Ipv6Addresses, interface.ipv6, ipv6.canonical)
    local prefixes = own(interface, params.Ipv6Prefix, interface.prefixes, canonical_prefix)
    if #addresses + #prefixes == 0 then
      refuse("MissingParameter", "The request must contain the parameter ipv6Addresses or ipv6Prefixes")
    end
    if interface.primary_ipv6 and includes(addresses, interface.primary_ipv6) then
      refuse("InvalidParameterValue", "The primary IPv6 address %s cannot be unassigned", interface.primary_ipv6)
    end
    return function()
      interfaces.take_away(interface, addresses, prefixes)
      world:notify("network_interface.changed", interface)
      return { networkInterfaceId = interface.id, unassignedIpv6Addresses = addresses,
        unassignedIpv6PrefixSet = prefixes[1] and prefixes or nil }
    end
  end,
}

local ATTRIBUTES = {
  description = function(interface) return { description = { value = interface.description } } end,
  groupSet = function(interface) return { groupSet = M.groups_view(interface.groups) } end,
  sourceDestCheck = function(interface) return { sourceDestCheck = { value = interface.source_dest_check } } end,
  attachment = function(interface, world)
    return { attachment = interface.attachment and attachment_view(interface.attachment, world) }
  end,
}

operations.DescribeNetworkInterfaceAttribute = {
  parameters = { NetworkInterfaceId = "string!", Attribute = "string" },
  run = function(world, params)
    local interface = world:find("network_interface", params.NetworkInterfaceId)
    if not params.Attribute then refuse("InvalidParameterCombination", "No attributes specified.") end
    local show = ATTRIBUTES[params.Attribute]
      or refuse("InvalidParameterValue", "Value (%s) for parameter attribute is invalid.", params.Attribute)
    return function()
      local answer = show(interface, world)
      answer.networkInterfaceId = interface.id
      return answer
    end
  end,
}

local function check_attachment(interface, wanted)
  local attachment = interface.attachment
  if not wanted.AttachmentId or not attachment or attachment.id ~= wanted.AttachmentId then
    refuse("InvalidAttachmentID.NotFound", "The attachment '%s' does not exist", wanted.AttachmentId or "")
  end
  if wanted.DeleteOnTermination == nil then
    refuse("MissingParameter", "The request must contain the parameter Attachment.DeleteOnTermination")
  end
end

operations.ModifyNetworkInterfaceAttribute = {
  parameters = {
    NetworkInterfaceId = "string!", Description = { Value = "string" }, SecurityGroupId = { "string" },
    SourceDestCheck = { Value = "boolean" }, Attachment = { AttachmentId = "string", DeleteOnTermination = "boolean" },
    EnablePrimaryIpv6 = "boolean",
  },
  run = function(world, params)
    local interface = world:find("network_interface", params.NetworkInterfaceId)
    local groups = params.SecurityGroupId and M.check_groups(world, params.SecurityGroupId, interface.vpc)
    if params.Attachment then check_attachment(interface, params.Attachment) end
    if params.EnablePrimaryIpv6 == false and interface.primary_ipv6 then
      refuse("InvalidParameterValue", "A primary IPv6 address cannot be disabled once it is enabled")
    end
    return function()
      interface.groups = groups or interface.groups
      if params.Description then interface.description = params.Description.Value or "" end
      if params.SourceDestCheck then interface.source_dest_check = params.SourceDestCheck.Value end
      if params.Attachment then interface.attachment.delete_on_termination = params.Attachment.DeleteOnTermination end
      if params.EnablePrimaryIpv6 then interface.primary_ipv6 = interface.primary_ipv6 or interface.ipv6[1] end
      world:notify("network_interface.changed", interface)
      return { ["return"] = true }
    end
  end,
}

operations.ResetNetworkInterfaceAttribute = {
  parameters = { NetworkInterfaceId = "string!", SourceDestCheck = "string" },
  run = function(world, params)
    local interface = world:find("network_interface", params.NetworkInterfaceId)
    return function()
      interface.source_dest_check = true
      world:notify("network_interface.changed", interface)
      return { ["return"] = true }
    end
  end,
}

return M
