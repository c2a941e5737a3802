--- Instances as the world keeps them, and their way through the states.

local interfaces = require "eni6.sandbox.state.interfaces"

local M = {}

--- The codes that EC2 gives its states.
M.CODES = { pending = 0, running = 16, ["shutting-down"] = 32, terminated = 48, stopping = 64, stopped = 80 }

-- How long a terminated instance is still described: about an hour, as EC2 does.
local MEMORY = 3600

-- Moves on to the next state after the habit's delay, unless another change came first.
local function settle(world, instance, state, also)
  instance.changes = (instance.changes or 0) + 1
  local change = instance.changes
  world:settle(function()
    if instance.changes ~= change then return end
    instance.state = state
    if also then also() end
    world:notify("instance." .. state, instance)
  end)
end

--- Starts a new or a stopped instance.
---@param world table
---@param instance table
function M.start(world, instance)
  instance.state, instance.reason = "pending", nil
  instance.launch_time = world.clock()
  instance.checks = "initializing"
  settle(world, instance, "running", function()
    world:settle(function() instance.checks = "ok" end)
  end)
end

--- Makes an instance and starts it; its interfaces are attached by the caller.
---@param world table
---@param fields table
---@return table instance
function M.create(world, fields)
  fields.interfaces = {}
  local instance = world:insert("instance", fields)
  instance.volume = world:new_id("vol")
  M.start(world, instance)
  return instance
end

--- Stops an instance.
---@param world table
---@param instance table
function M.stop(world, instance)
  instance.state = "stopping"
  instance.reason = "User initiated"
  settle(world, instance, "stopped")
end

-- Interfaces go with their instance or stay, as their attachment says.
local function release(world, instance)
  for _, interface in ipairs({ table.unpack(instance.interfaces) }) do
    local goes = interface.attachment.delete_on_termination
    interfaces.detach(world, interface)
    if goes then interfaces.remove(world, interface) end
  end
end

--- Terminates an instance. Its interfaces are released when it is terminated.
---@param world table
---@param instance table
function M.terminate(world, instance)
  if instance.state == "terminated" or instance.state == "shutting-down" then return end
  instance.state, instance.reason = "shutting-down", "User initiated"
  settle(world, instance, "terminated", function()
    release(world, instance)
    world:after(MEMORY, function() world:remove(instance) end)
  end)
end

return M
