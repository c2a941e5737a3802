--- A client of one AWS service of the query protocols: parameters checked, tokens filled in, requests
-- signed, sent, repeated where that is safe, and answers decoded. Its methods are the service's operations.

local suggest = require "eni6.suggest"

local client = {}

local TIMEOUT, CONNECT_TIMEOUT = 60, 10 -- seconds
local LONGEST_SEARCH = 300 -- seconds for credentials; a person may have to type a code

local Client = {}

--- The service's operations by their names are methods: `ec2:DescribeVpcs{}`.
local function operation_method(service, name)
  local operation, message = service:operation(name)
  if not operation then error(message, 3) end
  return function(self, params) return self:call(name, params) end
end

-- One class a service: its methods are made on first use and shared by all its clients.
local function class_of(service)
  local class = { __name = "eni6.aws." .. service.name, __close = Client.close }
  for name, method in pairs(Client) do class[name] = method end
  class.__index = class
  return setmetatable(class, {
    __index = function(_, name)
      if type(name) ~= "string" or not name:find("^%u") then return nil end
      local method = operation_method(service, name)
      class[name] = method
      return method
    end,
  })
end

local classes = {}

local function fraction_of(random)
  return function()
    local a, b, c = random(3):byte(1, 3)
    return ((a * 256 + b) * 256 + c) / 2 ^ 24
  end
end

local function callable(value)
  local meta = getmetatable(value)
  return type(value) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end
local function positive(value) return type(value) == "number" and value > 0 end
local function whole(value) return positive(value) and value == math.floor(value) end
local function is(kind) return function(value) return type(value) == kind end end

local option_checks = {
  region = is "string", endpoint = is "string", profile = is "string", ca_file = is "string",
  credentials = is "table", http = function(value) return type(value) == "table" or type(value) == "userdata" end,
  verify = is "boolean", sign = is "boolean", use_fips = is "boolean", use_dualstack = is "boolean",
  max_attempts = whole, timeout = positive, connect_timeout = positive,
  getenv = is "function", read_file = callable, write_file = callable, time = callable, monotonic = callable,
  random = callable, sleep = callable, observe = callable, prompt = callable, warn = callable,
}

local function option_names()
  local names = {}
  for name in pairs(option_checks) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- Values are not shown: one of them may be a secret in the wrong place.
local function check_options(options, level)
  if type(options) ~= "table" then error("options must be a table", level) end
  for name, value in pairs(options) do
    local check = option_checks[name]
    if not check then
      error("no option " .. tostring(name) .. "; " .. suggest.among(tostring(name), option_names(), "there are "), level)
    end
    if not check(value) then error("bad value of option " .. name .. " (a " .. type(value) .. ")", level) end
  end
end

-- What a test replaces.
local function surroundings(options)
  local system = require("eni6.core").system
  return {
    time = options.time or system.time,
    monotonic = options.monotonic or system.monotonic,
    random = options.random or system.random,
    sleep = options.sleep or function(seconds) return require("eni6.tasks").sleep(seconds) end,
    observe = options.observe or false, -- false, where many look for it: a missing field is looked for further
    prompt = options.prompt,
    warn = options.warn,
    search = require("eni6.tasks").lock(),
    attempt_timeout = options.timeout or TIMEOUT,
    connect_timeout = options.connect_timeout or CONNECT_TIMEOUT,
    clock_offset = 0,
  }
end

local function settle(self, options)
  local endpoints, retries = require "eni6.aws.endpoints", require "eni6.aws.retries"
  local message, code, retrying
  self.region, message, code = endpoints.region(self.settings, options.region)
  if not self.region then return nil, message, code end
  self.endpoint, message, code = endpoints.resolve({
    service = self.service.name, region = self.region, settings = self.settings, endpoint = options.endpoint,
    use_fips = options.use_fips, use_dualstack = options.use_dualstack,
  })
  if not self.endpoint then return nil, message, code end
  retrying, message, code = retries.settle(self.settings, options.max_attempts)
  if not retrying then return nil, message, code end
  local random = fraction_of(self.random)
  self.policy = retries.new({ max_attempts = retrying.max_attempts, random = random })
  self.throttling = require("eni6.aws.throttling").new({ now = self.monotonic, random = random, adaptive = retrying.adaptive })
  return self
