local arguments = require "eni6.cli.arguments"
local command = require "eni6.cli.command"
local model = require "eni6.aws.model"
local options = require "eni6.cli.options"
local oracle = require "support.oracle"

local cases = oracle.cases("cli_options.py")

local function waiter_of(service, state)
  local self = command.read({ service.name, "wait", state, "help" }, {})
  return self.operation, true
end

local function operation_of(service, name)
  local state = name:match("^wait (.*)$")
  if state then return waiter_of(service, state) end
  return assert(command.read({ service.name, name, "help" }, {})).operation
end

local KIND = { integer = "int", double = "float" }

-- Our options in the oracle's form.
local function described(option)
  return table.concat({
    option.name, option.takes == "none" and "" or arguments.dest(option), option.takes or "one",
    tostring(option.required or false),
    option.convert and (option.expects or KIND[option.type.kind]) or "str", tostring(option.hidden or false),
  }, " ")
end

local function expected(row)
  local name, dest, takes, required, kind, hidden = table.unpack(row, 1, 6)
  return table.concat({ name, takes == "none" and "" or dest, takes, tostring(required), kind, tostring(hidden) }, " ")
end

local function sorted(list)
  table.sort(list)
  return table.concat(list, "\n")
end

describe("the options", function()
  it("are those of the AWS CLI, for every command", function()
    local count = 0
    for _, case in ipairs(cases) do
      local service = model.service(case[1])
      local operation, waiter = operation_of(service, case[2])
      local ours, theirs = {}, {}
      for i, option in ipairs(options.of(service, operation, waiter).list) do ours[i] = described(option) end
      for i, row in ipairs(case[3]) do theirs[i] = expected(row) end
      assert.equal(sorted(theirs), sorted(ours), case[2])
      count = count + 1
    end
    assert.is_true(count > 600)
  end)
end)
