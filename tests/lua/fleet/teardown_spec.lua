local fleet_support = require "support.fleet"
local tasks = require "eni6.tasks"

local TWO = [[{ { name = "instance-1", address = "::1:1", block = "::8/126" },
  { name = "instance-2", address = "::2:2", block = "::c/126" } }]]
local KEY = 'key = { name = "me", public_key = '
  .. '"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6dFq8xkCqB8lY3v2l1XrNqJ3mGmYb0cS1uWvN7h4Rt me@here" }'
local VPC = "vpc = { ssh = true }, subnet = nil, security_groups = nil"

local fleet

local function gone(options)
  local result, message = fleet:teardown("a-plan", options)
  assert.is_not_nil(result, message)
  return result
end

local function kinds(list)
  local counts = {}
  for _, item in ipairs(list) do counts[item.kind] = (counts[item.kind] or 0) + 1 end
  return counts
end

describe("teardown", function()
  before_each(function() fleet = fleet_support.start() end)
  after_each(function() fleet:stop() end)

  it("takes away all that carries the plan's tag, and nothing else", function()
    assert(fleet:provision(fleet:plan(TWO, KEY)))
    assert(fleet:provision(fleet:plan("{ count = 1 }", nil, "another")))
    local result = gone()
    assert.same({ instance = 2, ["network-interface"] = 2, ["key-pair"] = 1 }, kinds(result.removed))
    assert.same({}, result.left)
    assert.same({}, fleet:counts("a-plan"))
    assert.same({ instances = 1, network_interfaces = 1 }, fleet:counts("another"))
    assert.same({ plan = "a-plan", region = "us-east-1", removed = {}, left = {} }, gone())
  end)

  it("takes a network of the plan's own away in order", function()
    assert(fleet:provision(fleet:plan("{ count = 2 }", VPC)))
    fleet.sandbox:habits { state_delay = 0.3, consistency_lag = 0.3 }
    local all = { instance = 2, ["network-interface"] = 2, ["internet-gateway"] = 1, ["security-group"] = 1, subnet = 1,
      vpc = 1 }
    assert.same(all, kinds(gone({ settle = 0.5 }).removed))
    assert.same({}, fleet:counts("a-plan"))
  end)

  it("leaves nothing that the next provisioning would take for existing, though EC2 shows it a while longer", function()
    fleet.sandbox:habits { consistency_lag = 0.5 }
    for _ = 1, 2 do
      assert(fleet:provision(fleet:plan("{ count = 2 }", KEY .. ", " .. VPC)))
      assert.same({ network_interfaces = 2, instances = 2, key_pairs = 1, vpcs = 1, subnets = 1, internet_gateways = 1,
        security_groups = 1 }, fleet:counts("a-plan"))
      require "eni6.tasks".sleep(0.6)
      gone()
    end
    assert.same({}, fleet:counts("a-plan"))
  end)

  it("lists what is there without touching it", function()
    assert(fleet:provision(fleet:plan(TWO, KEY)))
    local changes = #fleet:changes()
    local result = assert(require "eni6.fleet.teardown".list(fleet.ec2, { name = "a-plan" }))
    assert.same({ instance = 2, ["network-interface"] = 2, ["key-pair"] = 1 }, kinds(result.found))
    assert.equal(changes, #fleet:changes())
  end)

  it("takes single hosts away and leaves the rest", function()
    assert(fleet:provision(fleet:plan(TWO, KEY .. ", " .. VPC)))
    assert.same({ instance = 1, ["network-interface"] = 1 }, kinds(gone({ hosts = { "instance-1" } }).removed))
    assert.same({ instances = 1, network_interfaces = 1, key_pairs = 1, vpcs = 1, subnets = 1, internet_gateways = 1,
      security_groups = 1 }, fleet:counts("a-plan"))
    assert(fleet:provision(fleet:plan(TWO, KEY .. ", " .. VPC)))
    assert.equal(2, fleet:counts("a-plan").instances)
  end)

  it("leaves a protected instance and says why; the others go", function()
    local result = assert(fleet:provision(fleet:plan(TWO)))
    assert(fleet.ec2:ModifyInstanceAttribute { InstanceId = result.hosts[1].instance_id,
      DisableApiTermination = { Value = true } })
    local torn = gone({ patience = 0.3 })
    assert.same({ instance = 1, ["network-interface"] = 1 }, kinds(torn.removed))
    assert.equal(result.hosts[1].instance_id, torn.left[1].id)
    assert.matches("disableApiTermination", torn.left[1].reason)
    assert.equal("it is attached to " .. result.hosts[1].instance_id .. ", which stays", torn.left[2].reason)
    assert.same({ instances = 1, network_interfaces = 1 }, fleet:counts("a-plan"))
    assert(fleet.ec2:ModifyInstanceAttribute { InstanceId = result.hosts[1].instance_id,
      DisableApiTermination = { Value = false } })
    gone()
    assert.same({}, fleet:counts("a-plan"))
  end)

  it("does not take an interface from an instance that the plan did not make", function()
    local result = assert(fleet:provision(fleet:plan(TWO)))
    assert(fleet.ec2:TerminateInstances { InstanceIds = { result.hosts[1].instance_id } })
    local other = assert(fleet.ec2:RunInstances { ImageId = fleet.sandbox.image_id, InstanceType = "r5d.large", MinCount = 1,
      MaxCount = 1, NetworkInterfaces = { { DeviceIndex = 0, NetworkInterfaceId = result.hosts[1].interface_id } } })
    local torn = gone()
    assert.equal(result.hosts[1].interface_id, torn.left[1].id)
    assert.matches("attached to " .. other.Instances[1].InstanceId:gsub("%-", "%%-") .. ", which this plan did not make",
      torn.left[1].reason)
    assert.same({ network_interfaces = 1 }, fleet:counts("a-plan"))
    local again, message = fleet:provision(fleet:plan(TWO))
    assert.is_nil(again)
    assert.matches("instance%-1: eni%-%x+ is attached to i%-%x+; detach it", message)
  end)

  it("waits for instances that end slowly, and ends those that are only starting", function()
    fleet.sandbox:habits { state_delay = 0.4 }
    assert(tasks.group(function(group)
      group:spawn("provision", function()
        fleet:provision(fleet:plan(TWO))
        return true
      end)
      group:spawn("teardown", function()
        while #(fleet:resources("a-plan").instances or {}) < 2 do tasks.sleep(0.02) end
        return fleet:teardown("a-plan")
      end)
    end))
    gone()
    assert.same({}, fleet:counts("a-plan"))
  end)

  for _, kind in ipairs { "lose_answer", "drop_body", "throttle", "status", "html", "close_before" } do
    it("leaves nothing, whichever call meets " .. kind, function()
      assert(fleet:provision(fleet:plan("{ count = 2 }", KEY .. ", " .. VPC)))
      local rules = {}
      for i, operation in ipairs { "DescribeNetworkInterfaces", "TerminateInstances", "DeleteNetworkInterface",
        "DeleteKeyPair", "DetachInternetGateway", "DeleteInternetGateway", "DeleteSecurityGroup", "DeleteSubnet", "DeleteVpc" } do
        rules[i] = { operation = operation, kind = kind, times = 1 }
      end
      fleet.sandbox:faults(rules)
      assert.same({}, gone().left)
      assert.same({}, fleet:counts("a-plan"))
    end)
  end

  it("says when the endpoint is not there, and goes on next time", function()
    assert(fleet:provision(fleet:plan(TWO)))
    fleet.sandbox:faults { { operation = "DeleteNetworkInterface", kind = "close_before", times = 1000 } }
    local result, _, code = fleet:teardown("a-plan", { patience = 0.2 })
    assert.is_nil(result)
    assert.equal("ECONNRESET", code)
    fleet.sandbox:faults {}
    gone()
    assert.same({}, fleet:counts("a-plan"))
  end)
end)
