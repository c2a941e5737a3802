--- Checks an operation's parameters against the model before they are sent, and
-- names every fault with its place. Upper limits and enumerated values are left
-- to the service, which extends them without notice.

local suggest = require "eni6.suggest"
local timestamp = require "eni6.aws.timestamp"

local validate = {}

local check_value

-- A fault never shows a value: it may be a secret.
local function report(faults, format, ...)
  faults[#faults + 1] = string.format(format, ...)
end

local function in_place(place) return place == "" and "" or " in " .. place end

local WHAT = {
  string = "a string",
  integer = "an integer",
  double = "a number",
  boolean = "true or false",
  timestamp = "a time (ISO 8601 text or seconds since the epoch)",
  blob = "a string of bytes",
  list = "a list",
  structure = "a table of named members",
}

local function is_list(value)
  local count = 0
  for key in pairs(value) do
    if math.type(key) ~= "integer" then return false end
    count = count + 1
  end
  return count == #value
end

local function described_number(value)
  if value - value ~= 0 then return "an infinite or undefined one" end
  if value ~= math.floor(value) then return "a fraction" end
  return math.tointeger(value) and "a number" or "one beyond 64 bits"
end

local function described(value, wanted)
  if type(value) == "number" and (wanted == "integer" or wanted == "double") then return described_number(value) end
  if type(value) == "table" then
    if next(value) == nil then return "an empty table" end
    return is_list(value) and "a list" or "a table that is no list"
  end
  return "a " .. type(value)
end

local function wrong_type(faults, place, kind, value)
  report(faults, "%s must be %s, not %s", place, WHAT[kind], described(value, kind))
end

local function names_of(shape)
  local names = {}
  for i, member in ipairs(shape.members) do names[i] = member.name end
  return names
end

-- The keys of a table in an order that does not depend on the run.
local function sorted_keys(value)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and type(a) ~= "boolean" and type(a) ~= "table" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function unknown_member(faults, place, shape, key)
  local names = names_of(shape)
  local hint = #names == 0 and "there is none" or suggest.among(tostring(key), names, "there are ")
  report(faults, "unknown parameter %s%s; %s", tostring(key), in_place(place), hint)
end

local function check_structure(faults, place, shape, value)
  for _, member in ipairs(shape.members) do
    -- Tokens are filled in later.
    if member.required and not member.idempotency_token and value[member.name] == nil then
      report(faults, "missing parameter %s%s", member.name, in_place(place))
    end
  end
  for _, key in ipairs(sorted_keys(value)) do
    local member = shape.by_name[key]
    if member then
      check_value(faults, place == "" and key or place .. "." .. key, member.type, value[key])
    else
      unknown_member(faults, place, shape, key)
    end
  end
end

local function check_list(faults, place, shape, value)
  for i, element in ipairs(value) do
    check_value(faults, place .. "[" .. i .. "]", shape.member, element)
  end
end

local IS = {
  string = function(value) return type(value) == "string" end,
  integer = function(value) return type(value) == "number" and math.tointeger(value) ~= nil end,
  double = function(value) return type(value) == "number" and value - value == 0 end,
  boolean = function(value) return type(value) == "boolean" end,
  timestamp = function(value) return timestamp.format(value) ~= nil end,
  blob = function(value) return type(value) == "string" end,
  list = function(value) return type(value) == "table" and is_list(value) end,
  structure = function(value) return type(value) == "table" and (next(value) == nil or not is_list(value)) end,
}

local MEASURE = {
  string = function(value) return utf8.len(value) or #value, "characters" end,
  list = function(value) return #value, "elements" end,
}

local function check_least(faults, place, shape, value)
  local measure = MEASURE[shape.kind]
  if measure then
    local size, unit = measure(value)
    if size < shape.least then report(faults, "%s must have at least %g %s, not %d", place, shape.least, unit, size) end
  elseif value < shape.least then
    report(faults, "%s must be at least %g, not %g", place, shape.least, value)
  end
end

function check_value(faults, place, shape, value)
  if not IS[shape.kind](value) then return wrong_type(faults, place, shape.kind, value) end
  if shape.least then check_least(faults, place, shape, value) end
  if shape.kind == "structure" then
    check_structure(faults, place, shape, value)
  elseif shape.kind == "list" then
    check_list(faults, place, shape, value)
  end
end

--- Checks the parameters of an operation.
---@param service eni6.aws.Service
---@param operation string
---@param params table|nil
---@return true|nil ok
---@return string|nil message  every fault with its place, one a line
---@return string|nil code     "ParamValidation"
---@return table|nil detail    { faults = { string, … } }
function validate.check(service, operation, params)
  local described_operation, message, code = service:operation(operation)
  if not described_operation then return nil, message, code, { faults = { message } } end
  params = params == nil and {} or params
  local faults = {}
  if not IS.structure(params) then
    wrong_type(faults, "the parameters", "structure", params)
  elseif described_operation.input then
    check_structure(faults, "", described_operation.input, params)
  end
  if #faults == 0 then return true end
  return nil, operation .. ": " .. table.concat(faults, "\n" .. operation .. ": "), "ParamValidation", { faults = faults }
end

return validate
