--- Keys written in the profile: in the credentials file, or else in the config file.

local profile = { name = "profile" }

local ID, SECRET = "aws_access_key_id", "aws_secret_access_key"

local function token_of(options)
  local token = options.aws_session_token or options.aws_security_token
  return token ~= "" and token or nil
end

-- Both keys are taken from one file, so that halves of two pairs never meet.
local function from_file(section, path)
  local credentials = require "eni6.aws.credentials"
  local id, secret = section.options[ID], section.options[SECRET]
  local function place(name) return string.format("%s of [%s] in %s", name, section.name, path) end
  if type(id) ~= "string" or id == "" then return credentials.partial(place(SECRET), ID) end
  if type(secret) ~= "string" or secret == "" then return credentials.partial(place(ID), SECRET) end
  return credentials.new({ access_key_id = id, secret_access_key = secret, session_token = token_of(section.options) },
    string.format("[%s] in %s", section.name, path))
end

-- Ways to get keys that come before written ones. Taking the written keys instead would act as somebody else.
local elsewhere = { "role_arn", "sso_session", "sso_start_url", "web_identity_token_file", "credential_process" }

local function indirect(settings)
  for _, key in ipairs(elsewhere) do
    local value, source = settings:get(key)
    if value then
      return nil, string.format("%s: eni6 can't get keys this way; with version 2 of the AWS CLI, "
        .. 'eval "$(aws configure export-credentials --profile %s --format env)" puts them into the environment',
        source, settings.profile), "UnsupportedCredentials"
    end
  end
end

local function why_not(settings)
  local places = {}
  for _, kind in ipairs({ "credentials", "config" }) do
    local file = settings.files[kind]
    places[#places + 1] = file.problem or file.path .. (file.read and " has no keys for it" or " does not exist")
  end
  return string.format("%s has none (%s)", settings.profile, table.concat(places, ", "))
end

---@param context eni6.aws.CredentialContext
---@return table|nil credentials
---@return string|nil why
---@return string|nil code
function profile.load(context)
  local settings = context.settings
  local _, message, code = indirect(settings)
  if code then return nil, message, code end
  for _, kind in ipairs({ "credentials", "config" }) do
    local section = settings:section(kind)
    if section and (section.options[ID] or section.options[SECRET]) then
      return from_file(section, settings.files[kind].path)
    end
  end
  return nil, why_not(settings)
end

return profile
