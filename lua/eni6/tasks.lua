--- Many things at once on one thread: coroutines that wait together.
--
-- A group is a function and the tasks that it spawns; it ends when all of them
-- have. What waits inside a task (a request of `eni6.http`, a child of
-- `eni6.process`, `tasks.sleep`, `tasks.wait`) suspends that task; outside it
-- blocks. A task is cancelled at its next wait, which raises `tasks.CANCELLED`.
-- A wait in a coroutine that the program made itself blocks, also in a task.

local loops = require "eni6.tasks.loop"
local waits = require "eni6.tasks.waits"

local tasks = {}

-- A cancelled task that goes on waiting is resumed that often, then dropped.
local LAST_CHANCES = 100

-- Seconds after which a step leaves the tasks that are still ready to the next one.
local SLICE = 0.002

local WAIT, current, suspend = waits.WAIT, waits.current, waits.suspend

tasks.CANCELLED, tasks.now, tasks.checkpoint = waits.CANCELLED, waits.now, waits.checkpoint
tasks.poll, tasks.wait, tasks.sleep, tasks.await = waits.poll, waits.wait, waits.sleep, waits.await
tasks.lock = require("eni6.tasks.lock").new

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
  task.wait, task.thread, task.fn, task.arguments = nil, nil, nil, nil -- a result may be kept for long
  if task.counted then group.running = group.running - 1 end
  group.live = group.live - 1
  for _, wait in ipairs(task.watchers or {}) do runner.loop:over(wait, "ready") end
  local notify = task.notify
  task.notify = nil
  if notify then notify() end
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
  local ok, text = pcall(tostring, fault)
  if not ok then text = "an error whose __tostring fails" end
  local trace = debug.traceback(task.thread, text)
  return {
    failed = true, raised = true, n = 4,
    nil, text, "ERAISED", { error = fault, traceback = trace },
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

-- What a task's coroutine runs. An interrupt may have kept it from its start, and it was cancelled since.
local function body_of(task)
  if task.cancelled then error(tasks.CANCELLED, 0) end
  return task.fn(table.unpack(task.arguments, 1, task.arguments.n))
end

local function resume(task)
  if task.outcome then return end
  if not task.thread then
    if task.cancelled then return settle_cancelled(task) end
    task.thread = coroutine.create(body_of)
  end
  if coroutine.status(task.thread) == "dead" then return settle_cancelled(task) end -- an interrupt took its outcome
  after_resume(task, waits.resume(task))
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

local end_now

--- Cancels it: what it waits for is given up, and it has ended when this returns; asked by a task of the same
--- runner, it ends once that one waits. Nothing if it has ended.
function task_methods:cancel()
  cancel_task(self)
  if not self.runner.inside then end_now(self) end
end

--- Cancels it with the next step of its runner. Runs no code of the task's, and raises nothing, for finalizers.
function task_methods:abandon()
  local runner = self.runner
  if self.outcome or runner.closed then return end
  runner.abandoned[#runner.abandoned + 1] = self
  pcall(runner.loop.nudge, runner.loop) -- what it nudges may have been collected before us
end

--- For `tasks.await`: has a function called once, when the task has ended.
---@param notify function
function task_methods:on_done(notify)
  local before = self.notify
  self.notify = before and function()
    before()
    notify()
  end or notify
end

--- For `tasks.await`: the runner, which must be stepped for the task to end.
---@return eni6.tasks.runner driver
function task_methods:driver() return self.runner end

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
    if not task.cancelled then
      group.running = group.running + 1
      task.counted = true
      make_ready(group.runner, task)
    end
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

-- A group whose own function is a task already; the first to run it.
local function bare_group(runner, options, name, fn, ...)
  local group = setmetatable({
    runner = runner,
    on_failure = options.on_failure or "cancel",
    limit = options.limit or math.huge,
    members = {}, live = 0, running = 0,
    queue = {}, first = 1, last = 0,
    failures = {},
  }, group_metatable)
  group.body = add_task(group, name, fn, ...)
  make_ready(runner, group.body)
  return group
end

-- The same whose function gets the group, to spawn tasks in it.
local function new_group(runner, fn, options)
  local group
  group = bare_group(runner, options, "the group's own function", function() return fn(group) end)
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

-- The rest of a list comes before what has become ready since.
local function put_back(self, ready, first)
  local rest = table.move(ready, first, #ready, 1, {})
  self.ready = table.move(self.ready, 1, #self.ready, #rest + 1, rest)
  self.loop:nudge()
end

-- Those that are ready now run; at a time those that are left keep for the next step, so that many of them do not
-- keep a host's loop waiting.
local function run_ready(self, time)
  local ready = self.ready
  self.ready = {}
  for index = 1, #ready do
    if time and index > 1 and tasks.now() >= time then return put_back(self, ready, index) end
    resume(ready[index])
  end
end

local function cancel_abandoned(self)
  local abandoned = self.abandoned
  self.abandoned = {}
  for _, task in ipairs(abandoned) do cancel_task(task) end
end

-- One round: those that are ready run, then what they wait for is polled.
local function advance(self)
  run_ready(self)
  if not next(self.live) then return end
  self.loop:turn(#self.ready > 0 and 0 or nil)
  run_ready(self)
end

-- A round for a host, which does not wait.
local function advance_for_host(self)
  local time = tasks.now() + SLICE
  if #self.abandoned > 0 then cancel_abandoned(self) end
  run_ready(self, time)
  self.loop:turn(0)
  run_ready(self, time)
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
  self.ready, self.abandoned = {}, {}
end

local function run_inside(self, fn, ...)
  self.inside = true
  fn(self, ...)
  self.inside = false
end

-- Calls fn(self, …); if it raises (an interrupt, at whichever instruction), nothing is left running.
local function guarded(self, fn, ...)
  if self.inside then error("runner: step was called from a task of its own", 3) end
  local ok, fault = pcall(run_inside, self, fn, ...)
  if ok then return end
  self.inside = false
  abort(self)
  error(fault, 0)
end

local function run_until_ended(self, task)
  while not task.outcome and #self.ready > 0 do run_ready(self) end
end

function end_now(task) guarded(task.runner, run_until_ended, task) end

local function open()
  local self = setmetatable({ ready = {}, live = {}, abandoned = {}, count = 0 }, runner_metatable)
  local loop, message, code = loops.new(function(wait)
    make_ready(self, wait.task)
    -- Somebody else moved our driver on: who sleeps on our descriptor must hear of it.
    if not self.inside then self.loop:nudge() end
  end)
  if not loop then return nil, message, code end
  self.loop = loop
  return self
end

-- For a foreign loop: what may fail of a nudge fails here.
local function open_for_host()
  local self, message, code = open()
  local ok = self
  if self then ok, message, code = self.loop:nudge() end
  if ok then return self end
  if self then self.loop:close() end
  return nil, message, code
end

local function with_group(self, fn, options)
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
  local runner, message, code = open_for_host()
  if not runner then return nil, message, code end
  return with_group(runner, fn, options)
end

--- A runner without a group, for a program with an event loop of its own that starts one thing after the other:
--- each `runner:spawn` is a group by itself, and the one descriptor serves all of them.
---@return eni6.tasks.runner|nil runner, string? message, string? code "EMFILE", …
function tasks.open() return open_for_host() end

--- Starts a task of its own, which runs from the next step on. The descriptor is readable at once.
---@param name string
---@param fn function may wait, and hold groups
---@param ... any its arguments
---@return eni6.tasks.task task `:done()`, `:result()`, `:cancel()`
function runner_methods:spawn(name, fn, ...)
  if type(name) ~= "string" then error("runner:spawn: the name must be a string, not " .. type(name), 2) end
  if type(fn) ~= "function" then error("runner:spawn: expected a function, not " .. type(fn), 2) end
  if self.closed then error("runner:spawn: the runner is closed", 2) end
  local task = bare_group(self, {}, name, fn, ...).body
  if not self.inside then self.loop:nudge() end
  return task
end

---@return integer descriptor readable when step has something to do, but for what `timeout` says
function runner_methods:pollfd() return self.loop:pollfd() end

---@return string events "r"
function runner_methods:events() return "r" end -- luacheck: no self

---@return number|nil seconds after which to call step at the latest
function runner_methods:timeout()
  return (#self.ready > 0 or #self.abandoned > 0) and 0 or self.loop:timeout()
end

--- Does what can be done without waiting, within a few milliseconds where the tasks wait often enough; the rest with
--- the next step, for which the descriptor is readable. If it raises, all tasks have been cancelled.
function runner_methods:step()
  if not self.closed then guarded(self, advance_for_host) end
end

---@return boolean done whether nothing is left to do
function runner_methods:done() return next(self.live) == nil end

--- What tasks.group would return: of a runner that tasks.start made.
function runner_methods:result()
  if not self.group then error("runner:result: its tasks have their own results", 2) end
  if not self.group.ended then error("runner:result: not done: step it", 2) end
  return group_result(self.group)
end

--- Cancels what still runs, and closes the descriptor. May be called again.
function runner_methods:close()
  if self.inside then error("runner:close: called from a task of its own; use group:cancel", 2) end
  abort(self)
  self.closed = true
  self.loop:close()
end

runner_metatable.__close = runner_methods.close

local function run_to_end(self)
  while next(self.live) do advance(self) end
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
  local runner, message, code = open()
  if not runner then return nil, message, code end
  with_group(runner, fn, options)
  local ok, fault = pcall(guarded, runner, run_to_end)
  runner.loop:close()
  if not ok then error(fault, 0) end
  return runner:result()
end

return tasks
