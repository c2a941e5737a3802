--- What the network should be: from the world's records to plain tables. Pure.
--
-- A guest is an instance that runs, or is about to; each of its interfaces is a
-- port of the router.

local interfaces = require "eni6.sandbox.state.interfaces"
local ip6 = require "eni6.ip6"

local layout = {}

local ALIVE = { pending = true, running = true }

-- The router's side of an interface's cable: short enough for the kernel, unique by serial.
local function port_name(interface) return "eni" .. interface.serial end

local function copy(list) return { table.unpack(list) } end

local function port_of(interface)
  local groups = {}
  for i, group in ipairs(interface.groups) do groups[i] = group.id end
  return {
    id = interface.id,
    name = port_name(interface),
    link = "ens" .. 5 + interface.attachment.device_index,
    mac = interface.mac,
    link_local = tostring(assert(ip6.eui64("fe80::/64", interface.mac))),
    ipv4 = interfaces.private_ipv4(interface),
    ipv6 = copy(interface.ipv6),
    prefixes = copy(interface.prefixes),
    groups = groups,
    source_dest_check = interface.source_dest_check,
  }
end

--- The guests that should be there.
---@param world table
---@param namespace fun(instance: table): string the name of a guest's namespace
---@return table<string, table> guests by instance id: { id, netns, ports = { … } }
function layout.guests(world, namespace)
  local guests = {}
  for _, instance in ipairs(world:all("instance")) do
    if ALIVE[instance.state] then
      local ports = {}
      for _, interface in ipairs(instance.interfaces) do ports[#ports + 1] = port_of(interface) end
      guests[instance.id] = { id = instance.id, netns = namespace(instance), ports = ports }
    end
  end
  return guests
end

--- All ports of all guests, in the order of their names.
---@param guests table<string, table>
---@return table[]
function layout.ports(guests)
  local ports = {}
  for _, guest in pairs(guests) do
    for _, port in ipairs(guest.ports) do ports[#ports + 1] = port end
  end
  table.sort(ports, function(a, b) return a.name < b.name end)
  return ports
end

--- What the router knows of its ports, each item by a key of its own: routes to
--- everything that is assigned, and the neighbours that it answers for.
---@param ports table[]
---@return table<string, table> routes, table<string, table> neighbours for eni6.netlink
function layout.reach(ports)
  local routes, neighbours = {}, {}
  for _, port in ipairs(ports) do
    neighbours[port.name .. " is"] = { link = port.name, dst = port.link_local, lladdr = port.mac, state = "permanent" }
    for _, prefix in ipairs(port.prefixes) do
      routes[prefix] = { dst = prefix, gateway = port.link_local, link = port.name, protocol = "static" }
    end
    for _, address in ipairs(port.ipv4) do
      routes[address] = { dst = address .. "/32", link = port.name, family = "inet", scope = "link", protocol = "static" }
    end
    for _, address in ipairs(port.ipv6) do
      routes[address] = { dst = address .. "/128", gateway = port.link_local, link = port.name, protocol = "static" }
      for _, other in ipairs(ports) do
        if other ~= port then neighbours[other.name .. " " .. address] = { link = other.name, dst = address, proxy = true } end
      end
    end
  end
  return routes, neighbours
end

return layout