end

local function resolve_credentials(self, given)
  if self.credentials then return self.credentials end
  local message, code
  self.credentials, message, code = require("eni6.aws.credentials").resolve({
    credentials = given, settings = self.settings, region = self.region, time = self.time, sleep = self.sleep,
    random = self.random, observe = self.observe or nil, prompt = self.prompt, warn = self.warn,
    transport = function() return self:transport() end,
  })
  return self.credentials, message, code
end

-- One task looks for them, and the others wait.
local function find_credentials(self) return self.search:run(LONGEST_SEARCH, resolve_credentials, self) end

local function transport_options(self, options)
  return {
    verify = options.verify,
    ca_file = options.ca_file or (self.settings:lookup({ "AWS_CA_BUNDLE" }, "ca_bundle")),
    getenv = self.settings.getenv,
  }
end

---@class eni6.aws.ClientOptions all of them optional
---@field region string|nil
---@field endpoint string|nil URL
---@field credentials table|nil { access_key_id=, secret_access_key=, session_token= }, or an object of eni6.aws.credentials
---@field profile string|nil
---@field http table|nil a client of eni6.http to share; else the client makes and closes its own
---@field verify boolean|nil false: take any TLS certificate
---@field sign boolean|nil false: send requests as they are, and look for no credentials
---@field ca_file string|nil
---@field timeout number|nil seconds for each attempt, 60
---@field connect_timeout number|nil seconds, 10
---@field max_attempts integer|nil
---@field use_fips boolean|nil
---@field use_dualstack boolean|nil
---@field observe fun(event: table)|nil after each attempt: { operation, attempt, status, seconds, code, message, answered,
---  request_id }; answered: the service itself said so
---@field prompt nil|fun(question: string): string|nil, string? asks a person for the code of a profile's mfa_serial;
---  nil and a message where nobody can be asked
---@field warn nil|fun(message: string) told what went wrong without harm so far, such as an early renewal of keys
---@field getenv function|nil
---@field read_file function|nil
---@field write_file function|nil path, text; keeps roles' keys for later. Without it, and with a read_file, they are not kept
---@field time function|nil seconds since the epoch
---@field monotonic function|nil seconds
---@field random function|nil n -> n random bytes
---@field sleep function|nil seconds

--- Makes a client. No request is sent and no credentials are looked for before the first call.
---@param service_name "ec2"|"sts"
---@param options eni6.aws.ClientOptions|nil wrong names and types raise
---@return table|nil client
---@return string|nil message
---@return string|nil code "NoRegion", "InvalidRegion", "InvalidEndpoint", "InvalidConfig", "ConfigParseError", "ProfileNotFound",
---  "PartialCredentials", "InvalidCredentials"
function client.new(service_name, options)
  options = options or {}
  check_options(options, 3)
  local settings, message, code = require("eni6.aws.config").load(options)
  if not settings then return nil, message, code end
  local self = surroundings(options)
  self.service = require("eni6.aws.model").service(service_name)
  self.settings = settings
  self.unsigned = options.sign == false
  self.shared_http, self.closed = options.http or false, false
  self.http_options = transport_options(self, options)
  classes[service_name] = classes[service_name] or class_of(self.service)
  if options.credentials then
    local found
    -- The caller's are put away at once, so that no secret lies open in the client.
    found, message, code = resolve_credentials(self, options.credentials)
    if not found then return nil, message, code end
  end
  return settle(setmetatable(self, classes[service_name]), options)
end

