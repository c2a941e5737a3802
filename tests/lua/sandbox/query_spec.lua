local parse = require("eni6.sandbox.query").parse
local refused = require "support.refusals"

describe("a form body", function()
  it("becomes a tree of names and numbers", function()
    assert.same({ Action = "X", Filter = { { Name = "a", Value = { "b", "c" } } }, Empty = "" },
      parse("Action=X&Filter.1.Name=a&Filter.1.Value.1=b&Filter.1.Value.2=c&Empty="))
  end)

  it("is decoded: plus and %20 are spaces, %2B is a plus, bytes stay bytes", function()
    assert.same({ ["a b"] = "c d+é\0&=" }, parse("a+b=c%20d%2B%C3%A9%00%26%3D"))
  end)

  it("keeps an equals sign in a value and takes a name alone as empty", function()
    assert.same({ a = "b=c", d = "" }, parse("a=b=c&d"))
  end)

  it("may be empty", function()
    assert.same({}, parse(""))
    assert.same({}, parse("&&"))
  end)

  it("is refused when it contradicts itself or is broken", function()
    assert.equal("InvalidQueryParameter", (refused(parse, "a=1&a.b=2")))
    assert.equal("InvalidQueryParameter", (refused(parse, "a.b=2&a=1")))
    assert.equal("InvalidQueryParameter", (refused(parse, ("a."):rep(20) .. "a=1")))
    for _, broken in ipairs { "a=%", "a=%1", "a=%zz", "%=a", "a=%1g" } do
      assert.equal("MalformedQueryString", (refused(parse, broken)))
    end
  end)

  it("takes a number of absurd length as a name", function()
    assert.same({ a = { ["12345678901234567890"] = "x" } }, parse("a.12345678901234567890=x"))
  end)
end)
