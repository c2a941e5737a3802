local places = require "eni6.fleet.places"

describe("places of a plan's fields", function()
  it("follows the returned table through comments, strings and nesting", function()
    local found = places.find([==[
-- not { this [[
local n = 3 --[[ return {
]]
local function f() if n then return { inner = 1 } end end
return {
  name = "x}", ["region"] = 'us', ["a-b"] = 1,
  n, f(function() return { 1, 2 } end),
  hosts = {
    { name = "a",
      block = [[::8]] };
    { name = [=[ ]]} ]=] },
    [7] = { image = 1 },
  }
}
]==])
    assert.same({ [""] = 5, name = 6, region = 6, ['["a-b"]'] = 6, ["[1]"] = 7, ["[2]"] = 7, hosts = 8,
      ["hosts[1]"] = 9, ["hosts[1].name"] = 9, ["hosts[1].block"] = 10, ["hosts[2]"] = 11,
      ["hosts[2].name"] = 11, ["hosts[7]"] = 12, ["hosts[7].image"] = 12 }, found)
  end)

  it("follows a table that is returned by name", function()
    assert.same({ [""] = 1, name = 2 }, places.find("local plan = {\nname = 'x' }\nreturn plan"))
  end)

  it("has no place for what is computed", function()
    assert.same({ [""] = 1, hosts = 1 }, places.find("return { hosts = many({ 1 }) }"))
    assert.same({}, places.find("return many { 1 }"))
    assert.same({}, places.find(""))
  end)

  it("takes deep nesting in its stride", function()
    local deep = ("{"):rep(150) .. ("}"):rep(150)
    assert.equal(1, places.find("return " .. deep)[("[1]"):rep(149)])
  end)
end)
