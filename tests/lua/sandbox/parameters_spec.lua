local compile = require("eni6.sandbox.parameters").compile
local refused = require "support.refusals"

describe("a request's parameters", function()
  local check = compile {
    Id = "string!", Count = "integer", Flag = "boolean", Data = "blob", Names = { "string" },
    Filter = { { Name = "string!", Value = { "string" } } }, Option = { Value = "boolean" },
  }

  it("get their types", function()
    assert.same({ Id = "x", Count = -3, Flag = true, Data = "hello", Names = { "a", "b" },
      Filter = { { Name = "n", Value = { "v" } } }, Option = { Value = false } },
      check { Id = "x", Count = "-3", Flag = "TRUE", Data = "aGVsbG8=", Names = { "a", "b" },
        Filter = { { Name = "n", Value = { "v" } } }, Option = { Value = "false" } })
  end)

  it("come in the order of their numbers, with gaps closed, and one alone is a list", function()
    assert.same({ "a", "b", "c" }, check { Id = "x", Names = { [2] = "a", [7] = "b", [30] = "c" } }.Names)
    assert.same({ "a" }, check { Id = "x", Names = "a" }.Names)
  end)

  local function refuses(code, message, tree)
    if tree.Id == nil and code ~= "MissingParameter" then tree.Id = "x" end
    local got, text = refused(check, tree)
    assert.equal(code, got)
    assert.equal(message, text)
  end

  it("are refused by name when unknown or missing", function()
    refuses("UnknownParameter", "The parameter Idd is not recognized", { Idd = "x" })
    refuses("UnknownParameter", "The parameter Filter.1.Values is not recognized", { Filter = { { Name = "n", Values = "x" } } })
    refuses("UnknownParameter", "The parameter Names.first is not recognized", { Names = { first = "x" } })
    refuses("MissingParameter", "The request must contain the parameter Id", {})
    refuses("MissingParameter", "The request must contain the parameter Filter.2.Name",
      { Id = "x", Filter = { { Name = "n" }, { Value = { "x" } } } })
  end)

  it("are refused when of the wrong type", function()
    refuses("InvalidParameterValue", "Invalid value '1.5' for Count. It must be an integer", { Count = "1.5" })
    refuses("InvalidParameterValue", "Invalid value '' for Count. It must be an integer", { Count = "" })
    refuses("InvalidParameterValue", "Invalid value 'yes' for Flag. Must be specified as true or false", { Flag = "yes" })
    refuses("InvalidParameterValue", "Value for parameter Data is not valid base64", { Data = "*" })
    refuses("InvalidParameterValue", "The parameter Count takes a value, not a structure", { Count = { "1" } })
    refuses("InvalidParameterValue", "The parameter Option must be a structure", { Option = "true" })
  end)
end)
