-- Random networks, written by us and by ip, read by us and by `ip -json`: all four
-- must say the same. SEED repeats a run.

local json = require "dkjson"
local netns = require "support.netns"
local network = require "support.network"

-- --- what ip says, in our words ------------------------------------------------------------

-- Flags without a value are null, not absent.
local function ip(name, command) return json.decode(netns.shell(name, "ip -d -json " .. command), 1, json.null) end

local function with_length(text, family)
  if text == "default" then return family == "inet6" and "::/0" or "0.0.0.0/0" end
  if text:find("/", 1, true) then return text end
  return text .. (family == "inet6" and "/128" or "/32")
end

local function lower(list)
  local text = list and list[1]
  return text and text:lower()
end

local theirs = {}

function theirs.links(name)
  local list = {}
  for i, link in ipairs(ip(name, "link show")) do
    local flags = {}
    for _, flag in ipairs(link.flags) do flags[flag] = true end
    local info = link.linkinfo or {}
    local data = info.info_data or {}
    list[i] = {
      index = link.ifindex, name = link.ifname, mtu = link.mtu, address = link.address, broadcast = link.broadcast,
      master = link.master, parent = link.link, operstate = link.operstate:lower(), txqlen = link.txqlen,
      group = link.group == "default" and 0 or tonumber(link.group), kind = info.info_kind,
      slave_kind = info.info_slave_kind, addr_gen_mode = link.inet6_addr_gen_mode, link_type = link.link_type,
      up = flags.UP, lower_up = flags.LOWER_UP, loopback = flags.LOOPBACK, ageing_time = data.ageing_time,
      macvlan_mode = info.info_kind == "macvlan" and data.mode or nil,
    }
  end
  return list
end

function theirs.addresses(name)
  local list = {}
  for _, link in ipairs(ip(name, "addr show")) do
    for _, info in ipairs(link.addr_info) do
      list[#list + 1] = {
        link = link.ifname, family = info.family, address = (info["local"] or info.address) .. "/" .. info.prefixlen,
        peer = info.address and info["local"] and info.address .. "/" .. info.prefixlen or nil,
        broadcast = info.broadcast, scope = info.scope, metric = info.metric, label = info.label,
        nodad = info.nodad, home = info.home, noprefixroute = info.noprefixroute, tentative = info.tentative,
        permanent = not info.dynamic or nil,
        forever = info.valid_life_time == 4294967295 or nil,
      }
    end
  end
  return list
end

local FLAGS = { "onlink", "dead", "linkdown" }

local function way_of_theirs(way)
  local result = { gateway = way.gateway, link = way.dev, weight = way.weight }
  for _, flag in ipairs(FLAGS) do
    for _, each in ipairs(way.flags or {}) do
      if each == flag then result[flag] = true end
    end
  end
  return result
end

