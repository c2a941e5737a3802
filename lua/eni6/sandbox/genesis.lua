--- What a sandbox starts with: a VPC with an IPv6 block, a subnet, an internet
--- gateway with routes to it, a security group that lets ICMPv6 in, the images.

local images = require "eni6.sandbox.catalogue.images"
local ipv4 = require "eni6.sandbox.state.ipv4"
local ipv6 = require "eni6.sandbox.state.ipv6"
local places = require "eni6.sandbox.catalogue.places"
local route_tables = require "eni6.sandbox.ec2.route_tables"
local security_groups = require "eni6.sandbox.ec2.security_groups"
local stock_images = require("eni6.sandbox.ec2.images").stock
local subnets = require "eni6.sandbox.ec2.subnets"
local vpcs = require "eni6.sandbox.ec2.vpcs"

local DEFAULT_SUBNET = "2001:db8:47b:ca03::/64"

-- The VPC's /56 around a subnet.
local function vpc_block(cidr)
  local length = math.min(56, cidr.length)
  return ipv6.cidr(tostring(cidr.prefix:first():prefix(length)))
end

local function allow_ping(world, vpc)
  local group = security_groups.create(world, { vpc = vpc, name = "eni6-sandbox", description = "ICMPv6 and SSH from anywhere" })
  security_groups.allow(world, group, { protocol = "icmpv6", from = -1, to = -1, kind = "ipv6", value = "::/0" })
  security_groups.allow(world, group, { protocol = "tcp", from = 22, to = 22, kind = "ipv6", value = "::/0" })
  return group
end

--- Fills an empty world.
---@param world table
---@param subnet_cidr string|nil an IPv6 /44 to /64
---@return { vpc_id: string, subnet_id: string, security_group_id: string, image_id: string }|nil ids
---@return string|nil message
---@return string|nil code "EINVAL"
return function(world, subnet_cidr)
  local cidr = ipv6.cidr(subnet_cidr or DEFAULT_SUBNET)
  if not cidr or cidr.length < 44 or cidr.length > 64 or cidr.length % 4 ~= 0 then
    return nil, "'" .. subnet_cidr .. "' is no IPv6 subnet of EC2: it takes an aligned prefix of /44, /48, … or /64", "EINVAL"
  end
  stock_images(world)
  local vpc = vpcs.create(world, { cidr = ipv4.cidr("10.0.0.0/16"), tags = { Name = "eni6-sandbox" } })
  vpcs.associate(world, vpc, vpc_block(cidr))
  local subnet = subnets.create(world, { vpc = vpc, cidr = ipv4.cidr("10.0.0.0/20"), ipv6_cidr = cidr,
    zone = places.zones(world.region)[1], tags = { Name = "eni6-sandbox" } })
  local gateway = world:insert("internet_gateway", { vpc = vpc })
  route_tables.add_route(vpc.main_route_table, "0.0.0.0/0", gateway)
  route_tables.add_route(vpc.main_route_table, "::/0", gateway)
  local group = allow_ping(world, vpc)
  world:see_all()
  return { vpc_id = vpc.id, subnet_id = subnet.id, security_group_id = group.id, image_id = images.default }
end
