--- Who asks: access keys, and the check of a request's signature, date and token.

local sigv4 = require "eni6.sigv4"
local refusal = require "eni6.sandbox.refusal"

local M = {}

---@class eni6.sandbox.keys
---@field access_key_id string
---@field secret_access_key string
---@field session_token string|nil

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

local function from_alphabet(random, count)
  local out = {}
  for i = 1, count do
    local place = random:below(#ALPHABET) + 1
    out[i] = ALPHABET:sub(place, place)
  end
  return table.concat(out)
end

--- Makes up keys of a sandbox's own, in AWS's form. They guard nothing but a
--- loopback endpoint against a client that was meant for another one.
---@param random eni6.sandbox.random
---@return eni6.sandbox.keys
function M.new_keys(random)
  return { access_key_id = "AKIA" .. from_alphabet(random, 16), secret_access_key = from_alphabet(random, 40) }
end

-- EC2 says AuthFailure where other services are more particular.
local CODES = { InvalidClientTokenId = "AuthFailure" }

--- Refuses a request that is not signed with the keys.
---@param keys eni6.sandbox.keys
---@param world table whose clock and region count
---@param request eni6.sandbox.request
function M.check(keys, world, request)
  local ok, message, code = sigv4.verify {
    method = request.method, uri = request.target, headers = request.headers, body = request.body,
    region = world.region, service = "ec2", now = world.clock(),
    lookup = function(id) return id == keys.access_key_id and keys or nil end,
  }
  if ok then return end
  if CODES[code] then message = "AWS was not able to validate the provided access credentials" end
  error(refusal.new(CODES[code] or code, message), 0)
end

return M
