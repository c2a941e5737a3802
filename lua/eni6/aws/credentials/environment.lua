--- AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.

local object = require "eni6.aws.credentials.object"

local environment = { name = "environment" }

local ID, SECRET, EXPIRATION = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CREDENTIAL_EXPIRATION"
local TOKENS = { "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN" } -- the first is the older name, and counts first in botocore

local function reader(getenv)
  return function(name)
    local text = getenv(name)
    if text ~= "" then return text end
  end
end

local function pair(value)
  local credentials = require "eni6.aws.credentials"
  local id, secret = value(ID), value(SECRET)
  if not secret then return credentials.partial(ID, SECRET) end
  if not id then return credentials.partial(SECRET, ID) end
  return { access_key_id = id, secret_access_key = secret, session_token = value(TOKENS[1]) or value(TOKENS[2]) }
end

-- Who set the end of the keys may set newer keys before it comes.
local function read(value)
  local keys, message, code = pair(value)
  if not keys then return nil, message, code end
  local text = value(EXPIRATION)
  keys.expires = text and require("eni6.aws.credentials.fields").time(text)
  if text and not keys.expires then
    return nil, EXPIRATION .. " is no time; one looks like 2030-01-31T12:00:00Z", "InvalidCredentials"
  end
  return keys
end

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code
function environment.load(context)
  if context.settings.profile_chosen and not context.asked_for then
    return nil, "left aside, since the caller chose profile " .. context.settings.profile
  end
  local value = reader(context.settings.getenv)
  if not value(ID) and not value(SECRET) then return nil, ID .. " is not set" end
  local source, options = "the environment (" .. ID .. ")", { method = "env", time = context.time, warn = context.warn }
  if value(EXPIRATION) then
    options.fetch = function() return read(value) end
    return object.fetched(source, options)
  end
  local keys, message, code = pair(value)
  if not keys then return nil, message, code end
  return object.new(keys, source, options)
end

return environment
