--- RunInstances.

local addressing = require "eni6.sandbox.ec2.addressing"
local base64 = require "eni6.base64"
local images = require "eni6.sandbox.ec2.images"
local instances = require "eni6.sandbox.ec2.instances"
local interfaces = require "eni6.sandbox.state.interfaces"
local key_pairs = require "eni6.sandbox.ec2.key_pairs"
local network_interfaces = require "eni6.sandbox.ec2.network_interfaces"
local refuse = require("eni6.sandbox.refusal").refuse
local state = require "eni6.sandbox.state.instances"
local subnets = require "eni6.sandbox.ec2.subnets"
local tags = require "eni6.sandbox.ec2.tags"
local types = require "eni6.sandbox.ec2.types"

local M = {}
local operations = {}
M.operations = operations

local IPV6 = {
  Ipv6AddressCount = "integer", Ipv6Addresses = { { Ipv6Address = "string" } }, Ipv6PrefixCount = "integer",
  Ipv6Prefix = { { Ipv6Prefix = "string" } },
}

local INTERFACE = {
  AssociatePublicIpAddress = "boolean", DeleteOnTermination = "boolean", Description = "string", DeviceIndex = "integer",
  SecurityGroupId = { "string" }, NetworkInterfaceId = "string", PrivateIpAddress = "string",
  PrivateIpAddresses = { { PrivateIpAddress = "string", Primary = "boolean" } },
  SecondaryPrivateIpAddressCount = "integer", SubnetId = "string", InterfaceType = "string", NetworkCardIndex = "integer",
  PrimaryIpv6 = "boolean",
}
for name, of in pairs(IPV6) do INTERFACE[name] = of end

local METADATA = {
  HttpTokens = "string", HttpPutResponseHopLimit = "integer", HttpEndpoint = "string", HttpProtocolIpv6 = "string",
  InstanceMetadataTags = "string",
}
M.metadata_parameters = METADATA

local parameters = {
  ImageId = "string", InstanceType = "string", KeyName = "string", MinCount = "integer!", MaxCount = "integer!",
  SubnetId = "string", SecurityGroupId = { "string" }, SecurityGroup = { "string" }, UserData = "string",
  NetworkInterface = { INTERFACE }, TagSpecification = tags.parameters, MetadataOptions = METADATA,
  PrivateIpAddress = "string", Ipv6AddressCount = "integer", Ipv6Address = { { Ipv6Address = "string" } },
  EnablePrimaryIpv6 = "boolean", DisableApiTermination = "boolean", DisableApiStop = "boolean",
  InstanceInitiatedShutdownBehavior = "string", EbsOptimized = "boolean", Monitoring = { Enabled = "boolean" },
  Placement = { AvailabilityZone = "string", Tenancy = "string", GroupName = "string" },
  IamInstanceProfile = { Arn = "string", Name = "string" }, CreditSpecification = { CpuCredits = "string" },
  BlockDeviceMapping = { { DeviceName = "string", VirtualName = "string", NoDevice = "string", Ebs = {
    DeleteOnTermination = "boolean", Encrypted = "boolean", Iops = "integer", KmsKeyId = "string", SnapshotId = "string",
    Throughput = "integer", VolumeSize = "integer", VolumeType = "string" } } },
}

local function check_count(params)
  local least, most = params.MinCount, params.MaxCount
  if least < 1 or most < 1 then
    refuse("InvalidParameterValue", "Value (%d) for parameter minCount is invalid. Minimum value allowed is 1.", least)
  end
  if least > most then
    refuse("InvalidParameterCombination", "MinCount may not be greater than MaxCount")
  end
  return most
end

local function check_user_data(text)
  if not text or text == "" then return nil end
  local bytes = base64.decode(text)
  if not bytes then refuse("InvalidParameterValue", "Invalid BASE64 encoding of user data") end
  if #bytes > 16384 then refuse("InvalidParameterValue", "User data is limited to 16384 bytes") end
  return text
end
M.check_user_data = check_user_data

local ALLOWED = {
  HttpTokens = { optional = true, required = true }, HttpEndpoint = { enabled = true, disabled = true },
  HttpProtocolIpv6 = { enabled = true, disabled = true }, InstanceMetadataTags = { enabled = true, disabled = true },
}

