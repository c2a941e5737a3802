local ip6 = require "eni6.ip6"
local oracle = require "support.oracle"

local function address(text) return assert(ip6.address(text)) end
local function prefix(text) return assert(ip6.prefix(text)) end

-- Says the message of a refusal, having checked its shape.
local function refusal(...)
  local value, message, code = ...
  assert.is_nil(value)
  assert.equal("string", type(message))
  return message, code
end

describe("ip6.address", function()
  it("reads text and writes RFC 5952", function()
    assert.equal("2001:db8::1", tostring(address("2001:0DB8:0:0:0:0:0:1")))
    assert.equal("::ffff:10.0.0.1", tostring(address("::ffff:a00:1")))
    assert.equal("::1", tostring(ip6.address(address("::1"))))
  end)

  it("returns what is wrong with a text, and raises on what is no text", function()
    local message, code = refusal(ip6.address("::12345"))
    assert.equal("EINVAL", code)
    assert.matches('the group "12345" has more than four digits', message, 1, true)
    assert.has_error(function() ip6.address(5) end)
    assert.has_error(function() ip6.address(nil) end)
    assert.has_error(function() ip6.address(prefix("::/0")) end)
  end)

  it("compares by value", function()
    local a, b = address("2001:db8::1"), address("2001:db8:0::2")
    assert.is_true(a == address("2001:DB8::1"))
    assert.is_false(a == b)
    assert.is_true(a < b and a <= b and a <= address("2001:db8::1") and b > a)
    assert.is_true(a < "2001:db8::2")
    assert.equal(-1, ip6.compare("::1", "::2"))
    assert.equal(0, ip6.compare(a, "2001:db8::1"))
    assert.equal(1, ip6.compare(b, a))
    assert.has_error(function() return a < prefix("::/0") end)
    assert.is_false(a == prefix("2001:db8::1/128"))
  end)

  it("adds and subtracts", function()
    local a = address("2001:db8::ffff:ffff:ffff:ffff")
    assert.equal("2001:db8:0:1::", tostring(a + 1))
    assert.equal("2001:db8:0:1::", tostring(1 + a))
    assert.equal("2001:db8::ffff:ffff:ffff:fffe", tostring(a - 1))
    assert.equal(1, (a + 1) - a)
    assert.equal(-7, a - (a + 7))
    assert.equal(3, address("::4") - "::1")
    assert.equal("::8000:0:0:0", tostring(address("::") - math.mininteger))
    assert.has_error(function() return a + "x" end)
    assert.has_error(function() return a + 1.5 end)
    assert.has_error(function() return a - "::" end)
  end)

  it("does not leave the address space", function()
    local top = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
    assert.has_error(function() return address("::") - 1 end, ":: -1 is outside the address space")
    assert.has_error(function() return top + 1 end)
    assert.has_error(function() return top - math.mininteger end)
    assert.equal("ERANGE", select(3, top:offset(1)))
    assert.equal("::5", tostring(address("::2"):offset(3)))
  end)

  it("gives keys for tables", function()
    local seen = { [address("::1"):key()] = true }
    assert.is_true(seen[address("0::1"):key()])
    assert.equal(16, #address("::1"):key())
    assert.equal("2001:db8::1", tostring(ip6.from_bytes(address("2001:db8::1"):key())))
    assert.has_error(function() ip6.from_bytes("short") end)
  end)

  it("joins with text", function()
    assert.equal("http://[2001:db8::1]:80", "http://[" .. address("2001:db8::1") .. "]:80")
    assert.equal("::/8::1", prefix("::/8") .. address("::1"))
    assert.has_error(function() return address("::1") .. nil end)
  end)

  it("knows kinds, prefixes and alignment", function()
    local a = address("2001:db8::9")
    assert.equal("documentation", a:kind())
    assert.equal("2001:db8::8/126", tostring(a:prefix(126)))
    assert.is_false(a:is_aligned(127))
    assert.is_true(a:is_aligned(128))
    assert.equal("ff02::1:ff00:9", tostring(a:solicited_node()))
    assert.has_error(function() a:prefix(129) end)
    assert.has_error(function() a:is_aligned(-1) end)
  end)

  it("forms what an interface calls itself", function()
    assert.equal("fe80::1066:30ff:feb8:c008", tostring(ip6.eui64("fe80::/64", "12:66:30:b8:c0:08")))
    assert.equal("EINVAL", select(2, refusal(ip6.eui64("fe80::/64", "12:66:30:b8:c0"))))
    assert.matches("at most 64 bits", refusal(ip6.eui64("fe80::/65", "12:66:30:b8:c0:08")))
  end)
end)

describe("ip6.prefix", function()
  it("reads and writes", function()
    local block = prefix("2001:db8::8/126")
    assert.equal("2001:db8::8/126", tostring(block))
    assert.equal(126, block.length)
    assert.equal("2001:db8::8", tostring(block:first()))
    assert.equal("2001:db8::b", tostring(block:last()))
    assert.is_nil(block.nothing)
    assert.is_nil(block[1])
    assert.has_error(function() block.length = 1 end)
  end)

  it("refuses host bits and names the right prefix", function()
    assert.matches("2001:db8::/126", refusal(ip6.prefix("2001:db8::1/126")), 1, true)
    local a, length = ip6.interface("2001:db8::1/126")
    assert.equal("2001:db8::1", tostring(a))
    assert.equal(126, length)
    assert.equal("EINVAL", select(2, refusal(ip6.interface("2001:db8::1"))))
  end)

  it("contains and overlaps", function()
    local subnet = prefix("2001:db8::/64")
    assert.is_true(subnet:contains("2001:db8::8/126"))
    assert.is_true(subnet:contains(address("2001:db8::8")))
    assert.is_true(subnet:contains(subnet))
    assert.is_false(subnet:contains("2001:db8::/63"))
    assert.is_true(subnet:overlaps("2001:db8::/63"))
    assert.is_false(subnet:overlaps("2001:db8:0:1::/64"))
    assert.has_error(function() subnet:contains("nonsense") end)
    assert.has_error(function() subnet:contains(8) end)
  end)

  it("counts its addresses from 1, and from -1 at the end", function()
    local block = prefix("2001:db8::8/126")
    assert.equal(4, block:size())
    assert.equal("2001:db8::8", tostring(block:nth(1)))
    assert.equal("2001:db8::b", tostring(block:nth(4)))
    assert.equal("2001:db8::b", tostring(block:nth(-1)))
    assert.equal("2001:db8::8", tostring(block:nth(-4)))
    assert.matches("2001:db8::8/126 has no address number 5", refusal(block:nth(5)), 1, true)
    assert.equal("ERANGE", select(2, refusal(block:nth(-5))))
    assert.has_error(function() block:nth(0) end)
    local top = prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127")
    assert.equal("ERANGE", select(2, refusal(top:nth(3))))
    assert.equal("ERANGE", select(2, refusal(top:nth(math.maxinteger))))
    assert.equal("ERANGE", select(2, refusal(prefix("::/127"):nth(math.mininteger))))
  end)

  it("has sizes up to the whole space", function()
    for length = 0, 128 do
      assert.equal(2.0 ^ (128 - length), ip6.address("::"):prefix(length):size())
    end
    assert.equal("integer", math.type(prefix("::/66"):size()))
    assert.equal("float", math.type(prefix("::/65"):size()))
  end)

  it("iterates over its addresses, to the top of the space and no further", function()
    local function all(text)
      local list = {}
      for a in prefix(text):addresses() do list[#list + 1] = tostring(a) end
      return list
    end
    assert.same({ "2001:db8::8", "2001:db8::9", "2001:db8::a", "2001:db8::b" }, all("2001:db8::8/126"))
    assert.same({ "::5" }, all("::5/128"))
    assert.equal(256, #all("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120"))
    local n = 0
    for _ in prefix("::/0"):addresses() do
      n = n + 1
      if n == 10 then break end
    end
    assert.equal(10, n)
  end)

  it("orders by address, then the larger first, and gives keys", function()
    local list = { prefix("::8/126"), prefix("::/126"), prefix("::/64"), prefix("::8/125") }
    table.sort(list)
    for i, block in ipairs(list) do list[i] = tostring(block) end
    assert.same({ "::/64", "::/126", "::8/125", "::8/126" }, list)
    assert.is_true(prefix("::8/126") == prefix("0::8/126"))
    assert.is_false(prefix("::8/126") == prefix("::8/125"))
    assert.is_true(prefix("::8/126") <= prefix("::8/126"))
    assert.equal(-1, ip6.compare_prefixes("::/64", "::/65"))
    assert.not_equal(prefix("::8/126"):key(), prefix("::8/125"):key())
  end)

  it("places suffixes below itself", function()
    local subnet = prefix("2001:db8:47b:ca03::/64")
    assert.equal("2001:db8:47b:ca03::1:1", tostring(subnet:at("::1:1")))
    assert.equal("2001:db8:47b:ca03::8/126", tostring(subnet:at("::8/126")))
    assert.equal("2001:db8:47b:ca03::8/126", tostring(subnet:at(prefix("::8/126"))))
    assert.equal("2001:db8:47b:ca03::8", tostring(subnet:at(address("::8"))))
    assert.equal("2001:db8:47b:ca03::1:1", tostring(subnet:at("2001:db8:47b:ca03::1:1")))
    assert.equal("ERANGE", select(2, refusal(subnet:at("0:0:0:1::"))))
    assert.equal("ERANGE", select(2, refusal(subnet:at("2001:db8:47b:ca04::1:1"))))
    assert.matches("::/48 is larger than 2001:db8:47b:ca03::/64", refusal(subnet:at("::/48")), 1, true)
    assert.equal("EINVAL", select(2, refusal(subnet:at("::9/126"))))
    assert.equal("EINVAL", select(2, refusal(subnet:at("nonsense"))))
    assert.has_error(function() subnet:at(8) end)
  end)
end)

describe("against Python's ipaddress", function()
  local random = {}
  function random.pick(list) return list[math.random(#list)] end
  function random.group()
    return random.pick({ "0", "0000", "1", "ffff", string.format("%x", math.random(0, 65535)),
      string.format("%04X", math.random(0, 65535)) })
  end

  -- A text that is mostly an address: groups, perhaps a "::", perhaps a dotted end.
  function random.text()
    local groups = {}
    local shortened = math.random(3) > 1
    local count = shortened and math.random(0, 7) or 8
    for i = 1, count do groups[i] = random.group() end
    if count >= 2 and math.random(5) == 1 then
      groups[count] = nil
      groups[count - 1] = string.format("%d.%d.%d.%d", math.random(0, 260), math.random(0, 255), math.random(0, 255),
        math.random(0, 255))
      count = count - 1
    end
    if not shortened then return table.concat(groups, ":") end
    local cut = math.random(0, count)
    return table.concat(groups, ":", 1, cut) .. "::" .. table.concat(groups, ":", cut + 1)
  end

  -- Changes, drops, doubles or adds one character.
  function random.mutated(text)
    local at = math.random(#text)
    local character = random.pick({ ":", ".", "0", "9", "f", "/", "g", " ", "1", "-", "\n", "" })
    local from = at + math.random(0, 1)
    return text:sub(1, at - 1) .. character .. text:sub(from)
  end

  function random.length()
    return random.pick({ "", "", "/" .. math.random(0, 128), "/128", "/64", "/0", "/129", "/x" })
  end

  local function texts(count)
    local list = {}
    for i = 1, count do
      local text = random.text() .. random.length()
      for _ = 1, math.random(0, 2) do text = #text > 0 and random.mutated(text) or text end
      list[i] = text
    end
    return list
  end

  local function hex(bytes)
    return (bytes:gsub(".", function(c) return string.format("%02x", c:byte()) end))
  end

  -- Our opinion in the oracle's words.
  local function ours(text)
    local a, p = ip6.address(text), ip6.prefix(text)
    local i, length = ip6.interface(text)
    return {
      address = a and hex(a:key()) or "-",
      prefix = p and hex(p:first():key()) .. "/" .. p.length or "-",
      interface = i and hex(i:key()) .. "/" .. length or "-",
      shown = a and tostring(a) or "-",
    }
  end

  it("agrees on thousands of valid and mutated texts", function()
    math.randomseed(5952)
    local list = texts(5000)
    local theirs = oracle.ask("ip6.py", list)
    assert.equal(#list, #theirs)
    local valid = 0
    for n, text in ipairs(list) do
      local mine, their = ours(text), theirs[n]
      -- Here we are stricter on purpose: the length is required, and has no leading zero.
      if not text:find("/", 1, true) then their.prefix, their.interface = "-", "-" end
      if text:match("/0%d+$") then their.prefix, their.interface = "-", "-" end
      -- Python 3.11 does not know section 5 of RFC 5952.
      if mine.shown:match("^::ffff:%d+%.") then their.shown = mine.shown end
      assert.same(their, mine, "of " .. string.format("%q", text))
      if their.address ~= "-" or their.interface ~= "-" then valid = valid + 1 end
    end
    assert.is_true(valid > 1500 and valid < 4000, "a fair mixture: " .. valid)
  end)
end)
