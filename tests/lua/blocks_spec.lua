local blocks = require "eni6.blocks"
local ip6 = require "eni6.ip6"

local function new(text) return assert(blocks.new(text or "2001:db8::/64")) end

local function taken(pool)
  local list = {}
  for block in pool:blocks() do list[#list + 1] = tostring(block) end
  return list
end

local function code_of(...) return (select(3, ...)) end

describe("blocks", function()
  it("places the published blocks", function()
    local pool = new("2001:db8:47b:ca03::/64")
    assert.equal(5, pool:load({ "2001:db8:47b:ca03::/126", "2001:db8:47b:ca03:ffff:ffff:ffff:ffff",
      "2001:db8:47b:ca03::4/126", "2001:db8:47b:ca03::1:1", "2001:db8:47b:ca03::2:2" }))
    assert.equal("2001:db8:47b:ca03::8/126", tostring(pool:allocate(126)))
    assert.equal("2001:db8:47b:ca03::c/126", tostring(pool:allocate(126)))
    assert.equal("2001:db8:47b:ca03:1::/80", tostring(pool:allocate(80)))
  end)

  it("takes addresses, prefixes and their text", function()
    local pool = new()
    assert.is_true(pool:occupy("2001:db8::1"))
    assert.is_true(pool:occupy(ip6.address("2001:db8::2")))
    assert.is_true(pool:occupy(ip6.prefix("2001:db8::8/126")))
    assert.same({ "2001:db8::1/128", "2001:db8::2/128", "2001:db8::8/126" }, taken(pool))
    assert.is_true(pool:contains("2001:db8::1/128"))
    assert.is_true(pool:contains(ip6.address("2001:db8::1")))
    assert.is_false(pool:contains("2001:db8::8"))
    assert.is_true(pool:release("2001:db8::1/128"))
    assert.is_true(pool:release(ip6.address("2001:db8::2")))
    assert.equal(1, #pool)
  end)

  it("names the block in the way", function()
    local pool = new()
    pool:occupy("2001:db8::8/126")
    local ok, message, code, detail = pool:occupy("2001:db8::9")
    assert.is_nil(ok)
    assert.equal("2001:db8::9 overlaps 2001:db8::8/126, which is taken", message)
    assert.equal("EEXIST", code)
    assert.equal("2001:db8::8/126", tostring(detail.block))
    ok, message, code, detail = pool:release("2001:db8::9")
    assert.is_nil(ok)
    assert.equal("2001:db8::9 is not taken as such; 2001:db8::8/126 is", message)
    assert.equal("ENOENT", code)
    assert.equal("2001:db8::8/126", tostring(detail.block))
    assert.is_nil(select(4, pool:release("2001:db8::1")))
    assert.equal("ERANGE", code_of(pool:occupy("2001:db9::1")))
    assert.equal("ERANGE", code_of(pool:release("2001:db8::/63")))
  end)

  it("says that nothing is free, and what is", function()
    local pool = new("2001:db8::/120")
    for _ = 1, 64 do pool:allocate(126) end
    local block, message, code = pool:allocate(128)
    assert.is_nil(block)
    assert.equal("2001:db8::/120 is full", message)
    assert.equal("ENOSPC", code)
    pool:release("2001:db8::8/126")
    message = select(2, pool:find(125))
    assert.equal("no /125 is free in 2001:db8::/120; the largest free block is a /126", message)
    assert.equal("2001:db8::8/127", tostring(pool:find(127)))
  end)

  it("finds without taking", function()
    local pool = new()
    assert.equal("2001:db8::/126", tostring(pool:find(126)))
    assert.equal("2001:db8::/126", tostring(pool:find(126)))
    assert.equal(0, pool:count())
    pool:occupy("2001:db8::5")
    assert.equal("2001:db8::5/128", tostring(pool:overlapping("2001:db8::4/126")))
    assert.is_nil(pool:overlapping("2001:db8::8/126"))
  end)

  it("begins where it is told, and goes round", function()
    local pool = new("2001:db8::/120")
    assert.equal("2001:db8::84/126", tostring(pool:allocate(126, { from = "2001:db8::81" })))
    assert.equal("2001:db8::88/126", tostring(pool:allocate(126, { from = ip6.address("2001:db8::84") })))
    assert.equal("2001:db8::/126", tostring(pool:allocate(126, { from = "2001:db8::ff" })))
    assert.equal("2001:db8::4/126", tostring(pool:allocate(126, {})))
    assert.equal("ERANGE", code_of(pool:find(126, { from = "2001:db9::" })))
    assert.has_error(function() pool:find(126, { from = "nonsense" }) end)
    assert.has_error(function() pool:find(126, "2001:db8::84") end)
  end)

  it("counts", function()
    local pool = new()
    assert.equal(0, pool:used())
    assert.equal(2.0 ^ 64, pool:free())
    assert.equal(64, pool:largest_free())
    assert.equal(0, pool:memory())
    pool:occupy("2001:db8::/126")
    assert.equal(4, pool:used())
    assert.equal(65, pool:largest_free())
    assert.is_true(pool:memory() > 0)
    pool:release("2001:db8::/126")
    assert.equal(0, pool:memory())
    pool:allocate(64)
    assert.equal(2.0 ^ 64, pool:used())
    assert.equal(0, pool:free())
    assert.is_nil(pool:largest_free())
    assert.equal("2001:db8::/64", tostring(pool:prefix()))
    assert.equal("eni6.blocks: 2001:db8::/64, 1 taken", tostring(pool))
  end)

  it("loads all or nothing, and what it has already counts as done", function()
    local pool = new()
    assert.equal(2, pool:load({ "2001:db8::1", "2001:db8::8/126", "2001:db8::1" }))
    assert.equal(1, pool:load({ "2001:db8::8/126", "2001:db8::2" }))
    local before = taken(pool)
    assert.equal("EEXIST", code_of(pool:load({ "2001:db8::3", "2001:db8::9" })))
    assert.equal("ERANGE", code_of(pool:load({ "2001:db8::3", "2001:db9::" })))
    assert.has_error(function() pool:load({ "2001:db8::3", "nonsense" }) end)
    assert.has_error(function() pool:load({ "2001:db8::3", 5 }) end)
    assert.has_error(function() pool:load("2001:db8::3") end)
    assert.same(before, taken(pool))
    assert.equal(0, pool:load({}))
  end)

  it("may change while it is walked over", function()
    local pool = new()
    for i = 1, 100 do pool:occupy(pool:prefix():nth(2 * i)) end
    local seen = 0
    for block in pool:blocks() do
      seen = seen + 1
      assert.is_true(pool:release(block))
    end
    assert.equal(100, seen)
    assert.same({}, taken(pool))
    pool = new("ffff:ffff:ffff:ffff::/64")
    pool:occupy("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
    assert.equal(1, #taken(pool))
  end)

  it("refuses misuse", function()
    assert.equal("EINVAL", code_of(blocks.new("2001:db8::/63")))
    assert.equal("EINVAL", code_of(blocks.new("2001:db8::1/64")))
    assert.has_error(function() blocks.new(64) end)
    local pool = new()
    assert.has_error(function() pool:allocate(63) end)
    assert.has_error(function() pool:allocate(129) end)
    assert.has_error(function() pool:allocate("x") end)
    assert.has_error(function() pool:occupy("nonsense") end)
    assert.has_error(function() pool:occupy(1) end)
    assert.has_error(function() pool.occupy("2001:db8::1") end)
  end)

  it("can be closed, more than once", function()
    local pool = new()
    pool:occupy("2001:db8::1")
    pool:close()
    pool:close()
    assert.equal("eni6.blocks: closed", tostring(pool))
    assert.has_error(function() pool:count() end, "the pool of blocks is closed")
    assert.has_error(function() pool:occupy("2001:db8::1") end)
  end)
end)

describe("blocks against a table of addresses", function()
  local SIZE = 64

  -- Whether all addresses of a block are free; offsets count from the window's first.
  local function is_free(owner, at, size)
    for i = at, at + size - 1 do
      if owner[i] then return false end
    end
    return true
  end

  local function lowest(owner, size, from)
    local first = math.ceil(from / size) * size
    for at = first, SIZE - size, size do
      if is_free(owner, at, size) then return at end
    end
    for at = 0, SIZE - size, size do
      if is_free(owner, at, size) then return at end
    end
  end

  local function mark(owner, at, size, block)
    for i = at, at + size - 1 do owner[i] = block end
  end

  local function walk(text)
    local pool, owner, list = new(text), {}, {}
    local first = pool:prefix():first()
    for step = 1, 600 do
      local order = math.random(0, 3)
      local size = 2 ^ order
      local action = math.random(step % 200 < 100 and 3 or 5)
      if action <= 2 then
        local from = math.random(0, SIZE - 1)
        local at = lowest(owner, size, from)
        local block, _, code = pool:allocate(128 - order, { from = first + from })
        assert.equal(at and tostring((first + math.floor(at)):prefix(128 - order)), block and tostring(block))
        if block then
          mark(owner, at, size, block)
          list[#list + 1] = { at = at, size = size, block = block }
        else
          assert.equal("ENOSPC", code)
        end
      elseif #list > 0 then
        local entry = table.remove(list, math.random(#list))
        assert.is_true(pool:release(entry.block))
        assert.equal("ENOENT", code_of(pool:release(entry.block)))
        mark(owner, entry.at, entry.size, nil)
      end
      assert.equal(#list, pool:count())
    end
  end

  it("agrees at the bottom, in the middle and at the top of the space", function()
    math.randomseed(6)
    walk("::/122")
    walk("2001:db8::7fc0/122")
    walk("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffc0/122")
  end)
end)