function Client.__tostring(self)
  return string.format("eni6.aws.%s: %s at %s", self.service.name, self.region or "?", self.endpoint and self.endpoint.url or "?")
end

--- The HTTP client that requests go through, made on first use.
---@return table|nil http
---@return string|nil message
---@return string|nil code "EINVAL" for proxy settings that can't be used
function Client:transport()
  if self.shared_http then return self.shared_http end
  local message, code
  if not self.own_http then self.own_http, message, code = require("eni6.http").new(self.http_options) end
  return self.own_http, message, code
end

--- Cancels the calls that were started, and closes the connections that are the client's own. Safe twice.
function Client:close()
  if self.runner then self.runner:close() end
  self.closed = true
  if self.own_http then self.own_http:close() end
  self.own_http = nil
end

-- A random UUID (RFC 4122, 4.4).
local function uuid(random)
  local bytes = { random(16):byte(1, 16) }
  bytes[7] = bytes[7] % 16 + 0x40
  bytes[9] = bytes[9] % 64 + 0x80
  return string.format("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", table.unpack(bytes))
end

-- The same parameters with the operation's token filled in; the caller's table stays as it is.
local function with_token(self, operation, params)
  local name = operation.idempotency_token
  if not name or params[name] ~= nil then return params end
  local copy = {}
  for key, value in pairs(params) do copy[key] = value end
  copy[name] = uuid(self.random)
  return copy
end

-- Operations that change nothing, by EC2's and STS's naming. A dry run changes nothing either.
local function reads(name, params)
  return params.DryRun == true or name:find("^Describe") ~= nil or name:find("^Get") ~= nil or name:find("^List") ~= nil
    or name:find("^Search") ~= nil
end

local function new_request(self, operation, params)
  params = with_token(self, operation, params)
  local token = operation.idempotency_token and params[operation.idempotency_token]
  local request = {
    operation = operation,
    body = require("eni6.aws.query").encode(self.service, operation.name, params),
    reads = reads(operation.name, params),
    dry_run = params.DryRun == true,
    unsigned = self.unsigned or operation.unsigned,
    client_token = token,
    secret = params.WebIdentityToken or params.SAMLAssertion,
    attempt = 0,
  }
  request.repeatable = request.reads or token ~= nil
  return request
end

local function tell(self, request, outcome, began)
  if not self.observe then return end
  self.observe({
    operation = request.operation.name,
    attempt = request.attempt,
    status = outcome.status,
    seconds = self.monotonic() - began,
    code = outcome.code,
    message = require("eni6.aws.failure").hidden(self, request, outcome.message),
    answered = outcome.answered,
    request_id = outcome.request_id,
  })
end

-- Sends the request when the operation's turn has come.
local function exchange_in_turn(self, request)
  local name = request.operation.name
  local wait = self.throttling:turn(name)
  if wait > 0 then self.sleep(wait) end
  local began = self.monotonic()
  local outcome = require("eni6.aws.exchange").attempt(self, request)
  self.throttling:learn(name, outcome)
  return outcome, began
end

local function attempt(self, request)
  local lost = request.lost
  request.attempt = request.attempt + 1
  local outcome, began = exchange_in_turn(self, request)
  request.lost = lost or outcome.result ~= nil or require("eni6.aws.retries").classify(outcome) == "lost"
  tell(self, request, outcome, began)
  -- A dry run that would succeed is answered with an error.
  if request.dry_run and outcome.code == "DryRunOperation" then outcome.result = { DryRun = true } end
  return outcome
end

-- A request refused for its time is sent again at once, by the service's clock; once, so that two wrong clocks end.
local function corrected(self, request, outcome)
  if request.clock_corrected or request.unsigned then return false end
  local skew = require("eni6.aws.clock").skew(outcome, request.signed_at)
  if not skew then return false end
  self.clock_offset = request.signed_offset + skew
  request.clock_corrected = true
  return true
end

