local cli = require "support.cli"
local fake_http = require "support.fake_http"

local function refuse(code, status, message)
  return { answer = function() return fake_http.error(code, status, message) end }
end

local KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExa me@here\n"

local function with_files(files)
  return { read_file = function(path)
    if files[path] then return files[path] end
    return nil, "No such file or directory", "ENOENT"
  end }
end

describe("a command", function()
  it("shows the service's refusal as the AWS CLI does", function()
    local result = cli.run({ "ec2", "describe-vpcs" }, refuse("InvalidVpcID.NotFound", 400, "The vpc ID 'x' does not exist"))
    assert.equal(254, result.status)
    assert.equal("\nAn error occurred (InvalidVpcID.NotFound) when calling the DescribeVpcs operation: "
      .. "The vpc ID 'x' does not exist\n", result.stderr)
  end)

  it("takes a dry run that would succeed for a refusal, as the AWS CLI does", function()
    local result = cli.run({ "ec2", "describe-vpcs", "--dry-run" }, refuse("DryRunOperation", 412, "Request would have been"))
    assert.equal(254, result.status)
    assert.match("%(DryRunOperation%) when calling the DescribeVpcs operation: Request would", result.stderr)
  end)

  it("tells apart what is missing", function()
    local none = { AWS_ACCESS_KEY_ID = false, AWS_SECRET_ACCESS_KEY = false }
    local result = cli.run({ "ec2", "describe-vpcs" }, { env = none })
    assert.equal(253, result.status)
    assert.match('Unable to locate credentials. You can configure credentials by running "aws configure"', result.stderr, 1, true)
    result = cli.run({ "ec2", "describe-vpcs" }, { env = { AWS_REGION = false } })
    assert.equal(253, result.status)
    assert.match("You must specify a region.", result.stderr, 1, true)
    result = cli.run({ "ec2", "describe-vpcs", "--profile", "nobody" })
    assert.equal(255, result.status)
    assert.match("The config profile could not be found", result.stderr)
    result = cli.run({ "ec2", "describe-vpcs" }, {
      answer = function() return nil, "refused", "ECONNREFUSED", { sent = false } end, env = { AWS_MAX_ATTEMPTS = "1" },
    })
    assert.equal(255, result.status)
    assert.match("Could not connect to the endpoint URL", result.stderr)
  end)

  it("sends a public key as it is, however it is given", function()
    local files = with_files { ["/home/k.pub"] = KEY, ["/k64"] = require("eni6.base64").encode(KEY) }
    files.env = { HOME = "/home" }
    local function sent(...)
      local result = cli.run({ "ec2", "import-key-pair", "--key-name", "k", "--public-key-material", ... }, files)
      assert.equal(0, result.status, result.stderr)
      return require("eni6.base64").decode(result.requests[1].parameters.PublicKeyMaterial)
    end
    assert.equal(KEY, sent("fileb:///home/k.pub"))
    assert.equal(KEY, sent("file://~/k.pub"))
    assert.equal(KEY, sent("file:///k64"))
    assert.equal(KEY, sent("file:///home/k.pub", "--cli-binary-format", "raw-in-base64-out"))
  end)

  it("reads text files as Python does, and says what it can't read", function()
    local files = with_files { ["/crlf"] = "a\r\nb\rc", ["/latin1"] = "\233" }
    local result = cli.run({ "ec2", "create-security-group", "--group-name", "a", "--description", "file:///crlf" }, files)
    assert.equal("a\nb\nc", result.requests[1].parameters.GroupDescription)
    result = cli.run({ "ec2", "create-security-group", "--group-name", "a", "--description", "file:///latin1" }, files)
    assert.equal(252, result.status)
    assert.match("Unable to load paramfile (/latin1), text contents could not be decoded", result.stderr, 1, true)
  end)

  it("follows pages as far as it is told", function()
    local function answer(request)
      local token = request.parameters.NextToken
      return fake_http.ok("DescribeVpcs", string.format("<vpcSet><item><vpcId>vpc-%s</vpcId></item>"
        .. "<item><vpcId>vpc-%sb</vpcId></item></vpcSet>%s", token or "1", token or "1",
        token and "" or "<nextToken>2</nextToken>"))
    end
    local function said(...) return cli.run({ "ec2", "describe-vpcs", "--query", "Vpcs[].VpcId", "--output", "text", ... },
      { answer = answer }).stdout end
    assert.equal("vpc-1\tvpc-1b\nvpc-2\tvpc-2b\n", said())
    assert.equal("vpc-1\tvpc-1b\n", said("--no-paginate"))
    local three = cli.run({ "ec2", "describe-vpcs", "--max-items", "3", "--query", "[Vpcs[].VpcId, NextToken]" },
      { answer = answer })
    local token = three.stdout:match('"(ey[%w=]+)"')
    assert.equal('{"NextToken": "2", "boto_truncate_amount": 1}', require("eni6.base64").decode(token))
    assert.equal("vpc-2b\n", said("--starting-token", token))
  end)

  it("sends requests without a signature, and looks for no credentials", function()
    local result = cli.run({ "ec2", "describe-vpcs", "--no-sign-request" },
      { env = { AWS_ACCESS_KEY_ID = false, AWS_SECRET_ACCESS_KEY = false } })
    assert.equal(0, result.status, result.stderr)
    for _, header in ipairs(result.requests[1].headers) do assert.not_equal("authorization", header[1]:lower()) end
  end)

  it("tells what it does with --debug, but no secrets", function()
    local result = cli.run({ "ec2", "run-instances", "--debug", "--image-id", "ami-1", "--user-data", "hunter2" })
    assert.match('RunInstances {"ClientToken"', result.stderr:gsub('{"ImageId"', '{"ClientToken"'), 1, true)
    assert.match("attempt 1: status 200", result.stderr)
    assert.falsy(result.stderr:find("hunter2") or result.stderr:find(require("eni6.base64").encode("hunter2"), 1, true))
  end)

  it("warns of an empty result that scripts take for a value", function()
    local result = cli.run({ "ec2", "describe-vpcs", "--query", "Vpcs[0].VpcId", "--output", "text" })
    assert.equal("None\n", result.stdout)
    assert.match("is null", result.stderr)
  end)

  it("takes the output's form from the environment and the profile", function()
    local files = with_files { ["/config"] = "[default]\noutput = text\n" }
    files.env = { AWS_CONFIG_FILE = "/config" }
    files.answer = function() return fake_http.ok("DescribeVpcs", "<vpcSet/>") end
    assert.equal("", cli.run({ "ec2", "describe-vpcs" }, files).stdout)
    files.env.AWS_DEFAULT_OUTPUT = "json"
    assert.match("^{", cli.run({ "ec2", "describe-vpcs" }, files).stdout)
    files.env.AWS_DEFAULT_OUTPUT = "xml"
    assert.equal(255, cli.run({ "ec2", "describe-vpcs" }, files).status)
  end)

  it("takes the form of timestamps from the profile, and nothing else for one", function()
    local answer = function()
      local snapshot = "<item><startTime>2024-01-02T03:04:05.000Z</startTime></item>"
      return fake_http.ok("DescribeSnapshots", "<snapshotSet>" .. snapshot .. "</snapshotSet>")
    end
    for format, want in pairs { wire = "2024-01-02T03:04:05.000Z", iso8601 = "2024-01-02T03:04:05+00:00" } do
      local files = with_files { ["/config"] = "[default]\ncli_timestamp_format = " .. format .. "\n" }
      files.env, files.answer = { AWS_CONFIG_FILE = "/config" }, answer
      local result = cli.run({ "ec2", "describe-snapshots", "--query", "Snapshots[0].StartTime", "--output", "text" }, files)
      assert.equal(want .. "\n", result.stdout, result.stderr)
    end
    local files = with_files { ["/config"] = "[default]\ncli_timestamp_format = odd\n" }
    files.env = { AWS_CONFIG_FILE = "/config" }
    local result = cli.run({ "ec2", "describe-snapshots" }, files)
    assert.equal(253, result.status)
    assert.equal('\nUnknown cli_timestamp_format value: odd, valid values are "wire" or "iso8601"\n', result.stderr)
    assert.equal(0, #result.requests)
  end)

  it("waits, and says why in vain", function()
    local function wait(state)
      return cli.run({ "ec2", "wait", "instance-running", "--instance-ids", "i-1" }, { answer = function()
        return fake_http.ok("DescribeInstances", "<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>"
          .. "<instanceState><name>" .. state .. "</name></instanceState></item></instancesSet></item></reservationSet>")
      end })
    end
    assert.same({ 0, "", "" }, { wait("running").status, wait("running").stdout, wait("running").stderr })
    local failed = wait("terminated")
    assert.equal(255, failed.status)
    assert.match("Waiter InstanceRunning failed: Waiter encountered a terminal failure state: .*i%-1 is termin", failed.stderr)
    local refused = cli.run({ "ec2", "wait", "instance-running" }, refuse("UnauthorizedOperation", 403, "You may not"))
    assert.equal(255, refused.status)
    assert.match("failed: An error occurred (UnauthorizedOperation): You may not", refused.stderr, 1, true)
    assert.equal(252, cli.run({ "ec2", "wait", "instance-running", "--filters", "a" }).status)
  end)

  it("shows help at each level", function()
    assert.match("ec2 +Amazon EC2", cli.run({ "help" }).stdout)
    assert.match("\n  run%-instances\n", cli.run({ "ec2", "help" }).stdout)
    assert.match("\n  instance%-running\n", cli.run({ "ec2", "wait", "help" }).stdout)
    local help = cli.run({ "ec2", "run-instances", "help" }).stdout
    assert.match("  --dry-run | --no-dry-run\n", help, 1, true)
    assert.match("accepts: a1.medium, a1.large", help, 1, true)
    assert.match("Ebs.VolumeType: standard, io1", help, 1, true)
    assert.equal(help, cli.run({ "ec2", "run-instances", "--help" }).stdout)
    assert.match("gives up after 600 seconds", cli.run({ "ec2", "wait", "instance-running", "help" }).stdout)
    for _, name in ipairs { "describe-instances", "create-launch-template", "authorize-security-group-ingress" } do
      assert.equal(0, cli.run({ "ec2", name, "help" }).status)
    end
  end)

  it("lists the settings that count", function()
    local result = cli.run({ "configure", "list" })
    assert.equal(0, result.status)
    assert.match("access_key +%*+MPLE +env", result.stdout)
    assert.equal(252, cli.run({ "configure", "lists" }).status)
  end)
end)
