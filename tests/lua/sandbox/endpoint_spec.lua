-- The endpoint without a socket: checks come before acts, and observers hear of
-- what happens to interfaces and instances.
require("eni6.sandbox.rocks").http()
local endpoint = require "eni6.sandbox.endpoint"
local genesis = require "eni6.sandbox.genesis"
local sigv4 = require "eni6.sigv4"
local world = require "eni6.sandbox.state.world"

local KEYS = { access_key_id = "AKIDTEST", secret_access_key = "not-secret" }

describe("the endpoint", function()
  local now, one, ids, heard

  before_each(function()
    now, heard = 1700000000, {}
    local new = world.new { clock = function() return now end, seed = 1 }
    ids = genesis(new)
    new.observers[1] = function(event) heard[#heard + 1] = event end
    one = endpoint.new(new, KEYS)
  end)

  local function call(action, params)
    local parts = { "Action=" .. action, "Version=2016-11-15" }
    for name, value in pairs(params or {}) do parts[#parts + 1] = name .. "=" .. sigv4.uri_encode(tostring(value)) end
    local body = table.concat(parts, "&")
    local signer = sigv4.new { access_key_id = KEYS.access_key_id, secret_access_key = KEYS.secret_access_key,
      region = "us-east-1", service = "ec2" }
    local headers = signer:sign { method = "POST", uri = "/", headers = { { "Host", "localhost" } }, body = body, time = now }
    return one:answer { method = "POST", target = "/", headers = headers, body = body }
  end

  local function create(params)
    params = params or {}
    params.SubnetId = ids.subnet_id
    local answer = call("CreateNetworkInterface", params)
    return answer.body:match("<networkInterfaceId>(.-)<"), answer
  end

  local function run(interface)
    return call("RunInstances", { ImageId = ids.image_id, InstanceType = "r5d.large", MinCount = 1, MaxCount = 1,
      ["NetworkInterface.1.DeviceIndex"] = 0, ["NetworkInterface.1.NetworkInterfaceId"] = interface }).body
      :match("<instanceId>(.-)<")
  end

  it("names the operation of a request", function()
    assert.equal("DescribeVpcs", endpoint.operation_of { method = "POST", target = "/", body = "Version=1&Action=DescribeVpcs" })
    assert.equal("X", endpoint.operation_of { method = "GET", target = "/?Action=X", body = "" })
    assert.is_nil(endpoint.operation_of { method = "POST", target = "/", body = "" })
  end)

  it("tells observers of the life of an interface and its instance", function()
    local interface = create { ["Ipv6Addresses.1.Ipv6Address"] = "2001:db8:47b:ca03::8" }
    local instance = run(interface)
    call("AssignIpv6Addresses", { NetworkInterfaceId = interface, ["Ipv6Addresses.1"] = "2001:db8:47b:ca03::9" })
    call("TerminateInstances", { ["InstanceId.1"] = instance })
    call("DeleteNetworkInterface", { NetworkInterfaceId = interface })
    assert.same({ "network_interface.created", "instance.created", "instance.running", "network_interface.attached",
      "network_interface.changed", "network_interface.detached", "instance.terminated", "network_interface.deleted" }, heard)
  end)

  it("answers the same token with the same answer", function()
    local first = create { ClientToken = "t" }
    assert.equal(first, (create { ClientToken = "t" }))
    assert.equal("IdempotentParameterMismatch", select(2, create { ClientToken = "t", Description = "x" }).code)
    assert.not_equal(first, (create { ClientToken = "u" }))
  end)

  it("forgets terminated instances after an hour", function()
    local instance = run(create())
    call("TerminateInstances", { ["InstanceId.1"] = instance })
    now = now + 3500
    assert.matches("<name>terminated</name>", call("DescribeInstances").body)
    now = now + 200
    assert.equal("InvalidInstanceID.NotFound", call("DescribeInstances", { ["InstanceId.1"] = instance }).code)
  end)

  it("makes nothing in a launch that it refuses", function()
    local before = #one.world:all("network_interface")
    local answer = call("RunInstances", { ImageId = ids.image_id, InstanceType = "r5d.large", MinCount = 1, MaxCount = 1,
      ["NetworkInterface.1.DeviceIndex"] = 0, ["NetworkInterface.1.SubnetId"] = ids.subnet_id,
      ["NetworkInterface.2.DeviceIndex"] = 0, ["NetworkInterface.2.SubnetId"] = ids.subnet_id })
    assert.equal("InvalidParameterValue", answer.code)
    assert.equal(before, #one.world:all("network_interface"))
    assert.same({}, one.world:all("instance"))
  end)

  it("hides its own mistakes behind InternalError, and reports them", function()
    one.world.stores = nil
    local answer = call("DescribeVpcs")
    assert.equal("InternalError", answer.code)
    assert.equal(500, answer.status)
    assert.not_matches("stores", answer.body)
    assert.matches("stores", answer.fault)
  end)
end)
