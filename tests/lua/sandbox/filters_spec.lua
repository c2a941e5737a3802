local filters = require "eni6.sandbox.filters"
local refused = require "support.refusals"

describe("filters", function()
  local getters = filters.fields { name = "name", size = "size", open = "open", list = "list" }
  local records = {
    { name = "alpha", size = 1, open = true, list = { "x", "y" }, tags = { Name = "one", ["eni6:plan"] = "p" } },
    { name = "beta", size = 20, open = false, list = {}, tags = { Name = "two*", Empty = "" } },
    { name = "a.b", size = 3, tags = {} },
  }

  local function found(...)
    local list, names = {}, {}
    for i, filter in ipairs { ... } do list[i] = { Name = filter[1], Value = filter[2] } end
    local test = filters.compile(list, getters)
    for _, record in ipairs(records) do
      if not test or test(record) then names[#names + 1] = record.name end
    end
    return table.concat(names, " ")
  end

  it("match any of their values, all of the filters", function()
    assert.equal("alpha beta", found { "name", { "alpha", "beta", "x" } })
    assert.equal("beta", found({ "name", { "alpha", "beta" } }, { "size", { "20" } }))
    assert.equal("", found({ "name", { "alpha" } }, { "size", { "20" } }))
    assert.equal("alpha beta a.b", found())
  end)

  it("know wildcards, and a backslash takes them literally", function()
    assert.equal("alpha beta", found { "name", { "*a" } })
    assert.equal("a.b", found { "name", { "a?b" } })
    assert.equal("a.b", found { "name", { "a.*" } })
    assert.equal("", found { "name", { "a%.b*" } })
    assert.equal("beta", found { "tag:Name", { "two\\*" } })
    assert.equal("", found { "tag:Name", { "one\\*" } })
    assert.equal("", found { "name", { "ALPHA" } })
  end)

  it("compare numbers, booleans and lists", function()
    assert.equal("alpha", found { "open", { "true" } })
    assert.equal("beta", found { "open", { "false" } })
    assert.equal("alpha", found { "list", { "y" } })
    assert.equal("", found { "list", { "z" } })
  end)

  it("look at tags", function()
    assert.equal("alpha beta", found { "tag-key", { "Name" } })
    assert.equal("alpha", found { "tag-key", { "eni6:*" } })
    assert.equal("alpha", found { "tag-value", { "p" } })
    assert.equal("beta", found { "tag:Empty", { "" } })
    assert.equal("alpha", found { "tag:eni6:plan", { "*" } })
  end)

  it("are refused when unknown, without values, or with too many", function()
    assert.equal("InvalidParameterValue", (refused(found, { "nonsense", { "x" } })))
    assert.equal("InvalidParameterValue", (refused(found, { "tag:", { "x" } })))
    assert.equal("InvalidParameterValue", (refused(found, { "name", {} })))
    local many = {}
    for i = 1, 201 do many[i] = "x" end
    assert.equal("FilterLimitExceeded", (refused(found, { "name", many })))
  end)
end)
