--- What an instance should look like, from what it looks like. Pure.
--
-- Which of the interface's addresses is the host's and which block is the
-- containers': what the caller says, else what the instance's tags say, else the
-- rule (the largest aligned block of addresses, or the delegated prefix, is the
-- containers'; the one address left over is the host's), else a question that
-- names the candidates. Never "the first": the order of addresses means nothing.

local ip6 = require("eni6.ip6")
local blocks_of = require("eni6.host.candidates")
local netplan = require("eni6.files.netplan")

local desired = {}

-- One stated choice: the option, else the tag; false when neither is there.
local function state(kind, option, name, tags)
  local text = option or tags["eni6:" .. name]
  if not text then return false end
  local value, message = ip6[kind](text)
  if value then return value end
  return nil, string.format("%s: %s", option and "--" .. name or "the tag eni6:" .. name, message), "EINVAL"
end

-- The caller's or the tags' choice: { address=, block= }, false where not made.
local function stated(facts, options)
  local address, message, code = state("address", options.address, "address", facts.imds.tags)
  if address == nil then return nil, message, code end
  local block
  block, message, code = state("prefix", options.block, "block", facts.imds.tags)
  if block == nil then return nil, message, code end
  return { address = address, block = block }
end

local function joined(list)
  local texts = {}
  for i, value in ipairs(list) do texts[i] = tostring(value) end
  return #texts > 0 and table.concat(texts, ", ") or "none"
end

local function question(what, option, candidates)
  return nil, string.format("which %s? Candidates: %s. Say it with %s, or tag the instance (provision.lua does)",
    what, joined(candidates), option), "EAMBIGUOUS"
end

local function choose_block(candidates, choice)
  if choice.block then return choice.block end
  if #candidates.prefixes == 1 then return candidates.prefixes[1] end
  if #candidates.prefixes > 1 then return question("delegated prefix is the containers'", "--block", candidates.prefixes) end
  if #candidates.blocks == 1 then return candidates.blocks[1] end
  return question("block of addresses is the containers'", "--block", candidates.blocks)
end

local function choose_address(candidates, choice, block)
  if choice.address then return choice.address end
  local left = {}
  for _, address in ipairs(candidates.addresses) do
    if not block:contains(address) then left[#left + 1] = address end
  end
  if #left == 1 then return left[1] end
  return question("address is the host's", "--address", left)
end

-- EC2 sends an instance only packets for what is assigned to its interface, so a
-- choice outside of that would cut it off.
local function check_assigned(candidates, address, block)
  if not candidates.assigned[tostring(address)] then
    return nil, string.format("the host address %s is not assigned to this interface in EC2; assigned: %s",
      tostring(address), joined(candidates.addresses)), "EADDRNOTAVAIL"
  end
  if block:contains(address) then
    return nil, string.format("the host address %s lies in the containers' block %s; they must be apart",
      tostring(address), tostring(block)), "EINVAL"
  end
  local missing = blocks_of.missing(candidates, block)
  if missing then
    return nil, string.format("%s of the block %s is not assigned to this interface in EC2; assign it, or wait for it",
      tostring(missing), tostring(block)), "EADDRNOTAVAIL"
  end
  return true
end

-- A metric that goes before a route's.
local function metric_before(route)
  return route and math.min(netplan.METRIC, math.max(1, route.metric - 1)) or netplan.METRIC
end

-- The route to write down: through the gateway that the caller names, else the best
-- that is there, whoever made it.
local function choose_gateway(facts, gateway)
  local best = facts.gateways[1]
  if not best and not gateway then return nil end
  local is_it = best and (gateway or best.gateway) == best.gateway
  if is_it and best.protocol ~= "ra" then return { via = best.gateway, metric = best.metric } end
  return { via = gateway or best.gateway, metric = metric_before(best) }
end

-- The global addresses that leave the main interface, with their lengths.
local function leaving(facts, address)
  local list = {}
  for _, present in ipairs(facts.main.addresses) do
    local here = ip6.interface(present.address)
    if present.scope ~= "link" and here ~= address then list[#list + 1] = present.address end
  end
  return list
end

local function subnet_length(facts)
  local subnet = facts.imds and facts.imds.subnet_ipv6_cidr_blocks[1]
  return subnet and ip6.prefix(subnet).length or 64
end

--- What is wanted, from the facts that inspect gathered.
---@param facts table see eni6.host.inspect
---@param options { address: string|nil, block: string|nil, gateway: string|nil, network: string|nil }|nil
---   what the caller decides
---@return table|nil wanted { link, mac, address (text), length (bits), gateway { via, metric } or nil,
---   block (text), delegated (boolean), network = the Docker network to make in place of docker0,
---   leaving = addresses with length that go from the main interface }
---@return string? message
---@return string? code "EAMBIGUOUS" with the candidates, "EADDRNOTAVAIL", "EINVAL"
function desired.new(facts, options)
  options = options or {}
  local candidates = blocks_of.interface(facts.imds.ipv6s, facts.imds.ipv6_prefix)
  local choice, message, code = stated(facts, options)
  if not choice then return nil, message, code end
  local block, address, assigned
  block, message, code = choose_block(candidates, choice)
  if not block then return nil, message, code end
  address, message, code = choose_address(candidates, choice, block)
  if not address then return nil, message, code end
  assigned, message, code = check_assigned(candidates, address, block)
  if not assigned then return nil, message, code end
  return {
    link = facts.main.name, mac = facts.main.mac, address = tostring(address), length = subnet_length(facts),
    gateway = choose_gateway(facts, options.gateway),
    block = tostring(block), delegated = blocks_of.is_delegated(candidates, block),
    network = options.network, leaving = leaving(facts, address),
  }
end

return desired
