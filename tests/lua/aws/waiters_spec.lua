local ec2 = require "eni6.aws.ec2"
local fake_http = require "support.fake_http"

local function new(answer)
  local world = { now = 0, slept = {}, http = fake_http.new(answer) }
  local client = assert(ec2.new({
    region = "us-east-1", credentials = { access_key_id = "A", secret_access_key = "S" }, http = world.http,
    getenv = function() end, monotonic = function() return world.now end,
    sleep = function(seconds)
      world.slept[#world.slept + 1] = seconds
      world.now = world.now + seconds
    end,
  }))
  return client, world
end

local function instances(...)
  local items = {}
  for i, state in ipairs({ ... }) do
    items[i] = string.format("<item><instanceId>i-%d</instanceId><instanceState><name>%s</name></instanceState></item>", i, state)
  end
  return fake_http.ok("DescribeInstances", "<reservationSet><item><instancesSet>" .. table.concat(items)
    .. "</instancesSet></item></reservationSet>")
end

local function sequence(...)
  local answers = { ... }
  return function(_, n)
    local answer = answers[math.min(n, #answers)]
    return answer()
  end
end
local function state(...)
  local names = { ... }
  return function() return instances(table.unpack(names)) end
end
local function failing(code, status) return function() return fake_http.error(code, status or 400) end end

local IDS = { InstanceIds = { "i-1" } }

-- luassert's own error_matches cuts the place off.
local function raised(fn)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  return message
end

describe("a waiter", function()
  it("looks at once", function()
    local client, world = new(state("running"))
    local result = assert(client:wait("InstanceRunning", IDS))
    assert.equal("running", result.Reservations[1].Instances[1].State.Name)
    assert.same({}, world.slept)
  end)

  it("looks often at first, then as often as the model says", function()
    local looks = {}
    for i = 1, 12 do looks[i] = state("pending") end
    looks[13] = state("running")
    local client, world = new(sequence(table.unpack(looks)))
    assert(client:wait("InstanceRunning", IDS))
    assert.equal(0.5, world.slept[1])
    assert.equal(0.75, world.slept[2])
    assert.equal(15, world.slept[12])
  end)

  it("waits for all", function()
    local client, world = new(sequence(state("running", "pending"), state("running", "running")))
    assert(client:wait("InstanceRunning", { InstanceIds = { "i-1", "i-2" } }))
    assert.equal(2, #world.http.requests)
  end)

  it("names what has failed", function()
    local client = new(state("running", "terminated"))
    local result, message, code, detail = client:wait("InstanceRunning", IDS)
    assert.is_nil(result)
    assert.equal("WaiterFailed", code)
    assert.equal("InstanceRunning: i-2 is terminated, and will not change", message)
    assert.same({ ["i-1"] = "running", ["i-2"] = "terminated" }, detail.states)
  end)

  it("gives up in time, and says how far things were", function()
    local client, world = new(state("pending"))
    local result, message, code, detail = client:wait("InstanceRunning", IDS, { timeout = 3 })
    assert.is_nil(result)
    assert.equal("ETIMEDOUT", code)
    assert.equal("InstanceRunning: not yet after 3 s: i-1 is pending", message)
    assert.equal("pending", detail.states["i-1"])
    assert.equal(3, world.now)
  end)

  it("has the model's own time limit", function()
    local client, world = new(state("pending"))
    local _, _, code = client:wait("InstanceRunning", IDS)
    assert.equal("ETIMEDOUT", code)
    assert.is_true(math.abs(world.now - 600) < 1e-6)
  end)

  it("bears with a thing that is not there yet, for a while", function()
    local client = new(sequence(failing("InvalidInstanceID.NotFound"), state("running")))
    assert(client:wait("InstanceRunning", IDS))
    local world
    client, world = new(failing("InvalidInstanceID.NotFound"))
    local result, message, code = client:wait("InstanceRunning", IDS)
    assert.is_nil(result)
    assert.equal("InvalidInstanceID.NotFound", code)
    assert.matches("InstanceRunning: DescribeInstances: as it is", message)
    assert.is_true(world.now >= 60 and world.now < 100)
  end)

  it("waits for existence as long as it waits at all", function()
    local client, world = new(failing("InvalidInstanceID.NotFound"))
    local _, message, code = client:wait("InstanceExists", IDS)
    assert.equal("ETIMEDOUT", code)
    assert.matches("not yet after 200 s: DescribeInstances", message)
    assert.is_true(world.now >= 200)
  end)

  it("ends at an error that it does not know", function()
    local client, world = new(failing("UnauthorizedOperation", 403))
    local result, message, code, detail = client:wait("InstanceRunning", IDS)
    assert.is_nil(result)
    assert.equal("UnauthorizedOperation", code)
    assert.matches("^InstanceRunning: DescribeInstances: ", message)
    assert.equal(403, detail.status)
    assert.equal(1, #world.http.requests)
  end)

  it("takes an error that the model names as the end", function()
    local client = new(failing("InvalidNetworkInterfaceID.NotFound"))
    local _, _, code = client:wait("NetworkInterfaceAvailable", { NetworkInterfaceIds = { "eni-1" } })
    assert.equal("InvalidNetworkInterfaceID.NotFound", code)
    client = new(failing("InvalidVolume.NotFound"))
    assert.same({}, (assert(client:wait("VolumeDeleted", { VolumeIds = { "vol-1" } }))))
  end)

  it("looks on when it is throttled", function()
    local throttled = failing("RequestLimitExceeded", 503)
    local client = new(sequence(throttled, throttled, throttled, throttled, state("running")))
    assert(client:wait("InstanceRunning", IDS))
  end)

  it("bears with a service that goes away for a moment, but not with one that never was there", function()
    local function gone() return nil, "connection refused", "ECONNREFUSED", { sent = false } end
    local client = new(sequence(state("pending"), gone, gone, gone, gone, state("running")))
    assert(client:wait("InstanceRunning", IDS))
    local world
    client, world = new(gone)
    local _, _, code = client:wait("InstanceRunning", IDS)
    assert.equal("ECONNREFUSED", code)
    assert.equal(3, #world.http.requests)
    client, world = new(sequence(state("pending"), gone))
    _, _, code = client:wait("InstanceRunning", IDS)
    assert.equal("ECONNREFUSED", code)
    assert.is_true(world.now >= 60 and world.now < 100)
  end)

  it("counts, and looks at the status", function()
    local function keys(n)
      return fake_http.ok("DescribeKeyPairs", "<keySet>" .. ("<item><keyName>k</keyName></item>"):rep(n) .. "</keySet>")
    end
    local client, world = new(sequence(function() return keys(0) end, function() return keys(1) end))
    assert(client:wait("KeyPairExists"))
    assert.equal(2, #world.http.requests)
    client, world = new(sequence(failing("InvalidVpcID.NotFound"), function() return fake_http.ok("DescribeVpcs") end))
    assert(client:wait("VpcExists"))
    assert.equal(2, #world.http.requests)
    local function password(text) return fake_http.ok("GetPasswordData", "<passwordData>" .. text .. "</passwordData>") end
    client, world = new(sequence(function() return password("") end, function() return password("x") end))
    assert(client:wait("PasswordDataAvailable", { InstanceId = "i-1" }))
    assert.equal(2, #world.http.requests)
  end)

  it("tells of each look", function()
    local client = new(sequence(state("pending"), state("running")))
    local polls = {}
    assert(client:wait("InstanceRunning", IDS, { on_poll = function(poll) polls[#polls + 1] = poll end }))
    assert.same({
      { attempt = 1, seconds = 0, states = { ["i-1"] = "pending" } },
      { attempt = 2, seconds = 0.5, states = { ["i-1"] = "running" } },
    }, polls)
  end)

  it("raises for one that does not exist", function()
    local client = new(state("running"))
    assert.matches("^[^:]*waiters_spec.lua:%d+: EC2 has no waiter InstanceRuning; did you mean InstanceRunning%?",
      raised(function() client:wait("InstanceRuning", IDS) end))
    assert.matches("^[^:]*waiters_spec.lua:%d+: wait has no option timout; did you mean timeout%?",
      raised(function() client:wait("InstanceRunning", IDS, { timout = 1 }) end))
  end)
end)
