--- The steps from what is to what is wanted, in the order in which a machine stays
--- reachable. Pure. No step means that nothing is to do.
--
-- Files come first and the kernel second: whatever manages the network puts back
-- what only the kernel was told. In the kernel, advertisements are made to survive
-- forwarding before forwarding is on, the written route stands before addresses
-- move, and the host address changes its length before the block's addresses go.

local archives = require("eni6.host.archives")
local daemon_json = require("eni6.files.daemon_json")
local files = require("eni6.files")
local netplan = require("eni6.files.netplan")
local networkd = require("eni6.files.networkd")
local packages = require("eni6.host.packages")
local sysctl = require("eni6.files.sysctl")

local difference = {}

local function add_file(steps, facts, path, text, mode)
  if facts.files[path] == text then return false end
  steps[#steps + 1] = { kind = "file", path = path, text = text, mode = mode or 420 }
  return true
end

-- A file of ours by name that somebody else wrote stays theirs.
local function refuse_foreign(facts, path)
  local text = facts.files[path]
  if text == nil or files.is_ours(text) then return true end
  return nil, path .. " was not written by eni6; move it away (its settings are written anew), then run this again", "EEXIST"
end

local function netplan_files(facts)
  local texts = {}
  for path, text in pairs(facts.files) do
    if path:find("^/etc/netplan/") then texts[path] = text end
  end
  return texts
end

-- The undo runs after the files before it were put back, so it stands in front of
-- them; the step itself stands behind.
local function add_managed(steps, back, forth, write)
  local mark = #steps + 1
  steps[mark] = back
  if write() then
    steps[#steps + 1] = forth
  else
    table.remove(steps, mark)
  end
end

local function add_reload(steps, wanted, netplan_too, write)
  add_managed(steps, { kind = "reload", link = wanted.link, netplan = netplan_too, back = true },
    { kind = "reload", link = wanted.link, netplan = netplan_too, address = wanted.address .. "/" .. wanted.length }, write)
end

local function add_netplan(steps, facts, wanted, options)
  local text = netplan.render(wanted)
  local candidates = netplan_files(facts)
  candidates[netplan.PATH] = text
  if facts.files[netplan.PATH] ~= text and options.can_validate then
    steps[#steps + 1] = { kind = "validate", files = candidates }
  end
  local function write()
    local dropin = add_file(steps, facts, networkd.dropin_path(wanted.link), networkd.render_dropin())
    return add_file(steps, facts, netplan.PATH, text, netplan.MODE) or dropin
  end
  if not options.services then return write() end
  add_reload(steps, wanted, true, write)
end

local function add_networkd(steps, facts, wanted, options)
  local function write() return add_file(steps, facts, networkd.UNIT_PATH, networkd.render_unit(wanted)) end
  if not options.services then return write() end
  add_reload(steps, wanted, nil, write)
end

local function add_kernel_settings(steps, facts, wanted)
  add_file(steps, facts, sysctl.PATH, sysctl.render(wanted.link))
  for _, setting in ipairs(sysctl.settings(wanted.link)) do
    local name, value = setting[1], setting[2]
    if not sysctl.serves(name, value, facts.sysctls[name]) then
      steps[#steps + 1] = { kind = "sysctl", name = name, value = value }
    end
  end
end

local function has_route(facts, gateway)
  for _, route in ipairs(facts.gateways) do
    if route.gateway == gateway.via and route.metric == gateway.metric then return true end
  end
  return false
end

local function has_address(facts, text)
  for _, record in ipairs(facts.main.addresses) do
    if record.address == text then return not (record.valid_lft or record.dadfailed) end
  end
  return false
end

local function add_kernel_state(steps, facts, wanted)
  if wanted.gateway and not has_route(facts, wanted.gateway) then
    steps[#steps + 1] = { kind = "route", link = wanted.link, gateway = wanted.gateway.via, metric = wanted.gateway.metric }
  end
  local host = wanted.address .. "/" .. wanted.length
  if not has_address(facts, host) then steps[#steps + 1] = { kind = "address", link = wanted.link, address = host } end
  for _, leaving in ipairs(wanted.leaving) do
    steps[#steps + 1] = { kind = "address", link = wanted.link, address = leaving, absent = true }
  end
end

local MOVING = { reload = true, route = true, address = true }

-- What is to be undone last, when networkd has its old files again, is noted first.
local function note_link(steps, wanted, options)
  for _, step in ipairs(steps) do
    if MOVING[step.kind] then
      local gateway = wanted.gateway or {}
      return table.insert(steps, 1, { kind = "link", link = wanted.link, address = wanted.address, gateway = gateway.via,
        metric = gateway.metric, managed = options.services })
    end
  end
end

-- Of the archives: after the network, which apt needs.
local function add_apt(steps, facts)
  for _, change in ipairs(facts.archives and archives.changes(facts.files, facts.archives) or {}) do
    add_file(steps, facts, change.path, change.text)
  end
end

local function add_packages(steps, facts, options)
  if not options.install or facts.docker.installed then return end
  for _, step in ipairs(packages.steps(options.install)) do steps[#steps + 1] = step end
end

local ROUTED_SINCE = 27 -- the engine's major version that knows gateway_mode_ipv6

local function add_network(steps, facts, wanted)
  local docker = facts.docker
  if docker.subnet == wanted.block then return true end
  if not docker.running then
    return nil, (docker.fault or "Docker is not installed") .. "; it must run for a network to be made", "EAGAIN"
  end
  local major = tonumber((docker.version or ""):match("^%d+"))
  steps[#steps + 1] = { kind = "network", name = wanted.network, block = wanted.block,
    routed = major ~= nil and major >= ROUTED_SINCE }
  return true
end

-- Not while the machine boots, when Docker waits for the network, which waits for an
-- undo. Docker's unit allows three starts a minute, which a configuration and its undo
-- use up; reset-failed begins to count anew.
local RESTART = { "sh", "-c", "[ $(systemctl is-active docker) = inactive ] || "
  .. "{ systemctl reset-failed docker.service docker.socket; systemctl restart docker; }" }

local function add_bridge(steps, facts, wanted, options)
  local present = facts.files[daemon_json.PATH]
  local text, message = daemon_json.merge(present, daemon_json.bridge_members(wanted.block))
  if not text then return nil, message, "EBADMSG" end
  local function write() return add_file(steps, facts, daemon_json.PATH, text) end
  if options.services and facts.docker.running then
    add_managed(steps, { kind = "command", undo_argv = RESTART },
      { kind = "command", text = "restart Docker", argv = RESTART }, write)
  else
    write()
  end
  return true
end

local function add_docker(steps, facts, wanted, options)
  if wanted.network then return add_network(steps, facts, wanted) end
  return add_bridge(steps, facts, wanted, options)
end

local RENDERERS = { netplan = { add_netplan, netplan.PATH }, networkd = { add_networkd, networkd.UNIT_PATH } }

--- The steps.
---@param facts table see eni6.host.inspect
---@param wanted table see eni6.host.desired
---@param options { services: boolean|nil, can_validate: boolean|nil, install: table|nil }|nil
---   services: networkd and Docker are told of changes (false below a root of one's own);
---   can_validate: the netplan program is there; install: of eni6.host.packages, where Docker is to be installed
---@return table[]|nil steps for eni6.host.apply
---@return string? message
---@return string? code "EEXIST" when a file of ours is somebody else's, "EBADMSG" for a broken daemon.json
function difference.steps(facts, wanted, options)
  options = options or {}
  local add_persistent, path = RENDERERS[facts.renderer][1], RENDERERS[facts.renderer][2]
  local ours, message, code = refuse_foreign(facts, path)
  if not ours then return nil, message, code end
  local steps = {}
  add_persistent(steps, facts, wanted, options)
  add_kernel_settings(steps, facts, wanted)
  add_kernel_state(steps, facts, wanted)
  note_link(steps, wanted, options)
  add_apt(steps, facts)
  ours, message, code = add_docker(steps, facts, wanted, options)
  if not ours then return nil, message, code end
  add_packages(steps, facts, options)
  return steps
end

return difference
