local fleet_support = require "support.fleet"
local ip6 = require "eni6.ip6"
local tasks = require "eni6.tasks"

local ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6dFq8xkCqB8lY3v2l1XrNqJ3mGmYb0cS1uWvN7h4Rt me@here"
local OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPx8mVvQ0pXwq2l0cYcQ7m0x3N8b1s5t7u9v2w4x6y8z other"
local TWO = [[{ { name = "instance-1", address = "::1:1", block = "::8/126" },
  { name = "instance-2", address = "::2:2", block = "::c/126" } }]]
local PREFIX = "2001:db8:47b:ca03::"

local fleet

local function start(arguments) fleet = fleet_support.start(arguments) end

-- Provisions and expects success.
local function made(plan, options)
  local result, message = fleet:provision(plan, options)
  assert.is_not_nil(result, message)
  return result
end

-- Provisions and expects a failure whose message has these words; nothing is made.
local function refused(plan, words, code)
  local before = #fleet:changes()
  local result, message, found = fleet:provision(plan)
  assert.is_nil(result)
  assert.truthy(message:find(words, 1, true), message)
  assert.equal(code or "EPLAN", found)
  assert.equal(before, #fleet:changes())
end

local function assert_disjoint(results)
  local all = {}
  for _, result in ipairs(results) do
    for _, host in ipairs(result.hosts) do
      all[#all + 1] = ip6.address(host.address):prefix(128)
      all[#all + 1] = ip6.prefix(host.block)
    end
  end
  table.sort(all)
  for i = 2, #all do assert.is_false(all[i - 1]:overlaps(all[i]), tostring(all[i])) end
  return #all
end

-- Whether a note was made that matches.
local function told(pattern)
  for _, event in ipairs(fleet.events) do
    if event.note and event.note:match(pattern) then return true end
  end
  return false
end

local function wait_held(count)
  for _ = 1, 500 do
    if fleet.sandbox:control("GET", "faults").held >= count then return end
    tasks.sleep(0.01)
  end
  error("nothing is held")
end

describe("provisioning", function()
  before_each(function() start() end)
  after_each(function() fleet:stop() end)

  it("makes the published two instances", function()
    local result = made(fleet:plan(TWO))
    assert.equal("a-plan", result.plan)
    assert.equal("us-east-1", result.region)
    assert.equal(fleet.sandbox.subnet_id, result.subnet)
    local one, two = result.hosts[1], result.hosts[2]
    assert.same({ "instance-1", "running", PREFIX .. "1:1", PREFIX .. "8/126" }, { one.name, one.state, one.address, one.block })
    assert.same({ PREFIX .. "1:1", PREFIX .. "8", PREFIX .. "9", PREFIX .. "a", PREFIX .. "b" }, one.addresses)
    assert.equal(PREFIX .. "c/126", two.block)
    assert.matches("^i%-%x+$", two.instance_id)
    assert.matches("^eni%-%x+$", two.interface_id)
    assert.matches("^%x%x:", two.mac)
    assert.same({ network_interfaces = 2, instances = 2 }, fleet:counts("a-plan"))
  end)

  it("tags everything in the create call, for the instance to read", function()
    made(fleet:plan(TWO, 'tags = { team = "web" }'))
    local state = fleet.sandbox:state()
    for _, item in ipairs { state.network_interfaces[1], state.instances[1] } do
      assert.same({ "a-plan", "web" }, { fleet.tag(item, "eni6:plan"), fleet.tag(item, "team") })
      local number = fleet.tag(item, "eni6:host"):match("%d")
      assert.equal(PREFIX .. ({ "8/126", "c/126" })[tonumber(number)], fleet.tag(item, "eni6:block"))
      assert.equal(PREFIX .. number .. ":" .. number, fleet.tag(item, "eni6:address"))
    end
    assert.equal("enabled", state.instances[1].metadataOptions.instanceMetadataTags)
    assert.equal("required", state.instances[1].metadataOptions.httpTokens)
    for _, operation in ipairs(fleet:changes()) do assert.not_equal("CreateTags", operation) end
  end)

  it("changes nothing when run again", function()
    local first = made(fleet:plan(TWO, 'user_data = true, key = { name = "me", public_key = "' .. ED25519 .. '" }'))
    local changes = #fleet:changes()
    local again = made(fleet:plan(TWO, 'user_data = true, key = { name = "me", public_key = "' .. ED25519 .. '" }'))
    assert.same(first, again)
    assert.equal(changes, #fleet:changes())
  end)

  it("makes hosts that are added later, and tells of those that are gone from the plan", function()
    local first = made(fleet:plan("{ count = 2 }"))
    local more = made(fleet:plan("{ count = 5 }"))
    assert.same(first.hosts[2], more.hosts[2])
    assert.equal(10, assert_disjoint { more })
    made(fleet:plan("{ count = 4 }"))
    assert.is_true(told "host host%-5 .* is not in the plan")
    assert.same({ network_interfaces = 5, instances = 5 }, fleet:counts("a-plan"))
  end)

  it("gives a delegated prefix beside the address", function()
    local plan = '{ { name = "a", prefix = 80 }, { name = "b", address = "::7", prefix = "::5:0:0:0/80" } }'
    local result = made(fleet:plan(plan))
    assert.equal(PREFIX:gsub("::", ":5::") .. "/80", result.hosts[2].block)
    assert.same({ PREFIX .. "7" }, result.hosts[2].addresses)
    assert.equal(80, ip6.prefix(result.hosts[1].block).length)
    assert.same(result, made(fleet:plan(plan)))
  end)

  it("imports the key once, uses it again, and refuses another under its name", function()
    local function with(key) return fleet:plan("{ count = 1 }", 'key = { name = "me", public_key = "' .. key .. '" }') end
    made(with(ED25519))
    assert.same({ key_pairs = 1, network_interfaces = 1, instances = 1 }, fleet:counts("a-plan"))
    made(with(ED25519 .. " with another comment"))
    refused(with(OTHER_KEY), "another key under the name me")
    made(fleet:plan("{ count = 1 }", 'key = "me"'))
    refused(fleet:plan("{ count = 1 }", 'key = "you"'), "no key pair you")
    assert.equal("me", fleet.sandbox:state().instances[1].keyName)
  end)

  it("hands over user data", function()
    made(fleet:plan("{ count = 1 }", "user_data = true"))
    local answer = assert(fleet.ec2:DescribeInstanceAttribute { Attribute = "userData",
      InstanceId = fleet:resources("a-plan").instances[1] })
    assert.matches("^#cloud%-config\n", require "eni6.base64".decode(answer.UserData.Value))
  end)

  it("starts what was stopped and launches anew what was terminated", function()
    local first = made(fleet:plan(TWO))
    local one, two = first.hosts[1], first.hosts[2]
    assert(fleet.ec2:StopInstances { InstanceIds = { one.instance_id } })
    assert(fleet.ec2:TerminateInstances { InstanceIds = { two.instance_id } })
    local again = made(fleet:plan(TWO))
    assert.equal(one.instance_id, again.hosts[1].instance_id)
    assert.equal(two.interface_id, again.hosts[2].interface_id)
    assert.not_equal(two.instance_id, again.hosts[2].instance_id)
    assert.same({ "running", "running" }, { again.hosts[1].state, again.hosts[2].state })
  end)

  it("waits for instances that are on their way to stopped or terminated", function()
    local first = made(fleet:plan(TWO))
    fleet.sandbox:habits { state_delay = 0.4 }
    assert(fleet.ec2:StopInstances { InstanceIds = { first.hosts[1].instance_id } })
    assert(fleet.ec2:TerminateInstances { InstanceIds = { first.hosts[2].instance_id } })
    local again = made(fleet:plan(TWO))
    assert.same({ "running", "running" }, { again.hosts[1].state, again.hosts[2].state })
    assert.same({ network_interfaces = 2, instances = 2 }, fleet:counts("a-plan"))
  end)

  it("gives back addresses that someone took off the interface", function()
    local first = made(fleet:plan(TWO))
    assert(fleet.ec2:UnassignIpv6Addresses { NetworkInterfaceId = first.hosts[1].interface_id,
      Ipv6Addresses = { PREFIX .. "a", PREFIX .. "1:1" } })
    assert.same(first, made(fleet:plan(TWO)))
  end)

  it("says what differs when the plan changed for an existing host, and leaves it alone", function()
    made(fleet:plan(TWO))
    refused(fleet:plan((TWO:gsub("::8/126", "::10/126"))), "its block is " .. PREFIX .. "8/126, the plan says "
      .. PREFIX .. "10/126; change the plan back, or take the host away first: teardown.lua a-plan.lua --host instance-1")
    refused(fleet:plan((TWO:gsub("::1:1", "::1:2"))), "its address is")
    refused(fleet:plan('{ { name = "instance-1", block = 125 } }', 'instance_type = "r5d.xlarge"'),
      "the plan says a /125, its type is r5d.large, the plan says r5d.xlarge")
    made(fleet:plan '{ { name = "instance-1" } }')
  end)

  it("keeps the groups and the image of existing hosts, and says so", function()
    made(fleet:plan(TWO))
    local group = assert(fleet.ec2:CreateSecurityGroup { GroupName = "g", Description = "g", VpcId = fleet.sandbox.vpc_id })
    local images = assert(fleet.ec2:DescribeImages { Filters = { { Name = "architecture", Values = { "x86_64" } } } }).Images
    local other = images[1].ImageId ~= fleet.sandbox.image_id and images[1].ImageId or images[2].ImageId
    local changes = #fleet:changes()
    made(fleet:plan(TWO, 'security_groups = { "' .. group.GroupId .. '" }, image = "' .. other .. '"'))
    assert.equal(changes, #fleet:changes())
    assert.is_true(told("host instance%-1 keeps its security groups %(sg%-%x+%); .* %-%-groups "
      .. group.GroupId:gsub("%-", "%%-")))
    assert.is_true(told("host instance%-2 keeps its image ami%-%x+; only new hosts get " .. other:gsub("%-", "%%-")))
  end)

  it("names who has a given address", function()
    assert(fleet.ec2:CreateNetworkInterface { SubnetId = fleet.sandbox.subnet_id, Description = "someone's",
      Ipv6Addresses = { { Ipv6Address = PREFIX .. "9" } } })
    refused(fleet:plan(TWO), "2001:db8:47b:ca03::8/126 is in use by eni-")
    refused(fleet:plan(TWO), "(someone's); give another")
  end)

  it("says what a dry run would make, and makes nothing", function()
    local result = made(fleet:plan(TWO), { dry_run = true })
    assert.same({ "to be made", PREFIX .. "8/126" }, { result.hosts[1].state, result.hosts[1].block })
    assert.same({}, fleet:counts("a-plan"))
    result = made(fleet:plan("{ count = 2 }", "vpc = true, subnet = nil, security_groups = nil"), { dry_run = true })
    assert.equal("to be made", result.subnet)
    assert.same({}, fleet:counts("a-plan"))
    made(fleet:plan(TWO))
    assert.equal("running", made(fleet:plan(TWO), { dry_run = true }).hosts[1].state)
  end)

  it("finds before the first create call what EC2 does not have or allow", function()
    local function with(more) return fleet:plan("{ count = 2 }", more) end
    refused(with 'subnet = "subnet-0123456789abcdef0"', "a-plan.lua:1: subnet: ")
    refused(with 'security_groups = { "sg-0123456789abcdef0" }', "security_groups: ")
    refused(with 'image = "ami-0123456789abcdef0"', "is no image in us-east-1")
    refused(with 'instance_type = "r5d.hurge"', "is no instance type in us-east-1")
    refused(fleet:plan "{ count = 2, block = 124 }", "are 17 addresses; r5d.large takes 10 on an interface: use block = 125, "
      .. "or use prefix = 80 (counts as one), or take a r5d.4xlarge")
    refused(fleet:plan('{ { name = "a", prefix = 80 } }', 'instance_type = "t2.micro"'), "only Nitro types do")
    local other = assert(fleet.ec2:CreateVpc { CidrBlock = "10.9.0.0/16" }).Vpc.VpcId
    local subnet = assert(fleet.ec2:CreateSubnet { VpcId = other, CidrBlock = "10.9.0.0/24" }).Subnet.SubnetId
    refused(with('subnet = "' .. subnet .. '"'), "has no IPv6 block")
    local group = assert(fleet.ec2:CreateSecurityGroup { GroupName = "g", Description = "g", VpcId = other }).GroupId
    refused(with('security_groups = { "' .. group .. '" }'), "name groups of the subnet's VPC")
    refused(fleet:plan '{ { name = "a", address = "2001:db8:1::1" } }', "hosts[1].address: 2001:db8:1::1 is outside")
  end)

  it("makes a network of its own, once", function()
    local text = "{ count = 2 }"
    local more = 'vpc = { ssh = { "2001:db8::/32", "2001:db9::/32" } }, subnet = nil, security_groups = nil'
    local first = made(fleet:plan(text, more))
    local all = { network_interfaces = 2, instances = 2, vpcs = 1, subnets = 1, internet_gateways = 1, security_groups = 1 }
    assert.same(all, fleet:counts("a-plan"))
    local changes = #fleet:changes()
    assert.same(first, made(fleet:plan(text, more)))
    assert.equal(changes, #fleet:changes())
    local routes = assert(fleet.ec2:DescribeRouteTables { Filters = { { Name = "route.destination-ipv6-cidr-block",
      Values = { "::/0" } }, { Name = "vpc-id", Values = fleet:resources("a-plan").vpcs } } })
    assert.equal(1, #routes.RouteTables)
    local group = assert(fleet.ec2:DescribeSecurityGroups { GroupIds = fleet:resources("a-plan").security_groups })
    local rules = {}
    for _, rule in ipairs(group.SecurityGroups[1].IpPermissions) do
      rules[rule.IpProtocol] = #(rule.Ipv6Ranges or {}) + #(rule.UserIdGroupPairs or {})
    end
    assert.same({ icmpv6 = 1, tcp = 2 }, rules)
    assert(fleet:teardown("a-plan"))
    assert.same({}, fleet:counts("a-plan"))
  end)

  it("reports an instance that ends instead of starting, and launches another next time", function()
    fleet.sandbox:habits { state_delay = 0.5 }
    local result, message, code, detail
    assert(tasks.group(function(group)
      group:spawn("provision", function()
        result, message, code, detail = fleet:provision(fleet:plan(TWO))
        return true
      end)
      group:spawn("terminate", function()
        while not fleet:resources("a-plan").instances do tasks.sleep(0.02) end
        return fleet.ec2:TerminateInstances { InstanceIds = { fleet:resources("a-plan").instances[1] } }
      end)
    end))
    assert.is_nil(result)
    assert.equal("InstanceNotStarted", code)
    assert.matches("^instance%-%d: i%-%x+ did not start: ", message)
    assert.equal(2, #detail.result.hosts)
    fleet.sandbox:habits { state_delay = 0 }
    made(fleet:plan(TWO))
    assert.same({ network_interfaces = 2, instances = 2 }, fleet:counts("a-plan"))
  end)

  it("does not touch a second interface with a host's tags, and tells of it", function()
    made(fleet:plan(TWO))
    local twin = assert(fleet.ec2:CreateNetworkInterface { SubnetId = fleet.sandbox.subnet_id, TagSpecifications = {
      { ResourceType = "network-interface", Tags = { { Key = "eni6:plan", Value = "a-plan" },
        { Key = "eni6:host", Value = "instance-1" } } } } }).NetworkInterface.NetworkInterfaceId
    made(fleet:plan(TWO))
    assert.is_true(told(twin:gsub("%-", "%%-")))
    assert.same({ network_interfaces = 3, instances = 2 }, fleet:counts("a-plan"))
    assert(fleet:teardown("a-plan"))
    assert.same({}, fleet:counts("a-plan"))
  end)

  it("starts the instances of many hosts with one question for all", function()
    made(fleet:plan("{ count = 20 }"))
    local questions = 0
    for _, entry in ipairs(fleet.sandbox:log()) do
      if entry.operation == "DescribeInstances" then questions = questions + 1 end
    end
    assert.is_true(questions <= 4, questions)
  end)
end)

describe("provisioning over a bad wire", function()
  before_each(function() start() end)
  after_each(function() fleet:stop() end)

  local CALLS = { "DescribeSubnets", "DescribeNetworkInterfaces", "CreateNetworkInterface", "AssignIpv6Addresses",
    "ImportKeyPair", "RunInstances", "DescribeInstances" }
  local HOSTS = '{ { name = "a" }, { name = "b", prefix = 80 } }'
  local KEY = 'key = { name = "me", public_key = "' .. ED25519 .. '" }'

  for _, kind in ipairs { "lose_answer", "drop_body", "throttle", "status", "html", "close_before" } do
    it("ends with exactly the planned, whichever call meets " .. kind, function()
      local rules = {}
      for i, operation in ipairs(CALLS) do rules[i] = { operation = operation, kind = kind, times = 1 } end
      fleet.sandbox:faults(rules)
      local result = made(fleet:plan(HOSTS, KEY))
      assert.same({ network_interfaces = 2, instances = 2, key_pairs = 1 }, fleet:counts("a-plan"))
      fleet.sandbox:faults {}
      assert.same(result, made(fleet:plan(HOSTS, KEY)))
    end)
  end

  it("looks again when every retry of a create call is lost", function()
    fleet.sandbox:faults { { operation = "CreateNetworkInterface", kind = "lose_answer", times = 3 },
      { operation = "RunInstances", kind = "lose_answer", times = 3 } }
    made(fleet:plan("{ count = 1 }"))
    assert.same({ network_interfaces = 1, instances = 1 }, fleet:counts("a-plan"))
  end)

  it("ends with the planned when EC2 shows things late", function()
    fleet.sandbox:habits { consistency_lag = 0.6 }
    made(fleet:plan(HOSTS, KEY))
    assert.same({ network_interfaces = 2, instances = 2, key_pairs = 1 }, fleet:counts("a-plan"))
    assert(fleet:teardown("a-plan", { settle = 1 }))
    assert.same({}, fleet:counts("a-plan"))
  end)

  it("makes a network when EC2 shows things late, and loses answers", function()
    fleet.sandbox:faults { habits = { consistency_lag = 0.4 }, faults = {
      { operation = "CreateVpc", kind = "lose_answer" }, { operation = "CreateSubnet", kind = "lose_answer" },
      { operation = "CreateSecurityGroup", kind = "lose_answer" },
      { operation = "CreateInternetGateway", kind = "lose_answer" },
      { operation = "AttachInternetGateway", kind = "lose_answer" }, { operation = "CreateRoute", kind = "lose_answer" },
      { operation = "AuthorizeSecurityGroupIngress", kind = "lose_answer" } } }
    made(fleet:plan("{ count = 1 }", "vpc = { ssh = true }, subnet = nil, security_groups = nil"))
    assert.same({ network_interfaces = 1, instances = 1, vpcs = 1, subnets = 1, internet_gateways = 1, security_groups = 1 },
      fleet:counts("a-plan"))
  end)

  it("finds what a run just before it made and EC2 does not show yet", function()
    fleet.sandbox:habits { consistency_lag = 1 }
    made(fleet:plan("{ count = 2 }"))
    assert.equal(2, #made(fleet:plan("{ count = 2 }")).hosts)
    assert.same({ network_interfaces = 2, instances = 2 }, fleet:counts("a-plan"))
  end)

  it("takes its time when EC2 says that there are too many requests", function()
    local client = fleet:client { max_attempts = 1 }
    fleet.sandbox:faults { { operation = "RunInstances", kind = "throttle", times = 12 },
      { operation = "DescribeInstances", kind = "throttle", nth = 2, times = 2 } }
    made(fleet:plan("{ count = 8 }"), { client = client })
    assert.same({ network_interfaces = 8, instances = 8 }, fleet:counts("a-plan"))
  end)

  it("lets one host fail and the others go on; the next run completes it", function()
    fleet.sandbox:faults { { operation = "RunInstances", kind = "status", status = 400, code = "InsufficientInstanceCapacity",
      message = "no room", nth = 2, times = 1 } }
    local result, message, code, detail = fleet:provision(fleet:plan(TWO), { parallel = 1 })
    assert.is_nil(result)
    assert.equal("InsufficientInstanceCapacity", code)
    assert.matches("^instance%-2: RunInstances: no room", message)
    assert.equal("running", detail.result.hosts[1].state)
    assert.is_nil(detail.result.hosts[2].instance_id)
    assert.same({ network_interfaces = 2, instances = 1 }, fleet:counts("a-plan"))
    made(fleet:plan(TWO))
    assert.same({ network_interfaces = 2, instances = 2 }, fleet:counts("a-plan"))
  end)

  it("says one line for many hosts with the same failure", function()
    fleet.sandbox:faults { { operation = "CreateNetworkInterface", kind = "status", status = 403, times = 99,
      code = "UnauthorizedOperation", message = "You are not authorized" } }
    local _, message, code = fleet:provision(fleet:plan "{ count = 12 }")
    assert.equal("UnauthorizedOperation", code)
    local hosts = select(2, message:gsub("host%-%d+", ""))
    assert.is_true(hosts == 12, message)
  end)
end)

describe("two operators", function()
  before_each(function() start() end)
  after_each(function() fleet:stop() end)

  -- Provisions plans side by side, each with a client of its own.
  local function together(plans)
    local results = {}
    assert(tasks.group(function(group)
      for i, plan in ipairs(plans) do
        group:spawn(tostring(i), function()
          local result, message, code = fleet:provision(plan, { client = fleet:client() })
          results[i] = result
          return result, message, code
        end)
      end
    end))
    return results
  end

  it("with ten hosts each end with twenty disjoint blocks, in what little room there is", function()
    assert(fleet.ec2:CreateSubnetCidrReservation { SubnetId = fleet.sandbox.subnet_id, ReservationType = "explicit",
      Cidr = "2001:db8:47b:ca03:0:7::/120" })
    local results = together { fleet:plan("{ count = 10 }", nil, "plan-a"), fleet:plan("{ count = 10 }", nil, "plan-b") }
    assert.equal(40, assert_disjoint(results))
    assert.same({ network_interfaces = 10, instances = 10 }, fleet:counts("plan-a"))
    assert.same({ network_interfaces = 10, instances = 10 }, fleet:counts("plan-b"))
    local refusals = 0
    for _, entry in ipairs(fleet.sandbox:log()) do
      if entry.code == "InvalidIPAddress.InUse" then refusals = refusals + 1 end
    end
    assert.is_true(refusals > 0, "they did not meet")
  end)

  it("with delegated prefixes too", function()
    assert(fleet.ec2:CreateSubnetCidrReservation { SubnetId = fleet.sandbox.subnet_id, ReservationType = "prefix",
      Cidr = "2001:db8:47b:ca03:8000::/73" })
    local results = together { fleet:plan("{ count = 10, prefix = 80 }", nil, "plan-a"),
      fleet:plan("{ count = 10, prefix = 80 }", nil, "plan-b") }
    assert.equal(40, assert_disjoint(results))
    local conflicts = 0
    for _, entry in ipairs(fleet.sandbox:log()) do
      if entry.operation == "CreateTags" then conflicts = conflicts + 1 end
    end
    assert.is_true(conflicts > 0, "they did not meet")
    local again = together { fleet:plan("{ count = 10, prefix = 80 }", nil, "plan-a") }
    assert.same(results[1], again[1])
  end)

  it("with the same plan end with one fleet", function()
    local results = together { fleet:plan "{ count = 5 }", fleet:plan "{ count = 5 }" }
    assert.same(results[1], results[2])
    assert.same({ network_interfaces = 5, instances = 5 }, fleet:counts("a-plan"))
  end)

  it("with the same plan end with one fleet though EC2 shows things late", function()
    fleet.sandbox:habits { consistency_lag = 0.5 }
    local results = together { fleet:plan "{ count = 3 }", fleet:plan "{ count = 3 }" }
    assert.same(results[1], results[2])
    assert.same({ network_interfaces = 3, instances = 3 }, fleet:counts("a-plan"))
  end)

  it("of whom one has a given address of the other's learns it by name", function()
    fleet.sandbox:faults { { operation = "CreateNetworkInterface", kind = "hold_before" } }
    local message
    assert(tasks.group(function(group)
      group:spawn("late", function()
        message = select(2, fleet:provision(fleet:plan(TWO, nil, "late"), { parallel = 1, client = fleet:client() }))
        return true
      end)
      group:spawn("early", function()
        wait_held(1)
        local result, why = fleet:provision(fleet:plan(TWO, nil, "early"), { client = fleet:client() })
        fleet.sandbox:release()
        return result, why
      end)
    end))
    assert.matches("instance%-1: 2001:db8:47b:ca03::[%x:]+ is in use by eni%-%x+ %(host instance%-1 of plan early%)", message)
    assert.matches("instance%-2: 2001:db8:47b:ca03::[%x:]+ is in use by eni%-%x+ %(host instance%-2 of plan early%)", message)
  end)
end)
