--- Calls that do not block: started, moved on by their client's `step` from a loop of the host's own, collected.
-- Each is a task of the client's runner that runs what the blocking call runs.

local tasks = require "eni6.tasks"

local calls = {}

---@class eni6.aws.Call
local Call = { __name = "eni6.aws.call" }
Call.__index = Call

function Call.__tostring(self) return "eni6.aws.call: " .. self.name .. (self:done() and " (done)" or "") end

--- Starts a function in a runner.
---@param client table a client of eni6.aws
---@param runner eni6.tasks.runner
---@param progress { operation: string, request: table|nil } of one operation: `request` once it has been made
---@param fn function
---@param ... any its arguments
---@return eni6.aws.Call
function calls.start(client, runner, progress, fn, ...)
  return setmetatable({
    name = progress.operation, client = client, progress = progress, task = runner:spawn(progress.operation, fn, ...),
  }, Call)
end

---@return boolean done
function Call:done() return self.task:done() end

local function results(self, first, message, code, detail, ...)
  if code == "ECANCELED" and first == nil and detail == nil then
    return require("eni6.aws.failure").cancelled(self.progress)
  end
  if code == "ERAISED" and type(detail) == "table" and detail.traceback then error(detail.error, 0) end
  return first, message, code, detail, ...
end

--- What the blocking call would return or raise. Raises while the call is not done.
---@return any result
---@return string? message
---@return string? code as the blocking call's; "ECANCELED" after `cancel`, or when the client was closed or interrupted
---@return table? detail as the blocking call's, also after a cancel
function Call:result()
  if not self:done() then error("the call is not done: step its client until it is", 2) end
  return results(self, self.task:result())
end

--- Gives it up: its transfer ends, and it is done when this returns. Nothing if it is done.
function Call:cancel() self.task:cancel() end

--- The client's descriptor, which serves all its calls.
---@return integer
function Call:pollfd() return self.client:pollfd() end

---@return string events "r"
function Call:events() return self.client:events() end

---@return number|nil seconds after which to step at the latest
function Call:timeout() return self.client:timeout() end

--- Moves all calls of the client on, without waiting.
function Call:step() self.client:step() end

--- For `tasks.await(call)`, which waits inside a task and blocks elsewhere.
function Call:driver() return self.client end
function Call:on_done(notify) self.task:on_done(notify) end

Call.__close = Call.cancel

-- A call that nobody can collect any more is given up. Elsewhere than here, since anything may be going on.
function Call.__gc(self) self.task:abandon() end

--- The runner of a client's calls.
---@return eni6.tasks.runner|nil, string? message, string? code "EMFILE", …
calls.runner = tasks.open

return calls
