-- Requests, batches, dumps and namespaces, against the kernel.

local netlink = require "eni6.netlink"
local netns = require "support.netns"

local name, nl

local function up(link) assert(nl:set_link{ link = link, up = true }) end

before_each(function()
  name, nl = netns.new()
  assert(nl:add_link{ name = "v0", kind = "veth", peer = { name = "v1" } })
  up("v0")
  up("v1")
end)

after_each(function()
  nl:close()
  netns.clean()
end)

describe("namespaces", function()
  it("are made, listed and deleted as ip netns does it", function()
    local listed = {}
    for _, each in ipairs(netlink.list_netns()) do listed[each] = true end
    assert.is_true(listed[name])
    local there, message, code = netlink.create_netns(name)
    assert.is_nil(there)
    assert.equal("EEXIST", code)
    assert.matches(name, message, 1, true)
    assert.matches("v0", netns.shell(name, "ip -o link show v0"))
    assert.equal("ENOENT", select(3, netlink.delete_netns("eni6-test-none")))
    for _, bad in ipairs{ "", ".", "..", "a/b" } do
      assert.equal("EINVAL", select(3, netlink.create_netns(bad)))
    end
  end)

  it("are entered for a socket alone: the thread stays where it was", function()
    local here = assert(netlink.open())
    assert.is_nil(here:index("v0"))
    assert.equal("ENOENT", select(3, netlink.open{ netns = "eni6-test-none" }))
    assert.equal("EINVAL", select(3, netlink.open{ netns = "/proc/self/status" }))
    assert.is_nil(here:index("v0"))
    here:close()
  end)

  it("take links, by name and by an open namespace", function()
    local other, there = netns.new()
    assert(nl:set_link{ link = "v1", netns = other, name = "ens5", up = true })
    assert.equal("ens5", there:get_link{ name = "ens5" }.name)
    assert.is_nil(nl:index("v1"))
    local parent = there:get_link{ name = "ens5" }
    assert.is_number(parent.parent) -- counts in the other namespace: no name is made up for it
    assert(there:set_link{ link = "ens5", netns = netlink.netns(name) })
    assert.is_number(nl:index("ens5"))
    assert.equal("ENOENT", select(3, nl:set_link{ link = "ens5", netns = "eni6-test-none" }))
    there:close()
  end)

  it("have sysctls of their own, found by path even when a link's name has dots", function()
    assert(nl:set_link{ link = "v1", up = false })
    assert(nl:set_link{ link = "v1", name = "ens5.10" })
    assert.equal("0", nl:sysctl("ipv6/conf/ens5.10/forwarding"))
    assert.is_true(nl:sysctl("ipv6/conf/ens5.10/forwarding", 1))
    assert.equal("1", nl:sysctl("ipv6/conf/ens5.10/forwarding"))
    assert.equal("0", nl:sysctl("ipv6/conf/v0/forwarding"))
    assert.equal("ENOENT", select(3, nl:sysctl("ipv6/conf/nowhere/forwarding")))
    assert.equal("EINVAL", select(3, nl:sysctl("ipv6/conf/v0/forwarding", "not a number")))
    assert.has_error(function() nl:sysctl("../kernel/hostname") end)
  end)
end)

