--- How Python writes values, for the places where the AWS CLI lets it through: `str()` in text and tables
-- shows True, None and 1e-05, and even lists and maps where a row has a scalar elsewhere.

local unicode = require "eni6.cli.output.unicode"
local values = require "eni6.jmespath.values"

local python = {}

local ESCAPES = { ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escaped_byte(byte) return ESCAPES[byte] or string.format("\\x%02x", byte:byte()) end

local function escaped_character(character)
  local code = utf8.codepoint(character)
  if unicode.is_printable(code) then return character end
  return string.format(code < 0x100 and "\\x%02x" or code < 0x10000 and "\\u%04x" or "\\U%08x", code)
end

-- A string as Python's source has it: in single quotes unless there are only such in it.
local function quoted(text)
  local quote = text:find("'", 1, true) and not text:find('"', 1, true) and '"' or "'"
  local inner = text:gsub("[%c\\]", escaped_byte)
  if quote == "'" then inner = inner:gsub("'", "\\'") end
  if inner:find "[\128-\255]" then inner = unicode.repaired(inner):gsub("[\194-\244][\128-\191]*", escaped_character) end
  return quote .. inner .. quote
end

local NAMED = { NaN = "nan", Infinity = "inf", ["-Infinity"] = "-inf" }

local function join(parts, open, close) return open .. table.concat(parts, ", ") .. close end

local REPR = {
  null = function() return "None" end,
  boolean = function(value) return value and "True" or "False" end,
  number = function(number) return NAMED[values.number_text(number)] or values.number_text(number) end,
  string = quoted,
}

local function repr(value) return REPR[values.kind(value)](value) end

function REPR.array(list)
  local parts = {}
  for i = 1, #list do parts[i] = repr(list[i]) end
  return join(parts, "[", "]")
end

function REPR.object(object)
  local parts = {}
  for i, key in ipairs(values.keys(object)) do parts[i] = quoted(key) .. ": " .. repr(object[key]) end
  return join(parts, "{", "}")
end

--- A value as Python's `str()` shows it.
---@param value any   a JSON value, as eni6.jmespath has them
---@return string
function python.str(value)
  if type(value) == "string" then return value end
  return repr(value)
end

return python