function theirs.routes(name)
  local list = {}
  for _, family in ipairs{ "inet6", "inet" } do
    for _, route in ipairs(ip(name, (family == "inet6" and "-6" or "-4") .. " route show table all")) do
      local metrics = route.metrics and route.metrics[1] or {}
      local record = way_of_theirs(route)
      record.family, record.dst, record.type = family, with_length(route.dst, family), route.type
      record.protocol = tonumber(route.protocol) or route.protocol
      record.scope = family == "inet" and route.scope or nil -- of no use in IPv6
      record.table = tonumber(route.table) or route.table or "main"
      record.metric, record.pref, record.prefsrc = route.metric, route.pref, route.prefsrc
      record.mtu, record.hoplimit, record.advmss = metrics.mtu, metrics.hoplimit, metrics.advmss
      record.expires = route.expires and true
      record.nexthops = route.nexthops and {} or nil
      for i, way in ipairs(route.nexthops or {}) do record.nexthops[i] = way_of_theirs(way) end
      list[#list + 1] = record
    end
  end
  return list
end

-- Those of multicast groups come and go by themselves.
local function without_groups(records)
  local list = {}
  for _, record in ipairs(records) do
    if not record.dst:match("^ff") then list[#list + 1] = record end
  end
  return list
end

function theirs.neighbours(name)
  local list = {}
  for _, entry in ipairs(ip(name, "-6 neigh show nud all")) do
    list[#list + 1] = {
      link = entry.dev, dst = entry.dst, lladdr = entry.lladdr, state = lower(entry.state),
      router = entry.router ~= nil or nil,
    }
  end
  for _, entry in ipairs(ip(name, "-6 neigh show proxy")) do
    list[#list + 1] = { link = entry.dev, dst = entry.dst, proxy = true, state = "none" }
  end
  return without_groups(list)
end

local function prefix_of_rule(text, length)
  if not text or text == "all" then return nil end
  return text .. "/" .. (length or 128)
end

function theirs.rules(name)
  local list = {}
  for i, rule in ipairs(ip(name, "-6 rule show")) do
    list[i] = {
      priority = rule.priority, from = prefix_of_rule(rule.src, rule.srclen), to = prefix_of_rule(rule.dst, rule.dstlen),
      iif = rule.iif, oif = rule.oif, fwmark = tonumber(rule.fwmark), fwmask = tonumber(rule.fwmask),
      table = tonumber(rule.table) or rule.table, protocol = rule.protocol, invert = rule["not"] ~= nil or nil,
      action = rule.action or "lookup",
      suppress_prefixlength = rule.suppress_prefixlen,
      sport = rule.sport and { rule.sport, rule.sport } or rule.sport_start and { rule.sport_start, rule.sport_end },
      dport = rule.dport_start and { rule.dport_start, rule.dport_end },
      uidrange = rule.uid_start and { rule.uid_start, rule.uid_end },
    }
  end
  return list
end

-- --- what we say, with what both say ------------------------------------------------------

local COMPARED = {
  links = { "index", "name", "mtu", "address", "broadcast", "master", "parent", "operstate", "txqlen", "group", "kind",
    "slave_kind", "addr_gen_mode", "link_type", "up", "lower_up", "loopback", "ageing_time", "macvlan_mode" },
  addresses = { "link", "family", "address", "peer", "broadcast", "scope", "metric", "label", "nodad", "home",
    "noprefixroute", "tentative", "permanent" },
  routes = { "family", "dst", "type", "protocol", "scope", "table", "metric", "pref", "prefsrc", "mtu", "hoplimit",
    "advmss", "gateway", "link", "onlink", "dead", "linkdown" },
  neighbours = { "link", "dst", "lladdr", "state", "router", "proxy" },
  rules = { "priority", "from", "to", "iif", "oif", "fwmark", "table", "protocol", "invert", "action",
    "suppress_prefixlength", "sport", "dport", "uidrange" },
}

local function chosen(records, names)
  local list = {}
  for i, record in ipairs(records) do
    list[i] = {}
    for _, name in ipairs(names) do list[i][name] = record[name] end
  end
  return list
end

local ours = {}

function ours.links(nl) return chosen(assert(nl:links()), COMPARED.links) end

function ours.addresses(nl)
  local records = assert(nl:addresses{ family = "any" })
  local list = chosen(records, COMPARED.addresses)
  for i, record in ipairs(records) do list[i].forever = record.valid_lft == nil or nil end
  return list
end

local WAY = { "gateway", "link", "weight", "onlink", "dead", "linkdown" }

function ours.routes(nl)
  local list = {}
  for _, family in ipairs{ "inet6", "inet" } do
    local records = assert(nl:routes{ family = family })
    for i, each in ipairs(chosen(records, COMPARED.routes)) do
      each.expires = records[i].expires and true
      each.nexthops = records[i].nexthops and chosen(records[i].nexthops, WAY)
      list[#list + 1] = each
    end
  end
  return list
end

function ours.neighbours(nl)
  local records = without_groups(assert(nl:neighbours()))
  for _, record in ipairs(assert(nl:neighbours{ proxy = true })) do records[#records + 1] = record end
  return chosen(records, COMPARED.neighbours)
end

function ours.rules(nl)
  local records = assert(nl:rules())
  local list = chosen(records, COMPARED.rules)
  for i, record in ipairs(records) do
    local whole = record.fwmask == 0xffffffff or record.fwmask == 0
    list[i].fwmask = not whole and record.fwmask or nil
  end
  return list
end

-- --- comparing -------------------------------------------------------------------------

local function as_text(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, each in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. as_text(each) end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end

local function sorted(records)
  local lines = {}
  for i, record in ipairs(records) do lines[i] = as_text(record) end
  table.sort(lines)
  return table.concat(lines, "\n")
end

-- The line that begins most like another, to show what differs.
local function closest(line, lines)
  local best, most = "", -1
  for each in lines:gmatch("[^\n]+") do
    local alike = 0
    for word in line:gmatch("%S+") do
      if each:find(word, 1, true) then alike = alike + 1 end
    end
    if alike > most then best, most = each, alike end
  end
  return "\nthe second has " .. best
end

local function compare(what, one, other)
  one, other = sorted(one), sorted(other)
  if one == other then return end
  local there = {}
  for line in other:gmatch("[^\n]+") do there[line] = true end
  for line in one:gmatch("[^\n]+") do
    if not there[line] then error(what .. ": only the first has " .. line .. closest(line, other), 0) end
    there[line] = nil
  end
  error(what .. ": only the second has " .. tostring((next(there))), 0)
end

-- Waits until no more happens: carriers, and what depends on them.
local function calm(nl)
  local monitor = assert(nl:monitor{ "link", "address", "route" })
  while monitor:next(1.1) do end -- luacheck: ignore
  monitor:close()
end

local function same_seen_by_both(name, nl)
  for object in pairs(COMPARED) do compare("we and ip read " .. object, ours[object](nl), theirs[object](name)) end
end

-- Runs commands of ip from a file.
local function run_ip(name, options, commands)
  local file = os.tmpname()
  local handle = assert(io.open(file, "w"))
  handle:write(commands)
  handle:close()
  local good, message = pcall(netns.shell, name, "ip " .. options .. " " .. file)
  os.remove(file)
  if not good then
    local number, line = tonumber(message:match(":(%d+)\n")), 0
    for command in commands:gmatch("[^\n]+") do
      line = line + 1
      if line == number then message = message .. command end
    end
    error(message, 0)
  end
end

-- Runs a batch, none of which may fail.
local function run_batch(nl, items)
  local results, failed = assert(nl:batch(items))
  for i, result in ipairs(results) do
    if result ~= true then error(result.message .. " " .. as_text(items[i]), 0) end
  end
  assert.equal(0, failed)
end

-- Makes the network twice, and returns both names and sockets.
local function write_both(net)
  local name, nl = netns.new()
  local their_name, their_nl = netns.new()
  local requests, commands = { network.requests(net) }, { network.commands(net) }
  run_batch(nl, requests[1])
  run_ip(their_name, "-batch", commands[1])
  calm(nl)
  calm(their_nl)
  run_batch(nl, requests[2])
  run_ip(their_name, "-6 -batch", commands[2])
  return name, nl, their_name, their_nl
end

describe("a random network", function()
  after_each(netns.clean)

  local seed = tonumber(os.getenv("SEED")) or 1

  for round = 1, 3 do
    it("written by us and by ip is the same to both (SEED=" .. seed .. ", " .. round .. ")", function()
      math.randomseed(seed + round)
      local name, nl, their_name, their_nl = write_both(network.random(math.random))
      same_seen_by_both(name, nl)
      same_seen_by_both(their_name, their_nl)
      for object in pairs(COMPARED) do
        compare("we and ip wrote " .. object, ours[object](nl), ours[object](their_nl))
      end
      nl:close()
      their_nl:close()
    end)
  end
end)
