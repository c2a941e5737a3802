--- Gives one host's interface a running instance. An interface can be attached
-- once, so a repeated launch is refused, and who looks again finds the instance.

local base64 = require "eni6.base64"
local failure = require "eni6.fleet.failure"
local patience = require "eni6.fleet.patience"
local survey = require "eni6.fleet.survey"
local tags = require "eni6.fleet.tags"
local user_data = require "eni6.fleet.user_data"

local instances = {}

local AGAIN, want = patience.AGAIN, failure.want
local STATE_SECONDS = 600 -- for an instance to stop, or an interface to be let go
local MOST_TRIES = 5

-- What was just made may be too new to be seen.
local NOT_SEEN_YET = { ["InvalidNetworkInterfaceID.NotFound"] = true, ["InvalidKeyPair.NotFound"] = true,
  ["InvalidGroup.NotFound"] = true, ["InvalidSubnetID.NotFound"] = true }

local function encoded_user_data(run, host, interface)
  if not host.user_data then return nil end
  return base64.encode(want(user_data.render(host.user_data, { name = host.name, mac = interface.mac,
    address = interface.address, block = interface.block, subnet = run.subnet.prefix, delegated = host.range.delegated })))
end

-- IMDS version 2 only; over IPv6 too where the type can (Nitro), and with the
-- tags by which the instance learns its block.
local function metadata_options(kind)
  return { HttpTokens = "required", HttpEndpoint = "enabled", InstanceMetadataTags = "enabled",
    HttpProtocolIpv6 = kind and kind.Hypervisor == "nitro" and "enabled" or nil }
end

local function launch_parameters(run, host, interface, data)
  return {
    ImageId = host.image, InstanceType = host.instance_type, MinCount = 1, MaxCount = 1,
    KeyName = run.plan.key and run.plan.key.name, UserData = data,
    NetworkInterfaces = { { DeviceIndex = 0, NetworkInterfaceId = interface.id } },
    MetadataOptions = metadata_options(run.types[host.instance_type]),
    TagSpecifications = tags.specification("instance", run.plan, {
      Name = host.name, [tags.HOST] = host.name, [tags.ADDRESS] = tostring(interface.address),
      [tags.BLOCK] = tostring(interface.block),
    }),
  }
end

--- What a dry run asks for a host: the launch, on no interface of its own.
---@param run table
---@param host table
---@return table parameters  of RunInstances
function instances.dry_parameters(run, host)
  return {
    ImageId = host.image, InstanceType = host.instance_type, MinCount = 1, MaxCount = 1, DryRun = true,
    NetworkInterfaces = { { DeviceIndex = 0, SubnetId = run.subnet.id, Groups = run.groups } },
    MetadataOptions = metadata_options(run.types[host.instance_type]),
  }
end

local function look_at(run, interface)
  return survey.interfaces(run.ec2, { { Name = "network-interface-id", Values = { interface.id } } })[1]
end

-- The instance that holds an interface, as EC2 describes it; nil when none is seen.
local function holder(run, interface)
  local seen = look_at(run, interface)
  return seen and seen.instance_id and survey.instance(run.ec2, seen.instance_id)
end

local function describe(instance)
  local map = tags.of(instance)
  if not map[tags.PLAN] then return instance.InstanceId end
  return string.format("%s (host %s of plan %s)", instance.InstanceId, tostring(map[tags.HOST]), map[tags.PLAN])
end

local function is_own(run, host, instance)
  local map = tags.of(instance)
  return map[tags.PLAN] == run.plan.name and map[tags.HOST] == host.name
end

local ENDED = { ["shutting-down"] = true, terminated = true }

-- After a refused or lost launch: the host's own instance, or false when there is
-- none after a lost answer.
local function look_again(run, host, interface, lost)
  local instance = patience.want(lost and 0 or run.patience, function()
    local found = holder(run, interface)
    if found and not ENDED[found.State.Name] then return found end
    if lost then return false end
    return AGAIN, interface.id .. " is in use, but EC2 shows no instance on it; run again later", "InvalidNetworkInterface.InUse"
  end)
  if instance and not is_own(run, host, instance) then
    failure.raise(string.format("%s is attached to %s; detach it, or take the host away: teardown.lua --host %s", interface.id,
      describe(instance), host.name), "InvalidNetworkInterface.InUse")
  end
  return instance
