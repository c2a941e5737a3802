--- Runs a Lua file that is data: it can compute (loops, string, table, math),
-- but cannot reach the machine, and cannot keep it busy for ever.

local sheet = {}

local INSTRUCTIONS = 20 * 1000 * 1000 -- a fraction of a second
local KILOBYTES = 64 * 1024
local STEP = 10000

local FUNCTIONS = { "ipairs", "pairs", "next", "select", "tonumber", "tostring", "type", "error", "assert" }
local LIBRARIES = {
  string = { "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep", "reverse",
    "sub", "upper" },
  table = { "concat", "insert", "remove", "sort", "unpack" },
  math = { "abs", "ceil", "floor", "fmod", "max", "min", "tointeger", "type", "huge", "maxinteger", "mininteger" },
}

local function chosen(from, names)
  local copy = {}
  for _, name in ipairs(names) do copy[name] = from[name] end
  return copy
end

-- What the file sees: copies, so that it cannot change our own libraries.
local function environment()
  local known = chosen(_G, FUNCTIONS)
  for library, names in pairs(LIBRARIES) do known[library] = chosen(_G[library], names) end
  return setmetatable({}, {
    __index = function(_, name)
      if known[name] ~= nil then return known[name] end
      error("'" .. tostring(name) .. "' is not defined: text goes in quotes, and a plan can use string, table and "
        .. "math but not reach the machine", 2)
    end,
    __newindex = function(_, name)
      error("write 'local " .. tostring(name) .. " = …'", 2)
    end,
    __metatable = false,
  })
end

-- Stops a coroutine that runs or grows for too long.
local function limit(thread)
  local steps, before = 0, collectgarbage("count")
  debug.sethook(thread, function()
    steps = steps + STEP
    if steps > INSTRUCTIONS then error("it does not come to an end", 2) end
    if collectgarbage("count") - before > KILOBYTES then error("it needs too much memory", 2) end
  end, "", STEP)
end

--- Runs the text of a Lua file and returns what it returns.
---@param text string
---@param name string  the file's name, for messages
---@return any|nil value  nil with a message when it is not Lua, fails, or does not end
---@return string? message  `two.lua:3: …`
---@return string? code     "EPLAN"
function sheet.run(text, name)
  local chunk, fault = load(text, "@" .. name, "t", environment())
  if not chunk and text:sub(1, 1) == "\27" then fault = name .. ": compiled Lua; give its source" end
  if not chunk then return nil, fault, "EPLAN" end
  local thread = coroutine.create(chunk)
  limit(thread)
  local ok, value = coroutine.resume(thread)
  if not ok then
    return nil, type(value) == "string" and value or name .. ": it raises an error that is no text", "EPLAN"
  end
  if coroutine.status(thread) ~= "dead" then return nil, name .. ": it yields instead of returning a table", "EPLAN" end
  return value
end

return sheet
