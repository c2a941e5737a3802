local cli = require "support.cli"
local oracle = require "support.oracle"

local directory = os.tmpname()
os.remove(directory)
assert(os.execute("mkdir " .. directory))

local UUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

-- The members of a body, sorted; a token made up for the request is like any other.
local function members(body)
  local list = {}
  for key, value in body:gmatch("([^&=]+)=([^&]*)") do
    value = value:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
    list[#list + 1] = key .. "=" .. (value:find(UUID) and "(a token)" or value)
  end
  table.sort(list)
  return table.concat(list, "\n")
end

describe("a command line's request", function()
  teardown(function() os.execute("rm -r " .. directory) end)

  it("is the AWS CLI's, for 300 random lines over 60 operations, or is refused with its status", function()
    local sent = 0
    for _, case in ipairs(oracle.cases("cli_bodies.py", directory, 300, 60, tonumber(os.getenv "SEED") or 1)) do
      local line = table.concat(case.argv, " ")
      local result = cli.run(case.argv)
      assert.equal(case.status, result.status, line .. "\n" .. case.stderr .. "\n" .. result.stderr)
      if type(case.body) == "string" then
        sent = sent + 1
        assert.equal(members(case.body), members(result.requests[1].body), line)
      else
        assert.equal(0, #result.requests, line)
      end
    end
    assert.is_true(sent > 200)
  end)
end)
