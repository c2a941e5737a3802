-- Twenty hosts, each with an address of its own and a /126 for its containers, all
-- chosen by the allocator. Every instance sets itself up at its first boot.
--
-- Rehearse it:  lua scripts/provision.lua scripts/plans/twenty-hosts.lua --sandbox

return {
  name = "twenty-hosts",
  region = "us-east-1",
  instance_type = "r5d.large",
  user_data = true,
  hosts = { count = 20, block = 126 },
}
