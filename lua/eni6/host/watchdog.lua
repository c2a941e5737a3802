--- Who puts everything back when nobody confirms: a process in a session of its own,
--- which outlives the shell, the connection and the applier that started it.

local apply = require("eni6.host.apply")

local watchdog = {}

local INTERVAL = 0.25

--- Starts one, before the first step is taken.
---@param world table
---@param command string[] the program and arguments by which it is run; the applier's pid is appended
---@return true|nil ok, string? message, string? code
function watchdog.start(world, command)
  local argv = { "setsid" }
  for _, word in ipairs(command) do argv[#argv + 1] = word end
  argv[#argv + 1] = tostring(world:pid())
  local child, message, code = world.process.spawn({ argv = argv, stdin = "null", stdout = "null", stderr = "null", cwd = "/" })
  if not child then return nil, "cannot start the watchdog: " .. message, code end
  child:close()
  return true
end

local function is_alive(world, pid) return world.filesystem.stat("/proc/" .. pid) ~= nil end

-- Whether the applier's own state waits; another one's is that one's watchdog's.
local function pending_of(world, applier)
  local pending, owner = apply.pending(world)
  if pending ~= nil and owner == applier then return pending end
end

--- Watches until the new state was confirmed or undone, or the applier ended without
--- leaving one. Undoes it at its deadline, and at once when the applier died in the
--- middle.
---@param world table
---@param applier integer its pid
---@param now fun(): number seconds since the epoch
---@param sleep fun(seconds: number)
---@return boolean undone
function watchdog.watch(world, applier, now, sleep)
  while true do
    local alive = is_alive(world, applier)
    local pending = pending_of(world, applier)
    if pending == nil and not alive then return false end
    if pending and now() >= pending or pending == false and not alive then
      if apply.recover(world, { now = now(), applier = applier }) then return true end
    end
    sleep(INTERVAL)
  end
end

return watchdog
