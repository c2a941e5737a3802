--- Failures of the world on their way up through the fleet's own functions, which
-- call each other many levels deep: below, `want` raises what a call returned as
-- nil, message, code, detail; at the edge, `catch` returns it as that again.

local failure = {}

local Failure = { __name = "eni6.fleet.failure", __tostring = function(self) return self.message end }

--- Raises a failure.
---@param message string
---@param code string
---@param detail table?
function failure.raise(message, code, detail)
  error(setmetatable({ message = message, code = code, detail = detail }, Failure), 0)
end

--- The value, or raises the failure that came instead.
---@param value any
---@param message string?
---@param code string?
---@param detail table?
---@return any value
function failure.want(value, message, code, detail)
  if value == nil then failure.raise(message, code, detail) end
  return value
end

local function finish(ok, first, ...)
  if ok then return first, ... end
  if getmetatable(first) == Failure then return nil, first.message, first.code, first.detail end
  error(first, 0)
end

--- Calls a function; a failure raised in it becomes nil, message, code, detail.
--- Other errors go on up.
---@param fn function
---@return any value
---@return string? message
---@return string? code
---@return table? detail
function failure.catch(fn, ...) return finish(pcall(fn, ...)) end

return failure
