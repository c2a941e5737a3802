-- run: lua5.4
-- The kill test: the scripts are killed at each of their calls, before the endpoint
-- acts, after it acted but before the answer, and after the answer. The next run
-- ends with exactly what is planned, and teardown leaves nothing.

local fleet_support = require "support.fleet"
local process = require "eni6.process"
local tasks = require "eni6.tasks"

local KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6dFq8xkCqB8lY3v2l1XrNqJ3mGmYb0cS1uWvN7h4Rt me@here"
local HOSTS = '{ { name = "a" }, { name = "b", prefix = 80 } }'
local PLANS = {
  plain = { more = 'user_data = true, key = { name = "me", public_key = "' .. KEY .. '" }',
    counts = { network_interfaces = 2, instances = 2, key_pairs = 1 } },
  network = { more = "vpc = { ssh = true }, subnet = nil, security_groups = nil",
    counts = { network_interfaces = 2, instances = 2, vpcs = 1, subnets = 1, internet_gateways = 1, security_groups = 1 } },
}

local fleet, plan_file

local function write_plan(more)
  local file = assert(io.open(plan_file, "w"))
  file:write(fleet:plan_text(HOSTS, more))
  file:close()
end

local function spawn(script)
  local env = { HOME = "/nonexistent" }
  for name, value in pairs(fleet.sandbox.env) do env[name] = value end
  local argv = { "lua5.4", "scripts/" .. script, plan_file }
  if script == "teardown.lua" then argv[4], argv[5] = "--settle", "0" end
  return assert(process.spawn { argv = argv, env = env, stdout = "null",
    stderr = "null", die_with_parent = true })
end

local function run(script)
  local child = spawn(script)
  local status = assert(child:wait(60))
  child:close()
  return status.status
end

-- How many requests a script makes when nothing goes wrong.
local function count_calls(script)
  local before = #fleet.sandbox:log()
  assert.equal(0, run(script))
  return #fleet.sandbox:log() - before
end

local function wait_for(condition, child)
  for _ = 1, 1000 do
    local answer = fleet.sandbox:control("GET", "faults")
    if condition(answer) or child:wait(0) then return end
    tasks.sleep(0.005)
  end
  error("the call was not reached")
end

local SHUT = { kind = "close_before", times = 1000000 }
local function shut_from(nth) return { kind = SHUT.kind, times = SHUT.times, nth = nth } end

-- Each brings a script to its nth call and returns when it is time to kill it. From
-- then on nothing gets through to the endpoint any more.
local MOMENTS = {
  ["before the endpoint acts"] = function(nth, child)
    fleet.sandbox:faults { shut_from(nth) }
    child = child()
    wait_for(function(answer) return answer.faults[1].struck > 0 end, child)
    return child
  end,
  ["after the endpoint acted, before the answer"] = function(nth, child)
    fleet.sandbox:faults { { kind = "hold_after", nth = nth }, shut_from(nth) }
    child = child()
    wait_for(function(answer) return answer.held > 0 end, child)
    return child
  end,
  ["after the answer"] = function(nth, child)
    fleet.sandbox:faults { { kind = "hold_after", nth = nth }, shut_from(nth) }
    child = child()
    wait_for(function(answer) return answer.held > 0 end, child)
    fleet.sandbox:release()
    tasks.sleep(0.01)
    return child
  end,
}

local function kill_at(script, moment, nth)
  local child = MOMENTS[moment](nth, function() return spawn(script) end)
  child:kill("KILL")
  child:wait(5)
  child:close()
  fleet.sandbox:faults {}
  fleet.sandbox:release()
end

local function assert_made(one, where)
  local result, message = fleet:provision(fleet:plan(HOSTS, one.more))
  assert.is_not_nil(result, where .. ": " .. tostring(message))
  assert.same(one.counts, fleet:counts("a-plan"), where)
  for _, interface in ipairs(fleet.sandbox:state().network_interfaces) do
    local block = fleet.tag(interface, "eni6:block")
    if block then
      local held = #(interface.ipv6AddressesSet or {}) + #(interface.ipv6PrefixSet or {})
      assert.equal(block:match("/80$") and 2 or 5, held, where)
    end
  end
end

local function assert_gone(where)
  assert(fleet:teardown("a-plan"))
  assert.same({}, fleet:counts("a-plan"), where)
end

local LOST = "after the endpoint acted, before the answer"

describe("a killed process", function()
  setup(function()
    fleet, plan_file = fleet_support.start(), os.tmpname()
  end)
  teardown(function()
    fleet:stop()
    os.remove(plan_file)
  end)

  local function provisioning(one, moment)
    write_plan(one.more)
    local calls = count_calls("provision.lua")
    assert_gone("first")
    assert.is_true(calls >= 10)
    for nth = 1, calls do
      kill_at("provision.lua", moment, nth)
      assert_made(one, "call " .. nth)
      assert_gone("call " .. nth)
    end
  end

  for moment in pairs(MOMENTS) do
    it("provisioning two hosts, at each call " .. moment, function() provisioning(PLANS.plain, moment) end)
  end
  it("making a network too, at each call " .. LOST, function() provisioning(PLANS.network, LOST) end)

  it("tearing down, at each call " .. LOST, function()
    write_plan(PLANS.network.more)
    assert_made(PLANS.network, "first")
    for nth = 1, count_calls("teardown.lua") do
      assert_made(PLANS.network, "call " .. nth)
      kill_at("teardown.lua", LOST, nth)
      assert_gone("call " .. nth)
    end
  end)
end)
