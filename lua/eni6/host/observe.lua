--- Gathers what a check of this instance judges: the facts, what they should be, and
--- what answers. Changes nothing.

local containers = require("eni6.host.containers")
local desired = require("eni6.host.desired")
local difference = require("eni6.host.difference")
local inspect = require("eni6.host.inspect")

local observe = {}

-- Files that are not as wanted: what a reboot would not bring back.
local function stale_files(facts, wanted, options)
  local steps, message = difference.steps(facts, wanted, options)
  if not steps then return nil, message end
  local paths = {}
  for _, step in ipairs(steps) do
    if step.kind == "file" then paths[#paths + 1] = step.path end
  end
  return paths
end

local function default_route(nl)
  local routes = nl:routes({ family = "inet6", table = "main", dst = "::/0" }) or {}
  return routes[1] and routes[1].gateway
end

-- The interface that holds an address, and whether IPv6 is disabled on it.
local function link_of(nl, address)
  for _, record in ipairs(nl:addresses({ family = "inet6" }) or {}) do
    if record.address:match("^[^/]*") == address then
      return record.link, nl:sysctl("ipv6/conf/" .. record.link .. "/disable_ipv6")
    end
  end
end

-- A container as its own network namespace has it: nothing need be installed in it.
local function look_inside(world, container)
  local full = world.docker:inspect(container.id)
  local pid = full and full.State.Pid
  local nl, message = require("eni6.netlink").open({ netns = pid })
  if not nl then return { fault = message } end
  local inside = { pid = pid, gateway = default_route(nl) }
  inside.link, inside.disable_ipv6 = link_of(nl, container.address)
  nl:close()
  return inside
end

local function look_at_containers(world)
  local list, message = containers.list(world)
  if not list then return nil, message end
  for _, container in ipairs(list) do container.inside = look_inside(world, container) end
  return list
end

local function ping(targets, options)
  local results, message, code = require("eni6.icmp6").ping(targets, options)
  if results then return results end
  local failed = {}
  for i, target in ipairs(targets) do
    failed[i] = { target = target, reachable = false, reason = message, code = code }
  end
  return failed
end

-- Peers are asked from a container, where there is one: that proves the whole way.
local function ask_peers(world, seen, peers)
  if #peers == 0 then return {} end
  local first = seen.containers and seen.containers[1]
  local inside = first and first.inside.pid
  local results = ping(peers, inside and { netns = inside, source = first.address }
    or { netns = world.netns, source = seen.wanted and seen.wanted.address })
  for _, result in ipairs(results) do result.source = inside and "container " .. first.name or "the host" end
  return results
end

local function complete(world, seen, options)
  seen.wanted, seen.question = desired.new(seen.facts, options)
  if seen.wanted then
    seen.stale, seen.files_fault = stale_files(seen.facts, seen.wanted, options)
    local gateway = seen.wanted.gateway
    seen.gateway = gateway and ping({ gateway.via .. "%" .. seen.wanted.link }, { netns = world.netns })[1]
  end
  if seen.facts.docker.running then
    seen.containers, seen.containers_fault = look_at_containers(world)
  end
end

--- Looks at everything once.
---@param world table of eni6.host.world
---@param options { address: string|nil, block: string|nil, network: string|nil, peers: string[]|nil }|nil
---@return table seen for eni6.host.check.
---   facts, or fault = why there are none; wanted, or question = why that is not known;
---   stale = paths of files that are not as wanted, or files_fault; gateway, peers = results of eni6.icmp6;
---   containers of eni6.host.containers, each with inside = { pid, link, gateway, disable_ipv6 } or { fault }
function observe.instance(world, options)
  options = options or {}
  local seen = {}
  seen.facts, seen.fault, seen.fault_code = inspect.facts(world, options)
  if seen.facts then complete(world, seen, options) end
  seen.peers = ask_peers(world, seen, options.peers or {})
  return seen
end

return observe
