--- The dialect of INI that AWS's shared config and credentials files are written
-- in, read as botocore and the AWS CLI read it (Python's configparser, strict,
-- with one level of indented keys below an empty value).
-- No message names a value, since values here are secrets.

local lpeg = require("eni6.rocks").need "lpeg"
local ready = require("eni6.pattern").ready

local shown = require "eni6.aws.shown"

local C, Cc, Cf, Ct, P, R, S = lpeg.C, lpeg.Cc, lpeg.Cf, lpeg.Ct, lpeg.P, lpeg.R, lpeg.S

local ini = {}

-- What Python calls white space, in UTF-8: pages to copy from have no-break spaces in them.
local space = S(" \t\n\v\f\r\28\29\30\31") + P("\194\133") + P("\194\160") + P("\225\154\128")
  + P("\226\128") * (R("\128\138") + S("\168\169\175")) + P("\226\129\159") + P("\227\128\128")
local line_break = P("\r\n") + S("\n\v\f\r\28\29\30") + P("\194\133") + P("\226\128") * S("\168\169")

local tail = R("\128\191")
local character = R("\0\127") + R("\194\223") * tail
  + P("\224") * R("\160\191") * tail + R("\225\236") * tail * tail
  + P("\237") * R("\128\159") * tail + R("\238\239") * tail * tail
  + P("\240") * R("\144\191") * tail * tail + R("\241\243") * tail * tail * tail
  + P("\244") * R("\128\143") * tail * tail

local utf8_text = ready(character ^ 0 * -1)
local newline = P("\r\n") + S("\r\n")
local function split_at(pattern) return ready(Ct((C((1 - pattern) ^ 0) * pattern) ^ 0 * C(P(1) ^ 1) ^ -1)) end
local file_lines, value_lines = split_at(newline), split_at(line_break)

-- Text up to the first `pattern`, without the white space before it; each space is looked at twice at most.
local function ended_by(pattern)
  local black = (1 - space - pattern) ^ 1
  return C((space ^ 0 * black) ^ 0) * space ^ 0 * pattern
end

local last_bracket = P("]") * (1 - P("]")) ^ 0 * -1
local indent = Cf(Cc(0) * (space / 1) ^ 0, function(count) return count + 1 end)
local line_grammar = ready(indent * (
  -1 * Cc("blank")
  + S("#;") * Cc("comment")
  + Cc("text") * ended_by(P(-1))))
local header = ready(P("[") * C((1 - last_bracket) ^ 1) * "]")
local option = ready(ended_by(S("=:")) * space ^ 0 * C(P(1) ^ 0))
local stripped = ready(ended_by(P(-1)))
local nested_line = ready(space ^ 0 * (-1 * Cc(false) + ended_by(P("=")) * space ^ 0 * stripped))

local function lower(name) return (name:gsub("[A-Z]", string.lower)) end

local Parser = {}
Parser.__index = Parser

function Parser:fail(line, what)
  error({ message = string.format("%s, line %d: %s", self.path, line, what) }, 0)
end

-- A header begins a section; only [DEFAULT], whose options all sections inherit, may come twice.
function Parser:begin_section(name, line)
  self.option = nil
  if name == "DEFAULT" then
    self.section = self.defaults
    return
  end
  local earlier = self.by_name[name]
  if earlier then
    self:fail(line, string.format("section %s is there already, from line %d; join the two", shown(name), earlier.line))
  end
  self.section = { name = name, line = line, options = {}, lines = {} }
  self.by_name[name] = self.section
  self.sections[#self.sections + 1] = self.section
end

function Parser:begin_option(text, line)
  local name, value = option:match(text)
  if not name then self:fail(line, 'neither a [section] nor "name = value"') end
  if name == "" then self:fail(line, 'no name before the "="') end
  name = lower(name)
  local section = self.section
  if section.options[name] then
    self:fail(line, string.format("%s is set already, on line %d", shown(name), section.lines[name]))
  end
  section.options[name] = { value }
  section.lines[name] = line
  self.option = section.options[name]
end

function Parser:text_line(text, depth, line)
  if self.option and depth > self.depth then
    self.option[#self.option + 1] = text
    return
  end
  self.depth = depth
  local name = header:match(text)
  if name then
    self:begin_section(name, line)
  elseif not self.section then
    self:fail(line, "comes before the first [section]")
  else
    self:begin_option(text, line)
  end
end

local BYTE_ORDER_MARK = "\239\187\191"

function Parser:line(text, number)
  if number == 1 and text:sub(1, 3) == BYTE_ORDER_MARK then self:fail(1, "begins with a byte order mark; save it without") end
  if not utf8_text:match(text) then self:fail(number, "is not UTF-8 text") end
  local depth, kind, content = line_grammar:match(text)
  if kind == "text" then
    self:text_line(content, depth, number)
  elseif kind == "blank" and self.option then
    self.option[#self.option + 1] = ""
  end
end

-- An empty value with lines indented below it is a table of "name = value".
function Parser:nested(value, name, line)
  local parsed = {}
  for _, text in ipairs(value_lines:match(value)) do
    local key, inner = nested_line:match(text)
    if key == nil then self:fail(line, string.format('the lines below %s are not all "name = value"', shown(name))) end
    if key then parsed[key] = inner end
  end
  return parsed
end

function Parser:finish_section(section)
  local values = {}
  for name, pieces in pairs(section.options) do
    local value = stripped:match(table.concat(pieces, "\n"))
    values[name] = value:sub(1, 1) == "\n" and self:nested(value, name, section.lines[name]) or value
  end
  section.options = values
end

function Parser:run(text)
  for number, line in ipairs(file_lines:match(text)) do self:line(line, number) end
  self:finish_section(self.defaults)
  for _, section in ipairs(self.sections) do
    self:finish_section(section)
    for name, value in pairs(self.defaults.options) do
      if section.options[name] == nil then section.options[name] = value end
    end
  end
  return self.sections
end

--- Reads a shared config or credentials file.
---@param text string the file's content
---@param path string its name, for messages
---@return table[]|nil sections in the file's order: { name=, line=, options={ [name] = string or { [name] = string } },
---  lines={ [name] = line number } }
---@return string|nil message names file, line and setting, never a value
---@return string|nil code "ConfigParseError"
function ini.parse(text, path)
  local parser = setmetatable({ path = path, sections = {}, by_name = {}, depth = 0,
    defaults = { options = {}, lines = {} } }, Parser)
  local ok, result = pcall(parser.run, parser, text)
  if ok then return result end
  if type(result) ~= "table" then error(result, 0) end
  return nil, result.message, "ConfigParseError"
end

-- Words as a POSIX shell splits them, for names such as [profile "two words"].
local double_quoted = P('"') * (P("\\") * C(S('"\\')) + C(1 - S('"'))) ^ 0 * '"'
local single_quoted = P("'") * C((1 - P("'")) ^ 0) * "'"
local bare = P("\\") * C(1) + C(1 - S(" \t\r\n'\"\\"))
local word = Cf(Cc("") * (double_quoted + single_quoted + bare) ^ 1, function(all, piece) return all .. piece end)
local blanks = S(" \t\r\n") ^ 0
local words = ready(blanks * Ct((word * blanks) ^ 0) * -1)

--- The words of a section's name: `profile "my team"` -> { "profile", "my team" }.
---@param name string
---@return string[]|nil words, nil where a quote is left open
function ini.words(name)
  return words:match(name)
end

return ini
