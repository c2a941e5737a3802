-- run: lua5.4
-- Delegated /80 prefixes as Docker networks: containers of two instances reach each
-- other, and the network goes when the configuration is put back.
local dockerd = require("support.dockerd")
local filesystem = require("eni6.filesystem")
local instances = require("support.instances")
local json = require("dkjson")
local tasks = require("eni6.tasks")

local PLAN = [[
return { name = "prefixes", region = "us-east-1", instance_type = "r5d.large", hosts = { count = 2, prefix = 80 } }
]]

describe("configure --network", function()
  local missing = dockerd.missing() or instances.missing()
  if missing then
    pending("needs " .. missing)
    return
  end

  local fleet, plan

  setup(function()
    plan = os.tmpname()
    assert(filesystem.replace(plan, PLAN))
    fleet = instances.start(plan)
    for _, host in ipairs(fleet.hosts) do
      host.dockerd = dockerd.start({ folder = host.root .. "/docker", netns = host.netns, config = "{}" })
    end
    for _, host in ipairs(fleet.hosts) do
      host.dockerd:wait_until_ready()
      host.dockerd:import_busybox("busybox")
    end
  end)

  teardown(function()
    for _, host in ipairs(fleet and fleet.hosts or {}) do
      if host.dockerd then host.dockerd:stop() end
    end
    if fleet then fleet:stop() end
    os.remove(plan)
  end)

  local function configure(host, ...)
    local result = fleet:configure(host, { "--network", "six", "--docker-socket", host.dockerd.socket, ... })
    assert.equal(0, result.status, result.stderr)
    return result.stdout
  end

  local function start_container(host)
    local result = fleet:script({ "scripts/containers.lua", "--docker-socket", host.dockerd.socket, "--json",
      "run", "busybox", "--name", "web", "--network", "six", "--", "sleep", "600" }, host)
    assert.equal(0, result.status, result.stderr)
    local container = assert(json.decode(result.stdout))
    assert.equal("six", container.network)
    host.container = container.address
  end

  it("makes the network, and takes it away again when it is not confirmed", function()
    local host = fleet.hosts[1]
    local before = instances.state(host)
    assert.truthy(configure(host, "--confirm", "600"):find("make the Docker network six on " .. host.block, 1, true))
    assert.truthy(host.dockerd.engine:inspect_network("six"))
    assert.equal(0, fleet:configure(host, { "rollback", "--docker-socket", host.dockerd.socket }).status)
    assert.equal("NotFound", select(3, host.dockerd.engine:inspect_network("six")))
    assert.equal(before, instances.state(host))
    configure(host, "--confirm", "1")
    for _ = 1, 100 do
      if instances.state(host) == before then break end
      tasks.sleep(0.1)
    end
    assert.equal(before, instances.state(host))
    assert.equal("NotFound", select(3, host.dockerd.engine:inspect_network("six")))
  end)

  it("lets containers on delegated prefixes reach each other, and has nothing to do then", function()
    for _, host in ipairs(fleet.hosts) do
      configure(host)
      assert.truthy(configure(host):find("^nothing to do"))
      start_container(host)
    end
    for i, host in ipairs(fleet.hosts) do
      local result = assert(host.dockerd.engine:exec("web", { "ping", "-c", "1", "-W", "5", fleet.hosts[3 - i].container }))
      assert.equal(0, result.status, result.stdout)
    end
    local host = fleet.hosts[1]
    local checked = fleet:script({ "scripts/check.lua", "--json", "--network", "six", "--root", host.root,
      "--docker-socket", host.dockerd.socket, "--peer", fleet.hosts[2].container }, host)
    assert.equal(0, assert(json.decode(checked.stdout)).fail, checked.stdout)
  end)

  it("refuses a name that has other addresses", function()
    local host = fleet.hosts[1]
    assert(host.dockerd.engine:create_network({ Name = "other" }))
    local run = fleet:script({ "scripts/containers.lua", "--docker-socket", host.dockerd.socket, "run", "busybox",
      "--network", "other" }, host)
    assert.equal(1, run.status)
    assert.truthy(run.stderr:find("Docker's network other has no IPv6 block", 1, true), run.stderr)
    local result = fleet:configure(host, { "--network", "other", "--docker-socket", host.dockerd.socket })
    assert.equal(1, result.status)
    assert.truthy(result.stderr:find("Docker network other is there already", 1, true), result.stderr)
  end)
end)
