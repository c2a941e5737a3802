--- credential_process: a program of the user's that prints keys as JSON.
-- https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html

local fields = require "eni6.aws.credentials.fields"
local object = require "eni6.aws.credentials.object"

local process = { name = "credential_process" }

local TIMEOUT = 60 -- seconds

local NAMES = { id = "AccessKeyId", secret = "SecretAccessKey", token = "SessionToken", expires = "Expiration",
  needs = { "AccessKeyId", "SecretAccessKey" } }

local function failed(place, format, ...)
  return nil, string.format("the program of %s " .. format, place, ...), "ProcessFailed"
end

-- What it writes to stderr is for the user, who sees it as it comes; what it writes to stdout nobody sees.
local function output_of(argv, place, timeout)
  local result, message, code = require("eni6.process").run({
    argv = argv, stdin = "inherit", stderr = "inherit", timeout = timeout, max_output = 1048576,
  })
  if not result and code == "ETIMEDOUT" then return failed(place, "did not end within %g seconds", timeout) end
  if not result then return failed(place, "can't be run: %s", message) end
  if result.signal then return failed(place, "was ended by signal %d", result.signal) end
  if result.status ~= 0 then return failed(place, "failed with status %d; what it said went to standard error", result.status) end
  return result.stdout
end

--- The keys in what a program printed.
---@param text string
---@param place string where the program is named, for messages
---@return table|nil keys
---@return string|nil message
---@return string|nil code "ProcessFailed"
function process.parse(text, place)
  local answer, fault = fields.object(text)
  if not answer then return failed(place, "printed what %s", fault) end
  if answer.Version ~= 1 then return failed(place, 'printed another version than "Version": 1, or none') end
  local keys
  keys, fault = fields.keys(answer, NAMES)
  if not keys then return failed(place, "printed what %s", fault) end
  return keys
end

local function fetch(argv, place, timeout)
  local text, message, code = output_of(argv, place, timeout)
  if not text then return nil, message, code end
  return process.parse(text, place)
end

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code "ProcessFailed", "InvalidConfig", "InvalidCredentials", "ExpiredCredentials"
function process.load(context)
  local command, place = context.settings:get("credential_process")
  if type(command) ~= "string" then return nil, "profile " .. context.settings.profile .. " names no program" end
  local argv = require("eni6.aws.ini").words(command)
  if not argv or #argv == 0 then return nil, place .. " leaves a quote open", "InvalidConfig" end
  return object.fetched(place, { method = "custom-process", time = context.time, warn = context.warn,
    fetch = function() return fetch(argv, place, context.program_timeout or TIMEOUT) end })
end

return process
