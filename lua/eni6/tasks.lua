--- Many things at once on one thread: coroutines that wait together.
--
-- A group is a function and the tasks that it spawns; it ends when all of them
-- have. What waits inside a task (a request of `eni6.http`, a child of
-- `eni6.process`, `tasks.sleep`, `tasks.wait`) suspends that task; outside it
-- blocks. A task is cancelled at its next wait, which raises `tasks.CANCELLED`.
-- A wait in a coroutine that the program made itself blocks, also in a task.

local system = require("eni6.core").system
local loops = require "eni6.tasks.loop"

local tasks = {}

-- What a task yields, to tell a wait of ours from a stray coroutine.yield.
local WAIT = {}

-- A cancelled task that goes on waiting is resumed that often, then dropped.
local LAST_CHANCES = 100

--- Raised by the waits of a task that was cancelled. Let it pass.
tasks.CANCELLED = setmetatable({}, { __tostring = function() return "the task was cancelled" end })

local by_thread = setmetatable({}, { __mode = "k" })

-- The task in whose coroutine we are, if it can wait from here.
local function current()
  local thread = coroutine.running()
  return coroutine.isyieldable() and by_thread[thread] or nil
end

--- The clock of every deadline here.
---@return number seconds of the monotonic clock
tasks.now = system.monotonic

-- --- waiting inside a task ------------------------------------------------------------

--- Raises tasks.CANCELLED if the task that calls it was cancelled: for long work without waits.
function tasks.checkpoint()
  local task = current()
  if task and task.cancelled then error(tasks.CANCELLED, 0) end
end

-- Suspends the task until the wait is over; returns its outcome, or raises
-- CANCELLED if the task was cancelled before that.
local function suspend(task, wait)
  if not task.cancelled then
    wait.task, task.wait = task, wait
    task.runner.loop:arm(wait)
    coroutine.yield(WAIT)
    task.wait = nil
    if wait.outcome then return wait.outcome end
  end
  task.last_chances = task.last_chances - 1
  if task.last_chances < 0 then coroutine.yield(WAIT) end -- never resumed
  error(tasks.CANCELLED, 0)
end

-- --- waiting anywhere ------------------------------------------------------------------

local function timed_out(seconds)
  return nil, string.format("nothing happened within %g seconds", seconds), "ETIMEDOUT"
end

-- Blocks until an entry is ready or a time has come: "ready", "timeout", or nil, message, code.
local function block(entries, due, renew)
  while true do
    local now = tasks.now()
    local nearest = math.min(due or math.huge, renew or math.huge)
    local ready, message, code = system.poll(entries, nearest < math.huge and math.max(0, nearest - now) or nil)
    if not ready then return nil, message, code end
    for _, is_ready in ipairs(ready) do
      if is_ready then return "ready" end
    end
    now = tasks.now()
    if renew and now >= renew then return "ready" end
    if due and now >= due then return "timeout" end
  end
end

local function wait_for(entries, seconds, own_timeout)
  local task = current()
  local due = seconds and tasks.now() + seconds
  local renew = own_timeout and tasks.now() + own_timeout
  local outcome, message, code
  if task then
    outcome = suspend(task, { entries = entries, due = due, renew = renew })
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
function tasks.poll(entries, seconds) return wait_for(entries, seconds) end

--- Waits until something is ready that follows the convention of pollfd, events and timeout, or until its own
--- timeout has passed (it then wants to be asked again).
---@param waitable table `:pollfd()` (or nil for none), `:events()` "r", "w" or "rw", `:timeout()` seconds or nil
---@param seconds number? how long at most; nil: for ever
---@return true|nil ready, string? message, string? code "ETIMEDOUT"
function tasks.wait(waitable, seconds)
  local fd = waitable:pollfd()
  return wait_for(fd and { { fd, waitable:events() } } or {}, seconds, waitable:timeout())
end

