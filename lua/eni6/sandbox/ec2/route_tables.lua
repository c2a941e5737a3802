--- Route tables, their routes and associations.

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local ipv4 = require "eni6.sandbox.state.ipv4"
local ipv6 = require "eni6.sandbox.state.ipv6"
local refuse = require("eni6.sandbox.refusal").refuse
local tags = require "eni6.sandbox.ec2.tags"

local M = {}
local operations = {}
M.operations = operations

--- Makes a route table.
---@param world table
---@param fields { vpc: table, main: boolean|nil, tags: table|nil }
---@return table
function M.create(world, fields)
  return world:insert("route_table", {
    vpc = fields.vpc,
    main_association = fields.main and world:new_id("rtbassoc") or nil,
    subnets = {}, -- association ids by subnet id
    routes = {}, -- { ipv6 = boolean, destination = text, target = record }
    tags = fields.tags,
  })
end

--- Adds a route.
---@param route_table table
---@param destination string canonical CIDR
---@param target table internet gateway or network interface
function M.add_route(route_table, destination, target)
  table.insert(route_table.routes, { destination = destination, target = target, wide = destination:find(":", 1, true) ~= nil })
end

local function target_view(target)
  if target.family == "internet_gateway" then return { gatewayId = target.id } end
  local instance = target.attachment and target.attachment.instance
  return { networkInterfaceId = target.id, instanceId = instance and instance.id }
end

local function route_view(route)
  local view = target_view(route.target)
  view.state = route.target.deleted and "blackhole" or "active"
  if route.target.family == "internet_gateway" and not route.target.vpc then view.state = "blackhole" end
  view.origin = "CreateRoute"
  view[route.wide and "destinationIpv6CidrBlock" or "destinationCidrBlock"] = route.destination
  return view
end