--- The metadata options that a request leaves an instance with.
---@param given table|nil
---@param before table
---@param tagged table<string, string> the instance's tags
---@return table
function M.check_metadata(given, before, tagged)
  local options = {}
  for name, value in pairs(before) do options[name] = value end
  for name, value in pairs(given or {}) do
    if ALLOWED[name] and not ALLOWED[name][value] then
      refuse("InvalidParameterValue", "Invalid value '%s' for %s", value, name)
    end
    if name == "HttpPutResponseHopLimit" and (value < 1 or value > 64) then
      refuse("InvalidParameterValue", "Invalid value '%d' for HttpPutResponseHopLimit: 1 to 64", value)
    end
    options[name] = value
  end
  if options.InstanceMetadataTags == "enabled" then tags.check_for_metadata(tagged) end
  return options
end

local DEFAULT_METADATA = { state = "applied", HttpTokens = "optional", HttpPutResponseHopLimit = 1, HttpEndpoint = "enabled",
  HttpProtocolIpv6 = "disabled", InstanceMetadataTags = "disabled" }

local function check_placement(placement, zone)
  local wanted = placement and placement.AvailabilityZone
  if wanted and wanted ~= zone.name then
    refuse("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. The subnet is in %s.", wanted,
      zone.name)
  end
end

local function check_image(world, params, kind)
  if not params.ImageId then refuse("MissingParameter", "The request must contain the parameter ImageId") end
  local image = images.find(world, params.ImageId)
  if image.architecture ~= kind.architecture then
    refuse("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture "
      .. "'%s' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.",
      kind.architecture, image.architecture)
  end
  return image
end

