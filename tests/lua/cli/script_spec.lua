-- run: lua5.4
local process = require "eni6.process"
local sandbox = require "support.sandbox"

describe("aws.lua", function()
  local server
  setup(function() server = sandbox.start() end)
  teardown(function() server:stop() end)

  local function env(more)
    local all = { AWS_CONFIG_FILE = "/dev/null", AWS_SHARED_CREDENTIALS_FILE = "/dev/null", HTTP_PROXY = false,
      http_proxy = false }
    for name, value in pairs(server.env) do all[name] = value end
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  local function sh(script)
    return assert(process.run { argv = { "sh", "-c", script }, env = env(), timeout = 60 })
  end

  it("takes the settings from the environment, and prints to the standard streams", function()
    local result = sh("cd / && lua5.4 $OLDPWD/scripts/aws.lua ec2 describe-subnets --query 'Subnets[].SubnetId' --output text")
    assert.same({ 0, server.subnet_id .. "\n", "" }, { result.status, result.stdout, result.stderr })
    result = sh("lua5.3 scripts/aws.lua sts get-caller-identity --query Account --output text")
    assert.same({ 0, "123456789012\n", "" }, { result.status, result.stdout, result.stderr })
  end)

  it("ends with the AWS CLI's statuses", function()
    assert.equal(254, sh("lua5.4 scripts/aws.lua ec2 describe-subnets --subnet-ids subnet-1").status)
    assert.equal(252, sh("lua5.4 scripts/aws.lua ec2 describe-subnet").status)
    assert.equal(255, sh("lua5.4 scripts/aws.lua ec2 describe-subnets --endpoint-url http://127.0.0.1:1").status)
    assert.equal(0, sh("lua5.4 scripts/aws.lua --version").status)
  end)

  it("ends with 130 when it is interrupted", function()
    server:faults { kind = "hold_before", operation = "DescribeSubnets" }
    local child = assert(process.spawn { argv = { "lua5.4", "scripts/aws.lua", "ec2", "describe-subnets" }, env = env(),
      stdout = "pipe", stderr = "pipe" })
    server:wait_held()
    child:kill "INT"
    local result = child:wait(30)
    server:release()
    assert.equal(130, result and result.status)
  end)

  it("says when its output can't be written", function()
    local result = sh("lua5.4 scripts/aws.lua ec2 describe-subnets >/dev/full")
    assert.equal(255, result.status)
    assert.match("standard output: .*No space left", result.stderr)
  end)
end)
