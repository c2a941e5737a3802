--- The AWS CLI's own cache of roles' keys, ~/.aws/cli/cache: same names, same format, so that either program
-- finds what the other has got.

local fields = require "eni6.aws.credentials.fields"

local file_cache = {}

local FOLDER = "~/.aws/cli/cache"

local NAMES = { id = "AccessKeyId", secret = "SecretAccessKey", token = "SessionToken", expires = "Expiration",
  needs = { "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration" } }

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

local function escaped(codepoint)
  if codepoint < 0x10000 then
    local character = codepoint < 128 and string.char(codepoint)
    if ESCAPES[character] then return ESCAPES[character] end
    if character and codepoint >= 32 and codepoint < 127 then return character end
    return string.format("\\u%04x", codepoint)
  end
  codepoint = codepoint - 0x10000
  return string.format("\\u%04x\\u%04x", 0xd800 + math.floor(codepoint / 1024), 0xdc00 + codepoint % 1024)
end

local function quoted(text)
  local out = {}
  for _, codepoint in utf8.codes(text) do out[#out + 1] = escaped(codepoint) end
  return '"' .. table.concat(out) .. '"'
end

--- A map of texts and integers as Python's json.dumps writes it with sorted keys.
---@param map table<string, string|integer>
---@param comma string
---@param colon string
---@return string
function file_cache.python_json(map, comma, colon)
  local names, out = {}, {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = map[name]
    out[i] = quoted(name) .. colon .. (type(value) == "string" and quoted(value) or string.format("%d", value))
  end
  return "{" .. table.concat(out, comma) .. "}"
end

--- Where a file of the cache is.
---@param settings eni6.aws.Settings
---@param folder string with ~
---@param key string
---@return string|nil path nil where there is no home
function file_cache.path(settings, folder, key)
  local path = require("eni6.aws.config").expand(folder, settings.getenv)
  if path:sub(1, 1) == "~" then return nil end
  return string.format("%s/%s.json", path, require("eni6.digest").sha1_hex(key))
end

--- Writes a file that holds secrets, and its folder where that is missing.
---@param settings eni6.aws.Settings
---@param path string
---@param text string
---@return true|nil
---@return string|nil message
function file_cache.write(settings, path, text)
  if not settings.write_file then return true end -- files that are somebody's own invention
  return settings.write_file(path, text)
end

--- The keys kept under a name, if they are good for a while.
---@param context eni6.aws.CredentialContext
---@param key string
---@param seconds number that they must still last
---@return table|nil keys
function file_cache.load(context, key, seconds)
  local path = file_cache.path(context.settings, FOLDER, key)
  local text = path and context.settings.read_file(path)
  local document = text and fields.object(text)
  if not document or type(document.Credentials) ~= "table" then return nil end
  local keys = fields.keys(document.Credentials, NAMES)
  if keys and keys.expires - context.time() >= seconds then return keys end
end

local ORDER = { "ProviderType", "Credentials", "AssumedRoleUser", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration",
  "AssumedRoleId", "Arn" }

--- Keeps keys under a name. A cache that cannot be written is no failure; it is told to `warn`.
---@param context eni6.aws.CredentialContext
---@param key string
---@param keys table with `expires`
---@param more table<string, any> what else the CLI keeps there
function file_cache.save(context, key, keys, more)
  local path = file_cache.path(context.settings, FOLDER, key)
  if not path then return end
  local document = { Credentials = { AccessKeyId = keys.access_key_id, SecretAccessKey = keys.secret_access_key,
    SessionToken = keys.session_token, Expiration = os.date("!%Y-%m-%dT%H:%M:%S", math.floor(keys.expires)) .. "UTC" } }
  for name, value in pairs(more) do document[name] = value end
  local text = require("eni6.rocks").need("dkjson").encode(document, { keyorder = ORDER })
  local ok, message = file_cache.write(context.settings, path, text)
  if not ok then context.warn("the keys of the role are not kept: " .. message) end
end

return file_cache
