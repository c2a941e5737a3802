--- Takes steps as one transaction: all of them, or everything as it was.
--
-- Before each step its undo is on the disk. A failed step, a failed check or a
-- kill leads back; what a killed run left is undone by `recover`, whoever calls it
-- first: the watchdog, the next run, or a person.

local journal = require("eni6.host.journal")

local apply = {}

local function handler(kind) return require("eni6.host.steps." .. kind) end

--- One line for a person, or nil for a step that only matters on the way back.
---@param step table
---@return string|nil text
function apply.describe(step) return handler(step.kind).describe(step) end

-- Puts back everything that the entries name, newest first. Goes on past a
-- failure, since the rest is then needed the more; the first is reported. What the
-- kernel alone knew is gone after a reboot, and then left so.
local function put_back(entries, world)
  local fault
  local rebooted = entries[1] and entries[1].boot ~= world:boot_id()
  for i = #entries, 1, -1 do
    local entry = entries[i]
    local handle = entry.kind and handler(entry.kind)
    if handle and not (rebooted and handle.volatile) then
      local ok, message = handle.undo(entry.old, world)
      if not ok then fault = fault or message end
    end
  end
  if fault then return nil, "not everything could be put back: " .. fault, "EROLLBACK" end
  return true
end

local function take(step, world, log)
  local handle = handler(step.kind)
  local old, message, code = handle.before(step, world)
  if not old then return nil, message, code end
  local recorded
  recorded, message, code = log:record({ kind = step.kind, old = old })
  if not recorded then return nil, message, code end
  return handle.run(step, world)
end

local function take_all(steps, world, log, options)
  local ok, message, code = log:record({ boot = world:boot_id(), applier = world:pid() })
  if not ok then return nil, message, code end
  for i, step in ipairs(steps) do
    if options.on_step then options.on_step(i, step) end
    ok, message, code = take(step, world, log)
    if not ok then return nil, message, code end
  end
  if options.check then return options.check() end
  return true
end

local function open(world, directory)
  return journal.open(world.filesystem, world.root .. (directory or journal.DIRECTORY))
end

-- Undoes what a journal left by an earlier run names. The lock is held.
local function undo_leftover(world, log)
  local entries, message, code = journal.read(world.filesystem, log.directory)
  if not entries then
    if message then return nil, message, code end
    return false
  end
  local back, fault, fault_code = put_back(entries, world)
  if not back then return nil, fault, fault_code end
  local finished
  finished, message, code = log:finish()
  if not finished then return nil, message, code end
  return true
end

-- Whether what the journal names is to be left alone: it waits, or is another one's.
local function is_spared(world, log, options)
  local entries = journal.read(world.filesystem, log.directory)
  if not entries or not entries[1] then return false end
  if options.applier and entries[1].applier ~= options.applier then return true end
  local deadline = entries[#entries].deadline
  return options.now and deadline and deadline > options.now
end

--- Undoes a configuration that was cut short, or not confirmed.
---@param world table
---@param options { now: number|nil, applier: integer|nil, directory: string|nil }|nil
---   now: seconds since the epoch; an applied state whose deadline is later than that is left alone;
---   applier: the process whose state alone is undone
---@return boolean|nil undone false when there was nothing to undo
---@return string? message
---@return string? code "EAGAIN" while another process configures, "EROLLBACK"
function apply.recover(world, options)
  options = options or {}
  local log, message, code = open(world, options.directory)
  if not log then return nil, message, code end
  local undone, fault, fault_code = false, nil, nil
  if not is_spared(world, log, options) then undone, fault, fault_code = undo_leftover(world, log) end
  log:release()
  return undone, fault, fault_code
end

-- What a failure means to the caller: everything was put back, or it was not
-- (then the journal stays, and the next run tries again).
local function fail_back(world, log, message, code)
  local back, fault = undo_leftover(world, log)
  if back == nil then return nil, message .. "; " .. fault, "EROLLBACK" end
  return nil, message .. "; everything was put back as it was", code
end

--- Takes the steps. Until `confirm` (or at once without `deadline`) the journal
--- stays, by which a watchdog or the next run puts everything back.
---@param steps table[] from eni6.host.difference
---@param world table
---@param options table|nil
---   check: function, called after the last step: true, or nil, message, code, which undoes all;
---   on_step: function(i, step), called before each;
---   deadline: function, called after all: the seconds since the epoch until which the new state waits for `confirm`;
---   directory: of the journal
---@return true|nil ok, string? message, string? code the failed step's; "EROLLBACK" when not all could be put back
function apply.run(steps, world, options)
  options = options or {}
  local log, message, code = open(world, options.directory)
  if not log then return nil, message, code end
  local leftover, fault, fault_code = undo_leftover(world, log)
  if leftover == nil then
    log:release()
    return nil, fault, fault_code
  end
  local survived, ok
  survived, ok, message, code = pcall(take_all, steps, world, log, options)
  if not survived then
    undo_leftover(world, log)
    log:release()
    error(ok, 0)
  end
  if not ok then
    ok, message, code = fail_back(world, log, message, code)
  elseif options.deadline then
    ok, message, code = log:record({ deadline = options.deadline() })
  else
    ok, message, code = log:finish()
  end
  log:release()
  return ok, message, code
end

--- When the applied, unconfirmed state ends: the deadline, false while the steps
--- are still being taken or were cut short, nil where nothing waits.
---@return number|false|nil deadline, integer|string|nil applier its process id, or the message, string? code
function apply.pending(world, directory)
  local entries, message, code = journal.read(world.filesystem, world.root .. (directory or journal.DIRECTORY))
  if not entries then return nil, message, code end
  local last = entries[#entries]
  return last and last.deadline or false, last and entries[1].applier
end

--- Makes the applied state final.
---@return true|nil ok, string? message, string? code "ENOENT" when nothing waits for it
function apply.confirm(world, directory)
  local log, message, code = open(world, directory)
  if not log then return nil, message, code end
  local deadline = apply.pending(world, directory)
  local ok
  if deadline then
    ok, message, code = log:finish()
  else
    ok, message, code = nil, "nothing waits to be confirmed: it was confirmed, or put back, before", "ENOENT"
  end
  log:release()
  return ok, message, code
end

return apply
