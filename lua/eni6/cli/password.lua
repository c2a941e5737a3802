--- get-password-data's --priv-launch-key: the password in clear, decrypted with the key that the instance was launched
-- with. OpenSSL's program does that, so that the key is not read here.

local problem = require "eni6.cli.problem"

local password = {}

local WRONG_FILE = "priv-launch-key should be a path to the local SSH private key file used to launch the instance."

local function decrypt(path, result)
  if not result.PasswordData or result.PasswordData == "" then return end
  local process = require "eni6.process"
  local decrypted = process.run({
    argv = { "openssl", "pkeyutl", "-decrypt", "-inkey", path, "-pkeyopt", "rsa_padding_mode:pkcs1" },
    input = require("eni6.base64").decode(result.PasswordData), timeout = 60,
  })
  if not decrypted or decrypted.status ~= 0 then
    problem.raise(problem.GENERAL, "Unable to decrypt password data using provided private key file.")
  end
  result.PasswordData = decrypted.stdout
end

--- Adds it.
---@param self eni6.cli.OptionTable
function password.apply(self)
  self:add({
    name = "priv-launch-key", about = "File of the private key: shows the password decrypted.",
    add = function(_, value, world)
      if value == "" then return end
      local path = require("eni6.aws.config").expand(value, world.getenv)
      if not world.read_file(path) then problem.raise(problem.GENERAL, WRONG_FILE) end
      self.transform = function(result) decrypt(path, result) end
    end,
  })
end

return password
