--- Why a command line can't be carried out, with the AWS CLI's exit status for it. Deep inside the parsers it is raised;
-- `problem.protect` turns it back into results at their faces.

local problem = {}

--- The AWS CLI's exit statuses (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html).
problem.USAGE, problem.CONFIGURATION, problem.SERVICE, problem.GENERAL, problem.INTERRUPTED = 252, 253, 254, 255, 130

local Problem = { __name = "eni6.cli.problem", __tostring = function(self) return self.message end }

--- Raises a problem.
---@param status integer
---@param format string
function problem.raise(status, format, ...)
  local message = select("#", ...) > 0 and string.format(format, ...) or format
  error(setmetatable({ status = status, message = message }, Problem), 0)
end

--- Calls a function that may raise a problem; any other error goes on up.
---@param call function
---@return any result or nil, message, status
---@return string|nil message
---@return integer|nil status
function problem.protect(call, ...)
  local results = table.pack(xpcall(call, function(raised)
    if getmetatable(raised) == Problem then return raised end
    return debug.traceback(tostring(raised), 2)
  end, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local raised = results[2]
  if getmetatable(raised) == Problem then return nil, raised.message, raised.status end
  error(raised, 0)
end

return problem
