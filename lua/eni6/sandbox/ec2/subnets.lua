--- Subnets and their CIDR blocks.

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local ipv4 = require "eni6.sandbox.state.ipv4"
local ipv6 = require "eni6.sandbox.state.ipv6"
local ledger = require "eni6.sandbox.state.ledger"
local places = require "eni6.sandbox.catalogue.places"
local refuse = require("eni6.sandbox.refusal").refuse
local tags = require "eni6.sandbox.ec2.tags"
local vpcs = require "eni6.sandbox.ec2.vpcs"

local M = {}
local operations = {}
M.operations = operations

--- Gives a subnet its IPv6 block.
---@param world table
---@param subnet table
---@param cidr eni6.sandbox.cidr
function M.associate(world, subnet, cidr)
  local association = {
    id = world:new_id("subnet-cidr-assoc"),
    cidr = cidr,
    state = "associating",
    ledger = ledger.new(cidr, world.random),
  }
  subnet.ipv6 = association
  world:settle(function() association.state = "associated" end)
  return association
end

---@class eni6.sandbox.new_subnet
---@field vpc table
---@field zone table
---@field cidr eni6.sandbox.ipv4_cidr|nil
---@field ipv6_cidr eni6.sandbox.cidr|nil
---@field native boolean|nil without IPv4
---@field tags table|nil

--- Makes a subnet.
---@param world table
---@param fields eni6.sandbox.new_subnet
---@return table subnet
function M.create(world, fields)
  local subnet = world:insert("subnet", {
    vpc = fields.vpc,
    zone = fields.zone,
    cidr = fields.cidr,
    used_ipv4 = {},
    used_ipv4_count = 0,
    native = fields.native or false,
    assign_on_creation = fields.native or false,
    map_public = false,
    state = "pending",
    tags = fields.tags,
  })
  if fields.ipv6_cidr then M.associate(world, subnet, fields.ipv6_cidr) end
  world:settle(function() subnet.state = "available" end)
  return subnet
end

--- How many private IPv4 addresses are free (EC2 keeps five of each subnet).
---@param subnet table
---@return integer
function M.free_ipv4(subnet)
  if not subnet.cidr then return 0 end
  return subnet.cidr.last - subnet.cidr.first + 1 - 5 - subnet.used_ipv4_count
end

local function view(subnet, world)
  return {
    subnetId = subnet.id,
    subnetArn = string.format("arn:aws:ec2:%s:%s:subnet/%s", world.region, world.account, subnet.id),
    vpcId = subnet.vpc.id,
    ownerId = world.account,
    state = subnet.state,
    availabilityZone = subnet.zone.name,
    availabilityZoneId = subnet.zone.id,
    cidrBlock = subnet.cidr and subnet.cidr.text,
    availableIpAddressCount = M.free_ipv4(subnet),
    ipv6CidrBlockAssociationSet = subnet.ipv6 and { vpcs.association_view(subnet.ipv6) } or {},
    assignIpv6AddressOnCreation = subnet.assign_on_creation,
    mapPublicIpOnLaunch = subnet.map_public,
    mapCustomerOwnedIpOnLaunch = false,
    defaultForAz = false,
    ipv6Native = subnet.native,
    enableDns64 = false,
    privateDnsNameOptionsOnLaunch = {
      hostnameType = subnet.native and "resource-name" or "ip-name",
      enableResourceNameDnsARecord = false,
      enableResourceNameDnsAAAARecord = false,
    },
    tagSet = tags.view(subnet),
  }
end

local getters = filters.fields { ["subnet-id"] = "id", state = "state", ["map-public-ip-on-launch"] = "map_public",
  ["assign-ipv6-address-on-creation"] = "assign_on_creation", ["ipv6-native"] = "native" }
