--- The Docker Engine API over its unix socket.
-- https://docs.docker.com/reference/api/engine/
--
-- Paths carry no version: every engine then answers with its own newest, which is
-- the only choice that both the 20.10 of the distributions and the engines that
-- dropped old versions accept.

local json = require("eni6.rocks").need "dkjson"

local docker = {}

local Engine = { __name = "eni6.docker" }
Engine.__index = Engine

local ENDLESS = 24 * 3600

--- What went wrong, by the engine's HTTP status.
local CODES = { [400] = "InvalidParameter", [403] = "Forbidden", [404] = "NotFound", [409] = "Conflict" }

--- A client for one engine. Nothing is sent before the first call.
---@param options { socket: string|nil, http: table|nil, timeout: number|nil }|nil
---   `socket`: path, default /var/run/docker.sock; `timeout`: seconds for a call that does not stream, default 30
---@return table engine
function docker.new(options)
  options = options or {}
  return setmetatable({
    socket = options.socket or "/var/run/docker.sock",
    http = options.http or require("eni6.http").new({}),
    timeout = options.timeout or 30,
  }, Engine)
end

local UNREACHABLE = {
  ENOENT = "is Docker installed? configure.lua --install-docker installs it",
  ECONNREFUSED = "dockerd does not run; start it with: systemctl start docker",
  EACCES = "no right to use the socket; run as root or join the group docker",
  ETIMEDOUT = "dockerd does not answer; look at: journalctl -u docker",
}

local function unreachable(engine, message, code, detail)
  local remedy = UNREACHABLE[code] or "look at: journalctl -u docker"
  return nil, string.format("Docker at %s: %s (%s)", engine.socket, message, remedy), code, detail
end

local function refused(response, method, path)
  local answer = json.decode(response.body)
  local message = type(answer) == "table" and answer.message
  if type(answer) ~= "table" then message = response.body:match("%S.*") end
  message = message or "status " .. response.status
  local code = CODES[response.status] or "ServerError"
  return nil, string.format("Docker refused %s %s: %s", method, path:match("^[^?]*"), message), code,
    { status = response.status }
end

-- Bytes of a path or query component that need no escape: RFC 3986's unreserved.
local function escape(text)
  return (tostring(text):gsub("[^%w%-._~]", function(c) return string.format("%%%02X", c:byte()) end))
end

