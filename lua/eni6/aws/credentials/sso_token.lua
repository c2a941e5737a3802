--- The token of `aws sso login`, from the AWS CLI's cache, renewed where the cache says how.

local fields = require "eni6.aws.credentials.fields"
local file_cache = require "eni6.aws.credentials.file_cache"
local requests = require "eni6.aws.credentials.requests"

local sso_token = {}

local FOLDER = "~/.aws/sso/cache"
local WINDOW = 900 -- seconds before its end from which on a token is renewed

local function login(sso, why)
  return nil, string.format("the SSO token of %s %s; run: aws sso login --profile %s", sso.label, why, sso.profile),
    "SSOTokenExpired"
end

--- The token in a file of the cache.
---@param text string
---@return table|nil token the document, with `expires` in seconds since the epoch
---@return string|nil fault
function sso_token.parse(text)
  local token, fault = fields.object(text)
  if not token then return nil, fault end
  local value = token.accessToken
  if type(value) ~= "string" or value == "" or value:find("[^!-~]") then return nil, "has no accessToken" end
  token.expires = fields.time(token.expiresAt)
  if not token.expires then return nil, "has no expiresAt that is a time" end
  return token
end

-- What a renewal needs: all of it came with the login.
local function can_renew(context, token)
  for _, name in ipairs({ "refreshToken", "clientId", "clientSecret" }) do
    if type(token[name]) ~= "string" then return false end
  end
  local registered = fields.time(token.registrationExpiresAt)
  return registered ~= nil and registered > context.time()
end

local function create_token(context, sso, token)
  local http, message, code = context.transport()
  if not http then return nil, message, code end
  local endpoint
  endpoint, message, code = sso.endpoint("sso_oidc", "oidc")
  if not endpoint then return nil, message, code end
  return requests.send(http, {
    method = "POST", url = endpoint.url:gsub("/$", "") .. "/token", headers = { { "Content-Type", "application/json" } },
    body = require("eni6.rocks").need("dkjson").encode({ grantType = "refresh_token", clientId = token.clientId,
      clientSecret = token.clientSecret, refreshToken = token.refreshToken }),
    timeout = 30, max_body = 65536,
  }, { attempts = 2, pause = 1, sleep = context.sleep })
end

local ORDER = { "startUrl", "region", "accessToken", "expiresAt", "clientId", "clientSecret", "registrationExpiresAt",
  "refreshToken" }

-- The token in the place of the old one, written as the CLI writes it.
local function keep(context, sso, old, answer)
  local new = { startUrl = sso.start_url, region = sso.region, accessToken = answer.accessToken,
    expiresAt = os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(context.time() + answer.expiresIn)),
    clientId = old.clientId, clientSecret = old.clientSecret, registrationExpiresAt = old.registrationExpiresAt,
    refreshToken = type(answer.refreshToken) == "string" and answer.refreshToken or nil }
  local json = require("eni6.rocks").need "dkjson"
  local ok, message = file_cache.write(context.settings, sso.path, json.encode(new, { keyorder = ORDER }))
  if not ok then context.warn("the new SSO token is not kept: " .. message) end
  return answer.accessToken
end

local function renew(context, sso, token)
  local response = create_token(context, sso, token)
  local answer = response and response.status == 200 and fields.object(response.body)
  if not answer or type(answer.accessToken) ~= "string" or answer.accessToken:find("[^!-~]")
    or type(answer.expiresIn) ~= "number" or not (answer.expiresIn >= 0 and answer.expiresIn < 1e9) then
    return nil
  end
  return keep(context, sso, token, answer)
end

---@class eni6.aws.Sso
---@field label string for messages
---@field profile string
---@field cache_key string the session's name or the start URL
---@field is_session boolean only tokens of sessions can be renewed
---@field start_url string
---@field region string
---@field path string|nil of the token's file, set here
---@field endpoint fun(service: string, host: string): table|nil, string?, string?

--- A token that is good now.
---@param context eni6.aws.CredentialContext
---@param sso eni6.aws.Sso
---@return string|nil token
---@return string|nil message says to run aws sso login
---@return string|nil code "SSOTokenExpired"
function sso_token.get(context, sso)
  sso.path = file_cache.path(context.settings, FOLDER, sso.cache_key)
  local text = sso.path and context.settings.read_file(sso.path)
  if not text then return login(sso, "is not there") end
  local token, fault = sso_token.parse(text)
  if not token then return login(sso, "can't be read: its file " .. fault) end
  local left = token.expires - context.time()
  local new = sso.is_session and left < WINDOW and can_renew(context, token) and renew(context, sso, token)
  if new then return new end
  if left <= 0 then return login(sso, "has expired") end
  return token.accessToken
end

return sso_token