getters["vpc-id"] = function(subnet) return subnet.vpc.id end
getters["availability-zone"] = function(subnet) return subnet.zone.name end
getters.availabilityZone = getters["availability-zone"]
getters["availability-zone-id"] = function(subnet) return subnet.zone.id end
getters["cidr-block"] = function(subnet) return subnet.cidr and subnet.cidr.text end
getters.cidr, getters.cidrBlock = getters["cidr-block"], getters["cidr-block"]
getters["available-ip-address-count"] = M.free_ipv4
getters["default-for-az"] = function() return false end
getters["owner-id"] = function(_, world) return world.account end
getters["subnet-arn"] = function(subnet, world) return view(subnet, world).subnetArn end
getters["ipv6-cidr-block-association.ipv6-cidr-block"] = function(s) return s.ipv6 and s.ipv6.cidr.text end
getters["ipv6-cidr-block-association.association-id"] = function(s) return s.ipv6 and s.ipv6.id end
getters["ipv6-cidr-block-association.state"] = function(s) return s.ipv6 and s.ipv6.state end

operations.DescribeSubnets = describe.operation {
  family = "subnet", ids = "SubnetId", set = "subnetSet", view = view, filters = getters, bounds = { 5, 1000 },
}

local function check_ipv4(world, vpc, text)
  local cidr = ipv4.cidr(text)
  if not cidr then
    refuse("InvalidParameterValue", "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", text)
  end
  if cidr.length > 28 or not ipv4.holds(vpc.cidr, cidr) then refuse("InvalidSubnet.Range", "The CIDR '%s' is invalid.", text) end
  for _, other in ipairs(world:all("subnet")) do
    if other.vpc == vpc and other.cidr and ipv4.overlap(other.cidr, cidr) then
      refuse("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", text)
    end
  end
  return cidr
end

-- A subnet's IPv6 block is a /44 to /64 in steps of four, inside one of the VPC's.
local function check_ipv6(world, vpc, text)
  local cidr = ipv6.cidr(text)
  if not cidr or cidr.length < 44 or cidr.length > 64 or cidr.length % 4 ~= 0 then
    refuse("InvalidSubnet.Range", "The CIDR '%s' is invalid.", text)
  end
  local inside = false
  for _, association in ipairs(vpc.ipv6) do
    inside = inside or (ipv6.contains(association.cidr, cidr.base) and association.cidr.length <= cidr.length)
  end
  if not inside then refuse("InvalidSubnet.Range", "The CIDR '%s' is invalid.", text) end
  for _, other in ipairs(world:all("subnet")) do
    if other.vpc == vpc and other.ipv6 and ipv6.overlap(other.ipv6.cidr, cidr) then
      refuse("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", text)
    end
  end
  return cidr
end

local function check_zone(world, params)
  if params.AvailabilityZone and params.AvailabilityZoneId then
    refuse("InvalidParameterCombination", "Only one of AvailabilityZone and AvailabilityZoneId may be given")
  end
  local wanted = params.AvailabilityZone or params.AvailabilityZoneId
  for _, zone in ipairs(places.zones(world.region)) do
    if not wanted or zone.name == wanted or zone.id == wanted then return zone end
  end
  return refuse("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid.", wanted)
end

operations.CreateSubnet = {
  parameters = {
    VpcId = "string!", CidrBlock = "string", Ipv6CidrBlock = "string", Ipv6Native = "boolean",
    AvailabilityZone = "string", AvailabilityZoneId = "string", TagSpecification = tags.parameters,
  },
  run = function(world, params)
    local vpc = world:find("vpc", params.VpcId)
    if not params.CidrBlock and not params.Ipv6Native then
      refuse("MissingParameter", "Either 'cidrBlock' or 'ipv6Native' should be provided.")
    end
    if params.CidrBlock and params.Ipv6Native then
      refuse("InvalidParameterCombination", "An IPv6-only subnet cannot have an IPv4 CIDR block")
    end
    if params.Ipv6Native and not params.Ipv6CidrBlock then
      refuse("MissingParameter", "The request must contain the parameter ipv6CidrBlock")
    end
    local zone = check_zone(world, params)
    local cidr = params.CidrBlock and check_ipv4(world, vpc, params.CidrBlock)
    local ipv6_cidr = params.Ipv6CidrBlock and check_ipv6(world, vpc, params.Ipv6CidrBlock)
    local specified = tags.specified(params.TagSpecification, "subnet")
    return function()
      local subnet = M.create(world, { vpc = vpc, cidr = cidr or nil, ipv6_cidr = ipv6_cidr or nil, zone = zone,
        tags = specified.subnet, native = params.Ipv6Native })
      return { subnet = view(subnet, world) }
    end
  end,
}

