--- The netplan file of the published workflow: the host address as a /64 on the
-- main interface, DHCPv6 off, the default route written down.
--
-- netplan merges files in the order of their names, so `dhcp6: false` here wins
-- over cloud-init's 50-cloud-init.yaml, which need not be touched.
-- https://netplan.readthedocs.io/en/stable/netplan-yaml/

local files = require("eni6.files")

local netplan = {}

--- Where it goes; the published text's own name for it.
netplan.PATH = "/etc/netplan/60-ipv6-static.yaml"

--- netplan refuses files that others can read (and warns from 0.106 on).
netplan.MODE = 384 -- 0600

--- The metric of the written default route: below the 1024 of one from an
--- advertisement, so that both can be there.
netplan.METRIC = 512

local function route_lines(gateway)
  return {
    "      routes:",
    "        - to: \"::/0\"",
    "          via: \"" .. gateway.via .. "\"",
    "          on-link: true",
    "          metric: " .. gateway.metric,
  }
end

--- The file's text. Without a gateway the default route is left to router
--- advertisements; with one they stay on as well, so that the route they bring
--- (metric 1024) remains as the fallback. What keeps DHCPv6 from coming back
--- through them is the drop-in of eni6.files.networkd.
---@param wanted { link: string, address: string, length: integer, gateway: nil|{ via: string, metric: integer } }
---   `address` without its length; `length` in bits
---@return string text
function netplan.render(wanted)
  local lines = {
    "network:",
    "  version: 2",
    "  ethernets:",
    "    " .. wanted.link .. ":",
    "      dhcp6: false",
    "      accept-ra: true",
    "      addresses:",
    "        - \"" .. wanted.address .. "/" .. wanted.length .. "\"",
  }
  if wanted.gateway then
    for _, line in ipairs(route_lines(wanted.gateway)) do lines[#lines + 1] = line end
  end
  return files.compose(lines)
end

return netplan
