--- Who there is in the sandbox's account: one user with lasting keys, and the sessions of roles, whose keys end. Any
--- role of the account may be assumed; what one demands can be set.

local alphabet = require("eni6.sandbox.random").from_alphabet

local identities = { __name = "eni6.sandbox.identities" }
identities.__index = identities

local FORGOTTEN = 3600 -- seconds after its end for which a session's keys are known to have been

---@class eni6.sandbox.identity
---@field access_key_id string
---@field secret_access_key string
---@field session_token string|nil
---@field expires number|nil seconds since the epoch
---@field arn string
---@field user_id string
---@field session boolean|nil whether the keys are a session's

---@param world table
---@param keys eni6.sandbox.keys the user's
function identities.new(world, keys)
  local user = { access_key_id = keys.access_key_id, secret_access_key = keys.secret_access_key,
    session_token = keys.session_token,
    arn = "arn:aws:iam::" .. world.account .. ":user/sandbox", user_id = "AIDASANDBOXSANDBOX234" }
  return setmetatable({
    world = world,
    by_id = { [user.access_key_id] = user },
    standing = {},
    roles = {},       -- name -> { external_id =, mfa_serial =, max_duration = }
    mfa_code = "123456",
    life = false,     -- seconds that every session lasts, whatever was asked for
    lenient = false,  -- expired keys are still taken
    web_identity = "sandbox-web-identity",
    container_token = "sandbox-container-token",
    sso_tokens = { ["sandbox-sso-token"] = true },
    sso_refresh_token = "sandbox-sso-refresh-token",
  }, identities)
end

local function forget_old(self)
  local now = self.world.clock()
  for id, identity in pairs(self.by_id) do
    if identity.expires and identity.expires + FORGOTTEN < now then self.by_id[id] = nil end
  end
end

--- Makes keys that end.
---@param spec { arn: string, user_id: string, seconds: number }
---@return eni6.sandbox.identity
function identities:issue(spec)
  forget_old(self)
  local random = self.world.random
  local session = {
    access_key_id = "ASIA" .. alphabet(random, 16), secret_access_key = alphabet(random, 40),
    session_token = "sandbox-session//" .. alphabet(random, 300),
    expires = math.floor(self.world.clock() + (self.life or spec.seconds)),
    arn = spec.arn, user_id = spec.user_id, session = true,
  }
  self.by_id[session.access_key_id] = session
  return session
end

--- The identity with a key.
---@param access_key_id string
---@return eni6.sandbox.identity|nil
function identities:find(access_key_id) return self.by_id[access_key_id] end

--- Whether a session is over.
---@param identity eni6.sandbox.identity
---@return boolean
function identities:has_ended(identity)
  return not self.lenient and identity.expires ~= nil and identity.expires <= self.world.clock()
end

--- A role's session.
---@param name string the role's
---@param session string its name
---@param seconds number
---@return eni6.sandbox.identity
function identities:assume(name, session, seconds)
  local id = "AROA" .. require("eni6.digest").sha256_hex(name):sub(1, 17):upper()
  return self:issue { arn = string.format("arn:aws:sts::%s:assumed-role/%s/%s", self.world.account, name, session),
    user_id = id .. ":" .. session, seconds = seconds }
end

--- The session that a metadata or credentials server has of a role: the same until five minutes before its end.
---@param name string
---@param session string
---@return eni6.sandbox.identity
function identities:server_session(name, session)
  local key = name .. "/" .. session
  local kept = self.standing[key]
  if not kept or kept.expires - 300 <= self.world.clock() or not self.by_id[kept.access_key_id] then
    kept = self:assume(name, session, 6 * 3600)
    self.standing[key] = kept
  end
  return kept
end

--- Ends all sessions now.
function identities:expire()
  for _, identity in pairs(self.by_id) do
    if identity.session then identity.expires = math.floor(self.world.clock()) end
  end
end

local SETTINGS = { life = "number", lenient = "boolean", mfa_code = "string", roles = "table", sso_tokens = "table" }

--- A point in time as these services write it.
---@param seconds number since the epoch
---@return string
function identities.timestamp(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(seconds)) end

--- Changes what a test or a user wants different.
---@param settings table `life` in seconds (false: as asked for), `lenient`, `mfa_code`, `roles`, `sso_tokens`,
---  `expire` = true ends all sessions
---@return true|nil ok
---@return string|nil message
function identities:set(settings)
  for name, value in pairs(settings) do
    local known = SETTINGS[name] and (type(value) == SETTINGS[name] or name == "life" and value == false)
    if not known and not (name == "expire" and value == true) then
      return nil, "there is no setting '" .. tostring(name) .. "' that can be like this"
    end
  end
  for name, value in pairs(settings) do
    if name == "expire" then self:expire() else self[name] = value end
  end
  return true
end

--- The sessions that there are, without their secrets.
---@return table[]
function identities:report()
  local list = {}
  for id, identity in pairs(self.by_id) do
    if identity.session then list[#list + 1] = { access_key_id = id, arn = identity.arn, expires = identity.expires } end
  end
  table.sort(list, function(a, b) return a.access_key_id < b.access_key_id end)
  return list
end

return identities
