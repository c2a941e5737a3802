--- Keys written in the profile, in the credentials file.

local profile = require "eni6.aws.credentials.profile"

local credentials_file = { name = "credentials file" }

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code
function credentials_file.load(context) return profile.load(context, "credentials", "shared-credentials-file") end

return credentials_file
