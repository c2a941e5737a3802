--- JMESPath's built-in functions
-- (https://jmespath.org/specification.html#built-in-functions).

local values = require "eni6.jmespath.values"

local kind_of, present, kept, fail = values.kind, values.present, values.kept, values.fail

local functions = {}

-- Declares a function: the types of its arguments, alternatives with spaces
-- between, "any", or "array-number" for an array of numbers; and what it does.
-- After "..." the last type may come any number of times.
local function define(name, signature, call)
  local spec = { name = name, types = {}, call = call }
  for i, types in ipairs(signature) do
    if types == "..." then
      spec.variadic = true
    else
      spec.types[i] = types
    end
  end
  functions[name] = spec
end

local function wrong_type(name, wanted, got)
  local types = wanted:gsub(" ", " or "):gsub("%-", " of "):gsub("^any$", "a value")
  fail("invalid-type", "%s() takes %s, not %s", name, types, got)
end

-- All elements must be of one of the kinds that the alternatives name.
local function check_elements(name, types, list)
  local allowed = {}
  for kind in types:gmatch "array%-(%a+)" do allowed[kind] = true end
  if next(allowed) == nil or #list == 0 then return end
  local first = kind_of(list[1])
  if not allowed[first] then wrong_type(name, types, "an array of " .. first) end
  for i = 2, #list do
    local kind = kind_of(list[i])
    if kind ~= first then wrong_type(name, types, "an array of " .. first .. " and " .. kind) end
  end
end

local function check_type(name, types, value)
  local kind = kind_of(value)
  if types == "any" and kind ~= "expref" then return end
  for alternative in types:gmatch "[%a-]+" do
    if alternative:match "^%a+" == kind then
      if kind == "array" then check_elements(name, types, value) end
      return
    end
  end
  wrong_type(name, types, kind)
end

--- What is wrong with a call before it is made: nil, or a code and a message.
---@param name string
---@param count integer   of arguments
---@return string|nil code
---@return string|nil message
function functions.check_call(name, count)
  local spec = functions[name]
  if type(spec) ~= "table" then return "unknown-function", "there is no function " .. name .. "()" end
  local least = #spec.types
  if count == least or (spec.variadic and count > least) then return nil end
  return "invalid-arity", string.format("%s() takes %s%d argument%s, not %d", name, spec.variadic and "at least " or "",
    least, least == 1 and "" or "s", count)
end

--- Calls a function that `check_call` has nothing against.
---@param name string
---@param arguments table   from 1 to count, nil for null
---@param count integer
function functions.call(name, arguments, count)
  local spec = functions[name]
  for i = 1, count do check_type(name, spec.types[i] or spec.types[#spec.types], arguments[i]) end
  return spec.call(table.unpack(arguments, 1, count))
end

-- --- Numbers -----------------------------------------------------------------

define("abs", { "number" }, math.abs)
define("ceil", { "number" }, math.ceil)
define("floor", { "number" }, math.floor)

local function sum(list)
  local total = 0
  for _, number in ipairs(list) do total = total + number end
  return total
end

define("sum", { "array-number" }, sum)
define("avg", { "array-number" }, function(list)
  if #list == 0 then return nil end
  return sum(list) / #list
end)

local NAMED = { inf = math.huge, infinity = math.huge, nan = 0 / 0 }

-- As Python reads numbers: also in white space, with a plus, "1_000", ".5", "inf" and "nan".
local function read_number(text)
  local sign, digits = text:lower():match "^%s*([+-]?)(.-)%s*$"
  local number = NAMED[digits]
  local plain = digits:gsub("(%d)_%f[%d]", "%1")
  if plain:find "^%.?%d" and not plain:find "[^%d.e+-]" then number = tonumber(plain) end
  return number and (sign == "-" and -number or number)
end

define("to_number", { "any" }, function(value)
  if type(value) == "number" then return value end
  return type(value) == "string" and read_number(value) or nil
end)

-- --- Order -------------------------------------------------------------------

local function less(a, b)
  if type(a) == "string" then return values.text_less(a, b) end
  return a < b
end

-- The elements of a list in the order of their keys, equals as they were.
local function sorted(list, keys)
  local order, result = {}, {}
  for i = 1, #list do order[i] = i end
  table.sort(order, function(i, j)
    if less(keys[i], keys[j]) then return true end
    return not less(keys[j], keys[i]) and i < j
  end)
  for i, place in ipairs(order) do result[i] = list[place] end
  return result
end

-- The first element whose key no other's comes before.
local function first_by(list, keys, before)
  local best = 1
  for i = 2, #list do
    if before(keys[i], keys[best]) then best = i end
  end
  return present(list[best])
end

local function more(a, b) return less(b, a) end

define("sort", { "array-string array-number" }, function(list) return sorted(list, list) end)
define("min", { "array-number array-string" }, function(list) return first_by(list, list, less) end)
define("max", { "array-number array-string" }, function(list) return first_by(list, list, more) end)

-- An expression's value for each element; all numbers or all strings.
local function keys_of(name, list, expression)
  local keys, kind = {}, nil
  for i = 1, #list do
    keys[i] = expression.evaluate(present(list[i]))
    local this = kind_of(keys[i])
    if (this ~= "number" and this ~= "string") or (kind and kind ~= this) then
      local others = kind and " beside a " .. kind or ""
      fail("invalid-type", "%s() sorts by numbers or by strings, not by %s%s", name, this, others)
    end
    kind = this
  end
  return keys
end

define("sort_by", { "array", "expref" }, function(list, expression)
  return sorted(list, keys_of("sort_by", list, expression))
end)
define("min_by", { "array", "expref" }, function(list, expression)
  return first_by(list, keys_of("min_by", list, expression), less)
end)
define("max_by", { "array", "expref" }, function(list, expression)
  return first_by(list, keys_of("max_by", list, expression), more)
end)

-- --- Strings -----------------------------------------------------------------

-- Positions of characters; a string that is not UTF-8 counts its bytes.
local function reversed_text(text)
  if not utf8.len(text) then return text:reverse() end
  local characters = {}
  for character in text:gmatch(utf8.charpattern) do table.insert(characters, 1, character) end
  return table.concat(characters)
end

define("starts_with", { "string", "string" }, function(text, start) return text:sub(1, #start) == start end)
define("ends_with", { "string", "string" }, function(text, ending)
  return #ending <= #text and text:sub(#text - #ending + 1) == ending
end)
define("join", { "string", "array-string" }, function(separator, list) return table.concat(list, separator) end)
define("to_string", { "any" }, function(value)
  return type(value) == "string" and value or values.encode(value)
end)

-- --- Arrays and objects --------------------------------------------------------

define("contains", { "array string", "any" }, function(subject, search)
  if type(subject) == "string" then
    check_type("contains", "string", search)
    return subject:find(search, 1, true) ~= nil
  end
  for i = 1, #subject do
    if values.alike(subject[i], search) then return true end
  end
  return false
end)

define("length", { "string array object" }, function(value)
  if type(value) == "string" then return utf8.len(value) or #value end
  return kind_of(value) == "array" and #value or #values.keys(value)
end)

define("reverse", { "array string" }, function(value)
  if type(value) == "string" then return reversed_text(value) end
  local result = {}
  for i = #value, 1, -1 do result[#result + 1] = value[i] end
  return result
end)

define("map", { "expref", "array" }, function(expression, list)
  local result = {}
  for i = 1, #list do result[i] = kept(expression.evaluate(present(list[i]))) end
  return result
end)

define("keys", { "object" }, values.keys)
define("values", { "object" }, function(object)
  local result = {}
  for i, key in ipairs(values.keys(object)) do result[i] = object[key] end
  return result
end)

define("merge", { "object", "..." }, function(...)
  local result, order = {}, {}
  for i = 1, select("#", ...) do
    local object = select(i, ...)
    for _, key in ipairs(values.keys(object)) do
      if result[key] == nil then order[#order + 1] = key end
      result[key] = object[key]
    end
  end
  return setmetatable(result, values.object_metatable(order))
end)

define("not_null", { "any", "..." }, function(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil then return value end
  end
end)

define("to_array", { "any" }, function(value)
  return kind_of(value) == "array" and value or { kept(value) }
end)

define("type", { "any" }, kind_of)

return functions
