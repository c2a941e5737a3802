--- A role that a token in a file opens (EKS and other OpenID Connect providers): AssumeRoleWithWebIdentity, which is
-- not signed. The settings come from the environment or the profile.

local web_identity = { name = "web identity" }

local VARIABLES = { web_identity_token_file = "AWS_WEB_IDENTITY_TOKEN_FILE", role_session_name = "AWS_ROLE_SESSION_NAME",
  role_arn = "AWS_ROLE_ARN" }

local function lookup(settings, key)
  return settings:lookup(settings.profile_chosen and {} or { VARIABLES[key] }, key)
end

-- The token changes now and then, so it is read for every request.
local function read_token(settings, path, place)
  path = require("eni6.aws.config").expand(path, settings.getenv)
  local text, message, code = settings.read_file(path)
  if not text then return nil, string.format("the web identity token (%s) can't be read: %s", place, message), code end
  local token = text:match("^%s*(.-)%s*$")
  if token == "" or token:find("[^!-~]") then
    return nil, string.format("%s (%s) holds no web identity token", path, place), "InvalidCredentials"
  end
  return token
end

local function preparation(context, params, path, place)
  return function()
    local token, message, code = read_token(context.settings, path, place)
    if not token then return nil, message, code end
    local all = require("eni6.aws.credentials.role").with_session_name(context, params)
    all.WebIdentityToken = token
    return all
  end
end

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code "InvalidConfig", or what kept STS from giving the keys
function web_identity.load(context)
  local settings = context.settings
  local path, place = lookup(settings, "web_identity_token_file")
  if not path then
    local names = settings.profile_chosen and "" or "AWS_WEB_IDENTITY_TOKEN_FILE is not set, and "
    return nil, names .. "profile " .. settings.profile .. " has no web_identity_token_file"
  end
  local arn = lookup(settings, "role_arn")
  if not arn then
    return nil, string.format("%s needs a role beside it: AWS_ROLE_ARN, or role_arn in profile %s", place, settings.profile),
      "InvalidConfig"
  end
  local params = { RoleArn = arn, RoleSessionName = lookup(settings, "role_session_name") }
  return require("eni6.aws.credentials.role").assume(context, { operation = "AssumeRoleWithWebIdentity", params = params,
    source = "the web identity of " .. place, method = "assume-role-with-web-identity",
    prepare = preparation(context, params, path, place) })
end

return web_identity
