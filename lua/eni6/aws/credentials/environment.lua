--- AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.

local environment = { name = "environment" }

local ID, SECRET, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"

---@param context eni6.aws.CredentialContext
---@return table|nil credentials
---@return string|nil why
---@return string|nil code
function environment.load(context)
  if context.settings.profile_chosen then
    return nil, "left aside, since the caller chose profile " .. context.settings.profile
  end
  local credentials = require "eni6.aws.credentials"
  local function value(name)
    local text = context.settings.getenv(name)
    if text ~= "" then return text end
  end
  local id, secret = value(ID), value(SECRET)
  if not id and not secret then return nil, ID .. " is not set" end
  if not secret then return credentials.partial(ID, SECRET) end
  if not id then return credentials.partial(SECRET, ID) end
  return credentials.new({ access_key_id = id, secret_access_key = secret, session_token = value(TOKEN) },
    "the environment (" .. ID .. ")")
end

return environment
