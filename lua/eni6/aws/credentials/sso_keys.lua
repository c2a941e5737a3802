--- An account role's keys from the SSO portal.

local endpoints = require "eni6.aws.endpoints"
local fields = require "eni6.aws.credentials.fields"
local file_cache = require "eni6.aws.credentials.file_cache"
local object = require "eni6.aws.credentials.object"
local requests = require "eni6.aws.credentials.requests"
local shown = require "eni6.aws.shown"
local sso_token = require "eni6.aws.credentials.sso_token"

local sso_keys = {}

local WINDOW = 900 -- seconds that keys of the cache must still last, as for the AWS CLI

-- As the AWS CLI names the role's keys in its cache.
local function cache_key(values)
  local key = { roleName = values.sso_role_name, accountId = values.sso_account_id }
  if values.session then key.sessionName = values.session else key.startUrl = values.sso_start_url end
  return file_cache.python_json(key, ",", ":")
end

--- The keys in the portal's answer.
---@param status integer of HTTP
---@param body string
---@return table|nil keys
---@return string|nil message
---@return string|nil code "SSOFailed", "SSOTokenExpired"
function sso_keys.parse(status, body)
  local answer, fault = fields.object(body)
  if status == 401 then return nil, "the SSO portal does not take the token", "SSOTokenExpired" end
  if status ~= 200 then
    return nil, string.format("the SSO portal gives no keys of the role (status %d); is it assigned to you in that account?",
      status), "SSOFailed"
  end
  local found = answer and answer.roleCredentials
  if type(found) ~= "table" then return nil, "the SSO portal's answer " .. (fault or "has no roleCredentials"), "SSOFailed" end
  local expires = found.expiration
  local keys
  keys, fault = fields.keys({ accessKeyId = found.accessKeyId, secretAccessKey = found.secretAccessKey,
    sessionToken = found.sessionToken }, { id = "accessKeyId", secret = "secretAccessKey", token = "sessionToken",
    expires = "expiration", needs = { "accessKeyId", "secretAccessKey", "sessionToken" } })
  if keys and not (type(expires) == "number" and expires >= 0 and expires < 1e14) then -- the year 5138, in milliseconds
    keys, fault = nil, "has an expiration that is no time"
  end
  if not keys then return nil, "the SSO portal's answer " .. fault, "SSOFailed" end
  keys.expires = expires / 1000
  return keys
end

local function percent(text) return require("eni6.uri").encode(text) end

local function ask_portal(context, spec, token)
  local http, message, code = context.transport()
  if not http then return nil, message, code end
  local endpoint
  endpoint, message, code = spec.endpoint("sso", "portal.sso")
  if not endpoint then return nil, message, code end
  local response
  response, message, code = requests.send(http, {
    url = string.format("%s/federation/credentials?role_name=%s&account_id=%s", endpoint.url:gsub("/$", ""),
      percent(spec.role_name), percent(spec.account_id)),
    headers = { { "x-amz-sso_bearer_token", token } }, timeout = 30, max_body = 65536,
  }, { attempts = 3, pause = 1, sleep = context.sleep })
  if not response then return nil, "the SSO portal does not answer: " .. message, code end
  return sso_keys.parse(response.status, response.body)
end

local function fetch(context, spec, refused)
  local keys = not refused and file_cache.load(context, spec.keys_key, WINDOW)
  if keys then return keys end
  local token, message, code = sso_token.get(context, spec)
  if not token then return nil, message, code end
  keys, message, code = ask_portal(context, spec, token)
  if code == "SSOTokenExpired" then message = message .. "; run: aws sso login --profile " .. spec.profile end
  if not keys then return nil, message, code end
  file_cache.save(context, spec.keys_key, keys, { ProviderType = "sso" })
  return keys
end

local function spec_of(context, values)
  local settings = context.settings
  return {
    profile = settings.profile, region = values.sso_region, start_url = values.sso_start_url,
    role_name = values.sso_role_name, account_id = values.sso_account_id,
    label = values.session and "sso-session " .. shown(values.session) or "profile " .. settings.profile,
    cache_key = values.session or values.sso_start_url, is_session = values.session ~= nil, keys_key = cache_key(values),
    endpoint = function(service, host)
      return endpoints.resolve({ service = service, host = host, region = values.sso_region, settings = context.root })
    end,
  }
end

--- The credentials of a profile that is set up for SSO.
---@param context eni6.aws.CredentialContext
---@param values table<string, string> its settings, with `session`, the name of its [sso-session], if it has one
---@return eni6.aws.Credentials|nil
---@return string|nil message
---@return string|nil code
function sso_keys.load(context, values)
  local spec = spec_of(context, values)
  return object.fetched("SSO (profile " .. spec.profile .. ")", { method = "sso", time = context.time, warn = context.warn,
    fetch = function(refused) return fetch(context, spec, refused) end })
end

return sso_keys
