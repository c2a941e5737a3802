local sheet = require "eni6.fleet.sheet"

local function message_of(text)
  local value, message, code = sheet.run(text, "two.lua")
  assert.is_nil(value)
  assert.equal("EPLAN", code)
  return message
end

describe("a plan's file", function()
  it("computes with string, table and math", function()
    local value = sheet.run("local t = {} for i = 1, 3 do t[i] = ('h%d'):format(i) end return table.concat(t, ',')", "x")
    assert.equal("h1,h2,h3", value)
  end)

  it("cannot reach the machine", function()
    for _, name in ipairs { "os", "io", "require", "load", "dofile", "debug", "setmetatable", "collectgarbage", "_G",
      "pcall", "print" } do
      assert.matches("^two%.lua:2: '" .. name .. "' is not defined", message_of("\nreturn " .. name .. ".x"))
    end
  end)

  it("cannot change what others use", function()
    local format = string.format
    sheet.run("string.format = nil table.sort = nil return 1", "x")
    assert.equal(format, string.format)
    assert.matches("two%.lua:1: write 'local x", message_of("x = 1"))
  end)

  it("is stopped when it runs or grows without end", function()
    assert.matches("does not come to an end", message_of("while true do end"))
    assert.matches("too much memory", message_of("local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end"))
    assert.matches("overflow", message_of("local function f() return 1 + f() end return f()"))
  end)

  it("says where it is not Lua", function()
    assert.matches("^two%.lua:2:", message_of("return {\n1 1 }"))
    assert.matches("compiled", message_of("\27Lua"))
    assert.matches("no text", message_of("error({})"))
  end)
end)
