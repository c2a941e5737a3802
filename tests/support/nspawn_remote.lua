--- An operator of whole instances: from beyond their subnet, with the system's own ssh
--- and provision.lua.

local assert = require "luassert"
local filesystem = require "eni6.filesystem"
local process = require "eni6.process"
local tasks = require "eni6.tasks"

local remote = {}

local Operator = {}
Operator.__index = Operator

local function sh(script, ...)
  local result = assert(process.run { argv = { "sh", "-ec", script, "sh", ... }, timeout = 60 })
  assert.equal(0, result.status, result.stderr)
  return result.stdout
end

-- The tree as it goes to an instance, but for the compiler's work, which is done. What
-- it builds with is installed there all the same.
local TREE = [[
folder=$1; here=$(pwd)
mkdir -p "$folder/tree/core" "$folder/bin"
cp -r lua scripts "$folder/tree/"
ln -s "$here/build" "$folder/tree/build"
printf 'all:\n\tmkdir -p build/release/lua5.4\n\tcp -r /opt/eni6/build/release/lua5.4/eni6 build/release/lua5.4/\n' \
  >"$folder/tree/Makefile"
printf '#!/bin/sh\nexec nsenter --net=/run/netns/%s /usr/bin/ssh -F none "$@"\n' "$2" >"$folder/bin/ssh"
chmod 755 "$folder/bin/ssh"
ssh-keygen -q -t ed25519 -N '' -f "$folder/key"]]

--- One, for a network of support.nspawn_vpc.
---@return table operator `public_key`, for an instance's authorized_keys; `known_hosts`, a path
function remote.new(network)
  local folder = network.folder .. "/operator"
  sh(TREE, folder, network.router)
  return setmetatable({ network = network, folder = folder, runs = 0, key = folder .. "/key",
    known_hosts = folder .. "/known_hosts", public_key = assert(filesystem.read(folder .. "/key.pub")) }, Operator)
end

local Run = {}
Run.__index = Run

--- Starts provision.lua on the network's plan.
---@return table run
function Operator:provision(...)
  local env = { PATH = self.folder .. "/bin:" .. os.getenv "PATH" }
  for name, value in pairs(self.network.sandbox.env) do env[name] = value end
  local argv = { "lua5.4", self.folder .. "/tree/scripts/provision.lua", self.network.plan, "--user", "root", "--identity",
    self.key, "--known-hosts", self.known_hosts, ... }
  self.runs = self.runs + 1
  local run = { out = self.folder .. "/stdout" .. self.runs, err = self.folder .. "/stderr" .. self.runs }
  run.process = assert(process.spawn { argv = argv, env = env, stdout = run.out, stderr = run.err, die_with_parent = true })
  return setmetatable(run, Run)
end

--- Waits until it has said something.
function Run:wait_for(pattern)
  local deadline = tasks.now() + 30
  while not filesystem.read(self.err):find(pattern) do
    if tasks.now() > deadline then error("it does not say " .. pattern .. ":\n" .. filesystem.read(self.err), 2) end
    tasks.sleep(0.1)
  end
end

--- Waits for its end.
---@return table result { status, stdout, stderr }
function Run:finish()
  local status = assert(self.process:wait(180), "provision.lua does not end").status
  self.process:close()
  return { status = status, stdout = filesystem.read(self.out), stderr = filesystem.read(self.err) }
end

--- What a host says of itself, over SSH.
---@return string stdout
function Operator:ssh(number, command)
  local host = self.network.hosts[number]
  return sh([["$@"]], self.folder .. "/bin/ssh", "-i", self.key, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
    "-o", "HostKeyAlias=" .. host.instance_id, "-o", "UserKnownHostsFile=" .. self.known_hosts, "-o", "ConnectTimeout=10",
    "root@" .. host.address, command)
end

-- What systemd says at boot, and amid it the keys.
local CONSOLE = [[
log() { journalctl --no-pager --boot --output=short-monotonic; }
log | head -n 40
sh -s '' ssh-dss
log | tail -n 10]]

--- Has EC2 show a host's console, with the keys as cloud-init's own program prints them.
function remote.show_host_keys(network, number, instance)
  local program = assert(filesystem.read "/usr/lib/cloud-init/write-ssh-key-fingerprints")
  local result = instance:run({ "sh", "-c", CONSOLE }, { input = program })
  assert.matches("BEGIN SSH HOST KEY KEYS", result.stdout)
  network.sandbox:control("POST", "console", { instance_id = network.hosts[number].instance_id,
    text = result.stdout:gsub("\n", "\r\n") })
end

-- A firewall that lets nobody in anew while the instance is configured.
local CUT = [[
rule='CUT -p tcp --dport 22 --syn -j DROP'
while :; do
  if [ ! -e /etc/netplan/60-ipv6-static.yaml ]; then ip6tables -F CUT
  elif ! ip6tables -C $rule 2>/dev/null; then ip6tables -A $rule; fi
  sleep 0.2
done]]

--- Cuts an instance off from new connections whenever it is configured.
function remote.cut_when_configured(instance)
  instance:sh("ip6tables -N CUT && ip6tables -I INPUT -j CUT")
  local result = instance:run { "systemd-run", "--quiet", "--unit=cut", "sh", "-c", CUT }
  assert.equal(0, result.status, result.stderr)
end

--- Ends that.
function remote.cut_no_more(instance) instance:sh("systemctl stop cut; ip6tables -D INPUT -j CUT; ip6tables -F CUT") end

return remote
