--- A sandbox of a script's own: an EC2 endpoint on loopback that starts with the
-- script and never outlives it.

local process = require "eni6.process"

local rehearsal = {}
rehearsal.__index = rehearsal

local SECONDS_TO_START = 20

local function read_exports(child)
  local env = {}
  while true do
    local line, message = child:read_line(SECONDS_TO_START)
    if not line then return nil, "the sandbox did not start: " .. tostring(message) end
    if line == "ready" then return env end
    local name, value = line:match("^export ([%w_]+)='(.*)'$")
    if name then env[name] = value end
  end
end

--- Starts it.
---@param scripts string  folder of the scripts
---@param interpreter string  Lua, as this script runs on it
---@param options { region: string?, subnet_cidr: string? }
---@return table|nil sandbox  its `env` is what it exports
---@return string? message
function rehearsal.start(scripts, interpreter, options)
  local argv = { interpreter, scripts .. "/sandbox.lua", "--die-with-stdin", "--quiet" }
  local function add(name, value)
    if value then argv[#argv + 1], argv[#argv + 2] = name, value end
  end
  add("--region", options.region)
  add("--subnet-cidr", options.subnet_cidr)
  local child, message = process.spawn { argv = argv, stdin = "pipe", stdout = "pipe", stderr = "inherit",
    env = { LUA_PATH = package.path, LUA_CPATH = package.cpath }, die_with_parent = true, new_group = true }
  if not child then return nil, message end
  local env
  env, message = read_exports(child)
  if not env then
    child:close()
    return nil, message
  end
  return setmetatable({ process = child, env = env }, rehearsal)
end

--- Stops it and waits for its end.
function rehearsal:stop()
  self.process:close_stdin()
  if not self.process:wait(5) then self.process:kill("KILL") end
  self.process:close()
end

--- What a client of it needs.
---@return table options  of eni6.aws.ec2.new
function rehearsal:client_options()
  return { region = self.env.AWS_REGION, endpoint = self.env.AWS_ENDPOINT_URL, credentials = {
    access_key_id = self.env.AWS_ACCESS_KEY_ID, secret_access_key = self.env.AWS_SECRET_ACCESS_KEY,
    session_token = self.env.AWS_SESSION_TOKEN } }
end

return rehearsal
