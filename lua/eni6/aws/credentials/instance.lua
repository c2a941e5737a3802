--- The role of the EC2 instance that we are on, from its metadata service. It may be late with new keys; AWS then takes
-- the old ones on, and so do we.

local fields = require "eni6.aws.credentials.fields"
local imds = require "eni6.aws.imds"
local object = require "eni6.aws.credentials.object"

local instance = { name = "instance metadata" }

local PATH = "meta-data/iam/security-credentials/"

local NAMES = { id = "AccessKeyId", secret = "SecretAccessKey", token = "Token", expires = "Expiration",
  needs = { "AccessKeyId", "SecretAccessKey", "Token", "Expiration" } }

local function invalid(place, what) return nil, place .. " must be " .. what, "InvalidConfig" end

-- A number above 0 of the environment or the profile.
local function number_of(settings, variable, key, default)
  local text, place = settings:lookup({ variable }, key)
  local number = text and tonumber(text)
  if text and not (number and number >= 0.1 and number <= 3600) then return invalid(place, "a number above 0") end
  return number or default
end

local function uses_ipv6(settings)
  local mode, place = settings:lookup({ "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE" }, "ec2_metadata_service_endpoint_mode")
  if not mode then return settings:boolean({ "AWS_IMDS_USE_IPV6" }, "imds_use_ipv6") end
  if mode:lower() == "ipv6" then return true end
  if mode:lower() == "ipv4" then return false end
  return invalid(place, "IPv4 or IPv6")
end

local function options_of(context)
  local settings = context.settings
  local attempts, timeout, ipv6, message, code
  attempts, message, code = number_of(settings, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", 2)
  if not attempts then return nil, message, code end
  timeout, message, code = number_of(settings, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", 1)
  if not timeout then return nil, message, code end
  ipv6, message, code = uses_ipv6(settings)
  if code then return nil, message, code end
  return { attempts = math.max(1, math.floor(attempts)), timeout = timeout, ipv6 = ipv6, sleep = context.sleep,
    endpoint = settings:lookup({ "AWS_EC2_METADATA_SERVICE_ENDPOINT" }, "ec2_metadata_service_endpoint") }
end

--- The keys in the service's answer.
---@param text string
---@return table|nil keys
---@return string|nil message
---@return string|nil code "MetadataFailed"
function instance.parse(text)
  local answer, fault = fields.object(text)
  local word = answer and answer.Code
  if type(word) == "string" and word ~= "Success" then
    return nil, string.format("the metadata service has no keys of the instance's role: %s; look at the role's trust policy",
      fields.code(word) or "a code that is not shown"), "MetadataFailed"
  end
  local keys
  if answer then keys, fault = fields.keys(answer, NAMES) end
  if not keys then return nil, "the metadata service's answer for the role's keys " .. fault, "MetadataFailed" end
  return keys
end

local function fetch(client)
  local list, message, code = client:get(PATH)
  if code == "NotFound" then return nil, "this instance has no role", "NoRole" end
  if not list then return nil, message, code end
  local name = list:match("^%s*([^\r\n]+)")
  if not name or name:find("[^!-~]") then return nil, "the metadata service names no role", "NoRole" end
  local text
  text, message, code = client:get(PATH .. name)
  if not text then return nil, message, code end
  return instance.parse(text)
end

-- A connection of its own for each look: the next one is hours away.
local function fetcher(context, options)
  return function()
    local http, message, code = context.direct()
    if not http then return nil, message, code end
    local given = { http = http, now = context.time }
    for name, value in pairs(options) do given[name] = value end
    local keys
    keys, message, code = fetch(imds.new(given))
    http:close()
    return keys, message, code
  end
end

local absent = { NoMetadata = true, NoRole = true }

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code "InvalidConfig", "MetadataFailed"
function instance.load(context)
  local disabled = context.settings.getenv("AWS_EC2_METADATA_DISABLED")
  if disabled and disabled:lower() == "true" then return nil, "AWS_EC2_METADATA_DISABLED is set" end
  local options, message, code = options_of(context)
  if not options then return nil, message, code end
  local found
  found, message, code = object.fetched("the instance's role", { method = "iam-role", time = context.time, warn = context.warn,
    tolerant = true, fetch = fetcher(context, options) })
  if absent[code] then code = nil end
  return found, message, code
end

return instance
