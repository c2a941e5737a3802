-- Echo requests and neighbour solicitations through a router, all in namespaces
-- of their own: near (2001:db8:1::1) - router - far (2001:db8:2::1).

local icmp6 = require "eni6.icmp6"
local netns = require "support.netns"
local open_descriptors = require "support.descriptors"
local process = require "eni6.process"
local system = require("eni6.core").system
local tasks = require "eni6.tasks"

local near, router, far -- sockets of netlink
local near_name

local function connect(one, name, other, other_name, other_link, address, other_address)
  assert(one:add_link{ name = name, kind = "veth", up = true, peer = { name = other_link, netns = other_name } })
  assert(other:set_link{ link = other_link, up = true })
  assert(one:add_address{ link = name, address = address, nodad = true })
  assert(other:add_address{ link = other_link, address = other_address, nodad = true })
end

-- The one result of a ping from the near end.
local function ping(target, options)
  options = options or {}
  options.netns = near
  return assert(icmp6.ping({ target }, options))[1]
end

setup(function()
  local router_name
  near_name, near = netns.new()
  router_name, router = netns.new()
  far = select(2, netns.new())
  assert(router:sysctl("ipv6/conf/all/forwarding", 1))
  connect(near, "ens5", router, router_name, "r.1", "2001:db8:1::1/64", "2001:db8:1::ff/64")
  connect(far, "ens5", router, router_name, "r.2", "2001:db8:2::1/64", "2001:db8:2::ff/64")
  assert(near:sysctl("ipv6/neigh/ens5/retrans_time_ms", 50)) -- to learn soon that nobody is there
  assert(router:sysctl("ipv6/neigh/r.2/retrans_time_ms", 50))
  assert(near:add_route{ dst = "default", gateway = "2001:db8:1::ff" })
  assert(far:add_route{ dst = "default", gateway = "2001:db8:2::ff" })
  netns.link_local(near, "ens5")
  netns.link_local(router, "r.1")
  ping("2001:db8:2::1", { attempts = 20 }) -- until carriers and caches are settled
end)

teardown(function()
  for _, nl in ipairs{ near, router, far } do nl:close() end
  netns.clean()
end)

