-- Decoding a page of 1,000 network interfaces, as EC2 formats it: ours against
-- botocore's parser, in CPU time, the best of several runs of each in turn.

local model = require "eni6.aws.model"
local xml = require "eni6.aws.xml"

local COUNT, ROUNDS, REPEATS = 1000, 3, 5

local ADDRESS = [[
                <item>
                    <ipv6Address>2001:db8:47b:ca03::%x:%x</ipv6Address>
                    <isPrimaryIpv6>false</isPrimaryIpv6>
                </item>
]]

local INTERFACE = [[
        <item>
            <networkInterfaceId>eni-0f62d866%09x</networkInterfaceId>
            <subnetId>subnet-0b61f49f0aaaaaaaa</subnetId>
            <vpcId>vpc-0a01106c2bbbbbbbb</vpcId>
            <availabilityZone>us-east-1a</availabilityZone>
            <description>eni6 two-instances &amp; more</description>
            <ownerId>210987654321</ownerId>
            <requesterManaged>false</requesterManaged>
            <status>in-use</status>
            <macAddress>02:81:60:cb:27:37</macAddress>
            <privateIpAddress>10.0.0.146</privateIpAddress>
            <privateDnsName>ip-10-0-0-146.ec2.internal</privateDnsName>
            <sourceDestCheck>true</sourceDestCheck>
            <groupSet>
                <item>
                    <groupId>sg-03f4b5653aaaaaaaa</groupId>
                    <groupName>default</groupName>
                </item>
            </groupSet>
            <attachment>
                <attachmentId>eni-attach-06537fc0caaaaaaaa</attachmentId>
                <instanceId>i-02219787600000000</instanceId>
                <instanceOwnerId>190610284047</instanceOwnerId>
                <deviceIndex>0</deviceIndex>
                <networkCardIndex>0</networkCardIndex>
                <status>attached</status>
                <attachTime>2012-07-05T21:34:53.000Z</attachTime>
                <deleteOnTermination>true</deleteOnTermination>
            </attachment>
            <tagSet>
                <item>
                    <key>eni6:plan</key>
                    <value>two-instances</value>
                </item>
                <item>
                    <key>eni6:host</key>
                    <value>instance-%d</value>
                </item>
            </tagSet>
            <privateIpAddressesSet>
                <item>
                    <privateIpAddress>10.0.0.146</privateIpAddress>
                    <privateDnsName>ip-10-0-0-146.ec2.internal</privateDnsName>
                    <primary>true</primary>
                </item>
            </privateIpAddressesSet>
            <ipv6AddressesSet>
%s            </ipv6AddressesSet>
            <interfaceType>interface</interfaceType>
        </item>
]]

local function page()
  local parts = {
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<DescribeNetworkInterfacesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">\n',
    "    <requestId>fc45294c-006b-457b-bab9-012f5b3b0e40</requestId>\n    <networkInterfaceSet>\n",
  }
  for i = 1, COUNT do
    local addresses = {}
    for k = 1, 5 do addresses[k] = ADDRESS:format(i, k) end
    parts[#parts + 1] = INTERFACE:format(i, i, table.concat(addresses))
  end
  parts[#parts + 1] = "    </networkInterfaceSet>\n</DescribeNetworkInterfacesResponse>\n"
  return table.concat(parts)
end

local function ours(body)
  local ec2, best = model.service "ec2", math.huge
  for _ = 1, REPEATS do
    collectgarbage()
    local start = os.clock()
    local result = assert(xml.decode(ec2, "DescribeNetworkInterfaces", body))
    best = math.min(best, os.clock() - start)
    assert(#result.NetworkInterfaces == COUNT)
  end
  return best
end

local function botocores(path)
  local pipe = assert(io.popen(string.format("/usr/bin/python3 tests/bench/decode.py %s %d", path, REPEATS)))
  local seconds, count = pipe:read("n", "n")
  assert(pipe:close() and count == COUNT)
  return seconds
end

local path = os.tmpname()
local body = page()
local file = assert(io.open(path, "wb"))
file:write(body)
file:close()
local botocore, eni6 = math.huge, math.huge
for _ = 1, ROUNDS do
  botocore, eni6 = math.min(botocore, botocores(path)), math.min(eni6, ours(body))
end
os.remove(path)
print(string.format("decode a page of %d interfaces (%.1f MB): %.1f times botocore's speed", COUNT, #body / 1e6,
  botocore / eni6))
