--- Writes answers in EC2's XML. An answer is a table of element names: text,
--- numbers and booleans become text; an array becomes `<item>`s; an empty table
--- an empty element. Elements are written in the order of their names, so that
--- the same answer is the same bytes.

local M = {}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\r"] = "&#xd;" }

local function escaped(text)
  if text:find('[&<>"\r]') then text = text:gsub('[&<>"\r]', ESCAPES) end
  return text
end
M.escape = escaped

local write

local function write_element(out, name, value)
  out[#out + 1] = "<" .. name
  if type(value) == "table" and next(value) == nil then
    out[#out + 1] = "/>"
    return
  end
  out[#out + 1] = ">"
  write(out, value)
  out[#out + 1] = "</" .. name .. ">"
end

local function write_structure(out, value)
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do write_element(out, name, value[name]) end
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
