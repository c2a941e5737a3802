--- A sandbox of one's own for a test: `scripts/sandbox.lua` on a free port. It ends
--- with `stop`, and in any case with the process that started it.

local json = require "dkjson"
local process = require "eni6.process"

local sandbox = {}
sandbox.__index = sandbox

local SECONDS_TO_START = 20

local function read_exports(self)
  while true do
    local line, message = self.process:read_line(SECONDS_TO_START)
    if not line then error("the sandbox did not start: " .. tostring(message) .. "; " .. self:log_text(), 3) end
    if line == "ready" then return end
    local name, value = line:match("^export ([%w_]+)='(.*)'$")
    assert(name, "not an export line: " .. line)
    self.env[name] = value
  end
end

--- Starts one.
---@param arguments string[]|nil more arguments of scripts/sandbox.lua
---@param lua string|nil the interpreter, lua5.4
---@return table sandbox `url`, `port`, `env` (what it exports), `vpc_id`, `subnet_id`, `security_group_id`, `image_id`
function sandbox.start(arguments, lua)
  local self = setmetatable({ env = {}, log_file = os.tmpname() }, sandbox)
  local argv = { lua or "lua5.4", "scripts/sandbox.lua", "--die-with-stdin" }
  for _, argument in ipairs(arguments or {}) do argv[#argv + 1] = argument end
  self.process = assert(process.spawn { argv = argv, stdin = "pipe", stdout = "pipe", stderr = self.log_file,
    die_with_parent = true })
  read_exports(self)
  self.url = self.env.AWS_ENDPOINT_URL
  self.port = tonumber(self.url:match(":(%d+)$"))
  self.vpc_id, self.subnet_id = self.env.VPC_ID, self.env.SUBNET_ID
  self.security_group_id, self.image_id = self.env.SECURITY_GROUP_ID, self.env.IMAGE_ID
  return self
end

--- What the sandbox has written to its standard error.
function sandbox:log_text()
  local file = io.open(self.log_file)
  local text = file and file:read("a") or ""
  if file then file:close() end
  return text
end

--- A request to the sandbox itself.
---@param method string
---@param path string under /_sandbox
---@param document any|nil sent as JSON
---@return any answer
function sandbox:control(method, path, document)
  local argv = { "curl", "-sS", "--noproxy", "*", "-X", method, self.url .. "/_sandbox/" .. path }
  if document ~= nil then
    argv[#argv + 1] = "--data-binary"
    argv[#argv + 1] = "@-"
  end
  local result = assert(process.run { argv = argv, input = document ~= nil and json.encode(document) or nil, timeout = 30 })
  if result.status ~= 0 then error("curl: " .. result.stderr, 2) end
  local answer = json.decode(result.stdout)
  if type(answer) ~= "table" then error("not JSON: " .. result.stdout, 2) end
  return answer
end

--- Sets fault rules (a rule, a list of them, or `{ faults =, habits = }`).
function sandbox:faults(rules)
  local answer = self:control("POST", "faults", rules)
  if answer.error then error(answer.error, 2) end
  return answer
end

--- Sets habits.
---@param habits { consistency_lag: number|nil, state_delay: number|nil, latency: number|nil }
function sandbox:habits(habits) return self:faults { habits = habits } end

--- Sets what sessions of roles are like: `life`, `expire`, `lenient`, `roles`, … (see eni6.sandbox.identities).
function sandbox:sessions(settings)
  local answer = self:control("POST", "sessions", settings)
  if answer.error then error(answer.error, 2) end
  return answer
end

--- What truly exists: `network_interfaces`, `instances`, `key_pairs`, … as in EC2's answers.
function sandbox:state() return self:control("GET", "state") end

--- The requests so far: `{ operation =, status =, code =, fault =, ms = }` each.
function sandbox:log() return self:control("GET", "log") end

--- Waits until so many requests are held.
---@param count integer|nil 1
function sandbox:wait_held(count)
  local system = require("eni6.core").system
  for _ = 1, 500 do
    if self:control("GET", "faults").held >= (count or 1) then return end
    system.poll({}, 0.02)
  end
  error("no request is held after 10 s", 2)
end

--- Lets the held requests go on, or drops them: those held before they act then never do.
---@param drop boolean|nil
---@return integer how many they were
function sandbox:release(drop) return self:control("POST", "release", { drop = drop or false }).released end

--- Runs the AWS CLI against it.
---@param argv string[] what follows `aws ec2`
---@param env table|nil more environment
---@return string stdout without the last line feed
---@return integer status
---@return string stderr
function sandbox:aws(argv, env)
  local all = { "/usr/bin/aws", "--endpoint-url", self.url, "ec2" }
  for _, argument in ipairs(argv) do all[#all + 1] = argument end
  local environment = { AWS_PAGER = "", AWS_EC2_METADATA_DISABLED = "true", AWS_CONFIG_FILE = "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE = "/dev/null", AWS_MAX_ATTEMPTS = "1", HTTP_PROXY = false, http_proxy = false }
  for name, value in pairs(self.env) do environment[name] = value end
  for name, value in pairs(env or {}) do environment[name] = value end
  local result = assert(process.run { argv = all, env = environment, timeout = 60 })
  return (result.stdout:gsub("\n$", "")), result.status, result.stderr
end

--- Ends it.
---@return table result as process:wait's
function sandbox:stop()
  self.process:close_stdin()
  local result = self.process:wait(10)
  if not result then
    self.process:kill("KILL")
    result = self.process:wait(5)
  end
  self.process:close()
  os.remove(self.log_file)
  return result
end

return sandbox
