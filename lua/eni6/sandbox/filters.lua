--- EC2's filters: every filter named must match (and), any of its values may
--- (or); `*` stands for any text, `?` for one character, a backslash takes the
--- next one as it is. `tag:KEY`, `tag-key` and `tag-value` work on every family
--- that has tags.

local refuse = require("eni6.sandbox.refusal").refuse

local M = {}

--- What the parameter `Filter` accepts.
M.parameters = { { Name = "string", Value = { "string" } } }

local MAX_VALUES = 200

local function pattern_of(value)
  local parts, at = {}, 1
  while at <= #value do
    local char = value:sub(at, at)
    if char == "\\" and at < #value then
      at = at + 1
      parts[#parts + 1] = value:sub(at, at):gsub("%W", "%%%0")
    elseif char == "*" then
      parts[#parts + 1] = ".*"
    elseif char == "?" then
      parts[#parts + 1] = "."
    else
      parts[#parts + 1] = char:gsub("%W", "%%%0")
    end
    at = at + 1
  end
  return "^" .. table.concat(parts) .. "$"
end

-- A test of one text against the values of a filter.
local function matcher(values)
  local exact, patterns = {}, {}
  for _, value in ipairs(values) do
    if value:find("[*?\\]") then patterns[#patterns + 1] = pattern_of(value) else exact[value] = true end
  end
  return function(text)
    if exact[text] then return true end
    for _, pattern in ipairs(patterns) do
      if text:find(pattern) then return true end
    end
    return false
  end
end

-- Applies a test to what a filter's getter gave: a value, a list of them, or nil.
local function any(got, test)
  if got == nil then return false end
  if type(got) ~= "table" then return test(tostring(got)) end
  for _, value in ipairs(got) do
    if test(tostring(value)) then return true end
  end
  return false
end

local function keys(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = key end
  return list
end

local function values(map)
  local list = {}
  for _, value in pairs(map) do list[#list + 1] = value end
  return list
end

local function getter_for(name, getters)
  local key = name:match("^tag:(.+)$")
  if key then return function(record) return record.tags[key] end end
  if name == "tag-key" then return function(record) return keys(record.tags) end end
  if name == "tag-value" then return function(record) return values(record.tags) end end
  return getters[name] or refuse("InvalidParameterValue", "The filter '%s' is invalid", name)
end

local function compile_one(filter, getters)
  if not filter.Name then refuse("InvalidParameterValue", "The filter 'null' is invalid") end
  local get = getter_for(filter.Name, getters)
  if not filter.Value or #filter.Value == 0 then
    refuse("InvalidParameterValue", "The filter '%s' has no values", filter.Name)
  end
  if #filter.Value > MAX_VALUES then
    refuse("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", MAX_VALUES)
  end
  local test = matcher(filter.Value)
  return function(record, world) return any(get(record, world), test) end
end

--- Compiles a request's filters; refuses unknown ones.
---@param filters table[]|nil as the parameter `Filter` gives them
---@param getters table<string, fun(record: table, world: table): any> the family's filters
---@return (fun(record: table, world: table): boolean)|nil test nil when there are none
function M.compile(filters, getters)
  if not filters or #filters == 0 then return nil end
  local tests = {}
  for i, filter in ipairs(filters) do tests[i] = compile_one(filter, getters) end
  return function(record, world)
    for _, test in ipairs(tests) do
      if not test(record, world) then return false end
    end
    return true
  end
end

--- Getters that read a field of the record.
---@param fields table<string, string> filter name to field name
---@return table<string, function>
function M.fields(fields)
  local getters = {}
  for name, field in pairs(fields) do
    getters[name] = function(record) return record[field] end
  end
  return getters
end

return M
