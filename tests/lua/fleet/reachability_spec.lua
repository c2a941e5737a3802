local ip6 = require "eni6.ip6"
local reachability = require "eni6.fleet.reachability"

local P = "2001:db8:47b:ca03::"

local function host(name, number, block)
  local addresses = { ip6.address(P .. number) }
  for address in ip6.prefix(P .. block):addresses() do addresses[#addresses + 1] = address end
  return { id = "eni-" .. name, host = name, subnet = "subnet-1", vpc = "vpc-1", groups = { "sg-" .. name },
    address = ip6.address(P .. number), block = ip6.prefix(P .. block), addresses = addresses, prefixes = {},
    instance_id = "i-" .. name, source_dest_check = true, delegated = false }
end

local function open_to(permission)
  return { IpPermissions = { permission },
    IpPermissionsEgress = { { IpProtocol = "-1", Ipv6Ranges = { { CidrIpv6 = "::/0" } } } } }
end

-- Two hosts that reach each other.
local function healthy()
  return {
    plan = "two", interfaces = { host("a", "1:1", "8/126"), host("b", "2:2", "c/126") },
    states = { ["i-a"] = "running", ["i-b"] = "running" },
    groups = {
      ["sg-a"] = open_to { IpProtocol = "icmpv6", FromPort = -1, UserIdGroupPairs = { { GroupId = "sg-b" } } },
      ["sg-b"] = open_to { IpProtocol = "58", FromPort = 128, Ipv6Ranges = { { CidrIpv6 = P .. "/64" } } },
    },
    route_tables = { { RouteTableId = "rtb-1", VpcId = "vpc-1", Associations = { { Main = true } },
      Routes = { { DestinationIpv6CidrBlock = "::/0", GatewayId = "igw-1", State = "active" } } } },
  }
end

local function failed(change)
  local facts = healthy()
  change(facts)
  local list = {}
  for _, row in ipairs(reachability.judge(facts)) do
    if row.state == "fail" then list[#list + 1] = row.subject .. " " .. row.name .. ": " .. row.text .. " -> " .. row.remedy end
  end
  return table.concat(list, "\n")
end

local function set_rule(group, permission)
  return function(facts) facts.groups[group].IpPermissions = { permission } end
end

local function set_route(changes)
  return function(facts)
    local route = facts.route_tables[1].Routes[1]
    for name, value in pairs(changes) do route[name] = value or nil end
  end
end

local IN = "b security group in: no rule of sg-b lets ICMPv6 pass from a -> aws ec2 authorize-security-group-ingress "
  .. "--group-id sg-b --ip-permissions IpProtocol=icmpv6,FromPort=-1,ToPort=-1,UserIdGroupPairs=[{GroupId=sg-a}]"

describe("fleet.reachability", function()
  it("passes two hosts that reach each other", function() assert.equal("", failed(function() end)) end)

  local broken = {
    { IN, set_rule("sg-b", nil) },
    { IN, set_rule("sg-b", { IpProtocol = "tcp", FromPort = 0, Ipv6Ranges = { { CidrIpv6 = "::/0" } } }) },
    { IN, set_rule("sg-b", { IpProtocol = "icmpv6", FromPort = 129, Ipv6Ranges = { { CidrIpv6 = "::/0" } } }) },
    -- A rule for the host alone does not let its containers through.
    { IN, set_rule("sg-b", { IpProtocol = "-1", Ipv6Ranges = { { CidrIpv6 = P .. "1:1/128" } } }) },
    { "a security group out: ", function(f) f.groups["sg-a"].IpPermissionsEgress = {} end },
    { "a instance: i-a is stopped -> aws ec2 start-instances --instance-ids i-a", function(f) f.states["i-a"] = "stopped" end },
    { "a instance: eni-a is on no instance", function(f) f.interfaces[1].instance_id = nil end },
    { "a addresses: " .. P .. "b not assigned to eni-a", function(f) table.remove(f.interfaces[1].addresses) end },
    { "a addresses: eni-a has lost its tags", function(f) f.interfaces[1].block = nil end },
    { "a internet route: rtb-1 of subnet-1 has no route to ::/0 -> aws ec2 create-route",
      set_route { DestinationIpv6CidrBlock = false } },
    { "a internet route: rtb-1 leads ::/0 to something that is gone", set_route { State = "blackhole" } },
    { "which lets nobody in", set_route { GatewayId = false, EgressOnlyInternetGatewayId = "eigw-1" } },
    { "two hosts: EC2 has none of this plan", function(f) f.interfaces = {} end },
  }
  for i, case in ipairs(broken) do
    it("names what is broken: " .. i, function()
      local text = failed(case[2])
      assert.truthy(text:find(case[1], 1, true), text)
    end)
  end

  it("prefers the subnet's own route table to the main one", function()
    assert.equal("", failed(function(facts)
      facts.route_tables[2] = { RouteTableId = "rtb-2", VpcId = "vpc-1", Associations = { { SubnetId = "subnet-1" } },
        Routes = facts.route_tables[1].Routes }
      facts.route_tables[1].Routes = {}
    end))
  end)

  it("tells the other hosts' addresses", function()
    assert.same({ P .. "2:2" }, reachability.peers(healthy(), "eni-a"))
  end)
end)
