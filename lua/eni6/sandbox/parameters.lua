--- Checks a request's tree (see `query`) against what an operation accepts, and
--- gives the values their types.
---
--- An operation's parameters are written as a table of types under their names
--- on the wire: `"string"`, `"integer"`, `"boolean"`, `"blob"` (base64), each with
--- a `!` behind it when EC2 demands it; `{ type }` is a list; a table with names
--- is a structure. `compile` turns that into checkers once.

local base64 = require "eni6.base64"
local refuse = require("eni6.sandbox.refusal").refuse

local M = {}

local scalar = {}

scalar["string"] = function(text) return text end

scalar["integer"] = function(text, name)
  local number = text:match("^%s*[+-]?%d+%s*$") and #text < 12 and math.tointeger(tonumber(text))
  if not number then refuse("InvalidParameterValue", "Invalid value '%s' for %s. It must be an integer", text, name) end
  return number
end

scalar["boolean"] = function(text, name)
  local lower = text:lower()
  if lower == "true" then return true end
  if lower == "false" then return false end
  return refuse("InvalidParameterValue", "Invalid value '%s' for %s. Must be specified as true or false", text, name)
end

scalar["blob"] = function(text, name)
  return base64.decode(text) or refuse("InvalidParameterValue", "Value for parameter %s is not valid base64", name)
end

local compile

local function compile_scalar(kind)
  local convert = assert(scalar[kind], "no such parameter type: " .. kind)
  return function(value, name)
    if type(value) == "table" then
      refuse("InvalidParameterValue", "The parameter %s takes a value, not a structure", name)
    end
    return convert(value, name)
  end
end

-- EC2 takes the items in the order of their numbers and does not mind gaps.
local function compile_list(of)
  local check = compile(of)
  return function(value, name)
    if type(value) ~= "table" then value = { value } end
    local numbers, items = {}, {}
    for number in pairs(value) do
      if type(number) ~= "number" then refuse("UnknownParameter", "The parameter %s.%s is not recognized", name, number) end
      numbers[#numbers + 1] = number
    end
    table.sort(numbers)
    for i, number in ipairs(numbers) do items[i] = check(value[number], name .. "." .. number) end
    return items
  end
end

local function compile_structure(members)
  local checks, required = {}, {}
  for name, of in pairs(members) do
    if type(of) == "string" and of:sub(-1) == "!" then
      of = of:sub(1, -2)
      required[#required + 1] = name
    end
    checks[name] = compile(of)
  end
  table.sort(required)
  return function(value, name)
    if type(value) ~= "table" then refuse("InvalidParameterValue", "The parameter %s must be a structure", name) end
    local out, path = {}, name and name .. "." or ""
    for key, inner in pairs(value) do
      local check = checks[key] or refuse("UnknownParameter", "The parameter %s%s is not recognized", path, key)
      out[key] = check(inner, path .. key)
    end
    for _, key in ipairs(required) do
      if out[key] == nil then
        refuse("MissingParameter", "The request must contain the parameter %s%s", path, key)
      end
    end
    return out
  end
end

function compile(of)
  if type(of) == "string" then return compile_scalar(of) end
  if of[1] then return compile_list(of[1]) end
  return compile_structure(of)
end

--- Compiles the parameters of an operation.
---@param members table names on the wire and their types
---@return fun(tree: table): table check gives typed parameters or refuses
function M.compile(members) return compile_structure(members) end

return M
