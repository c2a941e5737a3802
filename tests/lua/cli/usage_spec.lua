-- run: lua5.4
local cli = require "support.cli"
local json = require "dkjson"
local oracle = require "support.oracle"

-- Command lines that are wrong, words between spaces.
local WRONG = [[

ec2
ec3 describe-instances
ec2 describe-instance
ec2 describeInstances
ec2 import-instance
ec2 wait
ec2 wait instance-runing
ec2 describe-instances --instance-idz i-1
ec2 describe-instances i-1
ec2 describe-instances --filters Name
ec2 describe-instances --filters Name=a,=b
ec2 describe-instances --filters Name=a,Name=b
ec2 describe-instances --filters Nam=a,Values=b
ec2 describe-instances --filters {"Name":"a"
ec2 describe-instances --filters [1]
ec2 describe-instances --filters [{"Name":"a","Values":"b"}]
ec2 describe-instances --filters {"Name":1}
ec2 describe-instances --filters file:///nonexistent
ec2 describe-instances --max-items x
ec2 describe-instances --max-items 5 --no-paginate
ec2 describe-instances --max-results 5 --max-items 5
ec2 describe-instances --page-size
ec2 describe-instances --output xml
ec2 describe-instances --query [
ec2 describe-instances --query
ec2 describe-instances --endpoint-url localhost:1
ec2 describe-instances --region
ec2 describe-instances --c on
ec2 describe-instances --cli-read-timeout x
ec2 describe-instances --cli-binary-format raw
ec2 describe-instances --dry-run=1
ec2 describe-instances --m 5
ec2 describe-instances --cli-input-json {
ec2 describe-instances --cli-input-json []
ec2 describe-instances --cli-input-json {"Filter":1}
ec2 describe-instances --cli-input-json {} --cli-input-yaml {}
ec2 describe-instances --generate-cli-skeleton inputs
ec2 create-subnet
ec2 create-subnet --vpc-id
ec2 create-subnet --vpc-id a --vpc-id
ec2 create-network-interface --ipv6-address-count x --subnet-id subnet-1
ec2 create-network-interface --subnet-id subnet-1 --ipv6-addresses Ipv6Address=a,b
ec2 create-vpn-gateway --type ipsec.1 --amazon-side-asn x
ec2 run-instances --network-interfaces DeviceIndex=x
ec2 run-instances --network-interfaces DeviceIndex=0 --associate-public-ip-address
ec2 run-instances --monitoring Enabled=true,x
ec2 import-key-pair --key-name a
ec2 import-key-pair --key-name a --public-key-material fileb:///nonexistent
ec2 import-key-pair --key-name a --public-key-material abc
ec2 authorize-security-group-ingress --group-id sg-1 --protocol foo
ec2 authorize-security-group-ingress --group-id sg-1 --protocol 300
ec2 authorize-security-group-ingress --group-id sg-1 --protocol tcp --port a-b
ec2 authorize-security-group-ingress --group-id sg-1 --protocol tcp --ip-permissions IpProtocol=tcp
ec2 modify-instance-attribute --instance-id i-1 --ebs-optimized --no-ebs-optimized
ec2 get-password-data --instance-id i-1 --priv-launch-key /nonexistent
ec2 describe-vpcs --filters Name=a,Values=b --generate-cli-skeleton output --nope
ec2 create-subnet --generate-cli-skeleton output
ec2 bundle-instance --instance-id i-1 --storage S3={} --bucket b
sts assume-role
sts assume-role --role-arn a --role-session-name b
sts assume-role --role-arn arn:aws:iam::123456789012:role/x --role-session-name b --duration-seconds x
]]

local function argv_of(line)
  local argv = {}
  for word in line:gmatch("%S+") do argv[#argv + 1] = word end
  return setmetatable(argv, { __jsontype = "array" })
end

local function cases()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  for line in WRONG:gmatch("([^\n]*)\n") do file:write(json.encode(argv_of(line)), "\n") end
  file:close()
  local answers = oracle.cases("cli_bodies.py", path)
  os.remove(path)
  return answers
end

-- The words that a complaint is about must be in ours too.
local SAME = {
  "Unknown options: [^\n]*", "the following arguments are required: [^\n]*", "expected one argument", "Bad value for %-%-query",
  "Error parsing parameter '[^']*'", "Cannot specify[^\n]*", "ambiguous option: [^\n]*", "Invalid choice", "argument %-%-%w+",
  "Parameter validation failed:",
}

describe("a wrong command line", function()
  for _, case in ipairs(cases()) do
    local line = table.concat(case.argv, " ")
    it("ends as with the AWS CLI: " .. line, function()
      local result = cli.run(case.argv)
      assert.equal(case.status, result.status, case.stderr .. "\nand ours:\n" .. result.stderr)
      assert.equal(0, #result.requests)
      assert.equal("", result.stdout)
      for _, pattern in ipairs(SAME) do
        local said = case.stderr:match(pattern)
        if said then assert.truthy(result.stderr:find(said, 1, true), case.stderr .. "\nand ours:\n" .. result.stderr) end
      end
    end)
  end

  it("is told what would be right", function()
    local function said(...) return cli.run({ ... }).stderr end
    assert.match("did you mean %-%-instance%-ids%?", said("ec2", "describe-instances", "--instance-idz", "i-1"))
    assert.match("the options are .*%-%-vpc%-ids", said("ec2", "describe-vpcs", "--quux", "1"))
    assert.match("did you mean Name%?", said("ec2", "describe-instances", "--filters", "Nmae=a"))
    assert.match("maybe you meant:\n\n  %* describe%-vpcs", said("ec2", "describe-vpc"))
  end)
end)
