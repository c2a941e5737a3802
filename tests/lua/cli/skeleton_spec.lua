-- run: lua5.4
local cli = require "support.cli"
local json = require "dkjson"
local lyaml = require "lyaml"
local oracle = require "support.oracle"

local OPERATIONS = {
  "run-instances", "create-launch-template", "request-spot-fleet", "import-key-pair", "describe-instances", "create-fleet",
  "modify-instance-attribute", "describe-key-pairs",
}

local function cases()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  for _, name in ipairs(OPERATIONS) do
    for _, form in ipairs { "input", "yaml-input" } do
      file:write(json.encode { "ec2", name, "--generate-cli-skeleton", form }, "\n")
    end
  end
  file:write('["sts", "get-caller-identity", "--generate-cli-skeleton"]\n')
  file:write('["ec2", "describe-key-pairs", "--generate-cli-skeleton", "output"]\n')
  file:write('["ec2", "describe-vpcs", "--generate-cli-skeleton", "output", "--query", "Vpcs[].CidrBlock"]\n')
  file:close()
  local answers = oracle.cases("cli_bodies.py", path)
  os.remove(path)
  return answers
end

describe("a skeleton", function()
  for _, case in ipairs(cases()) do
    it("is the AWS CLI's: " .. table.concat(case.argv, " "), function()
      local result = cli.run(case.argv)
      assert.equal(0, result.status, result.stderr)
      assert.equal(0, case.status, case.stderr)
      if case.argv[4] == "yaml-input" then
        assert.is_nil(oracle.difference(lyaml.load(result.stdout), lyaml.load(case.stdout)))
        assert.equal(select(2, case.stdout:gsub("%[REQUIRED%]", "")), select(2, result.stdout:gsub("%[REQUIRED%]", "")))
        assert.equal(case.stdout:match("Valid values are: [^\n]*"), result.stdout:match("Valid values are: [^\n]*"))
      else
        assert.equal(case.stdout, result.stdout)
      end
    end)
  end

  it("is an input that is taken", function()
    local text = cli.run({ "ec2", "create-tags", "--generate-cli-skeleton" }).stdout
    local result = cli.run({ "ec2", "create-tags", "--cli-input-json", text })
    assert.equal(0, result.status, result.stderr)
    assert.equal("true", result.requests[1].parameters.DryRun)
    local yaml = cli.run({ "ec2", "create-tags", "--generate-cli-skeleton", "yaml-input" }).stdout
    local again = cli.run({ "ec2", "create-tags", "--cli-input-yaml", yaml, "--no-dry-run" })
    assert.equal(0, again.status, again.stderr)
    assert.equal("false", again.requests[1].parameters.DryRun)
  end)
end)
