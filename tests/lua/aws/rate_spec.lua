local oracle = require "support.oracle"
local rate = require "eni6.aws.rate"

local function simulate(steps)
  local now = 1000.25
  local limiter = rate.new(function() return now end)
  local answers = {}
  for i, step in ipairs(steps) do
    now = now + step[1]
    local wait = limiter:before()
    now = now + wait
    limiter:after(step[2])
    answers[i] = { wait, limiter.fill_rate }
  end
  return answers
end

describe("the adaptive rate", function()
  it("is botocore's, over random times and throttlings", function()
    local seed = tonumber(os.getenv("SEED")) or 1
    math.randomseed(seed)
    local steps = {}
    for i = 1, 3000 do
      local pace = ({ 0.001, 0.05, 1 })[1 + math.floor(i / 300) % 3]
      steps[i] = { math.random() * pace, math.random(12) == 1 }
    end
    local ours, theirs = simulate(steps), oracle.ask("rate.py", steps)
    for i = 1, #steps do
      for j = 1, 2 do
        local error = math.abs(ours[i][j] - theirs[i][j])
        assert.is_true(error <= 1e-6 * math.max(1, theirs[i][j]),
          string.format("seed %d, step %d: %g, %g", seed, i, ours[i][j], theirs[i][j]))
      end
    end
  end)

  it("limits nothing before a throttling", function()
    local limiter = rate.new(function() return 0 end)
    for _ = 1, 1000 do
      assert.equal(0, limiter:before())
      limiter:after(false)
    end
  end)

  it("makes those who come at once wait one after the other", function()
    local limiter = rate.new(function() return 0 end)
    limiter:after(true)
    local first, second = limiter:before(), limiter:before()
    assert.is_true(second > first and first > 0)
  end)
end)
