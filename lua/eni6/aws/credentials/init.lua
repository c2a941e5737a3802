--- Credentials: one object that shows no secret, and the chain of providers that finds it.
--
-- A provider is a table { name =, load = function(context) } in a file of its own. `load` returns
--   credentials          found
--   nil, why             not here: the next one is asked, and `why` is told if none has any
--   nil, message, code   here, but broken: the search ends, so that a typing error never makes
--                        another account's credentials take over

local credentials = {}

local secrets = setmetatable({}, { __mode = "k" })

local Keys = { __name = "eni6.aws.keys", __tostring = function() return "eni6.aws.keys (hidden)" end }

local Credentials = { __name = "eni6.aws.credentials" }
Credentials.__index = Credentials

function Credentials.__tostring(self)
  return string.format("eni6.aws.credentials: %s from %s", secrets[self].access_key_id, self.source)
end

-- Parts of a key pair, and what there can't be in them; the commonest cause is a line break or space copied along.
local parts = { "access_key_id", "secret_access_key", "session_token" }
local foreign = { access_key_id = "[^!-+%-%.0-~]", secret_access_key = "[^!-~]", session_token = "[^!-~]" }

local function faulty(value, part, source)
  if type(value) ~= "string" then return string.format("%s from %s is no string", part, source) end
  if value == "" then return string.format("%s from %s is empty", part, source) end
  if value:find(foreign[part]) then
    return string.format("%s from %s contains white space or another character that can't be in it; copy it again", part, source)
  end
end

--- Makes the object that goes around; keys are checked for damage only.
---@param keys { access_key_id: string, secret_access_key: string, session_token: string|nil }
---@param source string where they came from, for messages
---@return table|nil credentials
---@return string|nil message
---@return string|nil code "InvalidCredentials"
function credentials.new(keys, source)
  local held = setmetatable({}, Keys)
  for _, part in ipairs(parts) do
    local value = keys[part]
    if value ~= nil then
      local fault = faulty(value, part, source)
      if fault then return nil, fault, "InvalidCredentials" end
      held[part] = value
    end
  end
  local self = setmetatable({ source = source }, Credentials)
  secrets[self] = held
  return self
end

--- What a signer is made from: { access_key_id=, secret_access_key=, session_token= }. The same table
--- as long as the keys are the same, so that a signer may be kept for it.
---@return table|nil
---@return string|nil message
---@return string|nil code
function Credentials:get() return secrets[self] end

--- Whether a value is an object of `credentials.new`.
---@param value any
---@return boolean
function credentials.is(value) return secrets[value] ~= nil end

local SHORTEST = 8 -- characters; a made-up secret of a letter or two is in every text

--- Takes these secrets out of a text: a service that refuses a signature quotes what was signed, token included.
---@param text string
---@return string
function Credentials:hide(text)
  for _, part in ipairs({ "secret_access_key", "session_token" }) do
    local value = secrets[self][part]
    if value and #value >= SHORTEST then text = text:gsub(value:gsub("%p", "%%%0"), "(hidden)") end
  end
  return text
end

-- In the order in which they are asked.
local chain = { "explicit", "environment", "profile" }

local remedy = "Give credentials in the call, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
  .. "or run `aws configure`; with no AWS account, use the sandbox (scripts/sandbox.lua)"

---@class eni6.aws.CredentialContext
---@field credentials table|nil keys given by the caller, or an object of `credentials.new`
---@field settings eni6.aws.Settings

--- Asks each provider in turn.
---@param context eni6.aws.CredentialContext
---@return table|nil credentials
---@return string|nil message lists every place looked at, and what to do
---@return string|nil code "NoCredentials", "PartialCredentials", "InvalidCredentials"
function credentials.resolve(context)
  local reasons = {}
  for _, name in ipairs(chain) do
    local provider = require("eni6.aws.credentials." .. name)
    local found, why, code = provider.load(context)
    if found then return found end
    if code then return nil, why, code end
    reasons[#reasons + 1] = provider.name .. ": " .. why
  end
  return nil, "no AWS credentials. Looked at: " .. table.concat(reasons, "; ") .. ". " .. remedy, "NoCredentials"
end

--- One half of a pair of keys is missing.
---@param present string the name of what is there
---@param missing string the name of what is not
---@return nil
---@return string message
---@return string code
function credentials.partial(present, missing)
  return nil, string.format("%s is set but %s is not: set both, or neither", present, missing), "PartialCredentials"
end

return credentials
