--- What programs, files and servers answer that are asked for keys: JSON, with names that differ a little.
-- No message holds any of the answer.

local fields = {}

local MAX_SIZE = 65536 -- bytes; the longest session tokens have a few thousand

--- Reads a JSON object.
---@param text string
---@return table|nil object nulls are left out
---@return string|nil fault
function fields.object(text)
  if #text > MAX_SIZE then return nil, string.format("is longer than %d bytes", MAX_SIZE) end
  local ok, value, stop = pcall(require("eni6.rocks").need("dkjson").decode, text, 1, nil)
  if not ok or type(value) ~= "table" or text:find("%S", stop) or getmetatable(value).__jsontype ~= "object" then
    return nil, "is no JSON object"
  end
  return value
end

--- A point in time as services and the AWS CLI write it: ISO 8601, also with "UTC" behind it.
---@param value any
---@return number|nil seconds since the epoch
function fields.time(value)
  if type(value) ~= "string" then return nil end
  return require("eni6.aws.timestamp").parse((value:gsub("UTC$", "Z")))
end

--- An error code of a server's, if it looks like one: a text that may be shown.
---@param value any
---@return string|nil
function fields.code(value)
  return type(value) == "string" and #value <= 40 and value:match("^%a+$") or nil
end

---@class eni6.aws.KeyNames
---@field id string
---@field secret string
---@field token string
---@field expires string
---@field needs string[] those that must be there

--- The keys in an answer.
---@param answer table
---@param names eni6.aws.KeyNames what they are called
---@return table|nil keys with `expires` in seconds since the epoch
---@return string|nil fault names the field
function fields.keys(answer, names)
  for _, name in ipairs(names.needs) do
    if answer[name] == nil or answer[name] == "" then return nil, "has no " .. name end
  end
  for _, part in ipairs({ "id", "secret", "token", "expires" }) do
    local value = answer[names[part]]
    if value ~= nil and type(value) ~= "string" then return nil, "has a " .. names[part] .. " that is no text" end
  end
  local token, expiration = answer[names.token], answer[names.expires]
  local expires = fields.time(expiration)
  if expiration and not expires then return nil, "has an " .. names.expires .. " that is no time" end
  return { access_key_id = answer[names.id], secret_access_key = answer[names.secret],
    session_token = token ~= "" and token or nil, expires = expires }
end

return fields
