-- Printing 1,000 network interfaces in each format: ours against the AWS CLI's formatters, in CPU time, the best of
-- several runs of each; and the bytes are compared.

local digest = require "eni6.digest"
local model = require "eni6.aws.model"
local output = require "eni6.cli.output"

local COUNT, REPEATS = 1000, 3
local OPERATION = "DescribeNetworkInterfaces"

local function interface(i)
  local addresses = {}
  for k = 1, 5 do addresses[k] = { Ipv6Address = string.format("2001:db8:47b:ca03::%x:%x", i, k) } end
  return {
    NetworkInterfaceId = string.format("eni-0f62d866%09x", i), SubnetId = "subnet-0b61f49f0aaaaaaaa",
    VpcId = "vpc-0a01106c2bbbbbbbb", AvailabilityZone = "us-east-1a", Description = "eni6 two-instances & more",
    OwnerId = "210987654321", RequesterManaged = false, Status = "in-use", MacAddress = "02:81:60:cb:27:37",
    PrivateIpAddress = "10.0.0.146", PrivateDnsName = "ip-10-0-0-146.ec2.internal", SourceDestCheck = true,
    Groups = { { GroupId = "sg-03f4b5653aaaaaaaa", GroupName = "default" } },
    Attachment = {
      AttachmentId = "eni-attach-06537fc0caaaaaaaa", InstanceId = "i-02219787600000000", InstanceOwnerId = "190610284047",
      DeviceIndex = 0, NetworkCardIndex = 0, Status = "attached", AttachTime = "2012-07-05T21:34:53.000Z",
      DeleteOnTermination = true,
    },
    TagSet = { { Key = "eni6:plan", Value = "two-instances" }, { Key = "eni6:host", Value = "instance-" .. i } },
    PrivateIpAddresses = {
      { PrivateIpAddress = "10.0.0.146", PrivateDnsName = "ip-10-0-0-146.ec2.internal", Primary = true },
    },
    Ipv6Addresses = addresses, InterfaceType = "interface",
  }
end

local shape = model.service("ec2"):operation(OPERATION).output

-- Made anew each time: ordering works in place, and is part of what printing costs.
local function document()
  local list = {}
  for i = 1, COUNT do list[i] = interface(i) end
  return { NetworkInterfaces = list }
end

local function printed(format, answer)
  local out = {}
  local printer = output.new(format, function(text) out[#out + 1] = text end, { operation = OPERATION })
  assert(printer:page(output.ordered(answer, shape)))
  assert(printer:finish())
  return table.concat(out)
end

local function ours(format)
  local best, text = math.huge, nil
  for _ = 1, REPEATS do
    local answer = document()
    collectgarbage()
    local start = os.clock()
    text = printed(format, answer)
    best = math.min(best, os.clock() - start)
  end
  return best, digest.sha256_hex(text)
end

local path = os.tmpname()
local file = assert(io.open(path, "wb"))
file:write(printed("json", document()))
file:close()
local pipe = assert(io.popen(string.format("/usr/bin/python3 tests/bench/output.py %s %s %d", path, OPERATION, REPEATS)))
for line in pipe:lines() do
  local format, seconds, hash = line:match "^(%S+) (%S+) (%S+)$"
  local best, our_hash = ours(format)
  assert(hash == our_hash, format .. ": other bytes")
  print(string.format("print %d interfaces as %s: %.1f times the AWS CLI's speed", COUNT, format, tonumber(seconds) / best))
end
assert(pipe:close())
os.remove(path)