-- One refused for keys that are over is signed with new ones, if there are any; once as well.
local function renewed(self, request, outcome)
  if request.renewed or not require("eni6.aws.retries").is_expired(outcome.code) then return false end
  request.renewed = require("eni6.aws.exchange").renew_keys(self, request)
  return request.renewed
end

-- Whether there is another attempt; waits for its time.
local function again(self, request, outcome)
  if outcome.answered and (corrected(self, request, outcome) or renewed(self, request, outcome)) then return true end
  local seconds, why, cost = self.policy:next_delay(outcome, request)
  request.gave_up, request.cost = why, cost or request.cost
  if not seconds then return false end
  self.sleep(seconds)
  return true
end

local function perform(self, request)
  while true do
    local outcome = attempt(self, request)
    if outcome.result then
      self.policy:succeeded(request.cost)
      return outcome.result
    end
    if not again(self, request, outcome) then return require("eni6.aws.failure").report(self, request, outcome) end
  end
end

local function operation_of(self, name, level)
  local operation, message = self.service:operation(name)
  if not operation then error(message, level + 1) end
  return operation
end

local function unsent(operation, more)
  local detail = { operation = operation.name, attempts = 0, retryable = false }
  for key, value in pairs(more or {}) do detail[key] = value end
  return detail
end

-- The parameters are looked at once, here.
local function prepare(self, operation, params)
  local ok, message, code, faulty = require("eni6.aws.validate").check(self.service, operation.name, params)
  if not ok then return nil, message, code, unsent(operation, { faults = faulty.faults }) end
  return new_request(self, operation, params or {})
end

local function carry_out(self, request)
  if not self.credentials and not request.unsigned then
    local ok, message, code = find_credentials(self)
    if not ok then return nil, message, code, unsent(request.operation) end
  end
  return perform(self, request)
end

local function check_open(self)
  if self.closed then error("the client is closed", 3) end
end

--- Calls an operation: `client:call("DescribeVpcs", {…})` is `client:DescribeVpcs{…}`.
---@param name string an operation; one that does not exist raises, and tells the nearest
---@param params table|nil checked against the model before anything is sent; true dry runs give { DryRun = true }
---@return table|nil result
---@return string|nil message
---@return string|nil code the service's, the transport's, "ParamValidation", "NoCredentials", …
---@return table|nil detail { operation=, attempts=, status=, request_id=, retryable=, unknown=, client_token=, faults= };
---  unknown: one of the attempts may have acted, and its answer was lost; faults: of "ParamValidation", each by itself
function Client:call(name, params)
  check_open(self)
  local request, message, code, detail = prepare(self, operation_of(self, name, 2), params)
  if not request then return nil, message, code, detail end
  return carry_out(self, request)
end

--- The pages of an operation's answers, in turn.
---@param name string
---@param params table|nil
---@return fun(): table|false|nil, string?, string?, table? iterator page; or false, message, code, detail once, then the end
function Client:pages(name, params)
  operation_of(self, name, 2)
  return require("eni6.aws.paging").pages(self, name, params)
end

--- All pages of an operation's answers in one.
---@param name string
---@param params table|nil
---@return table|nil result
---@return string|nil message
---@return string|nil code
---@return table|nil detail
function Client:all(name, params)
  operation_of(self, name, 2)
  return require("eni6.aws.paging").all(self, name, params)
end

local function waiter_of(self, name, level)
  local waiter, message = self.service:waiter(name)
  if not waiter then error(message, level + 1) end
  return waiter
end

--- Waits until something is so: `ec2:wait("InstanceRunning", { InstanceIds = … }, { timeout = 300 })`.
---@param name string one of the service's waiters; one that does not exist raises
---@param params table|nil of the waiter's operation
---@param options { timeout: number|nil, on_poll: fun(state: table)|nil }|nil timeout: seconds, by default the waiter's own
---@return table|nil result the last answer
---@return string|nil message names the resource and its state
---@return string|nil code "WaiterFailed", "ETIMEDOUT", or the operation's
---@return table|nil detail
function Client:wait(name, params, options)
  return require("eni6.aws.waiters").wait(self, waiter_of(self, name, 2), params, options or {})
