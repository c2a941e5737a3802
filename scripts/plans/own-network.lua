-- Needs nothing but an account: the VPC with its IPv6 block, a subnet, the internet
-- gateway with its route, and a security group that lets the hosts ping each other
-- and you log in are made too, and taken away by teardown.
-- Each host gets a whole /80 for its containers.
--
-- Rehearse it:  lua scripts/provision.lua scripts/plans/own-network.lua --sandbox

local hosts = {}
for i = 1, 3 do hosts[i] = { name = ("node-%d"):format(i), prefix = 80 } end

return {
  name = "own-network",
  region = "us-east-1",
  vpc = { cidr = "10.0.0.0/16", ssh = { "::/0" } },
  image = "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
  instance_type = "t3.small",
  user_data = true,
  tags = { team = "network" },
  hosts = hosts,
}
