--- A whole input from `--cli-input-json` or `--cli-input-yaml`: the text itself, or a file's.

local problem = require "eni6.cli.problem"
local values = require "eni6.cli.values"

local input = {}

local function read_json(text)
  local value = values.json(text)
  if value == nil then problem.raise(problem.USAGE, "Error parsing parameter 'cli-input-json': Invalid JSON received.") end
  return value
end

-- lyaml's null for JSON's.
local function without_yaml_null(value, null)
  if value == null then return require("eni6.jmespath.values").null end
  if type(value) ~= "table" then return value end
  for key, inner in pairs(value) do value[key] = without_yaml_null(inner, null) end
  return value
end

local function read_yaml(text)
  local found, lyaml = pcall(require("eni6.rocks").need, "lyaml")
  if not found then problem.raise(problem.GENERAL, lyaml) end
  local ok, value = pcall(lyaml.load, text)
  if not ok then problem.raise(problem.USAGE, "Error parsing parameter 'cli-input-yaml': Invalid YAML received.") end
  return without_yaml_null(value, lyaml.null)
end

--- Reads an input. Raises a problem.
---@param format "json"|"yaml"
---@param text string
---@param world table getenv and read_file
---@return table<string, any>
function input.read(format, text, world)
  local name = "--cli-input-" .. format
  local content = values.load(name, text, world)
  if values.is_bytes(content) then content = content.bytes end
  local value = (format == "json" and read_json or read_yaml)(content)
  if require("eni6.jmespath.values").kind(value) ~= "object" then
    problem.raise(problem.USAGE, "Error parsing parameter '%s': Invalid type: expecting map", name)
  end
  return value
end

return input
