local paging = require "eni6.sandbox.paging"
local refused = require "support.refusals"

describe("paging", function()
  local function records(count)
    local list = {}
    for i = 1, count do list[i] = { serial = i * 3 } end
    return list
  end

  it("gives everything once, whatever the size of the pages", function()
    for _, count in ipairs { 0, 1, 4, 5, 6, 10, 11 } do
      for size = 1, 7 do
        local list, seen, token = records(count), 0, nil
        repeat
          local page
          page, token = paging.cut(list, { MaxResults = size, NextToken = token })
          assert.is_true(#page <= size)
          for _, record in ipairs(page) do
            seen = seen + 1
            assert.equal(seen * 3, record.serial)
          end
        until not token
        assert.equal(count, seen)
      end
    end
  end)

  it("gives no token with the last page, and no pages unless asked", function()
    assert.is_nil((select(2, paging.cut(records(5), { MaxResults = 5 }))))
    assert.equal(2000, #paging.cut(records(2000), {}))
  end)

  it("is refused out of bounds and beside ids", function()
    assert.equal("InvalidParameterValue", (refused(paging.check, { MaxResults = 4 }, { 5, 1000 })))
    assert.equal("InvalidParameterValue", (refused(paging.check, { MaxResults = 1001 }, { 5, 1000 })))
    assert.equal("InvalidParameterCombination", (refused(paging.check, { MaxResults = 5 }, { 5, 1000 }, "Id")))
    assert.equal("InvalidParameterCombination", (refused(paging.check, { NextToken = "x" }, { 5, 1000 }, "Id")))
    for _, token in ipairs { "x", "", "00", "abc", ("ff"):rep(30) } do
      assert.equal("InvalidNextToken", (refused(paging.cut, records(3), { NextToken = token })))
    end
  end)
end)
