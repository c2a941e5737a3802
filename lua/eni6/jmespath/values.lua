--- JSON's values in Lua, as JMESPath sees them. A table is an array when it has
-- an element or nothing at all in it, else an object; dkjson's mark in its
-- metatable (__jsontype) goes before that. Inside tables null is `values.null`,
-- dkjson's own; an absent member is null too. Between functions null is nil.

local json = require("eni6.rocks").need "dkjson"

local values = {}

values.null = json.null

local Failure = {} -- the metatable of the errors that evaluation raises

--- Raises an error that `values.failure_of` knows again.
---@param code string   "syntax", "invalid-type", "invalid-value", "invalid-arity" or "unknown-function"
---@param format string
function values.fail(code, format, ...)
  error(setmetatable({ code = code, message = string.format(format, ...) }, Failure), 0)
end

--- The record that `values.fail` raised; another error goes on up.
---@param raised any
---@return { code: string, message: string }
function values.failure_of(raised)
  if getmetatable(raised) ~= Failure then error(raised, 0) end
  return raised
end

local Expression = {} -- the metatable of `&expression` arguments

--- An expression as a function's argument.
---@param evaluate fun(value: any): any
function values.expression(evaluate) return setmetatable({ evaluate = evaluate }, Expression) end

local OF_TYPE = { ["nil"] = "null", boolean = "boolean", number = "number", string = "string" }

local function kind_of_table(value)
  local metatable = getmetatable(value)
  if metatable == Expression then return "expref" end
  local marked = type(metatable) == "table" and metatable.__jsontype
  if marked == "array" or marked == "object" then return marked end
  return (value[1] ~= nil or next(value) == nil) and "array" or "object"
end

--- "null", "boolean", "number", "string", "array", "object", "expref", or
-- "unknown" for what JSON does not have.
---@param value any
---@return string
function values.kind(value)
  if value == values.null then return "null" end
  if type(value) == "table" then return kind_of_table(value) end
  return OF_TYPE[type(value)] or "unknown"
end

--- nil for null, else the value.
function values.present(value)
  if value == values.null then return nil end
  return value
end

--- null for nil, else the value: as a table keeps it.
function values.kept(value)
  if value == nil then return values.null end
  return value
end

--- An object's keys, sorted, so that results do not depend on the run.
---@param object table
---@return string[]
function values.keys(object)
  local keys = {}
  for key in pairs(object) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys, values.text_less)
  return keys
end

--- An empty object: it must not pass for an array.
---@return table
function values.new_object() return setmetatable({}, { __jsontype = "object" }) end

--- JMESPath's falsehood: null, false, "", and empty arrays and objects. Zero is true.
function values.is_true(value)
  if not value or value == "" or value == values.null then return false end
  return type(value) ~= "table" or getmetatable(value) == Expression or next(value) ~= nil
end

-- `<` goes by the locale; this goes by code points, which UTF-8 keeps in the order of its bytes.
function values.text_less(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local function equal_tables(a, b, kind)
  if kind == "array" then
    if #a ~= #b then return false end
    for i = 1, #a do
      if not values.equal(a[i], b[i]) then return false end
    end
    return true
  end
  for _, key in ipairs(values.keys(a)) do
    if b[key] == nil or not values.equal(a[key], b[key]) then return false end
  end
  return #values.keys(a) == #values.keys(b)
end

--- Equality of JSON values, tables by what they hold.
function values.equal(a, b)
  if a == b then return true end
  local kind = values.kind(a)
  if kind ~= values.kind(b) then return false end
  if kind == "array" or kind == "object" then return equal_tables(a, b, kind) end
  return kind == "null"
end

--- The shortest text of a number that reads back as the same; a float shows that it is one.
---@param number number
---@return string
function values.number_text(number)
  if math.type(number) == "integer" then return string.format("%d", number) end
  local text
  for digits = 15, 17 do
    text = string.format("%." .. digits .. "g", number)
    if tonumber(text) == number then break end
  end
  return text:find "[^%d-]" and text or text .. ".0"
end

local function encode_all(list, item)
  local texts = {}
  for i, element in ipairs(list) do texts[i] = item(element) end
  return table.concat(texts, ",")
end

--- A value as JSON, without spaces, keys sorted.
---@param value any
---@return string
function values.encode(value)
  local kind = values.kind(value)
  if kind == "null" then return "null" end
  if kind == "number" then return values.number_text(value) end
  if kind == "array" then return "[" .. encode_all(value, values.encode) .. "]" end
  if kind == "object" then
    return "{" .. encode_all(values.keys(value), function(key)
      return json.quotestring(key) .. ":" .. values.encode(value[key])
    end) .. "}"
  end
  return kind == "boolean" and tostring(value) or json.quotestring(tostring(value))
end

return values
