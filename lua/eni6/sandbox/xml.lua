--- Writes answers in EC2's XML. An answer is a table of element names: text,
--- numbers and booleans become text; an array becomes `<item>`s; an empty table
--- an empty element. Elements are written in the order of their names, so that
--- the same answer is the same bytes.

local random = require "eni6.sandbox.random"

local M = {}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\r"] = "&#xd;" }

local function escaped(text)
  if text:find('[&<>"\r]') then text = text:gsub('[&<>"\r]', ESCAPES) end
  return text
end
M.escape = escaped

-- Tags are made once for each name.
local function memo(make)
  return setmetatable({}, { __index = function(made, name)
    made[name] = make(name)
    return made[name]
  end })
end

local open_tag = memo(function(name) return "<" .. name .. ">" end)
local close_tag = memo(function(name) return "</" .. name .. ">" end)
local empty_tag = memo(function(name) return "<" .. name .. "/>" end)

-- Sorting the names of every structure would take most of the time, so the order
-- of a set of names is remembered under the sum of a random number for each.
local numbers = random.new(1)
local number_of = memo(function() return numbers:next() * 2147483648 + numbers:next() end)
local orders = {}

local function is_order_of(order, count, value)
  if not order or #order ~= count then return false end
  for _, name in ipairs(order) do
    if value[name] == nil then return false end
  end
  return true
end

local function names_in_order(value)
  local sum, count = 0, 0
  for name in pairs(value) do
    sum, count = sum + number_of[name], count + 1
  end
  local order = orders[sum]
  if is_order_of(order, count, value) then return order end
  order = {}
  for name in pairs(value) do order[#order + 1] = name end
  table.sort(order)
  orders[sum] = order
  return order
end

local write

local function write_element(out, name, value)
  if type(value) == "table" and next(value) == nil then
    out[#out + 1] = empty_tag[name]
    return
  end
  out[#out + 1] = open_tag[name]
  write(out, value)
  out[#out + 1] = close_tag[name]
end

local function write_structure(out, value)
  for _, name in ipairs(names_in_order(value)) do write_element(out, name, value[name]) end
end

function write(out, value)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = escaped(value)
  elseif kind == "number" then
    out[#out + 1] = string.format("%d", value)
  elseif kind == "boolean" then
    out[#out + 1] = value and "true" or "false"
  elseif value[1] ~= nil then
    for _, item in ipairs(value) do write_element(out, "item", item) end
  else
    write_structure(out, value)
  end
end

local PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'

--- The answer to an operation that succeeded.
---@param operation string
---@param request_id string
---@param answer table
---@return string
function M.answer(operation, request_id, answer)
  local out = { PROLOGUE, "<", operation, 'Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">',
    "<requestId>", request_id, "</requestId>" }
  write_structure(out, answer)
  out[#out + 1] = "</" .. operation .. "Response>"
  return table.concat(out)
end

local STS = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'

--- The answer to an operation of STS that succeeded.
---@param operation string
---@param request_id string
---@param answer table
---@return string
function M.query_answer(operation, request_id, answer)
  local out = { "<", operation, "Response ", STS, "><", operation, "Result>" }
  write_structure(out, answer)
  out[#out + 1] = string.format("</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
    operation, request_id, operation)
  return table.concat(out)
end

--- STS's answer that refuses.
---@param code string
---@param message string
---@param request_id string
---@return string
function M.query_error(code, message, request_id)
  return string.format("<ErrorResponse %s><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error>"
    .. "<RequestId>%s</RequestId></ErrorResponse>", STS, escaped(code), escaped(message), request_id)
end

--- The answer that refuses.
---@param code string
---@param message string
---@param request_id string
---@return string
function M.error(code, message, request_id)
  return PROLOGUE .. "<Response><Errors><Error><Code>" .. escaped(code) .. "</Code><Message>" .. escaped(message)
    .. "</Message></Error></Errors><RequestID>" .. request_id .. "</RequestID></Response>"
end

return M