--- Waits for a time to pass.
---@param seconds number
function tasks.sleep(seconds)
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
function tasks.await(source)
  if source:done() then return end
  local task = current()
  if task and task.cancelled then source:cancel() end
  if task then
    suspend(task, { source = source })
  else
    local ok, fault = pcall(drive, source)
    if not ok then
      source:cancel()
      error(fault, 0)
    end
  end
end

-- --- locks -----------------------------------------------------------------------------

---@class eni6.tasks.lock
local lock_methods = {}
local lock_metatable = { __index = lock_methods, __name = "eni6.tasks.lock" }

--- Makes a lock: what one task does under it, others wait for.
---@return eni6.tasks.lock
function tasks.lock() return setmetatable({ waits = {} }, lock_metatable) end

-- Outside a task the lock is taken at once, since its holder could not go on.
local function enter(lock, seconds)
  local task, due = current(), tasks.now() + seconds
  while lock.key and task and tasks.now() < due do
    local wait = { due = due, task = task }
    table.insert(lock.waits, wait)
    suspend(task, wait)
  end
  lock.key = {}
  return lock.key
end

-- Nothing for a key that was taken over.
local function leave(lock, key)
  if lock.key ~= key then return end
  local waits = lock.waits
  lock.key, lock.waits = nil, {}
  for _, wait in ipairs(waits) do wait.task.runner.loop:over(wait, "ready") end
end

--- Calls a function once no other task is in one under this lock.
---@param seconds number how long to wait at most; then the lock is taken over from a holder that hangs
---@param fn function
---@param ... any its arguments
---@return any … what the function returns; what it raises is raised
function lock_methods:run(seconds, fn, ...)
  local key = enter(self, seconds)
  local results = table.pack(pcall(fn, ...))
  leave(self, key)
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

---@return boolean held whether some task is in a function under the lock
function lock_methods:held() return self.key ~= nil end

-- --- tasks ---------------------------------------------------------------------------------

---@class eni6.tasks.task
---@field name string
local task_methods = {}
local task_metatable = { __index = task_methods, __name = "eni6.tasks.task" }

---@class eni6.tasks.group
local group_methods = {}
local group_metatable = { __index = group_methods, __name = "eni6.tasks.group" }

local function make_ready(runner, task)
  runner.ready[#runner.ready + 1] = task
end

local start_queued, cancel_group, keep_failure, group_ended

-- The end of a task, whichever: keeps the outcome, tells the group and who waits.
local function settle(task, outcome)
  local group, runner = task.group, task.runner
  if task.outcome then return end
  task.outcome = outcome
  runner.live[task] = nil
  group.members[task] = outcome.cancelled and true or nil
  if task.thread then by_thread[task.thread] = nil end
  task.wait, task.thread, task.fn, task.arguments = nil, nil, nil, nil -- a result may be kept for long
  if task.counted then group.running = group.running - 1 end
  group.live = group.live - 1
  for _, wait in ipairs(task.watchers or {}) do runner.loop:over(wait, "ready") end
  if outcome.failed then keep_failure(group, task, outcome) end
  if group.live == 0 then group_ended(group) else start_queued(group) end
end

local function settle_cancelled(task)
  settle(task, { cancelled = true, n = 3, nil, "the task was cancelled", "ECANCELED" })
end

-- Makes the outcome of a function that has returned: nil, message, … is a failure.
local function returned(...)
  local outcome = table.pack(...)
  outcome.failed = outcome[1] == nil and outcome[2] ~= nil
  return outcome
end

local function raised(task, fault)
  local trace = debug.traceback(task.thread, tostring(fault))
  return {
    failed = true, raised = true, n = 4,
    nil, tostring(fault), "ERAISED", { error = fault, traceback = trace },
  }
end

-- What came of one stretch of a task: it waits, or has ended.
local function after_resume(task, ok, first, ...)
  if coroutine.status(task.thread) ~= "dead" then
    if first == WAIT and task.last_chances >= 0 then return end
    if first == WAIT then return settle_cancelled(task) end
    return settle(task, raised(task, "the task called coroutine.yield: only tasks.sleep, tasks.wait and the like can wait"))
  end
  if ok then return settle(task, returned(first, ...)) end
  if first == tasks.CANCELLED and task.cancelled then return settle_cancelled(task) end
  return settle(task, raised(task, first))
end

local function resume(task)
  if task.outcome then return end
  if task.thread then
    after_resume(task, coroutine.resume(task.thread))
    return
  end
  if task.cancelled then return settle_cancelled(task) end
  task.thread = coroutine.create(task.fn)
  by_thread[task.thread] = task
  after_resume(task, coroutine.resume(task.thread, table.unpack(task.arguments, 1, task.arguments.n)))
end

-- A task is cancelled: what it waits for is given up, and it wakes. One that
-- waits for a group of its own wakes when that group, cancelled too, has ended.
local function cancel_task(task)
  local wait = task.wait
  if task.cancelled or task.outcome then return end
  task.cancelled = true
  if not wait or wait.outcome then
    if not task.thread then make_ready(task.runner, task) end
    return
  end
  if wait.group then return cancel_group(wait.group) end
  task.runner.loop:disarm(wait)
  if wait.source then wait.source:cancel() end
  make_ready(task.runner, task)
end

--- What the task's function returned; nil, message, code, detail if it failed ("ERAISED" with the traceback in
--- detail if it raised) or was cancelled ("ECANCELED"). Waits for the end when called in another task.
---@return any …
function task_methods:result()
  local task = current()
  if not self.outcome and not task then
    error("task:result: the task has not ended; wait for its group, or ask in a task", 2)
  end
  while not self.outcome do
    local wait = {}
    self.watchers = self.watchers or {}
    table.insert(self.watchers, wait)
    suspend(task, wait)
  end
  return table.unpack(self.outcome, 1, self.outcome.n)
