--- How the sandbox says no: a refusal is raised as a value with EC2's code and
--- message, and the endpoint turns it into an answer. Operations refuse only
--- before they act (see `endpoint`), so a refusal never leaves half a change.

local M = {}

---@class eni6.sandbox.refusal
---@field code string EC2's error code
---@field message string
---@field status integer HTTP status

-- Codes whose HTTP status is not 400 (EC2 API reference, "Error codes").
local STATUS = {
  AuthFailure = 401,
  SignatureDoesNotMatch = 403,
  MissingAuthenticationToken = 403,
  UnauthorizedOperation = 403,
  DryRunOperation = 412,
  RequestEntityTooLarge = 413,
  InternalError = 500,
  RequestLimitExceeded = 503,
  ServiceUnavailable = 503,
  Unavailable = 503,
}

local refusal = { __name = "eni6.sandbox.refusal" }
refusal.__index = refusal
function refusal.__tostring(self) return self.code .. ": " .. self.message end

--- Makes a refusal without raising it.
---@param code string
---@param message string
---@param status integer|nil HTTP status, the code's own by default
---@return eni6.sandbox.refusal
function M.new(code, message, status)
  return setmetatable({ code = code, message = message, status = status or STATUS[code] or 400 }, refusal)
end

--- Refuses the request at hand: raises a refusal.
---@param code string EC2's error code
---@param format string message, with `string.format` directives for the rest
---@param ... any
function M.refuse(code, format, ...)
  local message = select("#", ...) > 0 and string.format(format, ...) or format
  error(M.new(code, message), 0)
end

---@param value any
---@return boolean
function M.is(value) return getmetatable(value) == refusal end

return M