describe("icmp6.ping", function()
  it("tells round trip, hop limit and who answered", function()
    local result = ping("2001:db8:2::1")
    assert.is_true(result.reachable)
    assert.equal("2001:db8:2::1", result.from)
    assert.equal(63, result.hop_limit)
    assert.equal(1, result.sent)
    assert.equal(1, result.received)
    assert.is_true(result.rtt > 0 and result.rtt < 1)
    assert.is_nil(result.code)
  end)

  it("counts as many replies as are wanted", function()
    local result = ping("2001:db8:1::ff", { replies = 3, attempts = 5, interval = 0.01 })
    assert.equal(3, result.received)
    assert.equal(3, result.sent)
  end)

  it("sends messages as large as asked for, and no larger than the path takes", function()
    assert.is_true(ping("2001:db8:2::1", { size = 1452 }).reachable)
    assert.is_true(ping("2001:db8:2::1", { size = 4000 }).reachable) -- in fragments
    assert.has_error(function() ping("2001:db8:2::1", { size = 10000 }) end)
  end)

  it("reaches link-local addresses through their link", function()
    local address = netns.link_local(router, "r.1")
    assert.is_true(ping(address .. "%ens5").reachable)
    assert.equal("ENODEV", ping(address .. "%nowhere", { attempts = 1 }).code)
  end)

  it("names what a router refuses", function()
    local refusals = {
      unreachable = { "ENETUNREACH", "no route to destination" },
      prohibit = { "EACCES", "communication administratively prohibited" },
      throw = { "ENETUNREACH", "no route to destination" },
    }
    for kind, expected in pairs(refusals) do
      assert(router:replace_route{ dst = "2001:db8:3::/64", type = kind })
      local result = ping("2001:db8:3::1", { attempts = 2, interval = 0.01 })
      assert.is_false(result.reachable)
      assert.same({ expected[1], expected[2], 2 }, { result.code, result.reason, result.sent })
      assert.equal("2001:db8:1::ff", result.from)
      assert(router:delete_route{ dst = "2001:db8:3::/64" })
    end
    local absent = ping("2001:db8:2::dead", { attempts = 1 })
    assert.same({ "EHOSTUNREACH", "address unreachable", "2001:db8:1::ff" }, { absent.code, absent.reason, absent.from })
    local result = ping("2001:db8:2::1", { hop_limit = 1, attempts = 1 })
    assert.same({ "EHOSTUNREACH", "hop limit exceeded in transit" }, { result.code, result.reason })
  end)

  it("tells silence from refusal, and what never left", function()
    assert(router:add_route{ dst = "2001:db8:4::/64", type = "blackhole" })
    local silent = ping("2001:db8:4::1", { attempts = 2, timeout = 0.05, interval = 0 })
    assert.same({ "ETIMEDOUT", 2, 0 }, { silent.code, silent.sent, silent.received })
    local results = assert(icmp6.ping({ "2001:db8:2::1" }, { netns = router, source = "2001:db8:1::ff" }))
    assert.is_true(results[1].reachable)
    assert.equal("EADDRNOTAVAIL", select(3, icmp6.open{ netns = near, source = "2001:db8:9::9" }))
    assert(near:add_route{ dst = "2001:db8:5::/64", type = "unreachable" })
    local unsent = ping("2001:db8:5::1", { attempts = 1 })
    assert.equal("EHOSTUNREACH", unsent.code)
  end)

  it("asks hundreds of targets at once and keeps their order", function()
    local targets, batch = {}, {}
    for i = 1, 300 do
      targets[i] = string.format("2001:db8:2::%x", 0x1000 + i)
      if i % 3 ~= 0 then
        batch[#batch + 1] = { "add_address", { link = "ens5", address = targets[i] .. "/128", nodad = true } }
      end
    end
    assert.equal(0, select(2, far:batch(batch)))
    local options = { netns = near, attempts = 3, timeout = 0.3, interval = 0.01, parallel = 64 }
    for i, result in ipairs(assert(icmp6.ping(targets, options))) do
      assert.equal(targets[i], result.target)
      assert.equal(i % 3 ~= 0, result.reachable, targets[i] .. " " .. tostring(result.reason))
    end
  end)

  it("works with a ping socket, where the group may have one", function()
    local allowed = near:sysctl("ipv4/ping_group_range")
    assert(near:sysctl("ipv4/ping_group_range", "1 0"))
    local refused, message, code = icmp6.open{ netns = near, raw = false }
    assert.is_nil(refused)
    assert.equal("EACCES", code)
    assert.matches("ping_group_range", message, 1, true)
    assert(near:sysctl("ipv4/ping_group_range", "0 0"))
    local result = ping("2001:db8:2::1", { raw = false })
    assert.same({ true, 63 }, { result.reachable, result.hop_limit })
    assert(router:add_route{ dst = "2001:db8:3::/64", type = "prohibit" })
    result = ping("2001:db8:3::1", { raw = false, attempts = 1 })
    assert.same({ "EACCES", "2001:db8:1::ff" }, { result.code, result.from })
    assert(router:delete_route{ dst = "2001:db8:3::/64" })
    assert.equal("ENOTSUP", assert(icmp6.neighbours({ "2001:db8:1::ff" }, "ens5",
      { netns = near, raw = false, attempts = 1 }))[1].code)
    assert(near:sysctl("ipv4/ping_group_range", (allowed:gsub("%s+", " "))))
  end)

  it("agrees with ping of iputils", function()
    for _, target in ipairs{ "2001:db8:2::1", "2001:db8:1::ff", "::1", "2001:db8:1::dead" } do
      local theirs = assert(process.run{
        argv = { "ping", "-6", "-c", "1", "-W", "4", target }, netns = "/run/netns/" .. near_name, timeout = 20,
      })
      assert.equal(theirs.status == 0, ping(target, { attempts = 1, timeout = 4 }).reachable, target)
      local ttl = theirs.stdout:match("ttl=(%d+)")
      assert.equal(tonumber(ttl), ping(target, { attempts = 1, timeout = 4 }).hop_limit, target)
    end
  end)
end)

describe("icmp6.neighbours", function()
  it("tells who holds an address, past the kernel's cache", function()
    local results = assert(icmp6.neighbours({ "2001:db8:1::ff", "2001:db8:1::dead" }, "ens5",
      { netns = near, attempts = 2, timeout = 0.2, interval = 0.01 }))
    assert.same({ true, router:get_link{ name = "r.1" }.address, true },
      { results[1].reachable, results[1].lladdr, results[1].router })
    assert.same({ false, "ETIMEDOUT", 2 }, { results[2].reachable, results[2].code, results[2].sent })
    assert.equal("ENODEV", assert(icmp6.neighbours({ "::1" }, "nowhere", { netns = near, attempts = 1 }))[1].code)
  end)

  it("hears proxies only where proxy_ndp is on", function()
    local options = { netns = near, attempts = 1, timeout = 1.5 }
    local proxied = "2001:db8:1::c0de"
    assert(router:add_neighbour{ link = "r.1", dst = proxied, proxy = true })
    options.timeout = 0.3
    assert.is_false(icmp6.neighbours({ proxied }, "ens5", options)[1].reachable)
    -- A proxy answers after a random while (RFC 4861, 7.2.8), unless told otherwise; and only for what it would
    -- route elsewhere.
    assert(router:sysctl("ipv6/conf/r.1/proxy_ndp", 1))
    assert(router:sysctl("ipv6/neigh/r.1/proxy_delay", 0))
    assert(router:add_route{ dst = proxied, link = "r.2" })
    local result = icmp6.neighbours({ proxied }, "ens5", options)[1]
    assert.is_true(result.reachable, result.reason)
    assert.equal(router:get_link{ name = "r.1" }.address, result.lladdr)
  end)
end)

describe("inside tasks", function()
  it("others go on while one waits, and a cancelled one leaves nothing open", function()
    local before, order = open_descriptors(), {}
    assert(router:replace_route{ dst = "2001:db8:4::/64", type = "blackhole" })
    assert(tasks.group(function(group)
      group:spawn("silent", function()
        local result = assert(icmp6.ping({ "2001:db8:4::1" }, { netns = near, attempts = 1, timeout = 0.3 }))[1]
        order[#order + 1] = result.code
        return true
      end)
      group:spawn("quick", function()
        order[#order + 1] = ping("2001:db8:2::1").reachable
        return true
      end)
    end))
    assert.same({ true, "ETIMEDOUT" }, order)
    local started = tasks.now()
    tasks.group(function(group)
      group:spawn("silent", function() return icmp6.ping({ "2001:db8:4::1" }, { netns = near, timeout = 60 }) end)
      group:spawn("failing", function()
        tasks.sleep(0.05)
        return nil, "enough", "EIO"
      end)
    end)
    assert.is_true(tasks.now() - started < 10)
    assert.equal(before, open_descriptors())
  end)
end)

describe("a pinger in somebody else's loop", function()
  it("never waits by itself, and asks for what it needs", function()
    local one, other = assert(icmp6.open{ netns = near }), assert(icmp6.open{ netns = far })
    local probes = { one:add("2001:db8:2::1"), other:add("2001:db8:1::1") }
    assert.equal(0, one:timeout())
    local pingers = { one, other }
    for _ = 1, 1000 do
      local entries, first = {}, 1
      for i, pinger in ipairs(pingers) do
        pinger:step()
        entries[i] = { pinger:pollfd(), pinger:events() }
        first = math.min(first, pinger:timeout() or 1)
      end
      if probes[1].done and probes[2].done then break end
      system.poll(entries, first)
    end
    assert.is_true(probes[1].reachable and probes[2].reachable)
    assert.is_nil(one:timeout())
    one:close()
    one:close()
    other:close()
    assert.has_error(function() one:pollfd() end)
  end)

  it("raises on misuse", function()
    assert.has_error(function() icmp6.open{ nets = near } end)
    assert.has_error(function() icmp6.ping("::1") end)
    assert.has_error(function() icmp6.ping{ "not an address" } end)
    assert.has_error(function() icmp6.neighbours{ "::1" } end)
    assert.equal("ENOENT", select(3, icmp6.ping({ "::1" }, { netns = "eni6-test-none" })))
  end)
end)
