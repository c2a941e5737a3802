local base64 = require "eni6.base64"
local digest = require "eni6.digest"

describe("digest", function()
  it("hashes", function()
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", digest.sha256_hex "")
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", digest.sha256_hex "abc")
  end)

  it("hashes for names of files (FIPS 180-4's examples)", function()
    assert.equal("da39a3ee5e6b4b0d3255bfef95601890afd80709", digest.sha1_hex "")
    assert.equal("a9993e364706816aba3e25717850c26c9cd0d89d", digest.sha1_hex "abc")
  end)

  it("authenticates (RFC 4231, case 2)", function()
    local code = digest.hmac_sha256("Jefe", "what do ya want for nothing?")
    local hex = code:gsub(".", function(byte) return string.format("%02x", byte:byte()) end)
    assert.equal("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", hex)
  end)

  it("compares", function()
    assert.is_true(digest.equal("a\0b", "a\0b"))
    assert.is_false(digest.equal("a\0b", "a\0c"))
    assert.is_false(digest.equal("a", ""))
    assert.is_true(digest.equal("", ""))
  end)
end)

describe("base64", function()
  it("goes both ways for every length and byte", function()
    local bytes = ""
    for byte = 0, 255 do
      bytes = bytes .. string.char(byte)
      assert.equal(bytes, base64.decode(base64.encode(bytes)))
    end
  end)

  it("agrees with another encoder", function()
    local bytes = require("eni6.core").system.random(1000)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(bytes)
    file:close()
    local pipe = assert(io.popen("base64 " .. path)) -- coreutils, in lines of 76
    local text = pipe:read("*a")
    pipe:close()
    os.remove(path)
    assert.equal(bytes, base64.decode(text))
    assert.equal(text:gsub("\n", ""), base64.encode(bytes) .. "")
  end)

  it("refuses what is not base64", function()
    for _, text in ipairs { "Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Zm9v!", "Zh==" } do
      local bytes, message, code = base64.decode(text)
      assert.is_nil(bytes)
      assert.is_string(message)
      assert.equal("EINVAL", code)
    end
  end)
end)
