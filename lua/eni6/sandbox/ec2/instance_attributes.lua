--- What can be asked and changed of an instance beside its state: attributes,
--- metadata options, console output.

local base64 = require "eni6.base64"
local instances = require "eni6.sandbox.ec2.instances"
local launch = require "eni6.sandbox.ec2.launch"
local network_interfaces = require "eni6.sandbox.ec2.network_interfaces"
local refuse = require("eni6.sandbox.refusal").refuse
local timestamp = require("eni6.sandbox.ec2.shapes").timestamp
local types = require "eni6.sandbox.ec2.types"

local M = {}
local operations = {}
M.operations = operations

local function value_of(field)
  return function(instance) return { value = instance[field] } end
end

local ATTRIBUTES = {
  instanceType = value_of("type"),
  userData = function(instance) return instance.user_data and { value = instance.user_data } or {} end,
  disableApiTermination = value_of("disable_api_termination"),
  disableApiStop = value_of("disable_api_stop"),
  instanceInitiatedShutdownBehavior = value_of("shutdown_behavior"),
  ebsOptimized = value_of("ebs_optimized"),
  rootDeviceName = function(instance) return { value = instance.image.root_device } end,
  enaSupport = function() return { value = true } end,
  sourceDestCheck = function(instance)
    return { value = instance.interfaces[1] and instance.interfaces[1].source_dest_check or false }
  end,
  groupSet = function(instance)
    return instance.interfaces[1] and network_interfaces.groups_view(instance.interfaces[1].groups) or {}
  end,
}

operations.DescribeInstanceAttribute = {
  parameters = { InstanceId = "string!", Attribute = "string!" },
  run = function(world, params)
    local instance = world:find("instance", params.InstanceId)
    local show = ATTRIBUTES[params.Attribute]
      or refuse("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", params.Attribute)
    return function() return { instanceId = instance.id, [params.Attribute] = show(instance) } end
  end,
}

-- Each attribute that can be modified: what to check, then what to do.
local CHANGES = {
  DisableApiTermination = function(instance, value) instance.disable_api_termination = value end,
  DisableApiStop = function(instance, value) instance.disable_api_stop = value end,
  InstanceInitiatedShutdownBehavior = function(instance, value) instance.shutdown_behavior = value end,
  EbsOptimized = function(instance, value) instance.ebs_optimized = value end,
  InstanceType = function(instance, value) instance.type = value end,
  UserData = function(instance, value) instance.user_data = value end,
  SourceDestCheck = function(instance, value) instance.interfaces[1].source_dest_check = value end,
  GroupId = function(instance, groups) instance.interfaces[1].groups = groups end,
}

local NEEDS_STOPPED = { InstanceType = true, UserData = true, EbsOptimized = true }

local function check_change(world, instance, name, value)
  if NEEDS_STOPPED[name] and instance.state ~= "stopped" then
    refuse("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", instance.id)
  end
  if name == "InstanceType" then types.find(value) end
  if name == "UserData" then launch.check_user_data(value) end
  if (name == "GroupId" or name == "SourceDestCheck") and #instance.interfaces ~= 1 then
    refuse("InvalidInstanceID", "There are multiple interfaces attached to instance '%s'. Please specify an interface ID for "
      .. "the operation instead.", instance.id)
  end
  if name == "GroupId" then return network_interfaces.check_groups(world, value, instance.interfaces[1].vpc) end
  return value
end

-- The one attribute that a request changes, in either form of the request.
local function asked(params)
  local found
  for name in pairs(CHANGES) do
    local given = params[name]
    if given ~= nil then
      if found then refuse("InvalidParameterCombination", "Fields for multiple attribute types specified: only one may be") end
      local value = given
      if type(given) == "table" and name ~= "GroupId" then value = given.Value end
      found = { name = name, value = value }
    end
  end
  return found or refuse("InvalidParameterCombination", "No attributes specified.")
end

operations.ModifyInstanceAttribute = {
  parameters = {
    InstanceId = "string!", DisableApiTermination = { Value = "boolean" }, DisableApiStop = { Value = "boolean" },
    InstanceInitiatedShutdownBehavior = { Value = "string" }, EbsOptimized = { Value = "boolean" },
    InstanceType = { Value = "string" }, UserData = { Value = "string" }, SourceDestCheck = { Value = "boolean" },
    GroupId = { "string" },
  },
  run = function(world, params)
    local instance = world:find("instance", params.InstanceId)
    local change = asked(params)
    local value = check_change(world, instance, change.name, change.value)
    return function()
      CHANGES[change.name](instance, value)
      world:notify("instance.changed", instance)
      return { ["return"] = true }
    end
  end,
}

local metadata_parameters = { InstanceId = "string!" }
for name, of in pairs(launch.metadata_parameters) do metadata_parameters[name] = of end

operations.ModifyInstanceMetadataOptions = {
  parameters = metadata_parameters,
  run = function(world, params)
    local instance = world:find("instance", params.InstanceId)
    local given = {}
    for name in pairs(launch.metadata_parameters) do given[name] = params[name] end
    local options = launch.check_metadata(given, instance.metadata, instance.tags)
    return function()
      instance.metadata = options
      local shown = instances.metadata_view(instance)
      shown.state = "pending"
      world:notify("instance.changed", instance)
      return { instanceId = instance.id, instanceMetadataOptions = shown }
    end
  end,
}

local NO_CONSOLE = "[    0.000000] eni6 sandbox: no machine runs behind this instance\n"

operations.GetConsoleOutput = {
  parameters = { InstanceId = "string!", Latest = "boolean" },
  run = function(world, params)
    local instance = world:find("instance", params.InstanceId)
    return function()
      local text = instance.state == "running" and (instance.console or NO_CONSOLE) or ""
      return { instanceId = instance.id, timestamp = timestamp(world.clock()), output = base64.encode(text) }
    end
  end,
}

return M
