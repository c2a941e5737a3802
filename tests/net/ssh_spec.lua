-- run: lua5.4
-- Instances configured over a real sshd in the sandbox's network: the way in, the
-- keys, the confirmation over a new connection, and the way back without it.
local configure = require("eni6.fleet.configure")
local filesystem = require("eni6.filesystem")
local netlink = require("eni6.netlink")
local process = require("eni6.process")
local tasks = require("eni6.tasks")

local P = "2001:db8:47b:ca03::"

local function missing()
  if not filesystem.stat("/usr/sbin/sshd") then return "needs sshd (package openssh-server)" end
  return require("eni6.sandbox.network").missing()
end

-- Stands before ssh where a test wants no confirmation to get through.
local SILENT = [[
case "$*" in *" confirm") echo "ssh: connect to host: Connection timed out" >&2; exit 255;; esac
exec "$@"]]

describe("configuring over a real sshd", function()
  local reason = missing()
  if reason then
    pending(reason)
    return
  end

  local folder, sandbox, env, ec2, hosts, daemons, client

  local function sh(command)
    local result = assert(process.run({ argv = { "sh", "-ec", command }, cwd = folder, timeout = 60 }))
    assert(result.status == 0, result.stderr)
    return result.stdout
  end

  local function start_sandbox()
    sandbox = assert(process.spawn({ argv = { "lua5.4", "scripts/sandbox.lua", "--network", "--die-with-stdin", "--quiet" },
      stdin = "pipe", stdout = "pipe", die_with_parent = true, new_group = true }))
    env = {}
    while true do
      local line = assert(sandbox:read_line(30))
      if line == "ready" then break end
      local name, value = line:match("^export ([%w_]+)='(.*)'$")
      env[name] = value
    end
    ec2 = assert(require("eni6.aws.ec2").new({ region = env.AWS_REGION, endpoint = env.AWS_ENDPOINT_URL, credentials = {
      access_key_id = env.AWS_ACCESS_KEY_ID, secret_access_key = env.AWS_SECRET_ACCESS_KEY } }))
  end

  local function launch(name, address, block)
    local list = { { Ipv6Address = P .. address } }
    for _, suffix in ipairs(block) do list[#list + 1] = { Ipv6Address = P .. suffix } end
    local interface = assert(ec2:CreateNetworkInterface({ SubnetId = env.SUBNET_ID, Groups = { env.SECURITY_GROUP_ID },
      Ipv6Addresses = list })).NetworkInterface
    local instance = assert(ec2:RunInstances({ ImageId = env.IMAGE_ID, InstanceType = "r5d.large", MinCount = 1, MaxCount = 1,
      MetadataOptions = { HttpTokens = "required", HttpProtocolIpv6 = "enabled", InstanceMetadataTags = "enabled" },
      NetworkInterfaces = { { DeviceIndex = 0, NetworkInterfaceId = interface.NetworkInterfaceId } } })).Instances[1]
    local port = env.AWS_ENDPOINT_URL:match("(%d+)$")
    client = { "nsenter", "--net=/run/netns/eni6-" .. port .. "-router", "ssh" }
    return { name = name, address = P .. address, instance_id = instance.InstanceId,
      netns = "/run/netns/eni6-" .. port .. "-" .. instance.InstanceId }
  end

  -- An sshd in a host's namespace, with a host key of its own.
  local function start_sshd(host)
    local key = os.tmpname()
    os.remove(key)
    sh("ssh-keygen -q -t ed25519 -N '' -f " .. key .. "; mv " .. key .. "* " .. folder)
    key = folder .. "/" .. key:match("[^/]+$")
    local config = folder .. "/sshd_config"
    assert(filesystem.replace(config, "HostKey " .. key .. "\nAuthorizedKeysFile " .. folder .. "/me.pub\nStrictModes no\n"
      .. "UsePAM no\nPidFile none\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"))
    local daemon = assert(process.spawn({ argv = { "/usr/sbin/sshd", "-D", "-e", "-f", config }, netns = host.netns,
      stdout = folder .. "/sshd.log", stderr = "stdout", die_with_parent = true }))
    daemons[#daemons + 1] = daemon
    return daemon
  end

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(filesystem.make_directory(folder .. "/tree/core"))
    assert(filesystem.make_directory("/run/sshd"))
    -- The tree as it goes to an instance, but for the compiler's work, which is done.
    local here = sh("readlink /proc/" .. filesystem.read("/proc/self/stat"):match("^%d+") .. "/cwd"):gsub("\n", "")
    sh(("cp -r %s/lua %s/scripts tree/"):format(here, here))
    assert(filesystem.replace(folder .. "/tree/Makefile", ("all:\n\tmkdir -p build/release/lua5.4\n"
      .. "\tcp -r %s/build/release/lua5.4/eni6 build/release/lua5.4/\n"):format(here)))
    sh("ssh-keygen -q -t ed25519 -N '' -f me")
    daemons = {}
    start_sandbox()
    hosts = { launch("instance-1", "1:1", { "8", "9", "a", "b" }), launch("instance-2", "2:2", { "c", "d", "e", "f" }) }
    for _, host in ipairs(hosts) do start_sshd(host) end
  end)

  teardown(function()
    for _, daemon in ipairs(daemons or {}) do
      daemon:stop()
      daemon:close()
    end
    if sandbox then
      sandbox:close_stdin()
      sandbox:wait(20)
      sandbox:close()
    end
    os.execute("rm -rf " .. folder)
  end)

  local function run(host, options)
    local events = {}
    local all = { ec2 = ec2, source = folder .. "/tree", known_hosts = folder .. "/known_hosts", user = "root",
      folder = folder .. "/" .. host.name .. "/eni6", root = folder .. "/" .. host.name .. "/root",
      ssh_program = client, ssh_arguments = { "-F", "/dev/null", "-i", folder .. "/me" }, confirm = 30, pause = 0.2,
      patience = 30,
      observe = function(event) events[#events + 1] = event.state .. " " .. event.text end }
    for name, value in pairs(options or {}) do all[name] = value end
    assert(filesystem.make_directory(folder .. "/" .. host.name .. "/root"))
    local ok, message, code = configure.run({ host }, all)
    return ok, message, code, table.concat(events, "\n")
  end

  local function globals(host)
    local nl, list = assert(netlink.open({ netns = host.netns })), {}
    for _, record in ipairs(nl:addresses({ link = "ens5" })) do
      if record.scope == "global" then list[#list + 1] = record.address:sub(#P + 1) end
    end
    nl:close()
    table.sort(list)
    return table.concat(list, " ")
  end

  it("configures a host and confirms it, and has nothing to do then", function()
    local ok, message, _, events = run(hosts[1])
    assert(ok, message)
    assert.truthy(events:find("taken on first use, as the console shows none: ssh-ed25519 SHA256:", 1, true), events)
    assert.truthy(events:find("configured confirmed over a new connection", 1, true), events)
    assert.equal("1:1/64", globals(hosts[1]))
    assert.is_nil(filesystem.stat(folder .. "/instance-1/root/var/lib/eni6/journal/log"))
    assert(run(hosts[1]))
    assert.equal("nothing to do", hosts[1].configured)
  end)

  it("reports a host that cannot be confirmed, which goes back by itself", function()
    local before = globals(hosts[2])
    assert.equal("2:2/128 c/128 d/128 e/128 f/128", before)
    local program = { "sh", "-c", SILENT, "sh", table.unpack(client) }
    local ok, message, code = run(hosts[2], { ssh_program = program, confirm = 10 })
    assert.is_nil(ok)
    assert.equal("ETIMEDOUT", code)
    assert.truthy(message:find("goes back by itself within 10 s", 1, true), message)
    assert.equal("2:2/64", globals(hosts[2]))
    local deadline = tasks.now() + 20
    while globals(hosts[2]) ~= before and tasks.now() < deadline do tasks.sleep(0.2) end
    assert.equal(before, globals(hosts[2]))
  end)

  it("refuses a host with another key", function()
    daemons[1]:stop()
    start_sshd(hosts[1])
    local ok, message, code = run(hosts[1])
    assert.is_nil(ok)
    assert.equal("EHOSTKEY", code)
    assert.truthy(message:find(hosts[1].instance_id, 1, true), message)
  end)
end)
