-- run: lua5.4
-- The sandbox's network as a guest sees it: addresses, routes, neighbours, security
-- groups and the metadata service, following what EC2 has assigned at each moment.
local icmp6 = require("eni6.icmp6")
local netlink = require("eni6.netlink")
local process = require("eni6.process")
local program = require("support.program")
local sandboxes = require("support.sandbox")
local tasks = require("eni6.tasks")

local missing = require("eni6.sandbox.network").missing()
local P = "2001:db8:47b:ca03::"

describe("the sandbox's network", function()
  if missing then
    pending(missing)
    return
  end

  local sandbox, env, ec2, hosts

  local function launch(address, more)
    local list = { { Ipv6Address = P .. address } }
    for _, suffix in ipairs(more) do list[#list + 1] = { Ipv6Address = P .. suffix } end
    local interface = assert(ec2:CreateNetworkInterface({ SubnetId = env.SUBNET_ID, Groups = { env.SECURITY_GROUP_ID },
      Ipv6Addresses = list })).NetworkInterface
    local instance = assert(ec2:RunInstances({ ImageId = env.IMAGE_ID, InstanceType = "r5d.large", MinCount = 1, MaxCount = 1,
      MetadataOptions = { HttpTokens = "required", HttpProtocolIpv6 = "enabled", InstanceMetadataTags = "enabled" },
      IamInstanceProfile = { Name = "guest" },
      TagSpecifications = { { ResourceType = "instance", Tags = { { Key = "eni6:host", Value = address } } } },
      NetworkInterfaces = { { DeviceIndex = 0, NetworkInterfaceId = interface.NetworkInterfaceId } } })).Instances[1]
    return { interface = interface.NetworkInterfaceId, instance = instance.InstanceId, mac = interface.MacAddress,
      netns = sandbox:control("GET", "network")[instance.InstanceId] }
  end

  local function reachable(from, target)
    return assert(icmp6.ping({ target }, { netns = from.netns, attempts = 2, timeout = 0.5 }))[1].reachable
  end

  local function eventually(test)
    local deadline = tasks.now() + 10
    while not test() and tasks.now() < deadline do tasks.sleep(0.1) end
    return test()
  end

  setup(function()
    sandbox = sandboxes.start({ "--network" })
    env = sandbox.env
    ec2 = assert(require("eni6.aws.ec2").new({ region = env.AWS_REGION, endpoint = env.AWS_ENDPOINT_URL, credentials = {
      access_key_id = env.AWS_ACCESS_KEY_ID, secret_access_key = env.AWS_SECRET_ACCESS_KEY } }))
    hosts = { launch("1:1", { "8", "9", "a", "b" }), launch("2:2", { "c", "d", "e", "f" }) }
  end)

  teardown(function()
    if not sandbox then return end
    sandbox:stop()
    for _, name in ipairs(netlink.list_netns()) do assert.is_nil(name:find("eni6-" .. sandbox.port .. "-", 1, true), name) end
  end)

  it("hands the addresses out as EC2 does, and the default route by advertisement", function()
    local nl = assert(netlink.open({ netns = hosts[1].netns }))
    local found = {}
    for _, record in ipairs(nl:addresses({ link = "ens5" })) do
      if record.scope == "global" then
        found[#found + 1] = record.address
        assert.is_true(record.valid_lft <= 450)
      end
    end
    table.sort(found)
    assert.same({ P .. "1:1/128", P .. "8/128", P .. "9/128", P .. "a/128", P .. "b/128" }, found)
    assert.is_true(eventually(function()
      local route = nl:routes({ dst = "::/0", table = "main" })[1]
      return route and route.protocol == "ra" and route.gateway == "fe80::1066:30ff:feb8:c008" and route.expires ~= nil
    end))
    nl:close()
  end)

  it("carries packets to what is assigned, and only to that", function()
    assert.is_true(eventually(function() return reachable(hosts[1], P .. "2:2") end))
    assert.is_true(reachable(hosts[2], P .. "a"))
    assert.is_false(reachable(hosts[1], P .. "77"))
    assert(ec2:UnassignIpv6Addresses({ NetworkInterfaceId = hosts[2].interface, Ipv6Addresses = { P .. "f" } }))
    assert.is_false(reachable(hosts[1], P .. "f"))
    assert(ec2:AssignIpv6Addresses({ NetworkInterfaceId = hosts[2].interface, Ipv6Addresses = { P .. "f" } }))
    assert.is_true(reachable(hosts[1], P .. "f"))
  end)

  it("enforces security groups, at once", function()
    local rule = { GroupId = env.SECURITY_GROUP_ID, IpPermissions = { { IpProtocol = "icmpv6", FromPort = -1, ToPort = -1,
      Ipv6Ranges = { { CidrIpv6 = "::/0" } } } } }
    assert(ec2:RevokeSecurityGroupIngress(rule))
    assert.is_false(reachable(hosts[1], P .. "2:2"))
    local members = { GroupId = env.SECURITY_GROUP_ID, IpPermissions = { { IpProtocol = "icmpv6", FromPort = -1, ToPort = -1,
      UserIdGroupPairs = { { GroupId = env.SECURITY_GROUP_ID } } } } }
    assert(ec2:AuthorizeSecurityGroupIngress(members))
    assert.is_true(reachable(hosts[1], P .. "2:2"))
    assert(ec2:RevokeSecurityGroupIngress(members))
    assert(ec2:AuthorizeSecurityGroupIngress(rule))
    assert.is_true(reachable(hosts[1], P .. "2:2"))
  end)

  it("answers neighbours for a whole delegated prefix", function()
    local answer = assert(ec2:AssignIpv6Addresses({ NetworkInterfaceId = hosts[2].interface, Ipv6PrefixCount = 1 }))
    local prefix = require("eni6.ip6").prefix(answer.AssignedIpv6Prefixes[1])
    local inside = tostring(prefix:nth(4660))
    local nl = assert(netlink.open({ netns = hosts[2].netns }))
    assert(nl:add_address({ link = "lo", address = inside .. "/128" }))
    nl:close()
    local one = assert(netlink.open({ netns = hosts[1].netns }))
    assert(one:add_route({ dst = P .. "/64", link = "ens5" }))
    assert.is_true(eventually(function() return reachable(hosts[1], inside) end))
    assert(one:delete_route({ dst = P .. "/64", link = "ens5" }))
    one:close()
    assert(ec2:UnassignIpv6Addresses({ NetworkInterfaceId = hosts[2].interface, Ipv6Prefixes = { tostring(prefix) } }))
    assert.is_false(reachable(hosts[1], inside))
  end)

  it("has keys of each guest's role, at both addresses", function()
    local argv, surroundings = program [[
      local credentials = require("eni6.aws.credentials")
      local keys = assert(credentials.resolve({ settings = assert(require("eni6.aws.config").load({})) })):get()
      io.write(keys.access_key_id, " ", keys.secret_access_key, " ", keys.session_token)]]
    for i, mode in ipairs({ "IPv4", "IPv6" }) do
      surroundings.HOME, surroundings.AWS_EC2_METADATA_DISABLED = "/nonexistent", false
      surroundings.AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE = mode
      local result = assert(process.run({ argv = argv, netns = hosts[i].netns, env = surroundings }))
      local id, secret, token = result.stdout:match("^(%S+) (%S+) (%S+)$")
      assert.is_string(id, result.stderr)
      local sts = assert(require("eni6.aws.sts").new({ region = env.AWS_REGION, endpoint = env.AWS_ENDPOINT_URL,
        credentials = { access_key_id = id, secret_access_key = secret, session_token = token } }))
      assert.matches("assumed%-role/guest/" .. hosts[i].instance:gsub("%-", "%%-") .. "$", assert(sts:GetCallerIdentity({})).Arn)
    end
  end)

  it("answers as each guest's own metadata service, with tokens only", function()
    local script = [[
      local imds = require("eni6.aws.imds").new({ endpoint = arg[1], timeout = 2 })
      local interface = assert(imds:interfaces())[1]
      io.write(imds:get("meta-data/instance-id"), " ", interface.mac, " ", #interface.ipv6s, " ", imds:tags()["eni6:host"])]]
    local path = os.tmpname()
    assert(require("eni6.filesystem").replace(path, script))
    for i, endpoint in ipairs({ "http://169.254.169.254", "http://[fd00:ec2::254]" }) do
      local result = assert(process.run({ argv = { arg[-1], path, endpoint }, netns = hosts[i].netns,
        env = { LUA_PATH = package.path, LUA_CPATH = package.cpath } }))
      assert.equal(hosts[i].instance .. " " .. hosts[i].mac .. " 5 " .. ({ "1:1", "2:2" })[i], result.stdout .. result.stderr)
    end
    os.remove(path)
    local bare = assert(process.run({ argv = { "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
      "http://169.254.169.254/latest/meta-data/instance-id" }, netns = hosts[1].netns }))
    assert.equal("401", bare.stdout)
  end)

  it("answers for the neighbours again after a guest's interface was down", function()
    local guest = launch("5:5", {})
    local router = assert(netlink.open({ netns = "eni6-" .. sandbox.port .. "-router" }))
    local function proxies()
      local texts = {}
      for i, record in ipairs(assert(router:neighbours({ proxy = true }))) do texts[i] = record.link .. " " .. record.dst end
      table.sort(texts)
      return table.concat(texts, "\n")
    end
    local before = proxies()
    local nl = assert(netlink.open({ netns = guest.netns }))
    assert(nl:set_link({ link = "ens5", up = false }))
    assert.is_true(eventually(function() return #proxies() < #before end))
    assert(nl:set_link({ link = "ens5", up = true }))
    assert.is_true(eventually(function() return proxies() == before end))
    nl:close()
    router:close()
    assert(ec2:TerminateInstances({ InstanceIds = { guest.instance } }))
  end)

  it("removes a terminated instance, and what runs in it", function()
    local third = launch("3:3", {})
    local sleeper = assert(process.spawn({ argv = { "sleep", "600" }, netns = third.netns }))
    assert(ec2:TerminateInstances({ InstanceIds = { third.instance } }))
    assert.equal(9, assert(sleeper:wait(10)).signal)
    sleeper:close()
    assert.is_nil(require("eni6.filesystem").stat(third.netns))
    assert.is_false(reachable(hosts[1], P .. "3:3"))
  end)

  it("finds and removes what a killed run left", function()
    local other = sandboxes.start({ "--network" })
    local prefix = "eni6-" .. other.port .. "-"
    other.process:kill("KILL")
    other.process:wait(10)
    local function left()
      for _, name in ipairs(netlink.list_netns()) do
        if name:sub(1, #prefix) == prefix then return true end
      end
      return false
    end
    assert.is_true(left())
    local next_one = sandboxes.start({ "--network" })
    assert.is_false(left())
    next_one:stop()
    other:stop()
    assert.is_true(reachable(hosts[1], P .. "2:2"))
  end)
end)
