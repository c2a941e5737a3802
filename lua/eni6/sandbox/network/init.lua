--- The rehearsal's network: the VPC of the sandbox's world made of network
--- namespaces, kept as the world says by watching it.
---
--- Names begin with `eni6-PORT-`, PORT being the endpoint's, under which also lies the
--- lock of the process that made them: what a killed run left behind is known by a
--- lock that nobody holds.

local filesystem = require "eni6.filesystem"
local guest = require "eni6.sandbox.network.guest"
local imds = require "eni6.sandbox.network.imds"
local layout = require "eni6.sandbox.network.layout"
local netlink = require "eni6.netlink"
local router = require "eni6.sandbox.network.router"

local network = { __name = "eni6.sandbox.network" }
network.__index = network

local RUN = "/run/eni6"
local RENEWAL = 60

local NEEDED = { { "nft", "nftables" }, { "ip", "iproute2" }, { "radvd", "radvd" }, { "ndppd", "ndppd" } }

local function find_program(name)
  for _, folder in ipairs({ "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/" }) do
    if filesystem.stat(folder .. name) then return true end
  end
  return false
end

--- What this machine lacks for the network.
---@return string|nil remedy nil when nothing is missing
function network.missing()
  local packages = {}
  for _, needed in ipairs(NEEDED) do
    if not find_program(needed[1]) then packages[#packages + 1] = needed[2] end
  end
  if #packages > 0 then return "install: apt-get install " .. table.concat(packages, " ") end
  local ok, message = filesystem.make_directory(RUN, 448)
  if not ok then return "run as root (" .. message .. ")" end
  return nil
end

local function remove_namespaces(prefix)
  for _, name in ipairs(netlink.list_netns()) do
    if name:sub(1, #prefix) == prefix then guest.destroy(name) end
  end
end

-- Namespaces of sandboxes that do not run any more.
local function remove_leftovers()
  local ports = {}
  for _, name in ipairs(netlink.list_netns()) do
    local port = name:match("^eni6%-(%d+)%-")
    if port then ports[port] = true end
  end
  for port in pairs(ports) do
    local lock = filesystem.lock(RUN .. "/" .. port .. ".lock")
    if lock then
      remove_namespaces("eni6-" .. port .. "-")
      lock:close()
      filesystem.remove(RUN .. "/" .. port .. ".lock")
    end
  end
end

local function report(self, message)
  if self.on_error then self.on_error(tostring(message)) end
end

-- Makes the namespaces match the world.
local function match_world(self)
  local wanted = layout.guests(self.world, function(instance) return self.prefix .. instance.id end)
  for id, present in pairs(self.guests) do
    if not wanted[id] then
      guest.destroy(present.netns)
      self.guests[id] = nil
    end
  end
  for id, new in pairs(wanted) do
    if not self.guests[id] then guest.create(new.netns) end
    self.guests[id] = new
  end
  for _, plugged in ipairs(self.router:match(self.guests, self.world:all("security_group_rule"))) do
    guest.plug(plugged.netns, plugged.port)
  end
end

-- Called for every change in the world, in the middle of the operation that makes
-- it; its own failure must not become the operation's.
local function on_change(self)
  local ok, message = pcall(match_world, self)
  if not ok then report(self, message) end
end

local function renew_leases(self)
  if self.closed then return end
  for _, present in pairs(self.guests) do
    for _, port in ipairs(present.ports) do guest.renew(present.netns, port) end
  end
  self.world:after(RENEWAL, function() renew_leases(self) end)
end

local function follow_cables(self, loop)
  local poll, events = require("cqueues").poll, self.router:watch()
  loop:wrap(function()
    while not self.closed do
      poll(events, 1)
      if not self.closed then self.router:follow(events) end
    end
    events:close()
  end)
end

--- Builds the network of a world and keeps it.
---@param options table world; port: the endpoint's; loop, http: of its server; on_error: fun(message)|nil
---@return table|nil network, string? message, string? code "EPERM" with what is missing
function network.open(options)
  local missing = network.missing()
  if missing then return nil, "the sandbox's network cannot be built here; " .. missing, "EPERM" end
  remove_leftovers()
  local prefix, folder = "eni6-" .. options.port .. "-", RUN .. "/" .. options.port
  local lock, message, code = filesystem.lock(folder .. ".lock")
  if not lock then return nil, message, code end
  assert(filesystem.make_directory(folder, 448))
  local self = setmetatable({ world = options.world, prefix = prefix, folder = folder, lock = lock, guests = {},
    on_error = options.on_error }, network)
  self.router = router.new(prefix .. "router", folder)
  self.imds = imds.open { world = options.world, netns = prefix .. "router", loop = options.loop, http = options.http }
  table.insert(options.world.observers, function() on_change(self) end)
  on_change(self)
  follow_cables(self, options.loop)
  self.world:after(RENEWAL, function() renew_leases(self) end)
  return self
end

--- The namespace of an instance.
---@param instance_id string
---@return string|nil path
function network:netns(instance_id)
  local present = self.guests[instance_id]
  return present and "/run/netns/" .. present.netns
end

--- Removes all of it. May be called again.
function network:close()
  if self.closed then return end
  self.closed = true
  for _, present in pairs(self.guests) do guest.destroy(present.netns) end
  self.guests = {}
  self.imds:close()
  self.router:close()
  require("eni6.process").run { argv = { "rm", "-rf", self.folder, self.folder .. ".lock" } }
  self.lock:close()
end

return network
