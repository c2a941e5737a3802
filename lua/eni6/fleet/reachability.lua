--- Whether EC2 lets packets through to the hosts of a plan and their containers:
--- what it says of instances, addresses, security groups and routes, judged hop by
--- hop, each with the remedy where it is broken.

local existing = require "eni6.fleet.existing"
local failure = require "eni6.fleet.failure"
local gather = require "eni6.fleet.gather"
local ip6 = require "eni6.ip6"
local survey = require "eni6.fleet.survey"
local tags = require "eni6.fleet.tags"

local reachability = {}

local ECHO_REQUEST = 128 -- RFC 4443

-- --- asking -----------------------------------------------------------------------------

local function distinct(list, field)
  local values, seen = {}, {}
  for _, item in ipairs(list) do
    for _, value in ipairs(type(item[field]) == "table" and item[field] or { item[field] }) do
      if not seen[value] then values[#values + 1], seen[value] = value, true end
    end
  end
  return values
end

local function look_interfaces(ec2, name)
  local found = failure.want(ec2:all("DescribeNetworkInterfaces", { Filters = tags.filter(name), MaxResults = 1000 }))
  local list = {}
  for _, raw in ipairs(found.NetworkInterfaces) do
    local interface = existing.read(raw)
    interface.vpc, interface.source_dest_check = raw.VpcId, raw.SourceDestCheck
    if interface.host then list[#list + 1] = interface end
  end
  table.sort(list, function(a, b) return a.host < b.host end)
  return list
end

local function look_groups(ec2, interfaces)
  local ids, groups = distinct(interfaces, "groups"), {}
  if #ids == 0 then return groups end
  for _, group in ipairs(failure.want(ec2:DescribeSecurityGroups { GroupIds = ids }).SecurityGroups) do
    groups[group.GroupId] = group
  end
  return groups
end

local function look_route_tables(ec2, interfaces)
  local vpcs = distinct(interfaces, "vpc")
  if #vpcs == 0 then return {} end
  return failure.want(ec2:all("DescribeRouteTables", { Filters = { { Name = "vpc-id", Values = vpcs } } })).RouteTables
end

local function look_states(ec2, name)
  local states = {}
  for _, instance in ipairs(survey.instances(ec2, name)) do states[instance.InstanceId] = instance.State.Name end
  return states
end

--- Asks EC2.
---@param ec2 table  eni6.aws.ec2 client
---@param name string  the plan's
---@return table|nil facts { plan, interfaces (of eni6.fleet.existing, with vpc and source_dest_check), groups by id,
---  route_tables, states = instance states by id }
---@return string? message
---@return string? code
---@return table? detail
function reachability.look(ec2, name)
  return failure.catch(function()
    local first = gather {
      interfaces = function() return look_interfaces(ec2, name) end,
      states = function() return look_states(ec2, name) end,
    }
    local second = gather {
      groups = function() return look_groups(ec2, first.interfaces) end,
      route_tables = function() return look_route_tables(ec2, first.interfaces) end,
    }
    return { plan = name, interfaces = first.interfaces, states = first.states, groups = second.groups,
      route_tables = second.route_tables }
  end)
end

-- --- judging ----------------------------------------------------------------------------

local function judge_instance(add, interface, states)
  local state = interface.instance_id and states[interface.instance_id]
  if state == "running" then return add("pass", "instance", interface.instance_id .. " is running") end
  if not interface.instance_id then
    return add("fail", "instance", interface.id .. " is on no instance", "run provision.lua with the plan again")
  end
  add("fail", "instance", interface.instance_id .. " is " .. (state or "not of this plan"),
    state == "stopped" and "aws ec2 start-instances --instance-ids " .. interface.instance_id
      or state == "pending" and "wait a minute" or "run provision.lua with the plan again")
end

local function judge_addresses(add, interface)
  if not (interface.address and interface.block) then
    return add("fail", "addresses", interface.id .. " has lost its tags eni6:address and eni6:block",
      "tag it again, or make the host anew")
  end
  local addresses, prefixes = existing.missing(interface, interface, interface.delegated)
  for _, prefix in ipairs(prefixes) do addresses[#addresses + 1] = prefix end
  if #addresses == 0 then
    return add("pass", "addresses", string.format("%s and %s are assigned to %s", interface.address, interface.block,
      interface.id))
  end
  add("fail", "addresses", table.concat(addresses, ", ") .. " not assigned to " .. interface.id
    .. "; EC2 delivers nothing for them", string.format("aws ec2 assign-ipv6-addresses --network-interface-id %s --ipv6-%s %s",
      interface.id, #prefixes == #addresses and "prefixes" or "addresses", table.concat(addresses, " ")))
end

-- The check drops what is sent from an address that the interface does not hold, so
-- it bites only where addresses are missing.
local function judge_source_check(add, interface)
  if interface.source_dest_check == false then
    return add("pass", "source/destination check", "is off; it could be on")
  end
  add("pass", "source/destination check", "is on, and lets through what is assigned")
end

local function covers_echo(permission)
  local protocol = permission.IpProtocol
  if protocol == "-1" then return true end
  if protocol ~= "icmpv6" and protocol ~= "58" then return false end
  return permission.FromPort == nil or permission.FromPort == -1 or permission.FromPort == ECHO_REQUEST
end

local function has(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

local function covers_peer(permission, peer)
  for _, pair in ipairs(permission.UserIdGroupPairs or {}) do
    if has(peer.groups, pair.GroupId) then return true end
  end
  for _, range in ipairs(permission.Ipv6Ranges or {}) do
    local prefix = ip6.prefix(range.CidrIpv6)
    if prefix and prefix:contains(peer.address) and prefix:contains(peer.block) then return true end
  end
  return false
end

-- Whether any of an interface's groups lets echo requests from (or to) a peer pass.
local function allows(interface, groups, direction, peer)
  for _, id in ipairs(interface.groups) do
    for _, permission in ipairs(groups[id] and groups[id][direction] or {}) do
      if covers_echo(permission) and covers_peer(permission, peer) then return true end
    end
  end
  return false
end

local DIRECTIONS = {
  { name = "security group in", field = "IpPermissions", verb = "authorize-security-group-ingress", words = "from" },
  { name = "security group out", field = "IpPermissionsEgress", verb = "authorize-security-group-egress", words = "to" },
}

local RULE = "aws ec2 %s --group-id %s --ip-permissions "
  .. "IpProtocol=icmpv6,FromPort=-1,ToPort=-1,UserIdGroupPairs=[{GroupId=%s}]"

local function judge_groups(add, interface, facts, direction)
  local refused
  for _, peer in ipairs(facts.interfaces) do
    local known = peer ~= interface and peer.address and peer.block
    if known and not allows(interface, facts.groups, direction.field, peer) then
      refused = refused or { names = {}, peer = peer }
      table.insert(refused.names, peer.host)
    end
  end
  local groups = table.concat(interface.groups, ", ")
  if not refused then
    return add("pass", direction.name, groups .. " lets ICMPv6 pass " .. direction.words .. " the other hosts")
  end
  add("fail", direction.name, string.format("no rule of %s lets ICMPv6 pass %s %s", groups, direction.words,
    table.concat(refused.names, ", ")), RULE:format(direction.verb, interface.groups[1] or "GROUP",
      refused.peer.groups[1] or "GROUP"))
end

-- The table of a subnet: its own, else the main one of its VPC.
local function table_of(interface, route_tables)
  local main
  for _, route_table in ipairs(route_tables) do
    for _, association in ipairs(route_table.Associations or {}) do
      if association.SubnetId == interface.subnet then return route_table end
      if association.Main and route_table.VpcId == interface.vpc then main = route_table end
    end
  end
  return main
end

local function default_route(route_table)
  for _, route in ipairs(route_table and route_table.Routes or {}) do
    if route.DestinationIpv6CidrBlock == "::/0" then return route end
  end
end

local ROUTE = "aws ec2 %s-route --route-table-id %s --destination-ipv6-cidr-block ::/0 --gateway-id IGW"
  .. " (the internet gateway attached to %s)"

local function judge_route(add, interface, route_tables)
  local route_table = table_of(interface, route_tables)
  local route, id = default_route(route_table), route_table and route_table.RouteTableId or "the route table"
  if not route then
    return add("fail", "internet route", id .. " of " .. interface.subnet .. " has no route to ::/0",
      ROUTE:format("create", id, interface.vpc))
  end
  local gateway = route.GatewayId or ""
  if route.State == "active" and gateway:find("^igw%-") then
    return add("pass", "internet route", id .. " leads ::/0 to " .. gateway)
  end
  local problem = route.EgressOnlyInternetGatewayId and "to an egress-only gateway, which lets nobody in"
    or route.State ~= "active" and "to something that is gone" or "to what is no internet gateway"
  add("fail", "internet route", id .. " leads ::/0 " .. problem, ROUTE:format("replace", id, interface.vpc))
end

local function judge_host(rows, interface, facts)
  local function add(state, name, text, remedy)
    rows[#rows + 1] = { subject = interface.host, name = name, state = state, text = text, remedy = remedy }
  end
  judge_instance(add, interface, facts.states)
  judge_addresses(add, interface)
  judge_source_check(add, interface)
  for _, direction in ipairs(DIRECTIONS) do judge_groups(add, interface, facts, direction) end
  judge_route(add, interface, facts.route_tables)
end

--- Judges what `look` found. Pure.
---@param facts table
---@return { subject: string, name: string, state: "pass"|"fail"|"skip", text: string, remedy: string? }[] rows
function reachability.judge(facts)
  local rows = {}
  for _, interface in ipairs(facts.interfaces) do judge_host(rows, interface, facts) end
  if #rows == 0 then
    rows[1] = { subject = facts.plan, name = "hosts", state = "fail", text = "EC2 has none of this plan",
      remedy = "check region and credentials, or run provision.lua with the plan" }
  end
  return rows
end

--- The addresses of a plan's hosts except one: whom that one should reach.
---@param facts table
---@param own string|nil  interface id that is left out
---@return string[]
function reachability.peers(facts, own)
  local list = {}
  for _, interface in ipairs(facts.interfaces) do
    if interface.id ~= own and interface.address then list[#list + 1] = tostring(interface.address) end
  end
  return list
end

return reachability