local function interfaces_in(world, subnet)
  return world:all("network_interface", function(interface) return interface.subnet == subnet end)
end

operations.DeleteSubnet = {
  parameters = { SubnetId = "string!" },
  run = function(world, params)
    local subnet = world:find("subnet", params.SubnetId)
    if #interfaces_in(world, subnet) > 0 then
      refuse("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", subnet.id)
    end
    return function()
      for _, route_table in ipairs(world:all("route_table")) do route_table.subnets[subnet.id] = nil end
      for _, reservation in ipairs(world:all("cidr_reservation")) do
        if reservation.subnet == subnet then world:remove(reservation) end
      end
      world:remove(subnet)
      return { ["return"] = true }
    end
  end,
}

operations.AssociateSubnetCidrBlock = {
  parameters = { SubnetId = "string!", Ipv6CidrBlock = "string!" },
  run = function(world, params)
    local subnet = world:find("subnet", params.SubnetId)
    if subnet.ipv6 then
      refuse("Resource.AlreadyAssociated", "The subnet '%s' already has an IPv6 CIDR block", subnet.id)
    end
    local cidr = check_ipv6(world, subnet.vpc, params.Ipv6CidrBlock)
    return function()
      local association = M.associate(world, subnet, cidr)
      return { subnetId = subnet.id, ipv6CidrBlockAssociation = vpcs.association_view(association) }
    end
  end,
}

operations.DisassociateSubnetCidrBlock = {
  parameters = { AssociationId = "string!" },
  run = function(world, params)
    local subnet = world:all("subnet", function(s) return s.ipv6 and s.ipv6.id == params.AssociationId end)[1]
    if not subnet then
      refuse("InvalidSubnetCidrBlockAssociationID.NotFound", "The subnet CIDR block association ID '%s' does not exist",
        params.AssociationId)
    end
    local association = subnet.ipv6
    if subnet.native or not association.ledger:empty() then
      refuse("DependencyViolation", "The CIDR block '%s' of subnet %s is in use", association.cidr.text, subnet.id)
    end
    return function()
      association.state = "disassociating"
      subnet.ipv6, subnet.assign_on_creation = nil, false
      return { subnetId = subnet.id, ipv6CidrBlockAssociation = vpcs.association_view(association) }
    end
  end,
}

operations.ModifySubnetAttribute = {
  parameters = {
    SubnetId = "string!", AssignIpv6AddressOnCreation = { Value = "boolean" }, MapPublicIpOnLaunch = { Value = "boolean" },
  },
  run = function(world, params)
    local subnet = world:find("subnet", params.SubnetId)
    if params.AssignIpv6AddressOnCreation and params.MapPublicIpOnLaunch then
      refuse("InvalidParameterCombination", "Only one subnet attribute may be modified at a time")
    end
    local assign = params.AssignIpv6AddressOnCreation
    if assign and assign.Value and not subnet.ipv6 then
      refuse("InvalidParameterValue",
        "Invalid value 'true' for assignIpv6AddressOnCreation. Value must be false when no IPv6 CIDR block is "
          .. "associated with the subnet.")
    end
    return function()
      if assign then subnet.assign_on_creation = assign.Value end
      if params.MapPublicIpOnLaunch then subnet.map_public = params.MapPublicIpOnLaunch.Value end
      return { ["return"] = true }
    end
  end,
}

return M
