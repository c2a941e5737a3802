-- What bites in IPv6, one by one: what the kernel does, that ours says so, and
-- that the ensure_* calls do not fall into it.

local json = require "dkjson"
local netns = require "support.netns"
local process = require "eni6.process"

local name, nl, router_name, router

local function ip(command) return json.decode(netns.shell(name, "ip -json -6 " .. command)) end

-- The one result of the kind, or how it failed.
local function only(list)
  assert.equal(1, #list)
  return list[1]
end

local function default_routes() return assert(nl:routes{ dst = "default", table = "main" }) end

before_each(function()
  name, nl = netns.new()
  router_name, router = netns.new()
  assert(nl:add_link{ name = "ens5", kind = "veth", peer = { name = "r0", netns = router_name } })
  assert(router:set_link{ link = "r0", up = true })
  assert(nl:set_link{ link = "ens5", up = true })
end)

after_each(function()
  nl:close()
  router:close()
  netns.clean()
end)

describe("a prefix length", function()
  before_each(function() assert(nl:add_address{ link = "ens5", address = "2001:db8::1/128", nodad = true }) end)

  it("cannot be replaced: the kernel reports success and keeps the old one", function()
    assert.equal("EEXIST", select(3, nl:add_address{ link = "ens5", address = "2001:db8::1/64" }))
    assert.is_true(nl:replace_address{ link = "ens5", address = "2001:db8::1/64" })
    assert.equal("2001:db8::1/128", nl:get_address{ link = "ens5", address = "2001:db8::1" }.address)
  end)

  it("is guarded by ensure_address, and changed on demand", function()
    local wanted = { link = "ens5", address = "2001:db8::1/64", nodad = true }
    local done, message, code, detail = nl:ensure_address(wanted)
    assert.is_nil(done)
    assert.equal("EEXIST", code)
    assert.matches("2001:db8::1 is there as 2001:db8::1/128", message, 1, true)
    assert.equal("2001:db8::1/128", detail.existing.address)
    local record
    done, record = nl:ensure_address(wanted, { replace_length = true })
    assert.equal("changed", done)
    assert.equal("2001:db8::1/64", record.address)
    assert.equal("unchanged", (nl:ensure_address(wanted)))
    assert.equal(64, only(ip("addr show dev ens5 scope global"))
      .addr_info[1].prefixlen)
    assert.has_error(function() nl:ensure_address(wanted, { replace_lenght = true }) end)
  end)

  it("that cannot be changed leaves the old address in place", function()
    local done, _, code = nl:ensure_address({ link = "ens5", address = "2001:db8::1/64", valid_lft = 0 },
      { replace_length = true })
    assert.same({ nil, "EINVAL" }, { done, code })
    assert.equal("2001:db8::1/128", nl:get_address{ link = "ens5", address = "2001:db8::1" }.address)
  end)

  it("says which address is meant not to be there", function()
    assert.equal("unchanged", (nl:ensure_no_address{ link = "ens5", address = "2001:db8::1/64" }))
    assert.equal("deleted", (nl:ensure_no_address{ link = "ens5", address = "2001:db8::1" }))
    assert.equal("unchanged", (nl:ensure_no_address{ link = "ens5", address = "2001:db8::1/128" }))
  end)
end)

describe("flags and lifetimes of an address", function()
  it("are sent whole: those of 32 bits arrive with those of 8", function()
    assert(nl:add_address{ link = "ens5", address = "2001:db8::1/64", nodad = true, noprefixroute = true, home = true })
    local info = only(ip("addr show dev ens5 scope global")).addr_info[1]
    assert.same({ true, true, true }, { info.nodad, info.noprefixroute, info.home })
    assert.equal(0, #nl:routes{ dst = "2001:db8::/64" })
    -- A replacement that does not repeat a flag takes it away.
    assert(nl:replace_address{ link = "ens5", address = "2001:db8::1/64", nodad = true })
    assert.is_nil(nl:get_address{ link = "ens5", address = "2001:db8::1" }.noprefixroute)
    assert.equal(1, #nl:routes{ dst = "2001:db8::/64" })
  end)

  it("are ensured, for ever when none is given", function()
    local wanted = { link = "ens5", address = "2001:DB8:0::1/64", nodad = true, noprefixroute = true }
    assert.equal("added", (nl:ensure_address(wanted)))
    assert.equal("unchanged", (nl:ensure_address(wanted)))
    wanted.noprefixroute = false
    local done, record = nl:ensure_address(wanted)
    assert.same({ "changed", nil }, { done, record.noprefixroute })
    wanted.valid_lft, wanted.preferred_lft = 1000, 500
    done, record = nl:ensure_address(wanted)
    assert.equal("changed", done)
    assert.is_true(record.valid_lft > 990 and record.preferred_lft > 490 and record.preferred_lft <= 500)
    assert.equal("unchanged", (nl:ensure_address(wanted)))
    wanted.valid_lft, wanted.preferred_lft = nil, nil
    done, record = nl:ensure_address(wanted)
    assert.same({ "changed", nil, true }, { done, record.valid_lft, record.permanent })
  end)

  it("of zero seconds are refused by the kernel", function()
    local done, message, code = nl:add_address{ link = "ens5", address = "2001:db8::1/64", valid_lft = 0 }
    assert.same({ nil, "EINVAL" }, { done, code })
    assert.matches("add_address", message)
    assert.is_true(nl:add_address{ link = "ens5", address = "2001:db8::1/64", valid_lft = 10, preferred_lft = 0 })
    assert.is_true(nl:get_address{ link = "ens5", address = "2001:db8::1" }.deprecated)
    assert.is_true(nl:add_address{ link = "ens5", address = "2001:db8::2/64", valid_lft = math.huge })
  end)

  it("give the prefix route its metric", function()
    assert(nl:add_address{ link = "ens5", address = "2001:db8::1/64", nodad = true, metric = 77 })
    assert.equal(77, only(nl:routes{ dst = "2001:db8::/64" }).metric)
    assert.equal(77, only(ip("route show 2001:db8::/64")).metric)
    assert.equal("changed", (nl:ensure_address{ link = "ens5", address = "2001:db8::1/64", nodad = true, metric = 78 }))
  end)

  it("go with a peer at the far end", function()
    assert(nl:add_address{ link = "ens5", address = "2001:db8::1", peer = "2001:db8::2/128", nodad = true })
    local record = only(nl:addresses{ link = "ens5", scope = "global" })
    assert.same({ "2001:db8::1/128", "2001:db8::2/128" }, { record.address, record.peer })
    local theirs = only(ip("addr show dev ens5 scope global")).addr_info[1]
    assert.same({ "2001:db8::1", "2001:db8::2" }, { theirs["local"], theirs.address })
    assert.equal("unchanged", (nl:ensure_address{ link = "ens5", address = "2001:db8::1", peer = "2001:db8::2/128" }))
    assert.equal("deleted", (nl:ensure_no_address{ link = "ens5", address = "2001:db8::1" }))
  end)
end)

describe("duplicate address detection", function()
  it("is waited for", function()
    assert(router:add_address{ link = "r0", address = "2001:db8::1/64", nodad = true })
    netns.link_local(nl, "ens5") -- the carrier is up
    assert(nl:add_address{ link = "ens5", address = "2001:db8::2/64" })
    assert.is_true(nl:get_address{ link = "ens5", address = "2001:db8::2" }.tentative)
    assert.is_nil(assert(nl:wait_address{ link = "ens5", address = "2001:db8::2/64" }).tentative)
    assert(nl:add_address{ link = "ens5", address = "2001:db8::1/64" })
    local record, message, code = nl:wait_address({ link = "ens5", address = "2001:db8::1/64" })
    assert.same({ nil, "EADDRINUSE" }, { record, code })
    assert.matches("2001:db8::1", message, 1, true)
    assert.is_true(nl:get_address{ link = "ens5", address = "2001:db8::1" }.dadfailed)
    assert.equal("EADDRNOTAVAIL", select(3, nl:wait_address{ link = "ens5", address = "2001:db8::3/64" }))
  end)

  it("is left out with nodad, and waiting ends in time", function()
    assert(nl:add_address{ link = "ens5", address = "2001:db8::5/64", nodad = true })
    assert(nl:wait_address({ link = "ens5", address = "2001:db8::5/64" }, 0.2))
    assert(nl:sysctl("ipv6/conf/ens5/dad_transmits", 50))
    assert(nl:add_address{ link = "ens5", address = "2001:db8::6/64" })
    assert.equal("ETIMEDOUT", select(3, nl:wait_address({ link = "ens5", address = "2001:db8::6/64" }, 0.05)))
  end)
end)

describe("a default route from a router advertisement", function()
  local daemons

  -- Starts radvd on a router's r0, and waits for so many default routes at the instance.
  local function advertise(where, count)
    local file = os.tmpname()
    local handle = assert(io.open(file, "w"))
    handle:write("interface r0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; "
      .. "AdvDefaultLifetime 1000; };\n")
    handle:close()
    local watch = assert(nl:monitor{ "route" })
    daemons[#daemons + 1] = assert(process.spawn{
      argv = { "/usr/sbin/radvd", "-n", "-C", file, "-p", file .. ".pid" }, netns = "/run/netns/" .. where,
      die_with_parent = true, stderr = "null",
    })
    while #default_routes() < count do assert(watch:next(10)) end
    watch:close()
    os.remove(file)
  end

  before_each(function()
    daemons = {}
    netns.link_local(router, "r0")
    netns.link_local(nl, "ens5")
    assert(router:sysctl("ipv6/conf/all/forwarding", 1))
    assert(nl:add_address{ link = "ens5", address = "2001:db8::1/64", nodad = true })
    advertise(router_name, 1)
  end)

  after_each(function()
    for _, daemon in ipairs(daemons) do
      daemon:kill("TERM")
      daemon:wait(5)
    end
  end)

  it("blocks a static one of the same metric; a lower metric coexists, and the other stays as fallback", function()
    local theirs = only(default_routes())
    assert.same({ "ra", 1024, "ens5", "medium" }, { theirs.protocol, theirs.metric, theirs.link, theirs.pref })
    assert.is_true(theirs.expires > 900)
    local wanted = { dst = "default", gateway = "2001:db8::ff", metric = 1024 }
    assert.equal("EEXIST", select(3, nl:add_route(wanted)))
    local done, message, code, detail = nl:ensure_route(wanted)
    assert.same({ nil, "EEXIST", "ra" }, { done, code, detail.existing.protocol })
    assert.matches("give another metric", message, 1, true)
    wanted.metric = 512
    assert.equal("added", (nl:ensure_route(wanted)))
    assert.equal("unchanged", (nl:ensure_route(wanted)))
    assert.equal(2, #default_routes())
    assert.equal("2001:db8::ff", nl:get_route{ dst = "2001:db8:9::1" }.gateway)
    -- Deleting without a metric removes the lowest.
    assert(nl:delete_route{ dst = "default" })
    assert.equal("ra", only(default_routes()).protocol)
    assert.equal(1024, only(ip("route show default")).metric)
  end)

  it("is taken over for good only when asked to", function()
    local wanted = { dst = "default", gateway = "2001:db8::ff" }
    assert.equal("EEXIST", select(3, nl:ensure_route(wanted)))
    local done, record = nl:ensure_route(wanted, { take_over = true })
    assert.same({ "changed", "static" }, { done, record.protocol })
    assert.equal("static", only(default_routes()).protocol)
    assert.equal("deleted", (nl:ensure_no_route{ dst = "default" }))
    assert.equal("unchanged", (nl:ensure_no_route{ dst = "default" }))
  end)

  it("stays beside that of a second router, each for itself", function()
    local second_name, second = netns.new()
    assert(router:add_link{ name = "b0", kind = "bridge", up = true })
    assert(router:add_link{ name = "p0", kind = "veth", up = true, peer = { name = "r0", netns = second_name } })
    assert(second:sysctl("ipv6/conf/all/forwarding", 1))
    assert(second:set_link{ link = "r0", up = true })
    -- The first router moves to a pair of its own on the bridge, where the instance and the second one are too.
    assert(router:add_link{ name = "r9", kind = "veth", up = true, peer = { name = "p9" } })
    assert(router:set_link{ link = "p9", up = true, master = "b0" })
    assert(router:set_link{ link = "p0", master = "b0" })
    assert(router:set_link{ link = "r0", master = "b0" })
    netns.link_local(second, "r0")
    advertise(second_name, 2)
    local both = default_routes()
    assert.same({ "ra", "ra", 1024, 1024 }, { both[1].protocol, both[2].protocol, both[1].metric, both[2].metric })
    assert.is_true(both[1].gateway ~= both[2].gateway)
    assert.equal("EEXIST", select(3, nl:ensure_route{ dst = "default", gateway = "2001:db8::ff" }))
    assert.equal("added", (nl:ensure_route{ dst = "default", gateway = "2001:db8::ff", metric = 512 }))
    assert.equal(3, #default_routes())
    assert.equal("deleted", (nl:ensure_no_route{ dst = "default", protocol = "ra" }))
    assert.equal("static", only(default_routes()).protocol)
    second:close()
  end)

  it("goes at once when forwarding is switched on, whatever accept_ra of `all` says", function()
    assert(nl:sysctl("ipv6/conf/all/accept_ra", 2))
    assert.equal(1, nl:get_link{ name = "ens5" }.inet6.accept_ra)
    assert(nl:sysctl("ipv6/conf/all/forwarding", 1))
    assert.equal(0, #default_routes())
  end)

  it("stays when accept_ra of its link is 2 before that", function()
    assert(nl:sysctl("ipv6/conf/ens5/accept_ra", 2))
    assert(nl:sysctl("ipv6/conf/all/forwarding", 1))
    assert.equal("ra", only(default_routes()).protocol)
    assert.equal(1, nl:get_link{ name = "ens5" }.inet6.forwarding)
  end)
end)

describe("a gateway", function()
  before_each(function() assert(nl:add_address{ link = "ens5", address = "2001:db8::1/64", nodad = true }) end)

  it("beside another makes a multipath route when appended, and replaces both", function()
    assert(nl:add_route{ dst = "default", gateway = "2001:db8::a" })
    assert.equal("EEXIST", select(3, nl:add_route{ dst = "default", gateway = "2001:db8::b" }))
    assert(nl:append_route{ dst = "default", gateway = "2001:db8::b" })
    local both = only(default_routes())
    assert.same({ "2001:db8::a", "2001:db8::b" }, { both.nexthops[1].gateway, both.nexthops[2].gateway })
    local ways = { dst = "default", nexthops = { { gateway = "2001:db8::b" }, { gateway = "2001:db8::a", link = "ens5" } } }
    ways.nexthops[1].link = "ens5"
    assert.equal("unchanged", (nl:ensure_route(ways)))
    ways.nexthops[1].weight = 5
    assert.equal("changed", (nl:ensure_route(ways)))
    assert.equal("unchanged", (nl:ensure_route(ways)))
    local done, record = nl:ensure_route{ dst = "default", gateway = "2001:db8::c" }
    assert.same({ "changed", "2001:db8::c" }, { done, record.gateway })
    assert.equal(1, #default_routes())
  end)

  it("that is link-local needs its link, one off the link needs onlink", function()
    local done, message, code = nl:add_route{ dst = "default", gateway = "fe80::1" }
    assert.is_nil(done)
    assert.is_true(code == "EINVAL" or code == "EHOSTUNREACH", code)
    assert.matches("add_route", message)
    assert(nl:add_route{ dst = "default", gateway = "fe80::1", link = "ens5" })
    done, message, code = nl:add_route{ dst = "2001:db8:1::/48", gateway = "2001:db8:2::1", link = "ens5" }
    assert.same({ nil, "EHOSTUNREACH" }, { done, code })
    assert.matches("onlink", message, 1, true)
    assert(nl:add_route{ dst = "2001:db8:1::/48", gateway = "2001:db8:2::1", link = "ens5", onlink = true })
    assert.is_true(only(nl:routes{ dst = "2001:db8:1::/48" }).onlink)
    assert.equal("unchanged", (nl:ensure_route{ dst = "2001:db8:1::/48", gateway = "2001:db8:2::1", link = "ens5",
      onlink = true }))
    assert.equal("ENODEV", select(3, nl:ensure_route{ dst = "2001:db8:1::/48", gateway = "::1", link = "nowhere" }))
  end)

  it("has a preference, and an end", function()
    assert(nl:add_route{ dst = "default", gateway = "2001:db8::a", pref = "high", expires = 600, mtu = 1400 })
    local record = only(default_routes())
    assert.same({ "high", 1400 }, { record.pref, record.mtu })
    assert.is_true(record.expires > 590 and record.expires <= 600)
    local theirs = only(ip("route show default"))
    assert.same({ "high", 1400 }, { theirs.pref, theirs.metrics[1].mtu })
    assert.equal("unchanged", (nl:ensure_route{ dst = "default", gateway = "2001:db8::a", expires = 600 }))
    assert.equal("changed", (nl:ensure_route{ dst = "default", gateway = "2001:db8::a", pref = "low" }))
    assert.equal("low", only(default_routes()).pref)
  end)

  it("is not needed: device and blackhole routes are ensured too", function()
    for _, wanted in ipairs{
      { dst = "2001:db8:1::/48", link = "ens5" }, { dst = "2001:db8:2::/48", type = "blackhole", metric = 5 },
      { dst = "2001:db8:3::/48", link = "lo", table = 100, protocol = "kernel" },
    } do
      assert.equal("added", (nl:ensure_route(wanted)))
      assert.equal("unchanged", (nl:ensure_route(wanted)))
      assert.equal("deleted", (nl:ensure_no_route{ dst = wanted.dst, table = wanted.table }))
    end
  end)
end)

describe("taking a link down", function()
  it("removes its addresses and routes, static ones too: no ensure_link does it", function()
    assert(nl:add_address{ link = "ens5", address = "2001:db8::1/64", nodad = true })
    assert(nl:add_route{ dst = "default", gateway = "2001:db8::a" })
    assert.has_error(function() nl:ensure_link{ name = "ens5", up = false } end)
    assert.equal("unchanged", (nl:ensure_link{ name = "ens5", up = true }))
    assert(nl:set_link{ link = "ens5", up = false })
    assert(nl:set_link{ link = "ens5", up = true })
    assert.equal(0, #default_routes())
    assert.equal(0, #nl:addresses{ link = "ens5", scope = "global" })
  end)
end)

describe("proxy neighbours", function()
  it("are seen only when asked for, one an address, and are ensured", function()
    local proxy = { link = "ens5", dst = "2001:db8::9", proxy = true }
    assert.equal("added", (nl:ensure_neighbour(proxy)))
    assert.equal("unchanged", (nl:ensure_neighbour(proxy)))
    assert.equal(0, #nl:neighbours{ link = "ens5", dst = "2001:db8::9" })
    assert.equal("2001:db8::9", only(nl:neighbours{ proxy = true }).dst)
    assert.equal("2001:db8::9", only(ip("neigh show proxy")).dst)
    assert.equal("0", nl:sysctl("ipv6/conf/ens5/proxy_ndp"))
    -- The same address may be a neighbour as well.
    local neighbour = { link = "ens5", dst = "2001:db8::9", lladdr = "02:00:00:00:00:09" }
    assert.equal("added", (nl:ensure_neighbour(neighbour)))
    assert.equal("unchanged", (nl:ensure_neighbour(neighbour)))
    neighbour.lladdr, neighbour.state = "02:00:00:00:00:0A", "noarp"
    local done, record = nl:ensure_neighbour(neighbour)
    assert.same({ "changed", "02:00:00:00:00:0a", "noarp" }, { done, record.lladdr, record.state })
    assert.equal("deleted", (nl:ensure_no_neighbour(proxy)))
    assert.equal("unchanged", (nl:ensure_no_neighbour(proxy)))
    assert.equal(1, #nl:neighbours{ link = "ens5", dst = "2001:db8::9" })
  end)
end)

describe("numbers and names", function()
  it("of links may be as large, and as dotted, as the kernel allows", function()
    assert(nl:add_link{ index = 0x7ffffff0, name = "a.b.c", kind = "bridge", up = true })
    assert(nl:add_address{ link = "a.b.c", address = "2001:db8:5::1/64", nodad = true })
    assert(nl:add_route{ dst = "2001:db8:6::/64", link = "a.b.c", table = 4000000000 })
    local record = only(nl:routes{ table = 4000000000 })
    assert.same({ 0x7ffffff0, "a.b.c" }, { record.index, record.link })
    assert.equal(0x7ffffff0, only(nl:addresses{ index = 0x7ffffff0, scope = "global" }).index)
    assert.equal("1", nl:sysctl("ipv6/conf/a.b.c/accept_dad"))
  end)

  it("of a link follow it through a rename, found by its MAC", function()
    local mac = nl:get_link{ name = "ens5" }.address
    assert.is_nil(nl:get_link{ name = "ens5" }.permaddr) -- a veth has none
    assert(nl:set_link{ link = "ens5", up = false })
    local index = only(nl:links{ address = mac }).index
    assert(nl:set_link{ index = index, name = "eth0" })
    assert.equal(mac, nl:get_link{ name = "eth0" }.address)
    assert.equal("eth0", nl:name(index))
  end)
end)

describe("rules, labels and links", function()
  it("are ensured", function()
    local rule = { priority = 100, from = "2001:db8::/64", table = 100, iif = "ens5" }
    assert.equal("added", (nl:ensure_rule(rule)))
    assert.equal("unchanged", (nl:ensure_rule(rule)))
    assert.equal("added", (nl:ensure_rule{ priority = 100, from = "2001:db8::/64", table = 101 }))
    assert(nl:add_rule{ priority = 101, from = "2001:db8::/64", table = 100, iif = "ens5" })
    rule.priority = nil
    assert.equal("unchanged", (nl:ensure_rule(rule)))
    assert.equal("deleted", (nl:ensure_no_rule(rule))) -- of both priorities
    assert.equal("unchanged", (nl:ensure_no_rule(rule)))
    assert.equal("added", (nl:ensure_rule{ fwmark = 5, table = 7 }))
    assert.equal("unchanged", (nl:ensure_rule{ fwmark = 5, table = 7 }))

    local label = { prefix = "2001:db8::/32", label = 99 }
    assert.equal("added", (nl:ensure_address_label(label)))
    assert.equal("unchanged", (nl:ensure_address_label(label)))
    label.label = 98
    assert.equal("changed", (nl:ensure_address_label(label)))
    assert.matches("prefix 2001:db8::/32 label 98", netns.shell(name, "ip addrlabel list"), 1, true)
    assert(nl:delete_address_label(label))

    local link = { name = "b0", kind = "bridge", mtu = 1400, up = true, forward_delay = 200, address = "02:00:00:00:00:0B" }
    assert.equal("added", (nl:ensure_link(link)))
    assert.equal("unchanged", (nl:ensure_link(link)))
    link.mtu, link.forward_delay = 1300, 300
    local done, record = nl:ensure_link(link)
    assert.same({ "changed", 1300, 300 }, { done, record.mtu, record.forward_delay })
    assert.equal("changed", (nl:ensure_link{ name = "ens5", master = "b0" }))
    assert.equal("unchanged", (nl:ensure_link{ name = "ens5", master = "b0" }))
    assert.equal("changed", (nl:ensure_link{ name = "ens5", master = 0 }))
    assert.equal("unchanged", (nl:ensure_link{ name = "ens5", master = 0 }))
    -- How addresses are formed is settled before the link is up and forms them.
    assert.equal("added", (nl:ensure_link{ name = "b1", kind = "bridge", up = true, addr_gen_mode = "none" }))
    assert.same({}, { (table.unpack(nl:addresses{ link = "b1" })) })
    assert.equal("unchanged", (nl:ensure_link{ name = "b1", up = true, addr_gen_mode = "none" }))
    local refusal = { nl:ensure_link{ name = "b0", kind = "macvlan", parent = "ens5" } }
    assert.is_nil(refusal[1])
    assert.equal("bridge", refusal[4].existing.kind)
    assert.equal("deleted", (nl:ensure_no_link{ name = "b0" }))
    assert.equal("unchanged", (nl:ensure_no_link{ name = "b0" }))
  end)
end)