local function routes_view(route_table)
  local vpc = route_table.vpc
  local set = { { destinationCidrBlock = vpc.cidr.text, gatewayId = "local", state = "active", origin = "CreateRouteTable" } }
  for _, association in ipairs(vpc.ipv6) do
    set[#set + 1] = { destinationIpv6CidrBlock = association.cidr.text, gatewayId = "local", state = "active",
      origin = "CreateRouteTable" }
  end
  for _, route in ipairs(route_table.routes) do set[#set + 1] = route_view(route) end
  return set
end

-- The associations in the order of their ids.
local function associations(route_table)
  local list = {}
  for subnet_id, id in pairs(route_table.subnets) do list[#list + 1] = { id = id, subnet_id = subnet_id } end
  table.sort(list, function(a, b) return a.id < b.id end)
  if route_table.main_association then table.insert(list, 1, { id = route_table.main_association, main = true }) end
  return list
end

local function associations_view(route_table)
  local set = {}
  for i, association in ipairs(associations(route_table)) do
    set[i] = { routeTableAssociationId = association.id, routeTableId = route_table.id, subnetId = association.subnet_id,
      main = association.main or false, associationState = { state = "associated" } }
  end
  return set
end

local function view(route_table, world)
  return {
    routeTableId = route_table.id,
    vpcId = route_table.vpc.id,
    ownerId = world.account,
    routeSet = routes_view(route_table),
    associationSet = associations_view(route_table),
    propagatingVgwSet = {},
    tagSet = tags.view(route_table),
  }
end

local function of_associations(field)
  return function(route_table)
    local list = {}
    for _, association in ipairs(associations(route_table)) do list[#list + 1] = association[field] end
    return list
  end
end

local function of_routes(field)
  return function(route_table)
    local list = {}
    for _, route in ipairs(routes_view(route_table)) do list[#list + 1] = route[field] end
    return list
  end
end

local getters = filters.fields { ["route-table-id"] = "id" }
getters["vpc-id"] = function(route_table) return route_table.vpc.id end
getters["owner-id"] = function(_, world) return world.account end
getters["association.subnet-id"] = of_associations("subnet_id")
getters["association.route-table-association-id"] = of_associations("id")
getters["association.route-table-id"] = function(route_table) return #associations(route_table) > 0 and route_table.id or nil end
getters["association.main"] = function(route_table) return route_table.main_association ~= nil end
getters["route.gateway-id"] = of_routes("gatewayId")
getters["route.destination-cidr-block"] = of_routes("destinationCidrBlock")
getters["route.destination-ipv6-cidr-block"] = of_routes("destinationIpv6CidrBlock")
getters["route.instance-id"] = of_routes("instanceId")
getters["route.origin"] = of_routes("origin")
getters["route.state"] = of_routes("state")

operations.DescribeRouteTables = describe.operation {
  family = "route_table", ids = "RouteTableId", set = "routeTableSet", view = view, filters = getters, bounds = { 5, 100 },
}

operations.CreateRouteTable = {
  parameters = { VpcId = "string!", TagSpecification = tags.parameters },
  run = function(world, params)
    local vpc = world:find("vpc", params.VpcId)
    local specified = tags.specified(params.TagSpecification, "route-table")
    return function()
      local route_table = M.create(world, { vpc = vpc, tags = specified["route-table"] })
      return { routeTable = view(route_table, world) }
    end
  end,
}

operations.DeleteRouteTable = {
  parameters = { RouteTableId = "string!" },
  run = function(world, params)
    local route_table = world:find("route_table", params.RouteTableId)
    if #associations(route_table) > 0 then
      refuse("DependencyViolation", "The routeTable '%s' has dependencies and cannot be deleted.", route_table.id)
    end
    return function()
      world:remove(route_table)
      return { ["return"] = true }
    end
  end,
}

local function table_of_subnet(world, subnet_id)
  return world:all("route_table", function(route_table) return route_table.subnets[subnet_id] ~= nil end)[1]
end

operations.AssociateRouteTable = {
  parameters = { RouteTableId = "string!", SubnetId = "string!" },
  run = function(world, params)
    local route_table = world:find("route_table", params.RouteTableId)
    local subnet = world:find("subnet", params.SubnetId)
    if subnet.vpc ~= route_table.vpc then
      refuse("InvalidParameterValue", "Route table %s and subnet %s belong to different networks", route_table.id, subnet.id)
    end
    local other = table_of_subnet(world, subnet.id)
    if other and other ~= route_table then
      refuse("Resource.AlreadyAssociated",
        "the specified association for route table %s conflicts with an existing association", route_table.id)
    end
    return function()
      local id = route_table.subnets[subnet.id] or world:new_id("rtbassoc")
      route_table.subnets[subnet.id] = id
      return { associationId = id, associationState = { state = "associated" } }
    end
  end,
}

local function find_association(world, id)
  for _, route_table in ipairs(world:all("route_table")) do
    for _, association in ipairs(associations(route_table)) do
      if association.id == id then return route_table, association end
    end
  end
  return refuse("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
end

operations.DisassociateRouteTable = {
  parameters = { AssociationId = "string!" },
  run = function(world, params)
    local route_table, association = find_association(world, params.AssociationId)
    if association.main then
      refuse("InvalidParameterValue", "cannot disassociate the main route table association %s", association.id)
    end
    return function()
      route_table.subnets[association.subnet_id] = nil
      return { ["return"] = true }
    end
  end,
}

operations.ReplaceRouteTableAssociation = {
  parameters = { AssociationId = "string!", RouteTableId = "string!" },
  run = function(world, params)
    local old, association = find_association(world, params.AssociationId)
    local route_table = world:find("route_table", params.RouteTableId)
    if old.vpc ~= route_table.vpc then
      refuse("InvalidParameterValue", "Route tables %s and %s belong to different networks", old.id, route_table.id)
    end
    return function()
      local id = world:new_id("rtbassoc")
      if association.main then
        old.main_association, route_table.main_association = nil, id
        route_table.vpc.main_route_table = route_table
      else
        old.subnets[association.subnet_id], route_table.subnets[association.subnet_id] = nil, id
      end
      return { newAssociationId = id, associationState = { state = "associated" } }
    end
  end,
}

local ROUTE = { RouteTableId = "string!", DestinationCidrBlock = "string", DestinationIpv6CidrBlock = "string" }

local function with_target(parameters)
  local all = { GatewayId = "string", NetworkInterfaceId = "string" }
  for name, of in pairs(parameters) do all[name] = of end
  return all
end

local function check_destination(params)
  if (params.DestinationCidrBlock == nil) == (params.DestinationIpv6CidrBlock == nil) then
    refuse("InvalidParameterCombination", "Specify exactly one of destinationCidrBlock and destinationIpv6CidrBlock")
  end
  local text = params.DestinationIpv6CidrBlock or params.DestinationCidrBlock
  local cidr = params.DestinationIpv6CidrBlock and ipv6.cidr(text) or not params.DestinationIpv6CidrBlock and ipv4.cidr(text)
  if not cidr then refuse("InvalidParameterValue", "Value (%s) for parameter destinationCidrBlock is invalid.", text) end
  return cidr.text
end

local function check_target(world, params, route_table)
  if (params.GatewayId == nil) == (params.NetworkInterfaceId == nil) then
    refuse("InvalidParameterCombination", "Specify exactly one of gatewayId and networkInterfaceId")
  end
  if params.NetworkInterfaceId then return world:find("network_interface", params.NetworkInterfaceId) end
  local gateway = world:find("internet_gateway", params.GatewayId)
  if gateway.vpc ~= route_table.vpc then
    refuse("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", route_table.id,
      gateway.id)
  end
  return gateway
end

local function find_route(route_table, destination)
  for i, route in ipairs(route_table.routes) do
    if route.destination == destination then return route, i end
  end
end

local function check_not_local(route_table, destination)
  local vpc = route_table.vpc
  local clash = destination == vpc.cidr.text
  for _, association in ipairs(vpc.ipv6) do clash = clash or destination == association.cidr.text end
  if clash then refuse("RouteAlreadyExists", "The route identified by %s already exists.", destination) end
end

operations.CreateRoute = {
  parameters = with_target(ROUTE),
  run = function(world, params)
    local route_table = world:find("route_table", params.RouteTableId)
    local destination = check_destination(params)
    local target = check_target(world, params, route_table)
    check_not_local(route_table, destination)
    local route = find_route(route_table, destination)
    if route and route.target ~= target then
      refuse("RouteAlreadyExists", "The route identified by %s already exists.", destination)
    end
    return function()
      if not route then M.add_route(route_table, destination, target) end
      return { ["return"] = true }
    end
  end,
}

local function existing_route(world, params)
  local route_table = world:find("route_table", params.RouteTableId)
  local destination = check_destination(params)
  local route, place = find_route(route_table, destination)
  if not route then
    refuse("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", destination, route_table.id)
  end
  return route_table, route, place
end

operations.ReplaceRoute = {
  parameters = with_target(ROUTE),
  run = function(world, params)
    local route_table, route = existing_route(world, params)
    local target = check_target(world, params, route_table)
    return function()
      route.target = target
      return { ["return"] = true }
    end
  end,
}

operations.DeleteRoute = {
  parameters = ROUTE,
  run = function(world, params)
    local route_table, _, place = existing_route(world, params)
    return function()
      table.remove(route_table.routes, place)
      return { ["return"] = true }
    end
  end,
}

return M
