-- The command line client as whole processes, beside the AWS CLI and a bare curl, which signs but decodes nothing: wall
-- time (medians of interleaved runs), CPU time and memory of one describe-key-pairs; then the published commands.

local process = require "eni6.process"
local sandbox = require "support.sandbox"
local system = require("eni6.core").system

local RUNS = 15

local server = sandbox.start { "--quiet" }
local env = { AWS_PAGER = "", AWS_EC2_METADATA_DISABLED = "true", AWS_CONFIG_FILE = "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE = "/dev/null", HTTP_PROXY = false, http_proxy = false }
for name, value in pairs(server.env) do env[name] = value end

local CALL = "ec2 describe-key-pairs --endpoint-url " .. server.url
local PEERS = {
  { name = "aws.lua", command = "lua5.4 scripts/aws.lua " .. CALL },
  { name = "curl", command = "curl -sS --fail --noproxy '*' -d 'Action=DescribeKeyPairs&Version=2016-11-15' "
    .. "--aws-sigv4 aws:amz:us-east-1:ec2 -u $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY " .. server.url },
  { name = "AWS CLI", command = "/usr/bin/aws " .. CALL },
}

local function sh(script, more)
  local all = {}
  for name, value in pairs(env) do all[name] = value end
  for name, value in pairs(more or {}) do all[name] = value end
  local result = assert(process.run { argv = { "sh", "-c", script }, env = all, timeout = 300 })
  assert(result.status == 0, result.stderr)
  return result
end

local function timed(script, more)
  local began = system.monotonic()
  sh(script, more)
  return system.monotonic() - began
end

-- Seconds of CPU of a command and its children, of several runs in one shell.
local function cpu_of(command, runs)
  local said = sh("for i in " .. ("1 "):rep(runs) .. "; do " .. command .. " >/dev/null; done; times").stdout
  local minutes, seconds, more_minutes, more_seconds = said:match("\n(%d+)m([%d.]+)s (%d+)m([%d.]+)s")
  return ((minutes + more_minutes) * 60 + seconds + more_seconds) / runs
end

-- The largest resident set in KiB.
local function memory_of(command)
  return tonumber(sh("/usr/bin/time -f %M " .. command .. " 2>&1 >/dev/null").stdout)
end

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

for _, peer in ipairs(PEERS) do peer.times = {} end
for i = 1, RUNS do
  for _, peer in ipairs(PEERS) do
    if peer.name ~= "AWS CLI" or i % 3 == 0 then peer.times[#peer.times + 1] = timed(peer.command .. " >/dev/null") end
  end
end
for _, peer in ipairs(PEERS) do
  peer.wall = median(peer.times)
  peer.cpu = cpu_of(peer.command, peer.name == "AWS CLI" and 3 or 20)
  peer.memory = memory_of(peer.command)
end

local ours = PEERS[1]
for i = 2, #PEERS do
  local peer = PEERS[i]
  local function say(what, mine, theirs, unit)
    print(string.format("aws: describe-key-pairs, %-9s  %.1f %s, %s takes %.1f times as much (ratio %.2f)", what, mine, unit,
      peer.name, theirs / mine, mine / theirs))
  end
  say("wall time", ours.wall * 1000, peer.wall * 1000, "ms")
  say("CPU time", ours.cpu * 1000, peer.cpu * 1000, "ms")
  say("memory", ours.memory / 1024, peer.memory / 1024, "MiB")
end
server:stop()

-- The published commands, each tool in a sandbox of its own.
local home = os.tmpname()
os.remove(home)
sh("mkdir -p " .. home .. "/.ssh && ssh-keygen -q -t ed25519 -N '' -f " .. home .. "/.ssh/id_ed25519 && "
  .. "printf '[default]\\ncli_binary_format = raw-in-base64-out\\n' >" .. home .. "/config")
local function published(tool)
  local own = sandbox.start { "--quiet" }
  local more = { AWS = tool, HOME = home, AWS_CONFIG_FILE = home .. "/config" }
  for name, value in pairs(own.env) do more[name] = value end
  local seconds = timed(". tests/support/published.sh >/dev/null 2>&1", more)
  own:stop()
  return seconds
end
local lua, python = published "lua5.4 scripts/aws.lua", published "/usr/bin/aws"
print(string.format("aws: the published commands          %.2f s, AWS CLI takes %.1f times as long (ratio %.3f)",
  lua, python / lua, lua / python))
sh("rm -r " .. home)
