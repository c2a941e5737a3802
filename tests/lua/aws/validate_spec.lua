local model = require "eni6.aws.model"
local validate = require "eni6.aws.validate"
local oracle = require "support.oracle"

local ec2 = model.service "ec2"

local function faults_of(operation, params)
  local ok, message, code, detail = validate.check(ec2, operation, params)
  assert.is_nil(ok)
  assert.equal("ParamValidation", code)
  for _, fault in ipairs(detail.faults) do assert.truthy(message:find(fault, 1, true)) end
  return detail.faults
end

describe("validate.check", function()
  it("accepts what is right", function()
    assert.is_true(validate.check(ec2, "DescribeRegions"))
    assert.is_true(validate.check(ec2, "CreateNetworkInterface", {
      SubnetId = "subnet-1", Ipv6Addresses = { { Ipv6Address = "::1" } }, DryRun = false, Groups = {},
    }))
  end)

  it("lists every fault with its place", function()
    assert.same({
      "missing parameter SubnetId",
      "DryRun must be true or false, not a number",
      "Groups must be a list, not a string",
      "unknown parameter Ipv6Adress in Ipv6Addresses[1]; did you mean Ipv6Address?",
      "Ipv6Addresses[2] must be a table of named members, not a string",
      "Ipv6Addresses[3].Ipv6Address must be a string, not a number",
      "TagSpecifications[1] must be a table of named members, not a list",
      "unknown parameter subnet; did you mean SubnetId?",
    }, faults_of("CreateNetworkInterface", {
      DryRun = 1, Groups = "sg-1", subnet = "subnet-1", TagSpecifications = { { { "x" } } },
      Ipv6Addresses = { { Ipv6Adress = "::1" }, "::2", { Ipv6Address = 3 } },
    }))
  end)

  it("puts the operation before each fault", function()
    local _, message = validate.check(ec2, "DeleteVpc", { VpcIds = "x" })
    assert.equal("DeleteVpc: missing parameter VpcId\nDeleteVpc: unknown parameter VpcIds; did you mean VpcId?", message)
  end)

  it("names what there is when nothing is close", function()
    assert.same({ "unknown parameter Colour in Ipv6Addresses[1]; there are Ipv6Address" },
      faults_of("CreateNetworkInterface", { SubnetId = "s", Ipv6Addresses = { { Colour = "red" } } }))
  end)

  it("knows lists from structures", function()
    assert.same({ "Groups must be a list, not a table that is no list" },
      faults_of("CreateNetworkInterface", { SubnetId = "s", Groups = { GroupId = "sg-1" } }))
    assert.same({ "Groups must be a list, not a table that is no list" },
      faults_of("CreateNetworkInterface", { SubnetId = "s", Groups = { [2] = "sg-1" } }))
    assert.same({ "Groups must be a list, not a table that is no list" },
      faults_of("CreateNetworkInterface", { SubnetId = "s", Groups = { "sg-1", n = 1 } }))
    assert.same({ "the parameters must be a table of named members, not a list" }, faults_of("DescribeVpcs", { "vpc-1" }))
    assert.same({ "the parameters must be a table of named members, not a string" }, faults_of("DescribeVpcs", "vpc-1"))
  end)

  it("checks numbers", function()
    assert.is_true(validate.check(ec2, "DescribeVpcs", { MaxResults = 5.0 }))
    assert.same({ "MaxResults must be at least 5, not 4" }, faults_of("DescribeVpcs", { MaxResults = 4 }))
    for value, what in pairs {
      [5.5] = "a fraction", [1 / 0] = "an infinite or undefined one", [1e300] = "one beyond 64 bits",
    } do
      assert.same({ "MaxResults must be an integer, not " .. what }, faults_of("DescribeVpcs", { MaxResults = value }))
    end
    assert.same({ "MaxResults must be an integer, not an infinite or undefined one" },
      faults_of("DescribeVpcs", { MaxResults = 0 / 0 }))
    assert.same({ "SpotPrice must be a string, not a number" }, faults_of("RequestSpotInstances", { SpotPrice = 0.5 }))
    assert.is_true(validate.check(ec2, "CreateReservedInstancesListing", {
      ClientToken = "t", InstanceCount = 1, ReservedInstancesId = "r", PriceSchedules = { { Price = 0.5 }, { Price = 1 } },
    }))
    assert.same({ "PriceSchedules[1].Price must be a number, not an infinite or undefined one" },
      faults_of("CreateReservedInstancesListing", {
        ClientToken = "t", InstanceCount = 1, ReservedInstancesId = "r", PriceSchedules = { { Price = 1 / 0 } },
      }))
    assert.same({ "MaxResults must be an integer, not a string" }, faults_of("DescribeVpcs", { MaxResults = "20" }))
  end)

  it("counts characters, not bytes", function()
    local sts = model.service "sts"
    assert.is_true(validate.check(sts, "GetSessionToken", { TokenCode = "123456" }))
    local _, message = validate.check(sts, "GetSessionToken", { TokenCode = "ééé" })
    assert.equal("GetSessionToken: TokenCode must have at least 6 characters, not 3", message)
  end)

  it("never shows a value", function()
    local _, message = validate.check(ec2, "ImportKeyPair", { KeyName = { "secret" }, PublicKeyMaterial = 5, DryRun = "secret" })
    assert.is_nil(message:find "secret")
  end)

  it("takes keys of any type for unknown", function()
    assert.equal(4, #faults_of("DescribeVpcs", { [true] = 1, [1.5] = 2, [{}] = 3, Bogus = 4 }))
  end)

  it("suggests an operation", function()
    assert.same({ "EC2 has no operation RunInstance; did you mean RunInstances?" }, faults_of("RunInstance", {}))
  end)

  it("accepts and refuses as botocore does", function()
    local cases = oracle.cases("ec2.py", "checks", 6, 47)
    local accepted = 0
    for _, case in ipairs(cases) do
      local ok, message = validate.check(model.service(case.service), case.operation, case.params)
      assert.equal(case.accepted, ok or false, case.operation .. ": " .. tostring(message))
      accepted = accepted + (ok and 1 or 0)
    end
    assert.is_true(accepted > 1000 and #cases - accepted > 1000)
  end)
end)
