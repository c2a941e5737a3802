--- From a plan to running instances. All that may be wrong is found before the
-- first thing is made; then every host goes its own way, side by side; then one
-- question waits for all. What exists is what EC2 says exists: running a plan again
-- changes nothing, and finishes what a run that was cut off left undone.

local ip6 = require "eni6.ip6"
local tasks = require "eni6.tasks"
local checks = require "eni6.fleet.checks"
local existing = require "eni6.fleet.existing"
local failure = require "eni6.fleet.failure"
local hosts = require "eni6.fleet.hosts"
local inventory = require "eni6.fleet.inventory"
local instances = require "eni6.fleet.instances"
local interfaces = require "eni6.fleet.interfaces"
local network = require "eni6.fleet.network"
local patience = require "eni6.fleet.patience"
local placement = require "eni6.fleet.placement"
local survey = require "eni6.fleet.survey"
local tags = require "eni6.fleet.tags"

local provision = {}

local want = failure.want

local PARALLEL = 32
local PATIENCE = 30 -- seconds for EC2 to see what was just made

-- --- what to make -----------------------------------------------------------------------

-- Places the hosts that have no interface yet.
local function place(run, facts, list, found)
  run.space = placement.new { subnet = run.subnet.prefix, plan = run.plan.name, taken = existing.taken(facts.interfaces),
    reservations = facts.reservations, random = run.random }
  local new = {}
  for _, host in ipairs(list) do
    if not (found[host.name] and found[host.name].interface) then new[#new + 1] = host end
  end
  return want(run.space:place_all(new, run.report))
end

-- Ends the run when there are faults: nothing is made of a plan that has any.
local function stop_at_faults(run)
  if run.report.count > 0 then failure.raise(run.report:message(), "EPLAN") end
end

-- Types of the same families, to name one that would do.
local function families(run, facts)
  if not checks.exceeds_limits(run.plan.hosts, facts.types) then return {} end
  local names, found = {}, {}
  for name in pairs(facts.types) do names[#names + 1] = name:match("^[^.]+") .. ".*" end
  local answer = run.ec2:all("DescribeInstanceTypes", { Filters = { { Name = "instance-type", Values = names } } })
  for _, kind in ipairs(answer and answer.InstanceTypes or {}) do found[kind.InstanceType] = kind end
  return found
end

-- All that can be told to be wrong before the subnet is known.
local function check(run, facts)
  local plan, report = run.plan, run.report
  checks.types(plan.hosts, facts.types, families(run, facts), report)
  checks.images(plan.hosts, facts.types, facts.images, report)
  if facts.subnet then checks.groups(facts.groups, facts.subnet, plan.sources.security_groups, report) end
  if plan.key then run.import_key = checks.key(plan.key, facts.key, report) end
  stop_at_faults(run)
end

-- Decides what each host needs: { host, interface?, instance?, placed? }.
local function decide(run, facts)
  local list = hosts.place(run.plan.hosts, run.subnet.prefix, run.report)
  stop_at_faults(run)
  local found = inventory.by_host(run.plan.name, facts)
  inventory.check(run, list, found)
  local placed = place(run, facts, list, found)
  stop_at_faults(run)
  local jobs = {}
  for i, host in ipairs(list) do
    local one = found[host.name] or {}
    jobs[i] = { host = host, interface = one.interface, instance = one.instance, placed = placed[host.name] }
  end
  return jobs
end

-- --- making it --------------------------------------------------------------------------

-- Imports the key. Its name is its lock: one that is there by now, imported by
-- another run or by a call whose answer was lost, is compared with the plan's.
local function import_key(run)
  local key = run.plan.key
  local _, message, code, detail = patience.repeatable(run.patience, {}, function()
    return run.ec2:ImportKeyPair { KeyName = key.name, PublicKeyMaterial = key.public_key,
      TagSpecifications = tags.specification("key-pair", run.plan, { Name = key.name }) }
  end)
  if not message then
    run.observe { note = "imported the key " .. key.name }
    return true
  end
  if code ~= "InvalidKeyPair.Duplicate" then failure.raise(message, code, detail) end
  checks.key(key, patience.want(run.patience, function()
    return survey.key(run.ec2, run.plan) or patience.AGAIN, message, code, detail
  end), run.report)
  stop_at_faults(run)
  return true
end

-- The host's own address, then the others in order.
local function addresses_of(interface)
  local list = {}
  for i, address in ipairs(interface.addresses) do list[i] = address end
  table.sort(list)
  local first = { tostring(interface.address) }
  for _, address in ipairs(list) do
    if address ~= interface.address then first[#first + 1] = tostring(address) end
  end
  return first
end

-- What the result says of a host.
local function record_of(host, interface, instance)
  return { name = host.name, interface_id = interface.id, mac = interface.mac, address = tostring(interface.address),
    block = tostring(interface.block), addresses = addresses_of(interface), instance_id = instance and instance.InstanceId,
    state = instance and instance.State.Name, restarted = instance and instance.restarted }
end

local function ensure_interface(run, job)
  local host, interface = job.host, job.interface
  if not interface then
    run.observe { host = host.name, state = "creating", text = tostring(job.placed.block) }
    interface = interfaces.create(run, host, job.placed)
  end
  run.records[host.name] = record_of(host, interface)
  interfaces.complete(run, host, interface)
  return interface
end

-- All that one host needs, in order.
local function make_host(run, job)
  local interface = ensure_interface(run, job)
  if run.key_task then want(run.key_task:result()) end
  local record = record_of(job.host, interface, instances.ensure(run, job.host, interface, job.instance))
  run.records[record.name] = record
  run.observe { host = record.name, state = record.state, text = record.instance_id .. "  " .. record.address .. "  "
    .. record.block }
  return true
end

-- A host's failure is noted and does not stop the others.
local function spawn_host(run, group, job)
  group:spawn(job.host.name, function()
    local ok, message, code, detail = failure.catch(make_host, run, job)
    if not ok then run.fail(job.host, message, code, detail) end
    return true
  end)
end

local function make_all(run, jobs)
  return tasks.group(function(group)
    if run.import_key then
      run.key_task = group:spawn("key", function() return failure.catch(import_key, run) end)
    end
    for _, job in ipairs(jobs) do spawn_host(run, group, job) end
  end, { on_failure = "spare", limit = run.parallel })
end

-- --- the result -------------------------------------------------------------------------

local function result_of(run, jobs)
  local result = { plan = run.plan.name, region = run.ec2.region, subnet = run.subnet.id,
    prefix = tostring(run.subnet.prefix), hosts = {} }
  for i, job in ipairs(jobs) do
    local record = run.records[job.host.name] or { name = job.host.name, addresses = {} }
    record.restarted = nil
    result.hosts[i] = record
  end
  return result
end

-- One message for all failures; hosts with the same one share a line.
local function message_of(failures)
  local lines, at = {}, {}
  for _, one in ipairs(failures) do
    if not at[one.message] then
      at[one.message] = { message = one.message }
      lines[#lines + 1] = at[one.message]
    end
    table.insert(at[one.message], one.host)
  end
  for i, line in ipairs(lines) do lines[i] = table.concat(line, ", ") .. ": " .. line.message end
  return table.concat(lines, "\n")
end

local function make(run, jobs)
  local ok, message, code, detail = make_all(run, jobs)
  if #run.failures == 0 then want(ok, message, code, detail) end
  local records = {}
  for _, job in ipairs(jobs) do records[#records + 1] = run.records[job.host.name] end
  ok, message, code, detail = failure.catch(instances.wait, run, records)
  if not ok then run.fail({ name = "waiting" }, message, code, detail) end
  local result = result_of(run, jobs)
  if #run.failures > 0 then
    failure.raise(message_of(run.failures), run.failures[1].code, { failures = run.failures, result = result })
  end
  return result
end

-- --- a dry run --------------------------------------------------------------------------

-- Asks EC2 whether it would let us.
local function ask(run, operation, params)
  params.DryRun = true
  want(run.ec2[operation](run.ec2, params))
end

-- Whether the calls for the first new host would be permitted.
local function ask_all(run, jobs)
  for _, job in ipairs(jobs) do
    if not job.interface then
      ask(run, "CreateNetworkInterface", interfaces.parameters(run, job.host, job.placed))
      return ask(run, "RunInstances", instances.dry_parameters(run, job.host))
    end
  end
end

-- What would be: existing hosts as they are, new ones as they are placed.
local function would_be(run, jobs)
  for _, job in ipairs(jobs) do
    local host, placed = job.host, job.placed
    if job.interface then
      run.records[host.name] = record_of(host, job.interface, job.instance)
    else
      local addresses = { tostring(placed.address) }
      if not host.range.delegated then
        for address in placed.block:addresses() do addresses[#addresses + 1] = tostring(address) end
      end
      run.records[host.name] = { name = host.name, address = addresses[1], block = tostring(placed.block),
        addresses = addresses, state = "to be made" }
    end
  end
  return result_of(run, jobs)
end

-- --- all together -----------------------------------------------------------------------

-- Before its VPC exists, a plan's addresses are shown relative to the subnet.
local TO_BE_MADE = { id = "to be made", prefix = ip6.prefix "::/64" }

-- Finds or makes the subnet and the groups of the hosts.
local function settle_network(run, facts)
  run.subnet, run.groups = facts.subnet, run.plan.security_groups
  if not run.plan.vpc then return end
  local parts = network.look(run.ec2, run.plan.name)
  if run.dry_run then
    run.subnet = network.subnet(parts) or TO_BE_MADE
  else
    local made = network.ensure(run, parts)
    run.subnet, run.groups = made.subnet, made.groups
  end
  if run.subnet ~= TO_BE_MADE then survey.look_into(run.ec2, facts, run.subnet.id) end
end

local function run_all(run)
  local facts = survey.look(run.ec2, run.plan, run.report, run.patience)
  run.types = facts.types
  check(run, facts)
  settle_network(run, facts)
  local jobs = decide(run, facts)
  if not run.dry_run then return make(run, jobs) end
  if run.subnet ~= TO_BE_MADE then ask_all(run, jobs) end
  return would_be(run, jobs)
end

local function new_run(ec2, plan, options)
  local run = { ec2 = ec2, plan = plan, parallel = options.parallel or PARALLEL, patience = options.patience or PATIENCE,
    observe = options.observe or function() end, random = options.random or require("eni6.core").system.random,
    dry_run = options.dry_run, report = plan.report:fresh(), records = {}, failures = {} }
  function run.fail(host, message, code, detail)
    run.failures[#run.failures + 1] = { host = host.name, message = message, code = code, detail = detail }
    run.observe { host = host.name, state = "failed", text = message }
  end
  return run
end

--- Makes what a plan says, as far as it is not there.
---@param ec2 table    eni6.aws.ec2 client
---@param plan table   of eni6.fleet.plan.load
---@param options? { parallel: integer?, dry_run: boolean?, patience: number?, observe: fun(event: table)?,
---  random: (fun(bytes: integer): string)? }
---  `parallel` hosts at once (32). `patience` is how many seconds EC2 may take to see what was just made (30).
---  Events: { host, state, text } as a host goes on, { note } for the rest.
---@return table|nil result  { plan, region, subnet, prefix, hosts = { { name, instance_id, interface_id, mac, address,
---  block, addresses, state }, … } }
---@return string? message   every fault or failure on a line of its own
---@return string? code      "EPLAN" when nothing was made because the plan does not fit; else EC2's or the transport's
---@return table? detail     { failures, result } when some hosts failed
function provision.run(ec2, plan, options) return failure.catch(run_all, new_run(ec2, plan, options or {})) end

return provision
