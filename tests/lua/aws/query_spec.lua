local model = require "eni6.aws.model"
local query = require "eni6.aws.query"

local ec2 = model.service "ec2"

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
end)
