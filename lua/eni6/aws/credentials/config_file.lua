--- Keys written in the profile, in the config file.

local profile = require "eni6.aws.credentials.profile"

local config_file = { name = "config file" }

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code
function config_file.load(context) return profile.load(context, "config", "config-file") end

return config_file
