-- run: lua5.4
-- containers.lua as a person runs it, on a real dockerd with a block.
local dockerd = require("support.dockerd")
local json = require("dkjson")
local netns = require("support.netns")
local process = require("eni6.process")

describe("containers.lua", function()
  local missing = dockerd.missing()
  if missing then
    pending("needs " .. missing)
    return
  end

  local daemon, place

  setup(function()
    local name, nl = netns.new()
    nl:sysctl("ipv6/conf/all/forwarding", "1")
    nl:close()
    place = "/run/netns/" .. name
    local folder = os.tmpname()
    os.remove(folder)
    daemon = dockerd.start({ folder = folder, netns = place,
      config = '{ "ipv6": true, "fixed-cidr-v6": "2001:db8:47b:ca03::8/126" }' }):wait_until_ready()
    daemon:import_busybox("busybox")
  end)

  teardown(function()
    if daemon then daemon:stop() end
    netns.clean()
  end)

  local function run(...)
    return assert(process.run({ argv = { "lua5.4", "scripts/containers.lua", "--docker-socket", daemon.socket, ... },
      netns = place, timeout = 120 }))
  end

  it("starts a container, shows that it answers, and stops it", function()
    local result = run("list")
    assert.equal("No container has a public address.\n", result.stdout, result.stderr)
    result = run("run", "busybox", "--name", "one", "--", "sleep", "600")
    assert.equal("one 2001:db8:47b:ca03::a/126\n", result.stdout, result.stderr)
    result = run("list")
    assert.matches("\none +2001:db8:47b:ca03::a/126 +2001:db8:47b:ca03::9 +yes\n$", result.stdout)
    result = run("--json", "run", "busybox", "--name", "two", "--", "sleep", "600")
    assert.equal("2001:db8:47b:ca03::b", json.decode(result.stdout).address)
    local list = json.decode(run("--json", "list").stdout)
    assert.same({ "one", "two", true, true }, { list[1].name, list[2].name, list[1].reachable, list[2].reachable })
    result = run("stop", "one", "two")
    assert.same({ 0, "" }, { result.status, result.stderr })
    assert.equal("[]\n", run("--json", "list").stdout)
  end)

  it("shows a container that does not answer", function()
    assert.equal(0, run("run", "busybox", "--name", "mute", "--", "sleep", "600").status)
    local pid = assert(daemon.engine:inspect("mute")).State.Pid
    assert(process.run({ argv = { "ip", "link", "set", "eth0", "down" }, netns = "/proc/" .. pid .. "/ns/net" }))
    assert.matches(" no\n$", run("list").stdout)
    assert.equal(0, run("stop", "mute").status)
  end)

  it("ends with what went wrong, and leaves nothing of it", function()
    local function fails(status, words, ...)
      local result = run(...)
      assert.equal(status, result.status)
      assert.equal("", result.stdout)
      assert.truthy(result.stderr:find(words, 1, true), result.stderr)
      assert.is_nil(result.stderr:find("traceback", 1, true), result.stderr)
    end
    fails(1, "the container brief was started and is exited already; see: docker logs brief", "run", "busybox", "--name",
      "brief", "--", "sh", "-c", "exit 3")
    assert.equal(0, run("stop", "brief").status)
    fails(1, "no-such-program", "run", "busybox", "--name", "none", "--", "no-such-program")
    assert.equal("NotFound", select(3, daemon.engine:inspect("none")))
    fails(1, "No such container: nobody", "stop", "nobody")
    fails(1, "127.0.0.1:1", "run", "127.0.0.1:1/none")
    fails(2, "Try: lua scripts/containers.lua --help", "walk")
  end)
end)