end

-- --- without blocking -----------------------------------------------------------------------

local PARTS = { "exchange", "xml", "failure", "credentials", "timestamp", "paging", "waiters" }

-- Loads what calls need, libcurl above all: once, and not in a step of the host's loop.
local function load_parts(self)
  for _, name in ipairs(PARTS) do require("eni6.aws." .. name) end
  require "eni6.sigv4"
  self:transport() -- a proxy that can't be used is told by the call
end

local function runner_of(self)
  if self.runner then return self.runner end
  local runner, message, code = require("eni6.aws.calls").runner()
  if not runner then return nil, message, code end
  load_parts(self)
  self.runner = runner
  return runner
end

local function start(self, progress, fn, ...)
  local runner, message, code = runner_of(self)
  if not runner then return nil, message, code, { operation = progress.operation, attempts = 0, retryable = true } end
  return require("eni6.aws.calls").start(self, runner, progress, fn, ...)
end

--- Starts an operation and returns at once. A loop of the program's own polls the client's `pollfd` for its `events`,
--- at most `timeout` seconds, and calls `step`, until the call is `done`; then `result` gives what `call` would have
--- returned. One descriptor serves all calls of a client. A call that is dropped before it is done is cancelled.
--- The first start of a client loads libraries, some 20 ms; `pollfd` does it before.
---@param name string as call's
---@param params table|nil as call's, read at once
---@return eni6.aws.Call|nil call
---@return string|nil message
---@return string|nil code "ParamValidation", "EMFILE", …
---@return table|nil detail
function Client:start(name, params)
  check_open(self)
  local request, message, code, detail = prepare(self, operation_of(self, name, 2), params)
  if not request then return nil, message, code, detail end
  return start(self, { operation = name, request = request }, carry_out, self, request)
end

--- `all` without blocking, see start.
---@param name string
---@param params table|nil left as it is until the call is done
---@return eni6.aws.Call|nil call, string? message, string? code
function Client:start_all(name, params)
  check_open(self)
  operation_of(self, name, 2)
  return start(self, { operation = name }, self.all, self, name, params)
end

--- `wait` without blocking, see start.
---@param name string
---@param params table|nil left as it is until the call is done
---@param options table|nil as wait's
---@return eni6.aws.Call|nil call, string? message, string? code
function Client:start_wait(name, params, options)
  check_open(self)
  return start(self, { operation = waiter_of(self, name, 2).operation }, self.wait, self, name, params, options)
end

--- Starts a function that calls the client as if it blocked: several operations in turn, or page by page. What waits in
--- it lets the host's loop run. See start.
---@param fn function what it returns is the call's result
---@param ... any its arguments
---@return eni6.aws.Call|nil call, string? message, string? code
function Client:start_task(fn, ...)
  check_open(self)
  if type(fn) ~= "function" then error("start_task: expected a function, not " .. type(fn), 2) end
  return start(self, { operation = "task" }, fn, ...)
end

--- The descriptor of the calls that were started, the same for the client's whole life.
---@return integer|nil descriptor readable when `step` has something to do, but for what `timeout` says
---@return string|nil message
---@return string|nil code "EMFILE"
function Client:pollfd()
  check_open(self)
  local runner, message, code = runner_of(self)
  if not runner then return nil, message, code end
  return runner:pollfd()
end

---@return string events "r"
function Client:events() return "r" end -- luacheck: no self

---@return number|nil seconds after which to call step at the latest
function Client:timeout() return self.runner and self.runner:timeout() end

--- Moves the calls that were started on as far as they go without waiting. If it raises (an interrupt), all are cancelled.
function Client:step()
  if self.runner then self.runner:step() end
end

return client
