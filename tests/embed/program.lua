-- A whole program, its loading included: plans blocks, signs, reads the kernel's links
-- and calls EC2 in several tasks. For hosts that give it less memory than it needs.

return function(endpoint, access_key_id, secret_access_key)
  local eni6 = require "eni6"
  local pool = eni6.blocks.new("2001:db8::/64")
  for _ = 1, 200 do assert(pool:allocate(126)) end
  local nl = assert(eni6.netlink.open())
  assert(nl:links())
  local ec2 = require("eni6.aws.ec2").new { region = "us-east-1", endpoint = endpoint, max_attempts = 1,
    credentials = { access_key_id = access_key_id, secret_access_key = secret_access_key } }
  local ids = {}
  assert(eni6.tasks.group(function(group)
    for i = 1, 2 do
      group:spawn("call " .. i, function()
        local answer = assert(ec2:DescribeSubnets())
        ids[i] = eni6.jmespath.search("Subnets[0].SubnetId", answer)
      end)
    end
  end))
  assert(ids[1] and ids[1] == ids[2])
end
