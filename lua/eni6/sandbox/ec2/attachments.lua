--- Attaching network interfaces to instances that exist, and detaching them.

local addressing = require "eni6.sandbox.ec2.addressing"
local interfaces = require "eni6.sandbox.state.interfaces"
local refuse = require("eni6.sandbox.refusal").refuse
local types = require "eni6.sandbox.ec2.types"

local M = {}
local operations = {}
M.operations = operations

local function check_instance(instance, interface)
  if instance.state ~= "running" and instance.state ~= "stopped" then
    refuse("IncorrectState", "The instance '%s' is not in a valid state for this operation: %s", instance.id, instance.state)
  end
  if instance.zone ~= interface.subnet.zone then
    refuse("InvalidParameterCombination", "You may not attach a network interface to an instance if they are not in the same "
      .. "availability zone")
  end
end

local function check_index(instance, index, kind)
  for _, other in ipairs(instance.interfaces) do
    if other.attachment.device_index == index then
      refuse("InvalidParameterValue", "Instance '%s' already has an interface attached at device index '%d'.", instance.id, index)
    end
  end
  if #instance.interfaces >= kind.interfaces then
    refuse("AttachmentLimitExceeded", "Interface count %d exceeds the limit for %s", #instance.interfaces + 1, kind.name)
  end
end

operations.AttachNetworkInterface = {
  parameters = { NetworkInterfaceId = "string!", InstanceId = "string!", DeviceIndex = "integer!", NetworkCardIndex = "integer" },
  run = function(world, params)
    local interface = world:find("network_interface", params.NetworkInterfaceId)
    local instance = world:find("instance", params.InstanceId)
    if interface.attachment then
      refuse("InvalidNetworkInterface.InUse", "Interface: [%s] in use.", interface.id)
    end
    local kind = types.find(instance.type)
    check_instance(instance, interface)
    check_index(instance, params.DeviceIndex, kind)
    addressing.check_limit(#interface.ipv6 + #interface.prefixes, #interface.prefixes > 0, kind)
    return function()
      local attachment = interfaces.attach(world, interface, instance,
        { device_index = params.DeviceIndex, card_index = params.NetworkCardIndex })
      return { attachmentId = attachment.id, networkCardIndex = attachment.card_index }
    end
  end,
}

local function find_attached(world, id)
  if not id:match("^eni%-attach%-%x+$") then
    refuse("InvalidNetworkInterfaceAttachmentId.Malformed", 'Invalid id: "%s" (expecting "eni-attach-...")', id)
  end
  local found = world:all("network_interface", function(interface)
    return interface.attachment ~= nil and interface.attachment.id == id
  end)
  return found[1] or refuse("InvalidAttachmentID.NotFound", "The attachment '%s' does not exist", id)
end

operations.DetachNetworkInterface = {
  parameters = { AttachmentId = "string!", Force = "boolean" },
  run = function(world, params)
    local interface = find_attached(world, params.AttachmentId)
    local attachment = interface.attachment
    if attachment.device_index == 0 then
      refuse("OperationNotPermitted", "The network interface at device index 0 cannot be detached.")
    end
    return function()
      attachment.status = "detaching"
      world:settle(function()
        if interface.attachment == attachment then interfaces.detach(world, interface) end
      end)
      return { ["return"] = true }
    end
  end,
}

return M
