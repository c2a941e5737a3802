--- Damaged answers and cache files, through everything that takes keys from them. Nothing may raise or show a secret; a
--- refusal has words; what is taken is text, or a time.

local container = require "eni6.aws.credentials.container"
local file_cache = require "eni6.aws.credentials.file_cache"
local instance = require "eni6.aws.credentials.instance"
local mutate = require "support.mutate"
local object = require "eni6.aws.credentials.object"
local process = require "eni6.aws.credentials.process"
local sso_keys = require "eni6.aws.credentials.sso_keys"
local sso_token = require "eni6.aws.credentials.sso_token"

local SECRET = "wJalrXUtnFEMIbK7MDENGbPxRfiCYEXAMPLEKEYx"

local SEEDS = {
  '{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "' .. SECRET .. '", "Expiration": "2030-01-01T00:00:00Z"}',
  '{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "AKID", "SecretAccessKey": "' .. SECRET
    .. '", "Token": "t\\u00e9", "Expiration": "2030-01-01T00:00:00Z"}',
  '{"Code": "AssumeRoleUnauthorizedAccess", "Message": "' .. SECRET .. '"}',
  '{"roleCredentials": {"accessKeyId": "AKID", "secretAccessKey": "' .. SECRET .. '", "sessionToken": "t", '
    .. '"expiration": 1.5e12}}',
  '{"accessToken": "' .. SECRET .. '", "expiresAt": "2030-01-01T00:00:00UTC", "refreshToken": "r", "clientId": null}',
  '{"Credentials": {"AccessKeyId": "A", "SecretAccessKey": "' .. SECRET .. '", "SessionToken": "t", "Expiration": '
    .. '"2030-01-01T00:00:00UTC"}, "AssumedRoleUser": {"Arn": "a"}}',
}

local TOKENS = { "{", "}", "[", "]", '"', ":", ",", "null", "true", "1e999", "-0", "\\u0000", "\\ud800", "\\", "\0", "\255",
  SECRET, '"AccessKeyId"', '"Expiration"', '"Code"', '"Version":1,', ("["):rep(500) }

local function assert_keys(keys)
  for _, part in ipairs { "access_key_id", "secret_access_key" } do assert(type(keys[part]) == "string") end
  assert(keys.session_token == nil or type(keys.session_token) == "string")
  assert(keys.expires == nil or os.date("!%Y", math.floor(keys.expires)))
end

-- Keys become an object, or are refused in words that show nothing of them.
local function assert_outcome(keys, message, code)
  if not keys then
    assert(type(message) == "string" and type(code) == "string")
    assert(not message:find(SECRET, 1, true), message)
    return false
  end
  assert_keys(keys)
  local _, fault = object.new(keys, "a test", { expires = keys.expires, time = function() return 0 end })
  assert(not (fault or ""):find(SECRET, 1, true), fault)
  return true
end

-- The CLI's cache with this text in every file.
local function context_with(text)
  local settings = { getenv = function() return "/h" end, read_file = function() return text end }
  return { settings = settings, time = function() return 0 end }
end

local function check(text)
  local taken = assert_outcome(process.parse(text, "a test"))
  taken = assert_outcome(container.parse(200, text)) or taken
  assert_outcome(container.parse(403, text))
  taken = assert_outcome(instance.parse(text)) or taken
  taken = assert_outcome(sso_keys.parse(200, text)) or taken
  local token, fault = sso_token.parse(text)
  assert(token and type(token.accessToken) == "string" and type(token.expires) == "number"
    or not token and type(fault) == "string" and not fault:find(SECRET, 1, true))
  local cached = file_cache.load(context_with(text), "key", 900)
  if cached then assert_keys(cached) end
  return taken or token ~= nil or cached ~= nil
end

mutate.run("credentials", SEEDS, TOKENS, check)
