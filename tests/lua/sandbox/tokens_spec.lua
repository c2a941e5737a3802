local refused = require "support.refusals"
local tokens = require "eni6.sandbox.tokens"

describe("client tokens", function()
  it("recall the answer to the same request, of the same operation", function()
    local kept, answer = tokens.new(), {}
    local params = { ClientToken = "t", List = { "a", { B = 1, C = true } } }
    assert.is_nil(kept:recall("Create", params))
    kept:keep("Create", params, answer)
    assert.equal(answer, kept:recall("Create", { List = { "a", { C = true, B = 1 } }, ClientToken = "t" }))
    assert.is_nil(kept:recall("Run", params))
    assert.is_nil(kept:recall("Create", { ClientToken = "u" }))
  end)

  it("refuse another request", function()
    local kept = tokens.new()
    kept:keep("Create", { ClientToken = "t", A = "1", B = { "x", "y" } }, {})
    for _, other in ipairs { { A = "1" }, { A = "2", B = { "x", "y" } }, { A = "1", B = { "y", "x" } },
      { A = "1", B = { "x", "y" }, C = "1" }, { A = "1", B = { "xy" } }, { A = "1", B = { "x", "y", "" } } } do
      other.ClientToken = "t"
      assert.equal("IdempotentParameterMismatch", (refused(kept.recall, kept, "Create", other)))
    end
  end)
end)
