--- The object that holds keys: it shows no secret, and renews keys that expire, once for all who ask.

local object = {}

-- Seconds before the end of keys: from the first on they are renewed when they are next asked for, from the second
-- on nobody gets them without. Those of botocore.
local ADVISORY, MANDATORY = 900, 600
local PAUSE = 60          -- seconds between attempts while the keys are good
local HANGING = 300       -- seconds after which others take a renewal over
local SHORTEST = 8        -- characters; a made-up secret of a letter or two is in every text

-- What an object holds, apart from it: who looks through the object finds no keys.
local states = setmetatable({}, { __mode = "k" })

local Keys = { __name = "eni6.aws.keys", __tostring = function() return "eni6.aws.keys (hidden)" end }

---@class eni6.aws.Credentials
---@field source string where they came from, for messages
---@field method string how they were got, in botocore's word: "env", "assume-role", …
local Credentials = { __name = "eni6.aws.credentials" }
Credentials.__index = Credentials

function Credentials.__tostring(self)
  return string.format("eni6.aws.credentials: %s from %s", states[self].keys.access_key_id, self.source)
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

local function checked(keys, source)
  local held = setmetatable({}, Keys)
  for _, part in ipairs(parts) do
    local value = keys[part]
    if value ~= nil or part ~= "session_token" then
      local fault = faulty(value, part, source)
      if fault then return nil, fault, "InvalidCredentials" end
      held[part] = value
    end
  end
  return held
end

-- Takes keys that were just got. Those that live for less than the usual are renewed late in their life, not at once.
local function take(state, keys, expires)
  local now = state.time()
  local life = expires and math.max(0, expires - now) or 0
  if state.keys ~= keys then state.last = state.keys end
  state.keys, state.expires, state.stale = keys, expires, false
  state.mandatory = math.min(MANDATORY, life / 3)
  state.advisory = math.min(ADVISORY, life / 2)
  state.not_before = nil
end

