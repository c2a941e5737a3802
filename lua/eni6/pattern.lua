--- Patterns of LPeg that are safe in a host with a limit on Lua's memory.

local pattern = {}

--- Has LPeg write a pattern's program now. It does so at the first match otherwise; where
-- memory ends in the midst of that, LPeg 1.0 keeps what there is and runs it at the next
-- match, which ends the process. A pattern that is kept goes through here first.
---@param made any  a pattern that matches "" without harm
---@param ... any  arguments of its match (lpeg.Carg)
---@return any pattern
function pattern.ready(made, ...)
  made:match("", 1, ...)
  return made
end

return pattern
