--- Judges what eni6.host.observe saw of this instance, hop by hop, each with the
--- remedy where it is broken. Pure.

local daemon_json = require("eni6.files.daemon_json")
local ip6 = require("eni6.ip6")
local sysctl = require("eni6.files.sysctl")

local check = {}

local CONFIGURE = "run: lua scripts/configure.lua"

---@class eni6.check.row
---@field subject string the instance, a host of a plan, or a container
---@field name string the hop
---@field state "pass"|"fail"|"skip"
---@field text string what is there
---@field remedy string|nil for a fail: what to do; for a skip: how to have it checked

local function collector(subject)
  local rows = {}
  local function add(state, name, text, remedy)
    rows[#rows + 1] = { subject = subject, name = name, state = state, text = text, remedy = remedy }
  end
  return rows, add
end

local function judge_interface(add, facts, wanted)
  local main, host = facts.main, wanted.address .. "/" .. wanted.length
  if not main.up then
    return add("fail", "interface", main.name .. " is down", "bring it up: ip link set " .. main.name .. " up")
  end
  local permanent
  for _, record in ipairs(main.addresses) do
    if record.address == host and record.dadfailed then
      return add("fail", "interface", host .. " on " .. main.name .. " is held by another machine (duplicate address)",
        "find who else uses it; EC2 assigns an address to one interface only")
    end
    permanent = permanent or record.address == host and not record.valid_lft
  end
  if not permanent then return add("fail", "interface", main.name .. " does not have " .. host .. " for good", CONFIGURE) end
  if #wanted.leaving > 0 then
    return add("fail", "interface", main.name .. " still has " .. table.concat(wanted.leaving, ", "), CONFIGURE)
  end
  add("pass", "interface", main.name .. " has " .. host)
end

local function judge_route(add, facts, wanted)
  if not wanted.gateway then
    return add("fail", "default route", "there is none on " .. wanted.link,
      "see whether the VPC's router advertises itself (accept_ra of the interface must be 2), then " .. CONFIGURE)
  end
  local best = facts.gateways[1]
  if best.protocol == "ra" then
    return add("fail", "default route", "via " .. best.gateway .. " lives by router advertisements alone", CONFIGURE)
  end
  add("pass", "default route", string.format("via %s on %s, metric %d", best.gateway, wanted.link, best.metric))
end

local function judge_settings(add, facts)
  local names = {}
  for name in pairs(facts.sysctls) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local needed = name:find("accept_ra$") and "2" or "1"
    local value = facts.sysctls[name]
    local ok = sysctl.serves(name, needed, value)
    add(ok and "pass" or "fail", name:match("([^/]+/[^/]+)$"), "is " .. value .. (ok and "" or ", must be " .. needed),
      not ok and CONFIGURE or nil)
  end
end

local function judge_files(add, seen)
  if not seen.stale then return add("fail", "files", seen.files_fault, "mend the file, then " .. CONFIGURE) end
  if #seen.stale > 0 then
    return add("fail", "files", "a reboot would lose the configuration: " .. table.concat(seen.stale, ", "), CONFIGURE)
  end
  add("pass", "files", "the configuration lasts over a reboot (" .. seen.facts.renderer .. ")")
end

local function judge_gateway(add, seen)
  if not seen.gateway then return add("skip", "gateway", "no default route, so nobody to ask") end
  if seen.gateway.reachable then
    return add("pass", "gateway", string.format("%s answers in %.1f ms", seen.wanted.gateway.via, seen.gateway.rtt * 1000))
  end
  add("fail", "gateway", string.format("%s does not answer: %s", seen.gateway.target, tostring(seen.gateway.reason)),
    "look at the neighbours (ip -6 neigh) and for a firewall on this instance (nft list ruleset)")
end

local function judge_daemon_json(add, facts, wanted)
  local present = facts.files[daemon_json.PATH]
  local merged, message = daemon_json.merge(present, daemon_json.bridge_members(wanted.block))
  if not merged then return add("fail", "daemon.json", message, "mend the file; docker keeps running with its old settings") end
  if merged ~= present then
    return add("fail", "daemon.json", "does not give Docker the block " .. wanted.block, CONFIGURE)
  end
  add("pass", "daemon.json", "fixed-cidr-v6 is " .. wanted.block)
end

local function judge_docker(add, docker)
  if docker.running then return add("pass", "docker", "answers, version " .. tostring(docker.version)) end
  if docker.installed then
    return add("fail", "docker", "dockerd does not answer", "start it: systemctl start docker; see journalctl -u docker")
  end
  add("fail", "docker", "is not installed", "run: lua scripts/configure.lua --install-docker")
end

local function judge_bridge(add, docker, wanted)
  if not docker.running then return add("skip", "bridge", "Docker does not run") end
  local block = ip6.prefix(wanted.block)
  for _, text in ipairs(docker.bridge) do
    if block:contains(ip6.address((text:match("^[^/]*")))) then return add("pass", "bridge", "docker0 has " .. text) end
  end
  add("fail", "bridge", "docker0 has " .. (#docker.bridge > 0 and table.concat(docker.bridge, ", ") or "no public address")
    .. ", not one of " .. wanted.block, "Docker read daemon.json before it was changed: systemctl restart docker")
end

local function judge_network(add, docker, wanted)
  if not docker.running then return add("skip", "network", "Docker does not run") end
  if docker.subnet == wanted.block then return add("pass", "network", wanted.network .. " has " .. wanted.block) end
  add("fail", "network", "Docker's network " .. wanted.network .. (docker.subnet and " has " .. docker.subnet or " is not there")
    .. ", should have " .. wanted.block, CONFIGURE .. " --network " .. wanted.network)
end

local function container_fault(container, wanted)
  local inside = container.inside
  if not ip6.prefix(wanted.block):contains(ip6.address(container.address)) then
    return container.address .. " is not of the block " .. wanted.block, "make the container anew: it dates from another block"
  elseif inside.fault then
    return "its network namespace cannot be entered: " .. inside.fault, "run this as root"
  elseif inside.disable_ipv6 == "1" then
    return "net.ipv6.conf." .. inside.link .. ".disable_ipv6 is 1 in it", "start it without that --sysctl"
  elseif not inside.gateway then
    return "has no default route", "make it anew: docker restart " .. container.name
  elseif not container.reachable then
    return container.address .. " does not answer the host", "see for a firewall in it or on the bridge (ip6tables -L)"
  end
end

local function judge_containers(rows, seen)
  for _, container in ipairs(seen.containers or {}) do
    local fault, remedy = container_fault(container, seen.wanted)
    rows[#rows + 1] = { subject = container.name, name = "container", state = fault and "fail" or "pass", remedy = remedy,
      text = fault or string.format("%s/%d on %s, via %s, answers", container.address, container.length,
        container.inside.link, container.inside.gateway) }
  end
end

local function judge_peers(add, peers)
  for _, peer in ipairs(peers) do
    local way = peer.target .. (peer.reachable and " answers " or " does not answer ") .. peer.source
    if peer.reachable then
      add("pass", "peer", string.format("%s in %.1f ms, hop limit %s", way, peer.rtt * 1000, tostring(peer.hop_limit)))
    else
      add("fail", "peer", way .. ": " .. tostring(peer.reason),
        "if the rows above pass, see security groups and routes: lua scripts/check.lua PLAN; then check the peer itself")
    end
  end
end

-- What to do when the facts themselves cannot be had.
local REMEDIES = {
  NoMetadata = "run it on the instance; where this is one, enable its metadata service "
    .. "(aws ec2 modify-instance-metadata-options --http-endpoint enabled)",
  EPERM = "run it as root",
  EACCES = "run it as root",
}

--- The rows, in the order in which a packet depends on them.
---@param seen table of eni6.host.observe
---@return eni6.check.row[]
function check.instance(seen)
  local rows, add = collector("this instance")
  if not seen.facts then
    add("fail", "facts", seen.fault, REMEDIES[seen.fault_code] or "mend that first; nothing else can be judged without it")
    judge_peers(add, seen.peers)
    return rows
  end
  add("pass", "metadata", "answers; " .. seen.facts.main.name .. " is " .. tostring(seen.facts.imds.interface_id))
  judge_settings(add, seen.facts)
  if not seen.wanted then
    add("fail", "addresses", seen.question, "say which, to configure.lua and here")
    judge_peers(add, seen.peers)
    return rows
  end
  judge_interface(add, seen.facts, seen.wanted)
  judge_route(add, seen.facts, seen.wanted)
  judge_gateway(add, seen)
  judge_files(add, seen)
  if not seen.wanted.network then judge_daemon_json(add, seen.facts, seen.wanted) end
  judge_docker(add, seen.facts.docker)
  local judge_block = seen.wanted.network and judge_network or judge_bridge
  judge_block(add, seen.facts.docker, seen.wanted)
  if seen.containers_fault then add("fail", "containers", seen.containers_fault, "see: journalctl -u docker") end
  judge_containers(rows, seen)
  judge_peers(add, seen.peers)
  return rows
end

return check
