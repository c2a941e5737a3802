--- A document as `aws --output yaml` prints it: by ruamel.yaml's safe representer (keys sorted, what comes twice as
--- an alias) and libyaml's emitter (block style; which scalars are quoted, and where long ones are folded).

local json = require "eni6.cli.output.json"
local values = require "eni6.jmespath.values"
local yaml_scalar = require "eni6.cli.output.yaml_scalar"

local kind_of = values.kind

local LONGEST_KEY = 128 -- bytes: a longer one stands after a question mark
local STEP = 2

-- --- What comes twice --------------------------------------------------------------

-- Anchors by table: false for what has come once. They are numbered as second times come.
local function find_anchors(value, anchors)
  local kind = kind_of(value)
  if kind ~= "array" and kind ~= "object" then return end
  if anchors[value] == nil then
    anchors[value] = false
    for _, key in ipairs(kind == "object" and values.sorted_keys(value) or {}) do find_anchors(value[key], anchors) end
    for i = 1, kind == "array" and #value or 0 do find_anchors(value[i], anchors) end
  elseif not anchors[value] then
    anchors.count = anchors.count + 1
    anchors[value] = string.format("id%03d", anchors.count)
  end
end

-- --- The emitter -------------------------------------------------------------------

-- `blank` tells that the last character was white space, `fresh` that the line has only indentation
-- and dashes so far; indent is -1 outside of everything.
local Emitter = {}
Emitter.__index = Emitter

function Emitter:put(text, width)
  self.out[#self.out + 1] = text
  self.column = self.column + width
end

function Emitter:break_line()
  self.out[#self.out + 1] = "\n"
  self.column = 0
end

--- Goes to the place where something indented begins, on a new line if need be.
function Emitter:go_to_indent()
  local indent = math.max(self.indent, 0)
  if not self.fresh or self.column > indent or (self.column == indent and not self.blank) then self:break_line() end
  if self.column < indent then self:put((" "):rep(indent - self.column), indent - self.column) end
  self.blank, self.fresh = true, true
end

--- Puts a sign; `apart` from what is before it.
function Emitter:sign(text, apart, stays_fresh)
  if apart and not self.blank then self:put(" ", 1) end
  self:put(text, #text)
  self.blank, self.fresh = false, self.fresh and stays_fresh
end

function Emitter:list(list, in_mapping)
  if #list == 0 then return self:sign("[]", true) end
  local before = self.indent
  if before < 0 then
    self.indent = 0
  elseif not in_mapping or self.fresh then
    self.indent = before + STEP
  end
  for i = 1, #list do
    self:go_to_indent()
    self:sign("-", true, true)
    self:node(list[i], false)
  end
  self.indent = before
end

function Emitter:key(key)
  if #key <= LONGEST_KEY and not yaml_scalar.has_breaks(key) then
    yaml_scalar.put_string(self, key, true)
    return self:sign ":"
  end
  self:sign("?", true, true)
  yaml_scalar.put_string(self, key)
  self:go_to_indent()
  self:sign(":", true, true)
end

function Emitter:object(object)
  local keys = values.sorted_keys(object)
  if #keys == 0 then return self:sign("{}", true) end
  local before = self.indent
  self.indent = before < 0 and 0 or before + STEP
  for _, key in ipairs(keys) do
    self:go_to_indent()
    self:key(key)
    self:node(object[key], true)
  end
  self.indent = before
end

function Emitter:table(value, kind, in_mapping)
  local anchor = self.anchors[value]
  if anchor and self.anchored[value] then return self:sign("*" .. anchor, true) end
  if anchor then self:sign("&" .. anchor, true) end
  self.anchored[value] = true
  if kind == "array" then return self:list(value, in_mapping) end
  self:object(value)
end

function Emitter:node(value, in_mapping)
  local kind = kind_of(value)
  if kind == "array" or kind == "object" then
    self:table(value, kind, in_mapping)
  elseif kind == "string" then
    yaml_scalar.put_string(self, value)
  else
    self:sign(yaml_scalar.text_of(value, kind), true)
  end
end

local function dump(value)
  local anchors = { count = 0 }
  find_anchors(value, anchors)
  local emitter = setmetatable({
    out = {}, column = 0, blank = true, fresh = true, indent = -1, anchors = anchors, anchored = {}, styles = {},
  }, Emitter)
  emitter:node(value, false)
  emitter:go_to_indent()
  return table.concat(emitter.out)
end

local yaml = {}

--- Writes a document. A scalar is written as JSON: YAML would have to end it with dots.
---@param value any   a JSON value, as eni6.jmespath has them
---@param write fun(text: string)
function yaml.write(value, write)
  local kind = kind_of(value)
  local is_scalar = kind ~= "array" and kind ~= "object"
  write(is_scalar and json.scalar(value) .. "\n" or dump(value))
end

return yaml
