--- One request and its answer: signed, sent and decoded, with what became of it told apart.

local clock = require "eni6.aws.clock"

local exchange = {}

local CONTENT_TYPE = "application/x-www-form-urlencoded; charset=utf-8"

local USER_AGENT = string.format("eni6/%s %s", require("eni6.core").version, (_VERSION:gsub(" ", "/")))

-- { keys =, signer = } by client, apart from it: who looks through a client finds no keys.
local signers = setmetatable({}, { __mode = "k" })

local function new_signer(client, keys)
  return require("eni6.sigv4").new({
    access_key_id = keys.access_key_id,
    secret_access_key = keys.secret_access_key,
    session_token = keys.session_token,
    region = client.endpoint.signing_region or client.region,
    service = client.service.name,
  })
end

-- A signer remembers the derived key, so it is kept as long as the keys are the same.
local function signer_for(client)
  local keys, message, code = client.credentials:get()
  if not keys then return nil, message, code end
  local known = signers[client]
  if not known or known.keys ~= keys then
    known = { keys = keys, signer = new_signer(client, keys) }
    signers[client] = known
  end
  return known.signer
end

local function signed(client, request, headers)
  local signer, message, code = signer_for(client)
  if not signer then return nil, message, code end
  request.signer = signer
  request.signed_offset = client.clock_offset
  request.signed_at = client.time() + client.clock_offset
  local stages
  headers, stages = signer:sign({
    method = "POST",
    uri = client.endpoint.path,
    headers = headers,
    body = request.body,
    time = request.signed_at,
    scheme = client.endpoint.scheme,
  })
  request.stages = function() return stages end -- they hold the token: nothing to be found by looking
  return headers
end

local function headers_of(client, request)
  local headers = { { "Host", client.endpoint.host }, { "Content-Type", CONTENT_TYPE }, { "User-Agent", USER_AGENT } }
  if request.unsigned then return headers end
  return signed(client, request, headers)
end

local function send(client, request, headers)
  local transport, message, code = client:transport()
  if not transport then return nil, message, code, { sent = false } end
  request.lost = true -- until there is an answer
  return transport:request({
    method = "POST",
    url = client.endpoint.url,
    headers = headers,
    body = request.body,
    timeout = client.attempt_timeout,
    connect_timeout = client.connect_timeout,
    idempotent = request.repeatable,
  })
end

local function request_id_of(response)
  return response:header("x-amzn-requestid") or response:header("x-amz-request-id")
end

local function decoded(client, request, response)
  local result, id_or_message, code = require("eni6.aws.xml").decode(client.service, request.operation.name, response.body)
  if result then return { result = result, request_id = id_or_message, answered = true } end
  return { message = id_or_message, code = code, answered = false }
end

-- The decoder's own codes, for answers that are not in the service's form: somebody else gave them.
-- Without memory it cannot tell.
local foreign = { EmptyResponse = true, HTMLResponse = true, InvalidResponse = true, TruncatedResponse = true, ENOMEM = true }

local function refusal(response)
  local problem = require("eni6.aws.xml").decode_error(response.body, response.status)
  return {
    message = problem.message,
    code = problem.code,
    request_id = problem.request_id,
    answered = not foreign[problem.code],
  }
end

local function answer(client, request, response)
  local good = response.status >= 200 and response.status < 300
  local outcome = good and decoded(client, request, response) or refusal(response)
  outcome.sent = true
  outcome.status = response.status
  outcome.request_id = outcome.request_id or request_id_of(response)
  outcome.date = response:header("date")
  outcome.retry_after = clock.retry_after(response:header("x-amz-retry-after"), response:header("retry-after"), outcome.date)
  outcome.location = response:header("location")
  return outcome
end

--- Sends a request once.
---@param client table the parts of `eni6.aws.client`: credentials, endpoint, region, service, clock and transport
---@param request { operation: eni6.aws.Operation, body: string, unsigned: boolean|nil } gets signed_at,
---  signed_offset, signer and lost added
---@return eni6.aws.Outcome with `result` where it succeeded, else message and code
function exchange.attempt(client, request)
  local headers, message, code = headers_of(client, request)
  if not headers then return { message = message, code = code, sent = false, answered = false } end
  local response, detail
  response, message, code, detail = send(client, request, headers)
  if response then return answer(client, request, response) end
  -- A transport that can't tell may have sent it.
  local sent = not (detail and detail.sent == false)
  return { message = message, code = code, sent = sent, answered = false }
end

--- Has the keys renewed that a request was signed with, unless that has happened since.
---@param client table
---@param request table
---@return boolean can whether the next attempt may be signed with others
function exchange.renew_keys(client, request)
  local known = signers[client]
  if not known or not request.signer then return false end
  return known.signer ~= request.signer or client.credentials:invalidate(known.keys)
end

return exchange
