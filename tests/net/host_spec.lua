-- The instance's side on a real kernel: a namespace with the published addresses as
-- EC2 hands them out, beside a router's.
local apply = require("eni6.host.apply")
local desired = require("eni6.host.desired")
local difference = require("eni6.host.difference")
local filesystem = require("eni6.filesystem")
local inspect = require("eni6.host.inspect")
local netlink = require("eni6.netlink")
local world_module = require("eni6.host.world")

local P, GATEWAY = "2001:db8:47b:ca03::", "fe80::1066:30ff:feb8:c008"
local BLOCK = { P .. "8", P .. "9", P .. "a", P .. "b", P .. "1:1" }

describe("host", function()
  local name, router, root, world, nl

  local function sh(command) assert(os.execute(command), command) end

  before_each(function()
    name = "eni6-test-" .. require("eni6.core").system.random(4):gsub(".", function(c) return ("%02x"):format(c:byte()) end)
    router = name .. "-r"
    assert(netlink.create_netns(name))
    assert(netlink.create_netns(router))
    root = os.tmpname()
    os.remove(root)
    assert(filesystem.make_directory(root .. "/etc/netplan"))
    assert(filesystem.replace(root .. "/etc/netplan/50-cloud-init.yaml", "network: {version: 2}\n", 384))
    sh(("ip -n %s link add ens5 address 12:fb:b4:8b:15:f8 type veth peer name p0 netns %s"):format(name, router))
    sh(("ip -n %s link set ens5 up; ip -n %s link set p0 up"):format(name, router))
    sh(("ip -n %s addr add %s/64 dev p0 nodad"):format(router, GATEWAY))
    for _, address in ipairs(BLOCK) do
      sh(("ip -n %s addr add %s/128 dev ens5 valid_lft 385 preferred_lft 85 noprefixroute nodad"):format(name, address))
    end
    sh(("ip -n %s -6 route add default via %s dev ens5 proto ra metric 1024 expires 1800"):format(name, GATEWAY))
    nl = assert(netlink.open({ netns = name }))
    world = world_module.new({ root = root, netns = name, docker = { ping = function() end }, imds = {
      interfaces = function()
        return { { mac = "12:fb:b4:8b:15:f8", ipv6s = BLOCK, ipv6_prefix = {}, subnet_ipv6_cidr_blocks = { P .. "/64" } } }
      end,
      tags = function() return {} end,
    } })
  end)

  after_each(function()
    nl:close()
    world.netlink:close()
    netlink.delete_netns(name)
    netlink.delete_netns(router)
    os.execute("rm -rf " .. root)
  end)

  local function steps()
    local facts = assert(inspect.facts(world))
    return assert(difference.steps(facts, assert(desired.new(facts)), {}))
  end

  local function globals()
    local list = {}
    for _, record in ipairs(nl:addresses({ link = "ens5" })) do
      if record.scope == "global" then list[#list + 1] = record.address end
    end
    table.sort(list)
    return list
  end

  local function default_metrics()
    local list = {}
    for _, route in ipairs(nl:routes({ dst = "::/0", table = "main" })) do
      list[#list + 1] = route.protocol .. " " .. route.metric .. " " .. route.gateway
    end
    table.sort(list)
    return list
  end

  it("splits the published addresses, keeps both default routes, and has nothing to do then", function()
    assert(apply.run(steps(), world))
    assert.same({ P .. "1:1/64" }, globals())
    assert.same({ "ra 1024 " .. GATEWAY, "static 512 " .. GATEWAY }, default_metrics())
    assert.equal("1", world:read_sysctl("net/ipv6/conf/all/forwarding"))
    assert.equal("2", world:read_sysctl("net/ipv6/conf/ens5/accept_ra"))
    assert.same({}, steps())
  end)

  it("puts all back as it was, lifetimes included, when the check fails", function()
    local before = globals()
    local ok, message = apply.run(steps(), world, { check = function() return nil, "no way out", "EHOSTUNREACH" end })
    assert.is_nil(ok)
    assert.truthy(message:find("no way out; everything was put back as it was", 1, true), message)
    assert.same(before, globals())
    assert.same({ "ra 1024 " .. GATEWAY }, default_metrics())
    assert.equal("0", world:read_sysctl("net/ipv6/conf/all/forwarding"))
    for _, record in ipairs(nl:addresses({ link = "ens5" })) do
      if record.scope == "global" then assert.is_true(record.valid_lft <= 385 and record.noprefixroute) end
    end
    assert.is_nil(world:read("/etc/netplan/60-ipv6-static.yaml"))
  end)

  it("takes an interface whose name has a dot", function()
    sh(("ip -n %s link set ens5 down; ip -n %s link set ens5 name ens5.7 up"):format(name, name))
    for _, address in ipairs(BLOCK) do
      sh(("ip -n %s addr add %s/128 dev ens5.7 valid_lft 385 preferred_lft 85 noprefixroute nodad"):format(name, address))
    end
    sh(("ip -n %s -6 route add default via %s dev ens5.7 proto ra metric 1024"):format(name, GATEWAY))
    assert(apply.run(steps(), world))
    assert.equal("2", world:read_sysctl("net/ipv6/conf/ens5.7/accept_ra"))
    assert.truthy(world:read("/etc/sysctl.d/60-eni6.conf"):find("net/ipv6/conf/ens5.7/accept_ra = 2", 1, true))
    assert.same({}, steps())
  end)

  it("goes through the preferred of two routers, and leaves the other's route", function()
    local second = "fe80::2"
    sh(("ip -n %s -6 route add default via %s dev ens5 proto ra metric 1025 pref high"):format(name, second))
    local real = getmetatable(world.netlink).__index.routes
    local as_one_metric = setmetatable({}, { __index = function(_, key)
      return function(_, ...)
        if key ~= "routes" then return world.netlink[key](world.netlink, ...) end
        local list = assert(real(world.netlink, ...))
        for _, route in ipairs(list) do route.metric = route.metric == 1025 and 1024 or route.metric end
        return list
      end
    end })
    local seen = world_module.new({ root = root, docker = world.docker, imds = world.imds, netlink = as_one_metric })
    local wanted = assert(desired.new(assert(inspect.facts(seen))))
    assert.same({ via = second, metric = 512 }, wanted.gateway)
    assert(apply.run(assert(difference.steps(assert(inspect.facts(world)), wanted, {})), world))
    assert.same({ "ra 1024 " .. GATEWAY, "ra 1025 " .. second, "static 512 " .. second }, default_metrics())
    assert.same({}, steps())
  end)

  it("knows each way of a multipath default route", function()
    sh(("ip -n %s -6 route del default"):format(name))
    sh(("ip -n %s -6 route add default metric 600 nexthop via fe80::2 dev ens5 nexthop via %s dev ens5"):format(name, GATEWAY))
    local gateways = {}
    for i, route in ipairs(assert(inspect.facts(world)).gateways) do gateways[i] = route.gateway .. " " .. route.metric end
    table.sort(gateways)
    assert.same({ GATEWAY .. " 600", "fe80::2 600" }, gateways)
  end)

  it("mends an address that failed duplicate detection", function()
    sh(("ip -n %s addr add %s1:1/64 dev p0 nodad"):format(router, P))
    sh(("ip -n %s addr del %s1:1/128 dev ens5; ip -n %s addr add %s1:1/64 dev ens5"):format(name, P, name, P))
    local function dead()
      local record = nl:get_address({ link = "ens5", address = P .. "1:1" })
      return record and record.dadfailed
    end
    for _ = 1, 50 do
      if dead() then break end
      require("eni6.tasks").sleep(0.1)
    end
    assert.is_true(dead())
    sh(("ip -n %s addr del %s1:1/64 dev p0"):format(router, P))
    assert(apply.run(steps(), world))
    assert.is_falsy(dead())
    assert.same({ P .. "1:1/64" }, globals())
    assert.same({}, steps())
  end)

  it("refuses an interface, or a kernel, without IPv6", function()
    assert(world:write_sysctl("net/ipv6/conf/ens5/disable_ipv6", "1"))
    local facts, message, code = inspect.facts(world)
    assert.is_nil(facts)
    assert.equal("EAFNOSUPPORT", code)
    assert.truthy(message:find("net/ipv6/conf/ens5/disable_ipv6 to 0", 1, true), message)
    world.read_sysctl = function() end
    facts, message, code = inspect.facts(world)
    assert.is_nil(facts)
    assert.equal("EAFNOSUPPORT", code)
    assert.equal("the kernel has no IPv6; boot without ipv6.disable=1", message)
  end)
end)
