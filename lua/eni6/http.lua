--- HTTP over libcurl: many requests at once behind one descriptor, with deadlines.
-- Inside a task (`eni6.tasks`) a request suspends the task; elsewhere it blocks.
-- A client's `pollfd`, `events` and `timeout` tell a foreign event loop when to
-- call `step`, which never waits.

local tasks = require "eni6.tasks"

local http = {}

local DEFAULTS = { timeout = 60, connect_timeout = 10, max_body = 64 * 1024 * 1024, max_connections = 256 }

-- Methods that RFC 9110 (9.2.1) calls safe: they may be sent again unasked.
local SAFE = { GET = true, HEAD = true, OPTIONS = true, TRACE = true }

local CLIENT_OPTIONS = {
  proxy = "string or false", no_proxy = "string", ca_file = "string", ca_path = "string", verify = "boolean",
  unix_socket = "string", max_connections = "number", timeout = "number", connect_timeout = "number",
  max_body = "number", getenv = "function",
}
local REQUEST_FIELDS = {
  method = "string", url = "string", headers = "table", body = "string", timeout = "number",
  connect_timeout = "number", max_body = "number", unix_socket = "string", on_data = "function",
  idempotent = "boolean",
}

-- Raises, at the caller of new or start, for a name or a type that is not in `allowed`.
local function check(what, values, allowed)
  if type(values) ~= "table" then error(what .. ": expected a table, not " .. type(values), 3) end
  for name, value in pairs(values) do
    local wanted = allowed[name]
    if not wanted then error(what .. ": unknown field " .. tostring(name), 3) end
    if type(value) ~= wanted and not (wanted == "string or false" and (value == false or type(value) == "string")) then
      error(string.format("%s: %s must be a %s, not %s", what, name, wanted, type(value)), 3)
    end
    if wanted == "number" and (value ~= value or value <= 0) then error(what .. ": " .. name .. " must be above 0", 3) end
  end
end

---@class eni6.http.response
---@field status integer of HTTP
---@field http_version string "1.0", "1.1" or "2"
---@field headers string[][] `{ {name, value}, … }`, in order, repeats kept
---@field body string empty when on_data took it
local response_methods = {}
local response_metatable = { __index = response_methods, __name = "eni6.http.response" }

--- The first header of that name.
---@param name string upper and lower case are the same
---@return string|nil value
function response_methods:header(name)
  name = name:lower()
  for _, header in ipairs(self.headers) do
    if header[1]:lower() == name then return header[2] end
  end
end

---@class eni6.http.transfer
local transfer_methods = {}
local transfer_metatable = { __index = transfer_methods, __name = "eni6.http.transfer" }

---@class eni6.http.client
local client_methods = {}
local client_metatable = { __index = client_methods, __name = "eni6.http.client" }

-- --- the environment ------------------------------------------------------------

local function first_set(getenv, ...)
  for _, name in ipairs { ... } do
    local value = getenv(name)
    if value and value ~= "" then return value, name end
  end
end

-- A proxy's URL with its scheme; faults do not show it, it may hold a password.
local function proxy_url(value, where)
  if not value then return nil end
  if not value:find("^%a[%w+.-]*://") then value = "http://" .. value end
  if value:find("[%c%s]") or not value:find("^%a[%w+.-]*://[^/]") then
    return nil, where .. " is not a proxy's URL, such as http://proxy.example:3128"
  end
  return value
end

-- The proxies for http and https URLs: given, switched off (false), or the environment's.
local function choose_proxies(options, getenv)
  if options.proxy == false then return {} end
  if options.proxy then
    local url, fault = proxy_url(options.proxy, "proxy")
    return { http = url, https = url, no_proxy = options.no_proxy }, fault
  end
  -- HTTP_PROXY may be a header that a visitor sent where a web server runs us as CGI.
  local cgi = getenv("REQUEST_METHOD")
  local chosen, fault = { no_proxy = options.no_proxy or first_set(getenv, "no_proxy", "NO_PROXY") }, nil
  for scheme, names in pairs {
    https = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" },
    http = { "http_proxy", cgi and "http_proxy" or "HTTP_PROXY", "all_proxy", "ALL_PROXY" },
  } do
    local value, name = first_set(getenv, names[1], names[2], names[3], names[4])
    local url, wrong = proxy_url(value, name)
    chosen[scheme], fault = url, fault or wrong
  end
  return chosen, fault
