--- A role's keys from STS, for the providers that assume one.

local file_cache = require "eni6.aws.credentials.file_cache"
local object = require "eni6.aws.credentials.object"
local timestamp = require "eni6.aws.timestamp"

local role = {}

local WINDOW = 900 -- seconds that keys of the cache must still last, as for the AWS CLI

-- STS is asked as the profile of the call says, not as one on the way to it.
local function sts_client(context, credentials)
  local transport, message, code = context.transport()
  if not transport then return nil, message, code end
  local settings = context.root
  return require("eni6.aws.sts").new({
    region = context.region, credentials = credentials, http = transport, observe = context.observe,
    profile = settings.profile_chosen and settings.profile or nil,
    getenv = settings.getenv, read_file = settings.read_file,
    time = context.time, sleep = context.sleep, random = context.random,
  })
end

local function ask(context, spec)
  local params, credentials, code = spec.prepare()
  if not params then return nil, credentials, code end
  local client, message
  client, message, code = sts_client(context, credentials)
  if not client then return nil, message, code end
  local result
  result, message, code = client:call(spec.operation, params)
  client:close()
  if result then return result end
  return nil, string.format("the role of %s can't be assumed: %s", spec.source, message), code
end

local function keys_in(result, source)
  local found = result.Credentials or {}
  local expires = timestamp.parse(found.Expiration or "")
  if found.AccessKeyId and found.SecretAccessKey and found.SessionToken and expires then
    return { access_key_id = found.AccessKeyId, secret_access_key = found.SecretAccessKey,
      session_token = found.SessionToken, expires = expires }
  end
  return nil, "STS answered without all of a role's keys (" .. source .. ")", "InvalidResponse"
end

-- The name that the CLI would make up changes, so it is not in the key.
local function cache_key(params)
  if not pcall(file_cache.python_json, params, ", ", ": ") then return nil end -- not UTF-8
  return file_cache.python_json(params, ", ", ": ")
end

local function fetch(context, spec, refused)
  local key = cache_key(spec.params)
  local keys = key and not refused and file_cache.load(context, key, WINDOW)
  if keys then return keys end
  local result, message, code = ask(context, spec)
  if not result then return nil, message, code end
  keys, message, code = keys_in(result, spec.source)
  if not keys then return nil, message, code end
  if key then file_cache.save(context, key, keys, { AssumedRoleUser = result.AssumedRoleUser }) end
  return keys
end

--- The parameters with a session's name, made up where there is none.
---@param context eni6.aws.CredentialContext
---@param params table
---@return table copy
function role.with_session_name(context, params)
  local copy = { RoleSessionName = string.format("eni6-session-%d", math.floor(context.time())) }
  for name, value in pairs(params) do copy[name] = value end
  return copy
end

---@class eni6.aws.RoleSpec
---@field operation "AssumeRole"|"AssumeRoleWithWebIdentity"
---@field params table those that tell roles apart in the cache
---@field source string for messages
---@field method string botocore's word
---@field prepare fun(): table|nil, any, string? all parameters and the credentials to ask with; or nil, message, code

--- The role's credentials, which renew themselves.
---@param context eni6.aws.CredentialContext
---@param spec eni6.aws.RoleSpec
---@return eni6.aws.Credentials|nil
---@return string|nil message
---@return string|nil code
function role.assume(context, spec)
  return object.fetched(spec.source, { method = spec.method, time = context.time, warn = context.warn,
    fetch = function(refused) return fetch(context, spec, refused) end })
end

return role
