local desired = require("eni6.host.desired")

local P = "2001:db8:47b:ca03::"

local function list(...)
  local texts = {}
  for i, suffix in ipairs({ ... }) do texts[i] = P .. suffix end
  return texts
end

-- instance-1 of the published text as EC2 hands it out, /128s from DHCPv6.
local function facts(changes)
  local ipv6s = changes and changes.ipv6s or list("8", "9", "a", "b", "1:1")
  local addresses = { { address = "fe80::10fb:b4ff:fe8b:15f8/64", scope = "link" } }
  for _, text in ipairs(ipv6s) do addresses[#addresses + 1] = { address = text .. "/128", scope = "global" } end
  local result = {
    main = { name = "ens5", mac = "12:fb:b4:8b:15:f8", addresses = addresses },
    gateways = { { gateway = "fe80::1066:30ff:feb8:c008", link = "ens5", protocol = "ra", metric = 1024 } },
    imds = { ipv6s = ipv6s, ipv6_prefix = {}, subnet_ipv6_cidr_blocks = { P .. "/64" }, tags = {} },
  }
  for name, value in pairs(changes or {}) do
    if result.imds[name] then result.imds[name] = value else result[name] = value end
  end
  return result
end

local function refused(changes, options)
  local wanted, message, code = desired.new(facts(changes), options)
  assert.is_nil(wanted)
  return message, code
end

describe("desired", function()
  it("splits the published addresses as the published text does", function()
    assert.same({
      link = "ens5", mac = "12:fb:b4:8b:15:f8", address = P .. "1:1", length = 64,
      gateway = { via = "fe80::1066:30ff:feb8:c008", metric = 512 },
      block = P .. "8/126", delegated = false,
      leaving = list("8/128", "9/128", "a/128", "b/128"),
    }, desired.new(facts()))
  end)

  it("does not care for the order of addresses", function()
    local wanted = desired.new(facts({ ipv6s = list("1:1", "b", "9", "8", "a") }))
    assert.same({ P .. "1:1", P .. "8/126" }, { wanted.address, wanted.block })
  end)

  it("takes the largest aligned block", function()
    local wanted = desired.new(facts({ ipv6s = list("10", "11", "12", "13", "14", "15", "16", "17", "5") }))
    assert.same({ P .. "5", P .. "10/125" }, { wanted.address, wanted.block })
  end)

  it("takes the delegated prefix", function()
    local wanted = desired.new(facts({ ipv6s = list("1:1"), ipv6_prefix = { "2001:db8:47b:ca03:5::/80" } }))
    assert.same({ P .. "1:1", "2001:db8:47b:ca03:5::/80", true }, { wanted.address, wanted.block, wanted.delegated })
  end)

  it("puts the tags before the rule, and the caller before the tags", function()
    local two = list("8", "9", "a", "b", "c", "d", "e", "f", "1:1")
    local tags = { ["eni6:address"] = P .. "1:1", ["eni6:block"] = P .. "c/126" }
    assert.equal(P .. "c/126", desired.new(facts({ ipv6s = two, tags = tags })).block)
    assert.equal(P .. "8/126", desired.new(facts({ ipv6s = two, tags = tags }), { block = P .. "8/126" }).block)
  end)

  it("asks, with the candidates, where two blocks could be meant", function()
    local message, code = refused({ ipv6s = list("8", "9", "a", "b", "10", "11", "12", "13", "1:1") })
    assert.equal("EAMBIGUOUS", code)
    assert.truthy(message:find("Candidates: " .. P .. "8/126, " .. P .. "10/126", 1, true), message)
    assert.truthy(message:find("--block", 1, true))
  end)

  it("asks, with the candidates, where two addresses are left over, or none", function()
    local message, code = refused({ ipv6s = list("8", "9", "a", "b", "1:1", "2:2") })
    assert.equal("EAMBIGUOUS", code)
    assert.truthy(message:find(P .. "1:1, " .. P .. "2:2", 1, true), message)
    assert.truthy(refused({ ipv6s = list("8", "9", "a", "b") }):find("Candidates: none", 1, true))
  end)

  it("finds no block among unaligned neighbours", function()
    assert.equal("EAMBIGUOUS", select(2, refused({ ipv6s = list("9", "a", "b", "c", "1:1") })))
  end)

  it("refuses what EC2 would not deliver", function()
    assert.equal("EADDRNOTAVAIL", select(2, refused(nil, { address = P .. "5:5" })))
    local message, code = refused(nil, { block = P .. "8/125" })
    assert.equal("EADDRNOTAVAIL", code)
    assert.truthy(message:find(P .. "c of the block", 1, true), message)
    assert.equal("EINVAL", select(2, refused(nil, { address = P .. "9", block = P .. "8/126" })))
  end)

  it("names the tag or option that does not parse", function()
    assert.truthy(refused({ tags = { ["eni6:block"] = "x" } }):find("the tag eni6:block", 1, true))
    assert.truthy(refused(nil, { address = "y" }):find("--address", 1, true))
  end)

  it("keeps a static route's own metric and goes below an advertised one", function()
    local static = { { gateway = "fe80::1", protocol = "static", metric = 700 } }
    assert.same({ via = "fe80::1", metric = 700 }, desired.new(facts({ gateways = static })).gateway)
    local advertised = { { gateway = "fe80::1", protocol = "ra", metric = 100 } }
    assert.equal(99, desired.new(facts({ gateways = advertised })).gateway.metric)
    assert.is_nil(desired.new(facts({ gateways = {} })).gateway)
  end)
end)
