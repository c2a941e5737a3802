--- Security groups as nftables rules for the router. Pure: text out, which `nft -f`
--- loads as one transaction.
--
-- A packet from a port passes that port's way out, then the way in of the port that
-- it leaves by. Connections that were let in once may answer, as EC2's groups track
-- them. nft(8)

local firewall = {}

local function members(ports, group, family)
  local list = {}
  for _, port in ipairs(ports) do
    for _, id in ipairs(port.groups) do
      if id == group and family == "ip6" then
        for _, address in ipairs(port.ipv6) do list[#list + 1] = address end
        for _, prefix in ipairs(port.prefixes) do list[#list + 1] = prefix end
      elseif id == group then
        for _, address in ipairs(port.ipv4) do list[#list + 1] = address end
      end
    end
  end
  return list
end

local function set(list) return "{ " .. table.concat(list, ", ") .. " }" end

-- The peers of a rule, for each family that it can match: "ip6 saddr { … }".
local function peers(rule, ports, direction)
  if rule.kind == "ipv6" then return { "ip6 " .. direction .. " " .. rule.value } end
  if rule.kind == "ipv4" then return { "ip " .. direction .. " " .. rule.value } end
  local found = {}
  for _, family in ipairs({ "ip6", "ip" }) do
    local list = members(ports, rule.value, family)
    if #list > 0 then found[#found + 1] = family .. " " .. direction .. " " .. set(list) end
  end
  return found
end

local function with_type(match, name, rule)
  if rule.from < 0 then return match end
  local text = match .. " " .. name .. " type " .. rule.from
  return rule.to < 0 and text or text .. " " .. name .. " code " .. rule.to
end

local PROTOCOLS = {
  ["-1"] = function() return "" end,
  icmpv6 = function(rule) return with_type("meta l4proto ipv6-icmp", "icmpv6", rule) end,
  icmp = function(rule) return with_type("meta l4proto icmp", "icmp", rule) end,
  tcp = function(rule) return string.format("tcp dport %d-%d", rule.from, rule.to) end,
  udp = function(rule) return string.format("udp dport %d-%d", rule.from, rule.to) end,
}

local function match_of(rule)
  local match = PROTOCOLS[rule.protocol]
  return match and match(rule) or "meta l4proto " .. rule.protocol
end

local function has_group(port, id)
  for _, group in ipairs(port.groups) do
    if group == id then return true end
  end
  return false
end

local function add_chain(lines, name, port, ports, rules, egress)
  lines[#lines + 1] = "  chain " .. name .. " {"
  for _, rule in ipairs(rules) do
    if rule.egress == egress and has_group(port, rule.group.id) then
      for _, peer in ipairs(peers(rule, ports, egress and "daddr" or "saddr")) do
        lines[#lines + 1] = "    " .. peer .. " " .. match_of(rule) .. " return"
      end
    end
  end
  lines[#lines + 1] = "    drop"
  lines[#lines + 1] = "  }"
end

-- What a port may send from: its own addresses, unless the check is off.
local function add_source_check(lines, port)
  if not port.source_dest_check then return end
  local own = { "fe80::/10" }
  for _, address in ipairs(port.ipv6) do own[#own + 1] = address end
  for _, prefix in ipairs(port.prefixes) do own[#own + 1] = prefix end
  lines[#lines + 1] = string.format("    iifname %q ip6 saddr != %s drop", port.name, set(own))
end

--- The whole ruleset.
---@param ports table[] of eni6.sandbox.network.layout
---@param rules table[] the world's security group rules
---@return string text
function firewall.ruleset(ports, rules)
  local lines = { "flush ruleset", "table inet security_groups {" }
  for _, port in ipairs(ports) do
    add_chain(lines, "out_" .. port.name, port, ports, rules, true)
    add_chain(lines, "in_" .. port.name, port, ports, rules, false)
  end
  lines[#lines + 1] = "  chain forward {"
  lines[#lines + 1] = "    type filter hook forward priority filter; policy accept;"
  for _, port in ipairs(ports) do add_source_check(lines, port) end
  lines[#lines + 1] = "    ct state established,related accept"
  for _, port in ipairs(ports) do
    lines[#lines + 1] = string.format("    iifname %q jump out_%s", port.name, port.name)
    lines[#lines + 1] = string.format("    oifname %q jump in_%s", port.name, port.name)
  end
  lines[#lines + 1] = "  }"
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n") .. "\n"
end

return firewall
