--- What is written behind an option, as a value for the API: shorthand, JSON, numbers, and files (`file://`, `fileb://`).

local problem = require "eni6.cli.problem"

local values = {}

local Bytes = { __name = "eni6.cli.bytes" } -- no text takes them

--- Bytes that are sent as they are, whatever the format of blobs.
---@param content string
---@return table
function values.bytes(content) return setmetatable({ bytes = content }, Bytes) end

--- Whether a value is such bytes, mostly the content of a `fileb://`.
function values.is_bytes(value) return getmetatable(value) == Bytes end

local function fail(name, message) problem.raise(problem.USAGE, "Error parsing parameter '%s': %s", name, message) end

-- Text files are read as Python reads them: UTF-8, any line ending as a newline.
local function as_text(content, path)
  if not utf8.len(content) then
    return nil, "Unable to load paramfile (" .. path .. "), text contents could not be decoded.  If this is a binary file, "
      .. "please use the fileb:// prefix instead of the file:// prefix."
  end
  return (content:gsub("\r\n?", "\n"))
end

-- The content that `file://PATH` or `fileb://PATH` stands for; nil for another text.
local function load(text, world)
  local scheme, path = text:match("^(fileb?)://(.*)$")
  if not scheme then return nil end
  path = require("eni6.aws.config").expand(path, world.getenv)
  local content, message = world.read_file(path)
  if not content then return nil, "Unable to load paramfile " .. text .. ": " .. message end
  if scheme == "fileb" then return values.bytes(content) end
  return as_text(content, path)
end

--- A value with the file read that it may name; one of several values is not looked at.
---@param name string           of the option, for messages
---@param value string|string[]
---@param world table           getenv and read_file
---@return string|string[]|table
function values.load(name, value, world)
  local text = type(value) == "table" and #value == 1 and value[1] or value
  if type(text) ~= "string" then return value end
  local content, message = load(text, world)
  if message then fail(name, message) end
  return content or value
end

-- A whole number as Python's int() reads it, spaces around it and underscores within.
function values.integer(text)
  local digits = type(text) == "string" and text:match("^%s*([+-]?%d[%d_]*)%s*$")
  if not digits or digits:find("__", 1, true) or digits:sub(-1) == "_" then return nil end
  return math.tointeger(tonumber((digits:gsub("_", ""):gsub("^%+", ""))))
end

--- A number as Python's float() reads it, as far as an API can take it.
function values.double(text)
  if type(text) ~= "string" or text:find("[xX]") then return nil end
  return tonumber(text)
end

local function integer(name, text)
  local number = values.integer(text)
  -- The AWS CLI ends so here, in the middle of its work.
  if not number then problem.raise(problem.GENERAL, "%s: invalid literal for int(): '%s'", name, tostring(text)) end
  return number
end

local function double(name, text)
  local number = values.double(text)
  if not number then problem.raise(problem.GENERAL, "%s: could not convert string to float: '%s'", name, tostring(text)) end
  return number
end

local function boolean(name, text)
  if type(text) ~= "string" then problem.raise(problem.GENERAL, "%s: true or false is wanted, not a list", name) end
  local lower = text:lower()
  if lower == "true" then return true end
  if lower == "false" then return false end
  return text
end

local SCALAR = { integer = integer, double = double, boolean = boolean }

local function is_array(value)
  local meta = getmetatable(value)
  return type(value) == "table" and not (meta and meta.__jsontype == "object")
end

-- What shorthand left as text, by the type that is wanted; a single value where a list is wanted is a list of one.
local function fitted(name, type_, value)
  if type_.kind == "list" then
    if not is_array(value) then return { value } end
    for i, element in ipairs(value) do value[i] = fitted(name, type_.member, element) end
  elseif type_.kind == "structure" and type(value) == "table" and not is_array(value) then
    for _, member in ipairs(type_.members) do
      local inner = value[member.name]
      if inner ~= nil then value[member.name] = fitted(name, member.type, inner) end
    end
  elseif SCALAR[type_.kind] then
    return SCALAR[type_.kind](name, value)
  end
  return value
end

local function parse_shorthand(name, text, world)
  if type(text) ~= "string" then fail(name, "Expected text, not the bytes of a fileb://") end
  local parsed, message, status = require("eni6.cli.shorthand").parse(text, function(path)
    return values.load(name, path, world)
  end)
  if parsed then return parsed end
  if status ~= problem.USAGE then problem.raise(status, message) end
  fail(name, message)
end

--- Decodes JSON. null is `eni6.jmespath.values.null`.
---@param text string
---@return any value or nil, message
---@return string|nil message
function values.json(text)
  local value, message = require("eni6.jmespath.json").decode(text)
  if value == nil then return nil, message or "a comma, bracket or quote is missing or is one too many" end
  return value
end

local function parse_json(name, text)
  local value, message = values.json(text)
  if value == nil then fail(name, "Invalid JSON: " .. message .. "\nJSON received: " .. text) end
  return value
end

local function begins_with(text, character)
  return type(text) == "string" and text:match("^%s*(.)") == character
end

local plain

