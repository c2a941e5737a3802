--- What a caller is told about a request that failed: what happened, and what to do about it.

local retries = require "eni6.aws.retries"

local failure = {}

local LOOK_FIRST = "it may have acted although its answer was lost: look before asking again"

local function where(client)
  return string.format("%s (from %s)", client.endpoint.url, client.endpoint.source)
end

local function check_endpoint(client)
  return "check that it is " .. client.service.name:upper() .. "'s endpoint: the region, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_"
    .. client.service.name:upper()
end

local function check_keys(client)
  return client.credentials and "its credentials came from " .. client.credentials.source or "it is not signed"
end

local remedies = {
  ECONNREFUSED = function(client) return "nothing listens there; " .. check_endpoint(client) end,
  ERESOLVE = check_endpoint,
  ETLS = function()
    return "if a proxy or a private authority signs its certificate, name that authority's file (AWS_CA_BUNDLE or ca_file); "
      .. "if it speaks no TLS, write http://"
  end,
  ETIMEDOUT = function() return "check the network, the proxy settings and the endpoint" end,
  HTMLResponse = check_endpoint,
  InvalidResponse = check_endpoint,
  EmptyResponse = check_endpoint,
  AuthFailure = check_keys,
  InvalidClientTokenId = check_keys,
  UnrecognizedClientException = check_keys,
  ExpiredToken = function(client) return "get a new session; " .. check_keys(client) end,
  RequestExpired = function(client)
    return "set this machine's clock, or get a new session if its token is old; " .. check_keys(client)
  end,
  RequestLimitExceeded = function() return "ask less often, or raise AWS_MAX_ATTEMPTS" end,
}

local function explain_signature(client, request, outcome)
  return require("eni6.sigv4").explain_mismatch(outcome.message, request.stages()).message .. "; " .. check_keys(client)
end
remedies.SignatureDoesNotMatch = explain_signature

-- AWS sends its canonical request along, several lines of it; what matters of it is explained.
local function first_line(text) return text:match("^[^\r\n]*") end

local function facts(request, outcome)
  local list = { outcome.code }
  if outcome.status then list[#list + 1] = "HTTP " .. outcome.status end
  if outcome.request_id then list[#list + 1] = "request " .. outcome.request_id end
  if request.attempt > 1 then list[#list + 1] = request.attempt .. " attempts" end
  if request.gave_up == "quota" then list[#list + 1] = "not repeated, since too much has failed lately" end
  return table.concat(list, ", ")
end

--- A text without the secrets of the client and the request: a service that refuses one quotes what was sent.
---@param client table
---@param request table
---@param text string|nil
---@return string|nil
function failure.hidden(client, request, text)
  if text and request.secret then
    text = require("eni6.aws.credentials.object").hide({ session_token = request.secret }, text)
  end
  if not text or not client.credentials then return text end
  return client.credentials:hide(text)
end

local function what(client, outcome)
  local message = outcome.message ~= "" and outcome.message or "no message"
  if outcome.code == "SignatureDoesNotMatch" then message = first_line(message) end
  if outcome.location then message = message .. "; it redirects to " .. outcome.location end
  return outcome.answered and message or where(client) .. ": " .. message
end

local function message_of(client, request, outcome, unknown)
  local remedy = remedies[outcome.code]
  local parts = { string.format("%s: %s (%s)", request.operation.name, what(client, outcome), facts(request, outcome)) }
  if remedy then parts[#parts + 1] = remedy(client, request, outcome) end
  if unknown then parts[#parts + 1] = LOOK_FIRST end
  return failure.hidden(client, request, table.concat(parts, "; "))
end

--- The results of a call whose last attempt failed.
---@param client table
---@param request table
---@param outcome eni6.aws.Outcome
---@return nil
---@return string message
---@return string code the service's code, or the transport's
---@return table detail { operation=, status=, request_id=, retryable=, attempts=, unknown=, client_token= }
function failure.report(client, request, outcome)
  -- Also where a later attempt was refused: what refused it may be what the lost one did.
  local unknown = not request.reads and request.lost or nil
  return nil, message_of(client, request, outcome, unknown), outcome.code, {
    operation = request.operation.name,
    status = outcome.status,
    request_id = outcome.request_id,
    retryable = retries.retryable(outcome, request.repeatable),
    attempts = request.attempt,
    unknown = unknown,
    client_token = request.client_token,
  }
end

--- The results of a call that was given up.
---@param progress { operation: string, request: table|nil }
---@return nil
---@return string message
---@return string code "ECANCELED"
---@return table detail as report's
function failure.cancelled(progress)
  local request = progress.request or { repeatable = true, reads = true }
  local unknown = not request.reads and request.lost or nil
  return nil, progress.operation .. ": the call was cancelled" .. (unknown and "; " .. LOOK_FIRST or ""), "ECANCELED", {
    operation = progress.operation,
    retryable = not unknown or request.repeatable,
    attempts = request.attempt,
    unknown = unknown,
    client_token = request.client_token,
  }
end

return failure
