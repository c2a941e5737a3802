--- IAM Identity Center (SSO): the token of `aws sso login` opens an account's role. Profiles point to an [sso-session]
-- or, the older way, have all of it themselves.

local shown = require "eni6.aws.shown"

local sso = { name = "SSO" }

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

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code "InvalidConfig", "SSOTokenExpired", "SSOFailed", or the transport's
function sso.load(context)
  local values, message, code = configured(context.settings)
  if not values then return nil, message, code end
  return require("eni6.aws.credentials.sso_keys").load(context, values)
end

return sso
