--- Checks the signature of a request received, in its headers or in its URI, as
--- an AWS endpoint does.

local core = require("eni6.core")
local digest = require "eni6.digest"
local uri = require "eni6.uri"

local SKEW = 300
local EXPIRES_MAX = 604800

---@class eni6.sigv4.Received
---@field method string
---@field uri string "/path?query" as it came on the wire
---@field headers string[][]|table<string, string> as received
---@field body? string
---@field lookup fun(access_key_id: string): string|table|nil the secret access key,
---  or { secret_access_key=, session_token= }; nil when there is no such key
---@field now? number seconds since the epoch; the clock's when missing
---@field region? string refuse another one; any when missing
---@field service? string refuse another one; any when missing
---@field unsigned_payload? boolean accept UNSIGNED-PAYLOAD, as S3 does; false when missing
---@field normalize_path? boolean as for signing
---@field double_encode? boolean as for signing

---@class eni6.sigv4.Identity
---@field access_key_id string
---@field date string "20150830"
---@field region string
---@field service string
---@field session_token string? as received
---@field presigned boolean

local function refusal(code, message, detail) return { code = code, message = message, detail = detail } end

--- Headers as a list, whatever form they came in.
local function as_list(headers)
  if #headers > 0 then return headers end
  local list = {}
  for name, value in pairs(headers) do list[#list + 1] = { name, value } end
  return list
end

local function header(headers, name)
  for _, pair in ipairs(headers) do
    if pair[1]:lower() == name then return pair[2] end
  end
end

local function parameter(parameters, name)
  for _, pair in ipairs(parameters) do
    if pair[1] == name then return pair[2] end
  end
end

--- "AKID/20150830/us-east-1/ec2/aws4_request" in its five elements.
local function parse_credential(text)
  local id, date, region, service, terminator = text:match("^([^/]+)/([^/]+)/([^/]+)/([^/]+)/([^/]+)$")
  if not id then
    return nil, refusal("IncompleteSignature",
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term")
  end
  if terminator ~= "aws4_request" then
    return nil, refusal("SignatureDoesNotMatch",
      "Credential should be scoped with a valid terminator: 'aws4_request'")
  end
  return { access_key_id = id, date = date, region = region, service = service }
end

local function complete(claim, parts, where)
  for _, name in ipairs { "Credential", "SignedHeaders", "Signature" } do
    if not parts[name] or parts[name] == "" then
      return nil, refusal("IncompleteSignature", where .. " requires '" .. name .. "' parameter")
    end
  end
  local credential, problem = parse_credential(parts.Credential)
  if not credential then return nil, problem end
  claim.access_key_id, claim.date = credential.access_key_id, credential.date
  claim.region, claim.service = credential.region, credential.service
  claim.signed_headers, claim.signature = parts.SignedHeaders, parts.Signature
  return claim
end

--- What an Authorization header claims.
local function header_claim(authorization, headers)
  local algorithm, rest = authorization:match("^%s*(%S+)%s+(.*)$")
  if algorithm ~= "AWS4-HMAC-SHA256" then
    return nil, refusal("IncompleteSignature",
      "Authorization must start with the algorithm AWS4-HMAC-SHA256")
  end
  local parts = {}
  for name, value in rest:gmatch("([%w]+)=([^,%s]*)") do parts[name] = value end
  local timestamp = header(headers, "x-amz-date")
  if not timestamp then
    return nil, refusal("IncompleteSignature", "Authorization header requires existence of an 'X-Amz-Date' header")
  end
  return complete({
    presigned = false, timestamp = timestamp,
    session_token = header(headers, "x-amz-security-token"),
  }, parts, "Authorization header")
end

--- What the query of a presigned URI claims.
local function query_claim(parameters)
  if parameter(parameters, "X-Amz-Algorithm") ~= "AWS4-HMAC-SHA256" then
    return nil, refusal("IncompleteSignature", "X-Amz-Algorithm must be AWS4-HMAC-SHA256")
  end
  local timestamp = parameter(parameters, "X-Amz-Date")
  local expires = parameter(parameters, "X-Amz-Expires") or ""
  local seconds = expires:match("^%d%d?%d?%d?%d?%d?$") and tonumber(expires)
  if not timestamp or not seconds or seconds < 1 or seconds > EXPIRES_MAX then
    return nil, refusal("IncompleteSignature",
      "A presigned URI requires 'X-Amz-Date', and 'X-Amz-Expires' within 1 and " .. EXPIRES_MAX)
  end
  return complete({
    presigned = true, timestamp = timestamp, expires = seconds,
    session_token = parameter(parameters, "X-Amz-Security-Token"),
  }, {
    Credential = parameter(parameters, "X-Amz-Credential"),
    SignedHeaders = parameter(parameters, "X-Amz-SignedHeaders"),
    Signature = parameter(parameters, "X-Amz-Signature"),
  }, "A presigned URI")
end

local function find_claim(request, headers)
  local _, query = uri.split(request.uri)
  local parameters = uri.parameters(query or "")
  if not parameters then
    return nil, refusal("MalformedQueryString", "The query string contains a syntax error")
  end
  local authorization = header(headers, "authorization")
  local presigned = parameter(parameters, "X-Amz-Algorithm") or parameter(parameters, "X-Amz-Signature")
  if authorization and presigned then
    return nil, refusal("IncompleteSignature", "Sign in the Authorization header or in the query, not in both")
  end
  if authorization then return header_claim(authorization, headers) end
  if presigned then return query_claim(parameters) end
  return nil, refusal("MissingAuthenticationToken", "Request is missing Authentication Token")
end

--- Days from 1970-01-01 to a date of the Gregorian calendar.
local function days_from_epoch(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

--- Seconds since the epoch of "20150830T123600Z", or nil.
local function seconds_of(timestamp)
  local year, month, day, hour, minute, second =
    timestamp:match("^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$")
  if not year then return nil end
  return days_from_epoch(tonumber(year), tonumber(month), tonumber(day)) * 86400
    + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second)
end

local function check_time(claim, now)
  local signed_at = seconds_of(claim.timestamp)
  if not signed_at then
    return refusal("IncompleteSignature", "Date must be in ISO-8601 'basic format', such as 20150830T123600Z")
  end
  if claim.timestamp:sub(1, 8) ~= claim.date then
    return refusal("SignatureDoesNotMatch", "Date in Credential scope does not match that of the request: '"
      .. claim.date .. "' != '" .. claim.timestamp:sub(1, 8) .. "'")
  end
  local late = now - signed_at > (claim.expires or SKEW)
  local early = signed_at - now > SKEW
  if late or early then
    return refusal("RequestExpired", "Request has expired.", {
      signed_at = claim.timestamp, now = core.sigv4.timestamp(now), early = early,
    })
  end
end

local function check_scope(claim, request)
  for _, name in ipairs { "region", "service" } do
    if request[name] and request[name] ~= claim[name] then
      return refusal("SignatureDoesNotMatch",
        "Credential should be scoped to the " .. name .. " '" .. request[name] .. "', not '" .. claim[name] .. "'")
    end
  end
end

--- The names that must be signed: without them a signature would serve elsewhere
--- or at another time.
local function check_signed_headers(claim)
  local names = ";" .. claim.signed_headers .. ";"
  if not names:find(";host;", 1, true) then
    return refusal("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
  end
  if not claim.presigned and not names:find(";x-amz-date;", 1, true) then
    return refusal("SignatureDoesNotMatch", "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.")
  end
end

--- The secret of the claimed key, once the session token fits it.
local function find_secret(claim, lookup)
  local found = lookup(claim.access_key_id)
  if type(found) == "string" then found = { secret_access_key = found } end
  if not found then
    return nil, refusal("AuthFailure", "AWS was not able to validate the provided access credentials")
  end
  if not digest.equal(found.session_token or "", claim.session_token or "") then
    return nil, refusal("InvalidClientTokenId", "The security token included in the request is invalid")
  end
  return found.secret_access_key
end

--- The payload's line of the canonical request.
local function payload_hash(request, claim, headers)
  local declared = header(headers, "x-amz-content-sha256")
  local unsigned = declared == "UNSIGNED-PAYLOAD" or (claim.presigned and not declared)
  if request.unsigned_payload and unsigned then return "UNSIGNED-PAYLOAD" end
  local hash = digest.sha256_hex(request.body or "")
  if declared and declared ~= hash then
    return nil, refusal("XAmzContentSHA256Mismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.")
  end
  return hash
end

--- The query that was signed: all of it but the signature.
local function signed_uri(target, claim)
  if not claim.presigned then return target end
  local path, query = uri.split(target)
  local kept = {}
  for item in query:gmatch("[^&]+") do
    if uri.decode(item:match("^[^=]*")) ~= "X-Amz-Signature" then kept[#kept + 1] = item end
  end
  return path .. "?" .. table.concat(kept, "&")
end

local function mismatch(canonical_request, string_to_sign)
  return refusal("SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    .. "Access Key and signing method. Consult the service documentation for details.\n\n"
    .. "The Canonical String for this request should have been\n'" .. canonical_request .. "'\n\n"
    .. "The String-to-Sign should have been\n'" .. string_to_sign .. "'\n",
    { canonical_request = canonical_request, string_to_sign = string_to_sign })
end

local function check_signature(request, claim, headers, secret)
  local hash, problem = payload_hash(request, claim, headers)
  if not hash then return problem end
  local canonical_request, message = core.sigv4.canonical_request {
    method = request.method, uri = signed_uri(request.uri, claim), headers = headers,
    payload_hash = hash, signed_headers = claim.signed_headers,
    normalize_path = request.normalize_path, double_encode = request.double_encode,
  }
  if not canonical_request then return refusal("IncompleteSignature", message) end
  local string_to_sign = core.sigv4.string_to_sign {
    canonical_request = canonical_request, timestamp = claim.timestamp,
    scope = table.concat({ claim.date, claim.region, claim.service, "aws4_request" }, "/"),
  }
  local signer = core.sigv4.new {
    access_key_id = claim.access_key_id, secret_access_key = secret,
    region = claim.region, service = claim.service,
  }
  local signature = signer:signature(string_to_sign)
  signer:close()
  local signed_headers = canonical_request:match("\n([^\n]*)\n[^\n]*$")
  if not digest.equal(signature, claim.signature) or signed_headers ~= claim.signed_headers then
    return mismatch(canonical_request, string_to_sign)
  end
end

local function identity_of(claim)
  return {
    access_key_id = claim.access_key_id, date = claim.date, region = claim.region,
    service = claim.service, session_token = claim.session_token, presigned = claim.presigned,
  }
end

--- Checks everything in the order in which EC2 does; the first problem, or nil
--- and the claim.
local function examine(request, headers)
  local claim, problem = find_claim(request, headers)
  if not claim then return problem end
  problem = check_signed_headers(claim) or check_scope(claim, request)
    or check_time(claim, request.now or core.system.time())
  if problem then return problem end
  local secret
  secret, problem = find_secret(claim, request.lookup)
  if not secret then return problem end
  return check_signature(request, claim, headers, secret), claim
end

--- Checks a request. Nothing that a client can send raises.
---@param request eni6.sigv4.Received
---@return true|nil ok or nil, message, code, detail
---@return eni6.sigv4.Identity|string identity or the message, in AWS's words
---@return string? code "MissingAuthenticationToken", "IncompleteSignature",
---  "MalformedQueryString", "RequestExpired", "AuthFailure" (no such key),
---  "InvalidClientTokenId" (the session token is not that of the key),
---  "XAmzContentSHA256Mismatch", "SignatureDoesNotMatch"
---@return table? detail of SignatureDoesNotMatch: { canonical_request=, string_to_sign= };
---  of RequestExpired: { signed_at=, now=, early= }
return function(request)
  local problem, claim = examine(request, as_list(request.headers))
  if problem then return nil, problem.message, problem.code, problem.detail end
  return true, identity_of(claim)
end
