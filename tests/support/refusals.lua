--- For tests of the sandbox's parts: the refusal that a call raises.

local refusal = require "eni6.sandbox.refusal"

--- Calls, and gives the code and message of its refusal; fails if there is none.
---@return string code
---@return string message
return function(call, ...)
  local ok, raised = pcall(call, ...)
  if ok then error("nothing was refused", 2) end
  if not refusal.is(raised) then error(raised, 0) end
  return raised.code, raised.message
end
