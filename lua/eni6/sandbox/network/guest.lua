--- A guest: the network namespace of one instance, as EC2 and a DHCP client leave it
--- after the first boot. What is done to it from inside afterwards is its own affair.

local netlink = require "eni6.netlink"
local process = require "eni6.process"

local guest = {}

--- Lifetimes that EC2's DHCPv6 server grants, in seconds.
guest.VALID, guest.PREFERRED = 450, 140

local SETTINGS = {
  { "ipv6/conf/default/accept_dad", "0" }, -- EC2 gives an address to one interface only
  { "ipv6/conf/default/router_solicitation_delay", "0" },
}

--- Makes the namespace.
---@param name string
function guest.create(name)
  assert(netlink.create_netns(name))
  local nl = assert(netlink.open { netns = name })
  assert(nl:set_link { link = "lo", up = true })
  for _, setting in ipairs(SETTINGS) do assert(nl:sysctl(setting[1], setting[2])) end
  nl:close()
end

local function lease(nl, link, address)
  return nl:replace_address { link = link, address = address .. "/128", valid_lft = guest.VALID,
    preferred_lft = guest.PREFERRED, noprefixroute = true, nodad = true }
end

local function configure_ipv4(nl, port)
  for _, address in ipairs(port.ipv4) do
    assert(nl:add_address { link = port.link, address = address .. "/20", family = "inet" })
  end
  nl:add_route { dst = "0.0.0.0/0", gateway = "10.0.0.1", link = port.link, onlink = true, family = "inet", protocol = "dhcp" }
end

--- Brings a port up with its addresses: each as a /128 with a lifetime. The default
--- route comes by router advertisement.
---@param netns string
---@param port table of eni6.sandbox.network.layout
function guest.plug(netns, port)
  local nl = assert(netlink.open { netns = netns })
  assert(nl:set_link { link = port.link, up = true })
  configure_ipv4(nl, port)
  for _, address in ipairs(port.ipv6) do assert(lease(nl, port.link, address)) end
  nl:close()
end

--- What a DHCPv6 client does from time to time: leases that are still there get
--- their full lifetimes again. Addresses that somebody made permanent, or took away,
--- stay as they are.
---@param netns string
---@param port table
function guest.renew(netns, port)
  local nl = netlink.open { netns = netns }
  if not nl then return end
  for _, record in ipairs(nl:addresses { link = port.link } or {}) do
    local address = record.address:match("^(.*)/128$")
    if address and record.valid_lft and record.scope == "global" then lease(nl, port.link, address) end
  end
  nl:close()
end

--- Ends everything that runs in a namespace, and the namespace.
---@param netns string
function guest.destroy(netns)
  local pids = process.run { argv = { "ip", "netns", "pids", netns } }
  for pid in (pids and pids.stdout or ""):gmatch("%d+") do process.run { argv = { "kill", "-KILL", pid } } end
  netlink.delete_netns(netns)
end

return guest