describe("a request", function()
  it("says what was wrong, in which field, and what to do", function()
    local done, message, code, detail = nl:add_address{ link = "nowhere", address = "2001:db8::1/64" }
    assert.is_nil(done)
    assert.equal("ENODEV", code)
    assert.equal('add_address: link: there is no link "nowhere" in this network namespace', message)
    assert.same({ operation = "add_address", field = "link" }, detail)

    assert(nl:add_address{ link = "v0", address = "2001:db8::1/64", nodad = true })
    done, message, code, detail = nl:add_address{ link = "v0", address = "2001:db8::1/64" }
    assert.is_nil(done)
    assert.equal("EEXIST", code)
    assert.matches("one is there already: use replace or ensure", message, 1, true)
    assert.equal("ipv6: address already assigned", detail.kernel)

    -- A flag of neighbours that no kernel knows: its policy says which attribute it is in.
    done, message, code, detail = nl:add_neighbour{ link = "v0", dst = "2001:db8::2", flags = 0x40000000 }
    assert.is_nil(done)
    assert.equal("EINVAL", code)
    assert.equal("flags", detail.field)
    assert.matches("add_neighbour: flags: ", message, 1, true)
  end)

  it("raises on misuse, naming the field", function()
    local function refuses(pattern, operation, fields)
      local good, message = pcall(nl[operation], nl, fields)
      assert.is_false(good)
      assert.matches(pattern, message, 1, true)
    end
    refuses("address: there is no field 'adress'", "add_address", { adress = "2001:db8::1/64" })
    refuses("field 'address': an address or prefix expected, got \"2001:db8::/129\"", "add_address",
      { address = "2001:db8::/129" })
    refuses("field 'address': an address or prefix expected, got number", "add_address", { address = 5 })
    refuses("field 'gateway': an address expected", "add_route", { gateway = "2001:db8::/64" })
    refuses("field 'metric': a whole number from 0 to 4294967295 expected", "add_route", { metric = -1 })
    refuses("field 'metric'", "add_route", { metric = 1.5 })
    refuses("field 'metric'", "add_route", { metric = "5" })
    refuses("field 'pref': medium, high, low, or a number expected, got \"best\"", "add_route", { pref = "best" })
    refuses("field 'nodad': a boolean expected", "add_address", { nodad = 1 })
    refuses("field 'lladdr': a hardware address", "add_neighbour", { lladdr = "02:00:00:00:00:0g" })
    refuses("field 'name': a text of 1 to 15 bytes", "add_link", { name = "sixteen-bytes-xx" })
    refuses("field 'nexthops': at least one way", "add_route", { dst = "::/0", nexthops = {} })
    refuses("nexthop: there is no field 'dst'", "add_route", { dst = "::/0", nexthops = { { dst = "::1" } } })
    refuses("gateway is of another address family", "add_route", { dst = "::/0", gateway = "192.0.2.1" })
    refuses("give the kind with it", "set_link", { link = "v0", vlan_id = 5 })
    refuses("named fields expected", "add_route", { "::/0" })
    assert.is_nil(nl.append_address)
    nl:close()
    refuses("closed", "add_route", {})
    nl:close()
  end)

  it("takes objects of eni6.ip6 where it takes text", function()
    local ip6 = require "eni6.ip6"
    assert(nl:add_address{ link = "v0", address = ip6.address("2001:db8::1"), nodad = true })
    assert(nl:add_route{ dst = ip6.prefix("2001:db8:1::/48"), link = "v0" })
    assert.equal(1, #nl:routes{ dst = ip6.prefix("2001:db8:1::/48") })
  end)

  it("takes back what a dump gave", function()
    assert(nl:add_address{ link = "v0", address = "2001:db8::1/64", nodad = true, metric = 50, noprefixroute = true })
    assert(nl:add_route{ dst = "2001:db8::/64", link = "v0", metric = 7 })
    assert(nl:add_route{ dst = "2001:db8:1::/48", nexthops = {
      { gateway = "2001:db8::2", weight = 3 }, { gateway = "2001:db8::3", link = "v0" } } })
    assert(nl:add_rule{ from = "2001:db8::/32", table = 100, priority = 5 })
    assert(nl:add_neighbour{ link = "v0", dst = "2001:db8::9", lladdr = "02:00:00:00:00:09" })
    local function all()
      local found = {}
      found.address = nl:addresses{ link = "v0", scope = "global" }
      found.route = nl:routes{ table = "main", protocol = "static" }
      found.rule = nl:rules{ priority = 5 }
      found.neighbour = nl:neighbours{ state = "permanent" }
      return found
    end
    local before = all()
    for _, object in ipairs{ "rule", "route", "neighbour", "address" } do
      for _, record in ipairs(before[object]) do assert(nl["delete_" .. object](nl, record)) end
    end
    for _, object in ipairs{ "address", "neighbour", "rule" } do
      for _, record in ipairs(before[object]) do assert(nl["add_" .. object](nl, record)) end
    end
    for _, record in ipairs(before.route) do assert(nl:replace_route(record)) end
    local after = all()
    for _, neighbour in ipairs(after.neighbour) do
      neighbour.used, neighbour.confirmed, neighbour.updated = 0.0, 0.0, 0.0
    end
    for _, neighbour in ipairs(before.neighbour) do
      neighbour.used, neighbour.confirmed, neighbour.updated = 0.0, 0.0, 0.0
    end
    assert.same(before, after)
  end)
end)

describe("links", function()
  it("are made, changed and deleted", function()
    assert(nl:add_link{ name = "b0", kind = "bridge", mtu = 1400, stp_state = 0, ageing_time = 12300, up = true })
    assert(nl:set_link{ link = "v0", master = "b0", mtu = 1400, txqlen = 77, group = 5 })
    assert(nl:add_link{ name = "m0", kind = "macvlan", parent = "v1", macvlan_mode = "bridge",
      address = "02:00:00:00:00:01" })
    local bridge, port, macvlan = nl:get_link{ name = "b0" }, nl:get_link{ link = "v0" }, nl:get_link{ name = "m0" }
    assert.same({ "bridge", 1400, 12300, true }, { bridge.kind, bridge.mtu, bridge.ageing_time, bridge.up })
    assert.same({ "b0", 77, 5, "bridge", "v1" },
      { port.master, port.txqlen, port.group, port.slave_kind, port.parent })
    assert.same({ "macvlan", "bridge", "v1", "02:00:00:00:00:01" },
      { macvlan.kind, macvlan.macvlan_mode, macvlan.parent, macvlan.address })
    assert(nl:set_link{ link = "m0", kind = "macvlan", macvlan_mode = "private" })
    assert.equal("private", nl:get_link{ name = "m0" }.macvlan_mode)
    assert(nl:set_link{ link = "v0", master = 0 })
    assert.is_nil(nl:get_link{ name = "v0" }.master)
    assert(nl:delete_link{ link = "b0" })
    assert.equal("ENODEV", select(3, nl:get_link{ name = "b0" }))
    assert.equal("ENODEV", select(3, nl:delete_link{ name = "b0" }))
  end)

  it("are filtered by the kernel by kind and master, and by anything here", function()
    assert(nl:add_link{ name = "b0", kind = "bridge" })
    assert(nl:set_link{ link = "v0", master = "b0" })
    local function names(filter)
      local found = {}
      for i, link in ipairs(assert(nl:links(filter))) do found[i] = link.name end
      table.sort(found)
      return table.concat(found, " ")
    end
    assert.equal("v0 v1", names{ kind = "veth" })
    assert.equal("v0", names{ master = "b0" })
    assert.equal("v0 v1", names{ mtu = 1500, up = true })
    assert.equal("lo", names{ loopback = true })
    assert.has_error(function() nl:links{ altnames = { "x" } } end)
    assert.equal("ENODEV", select(3, nl:links{ master = "nowhere" }))
  end)

  it("tell their settings for IPv6 as the sysctls do", function()
    assert(nl:sysctl("ipv6/conf/v0/accept_ra", 2))
    assert(nl:set_link{ link = "v0", addr_gen_mode = "none" })
    local link = nl:get_link{ name = "v0" }
    assert.equal("none", link.addr_gen_mode)
    assert.equal(2, link.inet6.accept_ra)
    local checked = 0
    for setting, value in pairs(link.inet6) do
      local text = nl:sysctl("ipv6/conf/v0/" .. setting)
      -- Some are told in seconds by the one and in jiffies by the other, or only by one of them.
      if text then
        assert.equal(text, tostring(value), setting)
        checked = checked + 1
      end
    end
    assert.is_true(checked > 30)
    assert(nl:set_link{ link = "v0", token = "::5" })
    assert.equal("::5", nl:get_link{ name = "v0" }.token)
  end)

  -- This kernel may lack these two; then the refusal is checked, and test_rtnl.c has the bytes.
  for _, wanted in ipairs{
    { name = "x0", kind = "vlan", parent = "v1", vlan_id = 5 },
    { name = "x0", kind = "ipvlan", parent = "v1", ipvlan_mode = "l3" },
  } do
    it("of kind " .. wanted.kind .. " are made where the kernel has them", function()
      local done, message, code = nl:add_link(wanted)
      if done then
        local made = nl:get_link{ name = "x0" }
        for field, value in pairs(wanted) do assert.equal(value, made[field], field) end
      else
        assert.equal("ENOTSUP", code)
        assert.matches("Unknown device type", message, 1, true)
        assert.matches("a module may be missing", message, 1, true)
      end
    end)
  end
end)

-- The kernel tells a new link's operational state a moment later.
local function wait_for_states()
  for _ = 1, 250 do
    local pending = false
    for _, link in ipairs(assert(nl:links{ kind = "veth" })) do pending = pending or link.operstate == "unknown" end
    if not pending then return end
    require("eni6.core").system.poll({}, 0.02)
  end
end

describe("dumps", function()
  it("are the same when the kernel does not filter them", function()
    local lenient = assert(netlink.open{ netns = name, strict = false })
    assert.is_false(lenient:strict())
    wait_for_states()
    assert(nl:add_address{ link = "v0", address = "2001:db8::1/64", nodad = true })
    assert(nl:add_route{ dst = "2001:db8:1::/48", link = "v0", table = 100 })
    assert(nl:add_neighbour{ link = "v1", dst = "2001:db8::9", lladdr = "02:00:00:00:00:09" })
    assert(nl:add_neighbour{ link = "v0", dst = "2001:db8::a", lladdr = "02:00:00:00:00:0a" })
    for method, filters in pairs{
      links = { { kind = "veth" }, { master = "v0" } },
      addresses = { { link = "v0", scope = "global" }, { family = "inet" } },
      routes = { { table = 100 }, { link = "v0", table = 100 }, { protocol = "kernel", table = "main", link = "lo" },
        { table = 4711 } },
      neighbours = { { link = "v1", state = "permanent" } },
    } do
      for _, filter in ipairs(filters) do
        local one, other = assert(nl[method](nl, filter)), assert(lenient[method](lenient, filter))
        for _, list in ipairs{ one, other } do
          for _, record in ipairs(list) do record.used, record.updated, record.confirmed = nil, nil, nil end
        end
        assert.same(one, other)
      end
    end
    assert.equal(1, #nl:routes{ table = 100 })
    assert.same({ consistent = true }, nl:routes{ table = 4711 })
    lenient:close()
  end)

  it("take only the fields that are asked for", function()
    assert(nl:add_route{ dst = "2001:db8:1::/48", link = "v0", metric = 7 })
    local list = nl:routes({ dst = "2001:db8:1::/48" }, { fields = { "dst", "link" } })
    assert.same({ { dst = "2001:db8:1::/48", link = "v0" }, consistent = true }, list)
    assert.same({ { metric = 7 }, consistent = true }, nl:routes({ metric = 7 }, { fields = { "metric" } }))
    assert.has_error(function() nl:routes({}, { fields = { "destination" } }) end)
    assert.has_error(function() nl:routes({}, { fields = "dst" }) end)
  end)

  it("of what never is flagged are verified on demand", function()
    assert(nl:add_route{ dst = "2001:db8:1::/48", link = "v0", table = 100 }) -- the kernel adds none of its own there
    local list = assert(nl:routes({ table = 100 }, { verify = true }))
    assert.is_true(list.consistent)
    assert.equal(1, #list)
    assert.same(nl:routes{ table = 100 }, list)
  end)
end)

describe("a batch", function()
  it("gives each of its requests a result, and runs those after a failed one", function()
    local results, failed = nl:batch{
      { "add_address", { link = "v0", address = "2001:db8::1/64", nodad = true } },
      { "add_address", { link = "v0", address = "2001:db8::1/64", nodad = true } },
      { "delete_link", { link = "nowhere" } },
      { "add_route", { dst = "2001:db8:1::/48", gateway = "2001:db8::2" } },
    }
    assert.equal(2, failed)
    assert.is_true(results[1])
    assert.same({ "EEXIST", "add_address" }, { results[2].code, results[2].operation })
    assert.same({ "ENODEV", "link" }, { results[3].code, results[3].field })
    assert.is_true(results[4])
    assert.same({}, (nl:batch{}))
  end)

  it("sends nothing when one of its requests is misuse", function()
    assert.has_error(function()
      nl:batch{ { "add_address", { link = "v0", address = "2001:db8::1/64" } }, { "add_route", { dts = "::/0" } } }
    end)
    assert.has_error(function() nl:batch{ { "delete_link", { link = "v0" } }, { "links", {} } } end)
    assert.has_error(function() nl:batch{ { "delete_link", { link = "v0" } }, { "get_link", { link = "v0" } } } end)
    assert.has_error(function() nl:batch{ { "delete_link", { link = "v0" } }, "delete_link" } end)
    assert.is_number(nl:index("v0"))
    assert.equal(0, #nl:addresses{ address = "2001:db8::1/64" })
  end)

  it("knows links by the names that it gave them", function()
    local results, failed = nl:batch{
      { "add_link", { name = "b0", kind = "bridge", up = true } },
      { "add_address", { link = "b0", address = "2001:db8:2::1/64" } },
      { "set_link", { link = "v0", master = "b0" } },
      { "delete_link", { link = "b0" } },
      { "add_address", { link = "b0", address = "2001:db8:3::1/64" } },
      { "add_link", { name = "b0", kind = "bridge" } },
      { "add_address", { link = "b0", address = "2001:db8:4::1/64" } },
    }
    assert.equal(1, failed)
    assert.equal("ENODEV", results[5].code)
    assert.equal("2001:db8:4::1/64", nl:addresses{ link = "b0", scope = "global" }[1].address)
  end)

  it("may be larger than any buffer", function()
    local items = {}
    for i = 1, 5000 do
      items[i] = { "add_route", { dst = string.format("2001:db8:%x::/64", i), link = "v0", table = 100 } }
    end
    local results, failed = nl:batch(items)
    assert.same({ 5000, 0 }, { #results, failed })
    assert.equal(5000, #nl:routes{ table = 100 })
    for _, item in ipairs(items) do item[1] = "delete_route" end
    items[2500][2].dst = "2001:db8:ffff::/64"
    results, failed = nl:batch(items)
    assert.same({ 1, "ESRCH" }, { failed, results[2500].code })
    assert.equal(1, #nl:routes{ table = 100 })
  end)
end)
