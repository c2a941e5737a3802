--- Instances: their descriptions and their way through the states. Launching is
--- in `launch`, attributes in `instance_attributes`.

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local instances = require "eni6.sandbox.state.instances"
local network_interfaces = require "eni6.sandbox.ec2.network_interfaces"
local paging = require "eni6.sandbox.paging"
local refuse = require("eni6.sandbox.refusal").refuse
local state_interfaces = require "eni6.sandbox.state.interfaces"
local tags = require "eni6.sandbox.ec2.tags"
local timestamp = require("eni6.sandbox.ec2.shapes").timestamp

local M = {}
local operations = {}
M.operations = operations

local function state_view(state) return { code = instances.CODES[state], name = state } end

local function interface_view(interface, world)
  local view = network_interfaces.core_view(interface, world)
  local attachment = interface.attachment
  view.attachment = {
    attachmentId = attachment.id, attachTime = timestamp(attachment.time), status = attachment.status,
    deviceIndex = attachment.device_index, networkCardIndex = attachment.card_index,
    deleteOnTermination = attachment.delete_on_termination,
  }
  return view
end

--- The options of the metadata service as answers show them.
---@param instance table
---@return table
function M.metadata_view(instance)
  local options = instance.metadata
  return { state = options.state, httpTokens = options.HttpTokens, httpEndpoint = options.HttpEndpoint,
    httpPutResponseHopLimit = options.HttpPutResponseHopLimit, httpProtocolIpv6 = options.HttpProtocolIpv6,
    instanceMetadataTags = options.InstanceMetadataTags }
end

-- What an instance shows of its network; nothing once it is terminated.
local function network_view(instance, world)
  local primary = instance.interfaces[1]
  local set = {}
  for i, interface in ipairs(instance.interfaces) do set[i] = interface_view(interface, world) end
  if not primary then return { networkInterfaceSet = {}, groupSet = {} } end
  local private = state_interfaces.private_ipv4(primary)[1]
  return {
    networkInterfaceSet = set,
    subnetId = primary.subnet.id,
    vpcId = primary.vpc.id,
    privateIpAddress = private,
    privateDnsName = private and network_interfaces.private_name(private, world),
    ipv6Address = primary.ipv6[1],
    sourceDestCheck = primary.source_dest_check,
    groupSet = network_interfaces.groups_view(primary.groups),
  }
end

local REASON_CODES = { ["User initiated"] = "Client.UserInitiatedShutdown" }

local function device_view(instance)
  if instance.state == "terminated" then return {} end
  return { {
    deviceName = instance.image.root_device,
    ebs = { volumeId = instance.volume, status = "attached", attachTime = timestamp(instance.created),
      deleteOnTermination = true },
  } }
end

local function view(instance, world)
  local shown = network_view(instance, world)
  shown.instanceId = instance.id
  shown.imageId = instance.image.id
  shown.instanceState = state_view(instance.state)
  shown.stateReason = instance.reason and { code = REASON_CODES[instance.reason], message = REASON_CODES[instance.reason]
    .. ": " .. instance.reason }
  shown.reason = instance.reason and instance.reason .. " (" .. timestamp(world.clock()) .. ")" or ""
  shown.dnsName = ""
  shown.privateDnsName = shown.privateDnsName or ""
  shown.keyName = instance.key_name
  shown.amiLaunchIndex = instance.launch_index
  shown.instanceType = instance.type
  shown.launchTime = timestamp(instance.launch_time)
  shown.placement = { availabilityZone = instance.zone.name, groupName = "", tenancy = "default" }
  shown.monitoring = { state = instance.monitoring and "enabled" or "disabled" }
  shown.architecture = instance.image.architecture
  shown.rootDeviceType = "ebs"
  shown.rootDeviceName = instance.image.root_device
  shown.blockDeviceMapping = device_view(instance)
  shown.virtualizationType = "hvm"
  shown.hypervisor = "xen"
  shown.clientToken = instance.client_token or ""
  shown.ebsOptimized = instance.ebs_optimized
  shown.enaSupport = true
  shown.iamInstanceProfile = instance.profile
  shown.metadataOptions = M.metadata_view(instance)
  shown.enclaveOptions = { enabled = false }
  shown.hibernationOptions = { configured = false }
  shown.maintenanceOptions = { autoRecovery = "default" }
  shown.platformDetails = "Linux/UNIX"
  shown.usageOperation = "RunInstances"
  shown.tagSet = tags.view(instance)
  return shown
end

