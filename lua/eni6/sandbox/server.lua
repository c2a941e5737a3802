--- The HTTP server around the endpoint: sockets, waiting, faults and the log.

local rocks = require "eni6.sandbox.rocks"
local control = require "eni6.sandbox.control"
local endpoint = require "eni6.sandbox.endpoint"
local faults = require "eni6.sandbox.faults"
local key_servers = require "eni6.sandbox.key_servers"
local random = require "eni6.sandbox.random"
local refusal = require "eni6.sandbox.refusal"
local xml = require "eni6.sandbox.xml"

local server = { __name = "eni6.sandbox.server" }
server.__index = server

local MAX_BODY = 4 * 1024 * 1024
-- Of the log, the latter half is kept whenever it gets longer.
local LOG_LENGTH = 20000

---@class eni6.sandbox.server_options
---@field world table
---@field keys eni6.sandbox.keys
---@field port integer 0 for one that is free
---@field seed integer what the faults' probabilities are decided by
---@field on_log (fun(entry: table))|nil called for every request

-- The head of a request in the endpoint's form.
local function read_headers(stream)
  local headers, list = stream:get_headers(30), {}
  if not headers then return nil end
  for name, value in headers:each() do
    if name == ":authority" then name = "host" end
    if name:sub(1, 1) ~= ":" then list[#list + 1] = { name, value } end
  end
  if headers:get("expect") == "100-continue" then stream:write_continue(30) end
  return { method = headers:get(":method"), target = headers:get(":path"), headers = list }
end

local function read_body(stream)
  local chunks, size = {}, 0
  while true do
    local chunk, _, errno = stream:get_next_chunk(30)
    if not chunk then return not errno and table.concat(chunks) or nil end
    chunks[#chunks + 1], size = chunk, size + #chunk
    if size > MAX_BODY then return false end
  end
end

local function http_date(seconds) return os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(seconds)) end

local function write_head(self, stream, answer)
  local headers = self.new_headers()
  headers:append(":status", tostring(answer.status))
  headers:append("content-type", answer.type or "text/xml;charset=UTF-8")
  headers:append("content-length", tostring(#answer.body))
  headers:append("date", http_date(self.world.clock()))
  headers:append("server", "AmazonEC2")
  if answer.request_id then headers:append("x-amzn-requestid", answer.request_id) end
  return stream:write_headers(headers, false, 30)
end

local function write_answer(self, stream, answer)
  if write_head(self, stream, answer) then stream:write_chunk(answer.body, true, 30) end
end

-- Ends the connection without another byte.
local function cut(stream)
  local socket = stream.connection:take_socket()
  if socket then socket:close() end
end

local function error_answer(code, message, status)
  local refused = refusal.new(code, message, status)
  local request_id = "00000000-0000-4000-8000-000000000000"
  return { status = refused.status, code = code, body = xml.error(code, message, request_id), request_id = request_id }
end

local function page(status)
  return { status = status, type = "text/html", code = "html", body = "<!DOCTYPE html>\n<html><head><title>" .. status
    .. "</title></head><body><h1>" .. status .. "</h1><p>The proxy could not reach the server.</p></body></html>\n" }
end

local function status_answer(rule)
  local status = rule.status or 500
  local code = rule.code or (status == 503 and "Unavailable" or "InternalError")
  return error_answer(code, rule.message or "An internal error has occurred", status)
end

-- Waits for a release; false when the request is to be dropped.
local function hold(self)
  local entry = { dropped = false }
  self.held[#self.held + 1] = entry
  self.released:wait()
  return not entry.dropped
end

--- Lets the held requests go on, or drops them: those held before they act then
--- never do, and the connections are closed.
---@param drop boolean|nil
---@return integer how many they were
function server:release(drop)
  local held = self.held
  self.held = {}
  for _, entry in ipairs(held) do entry.dropped = drop or false end
  self.released:signal()
  return #held
end

-- Each kind of fault, in the place of `answer_plainly`. They return the answer
-- that was or would have been given, for the log.
local STRIKE = {}

function STRIKE.throttle(self, stream)
  local answer = error_answer("RequestLimitExceeded", "Request limit exceeded.")
  write_answer(self, stream, answer)
  return answer
end

function STRIKE.status(self, stream, _, rule)
  local answer = status_answer(rule)
  write_answer(self, stream, answer)
  return answer
end

function STRIKE.html(self, stream, _, rule)
  local answer = page(rule.status or 502)
  write_answer(self, stream, answer)
  return answer
end

function STRIKE.close_before(_, stream)
  cut(stream)
  return { status = 0 }
end

function STRIKE.delay(self, stream, request, rule)
  self.sleep(rule.seconds or 1)
  local answer = self.endpoint:answer(request)
  write_answer(self, stream, answer)
  return answer
end

function STRIKE.lose_answer(self, stream, request)
  local answer = self.endpoint:answer(request)
  cut(stream)
  return answer
end

function STRIKE.drop_body(self, stream, request)
  local answer = self.endpoint:answer(request)
  if write_head(self, stream, answer) then
    stream:write_chunk(answer.body:sub(1, math.floor(#answer.body / 2)), false, 30)
    stream.connection:flush(30)
  end
  cut(stream)
  return answer
end

function STRIKE.hold_before(self, stream, request)
  if not hold(self) then return STRIKE.close_before(self, stream) end
  local answer = self.endpoint:answer(request)
  write_answer(self, stream, answer)
  return answer
end

function STRIKE.hold_after(self, stream, request)
  local answer = self.endpoint:answer(request)
  if hold(self) then write_answer(self, stream, answer) else cut(stream) end
  return answer
end

local function answer_plainly(self, stream, request)
  local answer = self.endpoint:answer(request)
  if self.world.habits.latency > 0 then self.sleep(self.world.habits.latency) end
  write_answer(self, stream, answer)
  return answer
end

local function note(self, entry)
  self.log[#self.log + 1] = entry
  if #self.log > LOG_LENGTH then self.log = table.move(self.log, LOG_LENGTH / 2 + 1, #self.log, 1, {}) end
  if self.on_log then self.on_log(entry) end
end

local function serve_api(self, stream, request)
  local started = self.monotonic()
  local operation = endpoint.operation_of(request)
  local rule = self.faults:choose(operation)
  local strike = rule and STRIKE[rule.kind] or answer_plainly
  local answer = strike(self, stream, request, rule)
  note(self, {
    operation = operation, status = answer.status, code = answer.code, fault = rule and rule.kind,
    ms = math.floor((self.monotonic() - started) * 10000) / 10, time = self.world.clock(), error = answer.fault,
  })
end

local function serve(self, stream)
  local request = read_headers(stream)
  if not request then return end
  request.body = read_body(stream)
  if request.body == false then
    return write_answer(self, stream, error_answer("RequestEntityTooLarge", "The request is larger than this endpoint takes"))
  end
  if not request.body then return end
  if request.target:find("^/_sandbox/") then return write_answer(self, stream, control.answer(self, request)) end
  local keys = key_servers.answer(self, request)
  if keys then
    note(self, { operation = request.target:match("^[^?]*"), status = keys.status, time = self.world.clock() })
    return write_answer(self, stream, keys)
  end
  serve_api(self, stream, request)
end

-- Does what is due in the world even when no request comes.
local function keep_time(self, cqueues)
  while true do
    local seconds = self.world:advance()
    cqueues.poll(self.woken, seconds)
  end
end

local function bind(self, http)
  return http.server.listen {
    cq = self.loop, host = "127.0.0.1", port = self.port, tls = false, version = 1.1, intra_stream_timeout = 600,
    onstream = function(_, stream) serve(self, stream) end,
    onerror = function(_, _, operation, message)
      if self.on_log then self.on_log { operation = operation, error = tostring(message) } end
    end,
  }
end

--- Makes a server and binds it to 127.0.0.1.
---@param options eni6.sandbox.server_options
---@return table|nil server with `port`
---@return string|nil message
---@return string|nil code "ENOENT" when lua-http is missing, "EADDRINUSE", …
function server.open(options)
  local http, message, code = rocks.http()
  if not http then return nil, message, code end
  local cqueues, condition = require "cqueues", require "cqueues.condition"
  local self = setmetatable({
    world = options.world, port = options.port, on_log = options.on_log, log = {}, held = {}, metadata_tokens = {},
    endpoint = endpoint.new(options.world, options.keys), faults = faults.new(random.new(options.seed + 1)),
    http = http, loop = cqueues.new(), released = condition.new(), woken = condition.new(),
    new_headers = http.headers.new, sleep = cqueues.sleep, monotonic = cqueues.monotime,
  }, server)
  local listener, why = bind(self, http)
  local ok = listener
  if listener then ok, why = listener:listen(5) end
  if not ok then
    return nil, "cannot listen on 127.0.0.1, port " .. options.port .. ": " .. tostring(why), "EADDRINUSE"
  end
  self.listener = listener
  self.port = select(3, listener:localname())
  options.world.wake = function() self.woken:signal() end
  self.loop:wrap(keep_time, self, cqueues)
  return self
end

--- Stops the server from within its loop.
function server:stop() self.stopping = true end

--- Serves until stopped.
---@param watch (fun(cqueues: table))[]|nil coroutines to run beside, which may stop the server
---@return true|nil ok
---@return string|nil message
function server:run(watch)
  local cqueues = require "cqueues"
  for _, watcher in ipairs(watch or {}) do self.loop:wrap(watcher, cqueues) end
  while not self.stopping do
    local ok, message = self.loop:step()
    if not ok then return nil, tostring(message) end
  end
  self.listener:close()
  return true
end

return server
