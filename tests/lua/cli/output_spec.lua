local jmespath = require "eni6.jmespath"
local model = require "eni6.aws.model"
local oracle = require "support.oracle"
local output = require "eni6.cli.output"
local output_pages = require "eni6.cli.output.pages"
local unicode = require "eni6.cli.output.unicode"

local ec2 = model.service "ec2"

local function shape(operation) return ec2:operation(operation).output end

-- What is printed of pages, and the remarks.
local function printed(format, options, pages, resume_token)
  local out = {}
  options.operation = options.operation or "DescribeVpcs"
  local printer = output.new(format, function(text) out[#out + 1] = text end, options)
  for _, page in ipairs(pages) do assert(printer:page(output.ordered(page, shape(options.operation)))) end
  local remarks = assert(printer:finish(resume_token))
  return table.concat(out), remarks
end

local function query(text) return assert(jmespath.compile(text)) end

describe("an answer", function()
  it("has its members in the model's order, below lists too", function()
    local vpc = { VpcId = "v", CidrBlock = "c", Tags = { { Value = "1", Key = "k" } } }
    local text = printed("json", {}, { { NextToken = "t", Vpcs = { vpc } } })
    local places = {}
    for name in text:gmatch '"(%w+)":' do places[#places + 1] = name end
    assert.same({ "Vpcs", "CidrBlock", "VpcId", "Tags", "Key", "Value", "NextToken" }, places)
  end)

  it("has times as Python's isoformat() writes them", function()
    local function shown(text, options)
      local answer = output.ordered({ LaunchTime = text }, ec2:_type "Instance", options)
      return answer.LaunchTime
    end
    for text, want in pairs {
      ["2012-07-05T21:34:53.000Z"] = "2012-07-05T21:34:53+00:00",
      ["2012-07-05T21:34:53.1Z"] = "2012-07-05T21:34:53.100000+00:00",
      ["2012-07-05T21:34:53.1234567Z"] = "2012-07-05T21:34:53.123456+00:00",
      ["2012-07-05T21:34:53+0130"] = "2012-07-05T21:34:53+01:30",
      ["2012-07-05T21:34:53-08"] = "2012-07-05T21:34:53-08:00", ["2012-07-05T21:34:53"] = "2012-07-05T21:34:53",
      ["2012-07-05"] = "2012-07-05T00:00:00", ["soon"] = "soon",
    } do
      assert.equal(want, shown(text))
      assert.equal(text, shown(text, { timestamps = "wire" }))
    end
  end)

  it("has doubles as floats, blobs in base64, and console output as text", function()
    local double = output.ordered({ SpotPrice = 1 }, {
      kind = "structure", name = "x", members = { { name = "SpotPrice" } },
      by_name = { SpotPrice = { type = { kind = "double" } } },
    })
    assert.equal("float", math.type(double.SpotPrice))
    assert.equal("aGk=", output.ordered({ b = "hi" }, {
      kind = "structure", name = "y", members = { { name = "b" } }, by_name = { b = { type = { kind = "blob" } } },
    }).b)
    local console = shape "GetConsoleOutput"
    assert.equal("boot\n", output.ordered({ Output = "Ym9vdAo=" }, console).Output)
    assert.equal("\239\191\189a", output.ordered({ Output = "/2E=" }, console).Output)
    assert.equal("not base64", output.ordered({ Output = "not base64" }, console).Output)
  end)

  it("prints nothing when there is nothing in it", function()
    for _, format in ipairs(output.FORMATS) do
      assert.equal("", (printed(format, { operation = "DeleteVpc" }, { {} })))
      assert.equal("", (printed(format, { query = query "`{}`" }, { { Vpcs = {} } })))
    end
  end)
end)

describe("a printer", function()
  it("remarks that --query found nothing, where that shows as text only", function()
    local nothing = { { Vpcs = {} } }
    local text, remarks = printed("text", { query = query "Vpcs[0].VpcId" }, nothing)
    assert.equal("None\n", text)
    assert.same({ 'the result of the --query expression "Vpcs[0].VpcId" is null, which text output shows as "None"' }, remarks)
    text, remarks = printed("text", { query = query "Vpcs[].VpcId" }, nothing)
    assert.equal("", text)
    assert.same({ 'the result of the --query expression "Vpcs[].VpcId" is empty' }, remarks)
    text, remarks = printed("json", { query = query "Vpcs[0].VpcId" }, nothing)
    assert.equal("null\n", text)
    assert.same({}, remarks)
    assert.same({}, select(2, printed("text", { query = query "Vpcs[].VpcId" }, { { Vpcs = { { VpcId = "v" } } } })))
    assert.same({}, select(2, printed("text", {}, nothing)))
  end)

  it("remarks how many pages --query found nothing in", function()
    local paginator = ec2:paginator "DescribeVpcs"
    local text, remarks = printed("text", { query = query "Vpcs[0].VpcId", paginator = paginator },
      { { Vpcs = { { VpcId = "v" } } }, { Vpcs = {} }, {} })
    assert.equal("v\nNone\nNone\n", text)
    assert.equal(1, #remarks)
    assert.truthy(remarks[1]:find("^2 of 3 results of the %-%-query"))
  end)

  it("remarks on the token that --query hides", function()
    local text, remarks = printed("text", { query = query "Vpcs[].VpcId", paginator = ec2:paginator "DescribeVpcs" },
      { { Vpcs = { { VpcId = "v" } } } }, "token")
    assert.equal("v\nNone\n", text)
    assert.same({ 'the last "None" stands for the NextToken of --max-items, which --query applies to as well' }, remarks)
    text, remarks = printed("text", { paginator = ec2:paginator "DescribeVpcs" }, { { Vpcs = {} } }, "token")
    assert.equal("NEXTTOKEN\ttoken\n", text)
    assert.same({}, remarks)
  end)

  it("says why it cannot print", function()
    local printer = output.new("text", function() end, { operation = "DescribeVpcs", query = query "length(@.none)" })
    local ok, message, code = printer:page { Vpcs = {} }
    assert.is_nil(ok)
    assert.equal("invalid-type", code)
    assert.truthy(message:find("length() takes", 1, true))
    printer = output.new("table", function() end, { operation = "x", query = query "[`{\"a\": 1}`, `1`]" })
    assert.is_true(printer:page {})
    ok, message, code = printer:finish()
    assert.is_nil(ok)
    assert.equal("mixed", code)
    assert.truthy(message:find("maps and a value of kind number", 1, true))
  end)

  it("prints bytes that are no UTF-8 rather than fail", function()
    local found = query "[{a: '\255\192'}, {a: '\128', b: ['\240x']}]"
    for _, format in ipairs(output.FORMATS) do assert.not_equal("", (printed(format, { query = found }, { { Vpcs = {} } }))) end
    found = query "[{a: 'x'}, {a: ['\128\240']}]"
    assert.equal("x\n['\239\191\189\239\191\189']\n", (printed("text", { query = found }, { { Vpcs = {} } })))
  end)

  it("raises for a format that is none", function()
    assert.has_error(function() output.new("xml", print, {}) end, "no output format xml")
  end)
end)

describe("pages", function()
  local function client(first)
    local asked = {}
    return {
      service = ec2,
      pages = function(_, _, params)
        asked[#asked + 1] = params
        return function() return first, "no", "ENO", {} end
      end,
      asked = asked,
    }
  end

  it("are asked for with the token and the size", function()
    local it = client { Vpcs = {} }
    local params = { DryRun = false }
    assert(output_pages.new(it, "DescribeVpcs", params, { starting_token = "t", page_size = 5 }))
    assert.same({ DryRun = false, NextToken = "t", MaxResults = 5 }, it.asked[1])
    assert.same({ DryRun = false }, params)
  end)

  -- The tokens are those that botocore gives and takes.
  it("count what was seen of a cut page from its beginning", function()
    -- {"NextToken": null, "boto_truncate_amount": 1}, then 3
    local token = "eyJOZXh0VG9rZW4iOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAxfQ=="
    local options = { starting_token = token, max_items = 2 }
    local pages = output_pages.new(client { Vpcs = { "a", "b", "c", "d" } }, "DescribeVpcs", {}, options)
    assert.same({ Vpcs = { "b", "c" } }, pages:next())
    assert.is_nil(pages:next())
    assert.equal("eyJOZXh0VG9rZW4iOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAzfQ==", pages.resume_token)
  end)

  it("refuse a token that was never given", function()
    for _, token in ipairs { "a___b___c", "eyJOZXh0VG9rZW4iOiAidCIsICJib3RvX3RydW5jYXRlX2Ftb3VudCI6IDEuNX0=" } do
      local pages, message = output_pages.new(client {}, "DescribeVpcs", {}, { starting_token = token })
      assert.is_nil(pages)
      assert.equal("Bad starting token: " .. token, message)
    end
  end)

  it("end with an error", function()
    local pages = output_pages.new(client(false), "DescribeVpcs", {}, {})
    assert.same({ false, "no", "ENO", {} }, { pages:next() })
    assert.is_nil(pages:next())
  end)
end)

describe("characters", function()
  it("are what Python's unicodedata says", function()
    local pipe = assert(io.popen "/usr/bin/python3 lua/eni6/cli/output/generate.py --check 2>&1")
    local said = pipe:read "a"
    assert.is_true(pipe:close(), said)
    local want = oracle.cases "characters.py"[1]
    local wide, hidden = {}, {}
    for code = 0xA0, 0x1FFFF do
      if code < 0xD800 or code > 0xDFFF then
        local block = tostring(math.floor(code / 256))
        if unicode.width(utf8.char(code)) == 2 then wide[block] = (wide[block] or 0) + 1 end
        if not unicode.is_printable(code) then hidden[block] = (hidden[block] or 0) + 1 end
      end
    end
    assert.is_nil(oracle.difference(wide, want.wide))
    assert.is_nil(oracle.difference(hidden, want.hidden))
    for character, upper in pairs(want.upper) do assert.equal(upper, unicode.upper(character)) end
    for _, pair in ipairs(want.repaired) do
      local bytes = pair[1]:gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)
      assert.equal(pair[2], unicode.repaired(bytes), pair[1])
    end
  end)
end)
