-- The Engine API against a real dockerd in a namespace of the test's own.
local dockerd = require("support.dockerd")
local netlink = require("eni6.netlink")
local system = require("eni6.core").system

local BLOCK = "2001:db8:47b:ca03::8/126"

describe("docker", function()
  local missing = dockerd.missing()
  if missing then
    pending("needs " .. missing)
    return
  end

  local daemon, netns, engine

  setup(function()
    netns = "eni6-test-" .. system.random(4):gsub(".", function(c) return ("%02x"):format(c:byte()) end)
    assert(netlink.create_netns(netns))
    local nl = assert(netlink.open({ netns = netns }))
    nl:set_link({ link = "lo", up = true })
    nl:sysctl("ipv6/conf/all/forwarding", "1")
    nl:close()
    local folder = os.tmpname()
    os.remove(folder)
    daemon = dockerd.start({ folder = folder, netns = "/run/netns/" .. netns,
      config = '{ "ipv6": true, "fixed-cidr-v6": "' .. BLOCK .. '" }' }):wait_until_ready()
    engine = daemon.engine
    daemon:import_busybox("busybox")
  end)

  teardown(function()
    if daemon then daemon:stop() end
    netlink.delete_netns(netns)
  end)

  it("tells its version", function()
    assert.truthy(assert(engine:version()).Version:find("^%d+%."))
    assert.is_true(engine:ping())
  end)

  it("runs a container that gets the first free address of the block", function()
    local made = assert(engine:create("first", { Image = "busybox", Cmd = { "sleep", "600" } }))
    assert.is_true(engine:start(made.Id))
    local network = assert(engine:inspect("first")).NetworkSettings.Networks.bridge
    assert.equal("2001:db8:47b:ca03::a", network.GlobalIPv6Address)
    assert.equal(126, network.GlobalIPv6PrefixLen)
    assert.equal("2001:db8:47b:ca03::9", network.IPv6Gateway)
    local listed = assert(engine:list())
    assert.equal(made.Id, listed[1].Id)
    local result = assert(engine:exec("first", { "sh", "-c", "ip -6 route show default; echo oops >&2; exit 3" }))
    assert.equal(3, result.status)
    assert.equal("oops\n", result.stderr)
    assert.truthy(result.stdout:find("default via 2001:db8:47b:ca03::9 dev eth0", 1, true), result.stdout)
    assert.is_true(engine:stop("first", 1))
    assert.is_true(engine:remove("first"))
    assert.equal("NotFound", select(3, engine:inspect("first")))
  end)

  it("tells what a container wrote, and how it ended", function()
    local made = assert(engine:create(nil, { Image = "busybox", Cmd = { "sh", "-c", "echo out; echo err >&2; exit 7" } }))
    assert(engine:start(made.Id))
    assert.equal(7, assert(engine:wait(made.Id)).StatusCode)
    assert.same({ stdout = "out\n", stderr = "err\n" }, engine:logs(made.Id))
    assert(engine:remove(made.Id))
  end)

  it("names what is missing or taken", function()
    local _, message, code = engine:create("x", { Image = "no-such-image" })
    assert.equal("NotFound", code)
    assert.truthy(message:find("no-such-image", 1, true), message)
    assert(engine:create("taken", { Image = "busybox", Cmd = { "sh" } }))
    assert.equal("Conflict", select(3, engine:create("taken", { Image = "busybox", Cmd = { "sh" } })))
    assert(engine:remove("taken"))
  end)

  it("reports a pull that fails as an error", function()
    local _, message = engine:pull("127.0.0.1:1/none")
    assert.truthy(message:find("127.0.0.1:1", 1, true), message)
  end)

  it("makes, shows and removes networks", function()
    assert(engine:create_network({ Name = "six", EnableIPv6 = true,
      IPAM = { Config = { { Subnet = "2001:db8:47b:ca03:5::/80" } } } }))
    assert.is_true(assert(engine:inspect_network("six")).EnableIPv6)
    local names = {}
    for _, network in ipairs(assert(engine:networks())) do names[network.Name] = true end
    assert.is_true(names.six)
    assert.is_true(engine:remove_network("six"))
    assert.equal("NotFound", select(3, engine:inspect_network("six")))
  end)

  it("says how to start a daemon that is not there", function()
    local none = require("eni6.docker").new({ socket = "/nowhere/docker.sock" })
    local ok, message = none:ping()
    assert.is_nil(ok)
    assert.truthy(message:find("/nowhere/docker.sock", 1, true), message)
  end)
end)