-- An existing interface that the launch attaches.
local function plan_existing(world, wanted, kind)
  for _, name in ipairs { "SubnetId", "SecurityGroupId", "Ipv6Addresses", "Ipv6AddressCount", "Ipv6Prefix",
    "Ipv6PrefixCount", "PrivateIpAddress", "PrivateIpAddresses", "Description" } do
    if wanted[name] ~= nil then
      refuse("InvalidParameterCombination", "The parameter %s may not be used with an existing network interface", name)
    end
  end
  if wanted.DeleteOnTermination then
    refuse("InvalidParameterCombination",
      "deleteOnTermination may not be set to true when an existing network interface is specified")
  end
  local interface = world:find("network_interface", wanted.NetworkInterfaceId)
  if interface.attachment then
    refuse("InvalidNetworkInterface.InUse", "Interface: [%s] in use.", interface.id)
  end
  addressing.check_limit(#interface.ipv6 + #interface.prefixes, #interface.prefixes > 0, kind)
  return { existing = interface, subnet = interface.subnet, delete_on_termination = false }
end

local function plan_interface(world, wanted, kind)
  if not wanted.DeviceIndex then
    refuse("MissingParameter", "The request must contain the parameter NetworkInterface.DeviceIndex")
  end
  if wanted.AssociatePublicIpAddress then
    refuse("UnsupportedOperation", "The sandbox gives no public IPv4 addresses")
  end
  local plan
  if wanted.NetworkInterfaceId then
    plan = plan_existing(world, wanted, kind)
  else
    if not wanted.SubnetId then refuse("VPCIdNotSpecified", "No default VPC for this user") end
    local fields = network_interfaces.plan(world, wanted, kind)
    plan = { new = fields, subnet = fields.subnet, delete_on_termination = wanted.DeleteOnTermination ~= false }
  end
  plan.device_index, plan.card_index = wanted.DeviceIndex, wanted.NetworkCardIndex
  return plan
end

local function check_indices(plans, kind)
  local seen, existing, zone = {}, {}, nil
  for _, plan in ipairs(plans) do
    if seen[plan.device_index] then
      refuse("InvalidParameterValue", "Each network interface requires a unique device index.")
    end
    if plan.existing and existing[plan.existing] then
      refuse("InvalidParameterValue", "The network interface '%s' is specified more than once", plan.existing.id)
    end
    zone = zone or plan.subnet.zone
    if plan.subnet.zone ~= zone then
      refuse("InvalidParameterCombination", "The network interfaces are in different availability zones")
    end
    seen[plan.device_index], existing[plan.existing or plan] = true, true
  end
  if not seen[0] then refuse("InvalidParameterCombination", "A network interface with device index 0 is required") end
  if #plans > kind.interfaces then
    refuse("AttachmentLimitExceeded", "Interface count %d exceeds the limit for %s", #plans, kind.name)
  end
end

local TOP_LEVEL = { "SubnetId", "SecurityGroupId", "SecurityGroup", "PrivateIpAddress", "Ipv6AddressCount", "Ipv6Address",
  "EnablePrimaryIpv6" }

-- The request's own subnet and addresses, as one interface.
local function implied_interface(params)
  return { DeviceIndex = 0, SubnetId = params.SubnetId, SecurityGroupId = params.SecurityGroupId,
    PrivateIpAddress = params.PrivateIpAddress, Ipv6AddressCount = params.Ipv6AddressCount,
    Ipv6Addresses = params.Ipv6Address, EnablePrimaryIpv6 = params.EnablePrimaryIpv6 }
end

local function plan_interfaces(world, params, kind)
  local wanted = params.NetworkInterface
  if wanted and #wanted > 0 then
    for _, name in ipairs(TOP_LEVEL) do
      if params[name] ~= nil then
        refuse("InvalidParameterCombination",
          "Network interfaces and an instance-level %s may not be specified on the same request", name)
      end
    end
  else
    if params.SecurityGroup then
      refuse("InvalidParameterCombination", "The parameter groupName cannot be used with the parameter subnet")
    end
    wanted = { implied_interface(params) }
  end
  local plans = {}
  for i, one in ipairs(wanted) do plans[i] = plan_interface(world, one, kind) end
  check_indices(plans, kind)
  return plans
end

-- What must not be repeated for several instances, and room for all of them.
local function check_repeats(plans, count)
  for _, plan in ipairs(plans) do
    local fields = plan.new
    local fixed = plan.existing or #fields.addressing.addresses > 0 or #fields.addressing.prefixes > 0 or fields.private_ipv4
    if count > 1 and fixed then
      refuse("InvalidParameterCombination",
        "Network interfaces and addresses may be specified only when a single instance is launched")
    end
    if fields then
      addressing.check_room(fields.addressing, count)
      addressing.check_ipv4_room(fields.subnet, subnets.free_ipv4(fields.subnet), count * (1 + fields.more_private_ipv4))
    end
  end
end

local function attach(world, instance, plan, tagged)
  local interface = plan.existing
  if not interface then
    plan.new.tags = {}
    for key, value in pairs(tagged) do plan.new.tags[key] = value end
    interface = interfaces.create(world, plan.new)
  end
  interfaces.attach(world, interface, instance, plan)
end

local function profile_view(world, profile)
  if not profile then return nil end
  local arn = profile.Arn or string.format("arn:aws:iam::%s:instance-profile/%s", world.account, profile.Name or "")
  return { arn = arn, id = "AIPA" .. world.random:hex(16):upper() }
end

local function copied(map)
  local out = {}
  for key, value in pairs(map) do out[key] = value end
  return out
end

local function make_instance(world, params, checked, index, reservation)
  return state.create(world, {
    image = checked.image,
    type = checked.kind.name,
    key_name = params.KeyName,
    zone = checked.plans[1].subnet.zone,
    reservation = reservation,
    launch_index = index,
    client_token = params.ClientToken,
    user_data = checked.user_data,
    metadata = copied(checked.metadata),
    monitoring = params.Monitoring and params.Monitoring.Enabled or false,
    ebs_optimized = params.EbsOptimized or false,
    disable_api_termination = params.DisableApiTermination or false,
    disable_api_stop = params.DisableApiStop or false,
    shutdown_behavior = params.InstanceInitiatedShutdownBehavior or "stop",
    profile = profile_view(world, params.IamInstanceProfile),
    tags = copied(checked.tags.instance),
  })
end

local function check(world, params)
  local count = check_count(params)
  local kind = types.find(params.InstanceType or "m1.small")
  local image = check_image(world, params, kind)
  if params.KeyName then key_pairs.find(world, params.KeyName) end
  local plans = plan_interfaces(world, params, kind)
  check_repeats(plans, count)
  check_placement(params.Placement, plans[1].subnet.zone)
  local tagged = tags.specified(params.TagSpecification, "instance", "volume", "network-interface", "spot-instances-request")
  return {
    count = count, kind = kind, image = image, plans = plans, tags = tagged,
    user_data = check_user_data(params.UserData),
    metadata = M.check_metadata(params.MetadataOptions, DEFAULT_METADATA, tagged.instance),
  }
end

operations.RunInstances = {
  idempotent = true,
  parameters = parameters,
  run = function(world, params)
    local checked = check(world, params)
    return function()
      local reservation, list = world:new_id("r"), {}
      for index = 0, checked.count - 1 do
        local instance = make_instance(world, params, checked, index, reservation)
        for _, plan in ipairs(checked.plans) do
          attach(world, instance, plan, checked.tags["network-interface"])
        end
        list[#list + 1] = instance
      end
      local answer = instances.reservations_view(list, world)[1]
      for _, shown in ipairs(answer.instancesSet) do shown.instanceState = { code = state.CODES.pending, name = "pending" } end
      return answer
    end
  end,
}

return M