end

---@return boolean done whether it has ended, in whatever way
function task_methods:done() return self.outcome ~= nil end

-- --- groups -----------------------------------------------------------------------------------

local GROUP_OPTIONS = { on_failure = "string", deadline = "number", limit = "number" }

local function check_options(fn, options)
  if type(fn) ~= "function" then error("tasks.group: expected a function, not " .. type(fn), 3) end
  if type(options) ~= "table" then error("tasks.group: options must be a table", 3) end
  for name, value in pairs(options) do
    if type(value) ~= GROUP_OPTIONS[name] then
      error(string.format("tasks.group: %s: %s", tostring(name),
        GROUP_OPTIONS[name] and "must be a " .. GROUP_OPTIONS[name] or "unknown option"), 3)
    end
  end
  local on_failure = options.on_failure
  if on_failure and on_failure ~= "cancel" and on_failure ~= "spare" then
    error('tasks.group: on_failure must be "cancel" or "spare"', 3)
  end
  if options.limit and options.limit < 1 then error("tasks.group: limit must be at least 1", 3) end
end

local function add_task(group, name, fn, ...)
  local runner = group.runner
  local task = setmetatable({
    name = name, fn = fn, arguments = table.pack(...), group = group, runner = runner,
    number = runner.count, last_chances = LAST_CHANCES,
  }, task_metatable)
  runner.count = runner.count + 1
  runner.live[task] = true
  group.live = group.live + 1
  group.members[task] = true
  return task
end

-- Starts queued tasks while the limit allows.
function start_queued(group)
  while group.first <= group.last and group.running < group.limit do
    local task = group.queue[group.first]
    group.queue[group.first] = nil
    group.first = group.first + 1
    group.running = group.running + 1
    task.counted = true
    make_ready(group.runner, task)
  end
end

--- Adds a task. It starts once the caller waits, and when the group's limit has room for it.
---@param name string what failures call it
---@param fn function fails by raising, or by returning nil and a message
---@param ... any its arguments
---@return eni6.tasks.task
function group_methods:spawn(name, fn, ...)
  if type(name) ~= "string" then error("group:spawn: the name must be a string, not " .. type(name), 2) end
  if type(fn) ~= "function" then error("group:spawn: expected a function, not " .. type(fn), 2) end
  if self.ended then error("group:spawn: the group has ended", 2) end
  local task = add_task(self, name, fn, ...)
  if self.cancelled then
    task.cancelled = true
    make_ready(self.runner, task)
  else
    self.last = self.last + 1
    self.queue[self.last] = task
    start_queued(self)
  end
  return task
