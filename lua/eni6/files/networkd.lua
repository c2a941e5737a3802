--- systemd-networkd's files: a drop-in beside the unit that netplan generates,
-- or a whole unit where networkd is configured without netplan.
-- systemd.network(5)

local files = require("eni6.files")

local networkd = {}

--- Names with a low number win over the distribution's own units.
networkd.UNIT_PATH = "/etc/systemd/network/05-eni6.network"

--- The drop-in for the unit that netplan generates for `link`.
---@param link string
---@return string path
function networkd.dropin_path(link)
  return "/etc/systemd/network/10-netplan-" .. link .. ".network.d/60-eni6.conf"
end

-- EC2's advertisements carry the managed flag, on which networkd starts DHCPv6
-- whatever DHCP= says; it would bring every address back to the main interface.
local ADVERTISEMENTS = { "[IPv6AcceptRA]", "DHCPv6Client=no", "UseAutonomousPrefix=no", "UseOnLinkPrefix=no" }

--- The drop-in's text.
---@return string text
function networkd.render_dropin()
  return files.compose(ADVERTISEMENTS)
end

local function append(lines, more)
  for _, line in ipairs(more) do lines[#lines + 1] = line end
end

--- A whole unit for the main interface: IPv4 by DHCP as EC2 has it, the host
--- address as given, the default route written down beside the advertised one.
---@param wanted { link: string, mac: string, address: string, length: integer, gateway: nil|{ via: string, metric: integer } }
---@return string text
function networkd.render_unit(wanted)
  local lines = {
    "[Match]", "MACAddress=" .. wanted.mac, "",
    "[Network]", "DHCP=ipv4", "IPv6AcceptRA=yes", "LinkLocalAddressing=ipv6",
    "Address=" .. wanted.address .. "/" .. wanted.length, "",
  }
  if wanted.gateway then
    append(lines, { "[Route]", "Destination=::/0", "Gateway=" .. wanted.gateway.via, "GatewayOnLink=yes",
      "Metric=" .. wanted.gateway.metric, "" })
  end
  append(lines, ADVERTISEMENTS)
  return files.compose(lines)
end

return networkd
