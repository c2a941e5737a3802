--- The scalars of eni6.cli.output.yaml: which of them need quotes, and how they are broken into lines.

local unicode = require "eni6.cli.output.unicode"
local values = require "eni6.jmespath.values"

local scalar = {}

local STEP = 2   -- that lines after the first are indented more
local WIDTH = 80 -- a line that is longer is broken at the next space

-- --- What plain text would be read as (YAML 1.2 as ruamel.yaml has it) -------------

local WORDS = {}
for word in ("true True TRUE false False FALSE null Null NULL ~ << = ! & *"):gmatch "%S+" do WORDS[word] = true end
WORDS[""] = true
for word in (".inf .Inf .INF .nan .NaN .NAN"):gmatch "%S+" do WORDS[word] = true end
for word in (".inf .Inf .INF"):gmatch "%S+" do WORDS["-" .. word], WORDS["+" .. word] = true, true end

local INTEGERS = { "^[+-]?0b[01_]+$", "^[+-]?0o?[0-7_]+$", "^[+-]?%d[%d_]*$", "^[+-]_[%d_]*$", "^[+-]?0x[%x_]+$" }
local FLOATS = {
  "^[+-]?%d[%d_]*%.[%d_]*$", "^[+-]?%d[%d_]*%.[%d_]*[eE][+-]?%d+$", "^[+-]?%d[%d_]*[eE][+-]?%d+$",
  "^[+-]?%.[%d_]+$", "^[+-]?%.[%d_]+[eE][+-]%d+$",
}

local function matches(text, patterns)
  for _, pattern in ipairs(patterns) do
    if text:find(pattern) then return true end
  end
  return false
end

local function is_zone(text)
  return text == "" or text:find "^[ \t]*Z$" or text:find "^[ \t]*[+-]%d%d?$" or text:find "^[ \t]*[+-]%d%d?:%d%d$"
end

local function is_time(text)
  if text:find "^%d%d%d%d%-%d%d%-%d%d$" then return true end
  local rest = text:match "^%d%d%d%d%-%d%d?%-%d%d?[Tt](.*)$" or text:match "^%d%d%d%d%-%d%d?%-%d%d?[ \t]+(.*)$"
  rest = rest and rest:match "^%d%d?:%d%d:%d%d(.*)$"
  return rest and is_zone(rest:match "^%.%d*(.*)$" or rest)
end

local function is_read_otherwise(text)
  if WORDS[text] then return true end
  return text:find "^[+%-.%d]" and (matches(text, INTEGERS) or matches(text, FLOATS) or is_time(text))
end

-- --- Which quotes --------------------------------------------------------------

local LINE_SEPARATORS = "\226\128[\168\169]"

-- libyaml takes what is beyond the basic plane, tabs and byte order marks for unprintable.
local function is_printable(character)
  local lead, second, third = character:byte(1, 3)
  if lead == 0xC2 then return second >= 0xA0 end
  if lead == 0xEF then return not (second == 0xBB and third == 0xBF) and not (second == 0xBF and third >= 0xBE) end
  return lead < 0xF0
end

local function is_special(text)
  if text:find "[%z\1-\9\11-\31\127]" then return true end
  for character in text:gmatch "[\194-\244][\128-\191]*" do
    if not is_printable(character) then return true end
  end
  return false
end

--- Whether a text has more lines than one.
---@param text string
---@return boolean
function scalar.has_breaks(text)
  return text:find "[\r\n]" ~= nil or text:find "\194\133" ~= nil or text:find(LINE_SEPARATORS) ~= nil
end

local NOT_PLAIN = {
  "^ ", " $", "^[#,%[%]{}&*!|>'\"%%@`]", "^[?:%-]$", "^[?:%-] ", "^%-%-%-", "^%.%.%.", ": ", ":$", " #",
}

-- "plain", "single" or "double".
local function style_of(text)
  if text:find "^[%w/_]+$" then return is_read_otherwise(text) and "single" or "plain" end
  if is_special(text) then return "double" end
  if scalar.has_breaks(text) then
    local lines = text:gsub(LINE_SEPARATORS, "\n")
    return (lines:find("\n ", 1, true) or lines:find(" \n", 1, true)) and "double" or "single"
  end
  return (matches(text, NOT_PLAIN) or is_read_otherwise(text)) and "single" or "plain"
end

-- --- Writing -------------------------------------------------------------------

local function width_of(text) return utf8.len(text) or #text end

