--- Keys written in the profile, for the providers of the two files.

local object = require "eni6.aws.credentials.object"

local profile = {}

local ID, SECRET = "aws_access_key_id", "aws_secret_access_key"

local function token_of(options)
  for _, name in ipairs({ "aws_security_token", "aws_session_token" }) do
    local token = options[name]
    if type(token) == "string" and token ~= "" then return token end
  end
end

-- Both keys are taken from one file, so that halves of two pairs never meet.
local function from_section(section, path, options)
  local credentials = require "eni6.aws.credentials"
  local id, secret = section.options[ID], section.options[SECRET]
  local function place(name) return string.format("%s of [%s] in %s", name, section.name, path) end
  if type(id) ~= "string" or id == "" then return credentials.partial(place(SECRET), ID) end
  if type(secret) ~= "string" or secret == "" then return credentials.partial(place(ID), SECRET) end
  return object.new({ access_key_id = id, secret_access_key = secret, session_token = token_of(section.options) },
    string.format("[%s] in %s", section.name, path), options)
end

local function why_not(file, name)
  if file.problem then return file.problem end
  return file.path .. (file.read and " has no keys for profile " .. name or " does not exist")
end

--- Whether the context's profile has keys written in a file.
---@param settings eni6.aws.Settings
---@param kind "credentials"|"config"
---@return boolean
function profile.has_keys(settings, kind)
  local section = settings:section(kind)
  return section ~= nil and (section.options[ID] or section.options[SECRET]) ~= nil
end

--- The keys that one of the files has for the profile.
---@param context eni6.aws.CredentialContext
---@param kind "credentials"|"config"
---@param method string
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code
function profile.load(context, kind, method)
  local settings = context.settings
  local file = settings.files[kind]
  if not profile.has_keys(settings, kind) then return nil, why_not(file, settings.profile) end
  return from_section(settings:section(kind), file.path, { method = method })
end

return profile
