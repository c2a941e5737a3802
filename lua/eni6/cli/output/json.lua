--- A document as `aws --output json` prints it: Python's json.dump with an indent of
--- four, and characters as they are.

local values = require "eni6.jmespath.values"

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

local function escaped(character) return ESCAPES[character] or string.format("\\u%04x", character:byte()) end

local function quoted(text)
  if text:find '[%z\1-\31"\\]' then text = text:gsub('[%z\1-\31"\\]', escaped) end
  return '"' .. text .. '"'
end

-- Names come again and again.
local names = setmetatable({}, {
  __mode = "k",
  __index = function(all, name)
    local text = quoted(name) .. ": "
    all[name] = text
    return text
  end,
})

local SCALARS = {
  string = quoted,
  number = values.number_text,
  boolean = tostring,
  null = function() return "null" end,
}

-- Writes one text after the other into `out`; `margin` is the line feed and the indent of what holds the value.
local function put(out, value, margin)
  local kind = values.kind(value)
  local scalar = SCALARS[kind]
  if scalar then
    out[#out + 1] = scalar(value)
    return
  end
  local is_object = kind == "object"
  local keys = is_object and values.keys(value)
  local count = #(keys or value)
  if count == 0 then
    out[#out + 1] = is_object and "{}" or "[]"
    return
  end
  local inner = margin .. "    "
  out[#out + 1] = is_object and "{" or "["
  for i = 1, count do
    out[#out + 1] = i > 1 and "," or ""
    out[#out + 1] = inner
    if is_object then out[#out + 1] = names[keys[i]] end
    put(out, value[is_object and keys[i] or i], inner)
  end
  out[#out + 1] = margin
  out[#out + 1] = is_object and "}" or "]"
end

local json = {}

--- A value in one line, as Python's json.dump has it without an indent.
---@param scalar any   no table but null
---@return string
function json.scalar(scalar) return SCALARS[values.kind(scalar)](scalar) end

--- Writes a document.
---@param value any   a JSON value, as eni6.jmespath has them
---@param write fun(text: string)
function json.write(value, write)
  local out = {}
  put(out, value, "\n")
  out[#out + 1] = "\n"
  write(table.concat(out))
end

return json
