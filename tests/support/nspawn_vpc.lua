--- The published topology for whole instances: the sandbox's network, with a real
--- DHCP server on each of the router's ports instead of addresses that are just there.
---
--- All that a run makes is named in a folder of its own, which it holds a lock on: a
--- folder whose lock nobody holds is of a run that was killed, and goes with the next.

local filesystem = require "eni6.filesystem"
local json = require "dkjson"
local nspawn = require "support.nspawn"
local process = require "eni6.process"
local sandbox = require "support.sandbox"
local tasks = require "eni6.tasks"

local vpc = {}
vpc.__index = vpc

local function run(argv, options)
  options = options or {}
  options.argv = argv
  local result = assert(process.run(options))
  if result.status ~= 0 then error(table.concat(argv, " ") .. ": " .. result.stdout .. result.stderr, 2) end
  return result.stdout
end

-- The router's end of the cable to the interface with this MAC address.
local function port_of(router, mac)
  local neighbours = run { "ip", "-n", router, "-6", "neighbour", "show", "nud", "permanent" }
  for line in neighbours:gmatch("[^\n]+") do
    if line:find("lladdr " .. mac, 1, true) then return line:match("dev (%S+)") end
  end
  error("no port for " .. mac .. ": " .. neighbours)
end

-- One range for each address, since dnsmasq gives a client one address of each.
-- EC2's leases live 450 s; dnsmasq(8)
local function dhcp_configuration(folder, port, host)
  local lines = {
    "port=0", "keep-in-foreground", "log-facility=-", "log-dhcp", "no-ping", "dhcp-authoritative", "user=root",
    "interface=" .. port, "except-interface=lo", "bind-interfaces", "dhcp-leasefile=" .. folder .. "/" .. port .. ".leases",
    "shared-network=" .. port .. "," .. host.ipv4, "dhcp-option=option:router,10.0.0.1",
    "dhcp-range=" .. host.ipv4 .. "," .. host.ipv4 .. ",255.255.240.0,3600",
  }
  for _, address in ipairs(host.addresses) do
    lines[#lines + 1] = string.format("shared-network=%s,%s", port, address)
    lines[#lines + 1] = string.format("dhcp-range=%s,%s,128,450", address, address)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function serve_dhcp(self, host)
  local port = port_of(self.router, host.mac)
  for _, address in ipairs({ "10.0.0.1/32", "fd00:ec2::547/128" }) do -- dnsmasq answers only where it has an address
    run { "ip", "-n", self.router, "address", "add", address, "dev", port }
  end
  local path = self.folder .. "/" .. port .. ".conf"
  assert(filesystem.replace(path, dhcp_configuration(self.folder, port, host), 420))
  self.daemons[#self.daemons + 1] = assert(process.spawn {
    -- dnsmasq changes its rights, on which the kernel forgets whom it dies with; its first process is a shell
    argv = { "unshare", "--pid", "--fork", "--kill-child=KILL", "sh", "-c", 'dnsmasq "$1" & wait', "sh",
      "--conf-file=" .. path },
    netns = "/run/netns/" .. self.router,
    stdout = self.folder .. "/" .. port .. ".log", stderr = "stdout", die_with_parent = true })
end

local function read_hosts(self, document)
  local interfaces = {}
  for _, record in ipairs(self.sandbox:state().network_interfaces) do interfaces[record.networkInterfaceId] = record end
  local paths = self.sandbox:control("GET", "network")
  for _, host in ipairs(document.hosts) do
    host.netns = paths[host.instance_id]:match("[^/]+$")
    host.ipv4 = interfaces[host.interface_id].privateIpAddress
    serve_dhcp(self, host)
  end
  return document.hosts
end

local FOLDERS = "/tmp/eni6-nspawn"

local function lock_patiently(path)
  local lock, message, code
  repeat
    lock, message, code = filesystem.lock(path)
    if code == "EAGAIN" then tasks.sleep(0.1) end
  until code ~= "EAGAIN"
  return assert(lock, message)
end

-- What runs left whose process is gone.
local function remove_leftovers()
  for _, name in ipairs(assert(filesystem.list(FOLDERS))) do
    local folder = FOLDERS .. "/" .. name
    local lock = name:find("^run") and filesystem.lock(folder .. "/lock")
    if lock then
      for _, host in ipairs(filesystem.list(folder)) do nspawn.remove_leftovers(folder .. "/" .. host) end
      run { "rm", "-rf", folder }
      lock:close()
    end
  end
end

-- A folder, locked before anybody else can find it unlocked.
local function take_folder(self)
  assert(filesystem.make_directory(FOLDERS, 448))
  local lock = lock_patiently(FOLDERS .. "/lock")
  remove_leftovers()
  self.folder = run({ "mktemp", "-d", FOLDERS .. "/run.XXXXXX" }):gsub("\n", "")
  self.lock = assert(filesystem.lock(self.folder .. "/lock"))
  lock:close()
end

local PLAN = "scripts/plans/two-instances.lua"

local function begin(self)
  take_folder(self)
  self.sandbox = sandbox.start { "--network" }
  self.router = "eni6-" .. self.sandbox.port .. "-router"
  local printed = run({ "lua5.4", "scripts/provision.lua", PLAN, "--json" }, { env = self.sandbox.env, timeout = 60 })
  self.hosts = read_hosts(self, assert(json.decode(printed)))
end

--- The published plan's instances for the tests of a suite, from before the first until
--- after the last.
---@param setup function busted's
---@param teardown function busted's
---@return table|nil vpc with, once set up: `hosts` as provision.lua prints them, each with `netns` and `ipv4`;
---   `sandbox`; `router`, a namespace's name; `folder`; `plan`, its path
---@return string? missing what this machine lacks for it
function vpc.around(setup, teardown)
  if nspawn.missing() then return nil, "needs " .. nspawn.missing() end
  local self = setmetatable({ daemons = {}, instances = {}, plan = PLAN }, vpc)
  setup(function() begin(self) end)
  teardown(function() self:stop() end)
  return self
end

--- Boots one of its hosts; it ends with the network.
---@param number integer of the host
---@param options table|nil more of nspawn.boot's
---@return table instance of support.nspawn
function vpc:boot(number, options)
  local host, all = self.hosts[number], {}
  for name, value in pairs(options or {}) do all[name] = value end
  all.netns, all.mac, all.name, all.folder = host.netns, host.mac, host.name, self.folder .. "/" .. host.name
  local instance = nspawn.boot(all)
  self.instances[#self.instances + 1] = instance
  return instance
end

--- What the DHCP servers have logged.
function vpc:dhcp_log() return run { "sh", "-c", "cat " .. self.folder .. "/*.log" } end

--- Removes all of it.
function vpc:stop()
  for _, instance in ipairs(self.instances) do instance:stop() end
  for _, daemon in ipairs(self.daemons) do daemon:stop(2) end
  if self.sandbox then self.sandbox:stop() end
  run { "rm", "-rf", self.folder }
  self.lock:close()
end

return vpc
