local faults = require "eni6.sandbox.faults"
local random = require "eni6.sandbox.random"

describe("fault rules", function()
  local function struck(rules, operations)
    local set = faults.new(random.new(1))
    assert(set:set(rules))
    local list = {}
    for i, operation in ipairs(operations) do
      local rule = set:choose(operation)
      list[i] = rule and rule.kind or "-"
    end
    return table.concat(list, " ")
  end

  it("strike once by default, the operation that they name", function()
    assert.equal("- throttle - -", struck({ { kind = "throttle", operation = "B" } }, { "A", "B", "B", "A" }))
    assert.equal("throttle - -", struck({ { kind = "throttle" } }, { "A", "B", "B" }))
  end)

  it("strike from the nth request on, so many times", function()
    assert.equal("- - html html -", struck({ { kind = "html", operation = "A", nth = 3, times = 2 } },
      { "A", "A", "A", "A", "A" }))
  end)

  it("take turns when there are several", function()
    assert.equal("html status - throttle",
      struck({ { kind = "html" }, { kind = "status" }, { kind = "throttle", operation = "B" } }, { "A", "A", "A", "B" }))
  end)

  it("strike as often as their probability says", function()
    local operations = {}
    for i = 1, 2000 do operations[i] = "A" end
    local _, count = struck({ { kind = "delay", probability = 0.25 } }, operations):gsub("delay", "")
    assert.is_true(count > 400 and count < 600, count)
    _, count = struck({ { kind = "delay", probability = 0.5, times = 3 } }, operations):gsub("delay", "")
    assert.equal(3, count)
  end)

  it("say what is wrong with them", function()
    local set = faults.new(random.new(1))
    for message, rule in pairs {
      ["there is no fault of the kind 'x'"] = { kind = "x" },
      ["there is no fault of the kind 'nil'"] = { operation = "A" },
      ["a fault rule has no field 'time'"] = { kind = "html", time = 1 },
      ["the field 'nth' of a fault rule must be a number"] = { kind = "html", nth = "1" },
      ["a fault rule must be an object"] = "html",
    } do
      assert.same({ nil, message, "EINVAL" }, { set:set { rule } })
    end
  end)
end)

describe("random numbers", function()
  it("repeat with the seed, and differ without", function()
    local a, b, c = random.new(1), random.new(1), random.new(2)
    assert.equal(a:hex(16), b:hex(16))
    assert.not_equal(a:hex(16), c:hex(16))
  end)

  it("stay in their range and use all of it", function()
    local one, seen = random.new(42), {}
    for _ = 1, 2000 do
      local number = one:below(10)
      assert.is_true(number >= 0 and number < 10)
      seen[number] = (seen[number] or 0) + 1
      local fraction = one:fraction()
      assert.is_true(fraction >= 0 and fraction < 1)
    end
    for i = 0, 9 do assert.is_true(seen[i] > 100, i) end
  end)
end)
