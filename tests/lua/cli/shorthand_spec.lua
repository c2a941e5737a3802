local oracle = require "support.oracle"
local shorthand = require "eni6.cli.shorthand"
local values = require "eni6.jmespath.values"

describe("shorthand", function()
  it("means what it means to the AWS CLI, and is refused with its words", function()
    local parsed = 0
    for _, case in ipairs(oracle.cases("shorthand.py", 10000, tonumber(os.getenv "SEED") or 1)) do
      local value, message, status = shorthand.parse(case[1])
      if case[3] then
        assert.equal(case[3], message, case[1])
        assert.equal(252, status)
      else
        parsed = parsed + 1
        assert.equal(values.encode(case[2]), value and values.encode(value) or message, case[1])
      end
    end
    assert.is_true(parsed > 2000)
  end)

  it("takes values from files where @= says so", function()
    local asked = {}
    local value = assert(shorthand.parse("A@=file://x,B={C@=file://y,D=z}", function(name)
      asked[#asked + 1] = name
      return "content"
    end))
    assert.same({ A = "content", B = { C = "content", D = "z" } }, value)
    assert.same({ "file://x", "file://y" }, asked)
    assert.is_nil(shorthand.parse("A@=file://x"))
  end)

  it("does not go deeper than it can", function()
    assert.is_table(shorthand.parse("a=" .. ("["):rep(90) .. ("]"):rep(90)))
    local value, message = shorthand.parse("a=" .. ("{b="):rep(100000))
    assert.is_nil(value)
    assert.match("brackets", message)
  end)
end)
