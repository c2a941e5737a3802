--- VPCs and their CIDR blocks.

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local ipv4 = require "eni6.sandbox.state.ipv4"
local ipv6 = require "eni6.sandbox.state.ipv6"
local refuse = require("eni6.sandbox.refusal").refuse
local route_tables = require "eni6.sandbox.ec2.route_tables"
local security_groups = require "eni6.sandbox.ec2.security_groups"
local tags = require "eni6.sandbox.ec2.tags"

local M = {}
local operations = {}
M.operations = operations

-- A /56 such as Amazon provides, out of the documentation prefix; not one that is taken.
local function choose_block(world)
  local cidr
  repeat
    cidr = ipv6.cidr(string.format("2001:db8:%x:%x00::/56", world.random:below(65536), world.random:below(256)))
    local clash = false
    for _, vpc in ipairs(world:all("vpc")) do
      for _, association in ipairs(vpc.ipv6) do clash = clash or ipv6.overlap(association.cidr, cidr) end
    end
  until not clash
  return cidr
end

--- Gives a VPC an IPv6 block.
---@param world table
---@param vpc table
---@param cidr eni6.sandbox.cidr|nil chosen when absent
---@return table association
function M.associate(world, vpc, cidr)
  local association = {
    id = world:new_id("vpc-cidr-assoc"),
    cidr = cidr or choose_block(world),
    state = "associating",
  }
  vpc.ipv6[#vpc.ipv6 + 1] = association
  security_groups.allow_ipv6_out(world, vpc)
  world:settle(function() association.state = "associated" end)
  return association
end

--- Makes a VPC with its main route table and default security group.
---@param world table
---@param fields { cidr: eni6.sandbox.ipv4_cidr, tags: table|nil, is_default: boolean|nil }
---@return table vpc
function M.create(world, fields)
  local vpc = world:insert("vpc", {
    cidr = fields.cidr,
    cidr_association = world:new_id("vpc-cidr-assoc"),
    ipv6 = {},
    is_default = fields.is_default or false,
    dhcp_options = "dopt-" .. world.random:hex(8),
    dns_support = true,
    dns_hostnames = false,
    state = "pending",
    tags = fields.tags,
  })
  vpc.main_route_table = route_tables.create(world, { vpc = vpc, main = true })
  vpc.default_group = security_groups.create(world, { vpc = vpc, name = "default", description = "default VPC security group" })
  security_groups.allow_self(world, vpc.default_group)
  world:settle(function() vpc.state = "available" end)
  return vpc
end

--- The IPv6 association of a VPC or subnet as answers show it.
---@param association table
---@return table
function M.association_view(association)
  return {
    associationId = association.id,
    ipv6CidrBlock = association.cidr.text,
    ipv6CidrBlockState = { state = association.state },
  }
end

local function ipv6_view(world, association)
  local view = M.association_view(association)
  view.networkBorderGroup, view.ipv6Pool = world.region, "Amazon"
  return view
end

local function view(vpc, world)
  local associations = {}
  for i, association in ipairs(vpc.ipv6) do associations[i] = ipv6_view(world, association) end
  return {
    vpcId = vpc.id,
    ownerId = world.account,
    state = vpc.state,
    cidrBlock = vpc.cidr.text,
    cidrBlockAssociationSet = {
      { associationId = vpc.cidr_association, cidrBlock = vpc.cidr.text, cidrBlockState = { state = "associated" } },
    },
    ipv6CidrBlockAssociationSet = associations,
    dhcpOptionsId = vpc.dhcp_options,
    instanceTenancy = "default",
    isDefault = vpc.is_default,
    tagSet = tags.view(vpc),
  }
end
M.view = view

local function each_association(field)
  return function(vpc)
    local list = {}
    for i, association in ipairs(vpc.ipv6) do list[i] = field(association) end
    return list
  end
end

local getters = filters.fields { ["vpc-id"] = "id", state = "state", ["is-default"] = "is_default",
  ["dhcp-options-id"] = "dhcp_options" }
getters["owner-id"] = function(_, world) return world.account end
getters.cidr = function(vpc) return vpc.cidr.text end
getters["cidr-block"], getters.cidrBlock = getters.cidr, getters.cidr
getters["isDefault"] = getters["is-default"]
getters["cidr-block-association.cidr-block"] = getters.cidr
getters["cidr-block-association.association-id"] = function(vpc) return vpc.cidr_association end
getters["cidr-block-association.state"] = function() return "associated" end
getters["ipv6-cidr-block-association.ipv6-cidr-block"] = each_association(function(a) return a.cidr.text end)
getters["ipv6-cidr-block-association.association-id"] = each_association(function(a) return a.id end)
getters["ipv6-cidr-block-association.state"] = each_association(function(a) return a.state end)

operations.DescribeVpcs = describe.operation {
  family = "vpc", ids = "VpcId", set = "vpcSet", view = view, filters = getters, bounds = { 5, 1000 },
}

local function check_cidr(text)
  local cidr = ipv4.cidr(text)
  if not cidr then
    refuse("InvalidParameterValue", "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", text)
  end
  if cidr.length < 16 or cidr.length > 28 then refuse("InvalidVpc.Range", "The CIDR '%s' is invalid.", text) end
  return cidr
end

operations.CreateVpc = {
  parameters = {
    CidrBlock = "string!", AmazonProvidedIpv6CidrBlock = "boolean", InstanceTenancy = "string",
    TagSpecification = tags.parameters,
  },
  run = function(world, params)
    local cidr = check_cidr(params.CidrBlock)
    local specified = tags.specified(params.TagSpecification, "vpc")
    return function()
      local vpc = M.create(world, { cidr = cidr, tags = specified.vpc })
      if params.AmazonProvidedIpv6CidrBlock then M.associate(world, vpc) end
      return { vpc = view(vpc, world) }
    end
  end,
}

local function in_vpc(vpc)
  return function(record) return record.vpc == vpc end
end

operations.DeleteVpc = {
  parameters = { VpcId = "string!" },
  run = function(world, params)
    local vpc = world:find("vpc", params.VpcId)
    local held = #world:all("subnet", in_vpc(vpc)) + #world:all("internet_gateway", in_vpc(vpc))
      + #world:all("route_table", in_vpc(vpc)) - 1 + #world:all("security_group", in_vpc(vpc)) - 1
    if held > 0 then
      refuse("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", vpc.id)
    end
    return function()
      world:remove(vpc.main_route_table)
      security_groups.remove(world, vpc.default_group)
      world:remove(vpc)
      return { ["return"] = true }
    end
  end,
}

operations.AssociateVpcCidrBlock = {
  parameters = { VpcId = "string!", AmazonProvidedIpv6CidrBlock = "boolean", CidrBlock = "string" },
  run = function(world, params)
    local vpc = world:find("vpc", params.VpcId)
    if params.CidrBlock and params.AmazonProvidedIpv6CidrBlock then
      refuse("InvalidParameterCombination", "Only one of CidrBlock and AmazonProvidedIpv6CidrBlock may be given")
    end
    if not params.AmazonProvidedIpv6CidrBlock then
      refuse("UnsupportedOperation", "The sandbox gives a VPC one IPv4 block; ask for AmazonProvidedIpv6CidrBlock")
    end
    if #vpc.ipv6 > 0 then
      refuse("CidrLimitExceeded", "This network '%s' has met its maximum number of allowed CIDRs: 1", vpc.id)
    end
    return function()
      local association = M.associate(world, vpc)
      return { vpcId = vpc.id, ipv6CidrBlockAssociation = ipv6_view(world, association) }
    end
  end,
}

local function find_association(world, id)
  for _, vpc in ipairs(world:all("vpc")) do
    for i, association in ipairs(vpc.ipv6) do
      if association.id == id then return vpc, association, i end
    end
  end
  return refuse("InvalidVpcCidrBlockAssociationID.NotFound", "The vpc CIDR block association ID '%s' does not exist", id)
end

operations.DisassociateVpcCidrBlock = {
  parameters = { AssociationId = "string!" },
  run = function(world, params)
    local vpc, association, place = find_association(world, params.AssociationId)
    for _, subnet in ipairs(world:all("subnet", in_vpc(vpc))) do
      if subnet.ipv6 and ipv6.contains(association.cidr, subnet.ipv6.cidr.base) then
        refuse("DependencyViolation", "The CIDR block '%s' is used by subnet %s", association.cidr.text, subnet.id)
      end
    end
    return function()
      association.state = "disassociating"
      table.remove(vpc.ipv6, place)
      return { vpcId = vpc.id, ipv6CidrBlockAssociation = ipv6_view(world, association) }
    end
  end,
}

local ATTRIBUTES = { enableDnsSupport = "dns_support", enableDnsHostnames = "dns_hostnames" }

operations.DescribeVpcAttribute = {
  parameters = { VpcId = "string!", Attribute = "string!" },
  run = function(world, params)
    local vpc = world:find("vpc", params.VpcId)
    local field = ATTRIBUTES[params.Attribute]
    if not field then
      refuse("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", params.Attribute)
    end
    return function() return { vpcId = vpc.id, [params.Attribute] = { value = vpc[field] } } end
  end,
}

operations.ModifyVpcAttribute = {
  parameters = { VpcId = "string!", EnableDnsSupport = { Value = "boolean" }, EnableDnsHostnames = { Value = "boolean" } },
  run = function(world, params)
    local vpc = world:find("vpc", params.VpcId)
    if params.EnableDnsSupport and params.EnableDnsHostnames then
      refuse("InvalidParameterCombination", "Only one attribute may be modified at a time")
    end
    return function()
      if params.EnableDnsSupport then vpc.dns_support = params.EnableDnsSupport.Value end
      if params.EnableDnsHostnames then vpc.dns_hostnames = params.EnableDnsHostnames.Value end
      return { ["return"] = true }
    end
  end,
}

return M
