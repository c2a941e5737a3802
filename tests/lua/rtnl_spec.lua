local json = require "dkjson"
local network = require "support.network"
local oracle = require "support.oracle"
local rtnl = require "eni6.rtnl"

-- Encodes and decodes one request.
local function there_and_back(operation, fields)
  local messages = assert(rtnl.decode(rtnl.encode(operation, fields)))
  assert.equal(1, #messages)
  local object = operation:match("_(.*)")
  assert.equal(object, messages[1].object)
  assert.equal(operation:match("^[^_]*"), messages[1].verb)
  return messages[1].record
end

-- The fields of one table that another lacks or has differently.
local function missing(wanted, have)
  for name, value in pairs(wanted) do
    if type(value) == "table" then
      missing(value, have[name] or {})
    else
      assert.equal(value, have[name], name)
    end
  end
end

local REQUESTS = {
  { "add_link", { name = "x", kind = "vlan", parent = 5, vlan_id = 7, vlan_protocol = "802.1ad" } },
  { "add_link", { name = "x", kind = "ipvlan", parent = 5, ipvlan_mode = "l3s", mtu = 1400, up = true } },
  { "add_link", { name = "x", kind = "macvlan", parent = 5, macvlan_mode = "passthru", address = "02:00:00:00:00:01" } },
  { "add_link", { name = "x", kind = "veth", peer = { name = "y", mtu = 1400, index = 9 }, netns_pid = 5 } },
  { "add_link", { name = "x", kind = "bridge", forward_delay = 200, ageing_time = 300, stp_state = 1,
    vlan_filtering = 1, mcast_snooping = 0, txqlen = 6, group = 7 } },
  { "set_link", { index = 5, name = "y", master = 6, addr_gen_mode = "stable_secret", token = "::5", netns_fd = 3,
    promisc = true, allmulti = true, multicast = true, noarp = true } },
  { "delete_link", { index = 5 } },
  { "get_link", { name = "x" } },
  { "add_address", { index = 5, address = "2001:db8::1/64", flags = 0x282, nodad = true, noprefixroute = true,
    valid_lft = 100, preferred_lft = 50, metric = 7, scope = "link", protocol = "kernel_ra" } },
  { "replace_address", { index = 5, address = "192.0.2.1/24", broadcast = "192.0.2.255", label = "x:1" } },
  { "delete_address", { index = 5, address = "2001:db8::1/64", peer = "2001:db8::2/64" } },
  { "add_route", { dst = "2001:db8::/48", src = "2001:db8:1::/64", gateway = "fe80::1", index = 5, metric = 7,
    table = 70000, protocol = "bgp", scope = "link", type = "unicast", pref = "high", expires = 60, prefsrc = "::1",
    onlink = true, mtu = 1400, advmss = 1300, hoplimit = 64, initcwnd = 10, initrwnd = 11, quickack = 1, tos = 4 } },
  { "append_route", { dst = "192.0.2.0/24", via = "2001:db8::1", index = 5 } },
  { "replace_route", { dst = "::/0", nexthops = {
    { gateway = "2001:db8::1", index = 5, weight = 256 }, { gateway = "fe80::1", index = 6, onlink = true, weight = 1 } } } },
  { "delete_route", { dst = "2001:db8::/48", type = "blackhole", nhid = 5 } },
  { "get_route", { dst = "2001:db8::1/128", mark = 5, iif = 6 } },
  { "add_neighbour", { index = 5, dst = "2001:db8::1", lladdr = "02:00:00:00:00:01", state = "stale", router = true,
    extern_learn = true, protocol = "zebra" } },
  { "replace_neighbour", { index = 5, dst = "2001:db8::1", managed = true } },
  { "delete_neighbour", { index = 5, dst = "192.0.2.1", proxy = true } },
  { "add_rule", { priority = 5, from = "2001:db8::/32", to = "2001:db8::1/128", iif = "a", oif = "b", table = 70000,
    fwmark = 5, fwmask = 255, suppress_prefixlength = 0, ipproto = 17, sport = { 1, 2 }, dport = { 3, 3 },
    uidrange = { 4, 70000 }, invert = true, protocol = "ra", tos = 8, l3mdev = 0 } },
  { "delete_rule", { family = "inet", action = "goto", target = 7, priority = 3 } },
  { "add_address_label", { prefix = "2001:db8::/32", label = 99, index = 5 } },
}

describe("rtnl", function()
  it("reads back what it writes", function()
    for _, request in ipairs(REQUESTS) do missing(request[2], there_and_back(request[1], request[2])) end
  end)

  it("reads back random networks", function()
    math.randomseed(1)
    local net = network.random(math.random)
    local objects = { addresses = "address", routes = "route", neighbours = "neighbour", rules = "rule" }
    for plural, object in pairs(objects) do
      for _, record in ipairs(net[plural]) do
        record.link = record.link and 5
        for _, way in ipairs(record.nexthops or {}) do way.link = way.link and 6 end
        local read = there_and_back("add_" .. object, record)
        read.link = read.index
        for _, way in ipairs(read.nexthops or {}) do way.link = way.index end
        missing(record, read)
      end
    end
  end)

  it("writes what pyroute2 reads", function()
    local cases, expected = {}, {
      { 1, { "IFLA_LINKINFO", "IFLA_INFO_DATA", "IFLA_VLAN_ID" }, 7 },
      { 1, { "IFLA_LINKINFO", "IFLA_INFO_DATA", "IFLA_VLAN_PROTOCOL" }, 0x88a8 },
      { 1, { "IFLA_LINK" }, 5 },
      { 2, { "IFLA_LINKINFO", "IFLA_INFO_DATA", "IFLA_IPVLAN_MODE" }, 2 },
      { 2, { "flags" }, 1 }, { 2, { "change" }, 1 },
      { 3, { "IFLA_LINKINFO", "IFLA_INFO_DATA", "IFLA_MACVLAN_MODE" }, "passthru" },
      { 4, { "IFLA_LINKINFO", "IFLA_INFO_DATA", "VETH_INFO_PEER", "IFLA_IFNAME" }, "y" },
      { 4, { "IFLA_LINKINFO", "IFLA_INFO_DATA", "VETH_INFO_PEER", "IFLA_MTU" }, 1400 },
      { 4, { "IFLA_LINKINFO", "IFLA_INFO_DATA", "VETH_INFO_PEER", "index" }, 9 },
      { 5, { "IFLA_LINKINFO", "IFLA_INFO_DATA", "IFLA_BR_AGEING_TIME" }, 300 },
      { 5, { "IFLA_LINKINFO", "IFLA_INFO_DATA", "IFLA_BR_VLAN_FILTERING" }, 1 },
      { 6, { "IFLA_AF_SPEC", "AF_INET6", "IFLA_INET6_ADDR_GEN_MODE" }, 2 },
      { 6, { "IFLA_MASTER" }, 6 },
      { 9, { "IFA_FLAGS" }, 0x282 }, { 9, { "prefixlen" }, 64 }, { 9, { "IFA_CACHEINFO", "ifa_valid" }, 100 },
      { 9, { "IFA_CACHEINFO", "ifa_preferred" }, 50 },
      { 9, { "IFA_LOCAL" }, "2001:db8::1" }, { 9, { "IFA_ADDRESS" }, "2001:db8::1" },
      { 11, { "IFA_LOCAL" }, "2001:db8::1" }, { 11, { "IFA_ADDRESS" }, "2001:db8::2" },
      { 12, { "RTA_METRICS", "RTAX_INITRWND" }, 11 }, { 12, { "RTA_TABLE" }, 70000 }, { 12, { "table" }, 0 },
      { 12, { "RTA_PREF" }, 1 }, { 12, { "RTA_EXPIRES" }, "3c:00:00:00" }, { 12, { "proto" }, 186 }, { 12, { "flags" }, 4 },
      { 14, { "RTA_MULTIPATH", 1, "hops" }, 255 }, { 14, { "RTA_MULTIPATH", 2, "RTA_GATEWAY" }, "fe80::1" },
      { 14, { "RTA_MULTIPATH", 2, "flags" }, 4 }, { 14, { "RTA_MULTIPATH", 2, "oif" }, 6 },
      { 17, { "NDA_LLADDR" }, "02:00:00:00:00:01" }, { 17, { "state" }, 4 }, { 17, { "flags" }, 0x90 },
      { 20, { "FRA_DPORT_RANGE" }, "3:3" }, { 20, { "FRA_UID_RANGE" }, "4:70000" }, { 20, { "flags" }, 2 },
      { 20, { "FRA_SUPPRESS_PREFIXLEN" }, 0 }, { 20, { "FRA_IIFNAME" }, "a" }, { 20, { "src_len" }, 32 },
    }
    for i = 1, 21 do
      local operation, fields = REQUESTS[i][1], REQUESTS[i][2]
      local hex = rtnl.encode(operation, fields):gsub(".", function(c) return string.format("%02x", c:byte()) end)
      cases[i] = { kind = operation:match("_(.*)"), bytes = hex }
    end
    local answers = oracle.ask("rtnl.py", setmetatable(cases, { __jsontype = "array" }))
    for _, each in ipairs(expected) do
      local value = answers[each[1]]
      for _, step in ipairs(each[2]) do value = type(value) == "table" and value[step] or nil end
      assert.equal(each[3], value, each[1] .. " " .. table.concat(each[2], ".") .. " " .. json.encode(answers[each[1]]))
    end
  end)

  it("keeps the sequence number, and reads many messages", function()
    local bytes = rtnl.encode("get_link", { index = 1 }, 4294967295) .. rtnl.encode("dump_route", { table = 7 }, 0)
    local messages = rtnl.decode(bytes)
    assert.same({ 4294967295, "get", 0, "dump" },
      { messages[1].sequence, messages[1].verb, messages[2].sequence, messages[2].verb })
  end)

  it("reads the kernel's answers", function()
    local request = rtnl.encode("delete_link", { index = 5 }, 9)
    local header = string.pack("<I4I2I2I4I4", 36, 2, 0x100, 9, 77)
    local ack = rtnl.decode(header .. string.pack("<i4", -19) .. request:sub(1, 16))[1]
    assert.same({ "ack", "ENODEV", 9, 77 }, { ack.object, ack.code, ack.sequence, ack.port })
    local done = rtnl.decode(string.pack("<I4I2I2I4I4i4", 20, 3, 2, 9, 77, 0))[1]
    assert.same({ "done" }, { done.object, done.code })
  end)

  it("says what is no message, and raises on misuse", function()
    for _, bytes in ipairs{ "x", ("\0"):rep(16), "\255\255\255\255" .. ("\0"):rep(12) } do
      local messages, message, code = rtnl.decode(bytes)
      assert.same({ nil, "EBADMSG" }, { messages, code })
      assert.matches("at byte 0", message)
    end
    assert.same({}, rtnl.decode(""))
    for _, misuse in ipairs{
      { "add_nothing", {} }, { "append_address", { address = "::1" } }, { "add_route", {} }, { "add_address", {} },
      { "delete_neighbour", { index = 5 } }, { "add_route", { dst = "::/0", link = "by-name" } },
      { "set_link", { index = 1, netns = "by-name" } }, { "add_route", { dst = "::/0" }, -1 },
    } do
      assert.has_error(function() rtnl.encode(table.unpack(misuse)) end)
    end
    local ways = {}
    for i = 1, 1000 do ways[i] = { gateway = "2001:db8::1", index = 5 } end
    assert.has_error(function() rtnl.encode("add_route", { dst = "::/0", nexthops = ways }) end)
  end)
end)
