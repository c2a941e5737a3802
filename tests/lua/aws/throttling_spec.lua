local rate = require "eni6.aws.rate"
local throttling = require "eni6.aws.throttling"

local THROTTLED = { code = "RequestLimitExceeded", status = 503, answered = true, sent = true }
local FINE = { result = {}, status = 200, answered = true, sent = true }

local function new(adaptive)
  local world = { now = 1000, random = 0 }
  return throttling.new({
    now = function() return world.now end, random = function() return world.random end, adaptive = adaptive,
  }), world
end

local function after(seconds)
  return { code = "Throttling", status = 400, answered = true, sent = true, retry_after = seconds }
end

describe("the memory of throttlings", function()
  it("keeps everybody off an operation for as long as the service asked, and off no other", function()
    local memory, world = new()
    memory:learn("RunInstances", after(4))
    assert.equal(4, memory:turn("RunInstances"))
    assert.equal(0, memory:turn("DescribeInstances"))
    world.now = 1003
    assert.equal(1, memory:turn("RunInstances"))
    memory:learn("RunInstances", after(0.5)) -- a shorter one does not end it
    assert.equal(1, memory:turn("RunInstances"))
    world.now = 1004
    assert.equal(0, memory:turn("RunInstances"))
    assert.is_nil(next(memory.pauses))
  end)

  it("spreads those who come back", function()
    local memory, world = new()
    memory:learn("RunInstances", after(4))
    world.random = 0.5
    assert.equal(6, memory:turn("RunInstances"))
  end)

  it("believes no pause beyond the longest wait of our own", function()
    local memory = new()
    memory:learn("RunInstances", after(86400))
    assert.equal(20, memory:turn("RunInstances"))
    memory:learn("RunTasks", after(-5))
    assert.equal(0, memory:turn("RunTasks"))
  end)

  it("learns no rate in the standard mode", function()
    local memory = new()
    for _ = 1, 100 do
      memory:learn("RunInstances", THROTTLED)
      assert.equal(0, memory:turn("RunInstances"))
    end
  end)

  it("learns a rate for each operation in the adaptive mode", function()
    local memory, world = new(true)
    local limiters = {}
    local function now() return world.now end
    for _, name in ipairs({ "RunInstances", "DescribeInstances" }) do
      memory:turn(name)
      limiters[name] = rate.new(now)
      limiters[name]:before()
    end
    math.randomseed(tonumber(os.getenv("SEED")) or 1)
    for _ = 1, 500 do
      world.now = world.now + math.random() * 0.2
      local name = math.random(2) == 1 and "RunInstances" or "DescribeInstances"
      local throttled = name == "RunInstances" and math.random(4) == 1
      assert.equal(limiters[name]:before(), memory:turn(name))
      limiters[name]:after(throttled)
      memory:learn(name, throttled and THROTTLED or FINE)
    end
    assert.is_true(memory:turn("RunInstances") > 0)
    assert.equal(0, memory:turn("DescribeInstances"))
  end)
end)
