-- Twenty hosts on the same endpoint, whole processes: ours, boto3's (one call after
-- another, and 16 threads), the AWS CLI's in a shell loop. Then with 50 ms added to
-- every answer: our time against the longest chain of calls that need each other.

package.path = "lua/?.lua;lua/?/init.lua;tests/?.lua;" .. package.path
local process = require "eni6.process"
local sandbox = require "support.sandbox"
local system = require("eni6.core").system

local HOSTS = tonumber(arg[1]) or 20
local LATENCY = 0.05
local CHAIN = 4 -- ask what there is, create an interface, launch on it, see it running

local plan_file = os.tmpname()
local file = assert(io.open(plan_file, "w"))
file:write('return { name = "bench", instance_type = "r5d.large", hosts = { count = ' .. HOSTS .. " } }")
file:close()

local PROGRAMS = {
  ours = { "lua5.4", "scripts/provision.lua", plan_file, "--json" },
  boto3 = { "/usr/bin/python3", "tests/bench/provision_boto3.py", tostring(HOSTS), "1" },
  ["boto3 with 16 threads"] = { "/usr/bin/python3", "tests/bench/provision_boto3.py", tostring(HOSTS), "16" },
  ["the AWS CLI"] = { "sh", "tests/bench/provision_awscli.sh", tostring(HOSTS) },
}

local function running(box)
  local count = 0
  for _, instance in ipairs(box:state().instances) do
    if instance.instanceState.name == "running" then count = count + 1 end
  end
  return count
end

-- Seconds that a program takes on a sandbox of its own; it must make all hosts.
local function seconds(name, arguments)
  local box = sandbox.start(arguments)
  local env = { AWS_EC2_METADATA_DISABLED = "true", AWS_CONFIG_FILE = "/dev/null", AWS_PAGER = "",
    AWS_SHARED_CREDENTIALS_FILE = "/dev/null" }
  for key, value in pairs(box.env) do env[key] = value end
  local began = system.monotonic()
  local result = assert(process.run { argv = PROGRAMS[name], env = env, timeout = 300 })
  local took = system.monotonic() - began
  assert(result.status == 0, name .. ": " .. result.stderr)
  assert(running(box) == HOSTS, name .. " did not make all hosts")
  box:stop()
  return took
end

local function best(times, name, arguments)
  local least = math.huge
  for _ = 1, times do least = math.min(least, seconds(name, arguments)) end
  return least
end

local ours = best(5, "ours")
local function compare(name, times)
  print(string.format("provision %d hosts: %.1f times as fast as %s", HOSTS, best(times, name) / ours, name))
end
compare("boto3", 3)
compare("boto3 with 16 threads", 3)
compare("the AWS CLI", 1)
local slow = best(3, "ours", { "--latency", tostring(LATENCY) })
print(string.format("provision %d hosts, every answer %d ms late: %.2f times the longest chain of %d calls", HOSTS,
  LATENCY * 1000, slow / (CHAIN * LATENCY), CHAIN))
os.remove(plan_file)
