--- The sandbox: an EC2 endpoint on loopback to rehearse against. It shares no
--- code with the client (`eni6.aws`), so that it cannot share its mistakes.

local places = require "eni6.sandbox.catalogue.places"
local system = require("eni6.core").system

local sandbox = { __name = "eni6.sandbox" }
sandbox.__index = sandbox

---@class eni6.sandbox.options
---@field port integer|nil 0, the default, for one that is free
---@field region string|nil us-east-1
---@field subnet_cidr string|nil 2001:db8:47b:ca03::/64
---@field seed integer|nil makes ids, addresses and faults repeatable
---@field session_token string|nil one that requests must carry
---@field habits { latency: number, state_delay: number, consistency_lag: number }|nil seconds
---@field faults string[]|nil fault rules in JSON
---@field on_log (fun(entry: table))|nil called for every request
---@field signals boolean|nil stop on SIGINT and SIGTERM
---@field stdin boolean|nil stop at the end of standard input
---@field network boolean|nil build the network of the instances too (root)

local function new_seed()
  local a, b, c, d = system.random(4):byte(1, 4)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function read_faults(texts)
  local json, rules = require("eni6.rocks").need "dkjson", {}
  for i, text in ipairs(texts or {}) do
    rules[i] = json.decode(text)
    if type(rules[i]) ~= "table" then return nil, "the fault rule is no JSON: " .. text, "EINVAL" end
  end
  return rules
end

local function exports(server, keys, region, ids)
  local url = "http://127.0.0.1:" .. server.port
  local list = {
    { "AWS_ENDPOINT_URL", url },
    { "AWS_ENDPOINT_URL_EC2", url },
    { "AWS_ACCESS_KEY_ID", keys.access_key_id },
    { "AWS_SECRET_ACCESS_KEY", keys.secret_access_key },
    { "AWS_REGION", region },
    { "AWS_DEFAULT_REGION", region },
    { "VPC_ID", ids.vpc_id },
    { "SUBNET_ID", ids.subnet_id },
    { "SECURITY_GROUP_ID", ids.security_group_id },
    { "IMAGE_ID", ids.image_id },
  }
  if keys.session_token then table.insert(list, 5, { "AWS_SESSION_TOKEN", keys.session_token }) end
  return list
end

local function new_world(options, seed)
  local world = require("eni6.sandbox.state.world").new { clock = system.time, seed = seed, region = options.region }
  local ids, message, code = require("eni6.sandbox.genesis")(world, options.subnet_cidr)
  if not ids then return nil, message, code end
  for name, value in pairs(options.habits or {}) do world.habits[name] = value end
  return world, ids
end

-- Signals are blocked before anybody can know of the sandbox, and waited for
-- beside the requests.
local function catch_signals()
  local signal = require "cqueues.signal"
  signal.block(signal.SIGINT, signal.SIGTERM)
  return signal.listen(signal.SIGINT, signal.SIGTERM)
end

local function open_network(world, server, on_log)
  local function on_error(message)
    if on_log then on_log { operation = "network", error = message } end
  end
  local network, message, code = require("eni6.sandbox.network").open {
    world = world, port = server.port, loop = server.loop, http = server.http, on_error = on_error }
  server.network = network
  return network, message, code
end

--- Makes a sandbox and binds it to 127.0.0.1.
---@param options eni6.sandbox.options
---@return table|nil sandbox with `exports`: `{ {name, value}, … }`, `world` and `server`
---@return string|nil message
---@return string|nil code
function sandbox.open(options)
  local region, seed = options.region or "us-east-1", options.seed or new_seed()
  if not places.is_region(region) then
    return nil, "there is no region '" .. region .. "'; known: " .. table.concat(places.regions(), " "), "EINVAL"
  end
  local rules, message, code = read_faults(options.faults)
  if not rules then return nil, message, code end
  local world, ids = new_world(options, seed)
  if not world then return nil, ids, "EINVAL" end
  local keys = require("eni6.sandbox.authentication").new_keys(world.random)
  keys.session_token = options.session_token
  local server
  server, message, code = require("eni6.sandbox.server").open {
    world = world, keys = keys, port = options.port or 0, seed = seed, on_log = options.on_log }
  if not server then return nil, message, code end
  local ok
  ok, message, code = server.faults:set(rules)
  if not ok then return nil, message, code end
  local network
  if options.network then
    network, message, code = open_network(world, server, options.on_log)
    if not network then return nil, message, code end
  end
  return setmetatable({ world = world, server = server, exports = exports(server, keys, region, ids), network = network,
    signals = options.signals and catch_signals(), follow_stdin = options.stdin }, sandbox)
end

local function stop_on(signals, server)
  return function()
    signals:wait()
    server:stop()
  end
end

-- Reads what there is of standard input; false at its end.
local function drain_input()
  while system.poll({ { 0, "r" } }, 0)[1] do
    if not io.stdin:read(1) then return false end
  end
  return true
end

-- A file or /dev/null is always readable, and so never gets to the wait, which
-- epoll would refuse for it.
local function stop_at_end_of_input(server)
  return function(cqueues)
    io.stdin:setvbuf("no")
    while drain_input() do cqueues.poll { pollfd = 0, events = "r" } end
    server:stop()
  end
end

--- Serves until stopped.
---@return true|nil ok
---@return string|nil message
function sandbox:run()
  local watch = {}
  if self.signals then watch[#watch + 1] = stop_on(self.signals, self.server) end
  if self.follow_stdin then watch[#watch + 1] = stop_at_end_of_input(self.server) end
  local ok, message = self.server:run(watch)
  if self.network then self.network:close() end
  return ok, message
end

return sandbox
