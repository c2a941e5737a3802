--- Credentials given in the call.

local object = require "eni6.aws.credentials.object"

local explicit = { name = "the call" }

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code
function explicit.load(context)
  local given = context.credentials
  if given == nil then return nil, "none given" end
  if object.is(given) then return given end
  local id, secret = given.access_key_id, given.secret_access_key
  if not id or not secret then
    return require("eni6.aws.credentials").partial(id and "credentials.access_key_id" or "credentials.secret_access_key",
      id and "credentials.secret_access_key" or "credentials.access_key_id")
  end
  return object.new(given, "the caller")
end

return explicit
