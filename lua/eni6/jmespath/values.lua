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

local null = values.null

--- "null", "boolean", "number", "string", "array", "object", "expref", or
-- "unknown" for what JSON does not have.
---@param value any
---@return string
function values.kind(value)
  local type_name = type(value)
  if type_name ~= "table" then return OF_TYPE[type_name] or "unknown" end
  return value == null and "null" or kind_of_table(value)
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

local function present_keys(object, names)
  local keys, count = {}, 0
  for i = 1, #names do
    local name = names[i]
    if object[name] ~= nil then
      count = count + 1
      keys[count] = name
    end
  end
  return keys
end

local function order_of(object)
  local metatable = getmetatable(object)
  return type(metatable) == "table" and metatable.order
end

-- The same names sorted, once for each order.
local sorted_orders = setmetatable({}, { __mode = "k" })

--- An object's keys, sorted.
---@param object table
---@return string[]
function values.sorted_keys(object)
  local order = order_of(object)
  if order then
    local sorted = sorted_orders[order]
    if not sorted or #sorted ~= #order then
      sorted = values.sorted(table.move(order, 1, #order, 1, {}))
      sorted_orders[order] = sorted
    end
    return present_keys(object, sorted)
  end
  local keys = {}
  for key in pairs(object) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  return values.sorted(keys)
end

--- An object's keys in the object's order; sorted if it has none, so that results do not depend on the run.
---@param object table
---@return string[]
function values.keys(object)
  local order = order_of(object)
  return order and present_keys(object, order) or values.sorted_keys(object)
end

--- The metatable of objects: it tells them from arrays, even when they are empty.
---@param order string[]|nil   the keys that such an object may have, in their order
---@return table
function values.object_metatable(order) return { __jsontype = "object", order = order } end

local UNORDERED = values.object_metatable()

--- An empty object without an order.
---@return table
function values.new_object() return setmetatable({}, UNORDERED) end

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

--- Sorts strings by code points.
---@param strings string[]
---@return string[] strings   the same table
function values.sorted(strings)
  table.sort(strings, values.text_less)
  return strings
end

local DEEPEST = 1000 -- levels of a document; a table that contains itself has more

local function check_depth(depth)
  if depth > DEEPEST then values.fail("invalid-value", "the document nests too deep") end
end

local alike

local function alike_tables(a, b, kind, depth)
  check_depth(depth)
  if kind == "array" then
    if #a ~= #b then return false end
    for i = 1, #a do
      if not alike(a[i], b[i], depth) then return false end
    end
    return true
  end
  local keys = values.keys(a)
  for _, key in ipairs(keys) do
    if b[key] == nil or not alike(a[key], b[key], depth) then return false end
  end
  return #keys == #values.keys(b)
end

local AS_NUMBER = { [true] = 1, [false] = 0 }

function alike(a, b, depth)
  if a == b then return true end
  local kind, other = values.kind(a), values.kind(b)
  if kind ~= other then
    return (kind == "boolean" and AS_NUMBER[a] == b) or (other == "boolean" and AS_NUMBER[b] == a)
  end
  if kind == "array" or kind == "object" then return alike_tables(a, b, kind, depth + 1) end
  return kind == "null"
end

--- Equality as Python has it, where 1 is true and 0 is false: so does contains(), and so do arrays and objects
-- compare what they hold.
---@param a any
---@param b any
---@return boolean
function values.alike(a, b) return alike(a, b, 0) end

--- Equality of JSON values, tables by what they hold.
---@param a any
---@param b any
---@return boolean
function values.equal(a, b)
  if type(a) ~= type(b) and (type(a) == "boolean" or type(b) == "boolean") then return false end
  return values.alike(a, b)
end

local SMALLEST_NORMAL = 2.2250738585072014e-308

-- The digits and the decimal exponent of the shortest text that reads back as the same float. Fifteen digits
-- without the zeros at their end are the shortest if they read back at all, but for the least of numbers.
local function shortest(number)
  for places = number < SMALLEST_NORMAL and 0 or 14, 16 do
    local text = string.format("%." .. places .. "e", number)
    if tonumber(text) == number then
      local whole, fraction, exponent = text:match "^(%d)%p?(%d*)e([+-]%d+)$"
      return (whole .. fraction):gsub("0+$", ""), tonumber(exponent)
    end
  end
end

local function in_places(digits, exponent)
  if exponent < 0 then return "0." .. ("0"):rep(-exponent - 1) .. digits end
  if #digits <= exponent + 1 then return digits .. ("0"):rep(exponent + 1 - #digits) .. ".0" end
  return digits:sub(1, exponent + 1) .. "." .. digits:sub(exponent + 2)
end

local function positive_text(number)
  if number == 0 then return "0.0" end
  if number == math.huge then return "Infinity" end
  local digits, exponent = shortest(number)
  if exponent >= -4 and exponent < 16 then return in_places(digits, exponent) end
  local rest = #digits > 1 and "." .. digits:sub(2) or ""
  return string.format("%s%se%s%02d", digits:sub(1, 1), rest, exponent < 0 and "-" or "+", math.abs(exponent))
end

--- A number's shortest text that reads back as the same, as Python's json has it: a float shows that it is one.
---@param number number
---@return string
function values.number_text(number)
  if math.type(number) == "integer" then return string.format("%d", number) end
  if number ~= number then return "NaN" end
  local is_negative = number < 0 or 1 / number < 0
  return is_negative and "-" .. positive_text(-number) or positive_text(number)
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

local function escaped(character)
  local code = utf8.len(character) and utf8.codepoint(character) or 0xDC00 + character:byte()
  if code < 0x10000 then return ESCAPES[character] or string.format("\\u%04x", code) end
  return string.format("\\u%04x\\u%04x", 0xD7C0 + math.floor(code / 0x400), 0xDC00 + code % 0x400)
end

-- In ASCII, as Python's json writes it; a byte that is not UTF-8, as Python keeps those.
local function quoted(text)
  text = text:gsub('[%c"\\]', escaped)
  if text:find "[\128-\255]" then
    text = text:gsub("[\194-\244][\128-\191]+", function(bytes) return utf8.len(bytes) == 1 and escaped(bytes) or nil end)
    text = text:gsub("[\128-\255]", escaped)
  end
  return '"' .. text .. '"'
end

local encode

local function encode_all(list, item)
  local texts = {}
  for i, element in ipairs(list) do texts[i] = item(element) end
  return table.concat(texts, ",")
end

local function encode_table(value, kind, depth)
  check_depth(depth)
  if kind == "array" then
    return "[" .. encode_all(value, function(element) return encode(element, depth) end) .. "]"
  end
  return "{" .. encode_all(values.keys(value), function(key)
    return quoted(key) .. ":" .. encode(value[key], depth)
  end) .. "}"
end

function encode(value, depth)
  local kind = values.kind(value)
  if kind == "null" then return "null" end
  if kind == "number" then return values.number_text(value) end
  if kind == "array" or kind == "object" then return encode_table(value, kind, depth + 1) end
  return kind == "boolean" and tostring(value) or quoted(tostring(value))
end

--- A value as JSON in ASCII, without spaces.
---@param value any
---@return string
function values.encode(value) return encode(value, 0) end

return values
