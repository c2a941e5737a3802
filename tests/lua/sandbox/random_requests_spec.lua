-- Random requests for random operations, half sensible and half not: the sandbox
-- answers each without a mistake of its own, and the world stays consistent.
require("eni6.sandbox.rocks").http()
local endpoint = require "eni6.sandbox.endpoint"
local genesis = require "eni6.sandbox.genesis"
local ip6 = require "eni6.ip6"
local operations = require "eni6.sandbox.ec2"
local random = require "eni6.sandbox.random"
local sigv4 = require "eni6.sigv4"
local world = require "eni6.sandbox.state.world"

local KEYS = { access_key_id = "AKIDTEST", secret_access_key = "not-secret" }
local ROUNDS, REQUESTS = 40, 400

local function sorted_names(map)
  local list = {}
  for name in pairs(map) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- CreateKeyPair takes its time; it is tested elsewhere.
local names = sorted_names(operations)
for i, name in ipairs(names) do
  if name == "CreateKeyPair" then table.remove(names, i) end
end

-- What most requests have although EC2 does not always demand it.
local USUAL = { ["RunInstances ImageId"] = true, ["RunInstances InstanceType"] = true, ["RunInstances NetworkInterface"] = true,
  ["AssignIpv6Addresses Ipv6Addresses"] = true, ["UnassignIpv6Addresses Ipv6Addresses"] = true,
  ["TerminateInstances InstanceId"] = true, ["StopInstances InstanceId"] = true, ["StartInstances InstanceId"] = true,
  ["CreateTags ResourceId"] = true, ["CreateTags Tag"] = true, ["CreateSubnet CidrBlock"] = true,
  ["AuthorizeSecurityGroupIngress IpPermissions"] = true, ["AuthorizeSecurityGroupIngress GroupId"] = true,
  ["CreateNetworkInterface Ipv6Addresses"] = true, ["DeleteTags ResourceId"] = true,
  ["ModifyNetworkInterfaceAttribute Description"] = true, ["RevokeSecurityGroupIngress IpPermissions"] = true,
  ["RevokeSecurityGroupIngress GroupId"] = true,
  DeviceIndex = true, SubnetId = true, Ipv6Address = true, Name = true, Value = true, Key = true, IpProtocol = true,
  Ipv6Ranges = true, CidrIpv6 = true }

