--- Credentials: the chain of providers that finds them, in botocore's order. What they give is an object that shows
-- no secret and renews itself (see `object`).
--
-- A provider is a table { name =, load = function(context) } in a file of its own. `load` returns
--   credentials          found
--   nil, why             not here: the next one is asked, and `why` is told if none has any
--   nil, message, code   here, but broken: the search ends, so that a typing error never makes
--                        another account's credentials take over

local object = require "eni6.aws.credentials.object"

local credentials = {}

credentials.new = object.new
credentials.is = object.is

-- In the order in which they are asked.
local CHAIN = { "explicit", "environment", "assume_role", "web_identity", "sso", "credentials_file", "process", "config_file",
  "container", "instance" }

-- Those that a profile can be the source of a role with.
local OF_A_PROFILE = { "web_identity", "sso", "credentials_file", "process", "config_file" }

local remedy = "Give credentials in the call, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
  .. "or run `aws configure`; with no AWS account, use the sandbox (scripts/sandbox.lua)"

---@class eni6.aws.CredentialContext what providers see; all but `settings` may be left out
---@field settings eni6.aws.Settings
---@field credentials table|nil keys given by the caller, or an object of `credentials.new`
---@field region string|nil the caller's, for the service that gives roles' keys
---@field time fun(): number seconds since the epoch
---@field sleep fun(seconds: number)
---@field random fun(n: integer): string n random bytes
---@field warn fun(message: string)
---@field observe fun(event: table)|nil of the requests to AWS that the search makes
---@field transport fun(): table|nil, string?, string? the HTTP client for requests to AWS
---@field direct fun(): table|nil, string?, string? a new HTTP client without proxies, for servers at hand
---@field prompt (fun(question: string): string|nil, string?)|nil asks a person for a code
---@field root eni6.aws.Settings those of the call, where `settings` are those of a profile on the way
---@field program_timeout number|nil seconds that a credential_process may take, 60
---@field asked_for boolean|nil a profile's credential_source names this provider
---@field visited string[]|nil profiles on the way to this one

local function own_transport(context)
  local made
  return function()
    local message, code
    if not made then made, message, code = require("eni6.http").new({ getenv = context.settings.getenv }) end
    return made, message, code
  end
end

-- The same with its defaults.
local function complete(given)
  local context = {}
  for key, value in pairs(given) do context[key] = value end
  local system = require("eni6.core").system
  context.root = context.root or context.settings
  context.time = context.time or system.time
  context.random = context.random or system.random
  context.sleep = context.sleep or function(seconds) require("eni6.tasks").sleep(seconds) end
  context.warn = context.warn or function() end
  context.transport = context.transport or own_transport(context)
  context.direct = context.direct or function() return require("eni6.http").new({ proxy = false, getenv = function() end }) end
  return context
end

-- Asks each provider in turn: credentials; nil, message, code where one is broken; or nil, reasons.
local function search(names, context)
  local reasons = {}
  for _, name in ipairs(names) do
    local provider = require("eni6.aws.credentials." .. name)
    local found, why, code = provider.load(context)
    if found then return found end
    if code then return nil, why, code end
    reasons[#reasons + 1] = provider.name .. ": " .. why
  end
  return nil, table.concat(reasons, "; ")
end

--- Asks each provider in turn.
---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil message lists every place looked at, why each had none, and what to do
---@return string|nil code "NoCredentials", "PartialCredentials", "InvalidCredentials", "InvalidConfig", or what kept a
---  provider from giving what it should
function credentials.resolve(context)
  local found, message, code = search(CHAIN, complete(context))
  if found or code then return found, message, code end
  return nil, "no AWS credentials. Looked at: " .. message .. ". " .. remedy, "NoCredentials"
end

--- The credentials of the context's profile, whatever kind they are, but for roles.
---@param context eni6.aws.CredentialContext complete
---@return eni6.aws.Credentials|nil
---@return string|nil message
---@return string|nil code
function credentials.of_profile(context)
  local found, message, code = search(OF_A_PROFILE, context)
  if found or code then return found, message, code end
  return nil, string.format("profile %s has no credentials: %s", context.settings.profile, message), "NoCredentials"
end

--- One half of a pair of keys is missing.
---@param present string the name of what is there
---@param missing string the name of what is not
---@return nil
---@return string message
---@return string code
function credentials.partial(present, missing)
  return nil, string.format("%s is set but %s is not: set both, or neither", present, missing), "PartialCredentials"
end

return credentials