local function with_query(path, query)
  local parts = {}
  for _, pair in ipairs(query or {}) do
    if pair[2] ~= nil then parts[#parts + 1] = escape(pair[1]) .. "=" .. escape(pair[2]) end
  end
  return #parts == 0 and path or path .. "?" .. table.concat(parts, "&")
end

-- One request; the response whatever its status below 400, else nil, message, code.
local function call(engine, method, path, options)
  options = options or {}
  local body, headers = options.raw, { { "Host", "docker" } }
  if options.json then body = json.encode(options.json) end
  if body then headers[2] = { "Content-Type", options.raw and "application/x-tar" or "application/json" } end
  local target = with_query(path, options.query)
  local response, message, code, detail = engine.http:request({
    method = method, url = "http://docker" .. target, headers = headers, body = body,
    unix_socket = engine.socket, timeout = options.timeout or engine.timeout, on_data = options.on_data,
  })
  if not response then return unreachable(engine, message, code, detail) end
  if response.status >= 400 then return refused(response, method, target) end
  return response
end

local function call_json(engine, method, path, options)
  local response, message, code, detail = call(engine, method, path, options)
  if not response then return nil, message, code, detail end
  local value = json.decode(response.body)
  if type(value) ~= "table" then
    return nil, "Docker answered " .. method .. " " .. path .. " with what is not a JSON document", "EPROTO"
  end
  return value
end

local function call_empty(engine, method, path, options)
  local response, message, code, detail = call(engine, method, path, options)
  if not response then return nil, message, code, detail end
  return true
end

--- Whether the engine answers.
---@return true|nil ok, string? message, string? code
function Engine:ping() return call_empty(self, "GET", "/_ping", { timeout = 5 }) end

--- The engine's version: { Version=, ApiVersion=, … }.
function Engine:version() return call_json(self, "GET", "/version") end

--- The engine's state: { ServerVersion=, Driver=, … }.
function Engine:info() return call_json(self, "GET", "/info") end

--- Containers, running ones unless `all`; `filters` as in the API: { label = {"a=b"} }.
---@param options { all: boolean|nil, filters: table|nil }|nil
---@return table[]|nil list, string? message, string? code
function Engine:list(options)
  options = options or {}
  return call_json(self, "GET", "/containers/json", { query = {
    { "all", options.all and "1" or nil }, { "filters", options.filters and json.encode(options.filters) or nil },
  } })
end

--- Makes a container. `config` is the API's own table: { Image=, Cmd={…}, Labels={…}, HostConfig={…} }.
---@param name string|nil
---@param config table
---@return { Id: string, Warnings: string[] }|nil created, string? message, string? code
---   "NotFound" when the image is not there, "Conflict" when the name is taken
function Engine:create(name, config)
  return call_json(self, "POST", "/containers/create", { query = { { "name", name } }, json = config })
end

function Engine:start(id) return call_empty(self, "POST", "/containers/" .. escape(id) .. "/start") end

--- Stops a container, by force after `seconds` (default 10).
function Engine:stop(id, seconds)
  seconds = seconds or 10
  return call_empty(self, "POST", "/containers/" .. escape(id) .. "/stop",
    { query = { { "t", seconds } }, timeout = self.timeout + seconds })
end

--- Removes a container; a running one only with `force`.
function Engine:remove(id, force)
  return call_empty(self, "DELETE", "/containers/" .. escape(id), { query = { { "force", force and "1" or nil } } })
end

function Engine:inspect(id) return call_json(self, "GET", "/containers/" .. escape(id) .. "/json") end

--- Waits until a container has ended.
---@return { StatusCode: integer }|nil result, string? message, string? code
function Engine:wait(id, seconds)
  return call_json(self, "POST", "/containers/" .. escape(id) .. "/wait", { timeout = seconds or ENDLESS })
end

-- What a container without a terminal wrote arrives in frames: one byte of stream
-- (1 stdout, 2 stderr), three of zero, four of length, then the bytes.
local function split_streams(bytes)
  local streams, offset = { {}, {} }, 1
  while offset + 7 <= #bytes do
    local stream, length, start = string.unpack(">Bxxx I4", bytes, offset)
    local list = streams[stream] or streams[1]
    list[#list + 1] = bytes:sub(start, start + length - 1)
    offset = start + length
  end
  return table.concat(streams[1]), table.concat(streams[2])
end

--- What a container has written so far.
---@param id string
---@param options { tail: integer|nil }|nil lines from the end, default all
---@return { stdout: string, stderr: string }|nil output, string? message, string? code
function Engine:logs(id, options)
  local container, fault, fault_code = self:inspect(id)
  if not container then return nil, fault, fault_code end
  local response, message, code = call(self, "GET", "/containers/" .. escape(id) .. "/logs",
    { query = { { "stdout", "1" }, { "stderr", "1" }, { "tail", options and options.tail } } })
  if not response then return nil, message, code end
  if container.Config.Tty then return { stdout = response.body, stderr = "" } end
  local stdout, stderr = split_streams(response.body)
  return { stdout = stdout, stderr = stderr }
end

--- Runs a command in a running container and waits for it.
---@param id string
---@param argv string[]
---@param seconds number|nil the longest it may take, default 60
---@return { status: integer, stdout: string, stderr: string }|nil result, string? message, string? code
function Engine:exec(id, argv, seconds)
  local made, message, code = call_json(self, "POST", "/containers/" .. escape(id) .. "/exec",
    { json = { AttachStdout = true, AttachStderr = true, Cmd = argv } })
  if not made then return nil, message, code end
  local path = "/exec/" .. escape(made.Id)
  local response, start_message, start_code = call(self, "POST", path .. "/start",
    { json = { Detach = false, Tty = false }, timeout = seconds or 60 })
  if not response then return nil, start_message, start_code end
  local state, state_message, state_code = call_json(self, "GET", path .. "/json")
  if not state then return nil, state_message, state_code end
  local stdout, stderr = split_streams(response.body)
  return { status = state.ExitCode, stdout = stdout, stderr = stderr }
end

-- Feeds each JSON document of a stream, one a line, to visit.
local function json_lines(visit)
  local rest = ""
  return function(chunk)
    rest = rest .. chunk
    for line in rest:gmatch("([^\n]*)\n") do
      local event = json.decode(line)
      if event then visit(event) end
    end
    rest = rest:match("[^\n]*$")
  end
end

-- A stream of progress. It may end in an error although its status was 200; a
-- refusal's body comes through the stream too.
local function call_progress(engine, path, options)
  local fault
  local feed = json_lines(function(event)
    fault = event.error or event.message or fault
    if options.on_progress then options.on_progress(event) end
  end)
  options.on_data, options.timeout = feed, ENDLESS
  local response, message, code, detail = call(engine, "POST", path, options)
  feed("\n")
  if fault then return nil, "Docker: " .. fault, code or "ServerError", detail end
  if not response then return nil, message, code, detail end
  return true
end

--- Pulls an image.
---@param image string name, with tag or digest
---@param on_progress fun(event: table)|nil gets the API's { id=, status=, progressDetail={current=, total=} }
---@return true|nil ok, string? message, string? code
function Engine:pull(image, on_progress)
  local tagged = image:match("[:@][^/]*$") and image or image .. ":latest"
  return call_progress(self, "/images/create", { query = { { "fromImage", tagged } }, on_progress = on_progress })
end

--- Makes an image of a tar archive of a root directory.
---@param name string
---@param tar string the archive's bytes
---@return true|nil ok, string? message, string? code
function Engine:import_image(name, tar)
  return call_progress(self, "/images/create", { query = { { "fromSrc", "-" }, { "repo", name } }, raw = tar })
end

function Engine:inspect_image(name) return call_json(self, "GET", "/images/" .. escape(name) .. "/json") end

function Engine:networks() return call_json(self, "GET", "/networks") end

function Engine:inspect_network(name) return call_json(self, "GET", "/networks/" .. escape(name)) end

--- Makes a network. `config` is the API's own table: { Name=, Driver=, EnableIPv6=, IPAM=, Options= }.
function Engine:create_network(config) return call_json(self, "POST", "/networks/create", { json = config }) end

function Engine:remove_network(name) return call_empty(self, "DELETE", "/networks/" .. escape(name)) end

return docker
