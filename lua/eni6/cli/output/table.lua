--- A document as `aws --output table` prints it: a section for each list or map, in frames of one width, nested
--- ones indented; all of them turned upright when that is wider than the terminal.

local python = require "eni6.cli.output.python"
local unicode = require "eni6.cli.output.unicode"
local values = require "eni6.jmespath.values"

local kind_of, width_of = values.kind, unicode.width

local PADDING = 4
local WIDTH = 80

local function is_scalar(value)
  local kind = kind_of(value)
  return kind ~= "array" and kind ~= "object"
end

-- The AWS CLI fails, too, where rows of one section do not match.
local function fail(format, ...)
  values.fail("mixed", "a table cannot show " .. format .. ": let --query choose, or use --output json", ...)
end

-- --- Sections ------------------------------------------------------------------

local Section = {}
Section.__index = Section

-- A section without a title is as wide as the word None.
local function new_section(title, indent)
  local title_width = title and width_of(title) or 4
  return setmetatable({
    title = title, title_width = title_width, indent = indent, headers = {}, rows = {}, widths = {},
  }, Section)
end

function Section:widen(cells)
  if #self.widths > 0 and #cells > #self.widths then
    fail("rows of %d and of %d cells in one section", #self.widths, #cells)
  end
  for i, cell in ipairs(cells) do self.widths[i] = math.max(self.widths[i] or 0, width_of(cell)) end
end

function Section:add_header(headers)
  self:widen(headers)
  self.columns = self.columns or #headers
  self.headers = headers
end

function Section:add_row(row)
  self.columns = self.columns or #row
  if #row ~= self.columns then fail("rows of %d and of %d cells in one section", self.columns, #row) end
  self.rows[#self.rows + 1] = row
  self:widen(row)
end

function Section:total_width()
  local total = 2
  for _, width in ipairs(self.widths) do total = total + width + PADDING end
  return math.max(self.title_width + 2, total) + 2 * self.indent
end

-- Halves go to the even neighbour, as Python rounds.
local function rounded(number)
  local whole = math.floor(number)
  local rest = number - whole
  if rest > 0.5 or (rest == 0.5 and whole % 2 == 1) then whole = whole + 1 end
  return whole
end

-- Takes from the first columns what is too much, or gives the last ones what is left.
local function balance(widths, off_by)
  local step = off_by > 0 and 1 or -1
  while off_by ~= 0 do
    for i = step > 0 and 1 or #widths, step > 0 and #widths or 1, step do
      if off_by == 0 then break end
      widths[i] = widths[i] - step
      off_by = off_by - step
    end
  end
  return widths
end

-- The columns' widths, stretched so that they fill a line.
function Section:columns_in(line_width)
  local sum, scaled, total = 0, {}, 0
  for _, width in ipairs(self.widths) do sum = sum + width + PADDING end
  for i, width in ipairs(self.widths) do
    scaled[i] = rounded(line_width / sum * (width + PADDING))
    total = total + scaled[i]
  end
  return #scaled > 0 and balance(scaled, total - line_width) or scaled
end

-- The one row of a section as a column beside its headers.
function Section:upright()
  if #self.rows ~= 1 or #self.headers == 0 then return self end
  local section = new_section(self.title, self.indent)
  for i, header in ipairs(self.headers) do section:add_row { header, self.rows[1][i] } end
  return section
end

-- --- From a document to sections -------------------------------------------------

local Builder = {}
Builder.__index = Builder

function Builder:section(title, indent)
  self.current = new_section(title, indent)
  self.sections[#self.sections + 1] = self.current
end

-- Notes which keys have scalars and which have not; in a list of maps a key can be both.
local function group(object, scalars, others)
  for _, key in ipairs(values.keys(object)) do
    local list = is_scalar(object[key]) and scalars or others
    if not list[key] then
      list[key] = true
      list[#list + 1] = key
    end
  end
end

local function has_nothing(value) return value == "" or (kind_of(value) == "array" and #value == 0) end

local function fail_mixed(value) fail("a list that holds maps and a value of kind %s", kind_of(value)) end

-- An empty list or text among maps passes as long as there are no columns.
local function grouped(objects)
  local scalars, others, odd = {}, {}, nil
  for i = 1, #objects do
    local object = objects[i]
    if kind_of(object) == "object" then
      group(object, scalars, others)
    elseif has_nothing(object) then
      odd = odd or object
    else
      fail_mixed(object)
    end
  end
  if odd and #scalars > 0 then fail_mixed(odd) end
  return values.sorted(scalars), values.sorted(others)
end

local function cells_of(object, keys)
  local cells = {}
  for i, key in ipairs(keys) do cells[i] = object[key] == nil and "" or python.str(object[key]) end
  return cells
end

function Builder:object(object, indent)
  local scalars, others = grouped { object }
  if #scalars == 1 then
    self.current:add_row { scalars[1], python.str(object[scalars[1]]) }
  elseif #scalars > 1 then
    self.current:add_header(scalars)
    self.current:add_row(cells_of(object, scalars))
  end
  for _, key in ipairs(others) do self:build(key, object[key], indent + 1) end
end

function Builder:objects(list, indent, title)
  local scalars, others = grouped(list)
  self.current:add_header(scalars)
  for i = 1, #list do
    if i > 1 and #others > 0 then
      self:section(title, indent)
      self.current:add_header(scalars)
    end
    self.current:add_row(cells_of(list[i], scalars))
    for _, key in ipairs(others) do
      if list[i] ~= "" and list[i][key] ~= nil then self:build(key, list[i][key], indent + 1) end
    end
  end
end

-- What a list is as one row, if it can be; of a map, its keys.
local function row_of(item)
  if kind_of(item) == "object" then return values.keys(item) end
  local row = {}
  for i = 1, #item do
    if not is_scalar(item[i]) then return nil end
    row[i] = python.str(item[i])
  end
  return row
end

function Builder:list(list, indent, title)
  if kind_of(list[1]) == "object" then return self:objects(list, indent, title) end
  for i = 1, #list do
    local row = is_scalar(list[i]) and { python.str(list[i]) } or row_of(list[i])
    if row then
      self.current:add_row(row)
    else
      self:build(nil, list[i], 0)
    end
  end
end

local function is_nothing(value) return not values.is_true(value) or value == 0 end

function Builder:build(title, value, indent)
  if is_nothing(value) then return end
  if title then self:section(title, indent) end
  local kind = kind_of(value)
  if kind == "array" then
    self:list(value, indent, title)
  elseif kind == "object" then
    self:object(value, indent)
  end
end

-- --- From sections to lines ------------------------------------------------------

-- Colours as colorama writes them, which also resets them after each piece that is written.
local RESET = "\27[0m"
local PLAIN = { bar = "|", cell = function(text) return text end, reset = "" }
local COLORED = {
  bar = "\27[2m\27[33m|" .. RESET,
  cell = function(text) return "\27[1m\27[34m" .. text .. RESET end,
  reset = RESET,
}

local function spaces(count) return (" "):rep(count) end

local function centered(text, text_width, width, left_edge)
  local start = math.floor(width / 2) - math.floor(text_width / 2) - 1
  local filled = #left_edge + start + text_width
  return left_edge .. spaces(start) .. text .. spaces(width - 1 - filled) .. "|"
end

-- Text that fills its cell stands at its edge.
local function aligned(text, text_width, width, left_edge)
  local padding = width - (text_width + 2 + #left_edge + 1) >= 0 and 2 or 0
  return left_edge .. spaces(padding) .. text .. spaces(width - #left_edge - padding - text_width - 1) .. "|"
end

local function break_line(widths)
  local parts = {}
  for i, width in ipairs(widths) do
    parts[i] = (i == 1 and "+" or "") .. ("-"):rep(width - (i == 1 and 2 or 1)) .. "+"
  end
  return table.concat(parts)
end

local function cells_line(widths, cells, place)
  local parts = {}
  for i, width in ipairs(widths) do
    if not cells[i] then break end
    parts[i] = place(cells[i], width, i == 1 and "|" or "")
  end
  return table.concat(parts)
end

local Renderer = {}
Renderer.__index = Renderer

function Renderer:line(text, indent)
  local bars, reset = self.style.bar:rep(indent), self.style.reset
  local out = self.out
  out[#out + 1] = bars .. reset .. text .. reset .. bars .. reset .. "\n" .. reset
end

function Renderer:header(section, widths)
  self:line(break_line(widths), section.indent)
  self:line(cells_line(widths, section.headers, function(text, width, edge)
    return centered(text, width_of(text), width, edge)
  end), section.indent)
end

function Renderer:rows(section, widths)
  self:line(break_line(widths), section.indent)
  for _, row in ipairs(section.rows) do
    self:line(cells_line(widths, row, function(text, width, edge)
      return aligned(self.style.cell(text), width_of(text), width, edge)
    end), section.indent)
  end
  self:line(break_line(widths), section.indent)
end

function Renderer:section(section, line_width)
  local width = line_width - 2 * section.indent
  if section.title and section.title ~= "" then
    self:line(centered(section.title, section.title_width, width, "|"), section.indent)
    if #section.headers == 0 and #section.rows == 0 then self:line("+" .. ("-"):rep(width - 2) .. "+", section.indent) end
  end
  local widths = section:columns_in(width)
  if #section.headers > 0 then self:header(section, widths) end
  if #section.rows > 0 and #widths > 0 then self:rows(section, widths) end
end

local function widest(sections)
  local most = 0
  for _, section in ipairs(sections) do most = math.max(most, section:total_width()) end
  return most
end

local function upright(sections)
  local turned = {}
  for i, section in ipairs(sections) do turned[i] = section:upright() end
  return turned
end

local formatter = {}

--- Writes a document; raises values.fail's "mixed", without writing, for one whose rows do not match.
---@param value any   a JSON value, as eni6.jmespath has them
---@param write fun(text: string)
---@param options { operation: string, width: integer|nil, color: boolean|nil }   width: of the terminal, 80
function formatter.write(value, write, options)
  local builder = setmetatable({ sections = {} }, Builder)
  builder:build(options.operation, value, 0)
  local sections = builder.sections
  if #sections == 0 then return end
  if widest(sections) > (options.width or WIDTH) then sections = upright(sections) end
  local renderer = setmetatable({ out = {}, style = options.color and COLORED or PLAIN }, Renderer)
  local line_width = widest(sections)
  renderer.out[1] = ("-"):rep(line_width) .. "\n" .. renderer.style.reset
  for _, section in ipairs(sections) do renderer:section(section, line_width) end
  write(table.concat(renderer.out))
end

return formatter
