--- A document as `aws --output text` prints it: a line for each list of scalars and for each map, tabs
-- between, maps' lines begun by the name of the member that holds them, in capitals, keys sorted.

local python = require "eni6.cli.output.python"
local unicode = require "eni6.cli.output.unicode"
local values = require "eni6.jmespath.values"

local kind_of = values.kind

local function is_scalar(value)
  local kind = kind_of(value)
  return kind ~= "array" and kind ~= "object"
end

local put -- out, value, name, columns

local function put_line(out, cells)
  out[#out + 1] = table.concat(cells, "\t")
  out[#out + 1] = "\n"
end

local function put_scalars(out, list, name)
  local cells = {}
  for i, value in ipairs(list) do cells[i] = python.str(value) end
  if not name then return put_line(out, cells) end
  for _, cell in ipairs(cells) do put_line(out, { unicode.upper(name), cell }) end
end

-- The names of all scalars in a list of maps are its columns, in order and as keys that are true. The AWS CLI
-- fails, too, where a list has maps and other things.
local function columns_of(list)
  local columns = {}
  for i = 1, #list do
    if kind_of(list[i]) ~= "object" then
      values.fail("mixed", "text cannot show a list that holds maps and, as element %d, a %s: "
        .. "let --query choose one of them, or use --output json", i - 1, kind_of(list[i]))
    end
    for _, key in ipairs(values.keys(list[i])) do
      if not columns[key] and is_scalar(list[i][key]) then
        columns[key] = true
        columns[#columns + 1] = key
      end
    end
  end
  return values.sorted(columns)
end

local function has(list, kind)
  for i = 1, #list do
    if kind_of(list[i]) == kind then return true end
  end
  return false
end

local function put_nested_list(out, list, name)
  local scalars, others = {}, {}
  for i = 1, #list do
    local part = is_scalar(list[i]) and scalars or others
    part[#part + 1] = list[i]
  end
  if #scalars > 0 then put_scalars(out, scalars, name) end
  for _, other in ipairs(others) do put(out, other, name) end
end

local function put_list(out, list, name)
  if #list == 0 then return end
  if has(list, "object") then
    local columns = columns_of(list)
    for i = 1, #list do put(out, list[i], name, columns) end
  elseif has(list, "array") then
    put_nested_list(out, list, name)
  else
    put_scalars(out, list, name)
  end
end

-- A map's cells and the keys of what is no cell. With columns, what is a cell in one map of a list
-- is one in all of them, if need be as Python shows lists and maps, or empty.
local function split(object, columns)
  local cells, others = {}, {}
  for i, key in ipairs(columns or {}) do
    cells[i] = object[key] == nil and "" or python.str(object[key])
  end
  for _, key in ipairs(values.sorted_keys(object)) do
    if columns then
      if not columns[key] then others[#others + 1] = key end
    elseif is_scalar(object[key]) then
      cells[#cells + 1] = python.str(object[key])
    else
      others[#others + 1] = key
    end
  end
  return cells, others
end

local function put_object(out, object, name, columns)
  local cells, others = split(object, columns)
  if #cells > 0 then
    if name then table.insert(cells, 1, unicode.upper(name)) end
    put_line(out, cells)
  end
  for _, key in ipairs(others) do put(out, object[key], key) end
end

function put(out, value, name, columns)
  local kind = kind_of(value)
  if kind == "object" then return put_object(out, value, name, columns) end
  if kind == "array" then return put_list(out, value, name) end
  out[#out + 1] = python.str(value)
  out[#out + 1] = "\n"
end

local text = {}

--- Writes a document; raises values.fail's "mixed" for a list that has maps and others, after what comes before it.
---@param value any   a JSON value, as eni6.jmespath has them
---@param write fun(text: string)
function text.write(value, write)
  local out = {}
  local ok, raised = pcall(put, out, value)
  write(table.concat(out))
  if not ok then error(raised, 0) end
end

return text
