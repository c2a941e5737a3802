--- Locks between tasks, as `tasks.lock`: what one does under it, others wait for.

local waits = require "eni6.tasks.waits"

local lock = {}

---@class eni6.tasks.lock
local lock_methods = {}
local lock_metatable = { __index = lock_methods, __name = "eni6.tasks.lock" }

--- Makes a lock: what one task does under it, others wait for.
---@return eni6.tasks.lock
function lock.new() return setmetatable({ waits = {} }, lock_metatable) end

-- Outside a task the lock is taken at once, since its holder could not go on.
local function enter(self, seconds)
  local task, due = waits.current(), waits.now() + seconds
  while self.key and task and waits.now() < due do
    local wait = { due = due, task = task }
    table.insert(self.waits, wait)
    waits.suspend(task, wait)
  end
  self.key = {}
  return self.key
end

-- Nothing for a key that was taken over.
local function leave(self, key)
  if self.key ~= key then return end
  local waiting = self.waits
  self.key, self.waits = nil, {}
  for _, wait in ipairs(waiting) do wait.task.runner.loop:over(wait, "ready") end
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

return lock