---@class eni6.aws.CredentialOptions
---@field method string|nil botocore's word for the provider, "explicit" by default
---@field expires number|nil seconds since the epoch
---@field fetch nil|fun(refused: boolean): table|nil, string?, string? gets new keys: { access_key_id=, secret_access_key=,
---  session_token=, expires= }, or nil, message, code; `refused`: the last ones will not do, and no cache has better
---@field time (fun(): number)|nil seconds since the epoch
---@field warn fun(message: string)|nil told of what went wrong without harm so far
---@field tolerant boolean|nil expired keys are used on while there are no others (the metadata service's)
---@field random (fun(): number)|nil 0 <= r < 1, for tolerant ones

--- Makes the object that goes around; keys are checked for damage only.
---@param keys { access_key_id: string, secret_access_key: string, session_token: string|nil }
---@param source string where they came from, for messages
---@param options eni6.aws.CredentialOptions|nil
---@return eni6.aws.Credentials|nil
---@return string|nil message
---@return string|nil code "InvalidCredentials"
function object.new(keys, source, options)
  options = options or {}
  local held, message, code = checked(keys, source)
  if not held then return nil, message, code end
  local self = setmetatable({ source = source, method = options.method or "explicit" }, Credentials)
  local state = {
    source = source,
    fetch = options.fetch,
    tolerant = options.tolerant,
    time = options.time or require("eni6.core").system.time,
    warn = options.warn or function() end,
    random = options.random or function() return require("eni6.core").system.random(1):byte() / 256 end,
    lock = options.fetch and require("eni6.tasks").lock(),
  }
  take(state, held, options.expires)
  states[self] = state
  return self
end

-- Keys that are over, and nothing to be done.
local function expired(source)
  return nil, "the credentials from " .. source .. " have expired, and it has no newer ones", "ExpiredCredentials"
end

-- The metadata service may be late with new keys: AWS takes the old ones on, and the next attempt is minutes away.
local function put_off(state, why)
  state.stale = false
  state.not_before = state.time() + 300 + 300 * state.random()
  state.warn(string.format("the credentials from %s could not be renewed (%s); the old ones are used on", state.source, why))
end

--- Gets keys for the first time and makes the object that gets them again.
---@param source string
---@param options eni6.aws.CredentialOptions with `fetch`
---@return eni6.aws.Credentials|nil
---@return string|nil message
---@return string|nil code
function object.fetched(source, options)
  local keys, message, code = options.fetch(false)
  if not keys then return nil, message, code end
  options.expires = keys.expires
  local self
  self, message, code = object.new(keys, source, options)
  if not self then return nil, message, code end
  local state = states[self]
  if keys.expires and keys.expires <= state.time() then
    if not options.tolerant then return expired(source) end
    put_off(state, "they have expired")
  end
  return self
end

-- Keys in place of the old ones.
local function renew(state, forced)
  local keys, message, code = state.fetch(forced or state.stale)
  local held
  if keys then held, message, code = checked(keys, state.source) end
  if not held then return nil, message, code end
  if keys.expires and keys.expires <= state.time() and not state.tolerant then return expired(state.source) end
  local same = held.access_key_id == state.keys.access_key_id and held.secret_access_key == state.keys.secret_access_key
    and held.session_token == state.keys.session_token
  take(state, same and state.keys or held, keys.expires)
  if state.tolerant and keys.expires and keys.expires <= state.time() then put_off(state, "they have expired") end
  return true
end

-- nil, "advisory" or "mandatory".
local function need(state)
  if state.stale then return "mandatory" end
  if not state.expires or not state.fetch then return nil end
  local now = state.time()
  local left = state.expires - now
  local early = state.not_before and now < state.not_before
  if left < state.mandatory and not (early and state.tolerant) then return "mandatory" end
  if left < state.advisory and not early then return "advisory" end
end

-- A renewal that failed: told, unless the keys still do.
local function failed(state, level, message, code)
  if state.tolerant then
    put_off(state, message)
    return true
  end
  if level == "mandatory" then return nil, message, code end
  state.not_before = state.time() + PAUSE
  state.warn(string.format("the credentials from %s could not be renewed yet: %s", state.source, message))
  return true
end

local function renew_once(state, forced)
  local level = forced and "mandatory" or need(state)
  if not level then return true end
  local ok, message, code = renew(state, forced or false)
  if ok then return true end
  return failed(state, level, message, code)
end

--- What a signer is made from: { access_key_id=, secret_access_key=, session_token= }. The same table
--- as long as the keys are the same, so that a signer may be kept for it. Keys near their end are renewed first:
--- by one task, while the others go on with the old ones or, when these are too near, wait.
---@return table|nil
---@return string|nil message
---@return string|nil code
function Credentials:get()
  local state = states[self]
  local level = need(state)
  if level == "mandatory" or level and not state.lock:held() then
    local ok, message, code = state.lock:run(HANGING, renew_once, state)
    if not ok then return nil, message, code end
  end
  return state.keys
end

--- Gets new keys now.
---@return true|nil
---@return string|nil message
---@return string|nil code "NotRefreshable" for keys that only a person can renew
function Credentials:refresh()
  local state = states[self]
  if not state.fetch then return nil, "the credentials from " .. self.source .. " can't be renewed", "NotRefreshable" end
  return state.lock:run(HANGING, renew_once, state, true)
end

--- The service refused these keys as expired: the next `get` renews them first. Nothing when `keys` are not the
--- present ones, since somebody has renewed them meanwhile.
---@param keys table|nil what `get` returned; nil: the present ones
---@return boolean can whether the next `get` may give others
function Credentials:invalidate(keys)
  local state = states[self]
  if keys and keys ~= state.keys then return true end
  if not state.fetch then return false end
  state.stale, state.not_before = true, nil
  return true
end

--- When the present keys end; nil for ever, or unknown.
---@return number|nil seconds since the epoch
function Credentials:expires() return states[self].expires end

--- Takes these secrets out of a text: a service that refuses a signature quotes what was signed, token included.
---@param text string
---@return string
function Credentials:hide(text)
  local state = states[self]
  text = object.hide(state.keys, text)
  return state.last and object.hide(state.last, text) or text -- what was signed before a renewal may be quoted after it
end

--- Takes the secrets among some keys out of a text.
---@param keys table
---@param text string
---@return string
function object.hide(keys, text)
  for _, part in ipairs({ "secret_access_key", "session_token" }) do
    local value = keys[part]
    if type(value) == "string" and #value >= SHORTEST then text = text:gsub(value:gsub("%p", "%%%0"), "(hidden)") end
  end
  return text
end

--- Whether a value is an object of `object.new`.
---@param value any
---@return boolean
function object.is(value) return states[value] ~= nil end

return object
