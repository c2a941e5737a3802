local survey = require "eni6.fleet.survey"

local function interface(id)
  return { NetworkInterfaceId = id, TagSet = { { Key = "eni6:plan", Value = "a-plan" }, { Key = "eni6:host", Value = "a" } } }
end

-- A client that shows an interface by its tags and its subnet never, and by its id
-- from the third question on.
local function late_client()
  local asked, client = 0, { region = "us-east-1" }
  local answers = {
    DescribeInstances = { Reservations = { { Instances = { { InstanceId = "i-1",
      NetworkInterfaces = { { NetworkInterfaceId = "eni-1" } } } } } } },
    DescribeInstanceTypes = { InstanceTypes = { { InstanceType = "r5d.large" } } },
  }
  function client.all(_, operation, params)
    if operation ~= "DescribeNetworkInterfaces" then return answers[operation] end
    if params.Filters[1].Name ~= "network-interface-id" then return { NetworkInterfaces = {} } end
    asked = asked + 1
    return { NetworkInterfaces = asked >= 3 and { interface "eni-1" } or {} }
  end
  return client
end

describe("the survey", function()
  it("waits for the interface of an instance that EC2 shows before it", function()
    local plan = { name = "a-plan", hosts = { { instance_type = "r5d.large", image = "resolve:ssm:/x", path = "hosts[1]" } },
      sources = {} }
    local facts = survey.look(late_client(), plan, {}, 5)
    assert.equal("eni-1", facts.interfaces[1].id)
    facts = survey.look(late_client(), plan, {}, 0)
    assert.equal(0, #facts.interfaces)
  end)
end)
