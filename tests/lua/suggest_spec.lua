local suggest = require "eni6.suggest"

describe("suggest", function()
  it("finds what was meant", function()
    local names = { "Ipv6Address", "Ipv6AddressCount", "Ipv4Prefix", "SubnetId" }
    assert.equal("Ipv6Address", suggest.nearest("Ipv6Adress", names))
    assert.equal("SubnetId", suggest.nearest("subnetid", names))
    assert.equal("SubnetId", suggest.nearest("SubentId", names))
    assert.is_nil(suggest.nearest("KeyName", names))
  end)

  it("counts a swap of neighbours once", function()
    assert.equal("ab", suggest.nearest("ba", { "ab" }))
    assert.is_nil(suggest.nearest("ba", { "cd" }))
  end)

  it("prefers the closest, then the first", function()
    assert.equal("abcdef", suggest.nearest("abcdeg", { "abcdxx", "abcdef", "abcdeh" }))
  end)

  it("takes anything for a word", function()
    assert.is_nil(suggest.nearest("", { "abc" }))
    assert.is_nil(suggest.nearest(("x"):rep(1000000), { ("x"):rep(1000001) }))
  end)

  it("ends a message with the nearest name, or with all", function()
    assert.equal("did you mean abc?", suggest.among("abd", { "abc", "xyz" }, "there are "))
    assert.equal("there are abc, xyz", suggest.among("klm", { "abc", "xyz" }, "there are "))
  end)
end)