--- Instances as answers show them: in their reservations.
---@param list table[] instances in the order of their serials
---@param world table
---@return table[]
function M.reservations_view(list, world)
  local set, by_id = {}, {}
  for _, instance in ipairs(list) do
    local reservation = by_id[instance.reservation]
    if not reservation then
      reservation = { reservationId = instance.reservation, ownerId = world.account, groupSet = {}, instancesSet = {} }
      by_id[instance.reservation] = reservation
      set[#set + 1] = reservation
    end
    table.insert(reservation.instancesSet, view(instance, world))
  end
  return set
end

-- A getter over the instance's interfaces, through an interface's own getter.
local function of_interfaces(field)
  return function(instance)
    local list = {}
    for _, interface in ipairs(instance.interfaces) do
      local got = field(interface)
      for _, value in ipairs(type(got) == "table" and got or { got }) do list[#list + 1] = value end
    end
    return list
  end
end

local function group_ids(interface)
  local list = {}
  for i, group in ipairs(interface.groups) do list[i] = group.id end
  return list
end

local function group_names(interface)
  local list = {}
  for i, group in ipairs(interface.groups) do list[i] = group.name end
  return list
end

local getters = filters.fields { ["instance-id"] = "id", ["instance-type"] = "type", ["key-name"] = "key_name",
  ["instance-state-name"] = "state", ["client-token"] = "client_token", ["reservation-id"] = "reservation",
  ["launch-index"] = "launch_index" }
getters["instance-state-code"] = function(instance) return instances.CODES[instance.state] end
getters["image-id"] = function(instance) return instance.image.id end
getters.architecture = function(instance) return instance.image.architecture end
getters["availability-zone"] = function(instance) return instance.zone.name end
getters["launch-time"] = function(instance) return timestamp(instance.launch_time) end
getters["owner-id"] = function(_, world) return world.account end
getters["root-device-type"] = function() return "ebs" end
getters.tenancy = function() return "default" end
getters["virtualization-type"] = function() return "hvm" end
getters.hypervisor = function() return "xen" end
getters["root-device-name"] = function(instance) return instance.image.root_device end
getters["metadata-options.http-tokens"] = function(instance) return instance.metadata.HttpTokens end
getters["metadata-options.http-endpoint"] = function(instance) return instance.metadata.HttpEndpoint end
getters["metadata-options.http-protocol-ipv6"] = function(instance) return instance.metadata.HttpProtocolIpv6 end
getters["network-interface.network-interface-id"] = of_interfaces(function(i) return i.id end)
getters["network-interface.subnet-id"] = of_interfaces(function(i) return i.subnet.id end)
getters["network-interface.vpc-id"] = of_interfaces(function(i) return i.vpc.id end)
getters["network-interface.status"] = of_interfaces(function(i) return i.status end)
getters["network-interface.description"] = of_interfaces(function(i) return i.description end)
getters["network-interface.mac-address"] = of_interfaces(function(i) return i.mac end)
getters["network-interface.group-id"] = of_interfaces(group_ids)
getters["network-interface.group-name"] = of_interfaces(group_names)
getters["network-interface.ipv6-addresses.ipv6-address"] = of_interfaces(function(i) return i.ipv6 end)
getters["network-interface.addresses.private-ip-address"] = of_interfaces(state_interfaces.private_ipv4)
getters["network-interface.attachment.attachment-id"] = of_interfaces(function(i) return i.attachment.id end)
getters["network-interface.attachment.device-index"] = of_interfaces(function(i) return i.attachment.device_index end)
getters["network-interface.attachment.delete-on-termination"] =
  of_interfaces(function(i) return i.attachment.delete_on_termination end)
getters["network-interface.attachment.status"] = of_interfaces(function(i) return i.attachment.status end)
getters["instance.group-id"], getters["instance.group-name"] = of_interfaces(group_ids), of_interfaces(group_names)
getters["subnet-id"] = getters["network-interface.subnet-id"]
getters["vpc-id"] = getters["network-interface.vpc-id"]
getters["ipv6-address"] = getters["network-interface.ipv6-addresses.ipv6-address"]
getters["private-ip-address"] = getters["network-interface.addresses.private-ip-address"]

local description = {
  family = "instance", ids = "InstanceId", set = "instancesSet", view = view, filters = getters, bounds = { 5, 1000 },
}

operations.DescribeInstances = {
  parameters = describe.parameters(description),
  description = description,
  run = function(world, params)
    local page, next_token = paging.cut(describe.select(world, description, params), params)
    return function() return { reservationSet = M.reservations_view(page, world), nextToken = next_token } end
  end,
}

local REACHABILITY = { ok = "passed", initializing = "initializing" }

local function checks_of(instance)
  return instance.state == "running" and instance.checks or "not-applicable"
end

local function checks_view(instance)
  local status = checks_of(instance)
  local reachability = REACHABILITY[status]
  return { status = status, details = reachability and { { name = "reachability", status = reachability } } or {} }
end

local function status_view(instance)
  return {
    instanceId = instance.id,
    availabilityZone = instance.zone.name,
    instanceState = state_view(instance.state),
    instanceStatus = checks_view(instance),
    systemStatus = checks_view(instance),
  }
end

local status_filters = filters.fields { ["instance-state-name"] = "state" }
status_filters["instance-state-code"] = getters["instance-state-code"]
status_filters["availability-zone"] = getters["availability-zone"]
status_filters["instance-status.status"] = checks_of
status_filters["system-status.status"] = checks_of
status_filters["instance-status.reachability"] = function(instance) return REACHABILITY[checks_of(instance)] end
status_filters["system-status.reachability"] = status_filters["instance-status.reachability"]

local describe_status = describe.operation {
  family = "instance", ids = "InstanceId", set = "instanceStatusSet", view = status_view, filters = status_filters,
  bounds = { 5, 1000 }, parameters = { IncludeAllInstances = "boolean" },
  keep = function(_, params)
    if params.IncludeAllInstances then return nil end
    return function(instance) return instance.state == "running" end
  end,
}
-- Without its description: the state of a family is shown by one operation alone.
operations.DescribeInstanceStatus = { parameters = describe_status.parameters, run = describe_status.run }

--- The instances that a request names; refuses when one is missing.
---@param world table
---@param ids string[]|nil
---@return table[]
function M.find_all(world, ids)
  if not ids or #ids == 0 then refuse("MissingParameter", "The request must contain the parameter InstanceId") end
  local list, seen = {}, {}
  for _, id in ipairs(ids) do
    local instance = world:find("instance", id)
    if not seen[instance] then list[#list + 1] = instance end
    seen[instance] = true
  end
  return list
end

local function refuse_state(instance, what)
  refuse("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", instance.id, what)
end

-- An operation that moves instances from state to state and shows both; `act`
-- gives the state that they are in at first.
local function transition(parameters, check, act)
  return {
    parameters = parameters,
    run = function(world, params)
      local list = M.find_all(world, params.InstanceId)
      for _, instance in ipairs(list) do check(instance, params) end
      return function()
        local set = {}
        for i, instance in ipairs(list) do
          local before = instance.state
          set[i] = { instanceId = instance.id, previousState = state_view(before),
            currentState = state_view(act(world, instance)) }
        end
        return { instancesSet = set }
      end
    end,
  }
end

operations.TerminateInstances = transition({ InstanceId = { "string" } }, function(instance)
  if instance.disable_api_termination then
    refuse("OperationNotPermitted", "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance "
      .. "attribute and try again.", instance.id)
  end
end, function(world, instance)
  local before = instance.state
  instances.terminate(world, instance)
  return before == "terminated" and "terminated" or "shutting-down"
end)

operations.StopInstances = transition({
  InstanceId = { "string" }, Force = "boolean", Hibernate = "boolean",
}, function(instance, params)
  if params.Hibernate then
    refuse("UnsupportedHibernationConfiguration", "The instance '%s' is not configured for hibernation", instance.id)
  end
  if instance.disable_api_stop then
    refuse("OperationNotPermitted", "The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute "
      .. "and try again.", instance.id)
  end
  if instance.state == "terminated" or instance.state == "shutting-down" then refuse_state(instance, "stopped") end
end, function(world, instance)
  if instance.state == "stopped" or instance.state == "stopping" then return instance.state end
  instances.stop(world, instance)
  return "stopping"
end)

operations.StartInstances = transition({
  InstanceId = { "string" }, AdditionalInfo = "string",
}, function(instance)
  if instance.state ~= "stopped" and instance.state ~= "running" and instance.state ~= "pending" then
    refuse_state(instance, "started")
  end
end, function(world, instance)
  if instance.state ~= "stopped" then return instance.state end
  instances.start(world, instance)
  return "pending"
end)

operations.RebootInstances = {
  parameters = { InstanceId = { "string" } },
  run = function(world, params)
    for _, instance in ipairs(M.find_all(world, params.InstanceId)) do
      if instance.state ~= "running" then refuse_state(instance, "rebooted") end
    end
    return function() return { ["return"] = true } end
  end,
}

return M
