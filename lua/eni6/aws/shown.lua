--- A name that somebody typed, as messages show it. A secret easily gets where a name should be (the
-- answers to `aws configure`, one line too late), and keys are 40 characters and more.

local LONGEST = 32

---@param name string
---@return string quoted, or what stands for it
return function(name)
  if #name > LONGEST then return "(" .. #name .. " characters, not shown)" end
  return '"' .. name:gsub("[%c\127-\255]", "?") .. '"'
end
