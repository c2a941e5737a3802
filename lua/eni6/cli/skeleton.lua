--- `--generate-cli-skeleton`: an input with every member in it, or an example of an output.

local skeleton = {}

-- The first accepted value of an input's text; the name of an output's.
local function text_of(state, owner, name)
  if state.named then return name end
  local accepted = owner and state.service:accepted(owner, name)
  return accepted and accepted[1] or ""
end

local SCALAR = { integer = 0, double = 0.0, boolean = true, timestamp = "1970-01-01T00:00:00" }

local value_of

-- Structures as { members =, … } in order; a structure within itself is there once more, empty.
local function structure_of(state, type_)
  local node = { kind = "structure" }
  local within = state.within[type_] or 0
  if within > 0 then return node end
  state.within[type_] = within + 1
  for i, member in ipairs(type_.members) do
    node[i] = { name = member.name, required = member.required, type = member.type, owner = type_,
      value = value_of(state, member.type, type_, member.name) }
  end
  state.within[type_] = within
  return node
end

function value_of(state, type_, owner, name)
  if type_.kind == "structure" then return structure_of(state, type_) end
  if type_.kind == "list" then return { kind = "list", value_of(state, type_.member, owner, name) } end
  if type_.kind == "string" then return text_of(state, owner, name) end
  if type_.kind == "blob" then return { kind = "blob" } end
  return SCALAR[type_.kind]
end

local function quoted(text) return require("eni6.jmespath.values").encode(text) end

local function scalar_json(value)
  if type(value) == "string" then return quoted(value) end
  if type(value) == "table" then return "null" end -- a blob
  return tostring(value)
end

local json_of

local function block(open, close, items, indent)
  if #items == 0 then return open .. close end
  local inner = indent .. "    "
  return open .. "\n" .. inner .. table.concat(items, ",\n" .. inner) .. "\n" .. indent .. close
end

function json_of(node, indent)
  local kind = type(node) == "table" and node.kind
  if kind == "structure" then
    local items = {}
    for i, member in ipairs(node) do items[i] = quoted(member.name) .. ": " .. json_of(member.value, indent .. "    ") end
    return block("{", "}", items, indent)
  end
  if kind == "list" then return block("[", "]", { json_of(node[1], indent .. "    ") }, indent) end
  return scalar_json(node)
end

--- An empty input in JSON.
---@param service eni6.aws.Service
---@param operation eni6.aws.Operation
---@return string
function skeleton.json(service, operation)
  if not operation.input then return "{}\n" end
  return json_of(value_of({ service = service, within = {} }, operation.input), "") .. "\n"
end

local function comment_of(service, member)
  local parts = {}
  if member.required then parts[1] = "[REQUIRED]" end
  local accepted = service:accepted(member.owner, member.name)
  if accepted then parts[#parts + 1] = "Valid values are: " .. table.concat(accepted, ", ") .. "." end
  return #parts > 0 and "  # " .. table.concat(parts, " ") or ""
end

local function scalar_yaml(value)
  if type(value) == "table" then return "!!binary ''" end
  if value == "1970-01-01T00:00:00" then return "1970-01-01 00:00:00" end
  if value == "" then return "''" end
  if type(value) ~= "string" then return tostring(value) end
  local plain = value:find("^[%a][%w%-_./ ]*$") and not value:find("^[YyNnTtFfOo][%a]*$")
  return plain and value or "'" .. value .. "'"
end

local yaml_lines

-- What stands behind a key or a dash: on the same line, or below it.
local function yaml_entry(lines, service, head, node, indent, comment)
  local kind = type(node) == "table" and node.kind
  if kind == "structure" and #node == 0 then
    lines[#lines + 1] = head .. " {}" .. comment
  elseif kind == "structure" or kind == "list" then
    lines[#lines + 1] = head .. comment
    yaml_lines(lines, service, node, indent)
  else
    lines[#lines + 1] = head .. " " .. scalar_yaml(node) .. comment
  end
end

-- The first line of a list's element stands behind its dash.
local function yaml_element(lines, service, node, indent)
  local first = #lines + 1
  if type(node) == "table" and (node.kind == "list" or node.kind == "structure" and #node > 0) then
    yaml_lines(lines, service, node, indent .. "  ")
    lines[first] = indent .. "- " .. lines[first]:sub(#indent + 3)
  else
    yaml_entry(lines, service, indent .. "-", node, indent, "")
  end
end

function yaml_lines(lines, service, node, indent)
  if node.kind == "list" then return yaml_element(lines, service, node[1], indent) end
  for _, member in ipairs(node) do
    local nested = type(member.value) == "table" and member.value.kind == "structure" and indent .. "  " or indent
    yaml_entry(lines, service, indent .. member.name .. ":", member.value, nested, comment_of(service, member))
  end
end

--- An empty input in YAML, with what is required and what is accepted said beside it.
---@param service eni6.aws.Service
---@param operation eni6.aws.Operation
---@return string
function skeleton.yaml(service, operation)
  local node = operation.input and value_of({ service = service, within = {} }, operation.input)
  if not node or #node == 0 then return "{}\n" end
  local lines = {}
  yaml_lines(lines, service, node, "")
  return table.concat(lines, "\n") .. "\n"
end

local function as_value(node)
  if type(node) ~= "table" then return node end
  if node.kind == "list" then return { as_value(node[1]) } end
  if node.kind == "blob" then return "" end
  local value = setmetatable({}, { __jsontype = "object" })
  for _, member in ipairs(node) do value[member.name] = as_value(member.value) end
  return value
end

--- An example of an operation's result, whose texts are the names of their members.
---@param service eni6.aws.Service
---@param operation eni6.aws.Operation
---@return table
function skeleton.result(service, operation)
  if not operation.output then return {} end
  return as_value(value_of({ service = service, within = {}, named = true }, operation.output))
end

return skeleton
