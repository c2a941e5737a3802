local model = require "eni6.aws.model"
local query = require "eni6.aws.query"
local validate = require "eni6.aws.validate"
local oracle = require "support.oracle"

local ec2 = model.service "ec2"

local function decoded(body)
  local pairs_found = {}
  for key, value in body:gmatch "([^&=]+)=([^&]*)" do
    assert(not value:find "[^A-Za-z0-9%-._~%%]", "not encoded: " .. value)
    assert(pairs_found[key] == nil, "twice: " .. key)
    pairs_found[key] = value:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  end
  return pairs_found
end

-- A number may be written in several ways: Python says 3.0 and 1e-07.
local function same_number(got, want)
  return want:find "[.e]" and tonumber(got) and tonumber(got) == tonumber(want)
end

describe("query.encode", function()
  it("uses EC2's own keys, in the model's order", function()
    assert.equal("Action=RunInstances&Version=2016-11-15&ImageId=ami-1&Ipv6Address.1.Ipv6Address=%3A%3A1"
      .. "&MaxCount=1&MinCount=1&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.SecurityGroupId.1=sg-1"
      .. "&NetworkInterface.1.Ipv6Addresses.1.Ipv6Address=%3A%3A2&NetworkInterface.1.Ipv6Addresses.2.Ipv6Address=%3A%3A3",
      query.encode(ec2, "RunInstances", {
        MinCount = 1, MaxCount = 1, ImageId = "ami-1", Ipv6Addresses = { { Ipv6Address = "::1" } },
        NetworkInterfaces = {
          { DeviceIndex = 0, Groups = { "sg-1" }, Ipv6Addresses = { { Ipv6Address = "::2" }, { Ipv6Address = "::3" } } },
        },
      }))
    assert.equal("Action=AssignIpv6Addresses&Version=2016-11-15&Ipv6Addresses.1=%3A%3A1&NetworkInterfaceId=eni-1",
      query.encode(ec2, "AssignIpv6Addresses", { Ipv6Addresses = { "::1" }, NetworkInterfaceId = "eni-1" }))
  end)

  it("takes no parameters for none", function()
    assert.equal("Action=DescribeRegions&Version=2016-11-15", query.encode(ec2, "DescribeRegions"))
    assert.equal("Action=DescribeRegions&Version=2016-11-15", query.encode(ec2, "DescribeRegions", { RegionNames = {} }))
  end)

  it("writes whole floats as integers", function()
    assert.equal("Action=DescribeVpcs&Version=2016-11-15&MaxResults=20", query.encode(ec2, "DescribeVpcs", { MaxResults = 20.0 }))
  end)

  it("raises for an operation that there is not", function()
    assert.has_error(function() query.encode(ec2, "DescribeVpc", {}) end,
      "EC2 has no operation DescribeVpc; did you mean DescribeVpcs?")
  end)

  it("agrees with botocore on every operation", function()
    local cases = oracle.cases("ec2.py", "requests", 5, 20161115)
    assert.is_true(#cases >= 2900)
    for _, case in ipairs(cases) do
      local service = model.service(case.service)
      assert(validate.check(service, case.operation, case.params))
      local got = decoded(query.encode(service, case.operation, case.params))
      for key, value in pairs(got) do
        if case.pairs[key] and same_number(value, case.pairs[key]) then got[key] = case.pairs[key] end
      end
      assert.is_nil(oracle.difference(got, case.pairs), case.operation)
    end
  end)
end)
