--- Containers on the instance's block of public addresses.

local registries = require("eni6.host.registries")

local containers = {}

local STARTING = 10 -- seconds within which Docker gives a container its address
local LASTING = 0.5 -- seconds for which it must run to count as started

-- That one of Docker's networks, by default its bridge, hands out public addresses at all.
local function check_network(world, name)
  local network, message, code = world.docker:inspect_network(name or "bridge")
  if not network then return nil, message, code end
  for _, config in ipairs(network.EnableIPv6 and network.IPAM.Config or {}) do
    if config.Subnet:find(":", 1, true) then return config.Subnet end
  end
  return nil, "Docker's " .. (name and "network " .. name or "bridge") .. " has no IPv6 block, so containers would get no "
    .. "public address; " .. (name and "make one: lua scripts/configure.lua --network NAME"
      or "run: lua scripts/configure.lua (and restart Docker)"), "ENOADDRESS"
end

-- A registry without an IPv6 address is told of and tried all the same: a proxy or a
-- NAT may lead there.
local function pull_if_absent(world, image, options)
  local found, message, code = world.docker:inspect_image(image)
  if found then return true end
  if code ~= "NotFound" then return nil, message, code end
  local fit, doubt = registries.check(world, image, options.resolve)
  if not fit and options.on_note then options.on_note(doubt) end
  local pulled
  pulled, message, code = world.docker:pull(image, options.on_progress)
  if pulled then return true end
  return nil, fit and message or message .. " (" .. doubt .. ")", code
end

-- The first network in which the container has a public address.
local function describe(container)
  local result = { id = container.Id, name = container.Name:gsub("^/", ""), image = container.Config.Image,
    state = container.State.Status }
  local names = {}
  for name in pairs(container.NetworkSettings.Networks or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local network = container.NetworkSettings.Networks[name]
    if (network.GlobalIPv6Address or "") ~= "" and not result.address then
      result.address = network.GlobalIPv6Address
      result.length = network.GlobalIPv6PrefixLen
      result.network = name
      result.bridge = network.IPv6Gateway
    end
  end
  return result
end

local function inspect(world, id)
  local container, message, code = world.docker:inspect(id)
  if not container then return nil, message, code end
  return describe(container)
end

-- A command that cannot do its work ends as soon as it was started.
local function wait_for_address(world, id)
  local tasks = require("eni6.tasks")
  local started = tasks.now()
  while true do
    local container, message, code = inspect(world, id)
    if not container then return nil, message, code end
    local elapsed = tasks.now() - started
    if container.state ~= "running" then
      return nil, string.format("the container %s was started and is %s already; see: docker logs %s",
        container.name, container.state, container.name), "EFAILED"
    end
    if container.address and elapsed > LASTING then return container end
    if elapsed > STARTING then
      return nil, string.format("the container %s has no public address; see: docker logs %s", container.name,
        container.name), "ENOADDRESS"
    end
    tasks.sleep(0.1)
  end
end

--- Starts a container on the block.
---@param world table of eni6.host.world
---@param options table image: string; name: string|nil; command: string[]|nil;
---   network: one that configure.lua --network made, default Docker's bridge;
---   on_note: function(text), told when the image's registry has no IPv6 address; on_progress: as of docker's pull;
---   resolve: as of eni6.host.registries.check
---@return table|nil container { id, name, image, state, address, length, network, bridge }
---@return string? message
---@return string? code "ENOADDRESS" where Docker has no block, "EFAILED" when the container ended at once,
---   "NotFound", "Conflict", …
function containers.run(world, options)
  local block, message, code = check_network(world, options.network)
  if not block then return nil, message, code end
  local there
  there, message, code = pull_if_absent(world, options.image, options)
  if not there then return nil, message, code end
  local made
  made, message, code = world.docker:create(options.name, { Image = options.image, Cmd = options.command,
    Labels = { eni6 = "container" }, HostConfig = options.network and { NetworkMode = options.network } })
  if not made then return nil, message, code end
  local started
  started, message, code = world.docker:start(made.Id)
  if not started then
    world.docker:remove(made.Id, true)
    return nil, message, code
  end
  return wait_for_address(world, made.Id)
end

--- The running containers that have a public address, and whether they answer.
---@param world table
---@return table[]|nil list as of `run`, each with reachable = boolean
---@return string? message
---@return string? code
function containers.list(world)
  local listed, message, code = world.docker:list()
  if not listed then return nil, message, code end
  local list, addresses = {}, {}
  for _, item in ipairs(listed) do
    local container = inspect(world, item.Id)
    if container and container.address then
      list[#list + 1], addresses[#addresses + 1] = container, container.address
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  for i, container in ipairs(list) do addresses[i] = container.address end
  local answers = #list > 0 and require("eni6.icmp6").ping(addresses, { netns = world.netns }) or {}
  for i, container in ipairs(list) do container.reachable = answers[i] and answers[i].reachable or false end
  return list
end

--- Stops and removes containers.
---@param world table
---@param names string[]
---@return true|nil ok, string? message, string? code the first that failed; the others were stopped
function containers.stop(world, names)
  local fault, fault_code
  for _, name in ipairs(names) do
    local ok, message, code = world.docker:stop(name, 5)
    if ok then ok, message, code = world.docker:remove(name, true) end
    if not ok and not fault then fault, fault_code = message, code end
  end
  if fault then return nil, fault, fault_code end
  return true
end

return containers
