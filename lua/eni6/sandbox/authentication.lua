--- Who asks: access keys, and the check of a request's signature, date and token.

local sigv4 = require "eni6.sigv4"
local from_alphabet = require("eni6.sandbox.random").from_alphabet
local refusal = require "eni6.sandbox.refusal"

local M = {}

---@class eni6.sandbox.keys
---@field access_key_id string
---@field secret_access_key string
---@field session_token string|nil

--- Makes up keys of a sandbox's own, in AWS's form. They guard nothing but a
--- loopback endpoint against a client that was meant for another one.
---@param random eni6.sandbox.random
---@return eni6.sandbox.keys
function M.new_keys(random)
  return { access_key_id = "AKIA" .. from_alphabet(random, 16), secret_access_key = from_alphabet(random, 40) }
end

local INVALID = "The security token included in the request is invalid."

-- What each service says where `verify` has a word of its own, and of keys that are over.
local SAYS = {
  ec2 = {
    AuthFailure = { "AuthFailure", 401, "AWS was not able to validate the provided access credentials" },
    InvalidClientTokenId = { "AuthFailure", 401, "AWS was not able to validate the provided access credentials" },
    ended = { "RequestExpired", 400, "Request has expired." },
  },
  sts = {
    AuthFailure = { "InvalidClientTokenId", 403, INVALID },
    InvalidClientTokenId = { "InvalidClientTokenId", 403, INVALID },
    RequestExpired = { "SignatureDoesNotMatch", 403, "Signature expired" },
    ended = { "ExpiredToken", 403, "The security token included in the request is expired" },
  },
}

local function refuse(service, code, message)
  local said = SAYS[service][code]
  if not said then error(refusal.new(code, message), 0) end
  error(refusal.new(said[1], said[3], said[2]), 0)
end

--- Refuses a request that nobody signed who is known.
---@param identities eni6.sandbox.identities
---@param service "ec2"|"sts"
---@param request eni6.sandbox.request
---@return eni6.sandbox.identity who
function M.check(identities, service, request)
  local world = identities.world
  local ok, found, code = sigv4.verify {
    method = request.method, uri = request.target, headers = request.headers, body = request.body,
    region = world.region, service = service, now = world.clock(),
    lookup = function(id) return identities:find(id) end,
  }
  if not ok then refuse(service, code, found) end
  local who = identities:find(found.access_key_id)
  if identities:has_ended(who) then refuse(service, "ended") end
  return who
end

return M