-- Puts what is within one line, broken where a single space comes after the line's end; in quotes, not at
-- the very first or last character of the whole text: `first` and `last` tell whether they are here.
local function put_folded(emitter, line, is_quoted, first, last)
  local after_space = false
  for place, piece in line:gmatch "()([^ ]* ?)" do
    local word = piece:match "^[^ ]*"
    if word ~= "" then
      if is_quoted then word = word:gsub("'", "''") end
      emitter:put(word, width_of(word))
      emitter.fresh, after_space = false, false
    end
    if piece:sub(-1) == " " then
      local at = place + #piece - 1
      local at_edge = is_quoted and ((first and at == 1) or (last and at == #line))
      if emitter.column > WIDTH and not after_space and not at_edge and line:byte(at + 1) ~= 32 then
        emitter:go_to_indent()
      else
        emitter:put(" ", 1)
      end
      after_space = true
    end
  end
end

-- Where the next line break is, and where what comes after it begins.
local function next_break(text, place)
  local from, to = text:find("\n", place, true)
  local from_separator, to_separator = text:find(LINE_SEPARATORS, place)
  if from_separator and (not from or from_separator < from) then return from_separator, to_separator end
  return from, to
end

-- Puts the inside of single quotes: the first of some line feeds as two, other line breaks as they are.
local function put_lines(emitter, text)
  local place, in_breaks = 1, false
  while place <= #text do
    local from, to = next_break(text, place)
    if from == place then
      local mark = text:sub(from, to)
      if not in_breaks and mark == "\n" then emitter:break_line() end
      emitter.out[#emitter.out + 1] = mark
      emitter.column, emitter.fresh, in_breaks, place = 0, true, true, to + 1
    else
      if in_breaks then emitter:go_to_indent() end
      put_folded(emitter, text:sub(place, (from or 0) - 1), true, place == 1, not from)
      in_breaks, place = false, from or #text + 1
    end
  end
  if in_breaks then emitter:go_to_indent() end
end

local WRITERS = {}

function WRITERS.plain(emitter, text, is_key)
  if not emitter.blank then emitter:put(" ", 1) end
  local width = width_of(text)
  if is_key or emitter.column + width <= WIDTH then
    emitter:put(text, width)
  else
    put_folded(emitter, text)
  end
end

function WRITERS.single(emitter, text, is_key)
  emitter:sign("'", true)
  if is_key then
    local quoted = text:gsub("'", "''")
    emitter:put(quoted, width_of(quoted))
  else
    put_lines(emitter, text)
  end
  emitter:sign "'"
end

local NAMED = {
  [0] = "0", [7] = "a", [8] = "b", [9] = "t", [10] = "n", [11] = "v", [12] = "f", [13] = "r", [27] = "e", [34] = '"',
  [92] = "\\", [0x85] = "N", [0xA0] = "_", [0x2028] = "L", [0x2029] = "P",
}

local function escape(code)
  if NAMED[code] then return "\\" .. NAMED[code] end
  return string.format(code <= 0xFF and "\\x%02X" or code <= 0xFFFF and "\\u%04X" or "\\U%08X", code)
end

local function is_escaped(character)
  if #character == 1 then return character:find '[%c"\\]' end
  return not is_printable(character) or character:find(LINE_SEPARATORS)
end

function WRITERS.double(emitter, text, is_key)
  emitter:sign('"', true)
  local after_space = false
  for place, character in text:gmatch "()([%z\1-\127\194-\244][\128-\191]*)" do
    local may_fold = not is_key and not after_space and place > 1 and place < #text
    if is_escaped(character) then
      local escaped = escape(utf8.codepoint(character))
      emitter:put(escaped, #escaped)
    elseif character == " " and may_fold and emitter.column > WIDTH then
      emitter:go_to_indent()
      if text:byte(place + 1) == 32 then emitter:put("\\", 1) end
    else
      emitter:put(character, 1)
    end
    after_space = character == " "
  end
  emitter:sign '"'
end

--- Writes a string into an eni6.cli.output.yaml emitter.
---@param emitter table     its `styles` remember which quotes a text has: many texts come again
---@param text string
---@param is_key boolean|nil   keys are not broken into lines
function scalar.put_string(emitter, text, is_key)
  if text:find "[\128-\255]" then text = unicode.repaired(text) end
  emitter.indent = emitter.indent + STEP
  local style = emitter.styles[text]
  if not style then
    style = style_of(text)
    emitter.styles[text] = style
  end
  WRITERS[style](emitter, text, is_key)
  emitter.indent = emitter.indent - STEP
  emitter.blank, emitter.fresh = false, false
end

local NAMED_NUMBERS = { NaN = ".nan", Infinity = ".inf", ["-Infinity"] = "-.inf" }

--- A number, a boolean or null.
---@param value any
---@param kind string   of eni6.jmespath.values
---@return string
function scalar.text_of(value, kind)
  if kind ~= "number" then return kind == "null" and "null" or tostring(value) end
  local text = values.number_text(value)
  return NAMED_NUMBERS[text] or text
end

return scalar
