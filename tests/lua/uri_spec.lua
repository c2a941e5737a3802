local uri = require "eni6.uri"

describe("uri", function()
  it("encodes all but the unreserved", function()
    assert.equal("a-b.c_d~e%20%2F%2B%00%FF", uri.encode "a-b.c_d~e /+\0\255")
    assert.equal("a/b%3F", uri.encode("a/b?", true))
  end)

  it("decodes", function()
    assert.equal("a b+/\195\169", uri.decode "a%20b+%2f%C3%a9")
    assert.equal("a b", uri.decode("a+b", true))
    assert.equal("", uri.decode "")
  end)

  it("refuses to decode half an escape", function()
    for _, text in ipairs { "%", "a%4", "%zz", "%4g" } do
      local decoded, message, code = uri.decode(text)
      assert.is_nil(decoded)
      assert.is_string(message)
      assert.equal("EINVAL", code)
      assert.is_nil((uri.parameters(text)))
    end
  end)

  it("decodes what it encodes", function()
    for byte = 0, 255 do
      local text = ("x" .. string.char(byte)):rep(3)
      assert.equal(text, uri.decode(uri.encode(text)))
    end
  end)

  it("normalizes paths", function()
    assert.equal("/a/c/", uri.normalize_path "/a//b/../c/")
    assert.equal("/", uri.normalize_path "")
  end)

  it("splits at the first question mark", function()
    assert.same({ "/a", "b?c" }, { uri.split "/a?b?c" })
    assert.same({ "/a", "" }, { uri.split "/a?" })
    assert.same({ "/a", nil }, { uri.split "/a" })
  end)

  it("lists parameters in their order", function()
    assert.same({ { "b", "2" }, { "a", "x y" }, { "a", "" }, { "", "z" }, { "c", "=" } },
      uri.parameters "b=2&&a=x%20y&a&=z&c==")
    assert.same({ { "a", "x y" } }, uri.parameters("a=x+y", true))
    assert.same({ { "a", "x+y" } }, uri.parameters "a=x+y")
    assert.same({}, uri.parameters "")
  end)
end)
