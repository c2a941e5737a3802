--- What suspends a task, and blocks anywhere else: the waits of `eni6.tasks`, under whose name they are public.

local system = require("eni6.core").system

local waits = {}

-- What a task yields, to tell a wait of ours from a stray coroutine.yield.
waits.WAIT = {}

--- Raised by the waits of a task that was cancelled. Let it pass.
waits.CANCELLED = setmetatable({}, { __tostring = function() return "the task was cancelled" end })

-- The task that was resumed last and has not come back. A weak table of all would cost the collector dearly.
local running

local function back_to(task, ...)
  running = task
  return ...
end

--- Resumes a task's coroutine, with the task.
---@return boolean ok, any …
function waits.resume(task)
  local before = running
  running = task
  return back_to(before, coroutine.resume(task.thread, task))
end

--- The task in whose coroutine we are, if it can wait from here.
---@return table|nil task
function waits.current()
  local task = running
  return task and task.thread == coroutine.running() and coroutine.isyieldable() and task or nil
end

--- The clock of every deadline here.
---@return number seconds of the monotonic clock
waits.now = system.monotonic

-- --- waiting inside a task ------------------------------------------------------------

--- Raises waits.CANCELLED if the task that calls it was cancelled: for long work without waits.
function waits.checkpoint()
  local task = waits.current()
  if task and task.cancelled then error(waits.CANCELLED, 0) end
end

--- Suspends the task until the wait is over; returns its outcome, or raises
--- CANCELLED if the task was cancelled before that.
function waits.suspend(task, wait)
  if not task.cancelled then
    wait.task, task.wait = task, wait
    task.runner.loop:arm(wait)
    coroutine.yield(waits.WAIT)
    task.wait = nil
    if wait.outcome then return wait.outcome end
  end
  task.last_chances = task.last_chances - 1
  if task.last_chances < 0 then coroutine.yield(waits.WAIT) end -- never resumed
  error(waits.CANCELLED, 0)
end

-- --- waiting anywhere ------------------------------------------------------------------

local function timed_out(seconds)
  return nil, string.format("nothing happened within %g seconds", seconds), "ETIMEDOUT"
end

-- Blocks until an entry is ready or a time has come: "ready", "timeout", or nil, message, code.
local function block(entries, due, renew)
  while true do
    local now = waits.now()
    local nearest = math.min(due or math.huge, renew or math.huge)
    local ready, message, code = system.poll(entries, nearest < math.huge and math.max(0, nearest - now) or nil)
    if not ready then return nil, message, code end
    for _, is_ready in ipairs(ready) do
      if is_ready then return "ready" end
    end
    now = waits.now()
    if renew and now >= renew then return "ready" end
    if due and now >= due then return "timeout" end
  end
end

local function wait_for(entries, seconds, own_timeout)
  local task = waits.current()
  local due = seconds and waits.now() + seconds
  local renew = own_timeout and waits.now() + own_timeout
  local outcome, message, code
  if task then
    outcome = waits.suspend(task, { entries = entries, due = due, renew = renew })
  else
    outcome, message, code = block(entries, due, renew)
  end
  if not outcome then return nil, message, code end
  if outcome == "timeout" then return timed_out(seconds) end
  return true
end

--- Waits until one of the descriptors is ready.
---@param entries table[] `{ {fd, "r"|"w"|"rw"}, … }`; may be empty, which waits for the time alone
---@param seconds number? how long at most; nil: for ever
---@return true|nil ready, string? message, string? code "ETIMEDOUT" when the time is over
function waits.poll(entries, seconds) return wait_for(entries, seconds) end

--- Waits until something is ready that follows the convention of pollfd, events and timeout, or until its own
--- timeout has passed (it then wants to be asked again).
---@param waitable table `:pollfd()` (or nil for none), `:events()` "r", "w" or "rw", `:timeout()` seconds or nil
---@param seconds number? how long at most; nil: for ever
---@return true|nil ready, string? message, string? code "ETIMEDOUT"
function waits.wait(waitable, seconds)
  local fd = waitable:pollfd()
  return wait_for(fd and { { fd, waitable:events() } } or {}, seconds, waitable:timeout())
end

--- Waits for a time to pass.
---@param seconds number
function waits.sleep(seconds)
  if type(seconds) ~= "number" then error("tasks.sleep: expected seconds, not " .. type(seconds), 2) end
  wait_for({}, seconds)
end

-- Steps the source's driver until it is done; cancels it if anything is raised meanwhile.
local function drive(source)
  local driver = source:driver()
  while not source:done() do
    assert(system.poll({ { driver:pollfd(), driver:events() } }, driver:timeout()))
    if not source:done() then driver:step() end
  end
end

--- Waits until something is done that a driver moves on, as a transfer is by its client. If the task is cancelled,
--- or an error is raised while this blocks (an interrupt), the source is cancelled.
---@param source table `:done()`, `:driver()` (an object with pollfd, events, timeout and step, which never waits),
---`:on_done(fn)` and `:cancel()`
function waits.await(source)
  if source:done() then return end
  local task = waits.current()
  if task and task.cancelled then source:cancel() end
  if task then
    waits.suspend(task, { source = source })
  else
    local ok, fault = pcall(drive, source)
    if not ok then
      source:cancel()
      error(fault, 0)
    end
  end
end

return waits
