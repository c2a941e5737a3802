--- The VPC's router: a namespace with a port for each interface. It forwards to,
--- and answers neighbours for, only what EC2 has assigned at this moment.

local firewall = require "eni6.sandbox.network.firewall"
local layout = require "eni6.sandbox.network.layout"
local netlink = require "eni6.netlink"
local process = require "eni6.process"

local router = { __name = "eni6.sandbox.network.router" }
router.__index = router

--- Where every guest's default route leads; the published address.
router.GATEWAY = "fe80::1066:30ff:feb8:c008"

local MTU = 9001

-- The metadata service's addresses and the VPC's IPv4 gateway live on the router's
-- loopback: guests reach them through their default routes, and nobody else does.
local SERVICES = { { "169.254.169.254/32" }, { "10.0.0.1/32" }, { "fd00:ec2::254/128", true } }

local SETTINGS = {
  { "ipv4/ip_forward", "1" },
  { "ipv4/conf/all/rp_filter", "0" },
  { "ipv4/conf/default/rp_filter", "0" },
  { "ipv6/conf/all/forwarding", "1" },
  { "ipv6/conf/default/accept_dad", "0" },
  { "ipv6/conf/default/addr_gen_mode", "1" }, -- no link-local address but the published one
}

local function prepare(nl)
  assert(nl:set_link { link = "lo", up = true })
  for _, setting in ipairs(SETTINGS) do assert(nl:sysctl(setting[1], setting[2])) end
  for _, service in ipairs(SERVICES) do
    assert(nl:add_address { link = "lo", address = service[1], nodad = service[2], family = service[2] and "inet6" or "inet" })
  end
end

--- Makes the router's namespace.
---@param name string
---@param folder string for the daemons' configurations
---@return table router
function router.new(name, folder)
  assert(netlink.create_netns(name))
  local self = setmetatable({ netns = name, folder = folder, ports = {}, routes = {}, neighbours = {}, daemons = {} }, router)
  self.nl = assert(netlink.open { netns = name })
  prepare(self.nl)
  return self
end

local function add_port(self, port, guest_netns)
  assert(self.nl:add_link { name = port.name, kind = "veth", mtu = MTU,
    peer = { name = port.link, netns = guest_netns, address = port.mac, mtu = MTU } })
  assert(self.nl:sysctl("ipv6/conf/" .. port.name .. "/proxy_ndp", "1"))
  assert(self.nl:sysctl("ipv6/neigh/" .. port.name .. "/proxy_delay", "0"))
  assert(self.nl:set_link { link = port.name, up = true })
  assert(self.nl:add_address { link = port.name, address = router.GATEWAY .. "/64", nodad = true })
end

-- Brings what is to what is wanted: removes first, then adds. Both are tables of
-- requests by key; a request that changed is removed and added.
local function reconcile(present, wanted, same, remove, add)
  for key, item in pairs(present) do
    if not wanted[key] or not same(item, wanted[key]) then
      remove(item)
      present[key] = nil
    end
  end
  for key, item in pairs(wanted) do
    if not present[key] then
      assert(add(item))
      present[key] = item
    end
  end
end

local function same_fields(a, b)
  for name, value in pairs(a) do
    if b[name] ~= value then return false end
  end
  return true
end

local function load_ruleset(self, text)
  if text == self.ruleset then return end
  local result, message = process.run { argv = { "nft", "-f", "-" }, input = text, netns = "/run/netns/" .. self.netns }
  if not result or result.status ~= 0 then error("nft: " .. (message or result.stderr), 0) end
  self.ruleset = text
end

--- Starts, restarts or stops a daemon so that it runs with this configuration.
---@param name string of the program
---@param text string|nil its configuration; nil: it is not needed
---@param argv fun(path: string): string[]
local function run_daemon(self, name, text, argv)
  local daemon = self.daemons[name]
  if (daemon and daemon.text) == text then return end
  if daemon then daemon.process:stop(1) end
  self.daemons[name] = nil
  if not text then return end
  local path = self.folder .. "/" .. name .. ".conf"
  assert(require("eni6.filesystem").replace(path, text, 384))
  local started, message = process.spawn { argv = argv(path), netns = "/run/netns/" .. self.netns, stdout = "null",
    stderr = self.folder .. "/" .. name .. ".log", die_with_parent = true }
  if not started then error(name .. ": " .. message .. "; install it with: apt-get install " .. name, 0) end
  self.daemons[name] = { process = started, text = text }
