--- What EC2 has, before anything is made: the subnet and what is in use in it,
-- what the plan made earlier, and whether type, image, groups and key are as the
-- plan says. All questions go out at once. What EC2 does not have is a fault of
-- the plan, like one found in its file.

local ip6 = require "eni6.ip6"
local existing = require "eni6.fleet.existing"
local failure = require "eni6.fleet.failure"
local gather = require "eni6.fleet.gather"
local patience = require "eni6.fleet.patience"
local tags = require "eni6.fleet.tags"

local survey = {}

local want = failure.want

--- The IPv6 block of a described subnet, if it has one.
---@param subnet table
---@return any|nil  eni6.ip6 prefix
function survey.prefix_of(subnet)
  for _, association in ipairs(subnet.Ipv6CidrBlockAssociationSet or {}) do
    local state = association.Ipv6CidrBlockState and association.Ipv6CidrBlockState.State
    if state == "associated" then return ip6.prefix(association.Ipv6CidrBlock) end
  end
end
-- Turns EC2's "there is no such thing" into a fault at the field that names it.
local function fault_if(codes, report, path, remedy, value, message, code, detail)
  if value == nil and codes[code] then
    report:add(path, message .. "; " .. remedy, "")
    return false
  end
  return want(value, message, code, detail)
end

local function look_subnet(ec2, plan, report)
  local found = fault_if({ ["InvalidSubnetID.NotFound"] = true }, report, plan.sources.subnet,
    "check the id and the region (" .. ec2.region .. ")", ec2:DescribeSubnets { SubnetIds = { plan.subnet } })
  if not found then return false end
  local subnet = found.Subnets[1]
  local prefix = survey.prefix_of(subnet)
  if not prefix then
    report:add(plan.sources.subnet, plan.subnet .. " has no IPv6 block; give it one (aws ec2 associate-subnet-cidr-block), "
      .. "name a subnet that has one, or say vpc = true to have a network made", "")
    return false
  end
  return { id = subnet.SubnetId, vpc = subnet.VpcId, prefix = prefix }
end

--- Interfaces by filters.
---@param ec2 table
---@param filters table[]
---@return table[]  of eni6.fleet.existing.read
function survey.interfaces(ec2, filters)
  local found = patience.ask(function()
    return ec2:all("DescribeNetworkInterfaces", { Filters = filters, MaxResults = 1000 })
  end)
  local list = {}
  for i, interface in ipairs(found.NetworkInterfaces) do list[i] = existing.read(interface) end
  return list
end

--- Every interface in a subnet.
---@param ec2 table
---@param subnet string
---@return table[]  of eni6.fleet.existing.read
function survey.subnet_interfaces(ec2, subnet)
  return survey.interfaces(ec2, { { Name = "subnet-id", Values = { subnet } } })
end

