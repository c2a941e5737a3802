local ipv6 = require "eni6.sandbox.state.ipv6"
local ip6 = require "eni6.ip6"
local ledger = require "eni6.sandbox.state.ledger"
local random = require "eni6.sandbox.random"
local refused = require "support.refusals"

local function new(cidr) return ledger.new(ipv6.cidr(cidr or "2001:db8:47b:ca03::/64"), random.new(3)) end

describe("a subnet's ledger", function()
  it("gives addresses their canonical text", function()
    assert.equal("2001:db8:47b:ca03::a", new():check_address("2001:0DB8:47B:CA03:0:0:0:A"))
  end)

  it("refuses reserved, foreign, malformed and taken addresses", function()
    local one = new()
    for _, suffix in ipairs { "::", "::1", "::2", "::3", ":ffff:ffff:ffff:ffff" } do
      local code, message = refused(one.check_address, one, "2001:db8:47b:ca03" .. suffix)
      assert.equal("InvalidParameterValue", code)
      assert.matches("reserved", message)
    end
    assert.matches("does not fall within", select(2, refused(one.check_address, one, "2001:db8:47b:ca04::8")))
    assert.matches("Invalid IPv6 address: 10.0.0.1", select(2, refused(one.check_address, one, "10.0.0.1")))
    one:take_address("2001:db8:47b:ca03::8", {})
    assert.equal("InvalidIPAddress.InUse", (refused(one.check_address, one, "2001:db8:47b:ca03::8")))
    one:drop_address("2001:db8:47b:ca03::8")
    assert.equal("2001:db8:47b:ca03::8", one:check_address("2001:db8:47b:ca03::8"))
    assert.is_true(one:empty())
  end)

  it("lets a single address and a delegated prefix exclude each other", function()
    local one = new()
    one:take_address("2001:db8:47b:ca03:1::8", {})
    one:take_address("2001:db8:47b:ca03:1::9", {})
    assert.equal("InvalidIPAddress.InUse", (refused(one.check_prefix, one, "2001:db8:47b:ca03:1::/80")))
    one:drop_address("2001:db8:47b:ca03:1::8")
    assert.equal("InvalidIPAddress.InUse", (refused(one.check_prefix, one, "2001:db8:47b:ca03:1::/80")))
    one:drop_address("2001:db8:47b:ca03:1::9")
    one:take_prefix(one:check_prefix("2001:db8:47b:ca03:1::/80"), {})
    assert.equal("InvalidIPAddress.InUse", (refused(one.check_address, one, "2001:db8:47b:ca03:1::9")))
    assert.equal("InvalidIPAddress.InUse", (refused(one.check_prefix, one, "2001:db8:47b:ca03:1::/80")))
  end)

  it("takes prefixes of /80 alone, aligned, in the subnet, without reserved addresses", function()
    local one = new()
    for _, text in ipairs { "2001:db8:47b:ca03:1::/79", "2001:db8:47b:ca03:1::/81", "2001:db8:47b:ca03:1::1/80", "nonsense",
      "2001:db8:47b:ca03:1::", "2001:db8:47b:ca04:1::/80", "2001:db8:47b:ca03::/80", "2001:db8:47b:ca03:ffff::/80" } do
      assert.equal("InvalidParameterValue", (refused(one.check_prefix, one, text)))
    end
  end)

  it("chooses addresses that it would take itself", function()
    local one, seen = new(), {}
    one.reservations[1] = { kind = "explicit", cidr = ipv6.cidr("2001:db8:47b:ca03:8000::/65") }
    one.reservations[2] = { kind = "prefix", cidr = ipv6.cidr("2001:db8:47b:ca03:4000::/66") }
    for _ = 1, 300 do
      local address = one:choose_address()
      assert.equal(address, one:check_address(address))
      assert.is_nil(seen[address])
      assert.is_true(ip6.prefix("2001:db8:47b:ca03::/66"):contains(address))
      seen[address] = true
      one:take_address(address, {})
    end
  end)

  it("finds every /80 that is left, and says when none is", function()
    local one = new("2001:db8:47b:ca03::/64")
    one.reservations[1] = { kind = "prefix", cidr = ipv6.cidr("2001:db8:47b:ca03:ff00::/76") }
    one:take_address("2001:db8:47b:ca03:ff03::1", {})
    local seen = {}
    for _ = 1, 15 do
      local prefix = assert(one:choose_prefix())
      assert.is_nil(seen[prefix])
      assert.is_true(ip6.prefix("2001:db8:47b:ca03:ff00::/76"):contains(prefix))
      assert.not_equal("2001:db8:47b:ca03:ff03::/80", prefix)
      seen[prefix] = true
      one:take_prefix(one:check_prefix(prefix), {})
    end
    assert.is_nil(one:choose_prefix())
  end)

  it("chooses prefixes outside explicit reservations", function()
    local one = new()
    one.reservations[1] = { kind = "explicit", cidr = ipv6.cidr("2001:db8:47b:ca03::/65") }
    for _ = 1, 100 do
      local prefix = assert(one:choose_prefix())
      assert.is_true(ip6.prefix("2001:db8:47b:ca03:8000::/65"):contains(prefix))
      one:take_prefix(prefix, {})
    end
  end)

  it("works in the larger subnets, too", function()
    local one = new("2001:db8:47b::/52")
    for _ = 1, 50 do
      local address, prefix = one:choose_address(), one:choose_prefix()
      assert.equal(address, one:check_address(address))
      assert.equal(prefix, one:check_prefix(prefix))
    end
  end)
end)

describe("addresses in order", function()
  it("are sorted as numbers, as published", function()
    local list = { "2001:db8::1:1", "2001:db8::b", "2001:db8::8", "2001:db8::a", "2001:db8::9" }
    ipv6.sort(list)
    assert.same({ "2001:db8::8", "2001:db8::9", "2001:db8::a", "2001:db8::b", "2001:db8::1:1" }, list)
  end)
end)