-- One value of a list as it is written, JSON where it is no scalar.
local function plain_list(name, type_, value)
  if begins_with(value, "[") then return parse_json(name, value) end
  if type(value) == "table" and #value == 1 and begins_with(value[1], "[") then return parse_json(name, value[1]) end
  if type(value) ~= "table" or values.is_bytes(value) then
    fail(name, "a file given for a list must hold a JSON list")
  end
  local list = {}
  for i, text in ipairs(value) do list[i] = plain(name, type_.member, text) end
  return list
end

function plain(name, type_, value)
  if type_.kind == "list" then return plain_list(name, type_, value) end
  if type_.kind == "structure" then
    if begins_with(value, "{") then return parse_json(name, value) end
    fail(name, "Invalid JSON:\n" .. tostring(value))
  end
  local convert = SCALAR[type_.kind]
  if convert and type(value) == "string" then return convert(name, value) end
  return value
end

local function is_complex(type_)
  if type_.kind == "list" then return type_.member.kind == "list" or type_.member.kind == "structure" end
  return type_.kind == "structure"
end

-- { Value = "…" } may be written without its name.
local function single_value(type_, value)
  if type_.kind ~= "structure" or type(value) ~= "string" or value:find("=", 1, true) then return nil end
  local only = #type_.members == 1 and type_.members[1]
  return only and only.name == "Value" and only.type.kind == "string" and { Value = value } or nil
end

local function from_shorthand(name, type_, value, world)
  if type(value) ~= "table" or values.is_bytes(value) then
    return fitted(name, type_, parse_shorthand(name, value, world))
  end
  local list = {}
  for i, text in ipairs(value) do list[i] = parse_shorthand(name, text, world) end
  return fitted(name, type_, list)
end

--- The value of an option. Raises a problem.
---@param name string             of the option with its dashes
---@param type_ eni6.aws.Type
---@param value string|string[]   as it is written
---@param world table             getenv and read_file
---@return any
function values.unpack(name, type_, value, world)
  value = values.load(name, value, world)
  local first = type(value) == "table" and value[1] or value
  if not is_complex(type_) or begins_with(first, "[") or begins_with(first, "{") then return plain(name, type_, value) end
  return single_value(type_, value) or from_shorthand(name, type_, value, world)
end

-- Base64 as Python's b64decode takes it: other characters are passed over, and what follows the padding.
local function loose_base64(text)
  local digits = text:gsub("[^%w+/=]", "")
  local whole = {}
  local at, pad = 0, 0
  for character in digits:gmatch(".") do
    if character ~= "=" then
      whole[#whole + 1], at, pad = character, (at + 1) % 4, 0
    elseif at >= 2 then
      pad = pad + 1
      if at + pad >= 4 then
        at = 0
        break
      end
    end
  end
  if at ~= 0 then return nil end
  local body = table.concat(whole)
  return require("eni6.base64").decode(body .. ("="):rep(-#body % 4))
end

-- A public key as ssh-keygen writes it, which is what people have in a file:// where base64 is asked for.
local function is_public_key(text)
  return text:find("^ssh%-%w+ ") or text:find("^ecdsa%-[%w%-]+ ") or text:find("^%-%-%-%-[%- ]BEGIN ")
    or text:find("^sk%-[%w%-@.]+ ")
end

local function blob(value, format)
  if values.is_bytes(value) then return value.bytes end
  if type(value) ~= "string" or format ~= "base64" or is_public_key(value) then return value end
  local bytes = loose_base64(value)
  if not bytes then
    problem.raise(problem.GENERAL, "Invalid base64: \"%s\"\nName a file as it is with fileb://, or say "
      .. "--cli-binary-format raw-in-base64-out.", #value > 60 and value:sub(1, 60) .. "…" or value)
  end
  return bytes
end

--- Numbers written as text count as seconds since the epoch, as botocore has it.
local function timestamp(value) return type(value) == "string" and values.double(value) or value end

local function check_null(name, value)
  -- Shorthand and scalars have no null: where nothing has read JSON, there is none.
  local json = package.loaded["eni6.jmespath.values"]
  if json and value == json.null then
    problem.raise(problem.USAGE, "Parameter validation failed:\nInvalid type for parameter %s, value: null", name)
  end
end

local finish

local function finish_members(type_, value, format)
  for _, member in ipairs(type_.members) do
    local inner = value[member.name]
    check_null(member.name, inner)
    if inner ~= nil then value[member.name] = finish(member.type, inner, format) end
  end
end

-- What is left to do once all parameters are together, those of --cli-input-json among them.
function finish(type_, value, format)
  if type_.kind == "blob" then return blob(value, format) end
  if type_.kind == "timestamp" then return timestamp(value) end
  if type(value) ~= "table" or values.is_bytes(value) then return value end
  if type_.kind == "structure" then
    finish_members(type_, value, format)
  elseif type_.kind == "list" then
    for i, element in ipairs(value) do value[i] = finish(type_.member, element, format) end
  end
  return value
end

--- Makes blobs and times of the texts that stand for them, in place.
---@param type_ eni6.aws.Type
---@param params table
---@param format "base64"|"raw-in-base64-out" how blobs are written
function values.finish(type_, params, format) finish_members(type_, params, format) end

return values
