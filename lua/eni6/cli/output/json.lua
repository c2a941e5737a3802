--- A document as `aws --output json` prints it: Python's json.dump with an indent of
--- four, and characters as they are.

local values = require "eni6.jmespath.values"

local kind_of = values.kind

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

local function escaped(character) return ESCAPES[character] or string.format("\\u%04x", character:byte()) end

local function quoted(text)
  if text:find '[%z\1-\31"\\]' then text = text:gsub('[%z\1-\31"\\]', escaped) end
  return '"' .. text .. '"'
end

local SCALARS = {
  string = quoted,
  number = values.number_text,
  boolean = tostring,
  null = function() return "null" end,
}

-- Members' names, made once for all the objects that have them.
local function new_names()
  return setmetatable({}, {
    __index = function(all, name)
      local text = quoted(name) .. ": "
      all[name] = text
      return text
    end,
  })
end

-- A function that puts a value's texts at the end of `out`; `margin` is the line feed and the indent of what
-- holds the value.
local function putter(out)
  local count, names = 0, new_names()

  local function add(text)
    count = count + 1
    out[count] = text
  end

  local function put(value, margin)
    local kind = kind_of(value)
    local scalar = SCALARS[kind]
    if scalar then return add(scalar(value)) end
    local keys = kind == "object" and values.keys(value) or nil
    local size = #(keys or value)
    if size == 0 then return add(keys and "{}" or "[]") end
    local inner = margin .. "    "
    local comma = "," .. inner
    add((keys and "{" or "[") .. inner)
    for i = 1, size do
      if i > 1 then add(comma) end
      if keys then add(names[keys[i]]) end
      put(value[keys and keys[i] or i], inner)
    end
    add(margin .. (keys and "}" or "]"))
  end

  return put
end

local json = {}

--- A value in one line, as Python's json.dump has it without an indent.
---@param scalar any   no table but null
---@return string
function json.scalar(scalar) return SCALARS[kind_of(scalar)](scalar) end

--- Writes a document.
---@param value any   a JSON value, as eni6.jmespath has them
---@param write fun(text: string)
function json.write(value, write)
  local out = {}
  putter(out)(value, "\n")
  out[#out + 1] = "\n"
  write(table.concat(out))
end

return json
