--- What the AWS CLI adds to EC2's operations and changes about them (its customizations of ec2), so that command lines
-- written for it mean the same.

local arguments = require "eni6.cli.arguments"
local problem = require "eni6.cli.problem"

local changes = {}

local function usage(format, ...) problem.raise(problem.USAGE, format, ...) end

-- --- pairs of flags for structures that hold one boolean ---------------------------

local function is_pulled_up(option)
  local type_ = option.type
  if not type_ or type_.kind ~= "structure" or #type_.members ~= 1 then return false end
  local member = type_.members[1]
  return member.name == "Value" and member.type.kind == "boolean"
end

-- Stands for `--option` without a value.
local ALONE = setmetatable({}, { __name = "eni6.cli.alone" })

-- `--ebs-optimized`, `--ebs-optimized Value=false` and `--no-ebs-optimized`.
local function pull_up(self, option)
  local negative = {
    name = "no-" .. option.name, member = option.member, type = option.type, takes = "none", value = true,
    pair = option.name, add = function(params) params[option.member] = { Value = false } end,
  }
  local unpacked = option.add
  option.takes, option.value, option.required, option.pair = "maybe", ALONE, false, negative.name
  function option.add(params, value, world)
    if value ~= ALONE then return unpacked(params, value, world) end
    params[option.member] = { Value = true }
  end
  self:add(negative)
  local yes, no = arguments.dest(option), arguments.dest(negative)
  self.checks[#self.checks + 1] = function(parsed)
    if parsed[yes] ~= nil and parsed[no] ~= nil then
      usage('Cannot specify both the "--%s" option and the "--%s" option.', option.name, negative.name)
    end
  end
end

local function pull_up_booleans(self)
  for _, option in ipairs({ table.unpack(self.list) }) do
    if is_pulled_up(option) then pull_up(self, option) end
  end
end

-- --- security groups' rules ---------------------------------------------------------

-- The one rule that --protocol, --port, --cidr and --source-group describe.
local function rule_of(params)
  params.IpPermissions = params.IpPermissions or { {} }
  return params.IpPermissions[1]
end

local function pair_of(params)
  local rule = rule_of(params)
  rule.UserIdGroupPairs = rule.UserIdGroupPairs or { {} }
  return rule.UserIdGroupPairs[1]
end

local PROTOCOLS = { tcp = "tcp", udp = "udp", icmp = "icmp", all = "-1" }

local function add_protocol(params, value)
  local integer = require("eni6.cli.values").integer
  local number = integer(value)
  if number and (number < -1 or number > 255) then
    usage("protocol numbers must be in the range 0-255 or -1 to specify all protocols")
  end
  if not number and not PROTOCOLS[value] then
    usage("protocol parameter should be one of: tcp|udp|icmp|all or any valid protocol number.")
  end
  rule_of(params).IpProtocol = number and value or PROTOCOLS[value]
end

local function add_port(params, value)
  local from, to = value, value
  if value == "-1" or value == "all" then
    from, to = "-1", "-1"
  elseif value:find("-", 1, true) then
    from, to = value:match("^([^-]*)%-(.*)$")
  end
  local integer = require("eni6.cli.values").integer
  local first, last = integer(from), integer(to)
  if not (first and last) then usage("port parameter should be of the form <from[-to]> (e.g. 22 or 22-25)") end
  rule_of(params).FromPort, rule_of(params).ToPort = first, last
end

local RULE_OPTIONS = {
  { "protocol", add_protocol, "tcp, udp, icmp, all, or a protocol's number. Without --port it is for all ports." },
  { "port", add_port, "A port, or a range of them (from-to); for ICMP the type, or type-code; -1 for all." },
  { "cidr", function(params, value) rule_of(params).IpRanges = { { CidrIp = value } } end, "An IPv4 address range." },
  { "source-group", function(params, value)
    pair_of(params)[value:find("^sg%-") and "GroupId" or "GroupName"] = value
  end, "Id or name of the source security group." },
  { "group-owner", function(params, value) pair_of(params).UserId = value end, "The account that owns the source group." },
}

local HIDDEN_RULE_OPTIONS = {
  "ip-protocol", "from-port", "to-port", "cidr-ip", "source-security-group-name", "source-security-group-owner-id",
}

local function filled(value) return value ~= nil and value ~= "" and value ~= false and (type(value) ~= "table" or #value > 0) end

-- An empty value counts as none, as in the AWS CLI.
local function text_option(name, add, about)
  return { name = name, about = about, add = function(params, value) if filled(value) then add(params, value) end end }
end

local function check_rule(parsed)
  if not filled(parsed.ip_permissions) then return end
  for _, entry in ipairs(RULE_OPTIONS) do
    if filled(parsed[(entry[1]:gsub("%-", "_"))]) then
      usage("The --%s option is not compatible with the --ip-permissions option ", entry[1]:gsub("%-", "_"))
    end
  end
end

local function security_group_rule(self)
  for _, entry in ipairs(RULE_OPTIONS) do self:add(text_option(entry[1], entry[2], entry[3])) end
  self:hide(table.unpack(HIDDEN_RULE_OPTIONS))
  self.checks[#self.checks + 1] = check_rule
end

-- --- run-instances ------------------------------------------------------------------

local function add_count(params, value)
  local low, high = value:match("^([^:]*):([^:]*)$")
  if not low then low, high = value, value end
  local integer = require("eni6.cli.values").integer
  params.MinCount, params.MaxCount = integer(low), integer(high)
  if not (params.MinCount and params.MaxCount) then
    usage("count parameter should be of form min[:max] (e.g. 1 or 1:10)")
  end
end

local function first_interface(params)
  params.NetworkInterfaces = params.NetworkInterfaces or { { DeviceIndex = 0 } }
  return params.NetworkInterfaces[1]
end

local function add_secondary_addresses(params, value)
  local list = {}
  for i, address in ipairs(value) do list[i] = { PrivateIpAddress = address, Primary = false } end
  local interface = first_interface(params)
  interface.PrivateIpAddresses = interface.PrivateIpAddresses or list
end

local function public_address_option(name, value)
  return {
    name = name, takes = "none", value = value, about = "A public IPv4 address for the instance, or none.",
    add = function(params) first_interface(params).AssociatePublicIpAddress = value end,
  }
end

local function check_interfaces(parsed)
  if not filled(parsed.network_interfaces) then return end
  if filled(parsed.secondary_private_ip_addresses) or filled(parsed.secondary_private_ip_address_count)
    or parsed.associate_public_ip_address then
    usage("Mixing the --network-interfaces option with the simple, scalar options is not supported.")
  end
end

-- What EC2 takes beside the interfaces only while there are none, and where it goes when there are.
local MOVED = {
  { "SubnetId", "SubnetId" }, { "SecurityGroupIds", "Groups" }, { "Ipv6AddressCount", "Ipv6AddressCount" },
  { "Ipv6Addresses", "Ipv6Addresses" },
}

-- Whoever writes user data on a command line means the text itself.
local function encode_user_data(params)
  local data = params.UserData
  if require("eni6.cli.values").is_bytes(data) then data = data.bytes end
  if type(data) == "string" then params.UserData = require("eni6.base64").encode(data) end
end

local function fix_run_instances(params)
  encode_user_data(params)
  params.MinCount = params.MinCount or 1
  params.MaxCount = params.MaxCount or 1
  local interface = type(params.NetworkInterfaces) == "table" and params.NetworkInterfaces[1]
  if type(interface) ~= "table" then return end
  if interface.PrivateIpAddresses == nil and interface.SecondaryPrivateIpAddressCount == nil
    and interface.AssociatePublicIpAddress == nil then return end
  for _, pair in ipairs(MOVED) do
    if params[pair[1]] ~= nil then interface[pair[2]], params[pair[1]] = params[pair[1]], nil end
  end
  if params.PrivateIpAddress ~= nil then
    interface.PrivateIpAddresses = { { PrivateIpAddress = params.PrivateIpAddress, Primary = true } }
    params.PrivateIpAddress = nil
  end
end

local function run_instances(self)
  self:add({ name = "count", add = add_count, about = "How many instances: a number, or a range min:max. Default: 1." })
  self:remove("min-count")
  self:remove("max-count")
  local addresses = text_option("secondary-private-ip-addresses", add_secondary_addresses, "More private IPv4 addresses.")
  addresses.takes = "any"
  self:add(addresses)
  local count = text_option("secondary-private-ip-address-count", function(params, value)
    if value ~= 0 then first_interface(params).SecondaryPrivateIpAddressCount = value end
  end, "How many more private IPv4 addresses.")
  count.convert, count.expects = require("eni6.cli.values").integer, "int"
  self:add(count)
  self:add(public_address_option("associate-public-ip-address", true))
  self:add(public_address_option("no-associate-public-ip-address", false))
  self.checks[#self.checks + 1] = check_interfaces
  self.fixes[#self.fixes + 1] = fix_run_instances
end

-- --- the rest -------------------------------------------------------------------------

local PROTOCOL_NUMBERS = { tcp = "6", udp = "17", icmp = "1", all = "-1" }

local function protocol_number(self)
  self.fixes[#self.fixes + 1] = function(params) params.Protocol = PROTOCOL_NUMBERS[params.Protocol] or params.Protocol end
end

-- Changes that few need have files of their own.
local function elsewhere(name)
  return function(self) require("eni6.cli." .. name).apply(self) end
end

local BY_OPERATION = {
  BundleInstance = elsewhere "bundle", GetPasswordData = elsewhere "password",
  AuthorizeSecurityGroupIngress = security_group_rule, AuthorizeSecurityGroupEgress = security_group_rule,
  RevokeSecurityGroupIngress = security_group_rule, RevokeSecurityGroupEgress = security_group_rule,
  RunInstances = run_instances,
  CreateNetworkAclEntry = protocol_number, ReplaceNetworkAclEntry = protocol_number,
  CreateImage = function(self) self:rename("no-no-reboot", "reboot") end,
}

--- Changes the options of an operation.
---@param self eni6.cli.OptionTable
---@param service eni6.aws.Service
---@param operation eni6.aws.Operation
---@param waiter boolean|nil
function changes.apply(self, service, operation, waiter)
  if service.name ~= "ec2" or waiter then return end
  local change = BY_OPERATION[operation.name]
  if change then change(self) end
  self:rename("no-egress", "ingress")
  self:rename("no-disable-api-termination", "enable-api-termination")
  pull_up_booleans(self)
end

--- Commands of the model that the AWS CLI does not have.
---@type table<string, boolean>
changes.REMOVED = { ["import-instance"] = true, ["import-volume"] = true }

return changes
