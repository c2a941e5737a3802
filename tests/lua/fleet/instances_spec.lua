local instances = require "eni6.fleet.instances"

-- A client that answers DescribeInstances with one state after the other; a table
-- stands for a failure { message, code, detail }.
local function run_with(states)
  local asked = 0
  local run = { plan = { name = "a-plan" }, patience = 1, failures = {}, observe = function() end }
  run.ec2 = { all = function()
    asked = math.min(asked + 1, #states)
    local state = states[asked]
    if type(state) == "table" then return nil, state[1], state[2], state[3] end
    return { Reservations = { { Instances = { { InstanceId = "i-1", State = { Name = state },
      StateReason = { Message = "Server.InternalError: disk" } } } } } }
  end }
  function run.fail(_, message, code) table.insert(run.failures, { message, code }) end
  return run
end

local function record(restarted)
  return { name = "a", instance_id = "i-1", state = "pending", restarted = restarted }
end

describe("waiting for instances", function()
  it("goes on until they run", function()
    local one, run = record(), run_with { "pending", "pending", "running" }
    assert.is_true(instances.wait(run, { one }))
    assert.equal("running", one.state)
    assert.same({}, run.failures)
  end)

  it("does not take the old state of a started one for its end", function()
    local one, run = record(true), run_with { "stopped", "pending", "running" }
    assert.is_true(instances.wait(run, { one }))
    assert.same({ "running", {} }, { one.state, run.failures })
  end)

  it("tells why one ended instead", function()
    local run = run_with { "pending", "shutting-down" }
    assert.is_true(instances.wait(run, { record() }))
    assert.equal("InstanceNotStarted", run.failures[1][2])
    assert.matches("i%-1 did not start: Server.InternalError: disk %(shutting%-down%)", run.failures[1][1])
  end)

  it("is not put off by an answer that is lost", function()
    local run = run_with { { "connection broke", "ECONNRESET", { retryable = true } }, "running" }
    assert.is_true(instances.wait(run, { record() }))
    local ok, fault = pcall(instances.wait, run_with { { "no", "UnauthorizedOperation", { retryable = false } } }, { record() })
    assert.is_false(ok)
    assert.equal("no", tostring(fault))
  end)

  it("asks nothing when nothing is pending", function()
    assert.is_true(instances.wait(run_with {}, { { state = "running" } }))
  end)
end)