end

-- Launches, or finds the instance that an earlier launch made.
local function launch(run, host, interface)
  local parameters = launch_parameters(run, host, interface, encoded_user_data(run, host, interface))
  local message, code, detail
  for _ = 1, MOST_TRIES do
    local answer
    answer, message, code, detail = patience.call(run.patience, NOT_SEEN_YET, function()
      return run.ec2:RunInstances(parameters)
    end)
    if answer then return answer.Instances[1] end
    local in_use, lost = code == "InvalidNetworkInterface.InUse", detail and detail.unknown
    if not (in_use or lost) then break end
    local found = look_again(run, host, interface, not in_use)
    if found then return found end
  end
  return failure.raise(message, code, detail)
end

-- Waits until an interface is let go by an instance that ends.
local function wait_for_release(run, host, interface)
  run.observe { host = host.name, state = "waiting", text = "for " .. interface.id .. " to be let go" }
  patience.want(STATE_SECONDS, function()
    local seen = look_at(run, interface)
    if seen and not seen.instance_id then return true end
    return AGAIN, interface.id .. " is still attached to an instance that ends; run again later", "InvalidNetworkInterface.InUse"
  end)
end

local function start(run, host, instance)
  run.observe { host = host.name, state = "starting", text = instance.InstanceId .. " was stopped" }
  want(patience.repeatable(STATE_SECONDS, { IncorrectInstanceState = true }, function()
    return run.ec2:StartInstances { InstanceIds = { instance.InstanceId } }
  end))
  instance.State, instance.restarted = { Name = "pending" }, true
  return instance
end

--- Makes sure that a host's interface has an instance that runs or is about to.
--- Failures are raised.
---@param run table        see eni6.fleet.provision
---@param host table
---@param interface table  of eni6.fleet.existing.read
---@param instance table|nil  the one that is on it, as EC2 describes it
---@return table instance  as EC2 describes it
function instances.ensure(run, host, interface, instance)
  local state = instance and instance.State.Name
  if state == "running" or state == "pending" then return instance end
  if state == "stopped" or state == "stopping" then return start(run, host, instance) end
  if state then wait_for_release(run, host, interface) end
  run.observe { host = host.name, state = "launching", text = host.instance_type .. " on " .. interface.id }
  return launch(run, host, interface)
end

local function reason_of(instance)
  local reason = instance.StateReason and instance.StateReason.Message or instance.StateTransitionReason
  return reason and reason ~= "" and reason or "EC2 gives no reason"
end

local NOT_STARTED = { ["shutting-down"] = true, terminated = true, stopping = true, stopped = true }

-- Notes an instance's state; true when there is nothing more to wait for.
local function settle(record, instance, fail)
  record.state = instance.State.Name
  -- Right after StartInstances the old state may still be shown.
  if record.restarted and record.state == "stopped" then return false end
  if NOT_STARTED[record.state] then
    fail(record, string.format("%s did not start: %s (%s); run again to have it tried once more", record.instance_id,
      reason_of(instance), record.state), "InstanceNotStarted")
  end
  return record.state ~= "pending"
end

local function look(run, waiting)
  local list, message, code, detail = failure.catch(survey.instances, run.ec2, run.plan.name)
  if not list then return detail and detail.retryable and AGAIN or nil, message, code, detail end
  for _, instance in ipairs(list) do
    local record = waiting[instance.InstanceId]
    if record and settle(record, instance, run.fail) then
      waiting[instance.InstanceId] = nil
      if record.state == "running" then run.observe { host = record.name, state = "running", text = record.instance_id } end
    end
  end
  local id, record = next(waiting)
  if not id then return true end
  return AGAIN, string.format("%s is still %s after %d s; look at it with aws ec2 get-console-output, and run again", id,
    record.state, STATE_SECONDS), "ETIMEDOUT"
end

--- Waits until launched instances run, with one question for all of them. Failures
--- are raised.
---@param run table        its `fail(record, message, code)` is told of those that end instead
---@param records table[]  of the result, state "pending"
function instances.wait(run, records)
  local waiting = {}
  for _, record in ipairs(records) do
    if record.state == "pending" then waiting[record.instance_id] = record end
  end
  return next(waiting) == nil or patience.want(STATE_SECONDS, function() return look(run, waiting) end)
end

return instances
