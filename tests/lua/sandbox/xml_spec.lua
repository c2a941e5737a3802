local lxp = require "lxp"
local xml = require "eni6.sandbox.xml"

-- What Expat reads: nested { name, text or children… }.
local function read(text)
  local stack = { {} }
  local parser = lxp.new {
    StartElement = function(_, name) stack[#stack + 1] = { name } end,
    CharacterData = function(_, data)
      local top = stack[#stack]
      top.text = (top.text or "") .. data
    end,
    EndElement = function()
      local done = table.remove(stack)
      table.insert(stack[#stack], done)
    end,
  }
  assert(parser:parse(text))
  assert(parser:parse())
  return stack[1][1]
end

describe("an answer in XML", function()
  it("has the operation's name, its request id and its elements in order", function()
    assert.equal('<?xml version="1.0" encoding="UTF-8"?>\n'
      .. '<DescribeXResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId>'
      .. "<a>1</a><empty/><set><item>x</item><item><b>true</b><c>false</c></item></set></DescribeXResponse>",
      xml.answer("DescribeX", "r-1", { set = { "x", { c = false, b = true } }, a = 1, empty = {} }))
  end)

  it("escapes what a text may hold", function()
    local text = "<&>\"'\r\n\t]]> é\u{1F600}"
    local root = read(xml.answer("X", "r", { text = text }))
    assert.equal("text", root[3][1])
    assert.equal(text, root[3].text)
  end)

  it("keeps every element of structures that differ in one name", function()
    local names = {}
    for i = 1, 12 do names[i] = string.char(96 + i) end
    for round = 1, 200 do
      local value, count = {}, 0
      for i, name in ipairs(names) do
        if (round * 7919) % (i + 2) ~= 0 then value[name], count = i, count + 1 end
      end
      if count > 0 then
        local root = read(xml.answer("X", "r", { value = value }))
        assert.equal(count + 1, #root[3])
        for i = 2, #root[3] do assert.equal(tostring(value[root[3][i][1]]), root[3][i].text) end
      end
    end
  end)

  it("refuses in EC2's form", function()
    local root = read(xml.error("Some.Code", "a < b", "r-2"))
    assert.equal("Response", root[1])
    assert.equal("Some.Code", root[2][2][2].text)
    assert.equal("a < b", root[2][2][3].text)
    assert.equal("r-2", root[3].text)
  end)
end)
