--- Whether to try again, and when: the "standard" mode of the AWS SDKs, made careful about
-- requests that may have acted although their answer was lost.

local retries = {}

local MAX_DELAY = 20       -- seconds
local CAPACITY = 500       -- tokens in the bucket
local COST, TIMEOUT_COST = 5, 10
local DEFAULT_ATTEMPTS = 3

local function set(text)
  local members = {}
  for name in text:gmatch("%S+") do members[name] = true end
  return members
end

-- The service looked at the request and refused it for being one too many.
local throttling = set [[
  Throttling ThrottlingException ThrottledException RequestThrottledException RequestThrottled
  TooManyRequestsException ProvisionedThroughputExceededException TransactionInProgressException
  RequestLimitExceeded BandwidthLimitExceeded LimitExceededException SlowDown PriorRequestNotComplete
  EC2ThrottledException]]

-- The service gave up on a request that came too slowly, or was not ready: it did not act.
local transient = set "RequestTimeout RequestTimeoutException"

local transient_status = { [500] = true, [502] = true, [503] = true, [504] = true }

-- How the XML decoder names an answer of which something is missing.
local cut_off = set "TruncatedResponse EmptyResponse"

-- What a transport that failed may find better next time. A certificate that doesn't verify stays so.
local transient_transport = set "ERESOLVE ECONNREFUSED ECONNRESET ETIMEDOUT EPROTO EPIPE ENETUNREACH EHOSTUNREACH"

---@class eni6.aws.Outcome what became of one attempt
---@field code string|nil the service's or the transport's code
---@field status integer|nil HTTP status, where there was an answer
---@field answered boolean whether an answer in the service's own form came
---@field sent boolean whether any of the request may have reached the service
---@field retry_after number|nil seconds

--- Whether a code says that there were too many requests.
---@param code string|nil
---@return boolean
function retries.is_throttling(code) return throttling[code] == true end

--- What kind of failure it was.
--- "refused": the service said no and did nothing; "throttled" and "transient" the same, but it may say yes later;
--- "unsent": nothing reached it; "lost": it may have acted.
---@param outcome eni6.aws.Outcome
---@return "refused"|"throttled"|"transient"|"unsent"|"lost"
function retries.classify(outcome)
  if throttling[outcome.code] or outcome.status == 429 then return "throttled" end
  if transient[outcome.code] then return "transient" end
  if not outcome.status then return outcome.sent and "lost" or "unsent" end
  if outcome.status >= 500 or not outcome.answered and outcome.status < 300 then return "lost" end
  return "refused"
end

-- Whether time alone may mend it.
local function may_pass(outcome, kind)
  if kind == "throttled" or kind == "transient" then return true end
  if kind == "refused" then return false end
  if outcome.status then return transient_status[outcome.status] or cut_off[outcome.code] or false end
  return transient_transport[outcome.code] == true
end

--- Whether asking again may succeed and does no harm.
---@param outcome eni6.aws.Outcome
---@param repeatable boolean asking twice does what asking once does
---@return boolean
function retries.retryable(outcome, repeatable)
  local kind = retries.classify(outcome)
  return may_pass(outcome, kind) and (kind ~= "lost" or repeatable)
end

-- The keys are over. RequestExpired may mean the clock, which has been looked at before.
local expired = set "ExpiredToken ExpiredTokenException RequestExpired"

--- Whether a code says that the credentials have expired.
---@param code string|nil
---@return boolean
function retries.is_expired(code) return expired[code] == true end

local Policy = {}
Policy.__index = Policy

--- One policy serves all requests of a client, so that its bucket sees all failures.
---@param options { max_attempts: integer|nil, random: fun(): number } random: 0 <= r < 1
---@return table policy
function retries.new(options)
  return setmetatable({
    max_attempts = options.max_attempts or DEFAULT_ATTEMPTS,
    random = options.random,
    tokens = CAPACITY,
  }, Policy)
end

--- How long the service wants to be left alone, as far as we heed it: no longer than the longest wait of our own.
---@param outcome eni6.aws.Outcome
---@return number seconds, 0 where it does not say
function retries.pause(outcome) return math.min(outcome.retry_after or 0, MAX_DELAY) end

-- Before the attempt after the `attempt`th.
local function delay(self, attempt, outcome)
  local wait = math.min(self.random() * 2 ^ (attempt - 1), MAX_DELAY)
  return math.max(wait, retries.pause(outcome))
end

--- Decides what follows a failed attempt.
---@param outcome eni6.aws.Outcome
---@param request { attempt: integer, repeatable: boolean } repeatable: asking twice does what asking once does
---@return number|nil seconds to wait before the next attempt; nil to give up
---@return string|nil why there is no next attempt of a request that might be repeated: "attempts", "quota"
---@return number|nil tokens taken, to be given back with `succeeded`
function Policy:next_delay(outcome, request)
  if not retries.retryable(outcome, request.repeatable) then return nil end
  if request.attempt >= self.max_attempts then return nil, "attempts" end
  local cost = outcome.code == "ETIMEDOUT" and TIMEOUT_COST or COST
  if self.tokens < cost then return nil, "quota" end
  self.tokens = self.tokens - cost
  return delay(self, request.attempt, outcome), nil, cost
end

--- A request went through: what its last repetition cost comes back, or one token if there was none.
---@param cost number|nil
function Policy:succeeded(cost)
  self.tokens = math.min(self.tokens + (cost or 1), CAPACITY)
end

local function attempts_fault(source) return nil, source .. " must be a whole number from 1", "InvalidConfig" end

-- "legacy" is the older AWS SDKs' name for "standard" with two attempts more; see eni6.aws.rate for "adaptive".
local mode_attempts = { standard = DEFAULT_ATTEMPTS, adaptive = DEFAULT_ATTEMPTS, legacy = 5 }

local function mode_of(settings)
  local mode, source = settings:lookup({ "AWS_RETRY_MODE" }, "retry_mode")
  mode = mode and mode:lower() or "standard"
  if mode_attempts[mode] then return mode end
  return nil, source .. " must be standard, adaptive or legacy", "InvalidConfig"
end

--- How often a request is tried (the caller's number, AWS_MAX_ATTEMPTS, the profile's max_attempts, or the retry
--- mode's) and whether the rate of requests is adapted (AWS_RETRY_MODE or the profile's retry_mode).
---@param settings eni6.aws.Settings
---@param explicit integer|nil attempts
---@return { max_attempts: integer, adaptive: boolean }|nil
---@return string|nil message
---@return string|nil code "InvalidConfig"
function retries.settle(settings, explicit)
  local mode, message, code = mode_of(settings)
  if not mode then return nil, message, code end
  local value, source = settings:lookup({ "AWS_MAX_ATTEMPTS" }, "max_attempts")
  local number = explicit or value and value:match("^%d+$") and tonumber(value)
  if value and not number or number and number < 1 then return attempts_fault(source) end
  return { max_attempts = number or mode_attempts[mode], adaptive = mode == "adaptive" }
end

return retries