end

--- Cancels all tasks of the group, the caller included. The group then returns nil, reason, "ECANCELED".
---@param reason string?
function group_methods:cancel(reason)
  if self.cancelled or self.ended then return end
  self.verdict = { reason or "the group was cancelled", "ECANCELED" }
  cancel_group(self)
end

function cancel_group(group)
  if group.cancelled or group.ended then return end
  group.cancelled = true
  local members = {}
  for task in pairs(group.members) do members[#members + 1] = task end
  for _, task in ipairs(members) do cancel_task(task) end
end

-- Keeps a failure, and ends the others if that is what the group does. What the
-- group's own function raises is not a failure but an error, and always ends them.
function keep_failure(group, task, outcome)
  if task == group.body and outcome.raised then
    group.body_error = outcome
    return cancel_group(group)
  end
  table.insert(group.failures, { name = task.name, message = outcome[2], code = outcome[3], detail = outcome[4] })
  if group.on_failure == "cancel" then cancel_group(group) end
end

function group_ended(group)
  group.ended = true
  group.runner.loop:forget(group.deadline_timer)
  if group.waiter then group.runner.loop:over(group.waiter, "ready") end
end

-- The names of the tasks that were cancelled, in the order of their spawning. Of the members, once the group has
-- ended, only those are left.
local function cancelled_names(group)
  local list = {}
  for task in pairs(group.members) do
    if task ~= group.body then list[#list + 1] = task end
  end
  table.sort(list, function(a, b) return a.number < b.number end)
  for index, task in ipairs(list) do list[index] = task.name end
  return list
end

-- What tasks.group returns.
local function group_result(group)
  local first = group.failures[1]
  if group.body_error then error(group.body_error[4].error, 0) end
  if not first and not group.verdict then return true end
  local detail = {}
  if not group.verdict then
    for key, value in pairs(type(first.detail) == "table" and first.detail or {}) do detail[key] = value end
  end
  detail.failures = group.failures
  detail.cancelled = cancelled_names(group)
  if group.verdict then return nil, group.verdict[1], group.verdict[2], detail end
  return nil, first.message, first.code, detail
end

local function new_group(runner, fn, options)
  local group = setmetatable({
    runner = runner,
    on_failure = options.on_failure or "cancel",
    limit = options.limit or math.huge,
    members = {}, live = 0, running = 0,
    queue = {}, first = 1, last = 0,
    failures = {},
  }, group_metatable)
  group.body = add_task(group, "the group's own function", fn, group)
  make_ready(runner, group.body)
  if options.deadline then
    group.deadline_timer = runner.loop:at(tasks.now() + options.deadline, function()
      if group.cancelled then return end
      group.verdict = { string.format("not done within %g seconds", options.deadline), "ETIMEDOUT" }
      cancel_group(group)
    end)
  end
  return group
end

-- --- runners ------------------------------------------------------------------------------------

---@class eni6.tasks.runner
local runner_methods = {}
local runner_metatable = { __index = runner_methods, __name = "eni6.tasks.runner" }

local function run_ready(self)
  local ready = self.ready
  self.ready = {}
  for index = 1, #ready do resume(ready[index]) end
end

-- One round: those that are ready run, then what they wait for is polled.
local function advance(self, seconds)
  run_ready(self)
  if self.group.ended then return end
  self.loop:turn(#self.ready > 0 and 0 or seconds)
  run_ready(self)
end

-- Whatever the state an error left behind: every task gets CANCELLED at its wait, the newest first,
-- until all have ended. One that goes on waiting is dropped after its last chance.
local function abort(self)
  for _ = 1, LAST_CHANCES do
    local tasks_left = {}
    for task in pairs(self.live) do tasks_left[#tasks_left + 1] = task end
    if #tasks_left == 0 then break end
    table.sort(tasks_left, function(a, b) return a.number > b.number end)
    for _, task in ipairs(tasks_left) do
      cancel_task(task)
      resume(task)
    end
  end
  self.ready = {}
end

-- Calls fn(self, …); if it raises (an interrupt), nothing is left running.
local function guarded(self, fn, ...)
  if self.inside then error("runner: step was called from a task of its own", 3) end
  self.inside = true
  local ok, fault = pcall(fn, self, ...)
  self.inside = false
  if not ok then
    abort(self)
    error(fault, 0)
  end
end

local function start(fn, options)
  local self = setmetatable({ ready = {}, live = {}, count = 0 }, runner_metatable)
  local loop, message, code = loops.new(function(wait) make_ready(self, wait.task) end)
  if not loop then return nil, message, code end
  self.loop = loop
  self.group = new_group(self, fn, options)
  return self
end

--- Starts a group without waiting, for a program that has an event loop of its own: it polls `pollfd` for
--- `events`, at most `timeout` seconds, and calls `step` until `done`. Then it forgets the descriptor and
--- calls `close`.
---@param fn function as tasks.group's
---@param options table? as tasks.group's
---@return eni6.tasks.runner|nil runner, string? message, string? code "EMFILE", …
function tasks.start(fn, options)
  options = options or {}
  check_options(fn, options)
  return start(fn, options)
end

---@return integer descriptor readable when step has something to do
function runner_methods:pollfd() return self.loop:pollfd() end

---@return string events "r"
function runner_methods:events() return "r" end -- luacheck: no self

---@return number|nil seconds after which to call step at the latest
function runner_methods:timeout() return #self.ready > 0 and 0 or self.loop:timeout() end

--- Does what can be done without waiting. If it raises, all tasks have been cancelled.
function runner_methods:step()
  if not self.group.ended then guarded(self, advance, 0) end
end

---@return boolean done
function runner_methods:done() return self.group.ended == true end

--- What tasks.group would return.
function runner_methods:result()
  if not self.group.ended then error("runner:result: not done: step it", 2) end
  return group_result(self.group)
end

--- Cancels what still runs, and closes the descriptor. May be called again.
function runner_methods:close()
  if self.inside then error("runner:close: called from a task of its own; use group:cancel", 2) end
  if not self.group.ended then abort(self) end
  self.loop:close()
end

runner_metatable.__close = runner_methods.close

local function run_to_end(self)
  while not self.group.ended do advance(self, nil) end
end

-- A group in a task of another: it joins its runner, and the task waits for it.
local function nested(task, fn, options)
  local group = new_group(task.runner, fn, options)
  local wait = { group = group }
  group.waiter = wait
  suspend(task, wait)
  tasks.checkpoint()
  return group_result(group)
end

--- Runs a function and the tasks that it spawns, and returns when all have ended. An error that the function
--- itself raises is raised here once the tasks have been cancelled and have ended, and so is one that comes from
--- outside (an interrupt).
---@param fn function(group) spawns tasks with `group:spawn(name, fn, …)`; may wait, too
---@param options table?
---  on_failure: "cancel" (default): the first failure cancels the other tasks; "spare": they go on;
---  deadline: seconds from now, after which all are cancelled;
---  limit: how many tasks run at once, the others queue
---@return true|nil ok nil if a task failed, or fn returned nil and a message
---@return string? message of the first failure
---@return string? code of the first failure; "ETIMEDOUT" for the deadline, "ECANCELED" for group:cancel
---@return table? detail of the first failure, and in it `failures`: `{ {name=, message=, code=, detail=}, … }` in
---the order they came, and `cancelled`: the names of the tasks that did not get to their end
function tasks.group(fn, options)
  options = options or {}
  check_options(fn, options)
  local task = current()
  if task then
    tasks.checkpoint()
    return nested(task, fn, options)
  end
  local runner, message, code = start(fn, options)
  if not runner then return nil, message, code end
  local ok, fault = pcall(guarded, runner, run_to_end)
  runner.loop:close()
  if not ok then error(fault, 0) end
  return runner:result()
end

return tasks
