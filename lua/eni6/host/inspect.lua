--- Gathers the facts: what the kernel, the metadata service, the files and Docker
--- say of this instance. Changes nothing.

local apt = require("eni6.files.apt")
local daemon_json = require("eni6.files.daemon_json")
local networkd = require("eni6.files.networkd")
local sysctl = require("eni6.files.sysctl")

local inspect = {}

local FOLDERS = {
  { "/etc/netplan", "%.yaml$" },
  { "/etc/systemd/network", "%.network$" },
  { "/etc/apt", "^sources%.list$" },
  { "/etc/apt/sources.list.d", "%.list$" },
  { "/etc/apt/sources.list.d", "%.sources$" },
}

local function single_files(link)
  return { sysctl.PATH, daemon_json.PATH, apt.FORCE_IPV6_PATH, networkd.dropin_path(link) }
end

local function read_into(files, path, world)
  local text, message, code = world:read(path)
  if not text and message then return nil, message, code end
  files[path] = text
  return true
end

-- The files that matter, by path: those of the folders and the single ones.
local function read_files(world, link)
  local files = {}
  for _, path in ipairs(single_files(link)) do
    local ok, message, code = read_into(files, path, world)
    if not ok then return nil, message, code end
  end
  for _, folder in ipairs(FOLDERS) do
    local names, message, code = world:list(folder[1])
    if not names then return nil, message, code end
    for _, name in ipairs(names) do
      local ok = true
      if name:find(folder[2]) then ok, message, code = read_into(files, folder[1] .. "/" .. name, world) end
      if not ok then return nil, message, code end
    end
  end
  return files
end

-- netplan is in charge where it has files; else networkd's own files are written.
local function renderer_of(files)
  for path in pairs(files) do
    if path:find("^/etc/netplan/") then return "netplan" end
  end
  return "networkd"
end

local function main_link(world, mac)
  local links, message, code = world.netlink:links({})
  if not links then return nil, message, code end
  for _, link in ipairs(links) do
    if link.address == mac then return link end
  end
  return nil, "no interface has the MAC address " .. mac .. " that the metadata service gives for device 0", "ENODEV"
end

local NO_IPV6 = "the kernel has no IPv6 on %s; boot without ipv6.disable=1 and set net/ipv6/conf/%s/disable_ipv6 to 0"

local function main_interface(world, mac)
  local link, message, code = main_link(world, mac)
  if not link then return nil, message, code end
  if not link.inet6 or link.inet6.disable_ipv6 == 1 then
    return nil, NO_IPV6:format(link.name, link.name), "EAFNOSUPPORT"
  end
  local addresses
  addresses, message, code = world.netlink:addresses({ link = link.name, family = "inet6" })
  if not addresses then return nil, message, code end
  return { name = link.name, index = link.index, mac = mac, mtu = link.mtu, up = link.up, addresses = addresses }
end

local PREFERENCE = { high = 1, medium = 2, low = 3 } -- RFC 4191

local function goes_before(a, b)
  if a.metric ~= b.metric then return a.metric < b.metric end
  return (PREFERENCE[a.pref] or 2) < (PREFERENCE[b.pref] or 2)
end

-- The default routes, the one that packets take first.
local function default_routes(world, link)
  local routes, message, code = world.netlink:routes({ family = "inet6", table = "main", dst = "::/0" })
  if not routes then return nil, message, code end
  local list = {} -- the kernel cannot filter multipath routes by link
  for _, route in ipairs(routes) do
    for _, way in ipairs(route.nexthops or { route }) do
      if way.gateway and way.link == link then
        list[#list + 1] = { gateway = way.gateway, metric = route.metric, protocol = route.protocol, pref = route.pref }
      end
    end
  end
  table.sort(list, goes_before)
  return list
end

local function metadata(world)
  local interfaces, message, code = world.imds:interfaces()
  if not interfaces then return nil, message, code end
  if not interfaces[1] then return nil, "the metadata service knows no network interface", "EPROTO" end
  local tags
  tags, message, code = world.imds:tags()
  if not tags then return nil, message, code end
  interfaces[1].tags = tags
  return interfaces[1]
end

local function sysctl_values(world, link)
  local values = {}
  for _, setting in ipairs(sysctl.settings(link)) do values[setting[1]] = world:read_sysctl(setting[1]) end
  return values
end

-- The ping waits a few seconds only, where dockerd hangs.
local function ask_docker(world)
  local ok, message = world.docker:ping()
  if not ok then return nil, message end
  return world.docker:version()
end

-- The IPv6 subnet of one of Docker's networks; nil when there is none.
local function subnet_of(world, name)
  local network = world.docker:inspect_network(name)
  for _, config in ipairs(network and network.EnableIPv6 and network.IPAM.Config or {}) do
    if config.Subnet:find(":", 1, true) then return config.Subnet end
  end
end

-- Whether Docker is there, whether it answers, and what its bridge has.
local function docker_state(world, network)
  local installed = world:exists_program("dockerd")
  local version, fault
  if installed then version, fault = ask_docker(world) end
  local bridge = {}
  for _, address in ipairs(world.netlink:addresses({ family = "inet6" }) or {}) do
    if address.link == "docker0" and address.scope == "global" then bridge[#bridge + 1] = address.address end
  end
  return { installed = installed, running = version ~= nil, version = version and version.Version, fault = fault,
    bridge = bridge, subnet = version and network and subnet_of(world, network) }
end

--- All facts of this instance.
---@param world table from eni6.host.world
---@param options { network: string|nil }|nil network: the name of a Docker network to look for
---@return table|nil facts
---   main = { name, index, mac, mtu, up, addresses (records of eni6.netlink) };
---   gateways = default routes of the main interface, the first that packets take: { gateway, metric, protocol, pref },
---   one for each way of a multipath route;
---   sysctls = values by name of those that eni6.files.sysctl sets; imds = the interface of eni6.aws.imds, with tags;
---   files = texts by path; renderer = "netplan" or "networkd";
---   docker = { installed, running, version, fault = why it does not answer, bridge = docker0's global addresses
---   with length, subnet = the named network's IPv6 subnet }
---@return string? message
---@return string? code
function inspect.facts(world, options)
  if not world:read_sysctl("net/ipv6/conf/all/forwarding") then
    return nil, "the kernel has no IPv6; boot without ipv6.disable=1", "EAFNOSUPPORT"
  end
  local facts, message, code = {}
  facts.imds, message, code = metadata(world)
  if not facts.imds then return nil, message, code end
  facts.main, message, code = main_interface(world, facts.imds.mac)
  if not facts.main then return nil, message, code end
  facts.gateways, message, code = default_routes(world, facts.main.name)
  if not facts.gateways then return nil, message, code end
  facts.files, message, code = read_files(world, facts.main.name)
  if not facts.files then return nil, message, code end
  facts.renderer = renderer_of(facts.files)
  facts.sysctls = sysctl_values(world, facts.main.name)
  facts.docker = docker_state(world, options and options.network)
  return facts
end

return inspect
