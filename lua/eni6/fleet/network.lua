--- The network that `vpc = { … }` asks for, which the published text presupposes:
-- a VPC with an IPv6 block of Amazon's, a subnet with its first /64, an internet
-- gateway with the default route, and a security group that lets the hosts ping
-- each other. Every part is looked up by the plan's tag and made if it is not there.

local ip6 = require "eni6.ip6"
local failure = require "eni6.fleet.failure"
local gather = require "eni6.fleet.gather"
local patience = require "eni6.fleet.patience"
local survey = require "eni6.fleet.survey"
local tags = require "eni6.fleet.tags"

local network = {}

local AGAIN, want = patience.AGAIN, failure.want
local BLOCK_SECONDS = 120 -- for Amazon to give the VPC its IPv6 block
local LOST_SECONDS = 3 -- for a part to show whose answer was lost, before it is made again

-- What a part answers while the one that it needs is too new to be seen.
local NOT_SEEN_YET = { ["InvalidVpcID.NotFound"] = true, ["InvalidSubnetID.NotFound"] = true,
  ["InvalidInternetGatewayID.NotFound"] = true, ["InvalidGroup.NotFound"] = true, ["InvalidRouteTableID.NotFound"] = true,
  ["InvalidGatewayID.NotFound"] = true }

-- A call whose effect may be there already, from a run that was cut off.
local function call_unless_done(run, operation, params, done_code)
  local answer, message, code, detail = patience.repeatable(run.patience, NOT_SEEN_YET, function()
    return run.ec2[operation](run.ec2, params)
  end)
  if code ~= done_code then want(answer, message, code, detail) end
end

local PARTS = {
  vpcs = { "DescribeVpcs", "Vpcs", "VpcId" },
  subnets = { "DescribeSubnets", "Subnets", "SubnetId" },
  gateways = { "DescribeInternetGateways", "InternetGateways", "InternetGatewayId" },
  groups = { "DescribeSecurityGroups", "SecurityGroups", "GroupId" },
}

local function look_part(ec2, name, part)
  local operation, list, id = PARTS[part][1], PARTS[part][2], PARTS[part][3]
  local found = want(ec2:all(operation, { Filters = tags.filter(name) }))[list]
  table.sort(found, function(a, b) return a[id] < b[id] end)
  return found
end

--- What of a plan's network there is. Failures are raised.
---@param ec2 table
---@param name string  the plan's
---@return table parts  { vpcs, subnets, gateways, groups }: lists as EC2 describes them, by id
function network.look(ec2, name)
  local jobs = {}
  for part in pairs(PARTS) do
    jobs[part] = function() return look_part(ec2, name, part) end
  end
  return gather(jobs)
end

local function in_vpc(list, vpc)
  for _, item in ipairs(list) do
    if not vpc or not item.VpcId or item.VpcId == vpc.id then return item end
  end
end

local CREATE = {
  vpcs = { "CreateVpc", "Vpc", "vpc" },
  subnets = { "CreateSubnet", "Subnet", "subnet", "InvalidSubnet.Conflict" },
  gateways = { "CreateInternetGateway", "InternetGateway", "internet-gateway" },
  groups = { "CreateSecurityGroup", nil, "security-group", "InvalidGroup.Duplicate" },
}

-- Creates a part; one that is there already, or whose answer was lost, is found by
-- its tag. `vpc` is the one that it has to be in, if any.
local function create(run, part, params, vpc)
  local operation, field, kind, conflict = CREATE[part][1], CREATE[part][2], CREATE[part][3], CREATE[part][4]
  params.TagSpecifications = tags.specification(kind, run.plan, { Name = run.plan.name })
  return patience.want(run.patience, function()
    local answer, message, code, detail = patience.call(run.patience, NOT_SEEN_YET, function()
      return run.ec2[operation](run.ec2, params)
    end)
    if answer then return field and answer[field] or answer end
    local lost = detail and detail.unknown
    if code ~= conflict and not lost then return nil, message, code, detail end
    local found = patience.try(lost and LOST_SECONDS or run.patience, function()
      return in_vpc(look_part(run.ec2, run.plan.name, part), vpc) or AGAIN
    end)
    return found or AGAIN, message, code, detail
  end)
end

local function ipv6_block(vpc)
  for _, association in ipairs(vpc.Ipv6CidrBlockAssociationSet or {}) do
    local state = association.Ipv6CidrBlockState and association.Ipv6CidrBlockState.State
    if state == "associated" and association.Ipv6CidrBlock then return ip6.prefix(association.Ipv6CidrBlock) end
  end
end

-- Waits for the VPC's IPv6 block, which comes a moment after the VPC.
local function wait_for_block(run, id)
  return patience.want(BLOCK_SECONDS, function()
    local vpc = want(run.ec2:DescribeVpcs { Filters = { { Name = "vpc-id", Values = { id } } } }).Vpcs[1]
    return vpc and ipv6_block(vpc) or AGAIN,
      id .. " has no IPv6 block after " .. BLOCK_SECONDS .. " s; delete it (teardown) and try again", "ETIMEDOUT"
  end)
end

-- With several (a create whose answer was lost, seen too late) the one with a
-- subnet counts; teardown takes all.
local function choose_vpc(parts)
  for _, vpc in ipairs(parts.vpcs) do
    for _, subnet in ipairs(parts.subnets) do
      if subnet.VpcId == vpc.VpcId then return vpc end
    end
  end
  return parts.vpcs[1]
end

