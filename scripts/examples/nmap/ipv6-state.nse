local netlink = require "eni6.netlink"
local stdnse = require "stdnse"

description = [[
Shows this machine's own IPv6 state before a scan: each link that is up, its addresses
and its default route, as the kernel says over netlink. No packet is sent.

  nmap --script ./ipv6-state.nse
]]
author = "eni6"
license = "MIT"
categories = { "safe" }

prerule = function() return true end

local function addresses_of(nl, link)
  local list = {}
  for _, address in ipairs(assert(nl:addresses { link = link, family = "inet6" })) do
    list[#list + 1] = tostring(address.address)
  end
  return list
end

local function gateway_of(nl, link)
  for _, route in ipairs(assert(nl:routes { family = "inet6", table = "main" })) do
    if route.link == link and tostring(route.dst) == "::/0" then return tostring(route.gateway or "none: on-link") end
  end
end

action = function()
  local nl, output = assert(netlink.open()), stdnse.output_table()
  for _, link in ipairs(assert(nl:links())) do
    local addresses = addresses_of(nl, link.name)
    if #addresses > 0 then output[link.name] = { addresses = addresses, gateway = gateway_of(nl, link.name) } end
  end
  nl:close()
  return output
end