local function described(ec2, filters)
  local found = patience.ask(function() return ec2:all("DescribeInstances", { Filters = filters, MaxResults = 1000 }) end)
  local list = {}
  for _, reservation in ipairs(found.Reservations) do
    for _, instance in ipairs(reservation.Instances) do list[#list + 1] = instance end
  end
  return list
end

--- The instances that carry the plan's tag, whatever their state.
---@param ec2 table
---@param name string  the plan's
---@return table[]     as EC2 describes them
function survey.instances(ec2, name) return described(ec2, tags.filter(name)) end

--- One instance; nil when EC2 does not show it.
---@param ec2 table
---@param id string
---@return table|nil
function survey.instance(ec2, id) return described(ec2, { { Name = "instance-id", Values = { id } } })[1] end

-- The distinct values of a field over all hosts, with the path of the first that has it.
local function distinct(plan, field)
  local list, paths = {}, {}
  for _, host in ipairs(plan.hosts) do
    local value = host[field]
    if not paths[value] then
      list[#list + 1] = value
      paths[value] = value == plan[field] and plan.sources[field] or host.path .. "." .. field
    end
  end
  return list, paths
end

-- Reports values that EC2 does not have where the plan names them.
local function report_absent(report, list, paths, found, words)
  for _, value in ipairs(list) do
    if not found[value] then report:add(paths[value], value .. " " .. words, "") end
  end
end

-- The types by name. A filter, unlike a list of names, leaves out what is unknown.
local function look_types(ec2, plan, report)
  local list, paths = distinct(plan, "instance_type")
  local found = want(ec2:all("DescribeInstanceTypes", { Filters = { { Name = "instance-type", Values = list } } }))
  local types = {}
  for _, one in ipairs(found.InstanceTypes) do types[one.InstanceType] = one end
  report_absent(report, list, paths, types, "is no instance type in " .. ec2.region
    .. "; list them with: aws ec2 describe-instance-types")
  return types
end

local function look_images(ec2, plan, report)
  local list, paths = distinct(plan, "image")
  local ids, images = {}, {}
  for _, image in ipairs(list) do
    if image:match("^ami%-") then ids[#ids + 1] = image end
  end
  if #ids == 0 then return images end
  local found = want(ec2:DescribeImages { Filters = { { Name = "image-id", Values = ids } } })
  for _, image in ipairs(found.Images) do images[image.ImageId] = image end
  report_absent(report, ids, paths, images, "is no image in " .. ec2.region
    .. " that this account can use; images have other ids in each region")
  return images
end

local function look_groups(ec2, plan, report)
  if not plan.security_groups then return {} end
  local codes = { ["InvalidGroup.NotFound"] = true, ["InvalidGroupId.Malformed"] = true, ["InvalidGroupId.NotFound"] = true }
  local found = fault_if(codes, report, plan.sources.security_groups, "check the ids and the region (" .. ec2.region .. ")",
    ec2:DescribeSecurityGroups { GroupIds = plan.security_groups })
  return found and found.SecurityGroups or {}
end

--- The key pair that EC2 has under the plan's name for it.
---@param ec2 table
---@param plan table
---@return table|false
function survey.key(ec2, plan)
  if not plan.key then return false end
  return want(ec2:DescribeKeyPairs { Filters = { { Name = "key-name", Values = { tags.literal(plan.key.name) } } },
    IncludePublicKey = true }).KeyPairs[1] or false
end

-- The subnet's CIDR reservations; to see them takes a permission of its own.
local function look_reservations(ec2, plan)
  local found, message, code, detail = ec2:GetSubnetCidrReservations { SubnetId = plan.subnet }
  if code == "UnauthorizedOperation" or code == "InvalidSubnetID.NotFound" then return {} end
  want(found, message, code, detail)
  local list = {}
  for i, item in ipairs(found.SubnetIpv6CidrReservations or {}) do
    list[i] = { prefix = ip6.prefix(item.Cidr), type = item.ReservationType }
  end
  return list
end

local function questions(ec2, plan, report)
  local jobs = {
    instances = function() return survey.instances(ec2, plan.name) end,
    tagged = function() return survey.interfaces(ec2, tags.filter(plan.name)) end,
    types = function() return look_types(ec2, plan, report) end,
    images = function() return look_images(ec2, plan, report) end,
    key = function() return survey.key(ec2, plan) end,
  }
  if plan.subnet then
    jobs.subnet = function() return look_subnet(ec2, plan, report) end
    jobs.in_subnet = function() return survey.subnet_interfaces(ec2, plan.subnet) end
    jobs.groups = function() return look_groups(ec2, plan, report) end
    jobs.reservations = function() return look_reservations(ec2, plan) end
  end
  return jobs
end

-- Interfaces of the plan may lie in another subnet: the two lists as one.
local function merged(in_subnet, tagged)
  local list, seen = {}, {}
  for _, part in ipairs { in_subnet, tagged } do
    for _, interface in ipairs(part) do
      if not seen[interface.id] then list[#list + 1] = interface end
      seen[interface.id] = true
    end
  end
  return list
end

-- The interfaces of the plan's instances that are not in the list: too new to be
-- shown by their tags, or not the plan's.
local function unseen(instances, interfaces)
  local seen, ids = {}, {}
  for _, interface in ipairs(interfaces) do seen[interface.id] = true end
  for _, instance in ipairs(instances) do
    for _, interface in ipairs(instance.NetworkInterfaces or {}) do
      if not seen[interface.NetworkInterfaceId] then ids[#ids + 1] = interface.NetworkInterfaceId end
    end
  end
  return ids
end

-- Waits for them to be shown, but not for ever.
local function look_unseen(ec2, facts, seconds)
  local ids = unseen(facts.instances, facts.interfaces)
  if #ids == 0 then return end
  patience.try(seconds, function()
    local found = survey.interfaces(ec2, { { Name = "network-interface-id", Values = ids } })
    facts.interfaces = merged(facts.interfaces, found)
    return #found == #ids or patience.AGAIN
  end)
end

--- Asks all that has to be known before something is made. Failures are raised.
---@param ec2 table       eni6.aws.ec2 client
---@param plan table      of eni6.fleet.plan.load
---@param report table    eni6.fleet.faults: gets what EC2 does not have
---@param seconds number  for EC2 to show what was just made
---@return table facts  { subnet = { id, vpc, prefix }|false, interfaces, instances, types, images, groups, key,
---  reservations }
function survey.look(ec2, plan, report, seconds)
  local facts = gather(questions(ec2, plan, report))
  facts.interfaces = merged(facts.in_subnet or {}, facts.tagged)
  look_unseen(ec2, facts, seconds)
  facts.subnet, facts.groups = facts.subnet or false, facts.groups or {}
  facts.reservations = facts.reservations or {}
  return facts
end

--- Adds what is in a subnet that became known later.
---@param ec2 table
---@param facts table
---@param subnet string
function survey.look_into(ec2, facts, subnet)
  facts.interfaces = merged(survey.subnet_interfaces(ec2, subnet), facts.interfaces)
end

return survey