local function ensure_vpc(run, parts)
  local vpc = choose_vpc(parts)
  if not vpc then
    run.observe { note = "making a VPC with an IPv6 block" }
    vpc = create(run, "vpcs", { CidrBlock = run.plan.vpc.cidr, AmazonProvidedIpv6CidrBlock = true })
  end
  return { id = vpc.VpcId, block = ipv6_block(vpc) or wait_for_block(run, vpc.VpcId) }
end

-- The first /24 of the VPC's IPv4 network (or all of a smaller one), which a
-- subnet has to have beside its IPv6 block.
local function subnet_cidr(cidr)
  local base, length = cidr:match("^(.*)/(%d+)$")
  return base .. "/" .. math.max(24, tonumber(length))
end

local function ensure_subnet(run, parts, vpc)
  local block = vpc.block:first():prefix(64)
  local subnet = in_vpc(parts.subnets, vpc) or create(run, "subnets", { VpcId = vpc.id,
    CidrBlock = subnet_cidr(run.plan.vpc.cidr), Ipv6CidrBlock = tostring(block), AvailabilityZone = run.plan.vpc.zone }, vpc)
  return { id = subnet.SubnetId, vpc = vpc.id, prefix = survey.prefix_of(subnet) or block }
end

local function attached_to(gateway)
  local attachment = gateway.Attachments and gateway.Attachments[1]
  return attachment and attachment.VpcId
end

local function choose_gateway(parts, vpc)
  local free
  for _, gateway in ipairs(parts.gateways) do
    if attached_to(gateway) == vpc.id then return gateway end
    if not attached_to(gateway) then free = free or gateway end
  end
  return free
end

local function ensure_gateway(run, parts, vpc)
  local gateway = choose_gateway(parts, vpc) or create(run, "gateways", {})
  local id = gateway.InternetGatewayId
  if attached_to(gateway) ~= vpc.id then
    call_unless_done(run, "AttachInternetGateway", { InternetGatewayId = id, VpcId = vpc.id }, "Resource.AlreadyAssociated")
  end
  return id
end

local function main_route_table(run, vpc)
  return patience.want(run.patience, function()
    local found = want(run.ec2:DescribeRouteTables { Filters = {
      { Name = "vpc-id", Values = { vpc.id } }, { Name = "association.main", Values = { "true" } } } })
    return found.RouteTables[1] or AGAIN, vpc.id .. " shows no main route table", "InvalidRouteTableID.NotFound"
  end)
end

local function ensure_route(run, parts, vpc)
  local gateway = ensure_gateway(run, parts, vpc)
  local route_table = main_route_table(run, vpc)
  for _, route in ipairs(route_table.Routes or {}) do
    if route.DestinationIpv6CidrBlock == "::/0" and route.GatewayId == gateway then return true end
  end
  call_unless_done(run, "CreateRoute", { RouteTableId = route_table.RouteTableId, DestinationIpv6CidrBlock = "::/0",
    GatewayId = gateway }, "RouteAlreadyExists")
  return true
end

-- ICMPv6 from the same group, as in the text; SSH from where the plan says.
local function permissions(run, group)
  local list = { { IpProtocol = "icmpv6", FromPort = -1, ToPort = -1,
    UserIdGroupPairs = { { GroupId = group, Description = "the hosts and their containers ping each other" } } } }
  for _, source in ipairs(run.plan.vpc.ssh) do
    list[#list + 1] = { IpProtocol = "tcp", FromPort = 22, ToPort = 22,
      Ipv6Ranges = { { CidrIpv6 = source, Description = "SSH" } } }
  end
  return list
end

local function has_rules(run, group)
  local wanted = #run.plan.vpc.ssh
  for _, permission in ipairs(group.IpPermissions or {}) do
    if permission.IpProtocol == "tcp" and permission.FromPort == 22 then wanted = wanted - #(permission.Ipv6Ranges or {}) end
  end
  local icmp
  for _, permission in ipairs(group.IpPermissions or {}) do icmp = icmp or permission.IpProtocol == "icmpv6" end
  return icmp and wanted <= 0
end

local function ensure_group(run, parts, vpc)
  local group = in_vpc(parts.groups, vpc) or create(run, "groups", { GroupName = "eni6-" .. run.plan.name, VpcId = vpc.id,
    Description = "hosts of the eni6 plan " .. run.plan.name }, vpc)
  if has_rules(run, group) then return group.GroupId end
  for _, permission in ipairs(permissions(run, group.GroupId)) do
    call_unless_done(run, "AuthorizeSecurityGroupIngress", { GroupId = group.GroupId, IpPermissions = { permission } },
      "InvalidPermission.Duplicate")
  end
  return group.GroupId
end

--- Makes what is missing of the plan's network. Failures are raised.
---@param run table    see eni6.fleet.provision
---@param parts table  of look
---@return { subnet: table, groups: string[] }
function network.ensure(run, parts)
  local vpc = ensure_vpc(run, parts)
  local made = gather {
    subnet = function() return ensure_subnet(run, parts, vpc) end,
    route = function() return ensure_route(run, parts, vpc) end,
    group = function() return ensure_group(run, parts, vpc) end,
  }
  return { subnet = made.subnet, groups = { made.group } }
end

--- The subnet that a plan's network has, if it is there already.
---@param parts table  of look
---@return { id: string, vpc: string, prefix: any }|nil
function network.subnet(parts)
  local vpc = choose_vpc(parts)
  for _, subnet in ipairs(parts.subnets) do
    local prefix = vpc and subnet.VpcId == vpc.VpcId and survey.prefix_of(subnet)
    if prefix then return { id = subnet.SubnetId, vpc = subnet.VpcId, prefix = prefix } end
  end
end

return network
