--- What a plan made earlier, sorted by host, and how it compares with what the plan
-- says now. What cannot be reconciled without taking something away is a fault;
-- what simply stays as it is gets a note.

local existing = require "eni6.fleet.existing"
local tags = require "eni6.fleet.tags"

local inventory = {}

local ENDED = { ["shutting-down"] = true, terminated = true }

-- The interface of a host among several with its tags: the attached one, else the
-- first by id. The others are told of and left to teardown.
local function choose_interface(list)
  table.sort(list, function(a, b)
    if (a.instance_id ~= nil) ~= (b.instance_id ~= nil) then return a.instance_id ~= nil end
    return a.id < b.id
  end)
  return list[1]
end

--- What the plan made earlier.
---@param name string  the plan's
---@param facts table  of eni6.fleet.survey.look
---@return table<string, table>  by host: { interfaces, interface?, instance?, stray? }; `instance` is on the interface,
---  a stray one carries the host's tags but is not
function inventory.by_host(name, facts)
  local found, by_id = {}, {}
  local function entry(host)
    found[host] = found[host] or { interfaces = {} }
    return found[host]
  end
  for _, interface in ipairs(facts.interfaces) do
    if interface.plan == name and interface.host then table.insert(entry(interface.host).interfaces, interface) end
  end
  for _, instance in ipairs(facts.instances) do by_id[instance.InstanceId] = instance end
  for _, one in pairs(found) do
    one.interface = choose_interface(one.interfaces)
    one.instance = by_id[one.interface.instance_id]
  end
  for _, instance in ipairs(facts.instances) do
    local host = tags.of(instance)[tags.HOST]
    if host and not ENDED[instance.State.Name] and entry(host).instance ~= instance then entry(host).stray = instance end
  end
  return found
end

-- "…; take it away first: teardown.lua PLAN --host NAME".
local function take_away(run, name) return "teardown.lua " .. run.plan.file .. " --host " .. name end

local function fault(run, host, text, ...)
  run.report:add(host.path, string.format(text, ...) .. "; take the host away first: " .. take_away(run, host.name), "hosts")
end

local function check_differences(run, host, one)
  local list = existing.differences(host, one.interface, one.instance and one.instance.InstanceType)
  if #list == 0 then return end
  run.report:add(host.path, string.format("host %s exists (%s), but its %s; change the plan back, or take the host away "
    .. "first: %s", host.name, one.interface.id, table.concat(list, ", its "), take_away(run, host.name)), "hosts")
end

local function sorted_text(list)
  local copy = { table.unpack(list) }
  table.sort(copy)
  return table.concat(copy, " ")
end

-- What differs but can stay.
local function note_differences(run, host, one)
  local groups, image = sorted_text(one.interface.groups), one.instance and one.instance.ImageId
  if run.groups and sorted_text(run.groups) ~= groups then
    run.observe { note = string.format("host %s keeps its security groups (%s); to have the plan's: aws ec2 "
      .. "modify-network-interface-attribute --network-interface-id %s --groups %s", host.name, groups, one.interface.id,
      sorted_text(run.groups)) }
  end
  if image and host.image:match("^ami%-") and image ~= host.image then
    run.observe { note = string.format("host %s keeps its image %s; only new hosts get %s", host.name, image, host.image) }
  end
end

local function check_host(run, host, one)
  if one.interface and one.interface.subnet ~= run.subnet.id then
    fault(run, host, "host %s exists in another subnet (%s in %s)", host.name, one.interface.id, one.interface.subnet)
  elseif one.interface then
    check_differences(run, host, one)
    note_differences(run, host, one)
  end
  if one.stray then
    fault(run, host, "%s carries the tags of host %s but is on no interface of it", one.stray.InstanceId, host.name)
  end
  for i = 2, #one.interfaces do
    run.observe { note = string.format("%s carries the tags of host %s too and is not needed; teardown takes it away",
      one.interfaces[i].id, host.name) }
  end
end

local function note_unplanned(run, name, one)
  local id = one.interface and one.interface.id or one.stray and one.stray.InstanceId or "ended"
  run.observe { note = string.format("host %s (%s) carries this plan's tag but is not in the plan; it stays. To take it "
    .. "away: %s", name, id, take_away(run, name)) }
end

--- Compares what there is with the plan: faults go to its report, notes to `observe`.
---@param run table     see eni6.fleet.provision
---@param list table[]  of eni6.fleet.hosts.place
---@param found table   of by_host
function inventory.check(run, list, found)
  local planned, names = {}, {}
  for _, host in ipairs(list) do
    planned[host.name] = true
    if found[host.name] then check_host(run, host, found[host.name]) end
  end
  for name in pairs(found) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if not planned[name] then note_unplanned(run, name, found[name]) end
  end
end

return inventory
