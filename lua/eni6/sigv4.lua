--- AWS Signature Version 4: signs requests in their headers or in their URI, and
--- checks the signatures of requests received.
--- https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html

local core = require("eni6.core").sigv4
local uri = require "eni6.uri"

local sigv4 = {}

---@class eni6.sigv4.Credentials
---@field access_key_id string
---@field secret_access_key string
---@field session_token? string of temporary credentials; "" is none
---@field region string "us-east-1"
---@field service string the name in the credential scope: "ec2", "s3"

---@class eni6.sigv4.Request
---@field method string "GET", as it goes on the wire
---@field uri string "/path?query" as it goes on the wire; a "+" in the query is a
---  plus, so send it as "%2B"
---@field headers string[][]|table<string, string> { {name, value}, ... }, order and
---  repeats kept, or a map; one Host is required. Headers that are changed or
---  dropped on the way are sent but not signed (Connection, Expect, TE, Trailer,
---  Transfer-Encoding, User-Agent, X-Amzn-Trace-Id); those that the signer sets
---  itself are an error. A caller's own x-amz-content-sha256 counts as the hash of
---  the payload
---@field body? string
---@field time? number seconds since the epoch; the clock's when missing
---@field expires? integer presign only: seconds, 1 to 604800; 3600 when missing
---@field scheme? "https"|"http" whose default port Host drops; "https" when missing
---@field normalize_path? boolean resolve ".", ".." and "//" for the signature; S3
---  wants false; true when missing
---@field double_encode? boolean encode the path once more for the signature; S3
---  wants false; true when missing
---@field sign_body? boolean send the hash of the body along, as
---  x-amz-content-sha256; S3 wants true; false when missing
---@field unsigned_payload? boolean sign UNSIGNED-PAYLOAD in place of the body's
---  hash; false when missing
---@field omit_session_token? boolean send the session token, but do not sign it;
---  false when missing

---@class eni6.sigv4.Stages what was computed on the way, made into strings when a
---  field is read (pairs works, too); never a secret or a key, but the session token
---  is part of what was signed
---@field canonical_request string
---@field string_to_sign string
---@field signature string 64 hexadecimal digits

---@class eni6.sigv4.Signer its tostring shows the access key id and nothing else.
---  Signing keys are remembered for the last few scopes
---@field sign fun(self, request: eni6.sigv4.Request): string[][], eni6.sigv4.Stages
---  the headers to send and the stages. First come the caller's headers, the very
---  pairs where nothing had to change, then the signer's. Raises when the request
---  cannot be signed, and for a field that it does not know
---@field presign fun(self, request: eni6.sigv4.Request): string, eni6.sigv4.Stages
---  the URI "/path?query&X-Amz-Signature=..." (all the headers given are signed, and
---  must be sent with it), and the stages. Raises when the request cannot be signed
---@field signature fun(self, string_to_sign: string): string
---  the last stage alone, for the scope in the third line of the string to sign
---@field close fun(self) wipes the keys; done on collection, too

--- Makes a signer. The secret is kept only in the form of HMAC states, in memory
--- that is wiped when freed. Raises when a field is missing, or has bytes that
--- cannot belong to it.
---@param credentials eni6.sigv4.Credentials
---@return eni6.sigv4.Signer
function sigv4.new(credentials) return core.new(credentials) end

--- Percent-encodes a text as signatures want it.
---@param text string
---@param keep_slash? boolean leave "/" as it is
---@return string
function sigv4.uri_encode(text, keep_slash) return uri.encode(text, keep_slash) end

--- The first stage: the canonical request. Nothing is added to the headers given.
--- Raises when the request is malformed.
---@param request eni6.sigv4.Request in addition `payload_hash` in place of `body`,
---  and `signed_headers` ("host;x-amz-date"), which alone are then taken
---@return string canonical_request
function sigv4.canonical_request(request)
  local text, message = core.canonical_request(request)
  if not text then error(message, 2) end
  return text
end

---@class eni6.sigv4.StringToSign
---@field canonical_request string
---@field time? number seconds since the epoch
---@field timestamp? string or already "20150830T123600Z"
---@field region string
---@field service string

--- The second stage: the string to sign.
---@param fields eni6.sigv4.StringToSign
---@return string string_to_sign
function sigv4.string_to_sign(fields)
  local timestamp = fields.timestamp or core.timestamp(fields.time)
  local scope = timestamp:sub(1, 8) .. "/" .. fields.region .. "/" .. fields.service .. "/aws4_request"
  return core.string_to_sign {
    canonical_request = fields.canonical_request, timestamp = timestamp, scope = scope,
  }
end

--- Checks the signature of a request received; see eni6.sigv4.verify.
---@param request eni6.sigv4.Received
---@return true|nil ok or nil, message, code, detail
---@return eni6.sigv4.Identity|string identity or the message
---@return string? code
---@return table? detail
function sigv4.verify(request) return require("eni6.sigv4.verify")(request) end

--- Says why a server found another signature; see eni6.sigv4.mismatch.
---@param message string the server's message of SignatureDoesNotMatch
---@param ours eni6.sigv4.Stages of the request that was refused
---@return eni6.sigv4.Mismatch
function sigv4.explain_mismatch(message, ours)
  return require("eni6.sigv4.mismatch")(message, ours)
end

return sigv4
