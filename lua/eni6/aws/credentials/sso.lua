--- IAM Identity Center (SSO): the token of `aws sso login` opens an account's role. Profiles point to an [sso-session]
-- or, the older way, have all of it themselves.

local endpoints = require "eni6.aws.endpoints"
local fields = require "eni6.aws.credentials.fields"
local file_cache = require "eni6.aws.credentials.file_cache"
local object = require "eni6.aws.credentials.object"
local requests = require "eni6.aws.credentials.requests"
local shown = require "eni6.aws.shown"
local sso_token = require "eni6.aws.credentials.sso_token"

local sso = { name = "SSO" }

local WINDOW = 900 -- seconds that keys of the cache must still last, as for the AWS CLI

local function invalid(format, ...) return nil, string.format(format, ...), "InvalidConfig" end

local KEYS = { "sso_role_name", "sso_account_id", "sso_start_url", "sso_region" }

local function read_profile(settings)
  local values = {}
  for _, key in ipairs(KEYS) do
    local value = settings:get(key)
    values[key] = type(value) == "string" and value or nil
  end
  return values
end

-- Adds the session's settings, which may not contradict the profile's.
local function add_session(settings, values, name, place)
  local session = settings:sso_session(name)
  if not session then return invalid("%s names [sso-session %s], which does not exist", place, shown(name)) end
  for _, key in ipairs(KEYS) do
    local value = session[key]
    if type(value) == "string" and value ~= "" then
      if values[key] and values[key] ~= value then
        return invalid("%s differs between profile %s and sso-session %s; keep one", key, settings.profile, shown(name))
      end
      values[key] = value
    end
  end
  return values
end

local function complete(settings, values)
  local missing = {}
  for _, key in ipairs(KEYS) do
    if not values[key] then missing[#missing + 1] = key end
  end
  if #missing == 0 then return values end
  return invalid("profile %s uses SSO and lacks %s", settings.profile, table.concat(missing, ", "))
end

-- All that the profile says of SSO; nil and why where it says nothing.
local function configured(settings)
  local values = read_profile(settings)
  if not values.sso_role_name and not values.sso_account_id then
    return nil, "profile " .. settings.profile .. " has no sso_account_id and sso_role_name"
  end
  local name, place = settings:get("sso_session")
  if type(name) == "string" then
    local all, message, code = add_session(settings, values, name, place)
    if not all then return nil, message, code end
    values.session = name
  end
  return complete(settings, values)
end

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
function sso.parse(status, body)
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
  if keys and type(expires) ~= "number" then keys, fault = nil, "has an expiration that is no number" end
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
  return sso.parse(response.status, response.body)
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

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code "InvalidConfig", "SSOTokenExpired", "SSOFailed", or the transport's
function sso.load(context)
  local values, message, code = configured(context.settings)
  if not values then return nil, message, code end
  local spec = spec_of(context, values)
  return object.fetched("SSO (profile " .. spec.profile .. ")", { method = "sso", time = context.time, warn = context.warn,
    fetch = function(refused) return fetch(context, spec, refused) end })
end

return sso
