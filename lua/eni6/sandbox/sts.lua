--- The Security Token Service: who asks, and keys that end. An operation has `check` (see `parameters`), `unsigned`
--- where a token says who asks, and `run(identities, params, who)`, which gives the answer or refuses.
--- https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html

local timestamp = require("eni6.sandbox.identities").timestamp
local parameters = require "eni6.sandbox.parameters"
local refusal = require "eni6.sandbox.refusal"

local refuse = refusal.refuse

local M = { VERSION = "2011-06-15" }

local LEAST, MOST, USUAL = 900, 43200, 3600 -- seconds of a role's session
local MOST_OF_USER = 129600

local POLICIES = { Policy = "string", PolicyArns = { member = { { arn = "string" } } } }
local TAGS = { Tags = { member = { { Key = "string", Value = "string" } } }, TransitiveTagKeys = { member = { "string" } } }

local function merged(...)
  local all = {}
  for _, map in ipairs { ... } do
    for name, of in pairs(map) do all[name] = of end
  end
  return all
end

local function denied(format, ...) error(refusal.new("AccessDenied", string.format(format, ...), 403), 0) end

local function invalid(format, ...) refuse("ValidationError", format, ...) end

local function keys_view(session)
  return { AccessKeyId = session.access_key_id, SecretAccessKey = session.secret_access_key, SessionToken = session.session_token,
    Expiration = timestamp(session.expires) }
end

local function check_session_name(name)
  if not name:match("^[%w+=,.@_-]+$") or #name < 2 or #name > 64 then
    invalid("1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint", name:sub(1, 64))
  end
end

local function check_duration(seconds, most)
  if seconds and (seconds < LEAST or seconds > most) then
    invalid("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: "
      .. "it must be from %d to %d", seconds, LEAST, most)
  end
  return seconds
end

-- The role of an ARN, and what it demands.
local function find_role(identities, arn)
  local account, name = arn:match("^arn:[%w-]+:iam::(%d+):role/([%w+=,.@_/-]+)$")
  if not name then invalid("%s is invalid", arn:sub(1, 200)) end
  if account ~= identities.world.account then return nil end
  name = name:match("[^/]+$")
  return name, identities.roles[name] or {}
end

local function check_mfa(identities, params)
  if not params.SerialNumber and not params.TokenCode then return end
  if params.TokenCode ~= identities.mfa_code then
    denied("MultiFactorAuthentication failed with invalid MFA one time pass code.")
  end
end

local function may_assume(demands, params)
  if demands.external_id and demands.external_id ~= params.ExternalId then return false end
  return not demands.mfa_serial or demands.mfa_serial == params.SerialNumber
end

local function session_view(identities, name, params, most)
  local session = identities:assume(name, params.RoleSessionName, check_duration(params.DurationSeconds, most) or USUAL)
  return { Credentials = keys_view(session),
    AssumedRoleUser = { AssumedRoleId = session.user_id, Arn = session.arn } }
end

local operations = {}

operations.AssumeRole = {
  parameters = merged(POLICIES, TAGS, { RoleArn = "string!", RoleSessionName = "string!", DurationSeconds = "integer",
    ExternalId = "string", SerialNumber = "string", TokenCode = "string", SourceIdentity = "string" }),
  run = function(identities, params, who)
    check_session_name(params.RoleSessionName)
    check_duration(params.DurationSeconds, MOST)
    local name, demands = find_role(identities, params.RoleArn)
    check_mfa(identities, params)
    if not name or not may_assume(demands, params) then
      denied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", who.arn, params.RoleArn)
    end
    local most = who.session and USUAL or demands.max_duration or MOST -- roles in a chain get an hour
    return session_view(identities, name, params, most)
  end,
}

operations.AssumeRoleWithWebIdentity = {
  unsigned = true,
  parameters = merged(POLICIES, { RoleArn = "string!", RoleSessionName = "string!", WebIdentityToken = "string!",
    ProviderId = "string", DurationSeconds = "integer" }),
  run = function(identities, params)
    check_session_name(params.RoleSessionName)
    if params.WebIdentityToken ~= identities.web_identity then
      refuse("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    end
    local name, demands = find_role(identities, params.RoleArn)
    if not name then denied("Not authorized to perform sts:AssumeRoleWithWebIdentity") end
    local answer = session_view(identities, name, params, demands.max_duration or MOST)
    answer.SubjectFromWebIdentityToken, answer.Audience = "sandbox", "sts.amazonaws.com"
    return answer
  end,
}

operations.GetCallerIdentity = {
  parameters = {},
  run = function(identities, _, who) return { UserId = who.user_id, Account = identities.world.account, Arn = who.arn } end,
}

operations.GetSessionToken = {
  parameters = { DurationSeconds = "integer", SerialNumber = "string", TokenCode = "string" },
  run = function(identities, params, who)
    if who.session then denied("Cannot call GetSessionToken with session credentials") end
    check_mfa(identities, params)
    local seconds = check_duration(params.DurationSeconds, MOST_OF_USER) or MOST
    return { Credentials = keys_view(identities:issue { arn = who.arn, user_id = who.user_id, seconds = seconds }) }
  end,
}

operations.GetAccessKeyInfo = {
  parameters = { AccessKeyId = "string!" },
  run = function(identities, params)
    if not identities:find(params.AccessKeyId) then invalid("Invalid AccessKeyId") end
    return { Account = identities.world.account }
  end,
}

for _, operation in pairs(operations) do operation.check = parameters.compile(operation.parameters) end

--- The operation that a request's tree asks for, taken out of it.
---@param tree table
---@return table operation
---@return string name
function M.find(tree)
  local name = tree.Action
  local operation = operations[name]
  if not operation then
    refuse("InvalidAction", "Could not find operation %s for version %s", tostring(name), M.VERSION)
  end
  tree.Action, tree.Version = nil, nil
  return operation, name
end

return M
