local model = require "eni6.aws.model"

local ec2, sts = model.service "ec2", model.service "sts"

describe("the model", function()
  it("is what the generator makes of the AWS CLI's data", function()
    local pipe = io.popen("/usr/bin/python3 lua/eni6/aws/model/generate.py --check 2>&1")
    local said = pipe:read "a"
    assert.is_true(pipe:close(), said)
  end)

  it("has every operation", function()
    assert.equal(585, #ec2:operations())
    assert.equal(8, #sts:operations())
    for _, service in ipairs { ec2, sts } do
      for _, name in ipairs(service:operations()) do
        local operation = assert(service:operation(name))
        assert.equal(name, operation.name)
        assert.is_table(operation.input.members)
      end
    end
  end)

  it("describes members", function()
    local input = ec2:operation("CreateNetworkInterface").input
    local groups = input.by_name.Groups
    local interface = ec2:operation("DescribeNetworkInterfaces").output.by_name.NetworkInterfaces.type.member
    assert.equal("groupSet", interface.by_name.Groups.xml)
    assert.equal("groupId", interface.by_name.Groups.type.member.by_name.GroupId.xml)
    assert.same({ "list", "string" }, { groups.type.kind, groups.type.member.kind })
    assert.equal("SecurityGroupId", groups.query)
    assert.is_true(input.by_name.SubnetId.required)
    assert.is_false(groups.required)
    assert.equal("ClientToken", ec2:operation("CreateNetworkInterface").idempotency_token)
    assert.is_nil(ec2:operation("AssignIpv6Addresses").idempotency_token)
    assert.equal(5, ec2:operation("DescribeVpcs").input.by_name.MaxResults.type.least)
    assert.equal("AssumeRoleResult", sts:operation("AssumeRole").result_wrapper)
    assert.is_nil(ec2:operation("DeleteNetworkInterface").output)
  end)

  it("says what members accept", function()
    local request = ec2:operation("CreateCapacityReservation").input
    local platforms = ec2:accepted(request, "InstancePlatform")
    assert.equal("Linux/UNIX", platforms[1])
    assert.equal("Red Hat Enterprise Linux", platforms[2])
    assert.is_nil(ec2:accepted(request, "AvailabilityZone"))
    assert.is_nil(sts:accepted(sts:operation("AssumeRole").input, "RoleArn"))
    assert.is_true(#ec2:accepted(ec2:operation("RunInstances").input, "InstanceType") > 500)
  end)

  it("gives a shape once", function()
    local first = ec2:operation("CreateTags").input.by_name.Tags.type.member
    local second = ec2:operation("DeleteTags").input.by_name.Tags.type.member
    assert.equal(first, second)
  end)

  it("loads the rare shapes only when one is asked for", function()
    package.loaded["eni6.aws.model"], package.loaded["eni6.aws.model.ec2_more"] = nil, nil
    local fresh = require("eni6.aws.model").service "ec2"
    local seen = {}
    local function walk(shape)
      if not shape or seen[shape] then return end
      seen[shape] = true
      walk(shape.member)
      for _, member in ipairs(shape.members or {}) do walk(member.type) end
    end
    for _, name in ipairs { "RunInstances", "DescribeInstances", "CreateNetworkInterface", "DescribeNetworkInterfaces" } do
      walk(fresh:operation(name).input)
      walk(fresh:operation(name).output)
    end
    assert.is_nil(package.loaded["eni6.aws.model.ec2_more"])
    assert.equal("VpnGatewayId", fresh:operation("DeleteVpnGateway").input.members[1].name)
    assert.is_table(package.loaded["eni6.aws.model.ec2_more"])
  end)

  it("describes paging", function()
    assert.same({
      input_token = "NextToken", output_token = "NextToken", limit_key = "MaxResults", result_keys = { "Reservations" },
    }, ec2:paginator "DescribeInstances")
    assert.same({ "ServiceDetails", "ServiceNames" }, ec2:paginator("DescribeVpcEndpointServices").result_keys)
    assert.is_nil(ec2:paginator "RunInstances")
    assert.is_nil(ec2:paginator "Describe")
  end)

  it("describes waiters", function()
    local waiter = ec2:waiter "InstanceExists"
    assert.same({
      name = "InstanceExists", operation = "DescribeInstances", delay = 5, max_attempts = 40,
      acceptors = {
        { matcher = "path", expected = true, argument = "length(Reservations[]) > `0`", state = "success" },
        { matcher = "error", expected = "InvalidInstanceID.NotFound", state = "retry" },
      },
    }, waiter)
    assert.equal(200, ec2:waiter("VpcExists").acceptors[1].expected)
    for _, name in ipairs(ec2:waiters()) do
      local each = ec2:waiter(name)
      assert.is_table(ec2:operation(each.operation))
      assert.is_true(#each.acceptors > 0)
    end
    assert.equal(34, #ec2:waiters())
  end)

  it("suggests the closest name", function()
    local nothing, message, code = ec2:operation "DescribeInstancs"
    assert.is_nil(nothing)
    assert.equal("EC2 has no operation DescribeInstancs; did you mean DescribeInstances?", message)
    assert.equal("ParamValidation", code)
    assert.equal("EC2 has no waiter InstanceRuning; did you mean InstanceRunning?", select(2, ec2:waiter "InstanceRuning"))
    assert.equal("EC2 has no operation ", (select(2, ec2:operation "")))
    assert.is_nil((ec2:operation "Describe\nInstances"))
    assert.is_nil((ec2:operation(nil)))
  end)

  it("refuses a service that it does not have", function()
    assert.has_error(function() model.service "s3" end, "no model of service s3")
  end)
end)
