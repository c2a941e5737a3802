local ip6 = require "eni6.ip6"
local placement = require "eni6.fleet.placement"

local SUBNET = ip6.prefix "2001:db8:47b:ca03::/64"

local function host(name, length, changes)
  local one = { name = name, path = name, range = { path = name .. ".block", length = length or 126,
    delegated = length == 80 } }
  for key, value in pairs(changes or {}) do one[key] = value end
  return one
end

local function hosts(count, length)
  local list = {}
  for i = 1, count do list[i] = host("host-" .. i, length) end
  return list
end

local function space(changes)
  local from = { subnet = SUBNET, plan = "a-plan", taken = {}, reservations = {},
    random = require("eni6.core").system.random }
  for key, value in pairs(changes or {}) do from[key] = value end
  return placement.new(from)
end

local function report()
  local list = {}
  function list:add(path, message) self[#self + 1] = path .. ": " .. message end
  return list
end

local function items(placed, list)
  local all = {}
  for _, one in ipairs(list) do
    all[#all + 1] = placed[one.name].address:prefix(128)
    all[#all + 1] = placed[one.name].block
  end
  return all
end

-- Neighbours in order are disjoint, so all are.
local function assert_disjoint(all)
  table.sort(all)
  for i = 2, #all do
    assert.is_false(all[i - 1]:overlaps(all[i]), tostring(all[i - 1]) .. " and " .. tostring(all[i]))
  end
end

describe("placement", function()
  it("gives every host an address and a block of its own, in the first /80, not in AWS's", function()
    local list = hosts(200)
    local placed = assert(space():place_all(list, report()))
    local all = items(placed, list)
    assert_disjoint(all)
    local first80, kept = SUBNET:first():prefix(80), SUBNET:first():prefix(126)
    for _, block in ipairs(all) do
      assert.is_true(first80:contains(block) and not block:overlaps(kept))
    end
    for _, one in ipairs(list) do assert.equal(126, placed[one.name].block.length) end
  end)

  it("gives the same answer again, and stays out of another plan's way", function()
    local list = hosts(20)
    local one, again = space():place_all(list, report()), space():place_all(list, report())
    local other = space({ plan = "b-plan" }):place_all(list, report())
    local all = items(one, list)
    for _, name in ipairs { "host-1", "host-20" } do
      assert.equal(one[name].address, again[name].address)
      assert.equal(one[name].block, again[name].block)
    end
    for _, item in ipairs(items(other, list)) do all[#all + 1] = item end
    assert_disjoint(all)
  end)

  it("places a host that is added later where it does not disturb the others", function()
    local list = hosts(3)
    local placed = space():place_all(list, report())
    local taken = {}
    for _, item in ipairs(items(placed, list)) do taken[#taken + 1] = { block = item, owner = "eni-1" } end
    local added = space({ taken = taken }):place_all({ host("new") }, report())
    local all = items(placed, list)
    all[#all + 1] = added.new.block
    all[#all + 1] = added.new.address:prefix(128)
    assert_disjoint(all)
  end)

  it("delegates whole /80s, away from single addresses", function()
    local list = hosts(30, 80)
    local placed = assert(space():place_all(list, report()))
    assert_disjoint(items(placed, list))
    for _, one in ipairs(list) do
      assert.equal(80, placed[one.name].block.length)
      assert.is_false(placed[one.name].block == SUBNET:first():prefix(80))
    end
  end)

  it("takes what the plan gives", function()
    local list = { host("a", 126, { address = SUBNET:at("::1:1") }), host("b") }
    list[1].range.at = SUBNET:at("::8/126")
    local placed = assert(space():place_all(list, report()))
    assert.equal("2001:db8:47b:ca03::1:1", tostring(placed.a.address))
    assert.equal("2001:db8:47b:ca03::8/126", tostring(placed.a.block))
    assert_disjoint(items(placed, list))
  end)

  it("names the owner of a given address that is in use", function()
    local faults = report()
    local one = host("a", 126, { address = SUBNET:at("::1:1") })
    one.range.at = SUBNET:at("::8/126")
    space({ taken = { { block = SUBNET:at("::1:1"), owner = "eni-1 (web)" }, { block = SUBNET:at("::a"), owner = "eni-2" } } })
      :place_all({ one }, faults)
    assert.equal(2, #faults)
    assert.matches("^a.address: 2001:db8:47b:ca03::1:1 is in use by eni%-1 %(web%)", faults[1])
    assert.matches("^a.block: 2001:db8:47b:ca03::8/126 is in use by eni%-2", faults[2])
  end)

  it("marks what EC2 shows in any order, overlapping or twice", function()
    local taken = { { block = SUBNET:at("::8") }, { block = SUBNET:at("::/80") }, { block = SUBNET:at("::8") },
      { block = SUBNET:at("::8/126") } }
    local list = hosts(10)
    local placed = assert(space({ taken = taken }):place_all(list, report()))
    for _, item in ipairs(items(placed, list)) do assert.is_false(item:overlaps(SUBNET:at("::/80"))) end
  end)

  it("keeps to the subnet's reservations", function()
    local explicit, prefixes = SUBNET:at("::7:0:0/96"), SUBNET:at("::8000:0:0:0/65")
    local list = { host("a"), host("b", 80) }
    local placed = assert(space({ reservations = { { prefix = explicit, type = "explicit" },
      { prefix = prefixes, type = "prefix" } } }):place_all(list, report()))
    assert.is_true(explicit:contains(placed.a.block) and explicit:contains(placed.a.address))
    assert.is_true(prefixes:contains(placed.b.block) and explicit:contains(placed.b.address))
    placed = assert(space({ reservations = { { prefix = SUBNET:at("::/66"), type = "prefix" } } }):place_all(list, report()))
    assert.is_false(SUBNET:at("::/66"):contains(placed.a.block))
    assert.is_true(SUBNET:at("::/66"):contains(placed.b.block))
  end)

  it("fills a small reservation, then goes on outside of it", function()
    local small = SUBNET:at("::7:0:0/124")
    local list = hosts(6)
    local placed = assert(space({ reservations = { { prefix = small, type = "explicit" } } }):place_all(list, report()))
    local inside = 0
    for _, one in ipairs(list) do
      if small:contains(placed[one.name].block) then inside = inside + 1 end
    end
    assert.is_true(inside >= 2)
    assert_disjoint(items(placed, list))
  end)

  it("chooses elsewhere after a refusal, and says when nothing is left", function()
    local one = host("a")
    local here = space()
    local first = here:place(one)
    here:take(first.block)
    local again = assert(here:place_again(one))
    assert.is_false(again.block:overlaps(first.block))
    local full = space({ taken = { { block = SUBNET:at("::/65") }, { block = SUBNET:at("::8000:0:0:0/65") } } })
    local placed, message, code = full:place_all({ one }, report())
    assert.is_nil(placed)
    assert.equal("ENOSPC", code)
    assert.matches("host a: .* has no free /126 left", message)
  end)

  it("works under a subnet larger than /64", function()
    local large = ip6.prefix "2001:db8:47b:ca00::/60"
    local placed = assert(space({ subnet = large }):place_all(hosts(5), report()))
    assert.is_true(large:contains(placed["host-5"].block))
  end)

  it("never overlaps what is in use, whatever that is", function()
    local seed = 7
    local function random(n)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return math.floor(seed / 8) % n
    end
    for _ = 1, 60 do
      local taken = {}
      for i = 1, random(40) do
        local text = random(2) == 0 and string.format("::%x", random(4096)) or string.format("::%x:0:0:0/80", random(65536))
        taken[i] = { block = SUBNET:at(text), owner = "eni-" .. i }
      end
      local list = hosts(1 + random(30), random(4) == 0 and 80 or 120 + random(7))
      local placed = assert(space({ taken = taken, plan = "p" .. random(100) }):place_all(list, report()))
      local all = items(placed, list)
      assert_disjoint(all)
      for _, item in ipairs(all) do
        for _, used in ipairs(taken) do assert.is_false(item:overlaps(used.block)) end
      end
    end
  end)
end)
