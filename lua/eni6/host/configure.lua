--- Configures this instance: facts, what is wanted, the steps between them, and
--- afterwards the proof that it is as reachable as before.

local apply = require("eni6.host.apply")
local archives = require("eni6.host.archives")
local desired = require("eni6.host.desired")
local difference = require("eni6.host.difference")
local inspect = require("eni6.host.inspect")
local ip6 = require("eni6.ip6")
local manager = require("eni6.host.manager")
local packages = require("eni6.host.packages")
local unconfirmed = require("eni6.host.unconfirmed")
local watchdog = require("eni6.host.watchdog")

local configure = {}

local function look_once(world, options)
  local facts, message, code = inspect.facts(world, options)
  if not facts then return nil, nil, message, code end
  local wanted
  wanted, message, code = desired.new(facts, options)
  return facts, wanted, message, code
end

-- The metadata service tells of new addresses up to half a minute late. What the
-- tags name must come; what the caller names may be a slip of the pen.
local function look(world, options)
  local patience = not (options.address or options.block) and options.patience or 0
  local deadline = patience > 0 and world.tasks.now() + patience or 0
  while true do
    local facts, wanted, message, code = look_once(world, options)
    if wanted or code ~= "EADDRNOTAVAIL" or patience == 0 or world.tasks.now() >= deadline then
      return facts, wanted, message, code
    end
    if options.on_wait then options.on_wait(message) end
    world.tasks.sleep(1)
  end
end

local NO_GATEWAY = "%s has no default route to learn the gateway from, and the VPC's router has advertised none; "
  .. "is the interface's accept_ra 0, or a firewall in its way? Or name it: --gateway fe80::…"

-- What of the outer world has to be asked for apt, and for Docker's packages.
local function look_outside(world, facts, options)
  if options.apt then
    facts.archives = options.archives or archives.look(facts.files, function(host) return archives.has_ipv6(world, host) end)
  end
  if not options.install_docker or facts.docker.installed then return {} end
  local install, message, code = packages.prepare(world, options.install_docker)
  if not install then return nil, message, code end
  return { install = install }
end

--- What would be done.
---@param world table
---@param options table|nil
---   address, block, gateway: text, the caller's choice; services: boolean, whether networkd and Docker are told;
---   apt: boolean, whether apt's sources are made to work over IPv6; network: the name of a Docker network to make in
---   place of docker0's block; install_docker: "distribution" or "docker", where it is to come from if it is missing;
---   patience: seconds to wait for what the tags name and the metadata service does not show yet, default 0;
---   on_wait: fun(message), called before each second of that
---@return table|nil plan { facts, wanted, steps }, string? message, string? code
function configure.plan(world, options)
  options = options or {}
  local facts, wanted, message, code = look(world, options)
  if not wanted then return nil, message, code end
  if not wanted.gateway then return nil, NO_GATEWAY:format(wanted.link), "ENETUNREACH" end
  local outside, steps
  outside, message, code = look_outside(world, facts, options)
  if not outside then return nil, message, code end
  steps, message, code = difference.steps(facts, wanted, { services = options.services,
    can_validate = world:exists_program("netplan"), install = outside.install })
  if not steps then return nil, message, code end
  return { facts = facts, wanted = wanted, steps = steps }
end

local function answers(world, target, options)
  local results, message, code = require("eni6.icmp6").ping({ target }, options)
  if not results then return nil, message, code end
  if results[1].reachable then return true end
  local where = world.netns and " from " .. tostring(world.netns) or ""
  return nil, string.format("%s does not answer%s (%s)", target, where, tostring(results[1].reason)), "EHOSTUNREACH"
end

-- That the gateway, the metadata service and, if asked, the operator are reachable.
local function prove(world, wanted, operator)
  local ok, message, code = answers(world, wanted.gateway.via .. "%" .. wanted.link, { netns = world.netns })
  if ok then ok, message, code = world.imds:get("meta-data/instance-id") end
  if ok and operator then
    ok, message, code = answers(world, operator, { netns = world.netns, source = wanted.address })
  end
  return ok and true, message, code
end

-- That Docker, restarted, took the block. A bridge of another name is its owner's affair.
local function check_bridge(world, facts, block)
  if not facts.docker.running or not world.netlink:get_link({ link = "docker0" }) then return true end
  for _, text in ipairs(facts.docker.bridge) do
    if ip6.prefix(block):contains(ip6.address((text:match("^[^/]*")))) then return true end
  end
  return nil, "Docker was restarted, and docker0 has no address of " .. block .. "; see: journalctl -u docker", "ESTALE"
end

-- Whether the kernel kept what it was told: a manager of the network may have put
-- addresses back meanwhile.
local function settled(world, plan, options)
  local known = setmetatable({ archives = plan.facts.archives }, { __index = options })
  local again, message, code = configure.plan(world, known)
  if not again then return nil, message, code end
  if #again.steps > 0 then
    local texts = {}
    for _, step in ipairs(again.steps) do texts[#texts + 1] = apply.describe(step) end
    return nil, "the new state did not last; still to do: " .. table.concat(texts, ", "), "ESTALE"
  end
  if not options.services or plan.wanted.network then return true end
  return check_bridge(world, again.facts, plan.wanted.block)
end

local function guard(world, plan, options)
  if not options.confirm then return true end
  if options.services then table.insert(plan.steps, 1, unconfirmed.step(options.rollback_command)) end
  return watchdog.start(world, options.watchdog_command)
end

--- Does it, all or nothing.
---@param world table
---@param plan table of configure.plan
---@param options table|nil
---   address, block, gateway, apt, network, install_docker, services: as for configure.plan;
---   operator: an address that must answer afterwards;
---   confirm: seconds within which configure.confirm must be called, else everything goes back;
---   watchdog_command, rollback_command: string[], needed with confirm;
---   on_step: fun(i, step)
---@return true|nil ok, string? message, string? code
function configure.run(world, plan, options)
  options = options or {}
  local ok, message, code = guard(world, plan, options)
  if not ok then return nil, message, code end
  return apply.run(plan.steps, world, {
    on_step = options.on_step,
    deadline = options.confirm and function() return require("eni6.core").system.time() + options.confirm end,
    check = function()
      if options.services then manager.settle(world, plan.wanted.link) end
      local kept, fault, fault_code = settled(world, plan, options)
      if not kept then return nil, fault, fault_code end
      return prove(world, plan.wanted, options.operator)
    end,
  })
end

local WAITS = "a configuration waits to be confirmed for %.0f s more: configure.lua confirm keeps it, "
  .. "configure.lua rollback puts everything back"

--- Puts back what an earlier run left half done, or unconfirmed beyond its time: a
--- plan must be made from a state that stays.
---@param world table
---@return boolean|nil undone, string? message, string? code "EBUSY" while a state waits to be confirmed, "EAGAIN", "EROLLBACK"
function configure.recover(world)
  local deadline, message, code = apply.pending(world)
  if deadline == nil then
    if message then return nil, message, code end
    return false
  end
  local left = deadline and deadline - require("eni6.core").system.time() or 0
  if left > 0 then return nil, WAITS:format(left), "EBUSY" end
  return apply.recover(world)
end

--- Makes the new state final.
---@param world table
---@return true|nil ok, string? message, string? code
function configure.confirm(world)
  local ok, message, code = apply.confirm(world)
  if not ok then return nil, message, code end
  return world:remove(unconfirmed.PATH)
end

return configure
