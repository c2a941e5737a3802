--- Takes away what a plan made: all that carries its tag, and nothing else. It can
-- be run again at any time. What has to stay is listed with the reason.

local tasks = require "eni6.tasks"
local failure = require "eni6.fleet.failure"
local gather = require "eni6.fleet.gather"
local network = require "eni6.fleet.network"
local patience = require "eni6.fleet.patience"
local survey = require "eni6.fleet.survey"
local tags = require "eni6.fleet.tags"

local teardown = {}

local AGAIN, want = patience.AGAIN, failure.want
local PARALLEL = 16
local PATIENCE = 60 -- seconds for EC2 to let go of what something gone was using
local STATE_SECONDS = 600 -- for instances to end
local SETTLE = 1 -- seconds before the last look, for what EC2 did not show yet
local GHOST_SECONDS = 15 -- for EC2 to stop showing what is gone
local MOST_PASSES = 5

-- --- what there is --------------------------------------------------------------------

-- Leaves out what is not of the wanted hosts, and what is dealt with already; what
-- is gone and still shown is counted.
local function kept(run, list, id_of, host_of)
  local left = {}
  for _, item in ipairs(list) do
    local id = id_of(item)
    local fits = not run.hosts or run.hosts[host_of(item)]
    if fits and not run.done[id] then left[#left + 1] = item end
    if run.done[id] and not run.stays[id] then run.ghosts = run.ghosts + 1 end
  end
  return left
end

local function host_of(instance) return tags.of(instance)[tags.HOST] end

local function look_instances(run)
  local alive = {}
  for _, instance in ipairs(survey.instances(run.ec2, run.name)) do
    if instance.State.Name ~= "terminated" then alive[#alive + 1] = instance end
  end
  return kept(run, alive, function(i) return i.InstanceId end, host_of)
end

local function look_interfaces(run)
  return kept(run, survey.interfaces(run.ec2, tags.filter(run.name)), function(i) return i.id end,
    function(i) return i.host end)
end

local function look_keys(run)
  local found = want(run.ec2:DescribeKeyPairs { Filters = tags.filter(run.name) })
  return kept(run, found.KeyPairs, function(key) return key.KeyPairId end)
end

local function look_network(run)
  local parts = network.look(run.ec2, run.name)
  local ids = { vpcs = "VpcId", subnets = "SubnetId", gateways = "InternetGatewayId", groups = "GroupId" }
  for part, id in pairs(ids) do parts[part] = kept(run, parts[part], function(item) return item[id] end) end
  return parts
end

-- All that carries the tag; with hosts chosen, only what is of them.
local function look(run)
  run.ghosts = 0
  local jobs = {
    instances = function() return look_instances(run) end,
    interfaces = function() return look_interfaces(run) end,
  }
  if not run.hosts then
    jobs.keys = function() return look_keys(run) end
    jobs.parts = function() return look_network(run) end
  end
  local found = gather(jobs)
  found.keys = found.keys or {}
  found.parts = found.parts or { vpcs = {}, subnets = {}, gateways = {}, groups = {} }
  return found
end

local function is_empty(found)
  return #found.instances + #found.interfaces + #found.keys + #found.parts.vpcs + #found.parts.subnets
    + #found.parts.gateways + #found.parts.groups == 0
end

-- --- taking it away ---------------------------------------------------------------------

local function removed(run, kind, id, host)
  run.done[id] = true
  table.insert(run.removed, { kind = kind, id = id, host = host })
  run.observe { host = host, state = "removed", text = kind .. " " .. id }
end

local function left(run, kind, id, host, reason)
  run.done[id], run.stays[id] = true, true
  table.insert(run.left, { kind = kind, id = id, host = host, reason = reason })
  run.observe { host = host, state = "left", text = kind .. " " .. id .. ": " .. reason }
end

-- Still used by something that is about to go.
local BUSY = { DependencyViolation = true, InvalidParameterValue = true, ["InvalidNetworkInterface.InUse"] = true,
  IncorrectState = true }

-- Deletes one thing; what is gone already counts as deleted.
local function delete(run, kind, id, host, operation, params)
  local ok, message, code, detail = patience.repeatable(run.patience, BUSY, function()
    return run.ec2[operation](run.ec2, params)
  end)
  if ok or code:find("NotFound", 1, true) then return removed(run, kind, id, host) end
  -- Without an answer nothing else can be expected to work either.
  if not (detail and detail.status) then failure.raise(message, code, detail) end
  left(run, kind, id, host, message)
end

local function side_by_side(run, list, action)
  want(tasks.group(function(group)
    for i, item in ipairs(list) do
      group:spawn(tostring(i), function()
        return failure.catch(function()
          action(item)
          return true
        end)
      end)
    end
  end, { limit = run.parallel }))
end

-- Asks one instance to end; one that is protected stays.
local function terminate(run, instance)
  local id = instance.InstanceId
  local ok, message, code, detail = patience.repeatable(run.patience, {}, function()
    return run.ec2:TerminateInstances { InstanceIds = { id } }
  end)
  if ok then
    run.observe { host = host_of(instance), state = "ending", text = id }
  elseif code == "InvalidInstanceID.NotFound" then
    removed(run, "instance", id, host_of(instance))
  elseif detail and detail.status then
    left(run, "instance", id, host_of(instance), message)
  else
    failure.raise(message, code, detail)
  end
end

-- Asks all to end in one call, or one by one when EC2 refuses them together.
local function terminate_all(run, list)
  local ids = {}
  for i, instance in ipairs(list) do ids[i] = instance.InstanceId end
  if run.ec2:TerminateInstances { InstanceIds = ids } then
    for _, instance in ipairs(list) do
      run.observe { host = host_of(instance), state = "ending", text = instance.InstanceId }
    end
  else
    side_by_side(run, list, function(instance) terminate(run, instance) end)
  end
end

local function end_instances(run, list)
  if #list == 0 then return end
  terminate_all(run, list)
  local waiting = {}
  for _, instance in ipairs(list) do
    if not run.done[instance.InstanceId] then waiting[instance.InstanceId] = host_of(instance) or "" end
  end
  patience.want(STATE_SECONDS, function()
    local alive = {}
    for _, instance in ipairs(look_instances(run)) do alive[instance.InstanceId] = true end
    for id, host in pairs(waiting) do
      if not alive[id] then
        waiting[id] = nil
        removed(run, "instance", id, host ~= "" and host or nil)
      end
    end
    local id = next(waiting)
    if not id then return true end
    return AGAIN, id .. " does not end; run this again later", "ETIMEDOUT"
  end)
end

-- Why an interface has to stay with the instance that holds it, if it has to: an
-- instance that stays, or one that someone else made.
local function reason_to_stay(run, holder, ended)
  if run.stays[holder] then return "it is attached to " .. holder .. ", which stays" end
  if ended[holder] then return nil end
  local instance = survey.instance(run.ec2, holder)
  if not instance or instance.State.Name == "terminated" or instance.State.Name == "shutting-down" then return nil end
  return "it is attached to " .. holder .. ", which this plan did not make; detach it, then run this again"
end

local function delete_interface(run, interface, ended)
  local reason = interface.instance_id and reason_to_stay(run, interface.instance_id, ended)
  if reason then return left(run, "network-interface", interface.id, interface.host, reason) end
  delete(run, "network-interface", interface.id, interface.host, "DeleteNetworkInterface",
    { NetworkInterfaceId = interface.id })
end

local function delete_interfaces(run, list, instances)
  local ended = {}
  for _, instance in ipairs(instances) do ended[instance.InstanceId] = true end
  side_by_side(run, list, function(interface) delete_interface(run, interface, ended) end)
end

local function delete_gateway(run, gateway)
  local id = gateway.InternetGatewayId
  for _, attachment in ipairs(gateway.Attachments or {}) do
    local ok, message, code, detail = patience.repeatable(run.patience, BUSY, function()
      return run.ec2:DetachInternetGateway { InternetGatewayId = id, VpcId = attachment.VpcId }
    end)
    if not ok and code ~= "Gateway.NotAttached" and not code:find("NotFound", 1, true) then
      if not (detail and detail.status) then failure.raise(message, code, detail) end
      return left(run, "internet-gateway", id, nil, message)
    end
  end
  delete(run, "internet-gateway", id, nil, "DeleteInternetGateway", { InternetGatewayId = id })
end

-- Everything in a VPC goes before the VPC.
local function delete_network(run, parts)
  local list = {}
  for _, gateway in ipairs(parts.gateways) do list[#list + 1] = function() delete_gateway(run, gateway) end end
  for _, group in ipairs(parts.groups) do
    list[#list + 1] = function()
      delete(run, "security-group", group.GroupId, nil, "DeleteSecurityGroup", { GroupId = group.GroupId })
    end
  end
  for _, subnet in ipairs(parts.subnets) do
    list[#list + 1] = function() delete(run, "subnet", subnet.SubnetId, nil, "DeleteSubnet", { SubnetId = subnet.SubnetId }) end
  end
  side_by_side(run, list, function(action) action() end)
  side_by_side(run, parts.vpcs, function(vpc) delete(run, "vpc", vpc.VpcId, nil, "DeleteVpc", { VpcId = vpc.VpcId }) end)
end

local function pass(run, found)
  end_instances(run, found.instances)
  delete_interfaces(run, found.interfaces, found.instances)
  side_by_side(run, found.keys, function(key)
    delete(run, "key-pair", key.KeyPairId, nil, "DeleteKeyPair", { KeyPairId = key.KeyPairId })
  end)
  delete_network(run, found.parts)
end

-- Passes until a look some time later shows nothing more. Then whoever provisions
-- next must not take for existing what EC2 shows a while longer.
local function run_all(run)
  local found = look(run)
  for _ = 1, MOST_PASSES do
    if not is_empty(found) then pass(run, found) end
    if run.settle > 0 then tasks.sleep(run.settle) end
    found = look(run)
    if is_empty(found) then break end
  end
  patience.try(math.min(run.patience, GHOST_SECONDS), function()
    if run.ghosts > 0 then look(run) end
    return run.ghosts == 0 or AGAIN
  end)
  return { plan = run.name, region = run.ec2.region, removed = run.removed, left = run.left }
end

local function set_of(list)
  if not list then return nil end
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

local function new_run(ec2, plan, options)
  return { ec2 = ec2, name = plan.name, hosts = set_of(options.hosts), parallel = options.parallel or PARALLEL,
    patience = options.patience or PATIENCE, settle = options.settle or SETTLE,
    observe = options.observe or function() end, removed = {}, left = {}, done = {},
    stays = {} }
end

--- What a plan made and is still there, without touching it.
---@param ec2 table
---@param plan { name: string }
---@param options? { hosts: string[]? }
---@return table|nil result  { plan, region, found = { { kind, id, host? }, … } }
---@return string? message
---@return string? code
---@return table? detail
function teardown.list(ec2, plan, options)
  local run = new_run(ec2, plan, options or {})
  local found, message, code, detail = failure.catch(look, run)
  if not found then return nil, message, code, detail end
  local list = {}
  local function add(kind, items, id, host)
    for _, item in ipairs(items) do list[#list + 1] = { kind = kind, id = item[id], host = host and host(item) } end
  end
  add("instance", found.instances, "InstanceId", host_of)
  add("network-interface", found.interfaces, "id", function(i) return i.host end)
  add("key-pair", found.keys, "KeyPairId")
  add("internet-gateway", found.parts.gateways, "InternetGatewayId")
  add("security-group", found.parts.groups, "GroupId")
  add("subnet", found.parts.subnets, "SubnetId")
  add("vpc", found.parts.vpcs, "VpcId")
  return { plan = run.name, region = ec2.region, found = list }
end

--- Takes away what a plan made.
---@param ec2 table              eni6.aws.ec2 client
---@param plan { name: string }  of eni6.fleet.plan.load or load_name
---@param options? { hosts: string[]?, parallel: integer?, patience: number?, settle: number?,
---  observe: fun(event: table)? }
---  `hosts` takes away only these, and neither key nor network. `settle` is how many seconds to wait before the last
---  look (1). Events as of eni6.fleet.provision.
---@return table|nil result  { plan, region, removed = { { kind, id, host? }, … }, left = { { kind, id, host?, reason }, … } }
---@return string? message
---@return string? code
---@return table? detail
function teardown.run(ec2, plan, options) return failure.catch(run_all, new_run(ec2, plan, options or {})) end

return teardown