local LIFE = { "CreateNetworkInterface", "AssignIpv6Addresses", "UnassignIpv6Addresses", "RunInstances", "AttachNetworkInterface",
  "DetachNetworkInterface", "TerminateInstances", "DeleteNetworkInterface", "CreateSubnet", "StopInstances", "StartInstances",
  "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "CreateTags", "DeleteTags", "ModifyNetworkInterfaceAttribute" }

describe("random requests", function()
  local dice, one, ids, now

  local function pick(list) return list[dice:below(#list) + 1] end

  local FIXED = { "", "1", "true", "false", "nonsense", "r5d.large", "t3.nano", "m1.small", "default", "eni6-sandbox", "tcp",
    "icmpv6", "-1", "0.0.0.0/0", "::/0", "10.0.0.0/24", "10.0.32.0/20", "10.0.0.9", "2001:db8:47b:ca04::/64",
    "2001:db8:47b:ca03::/80",
    "explicit", "prefix", "instance", "network-interface", "vpc", "tag:Name", "vpc-id", "us-east-1a", "required", "enabled",
    "userData", "instanceType", "groupSet", "attachment", "description", "region", "token-1", "token-2", "MQ==" }

  local function some_id()
    local records = one.world:all(pick(sorted_names(one.world.stores)))
    return #records > 0 and pick(records).id or "i-0123456789abcdef0"
  end

  local function some_text()
    local kind = dice:below(10)
    if kind < 4 then return some_id() end
    if kind == 4 then return "2001:db8:47b:ca03::" .. string.format("%x", dice:below(40)) end
    if kind == 5 then return string.format("2001:db8:47b:ca03:%x::/80", dice:below(5)) end
    if kind == 6 then
      local interfaces = one.world:all("network_interface")
      local interface = #interfaces > 0 and pick(interfaces)
      return interface and interface.attachment and interface.attachment.id or "eni-attach-0123456789abcdef0"
    end
    return pick(FIXED)
  end

  -- An id of the family that a parameter's name speaks of, three times in four.
  local FAMILIES = { VpcId = "vpc", SubnetId = "subnet", InstanceId = "instance", NetworkInterfaceId = "network_interface",
    SecurityGroupId = "security_group", GroupId = "security_group", RouteTableId = "route_table",
    InternetGatewayId = "internet_gateway", GatewayId = "internet_gateway", ImageId = "image",
    SubnetCidrReservationId = "cidr_reservation", SecurityGroupRuleId = "security_group_rule" }

  local function attachable()
    local interfaces = one.world:all("network_interface", function(interface) return not interface.attachment end)
    return #interfaces > 0 and pick(interfaces).id
  end

  local function assigned()
    local interfaces = one.world:all("network_interface", function(interface) return interface.ipv6[1] end)
    return #interfaces > 0 and pick(pick(interfaces).ipv6) or "2001:db8:47b:ca03::1:1"
  end

  local function attached()
    local interfaces = one.world:all("network_interface", function(interface) return interface.attachment end)
    return #interfaces > 0 and pick(interfaces).attachment.id
  end

  local function text_for(name)
    if name == "NetworkInterfaceId" and dice:below(2) == 0 then return attachable() or some_text() end
    if name == "DeviceIndex" then return pick { "0", "0", "0", "1", "x" } end
    if name == "Ipv6Addresses" and dice:below(2) == 0 then return assigned() end
    if name == "Ipv6Address" or name == "Ipv6Addresses" then
      return string.format("2001:db8:47b:ca03:%x::%x", dice:below(5), dice:below(60))
    end
    if name == "AttachmentId" then return attached() or some_text() end
    if name == "CidrBlock" and dice:below(4) > 0 then return string.format("10.0.%d.0/24", 16 + dice:below(30)) end
    if name == "Ipv6CidrBlock" and dice:below(4) > 0 then return string.format("2001:db8:47b:ca%02x::/64", dice:below(20)) end
    if name == "IpProtocol" then return pick { "tcp", "icmpv6", "-1", "x" } end
    if name == "CidrIpv6" then return pick { "::/0", "2001:db8::/32", "x" } end
    if name == "MinCount" or name == "MaxCount" then return pick { "1", "1", "1", "2", "0", "x" } end
    if name == "ImageId" and dice:below(2) == 0 then return ids.image_id end
    local records = FAMILIES[name] and one.world:all(FAMILIES[name]) or {}
    if #records > 0 and dice:below(4) > 0 then return pick(records).id end
    if name == "InstanceType" and dice:below(4) > 0 then return "r5d.large" end
    return some_text()
  end

  local function add(pairs_, path, name, of)
    if type(of) == "string" then
      local kind = of:gsub("!", "")
      local value = text_for(name)
      if dice:below(8) > 0 then
        if kind == "integer" and not name:find("^M..Count$") and name ~= "DeviceIndex" then value = tostring(dice:below(5)) end
        if kind == "boolean" then value = pick { "true", "false" } end
      end
      pairs_[#pairs_ + 1] = path .. "=" .. sigv4.uri_encode(value)
    elseif of[1] then
      for i = 1, pick { 0, 1, 1, 1, 2 } do add(pairs_, path .. "." .. i, name, of[1]) end
    else
      for _, inner in ipairs(sorted_names(of)) do
        local its = of[inner]
        local needed = type(its) == "string" and its:find("!") or USUAL[inner]
        if needed and dice:below(8) > 0 or not needed and dice:below(25) == 0 then
          add(pairs_, path .. "." .. inner, inner, its)
        end
      end
    end
  end

  -- Half of the requests are for the lives of interfaces and instances, which
  -- otherwise hardly happen.
  local function request()
    local name = dice:below(2) == 0 and pick(LIFE) or pick(names)
    if (name:find("^DeleteSubnet") or name:find("^Disassociate")) and dice:below(4) > 0 then name = pick(LIFE) end
    local parts = { "Action=" .. name, "Version=2016-11-15" }
    for _, parameter in ipairs(sorted_names(operations[name].parameters)) do
      local of = operations[name].parameters[parameter]
      local needed = type(of) == "string" and of:find("!") or USUAL[name .. " " .. parameter]
      if needed and dice:below(20) > 0 or not needed and dice:below(25) == 0 then add(parts, parameter, parameter, of) end
    end
    return name, table.concat(parts, "&")
  end

  local function answer(body)
    local signer = sigv4.new { access_key_id = KEYS.access_key_id, secret_access_key = KEYS.secret_access_key,
      region = "us-east-1", service = "ec2" }
    local headers = signer:sign { method = "POST", uri = "/", headers = { { "Host", "localhost" } }, body = body, time = now }
    signer:close()
    return one:answer { method = "POST", target = "/", headers = headers, body = body }
  end

  -- Every address belongs to one interface and the ledger knows it; every
  -- attachment is known on both sides.
  local function check_world()
    local seen = {}
    for _, interface in ipairs(one.world:all("network_interface")) do
      local ledger = interface.subnet.ipv6 and interface.subnet.ipv6.ledger
      for _, address in ipairs(interface.ipv6) do
        assert.is_nil(seen[address], address)
        assert.equal(interface, ledger.singles[address])
        seen[address] = interface
      end
      for _, prefix in ipairs(interface.prefixes) do
        assert.equal(interface, ledger.blocks[prefix])
        for address in pairs(seen) do assert.is_false(ip6.prefix(prefix):contains(address), prefix .. " holds " .. address) end
      end
      local attachment = interface.attachment
      assert.equal(attachment and "in-use", interface.status == "in-use" and "in-use" or nil)
      if attachment then
        local found = false
        for _, other in ipairs(attachment.instance.interfaces) do found = found or other == interface end
        assert.is_true(found)
      end
    end
    for _, subnet in ipairs(one.world:all("subnet")) do
      if subnet.ipv6 then
        for address, owner in pairs(subnet.ipv6.ledger.singles) do assert.is_false(owner.deleted or false, address) end
      end
      local count = 0
      for _ in pairs(subnet.used_ipv4) do count = count + 1 end
      assert.equal(count, subnet.used_ipv4_count)
    end
    for _, instance in ipairs(one.world:all("instance")) do
      if instance.state == "terminated" then assert.equal(0, #instance.interfaces) end
    end
  end

  local function round(seed, done)
    local new = world.new { clock = function() return now end, seed = seed }
    ids = genesis(new)
    one = endpoint.new(new, KEYS)
    new.habits.state_delay, new.habits.consistency_lag = dice:below(3), dice:below(2)
    for i = 1, REQUESTS do
      local name, body = request()
      local got = answer(body)
      if got.fault then error(got.fault .. "\n" .. body) end
      if not got.code then done[name] = (done[name] or 0) + 1 end
      if i % 50 == 0 then check_world() end
      now = now + dice:below(2)
    end
    now = now + 10
    new:advance()
    check_world()
  end

  it("leave the world consistent", function()
    local done = {}
    dice, now = random.new(1), 1700000000
    for seed = 1, ROUNDS do round(seed, done) end
    for name, least in pairs { CreateNetworkInterface = 100, AssignIpv6Addresses = 20, UnassignIpv6Addresses = 10,
      RunInstances = 5, StopInstances = 5, TerminateInstances = 10, DeleteNetworkInterface = 50, CreateSubnet = 50,
      DeleteSubnet = 5, AuthorizeSecurityGroupIngress = 10 } do
      assert.is_true((done[name] or 0) >= least, name .. " succeeded " .. (done[name] or 0) .. " times")
    end
  end)
end)
