--- The kinds of resources: the prefix of their ids, the name tags know them by,
--- and the codes with which EC2 refuses an id (EC2 API reference, "Error codes";
--- its spelling of `ID` and `Id` is as irregular as this).

---@class eni6.sandbox.family
---@field prefix string what ids start with
---@field noun string what EC2's messages call it
---@field malformed string code for an id of the wrong form
---@field missing string code for an id that does not exist
---@field resource_type string|nil its name in tag specifications

local function family(prefix, noun, malformed, missing, resource_type)
  return { prefix = prefix, noun = noun, malformed = malformed, missing = missing, resource_type = resource_type }
end

return {
  vpc = family("vpc", "vpc", "InvalidVpcId.Malformed", "InvalidVpcID.NotFound", "vpc"),
  subnet = family("subnet", "subnet", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound", "subnet"),
  internet_gateway = family("igw", "internetGateway", "InvalidInternetGatewayId.Malformed",
    "InvalidInternetGatewayID.NotFound", "internet-gateway"),
  route_table = family("rtb", "routeTable", "InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound", "route-table"),
  security_group = family("sg", "security group", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", "security-group"),
  security_group_rule = family("sgr", "security group rule", "InvalidSecurityGroupRuleId.Malformed",
    "InvalidSecurityGroupRuleId.NotFound", "security-group-rule"),
  key_pair = family("key", "key pair", "InvalidKeyPair.Malformed", "InvalidKeyPair.NotFound", "key-pair"),
  network_interface = family("eni", "networkInterface", "InvalidNetworkInterfaceId.Malformed",
    "InvalidNetworkInterfaceID.NotFound", "network-interface"),
  instance = family("i", "instance", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "instance"),
  image = family("ami", "image", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "image"),
  cidr_reservation = family("scr", "subnet CIDR reservation", "InvalidSubnetCidrReservationId.Malformed",
    "InvalidSubnetCidrReservationId.NotFound", "subnet-cidr-reservation"),
}
