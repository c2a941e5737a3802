--- Internet gateways.

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local refuse = require("eni6.sandbox.refusal").refuse
local tags = require "eni6.sandbox.ec2.tags"

local M = {}
local operations = {}
M.operations = operations

local function view(gateway, world)
  return {
    internetGatewayId = gateway.id,
    ownerId = world.account,
    attachmentSet = gateway.vpc and { { vpcId = gateway.vpc.id, state = "available" } } or {},
    tagSet = tags.view(gateway),
  }
end

local getters = filters.fields { ["internet-gateway-id"] = "id" }
getters["attachment.vpc-id"] = function(gateway) return gateway.vpc and gateway.vpc.id end
getters["attachment.state"] = function(gateway) return gateway.vpc and "available" end
getters["owner-id"] = function(_, world) return world.account end

operations.DescribeInternetGateways = describe.operation {
  family = "internet_gateway", ids = "InternetGatewayId", set = "internetGatewaySet", view = view, filters = getters,
  bounds = { 5, 1000 },
}

operations.CreateInternetGateway = {
  parameters = { TagSpecification = tags.parameters },
  run = function(world, params)
    local specified = tags.specified(params.TagSpecification, "internet-gateway")
    return function()
      local gateway = world:insert("internet_gateway", { tags = specified["internet-gateway"] })
      return { internetGateway = view(gateway, world) }
    end
  end,
}

local function gateway_of(world, vpc)
  return world:all("internet_gateway", function(gateway) return gateway.vpc == vpc end)[1]
end

operations.AttachInternetGateway = {
  parameters = { InternetGatewayId = "string!", VpcId = "string!" },
  run = function(world, params)
    local gateway = world:find("internet_gateway", params.InternetGatewayId)
    local vpc = world:find("vpc", params.VpcId)
    if gateway.vpc then
      refuse("Resource.AlreadyAssociated", "resource %s is already attached to network %s", gateway.id, gateway.vpc.id)
    end
    if gateway_of(world, vpc) then
      refuse("InvalidParameterValue", "Network %s already has an internet gateway attached", vpc.id)
    end
    return function()
      gateway.vpc = vpc
      return { ["return"] = true }
    end
  end,
}

operations.DetachInternetGateway = {
  parameters = { InternetGatewayId = "string!", VpcId = "string!" },
  run = function(world, params)
    local gateway = world:find("internet_gateway", params.InternetGatewayId)
    local vpc = world:find("vpc", params.VpcId)
    if gateway.vpc ~= vpc then
      refuse("Gateway.NotAttached", "resource %s is not attached to network %s", gateway.id, vpc.id)
    end
    return function()
      gateway.vpc = nil
      return { ["return"] = true }
    end
  end,
}

operations.DeleteInternetGateway = {
  parameters = { InternetGatewayId = "string!" },
  run = function(world, params)
    local gateway = world:find("internet_gateway", params.InternetGatewayId)
    if gateway.vpc then
      refuse("DependencyViolation", "The internetGateway '%s' has dependencies and cannot be deleted.", gateway.id)
    end
    return function()
      world:remove(gateway)
      return { ["return"] = true }
    end
  end,
}

return M
