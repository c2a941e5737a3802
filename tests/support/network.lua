--- Random networks for one namespace, as records of eni6.netlink and as commands
-- of ip: the same network can be written by both.

local network = {}

local function pick(random, list) return list[random(#list)] end

-- Sets fields that are there only now and then, in the order of their names, so
-- that the same seed makes the same network.
local function sometimes(random, record, fields)
  local names = {}
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if random(3) == 1 then record[name] = fields[name]() end
  end
  return record
end

local function prefix_of(link) return string.format("2001:db8:%x::", link.index) end

-- --- links ----------------------------------------------------------------------------

local function mac(index) return string.format("02:00:00:00:%02x:%02x", index // 256, index % 256) end

local function add_links(net, random)
  local function add(link)
    link.index = 10 + #net.links
    link.address = mac(link.index)
    net.links[#net.links + 1] = link
    return link
  end
  for i = 1, 2 do
    add(sometimes(random, { name = "b" .. i, kind = "bridge" }, {
      mtu = function() return 1280 + random(200) end,
      ageing_time = function() return 100 * random(500) end,
    }))
  end
  for i = 1, 4 do
    add(sometimes(random, { name = "v" .. i, kind = "veth", peer = { name = "w" .. i } }, {
      mtu = function() return 1280 + random(200) end,
      group = function() return random(1000) end,
      txqlen = function() return random(5000) end,
    }))
    local parent = net.links[#net.links]
    if random(2) == 1 then
      add{ name = "m" .. i, kind = "macvlan", parent = parent.name,
        macvlan_mode = pick(random, { "bridge", "private", "vepa" }) }
    elseif random(2) == 1 then
      parent.master = "b" .. random(2)
      parent.mtu = nil
    end
  end
end

local function link_commands(link)
  local words = { "link add", link.parent and "link " .. link.parent or "", "name", link.name, "index", link.index,
    "address", link.address }
  for _, name in ipairs{ "mtu", "group", "txqlen", "master" } do
    if link[name] then words[#words + 1] = name .. " " .. link[name] end
  end
  words[#words + 1] = "type " .. link.kind
  if link.ageing_time then words[#words + 1] = "ageing_time " .. link.ageing_time end
  if link.macvlan_mode then words[#words + 1] = "mode " .. link.macvlan_mode end
  if link.peer then words[#words + 1] = "peer name " .. link.peer.name end
  return {
    table.concat(words, " "), "link set " .. link.name .. " addrgenmode none", "link set " .. link.name .. " up",
    link.peer and "link set " .. link.peer.name .. " addrgenmode none address " .. mac(link.index + 1000) or nil,
    link.peer and "link set " .. link.peer.name .. " up" or nil,
  }
end

-- The requests that make a link as the commands do.
local function link_requests(link)
  local items = {
    { "add_link", link }, { "set_link", { link = link.name, addr_gen_mode = "none" } },
    { "set_link", { link = link.name, up = true } },
  }
  if link.peer then
    items[#items + 1] = { "set_link", { link = link.peer.name, addr_gen_mode = "none", address = mac(link.index + 1000) } }
    items[#items + 1] = { "set_link", { link = link.peer.name, up = true } }
  end
  return items
end

-- --- addresses ------------------------------------------------------------------------

local function add_addresses(net, random)
  for _, link in ipairs(net.links) do
    -- One for the gateways of routes; then some of all sorts.
    net.addresses[#net.addresses + 1] = { link = link.name, address = prefix_of(link) .. "1/64", nodad = true }
    for i = 2, 1 + random(6) do
      local record = sometimes(random, {
        link = link.name, nodad = true, address = string.format("%s%x:%x/%d", prefix_of(link), random(0xffff), i,
          pick(random, { 64, 80, 126, 128 })),
      }, {
        noprefixroute = function() return true end, home = function() return true end,
        metric = function() return random(100000) end,
        valid_lft = function() return 10000 + random(10000) end,
      })
      if record.valid_lft then record.preferred_lft = 5000 + random(4000) end
      if random(6) == 1 and not record.metric then
        record.address = record.address:gsub("/%d+", "/128")
        record.peer = string.format("%s%x:ffff/128", prefix_of(link), i)
      end
      net.addresses[#net.addresses + 1] = record
    end
    if random(2) == 1 then
      net.addresses[#net.addresses + 1] = {
        link = link.name, address = string.format("10.%d.%d.1/24", link.index % 256, random(255)),
        broadcast = string.format("10.%d.255.255", link.index % 256),
      }
    end
  end
end

local function address_command(record)
  local words = { "addr add" }
  if record.peer then
    words[#words + 1] = record.address:match("^[^/]*") .. " peer " .. record.peer
  else
    words[#words + 1] = record.address
  end
  if record.broadcast then words[#words + 1] = "broadcast " .. record.broadcast end
  words[#words + 1] = "dev " .. record.link
  for _, name in ipairs{ "metric", "valid_lft", "preferred_lft" } do
    if record[name] then words[#words + 1] = name .. " " .. record[name] end
  end
  for _, name in ipairs{ "nodad", "noprefixroute", "home" } do
    if record[name] then words[#words + 1] = name end
  end
  return table.concat(words, " ")
end

-- --- routes ---------------------------------------------------------------------------

local function gateway_on(random, link) return string.format("%s%x", prefix_of(link), 0x100 + random(0x8000)) end

local function add_way(random, net, record)
  local link = pick(random, net.links)
  record.link, record.gateway = link.name, gateway_on(random, link)
  if random(5) == 1 then record.gateway, record.onlink = "2001:db8:ffff::" .. random(9), true end
  if random(8) == 1 then record.gateway = "fe80::" .. random(99) end
  return record
end

-- Ways through different gateways or links: the kernel refuses the same one twice.
local function add_nexthops(random, net, record)
  record.nexthops = {}
  local seen = {}
  for _ = 1, 1 + random(3) do
    local way = add_way(random, net, { weight = random(256) })
    local key = tostring(way.gateway) .. " " .. tostring(way.link)
    if not seen[key] then
      record.nexthops[#record.nexthops + 1] = way
      seen[key] = true
    end
  end
end

local function add_routes(net, random)
  for i = 1, 60 do
    local record = sometimes(random, {
      dst = string.format("2001:db8:%x:%x::/64", 0x1000 + i, random(0xffff)),
      metric = 33 * i + random(32), -- two default routes of one metric would be one route
      -- No numbers here: after one, ip -batch takes a name for it that it remembers from before.
      protocol = pick(random, { "static", "ra", "boot", "bgp" }), family = "inet6",
    }, {
      table = function() return pick(random, { 100, 70000, "local" }) end,
      pref = function() return pick(random, { "low", "medium", "high" }) end,
      mtu = function() return 1280 + random(200) end,
      hoplimit = function() return random(254) end,
      advmss = function() return 1000 + random(200) end,
    })
    if random(8) == 1 and record.table ~= "local" then record.dst = "::/0" end
    local kind = random(10)
    if kind == 1 then
      record.type, record.pref = pick(random, { "blackhole", "unreachable", "prohibit" }), nil
    elseif kind <= 4 then
      add_nexthops(random, net, record)
    elseif kind <= 8 then
      add_way(random, net, record)
      if random(4) == 1 then record.expires = 10000 + random(10000) end
    else
      record.link = pick(random, net.links).name
    end
    net.routes[#net.routes + 1] = record
  end
end

local function way_words(way)
  local words = {}
  if way.gateway then words[#words + 1] = "via " .. way.gateway end
  if way.link then words[#words + 1] = "dev " .. way.link end
  if way.onlink then words[#words + 1] = "onlink" end
  return table.concat(words, " ")
end

local function route_command(record)
  local words = { "route add", record.type or "", record.dst, way_words(record) }
  for _, name in ipairs{ "metric", "table", "pref", "mtu", "hoplimit", "advmss", "expires" } do
    if record[name] then words[#words + 1] = name .. " " .. record[name] end
  end
  words[#words + 1] = "proto " .. record.protocol
  for _, way in ipairs(record.nexthops or {}) do
    words[#words + 1] = "nexthop " .. way_words(way) .. " weight " .. way.weight
  end
  return table.concat(words, " ")
end

-- --- neighbours and rules -----------------------------------------------------------------

local function add_neighbours(net, random)
  for i = 1, 30 do
    local link = pick(random, net.links)
    local record = { link = link.name, dst = string.format("%sbeef:%x", prefix_of(link), i) }
    if random(3) == 1 then
      record.proxy = true
    else
      record.lladdr = mac(0x4000 + i)
      record.state = pick(random, { "permanent", "noarp", "stale" })
      if random(4) == 1 then record.router = true end
    end
    net.neighbours[#net.neighbours + 1] = record
  end
end

local function neighbour_command(record)
  if record.proxy then return string.format("neigh add proxy %s dev %s", record.dst, record.link) end
  return string.format("neigh add %s lladdr %s nud %s %s dev %s", record.dst, record.lladdr, record.state,
    record.router and "router" or "", record.link)
end

local function add_rules(net, random)
  for i = 1, 30 do
    local record = sometimes(random, { priority = 1000 + i, protocol = "static", family = "inet6" }, {
      from = function() return string.format("2001:db8:%x::/48", random(0xffff)) end,
      to = function() return string.format("2001:db8:%x::%x/128", random(0xffff), random(0xffff)) end,
      iif = function() return pick(random, net.links).name end,
      oif = function() return pick(random, net.links).name end,
      fwmark = function() return random(0xffff) end,
      invert = function() return true end,
    })
    if record.fwmark and random(2) == 1 then record.fwmask = random(0xffff) end
    if random(4) == 1 then
      record.ipproto, record.dport = 6, { random(1000), 2000 + random(1000) }
      if random(2) == 1 then record.sport = { 53, 53 } end
    end
    if random(5) == 1 then
      record.action = pick(random, { "blackhole", "unreachable", "prohibit" })
    else
      record.table = pick(random, { 100, 70000, "main" })
      if random(4) == 1 then record.suppress_prefixlength = random(64) end
    end
    if random(6) == 1 then record.uidrange = { random(100), 100 + random(1000) } end
    net.rules[#net.rules + 1] = record
  end
end

local function rule_command(record)
  local words = { "rule add", record.invert and "not" or "", record.action or "", "protocol", record.protocol }
  for _, name in ipairs{ "priority", "from", "to", "iif", "oif", "table", "ipproto", "suppress_prefixlength" } do
    if record[name] then words[#words + 1] = name .. " " .. record[name] end
  end
  for _, name in ipairs{ "sport", "dport", "uidrange" } do
    if record[name] then words[#words + 1] = string.format("%s %d-%d", name, record[name][1], record[name][2]) end
  end
  if record.fwmark then
    words[#words + 1] = "fwmark " .. record.fwmark .. (record.fwmask and "/" .. record.fwmask or "")
  end
  return table.concat(words, " ")
end

-- --- whole networks -------------------------------------------------------------------

--- A random network.
---@param random fun(high: integer): integer
function network.random(random)
  local net = { links = {}, addresses = {}, routes = {}, neighbours = {}, rules = {} }
  add_links(net, random)
  add_addresses(net, random)
  add_routes(net, random)
  add_neighbours(net, random)
  add_rules(net, random)
  return net
end

--- The items of a batch that makes its links and addresses, and of one that makes the rest. Between
-- them there must be time for carriers to come: their changes flush neighbours.
function network.requests(net)
  local first, second = {}, {}
  for _, link in ipairs(net.links) do
    for _, item in ipairs(link_requests(link)) do first[#first + 1] = item end
  end
  for _, record in ipairs(net.addresses) do first[#first + 1] = { "add_address", record } end
  for _, object in ipairs{ "route", "neighbour", "rule" } do
    for _, record in ipairs(net[object .. "s"]) do
      second[#second + 1] = { "add_" .. object, record }
    end
  end
  return first, second
end

--- The same as commands: for `ip -batch`, and for `ip -6 -batch`.
function network.commands(net)
  local first, second = {}, {}
  for _, link in ipairs(net.links) do
    for _, command in ipairs(link_commands(link)) do first[#first + 1] = command end
  end
  for _, record in ipairs(net.addresses) do first[#first + 1] = address_command(record) end
  for _, record in ipairs(net.routes) do second[#second + 1] = route_command(record) end
  for _, record in ipairs(net.neighbours) do second[#second + 1] = neighbour_command(record) end
  for _, record in ipairs(net.rules) do second[#second + 1] = rule_command(record) end
  return table.concat(first, "\n") .. "\n", table.concat(second, "\n") .. "\n"
end

return network
