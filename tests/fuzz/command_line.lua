-- Damaged command lines of aws.lua, a word a line: each ends with one of the AWS CLI's statuses, says why on standard
-- error when it is not 0, and does not raise or show a secret.

local cli = require "support.cli"
local mutate = require "support.mutate"

local SECRET = "wJalrXUtnFEMIbK7MDENGbPxRfiCYEXAMPLEKEYx"
local STATUS = { [0] = true, [252] = true, [253] = true, [254] = true, [255] = true }

local function words_of(text)
  local words = {}
  for word in (text .. "\n"):gmatch("([^\n]*)\n") do words[#words + 1] = word end
  return words
end

local function check(text)
  local began = os.clock()
  local result = cli.run(words_of(text), { env = { AWS_SECRET_ACCESS_KEY = SECRET }, read_file = function(path)
    if path == "/dev/null" then return "" end
    return nil, "no such file", "ENOENT"
  end })
  assert(STATUS[result.status], "status " .. tostring(result.status))
  assert(result.status == 0 or result.stderr ~= "", "no word of what is wrong")
  assert(not (result.stdout .. result.stderr):find(SECRET, 1, true), "shows the secret")
  assert(#text > 20000 or os.clock() - began < 2, "took long")
  return result.status == 0
end

mutate.run("command_line", {
  "ec2\ndescribe-instances\n--filters\nName=tag:Name,Values=a,b\nName='x, y',Values=[\"c\",d]\n--max-items\n5",
  "ec2\nrun-instances\n--image-id\nami-1\n--count\n1:3\n--network-interfaces\nDeviceIndex=0,Groups=a,b\n--debug",
  "ec2\nrun-instances\n--block-device-mappings\n"
    .. '[{"DeviceName":"/dev/sda","Ebs":{"VolumeSize":8,"Encrypted":true}}]\n--user-data\nfileb:///x\n--no-dry-run',
  "ec2\nauthorize-security-group-ingress\n--group-id\nsg-1\n--protocol\ntcp\n--port\n22-25\n--cidr\n10.0.0.0/8",
  "ec2\ncreate-launch-template\n--launch-template-name\na\n--launch-template-data\nMonitoring={Enabled=true},TagSpecifications="
    .. "[{ResourceType=instance,Tags=[{Key=a,Value=b}]}]",
  "ec2\nimport-key-pair\n--key-name=me\n--public-key-material\nc3NoLWVkMjU1MTkgQUFBQQ==\n--query\nKeyName\n--output\ntext",
  "ec2\ndescribe-vpcs\n--cli-input-json\n{\"DryRun\":true,\"Filters\":[{\"Name\":\"a\",\"Values\":[\"b\",null]}]}",
  "ec2\nrequest-spot-fleet\n--generate-cli-skeleton\nyaml-input",
  "ec2\nmodify-instance-attribute\n--instance-id\ni-1\n--ebs-optimized\nValue=false\n--starting-token\nabc",
  "sts\nassume-role\n--role-arn\narn:aws:iam::123456789012:role/x\n--role-session-name\nab\n--region\neu-west-1",
  "ec2\ndescribe-subnets\nhelp", "configure\nlist", "ec2\nwait\nhelp", "--version",
}, {
  "\n", "\n--", "--", "=", ",", "[", "]", "{", "}", "'", '"', "\\", "\\,", "Name=", "Values=", "file://", "fileb:///x", "@=",
  "null", "true", "1e999", "-1", "99999999999999999999", "help", "--dry-run", "--query", "[*].", "--output", "yaml",
  "--generate-cli-skeleton", "--cli-input-json", "--no-paginate", "\240\159\152\128", "\255", "\0",
  ("["):rep(200), ("a={"):rep(200), "--no-sign-request", "--page-size", "--profile",
}, check)
