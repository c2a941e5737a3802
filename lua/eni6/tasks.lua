--- Waiting for descriptors and for time.

local system = require("eni6.core").system

local tasks = {}

--- The clock of every deadline here.
---@return number seconds of the monotonic clock
tasks.now = system.monotonic

--- Waits until one of the descriptors is ready.
---@param entries table[] `{ {fd, "r"|"w"|"rw"}, … }`; may be empty, which waits for the time alone
---@param seconds number? how long at most; nil: for ever
---@return true|nil ready, string? message, string? code "ETIMEDOUT" when the time is over
function tasks.poll(entries, seconds)
  local deadline = seconds and tasks.now() + seconds
  repeat
    local left = deadline and math.max(0, deadline - tasks.now())
    local ready, message, code = system.poll(entries, left)
    if not ready then return nil, message, code end
    for _, is_ready in ipairs(ready) do
      if is_ready then return true end
    end
  until deadline and tasks.now() >= deadline
  return nil, string.format("nothing happened within %g seconds", seconds), "ETIMEDOUT"
end

return tasks
