--- A profile with a role_arn: the keys of another profile or place are used to ask STS for the role's.

local profile = require "eni6.aws.credentials.profile"
local shown = require "eni6.aws.shown"

local assume_role = { name = "role" }

local function invalid(format, ...) return nil, string.format(format, ...), "InvalidConfig" end

-- What credential_source may say, and whom it means.
local SOURCES = { Environment = "environment", Ec2InstanceMetadata = "instance", EcsContainer = "container" }

local function text_of(settings, key)
  local value, place = settings:get(key)
  if type(value) == "string" then return value, place end
end

-- With a token file it is the web identity's role.
local function is_role(settings)
  return text_of(settings, "role_arn") ~= nil and text_of(settings, "web_identity_token_file") == nil
end

local function has_keys(settings)
  return profile.has_keys(settings, "credentials") or profile.has_keys(settings, "config")
end

-- A copy of the context for a profile on the way.
local function context_of(context, settings, visited)
  local copy = {}
  for key, value in pairs(context) do copy[key] = value end
  copy.settings, copy.visited, copy.credentials = settings, visited, nil
  return copy
end

local function among(list, item)
  for _, each in ipairs(list) do
    if each == item then return true end
  end
end

-- The profiles of a circle; a name that may be a key is not shown.
local function way(visited, name)
  local names = {}
  for i, each in ipairs(visited) do names[i] = #each <= 32 and each or shown(each) end
  names[#names + 1] = #name <= 32 and name or shown(name)
  return table.concat(names, " -> ")
end

local credentials_of

-- How to get the keys that the role is asked for with: a function, once all on the way is checked.
local function from_profile(context, name, place)
  local settings, own = context.settings:of_profile(name), context.settings
  if not settings then return invalid("%s names profile %s, which does not exist", place, shown(name)) end
  local visited = { table.unpack(context.visited) }
  -- A profile may name itself where it has keys written, too.
  if among(visited, name) and not (name == own.profile and has_keys(settings)) then
    return invalid("the source_profile settings go round in a circle: %s", way(visited, name))
  end
  visited[#visited + 1] = name
  local source = context_of(context, settings, visited)
  if has_keys(settings) or not is_role(settings) then
    return function() return require("eni6.aws.credentials").of_profile(source) end
  end
  return credentials_of(source)
end

local function from_place(context, name, place)
  local provider = SOURCES[name]
  if not provider then
    return invalid("%s must be Environment, Ec2InstanceMetadata or EcsContainer, not %s", place, shown(name))
  end
  local source = context_of(context, context.settings, context.visited)
  source.asked_for = true
  return function()
    local found, message, code = require("eni6.aws.credentials." .. provider).load(source)
    if found then return found end
    return nil, string.format("%s: %s has no credentials: %s", place, name, message), code or "NoCredentials"
  end
end

local function source_of(context)
  local settings = context.settings
  local name, place = text_of(settings, "source_profile")
  local other, other_place = text_of(settings, "credential_source")
  if name and other then
    return invalid("profile %s has both source_profile and credential_source; keep one", settings.profile)
  end
  if name then return from_profile(context, name, place) end
  if other then return from_place(context, other, other_place) end
  local _, role_place = text_of(settings, "role_arn")
  return nil, string.format("%s needs source_profile or credential_source beside it: whose keys to ask with", role_place),
    "PartialCredentials"
end

local function duration(settings)
  local text, place = text_of(settings, "duration_seconds")
  if not text then return nil end
  local number = text:match("^%s*%+?%d+%s*$") and math.floor(tonumber(text))
  if not number or number > 1000000 then return invalid("%s must be a number of seconds", place) end
  return number
end

-- The parameters of AssumeRole that the profile gives.
local function parameters(settings)
  local seconds, message, code = duration(settings)
  if code then return nil, message, code end
  return { RoleArn = text_of(settings, "role_arn"), RoleSessionName = text_of(settings, "role_session_name"),
    ExternalId = text_of(settings, "external_id"), SerialNumber = text_of(settings, "mfa_serial"), DurationSeconds = seconds }
end

local function token_code(context, serial)
  if not context.prompt then
    return nil, "the role needs a code of the profile's mfa_serial, and there is nobody to ask", "MfaRequired"
  end
  local code, message = context.prompt(string.format("Enter MFA code for %s: ", serial))
  if not code then return nil, "no code of the profile's mfa_serial was given: " .. (message or "cancelled"), "MfaRequired" end
  code = code:match("^%s*(.-)%s*$")
  if not code:find("^%d%d%d%d%d%d$") then return nil, "an MFA code has six digits", "MfaRequired" end
  return code
end

-- The source's credentials are looked for when STS is asked, since the cache may have the role's keys.
local function preparation(context, params, find_source)
  local source
  return function()
    local message, code
    if not source then source, message, code = find_source() end
    if not source then return nil, message, code end
    local all = require("eni6.aws.credentials.role").with_session_name(context, params)
    if params.SerialNumber then
      all.TokenCode, message, code = token_code(context, params.SerialNumber)
      if not all.TokenCode then return nil, message, code end
    end
    return all, source
  end
end

-- A function that gets the credentials of the role of the context's profile, once its settings are checked.
function credentials_of(context)
  local params, message, code = parameters(context.settings)
  if not params then return nil, message, code end
  local find_source
  find_source, message, code = source_of(context)
  if not find_source then return nil, message, code end
  local spec = { operation = "AssumeRole", params = params, method = "assume-role",
    source = "profile " .. context.settings.profile, prepare = preparation(context, params, find_source) }
  return function() return require("eni6.aws.credentials.role").assume(context, spec) end
end

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code "InvalidConfig", "PartialCredentials", "MfaRequired", or what STS or the source said
function assume_role.load(context)
  local settings = context.settings
  if not is_role(settings) then return nil, "profile " .. settings.profile .. " has no role_arn of its own" end
  local get, message, code = credentials_of(context_of(context, settings, { settings.profile }))
  if not get then return nil, message, code end
  return get()
end

return assume_role
