-- run: lua5.4
-- What can be wrong with an instance: each a clear error, the instance as it was.
local filesystem = require("eni6.filesystem")
local instances = require("support.instances")
local process = require("eni6.process")

-- An engine that answers every request with an error, or never.
local ENGINE = [[
import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
kept = []
while True:
    connection, _ = server.accept()
    kept.append(connection)
    if sys.argv[2] == "500":
        connection.recv(65536)
        connection.sendall(b'HTTP/1.1 500 Oops\r\nContent-Length: 24\r\nConnection: close\r\n\r\n{"message": "no memory"}')
        connection.close()
]]

describe("configure, with something wrong", function()
  local missing = instances.missing()
  if missing then
    pending("needs " .. missing)
    return
  end

  local fleet, host

  setup(function()
    fleet = instances.start()
    host = fleet.hosts[1]
  end)

  before_each(function() instances.fresh_root(host) end)

  teardown(function() if fleet then fleet:stop() end end)

  local function shell(command) return instances.shell(host, command) end

  local function write(path, text)
    assert(filesystem.make_directory((host.root .. path):match("^(.*)/")))
    assert(filesystem.replace(host.root .. path, text))
  end

  -- That it fails, says so, and leaves all as it was.
  local function refused(expected, run)
    local before = instances.state(host)
    local result = (run or function() return fleet:configure(host) end)()
    local after = instances.state(host)
    assert.equal(1, result.status, result.stdout)
    for _, text in ipairs(expected) do assert.truthy(result.stderr:find(text, 1, true), result.stderr) end
    assert.equal(before, after)
  end

  local function with_mount(command, path, run)
    shell("mkdir -p " .. host.root .. path .. "; " .. command:gsub("PATH", host.root .. path))
    local ok, fault = pcall(run)
    shell("umount " .. host.root .. path)
    if not ok then error(fault, 0) end
  end

  it("a read-only /etc", function()
    with_mount("mount --bind PATH PATH; mount -o remount,bind,ro PATH", "/etc", function()
      refused({ "/etc/", "Read-only file system", "put back" })
    end)
  end)

  it("a full disk below /etc", function()
    with_mount("cp -r PATH PATH-old; mount -t tmpfs -o size=64k none PATH; cp -r PATH-old/. PATH;"
      .. " dd if=/dev/zero of=PATH/filler bs=4k 2>/dev/null || true", "/etc", function()
      refused({ "/etc/", "No space left on device", "put back" })
    end)
  end)

  it("no space for the journal", function()
    with_mount("mount -t tmpfs -o size=16k none PATH; dd if=/dev/zero of=PATH/filler bs=4k 2>/dev/null || true", "/var",
      function() refused({ "/var/lib/eni6", "No space left on device" }) end)
  end)

  it("no rights", function()
    refused({ "Permission denied", "Run it as root, with CAP_NET_ADMIN" }, function()
      return assert(process.run({ netns = host.netns, argv = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        "lua5.4", "scripts/configure.lua", "--root", host.root } }))
    end)
    refused({ "CAP_NET_ADMIN" }, function()
      return assert(process.run({ netns = host.netns, argv = { "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin",
        "lua5.4", "scripts/configure.lua", "--root", host.root } }))
    end)
  end)

  it("a syntax error in daemon.json", function()
    write("/etc/docker/daemon.json", '{\n  "debug" true\n}\n')
    refused({ "/etc/docker/daemon.json:2:11: not valid JSON" })
  end)

  it("somebody else's file in the place of ours", function()
    write("/etc/netplan/60-ipv6-static.yaml", "network: {version: 2}\n")
    refused({ "/etc/netplan/60-ipv6-static.yaml was not written by eni6; move it away" })
  end)

  it("no metadata service", function()
    refused({ "does not answer at http://127.0.0.1:1", "Is this an EC2 instance?" },
      function() return fleet:configure(host, {}, { AWS_EC2_METADATA_SERVICE_ENDPOINT = "http://127.0.0.1:1" }) end)
  end)

  it("addresses that the metadata service does not show in time", function()
    fleet.box:aws({ "unassign-ipv6-addresses", "--network-interface-id", host.interface_id, "--ipv6-addresses",
      "2001:db8:47b:ca03::b" })
    refused({ "waiting: 2001:db8:47b:ca03::b of the block", "is not assigned to this interface in EC2" },
      function() return fleet:configure(host, { "--wait", "1" }) end)
    local child = assert(process.spawn({ argv = { "lua5.4", "scripts/configure.lua", "--root", host.root, "--dry-run" },
      netns = host.netns, stdout = "pipe", stderr = "pipe" }))
    assert.truthy(fleet.box:aws({ "assign-ipv6-addresses", "--network-interface-id", host.interface_id,
      "--ipv6-addresses", "2001:db8:47b:ca03::b" }))
    assert.equal(0, assert(child:wait(30)).status)
    child:close()
  end)

  it("no router advertisement, so no gateway, unless it is named", function()
    shell("sysctl -qw net.ipv6.conf.ens5.accept_ra=0; ip -6 route del default")
    refused({ "ens5 has no default route", "--gateway" })
    local named = fleet:configure(host, { "--gateway", "fe80::1066:30ff:feb8:c008", "--confirm", "60" })
    assert.equal(0, named.status, named.stderr)
    assert.equal(0, fleet:configure(host, { "rollback" }).status)
    shell("sysctl -qw net.ipv6.conf.ens5.accept_ra=1; "
      .. "ip -6 route add default via fe80::1066:30ff:feb8:c008 dev ens5 proto ra metric 1024")
  end)

  for _, how in ipairs({ "500", "hang" }) do
    it("an engine that answers " .. how .. " is left alone, and named", function()
      local socket = host.root .. "/engine.sock"
      local engine = assert(process.spawn({ argv = { "/usr/bin/python3", "-c", ENGINE, socket, how } }))
      for _ = 1, 100 do
        if filesystem.stat(socket) then break end
        require("eni6.tasks").sleep(0.05)
      end
      local result = fleet:configure(host, { "--docker-socket", socket, "--confirm", "600" })
      local undone = fleet:configure(host, { "rollback" })
      engine:kill("KILL")
      engine:close()
      assert.equal(0, result.status, result.stderr)
      assert.truthy(result.stderr:find(how == "500" and "no memory" or socket, 1, true), result.stderr)
      assert.truthy(result.stderr:find("it takes the block when it is started", 1, true), result.stderr)
      assert.equal(0, undone.status)
    end)
  end
end)