end

--- Makes a client: a pool of kept connections with settings. The environment is read here, once:
--- https_proxy, http_proxy, all_proxy, no_proxy (also in capitals), AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE,
--- SSL_CERT_FILE, SSL_CERT_DIR.
---@param options table?
---  proxy: URL of a proxy for every request; false: none, whatever the environment says;
---  no_proxy: comma-separated host names, domains and networks that need none;
---  ca_file, ca_path: certificates to trust in place of the system's; verify: false trusts any server;
---  unix_socket: path to connect to in place of the URL's host;
---  max_connections: requests under way at once, 256 if nil; more of them wait, within their time limits;
---  timeout, connect_timeout, max_body: defaults of the requests, see start;
---  getenv: function in place of os.getenv
---@return eni6.http.client|nil client, string? message, string? code "EINVAL" for an unusable proxy
function http.new(options)
  options = options or {}
  check("http.new", options, CLIENT_OPTIONS)
  local getenv = options.getenv or os.getenv
  local proxies, fault = choose_proxies(options, getenv)
  if fault then return nil, fault, "EINVAL" end
  local handle, message, code = require("eni6.core.http").new(options.max_connections or DEFAULTS.max_connections)
  if not handle then return nil, message, code end
  return setmetatable({
    handle = handle,
    transfers = {}, -- those under way, by their core handle
    proxies = proxies,
    settings = {
      ca_file = options.ca_file or first_set(getenv, "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
      ca_path = options.ca_path or not options.ca_file and first_set(getenv, "SSL_CERT_DIR") or nil,
      insecure = options.verify == false,
      unix_socket = options.unix_socket,
      timeout = options.timeout or DEFAULTS.timeout,
      connect_timeout = options.connect_timeout or DEFAULTS.connect_timeout,
      max_body = options.max_body,
    },
  }, client_metatable)
end

-- --- clients --------------------------------------------------------------------

-- The request as core takes it, the client's settings filled in.
local function core_request(self, request)
  local settings = self.settings
  local method = request.method or "GET"
  local scheme = request.url:match("^(%a+):")
  local max_body = request.max_body or settings.max_body or not request.on_data and DEFAULTS.max_body
  return {
    method = method,
    url = request.url,
    headers = request.headers,
    body = request.body,
    timeout = request.timeout or settings.timeout,
    connect_timeout = request.connect_timeout or settings.connect_timeout,
    max_body = max_body and max_body < math.huge and math.floor(max_body) or nil,
    stream = request.on_data ~= nil,
    repeatable = request.idempotent or request.idempotent == nil and SAFE[method] or false,
    insecure = settings.insecure,
    unix_socket = request.unix_socket or settings.unix_socket,
    proxy = self.proxies[scheme and scheme:lower()],
    no_proxy = self.proxies.no_proxy,
    ca_file = settings.ca_file,
    ca_path = settings.ca_path,
  }
end

local function start(self, request)
  local handle, message, code = self.handle:start(core_request(self, request))
  if not handle then return nil, message, code, { sent = false } end
  local transfer = setmetatable({ client = self, handle = handle, on_data = request.on_data }, transfer_metatable)
  self.transfers[handle] = transfer
  return transfer
end

--- Starts a request and returns at once. What is sent is what is given: the headers in their order and no
--- other but Host and Content-Length, the path as it is written. Redirects are not followed. A request with a
--- method that is not safe (POST) is sent once at most: when a kept connection breaks before the answer it fails
--- with `detail.sent = true`, unless `idempotent` allows to send it again.
---@param request table
---  url: string, http or https; method: "GET" if nil; headers: `{ {name, value}, … }`; body: string;
---  timeout: seconds for the whole request, the client's or 60 if nil, math.huge for none;
---  connect_timeout: seconds until the connection stands, the client's or 10 if nil;
---  max_body: bytes of the answer's body, 64 MiB if nil (no limit with on_data);
---  unix_socket: path to connect to; idempotent: boolean;
---  on_data: function(chunk, head) called with each piece of the body, and with status, http_version and headers
---  in head; returning false, or raising, ends the transfer
---@return eni6.http.transfer|nil transfer, string? message, string? code "EINVAL", "EPROTONOSUPPORT"
---@return table? detail `{ sent = false }`
function client_methods:start(request)
  check("http.start", request, REQUEST_FIELDS)
  if not request.url then error("http.start: url is missing", 2) end
  return start(self, request)
end

--- Sends a request and waits for the answer. Any HTTP status is an answer.
---@param request table as start's
---@return eni6.http.response|nil response
---@return string? message
---@return string? code "ERESOLVE", "ECONNREFUSED", "ENETUNREACH", "ECONNRESET", "ETIMEDOUT", "ETLS", "EMSGSIZE"
---(body or headers beyond their limit), "EPROTO" (not HTTP, or a proxy that refuses), "ECANCELED", "EINVAL", …
---@return table? detail `{ sent = boolean }`: whether any byte of the request may have reached the server; false:
---it is surely safe to repeat
function client_methods:request(request)
  check("http.request", request, REQUEST_FIELDS)
  if not request.url then error("http.request: url is missing", 2) end
  tasks.checkpoint()
  local transfer, message, code, detail = start(self, request)
  if not transfer then return nil, message, code, detail end
  tasks.await(transfer)
  return transfer:result()
end

-- Keeps the outcome, lets go of what core holds, and tells who waits. An interrupt may end it at any point: then it is
-- done again when the transfer is cancelled.
local function finish(transfer)
  local handle = transfer.handle
  if transfer.finished then return end
  transfer.outcome = transfer.outcome or transfer.failure or table.pack(handle:result())
  if transfer.outcome[1] then setmetatable(transfer.outcome[1], response_metatable) end
  transfer.client.transfers[handle] = nil
  handle:close()
  transfer.finished = true
  local notify = transfer.notify
  transfer.notify = nil
  if notify then notify() end
end

local function stop(transfer, message, cause)
  transfer.failure = { nil, message, "ECANCELED", { sent = true, cause = cause }, n = 4 }
  transfer.handle:cancel()
end

-- Hands the bytes that came to on_data, which may want no more of them.
local function deliver(transfer)
  local chunk = transfer.handle:take()
  if not chunk then return end
  transfer.head = transfer.head or setmetatable(transfer.handle:head(), response_metatable)
  local ok, verdict = pcall(transfer.on_data, chunk, transfer.head)
  if transfer.outcome then return end -- it has cancelled the transfer or closed the client
  if not ok then
    stop(transfer, "on_data failed: " .. tostring(verdict), verdict)
  elseif verdict == false then
    stop(transfer, "on_data wanted no more")
  end
end

--- Does all that can be done without waiting, and calls on_data with what came.
function client_methods:step()
  for _, handle in ipairs(self.handle:step()) do
    local transfer = self.transfers[handle]
    if transfer then
      if transfer.on_data and not transfer.failure then deliver(transfer) end
      if not transfer.outcome and handle:done() then finish(transfer) end
    end
  end
end

---@return integer descriptor readable when step has something to do; the same for the client's whole life
function client_methods:pollfd() return self.handle:pollfd() end

---@return string events "r"
function client_methods:events() return "r" end -- luacheck: no self

---@return nil timeout none: time limits make the descriptor readable
function client_methods:timeout() return nil end -- luacheck: no self

--- Cancels what is under way and closes the connections. May be called again.
function client_methods:close()
  local under_way = {}
  for _, transfer in pairs(self.transfers) do under_way[#under_way + 1] = transfer end
  for _, transfer in ipairs(under_way) do transfer:cancel() end
  self.handle:close()
end

client_metatable.__close = client_methods.close

-- --- transfers --------------------------------------------------------------------

---@return boolean done
function transfer_methods:done() return self.outcome ~= nil end

--- What request returns. Raises while the transfer is not done.
---@return eni6.http.response|nil response, string? message, string? code, table? detail
function transfer_methods:result()
  if not self.outcome then error("http: the transfer is not done: wait, or step its client", 2) end
  return table.unpack(self.outcome, 1, self.outcome.n)
end

--- Ends the transfer with ECANCELED; nothing if it is done.
function transfer_methods:cancel()
  if self.finished then return end
  if not self.outcome then self.handle:cancel() end
  finish(self)
end

--- For `tasks.await`: what must be polled and stepped for this to come about.
---@return eni6.http.client driver
function transfer_methods:driver() return self.client end

--- For `tasks.await`: has a function called once, when the transfer is done.
---@param notify function
function transfer_methods:on_done(notify) self.notify = notify end

return http
