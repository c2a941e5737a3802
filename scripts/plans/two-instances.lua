-- The two instances of the published text, with its addresses. Those are written
-- relative to the subnet, so that they fit yours: ::1:1 under 2001:db8:47b:ca03::/64
-- is 2001:db8:47b:ca03::1:1.
--
-- Rehearse it:  lua scripts/provision.lua scripts/plans/two-instances.lua --sandbox
-- For real:     give your own subnet, security group and image, here or with
--               --subnet, --security-group and --image.

return {
  name = "two-instances",
  region = "us-east-1",

  -- subnet = "subnet-09a931730fa9e0001",             -- one that has an IPv6 block
  -- security_groups = { "sg-0eaf4395729820001" },    -- must let ICMPv6 in
  -- image = "ami-0ac019f4fcb7cb7e6",                 -- Ubuntu Server 18.04 LTS, as in the text
  instance_type = "r5d.large",
  -- key = { name = "me", public_key_file = "~/.ssh/id_ed25519.pub" },

  hosts = {
    { name = "instance-1", address = "::1:1", block = "::8/126" },
    { name = "instance-2", address = "::2:2", block = "::c/126" },
  },
}
