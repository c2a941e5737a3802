local refused = require "support.refusals"
local world = require "eni6.sandbox.state.world"

describe("the world", function()
  local now, one
  before_each(function()
    now = 1000
    one = world.new { clock = function() return now end, seed = 1 }
  end)

  it("gives new things ids of EC2's form, and finds them", function()
    local vpc = one:insert("vpc", {})
    assert.matches("^vpc%-0%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x$", vpc.id)
    assert.equal(vpc, one:find("vpc", vpc.id))
    assert.same({ vpc }, one:described("vpc"))
  end)

  it("refuses ids that are malformed or name nothing", function()
    for id, code in pairs { ["vpc-12345678"] = "InvalidVpcID.NotFound", ["vpc-0123456789abcdef0"] = "InvalidVpcID.NotFound",
      ["vpc-0123456789ABCDEF0"] = "InvalidVpcId.Malformed", ["vpc-123"] = "InvalidVpcId.Malformed",
      ["subnet-12345678"] = "InvalidVpcId.Malformed", [""] = "InvalidVpcId.Malformed" } do
      assert.equal(code, (refused(one.find, one, "vpc", id)))
    end
  end)

  it("does later what is due, in the order of time", function()
    local done = {}
    one:after(3, function() done[#done + 1] = "c" end)
    one:after(1, function() done[#done + 1] = "a" end)
    one:after(1, function() done[#done + 1] = "b" end)
    one:after(0, function() done[#done + 1] = "now" end)
    assert.same({ "now" }, done)
    assert.equal(1, one:advance())
    now = 1002
    assert.equal(1, one:advance())
    assert.same({ "now", "a", "b" }, done)
    now = 1003
    assert.is_nil(one:advance())
    assert.same({ "now", "a", "b", "c" }, done)
  end)

  it("is eventually consistent on demand", function()
    one.habits.consistency_lag = 5
    local vpc = one:insert("vpc", {})
    assert.equal("InvalidVpcID.NotFound", (refused(one.find, one, "vpc", vpc.id)))
    assert.same({}, one:described("vpc"))
    assert.same({ vpc }, one:all("vpc"))
    now = 1005
    assert.equal(vpc, one:find("vpc", vpc.id))
    one:remove(vpc)
    assert.equal("InvalidVpcID.NotFound", (refused(one.find, one, "vpc", vpc.id)))
    assert.equal(vpc, one:find_described("vpc", vpc.id))
    assert.same({}, one:all("vpc"))
    now = 1010
    one:advance()
    assert.same({}, one:described("vpc"))
    assert.equal("InvalidVpcID.NotFound", (refused(one.find_described, one, "vpc", vpc.id)))
  end)

  it("tells its observers", function()
    local heard = {}
    one.observers[1] = function(event, record) heard[#heard + 1] = event .. " " .. record.id end
    local vpc = one:insert("vpc", {})
    one:remove(vpc)
    assert.same({ "vpc.created " .. vpc.id, "vpc.deleted " .. vpc.id }, heard)
  end)
end)