end

-- radvd.conf(5). EC2's advertisements tell of DHCPv6 and of the router, no prefix.
local function radvd_configuration(ports)
  local lines = {}
  for _, port in ipairs(ports) do
    lines[#lines + 1] = string.format("interface %s { AdvSendAdvert on; AdvManagedFlag on; AdvDefaultLifetime 1800;"
      .. " MinRtrAdvInterval 3; MaxRtrAdvInterval 10; AdvLinkMTU %d; };", port.name, MTU)
  end
  return #lines > 0 and table.concat(lines, "\n") .. "\n" or nil
end

-- The kernel answers neighbour solicitations for single addresses; for a whole
-- delegated prefix ndppd does. ndppd.conf(5)
local function ndppd_configuration(ports)
  local lines, any = {}, false
  for _, port in ipairs(ports) do
    lines[#lines + 1] = "proxy " .. port.name .. " {\n  router yes\n  timeout 500\n  ttl 30000"
    for _, other in ipairs(ports) do
      for _, prefix in ipairs(other ~= port and other.prefixes or {}) do
        lines[#lines + 1], any = "  rule " .. prefix .. " {\n    static\n  }", true
      end
    end
    lines[#lines + 1] = "}"
  end
  return any and table.concat(lines, "\n") .. "\n" or nil
end

local function run_daemons(self, ports)
  run_daemon(self, "radvd", radvd_configuration(ports), function(path)
    return { "radvd", "-n", "-C", path, "-p", path .. ".pid", "-m", "stderr", "-u", "root" }
  end)
  run_daemon(self, "ndppd", ndppd_configuration(ports), function(path) return { "ndppd", "-c", path } end)
end

-- Cables of guests that are gone; those whose namespace went are gone themselves.
local function remove_ports(self, wanted)
  for name in pairs(self.ports) do
    if not wanted[name] then
      self.nl:delete_link { link = name }
      self.ports[name] = nil
      for _, items in ipairs({ self.routes, self.neighbours }) do
        for key, item in pairs(items) do
          if item.link == name then items[key] = nil end
        end
      end
    end
  end
end

--- Makes the router match its guests. The guests' namespaces must be there.
---@param guests table<string, table> of eni6.sandbox.network.layout
---@param rules table[] security group rules
---@return table[] new ports that were plugged in just now, each with its guest's namespace
function router:match(guests, rules)
  local wanted, new, ports = {}, {}, layout.ports(guests)
  for _, port in ipairs(ports) do wanted[port.name] = true end
  remove_ports(self, wanted)
  load_ruleset(self, firewall.ruleset(ports, rules))
  for _, guest in pairs(guests) do
    for _, port in ipairs(guest.ports) do
      if not self.ports[port.name] then
        add_port(self, port, guest.netns)
        self.ports[port.name] = true
        new[#new + 1] = { port = port, netns = guest.netns }
      end
    end
  end
  local nl = self.nl
  local routes, neighbours = layout.reach(ports)
  reconcile(self.neighbours, neighbours, same_fields, function(item) nl:delete_neighbour(item) end,
    function(item) return nl:replace_neighbour(item) end)
  reconcile(self.routes, routes, same_fields, function(item) nl:delete_route(item) end,
    function(item) return nl:replace_route(item) end)
  run_daemons(self, ports)
  return new
end

-- The kernel forgets a port's proxy neighbours when the cable loses its carrier, as
-- when a guest reboots; EC2 forgets nothing.
local function restore(self, name)
  for _, item in pairs(self.neighbours) do
    if item.proxy and item.link == name then self.nl:replace_neighbour(item) end
  end
end

--- What tells of ports that come and go, to be polled until it is read by follow.
---@return eni6.netlink.monitor
function router:watch() return assert(self.nl:monitor { "link" }) end

--- Reads the events, and mends the ports that are plugged in again.
---@param events eni6.netlink.monitor
function router:follow(events)
  local plugged = {}
  while true do
    local event = events:read()
    if not event then break end
    local record = event.record
    if record and self.ports[record.name] then plugged[record.name] = event.action == "new" and record.operstate == "up" end
  end
  for name, is_up in pairs(plugged) do
    if is_up then restore(self, name) end
  end
end

--- Ends the daemons and the namespace.
function router:close()
  for _, daemon in pairs(self.daemons) do daemon.process:stop(1) end
  self.daemons = {}
  self.nl:close()
  netlink.delete_netns(self.netns)
end

return router
