local ipv4 = require "eni6.sandbox.state.ipv4"

describe("private IPv4", function()
  it("reads and writes addresses", function()
    assert.equal(167772165, ipv4.parse("10.0.0.5"))
    assert.equal("10.0.0.5", ipv4.text(167772165))
    assert.equal("255.255.255.255", ipv4.text(ipv4.parse("255.255.255.255")))
    for _, wrong in ipairs { "", "10.0.0", "10.0.0.256", "10.0.0.1.2", "a.b.c.d", "10.0.0.0001", "::1" } do
      assert.is_nil(ipv4.parse(wrong))
    end
  end)

  it("reads blocks, clearing the bits behind the length", function()
    local block = ipv4.cidr("10.1.2.3/16")
    assert.same({ "10.1.0.0/16", "10.1.0.0", "10.1.255.255" }, { block.text, ipv4.text(block.first), ipv4.text(block.last) })
    assert.equal("0.0.0.0/0", ipv4.cidr("1.2.3.4/0").text)
    for _, wrong in ipairs { "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "x/8", "10.0.0.0/-1" } do
      assert.is_nil(ipv4.cidr(wrong))
    end
  end)

  it("knows what holds and overlaps what", function()
    local outer, inner, beside = ipv4.cidr("10.0.0.0/16"), ipv4.cidr("10.0.1.0/24"), ipv4.cidr("10.1.0.0/16")
    assert.is_true(ipv4.holds(outer, inner))
    assert.is_false(ipv4.holds(inner, outer))
    assert.is_true(ipv4.overlap(outer, inner))
    assert.is_false(ipv4.overlap(outer, beside))
  end)
end)
