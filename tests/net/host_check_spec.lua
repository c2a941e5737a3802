-- run: lua5.4
-- check.lua on the whole thing: a sandbox with its network, two instances that were
-- configured, a dockerd and a container on each; then broken in one place at a time.
local dockerd = require("support.dockerd")
local json = require("dkjson")
local process = require("eni6.process")
local sandbox = require("support.sandbox")

local PEER = "2001:db8:47b:ca03::e"
local PLAN = "scripts/plans/two-instances.lua"

describe("check.lua", function()
  local missing = dockerd.missing() or require("eni6.sandbox.network").missing()
  if missing then
    pending("needs " .. missing)
    return
  end

  local box, hosts

  local function script(words, options)
    options = options or {}
    local argv = { "lua5.4" }
    for _, word in ipairs(words) do argv[#argv + 1] = word end
    local env = {}
    for _, more in ipairs({ box.env, options.env or {} }) do
      for name, value in pairs(more) do env[name] = value end
    end
    return assert(process.run({ argv = argv, env = env, netns = options.netns, timeout = 60 }))
  end

  local function configure(host)
    local result = script({ "scripts/configure.lua", "--root", host.root }, host)
    assert(result.status == 0, result.stderr)
    host.dockerd = dockerd.start({ folder = host.root .. "/docker", netns = host.netns,
      config_file = host.root .. "/etc/docker/daemon.json" })
  end

  local function start_container(host)
    host.dockerd:wait_until_ready()
    host.dockerd:import_busybox("busybox")
    local result = script({ "scripts/containers.lua", "--docker-socket", host.dockerd.socket,
      "run", "busybox", "--name", "web", "--", "sleep", "600" }, host)
    assert(result.status == 0, result.stderr)
  end

  setup(function()
    box = sandbox.start({ "--network" })
    hosts = json.decode(script({ "scripts/provision.lua", PLAN, "--json" }).stdout).hosts
    local paths = box:control("GET", "network")
    for _, host in ipairs(hosts) do
      host.netns, host.root = paths[host.instance_id], os.tmpname()
      os.remove(host.root)
      configure(host)
    end
    for _, host in ipairs(hosts) do start_container(host) end
  end)

  teardown(function()
    for _, host in ipairs(hosts or {}) do
      if host.dockerd then host.dockerd:stop() end
      os.execute("rm -rf " .. host.root)
    end
    if box then box:stop() end
  end)

  -- Runs it; the rows by "subject/name", and the names of those that fail, sorted.
  local function check(words, options)
    local argv = { "scripts/check.lua", "--json" }
    for _, word in ipairs(words) do argv[#argv + 1] = word end
    local result = script(argv, options)
    local document = assert(json.decode(result.stdout), result.stderr)
    local by_name, failed = {}, {}
    for _, row in ipairs(document.rows) do
      by_name[row.subject .. "/" .. row.name] = row
      if row.state == "fail" then failed[#failed + 1] = row.subject .. "/" .. row.name end
    end
    assert.equal(#failed > 0 and 1 or 0, result.status)
    table.sort(failed)
    return by_name, failed
  end

  -- On instance-1, with a ping to the container on instance-2.
  local function check_inside()
    return check({ "--root", hosts[1].root, "--docker-socket", hosts[1].dockerd.socket, "--peer", PEER }, hosts[1])
  end

  -- On an operator's machine, which has no metadata service.
  local function check_from_ec2()
    return check({ PLAN }, { env = { AWS_EC2_METADATA_SERVICE_ENDPOINT = "http://127.0.0.1:1" } })
  end

  it("passes every hop inside, with a ping from container to container", function()
    local rows, failed = check_inside()
    assert.same({}, failed)
    local text = rows["this instance/peer"].text
    assert.truthy(text:find(PEER .. " answers container web", 1, true), text)
    assert.truthy(rows["web/container"].text:find("2001:db8:47b:ca03::a/126", 1, true))
  end)

  it("passes every hop as EC2 has it", function()
    local rows, failed = check_from_ec2()
    assert.same({}, failed)
    assert.equal("pass", rows["instance-2/security group in"].state)
    assert.equal("pass", rows["instance-1/internet route"].state)
    assert.equal("skip", rows["this machine/inside"].state)
  end)

  it("shows a table for people", function()
    local result = script({ "scripts/check.lua", "--root", hosts[1].root, "--docker-socket", hosts[1].dockerd.socket },
      hosts[1])
    assert.equal(0, result.status)
    assert.truthy(result.stdout:find("pass  this instance  default route", 1, true), result.stdout)
    assert.truthy(result.stdout:find("%d+ pass, 0 fail, 0 skipped\n$"), result.stdout)
  end)

  it("names the security group rule that is gone, and the command that mends it", function()
    local group = assert(json.decode((box:aws({ "describe-security-groups", "--group-ids", box.security_group_id }))))
      .SecurityGroups[1]
    local _, status, stderr = box:aws({ "revoke-security-group-ingress", "--group-id", group.GroupId, "--ip-permissions",
      json.encode(group.IpPermissions) })
    assert.equal(0, status, stderr)
    local rows, failed = check_from_ec2()
    assert.same({ "instance-1/security group in", "instance-2/security group in" }, failed)
    local row = rows["instance-1/security group in"]
    assert.truthy(row.text:find("lets ICMPv6 pass from instance-2", 1, true), row.text)
    assert.same({ "this instance/peer" }, select(2, check_inside()))
    local remedy = row.remedy:gsub("^aws ec2", "/usr/bin/aws ec2 --endpoint-url " .. box.url)
    local mended = assert(process.run({ argv = { "sh", "-c", remedy }, env = box.env }))
    assert.equal(0, mended.status, mended.stderr)
    assert.same({}, select(2, check_from_ec2()))
    assert.same({}, select(2, check_inside()))
  end)

  it("names what is broken inside", function()
    local function inside(command)
      local result = assert(process.run({ argv = { "sh", "-c", command }, netns = hosts[1].netns }))
      assert.equal(0, result.status, result.stderr)
    end
    inside("sysctl -qw net.ipv6.conf.all.forwarding=0; ip -6 route del default metric 512; "
      .. "rm " .. hosts[1].root .. "/etc/sysctl.d/60-eni6.conf")
    local rows, failed = check_inside()
    assert.same({ "this instance/all/forwarding", "this instance/default route", "this instance/default/forwarding",
      "this instance/files", "this instance/peer" }, failed)
    assert.truthy(rows["this instance/files"].text:find("/etc/sysctl.d/60-eni6.conf", 1, true))
    local result = script({ "scripts/configure.lua", "--root", hosts[1].root }, hosts[1])
    assert.equal(0, result.status, result.stderr)
    assert.same({}, select(2, check_inside()))
  end)

  it("names the route and the addresses that are gone", function()
    local tables = assert(json.decode((box:aws({ "describe-route-tables" })))).RouteTables
    for _, one in ipairs(tables) do
      box:aws({ "delete-route", "--route-table-id", one.RouteTableId, "--destination-ipv6-cidr-block", "::/0" })
    end
    box:aws({ "unassign-ipv6-addresses", "--network-interface-id", hosts[2].interface_id, "--ipv6-addresses", PEER })
    local rows, failed = check_from_ec2()
    assert.same({ "instance-1/internet route", "instance-2/addresses", "instance-2/internet route" }, failed)
    assert.truthy(rows["instance-2/addresses"].remedy:find("--ipv6-addresses " .. PEER, 1, true))
  end)
end)
