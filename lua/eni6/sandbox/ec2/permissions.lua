--- The rules of a security group: from the shapes in which requests give them to
--- one rule for each source, and back to the shapes that answers show.

local ipv4 = require "eni6.sandbox.state.ipv4"
local ipv6 = require "eni6.sandbox.state.ipv6"
local refuse = require("eni6.sandbox.refusal").refuse

local M = {}

--- What authorize and revoke accept: permissions, or one in the older flat form.
M.parameters = {
  GroupId = "string",
  IpPermissions = { {
    IpProtocol = "string", FromPort = "integer", ToPort = "integer",
    IpRanges = { { CidrIp = "string", Description = "string" } },
    Ipv6Ranges = { { CidrIpv6 = "string", Description = "string" } },
    Groups = { { GroupId = "string", GroupName = "string", UserId = "string", VpcId = "string", Description = "string" } },
  } },
  IpProtocol = "string", FromPort = "integer", ToPort = "integer", CidrIp = "string",
  SourceSecurityGroupName = "string", SourceSecurityGroupOwnerId = "string",
}

local NAMES = { ["6"] = "tcp", ["17"] = "udp", ["1"] = "icmp", ["58"] = "icmpv6", ["-1"] = "-1", tcp = "tcp", udp = "udp",
  icmp = "icmp", icmpv6 = "icmpv6", all = "-1" }

local function check_protocol(text)
  if not text then refuse("MissingParameter", "The request must contain the parameter ipProtocol") end
  local number = text:match("^%d+$") and tonumber(text)
  return NAMES[text:lower()] or number and number < 256 and text
    or refuse("InvalidPermission.Malformed", "Invalid protocol: '%s'", text)
end

local function check_ports(protocol, from, to)
  if protocol == "-1" then return -1, -1 end
  if protocol == "icmp" or protocol == "icmpv6" then return from or -1, to or -1 end
  if protocol ~= "tcp" and protocol ~= "udp" then return -1, -1 end
  if not from or not to then
    refuse("InvalidParameterValue", "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")
  end
  if from < 0 or to > 65535 or from > to then
    refuse("InvalidParameterValue", "Invalid value for portRange: %d to %d", from, to)
  end
  return from, to
end

local function check_ipv4(text)
  local cidr = text and ipv4.cidr(text)
  return cidr and cidr.text or refuse("InvalidParameterValue", "CIDR block %s is malformed", text or "(none)")
end

local function check_ipv6(text)
  local cidr = text and ipv6.cidr(text)
  return cidr and cidr.text or refuse("InvalidParameterValue", "CIDR block %s is malformed", text or "(none)")
end

-- The group that a pair names, by id or by its name in the same VPC.
local function find_group(world, pair, vpc)
  if pair.GroupId then return world:find("security_group", pair.GroupId) end
  local found = world:all("security_group", function(group) return group.vpc == vpc and group.name == pair.GroupName end)[1]
  return found or refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", pair.GroupName or "")
end

-- The sources of one permission: { kind, value, description }.
local function sources_of(world, permission, vpc)
  local sources = {}
  for _, range in ipairs(permission.IpRanges or {}) do
    sources[#sources + 1] = { kind = "ipv4", value = check_ipv4(range.CidrIp), description = range.Description }
  end
  for _, range in ipairs(permission.Ipv6Ranges or {}) do
    sources[#sources + 1] = { kind = "ipv6", value = check_ipv6(range.CidrIpv6), description = range.Description }
  end
  for _, pair in ipairs(permission.Groups or {}) do
    sources[#sources + 1] = { kind = "group", value = find_group(world, pair, vpc).id, description = pair.Description }
  end
  if #sources == 0 then
    refuse("MissingParameter", "The request must contain a source: ipRanges, ipv6Ranges or groups")
  end
  return sources
end

local function flat_permission(params)
  local permission = { IpProtocol = params.IpProtocol, FromPort = params.FromPort, ToPort = params.ToPort }
  if params.CidrIp then permission.IpRanges = { { CidrIp = params.CidrIp } } end
  if params.SourceSecurityGroupName then permission.Groups = { { GroupName = params.SourceSecurityGroupName } } end
  return permission
end

local function permissions_of(params)
  local is_flat = params.IpProtocol or params.CidrIp or params.SourceSecurityGroupName
  if is_flat and params.IpPermissions then
    refuse("InvalidParameterCombination", "The parameter ipPermissions may not be used with the parameter ipProtocol")
  end
  if is_flat then return { flat_permission(params) } end
  if not params.IpPermissions or #params.IpPermissions == 0 then
    refuse("MissingParameter", "The request must contain the parameter ipPermissions")
  end
  return params.IpPermissions
end

--- The rules that a request names, one for each source.
---@param world table
---@param params table
---@param vpc table in which group names are looked up
---@return table[] rules `{ protocol, from, to, kind, value, description }`
function M.read(world, params, vpc)
  local rules = {}
  for _, permission in ipairs(permissions_of(params)) do
    local protocol = check_protocol(permission.IpProtocol)
    local from, to = check_ports(protocol, permission.FromPort, permission.ToPort)
    for _, source in ipairs(sources_of(world, permission, vpc)) do
      rules[#rules + 1] = { protocol = protocol, from = from, to = to, kind = source.kind, value = source.value,
        description = source.description }
    end
  end
  return rules
end

--- What makes two rules the same.
---@param rule table
---@return string
function M.key(rule)
  return table.concat({ rule.protocol, rule.from, rule.to, rule.kind, rule.value }, " ")
end

local SETS = {
  ipv4 = function(permission, rule)
    table.insert(permission.ipRanges, { cidrIp = rule.value, description = rule.description })
  end,
  ipv6 = function(permission, rule)
    table.insert(permission.ipv6Ranges, { cidrIpv6 = rule.value, description = rule.description })
  end,
  group = function(permission, rule, account)
    table.insert(permission.groups, { groupId = rule.value, userId = account, description = rule.description })
  end,
}

--- Rules as answers group them: one permission for each protocol and port range.
---@param rules table[]
---@param account string
---@return table[]
function M.view(rules, account)
  local set, by_key = {}, {}
  for _, rule in ipairs(rules) do
    local key = rule.protocol .. " " .. rule.from .. " " .. rule.to
    local permission = by_key[key]
    if not permission then
      local ports = rule.protocol ~= "-1"
      permission = { ipProtocol = rule.protocol, fromPort = ports and rule.from or nil, toPort = ports and rule.to or nil,
        ipRanges = {}, ipv6Ranges = {}, groups = {}, prefixListIds = {} }
      by_key[key] = permission
      set[#set + 1] = permission
    end
    SETS[rule.kind](permission, rule, account)
  end
  return set
end

--- One rule as DescribeSecurityGroupRules shows it.
---@param rule table
---@param account string
---@return table
function M.rule_view(rule, account)
  return {
    securityGroupRuleId = rule.id,
    groupId = rule.group.id,
    groupOwnerId = account,
    isEgress = rule.egress,
    ipProtocol = rule.protocol,
    fromPort = rule.from,
    toPort = rule.to,
    cidrIpv4 = rule.kind == "ipv4" and rule.value or nil,
    cidrIpv6 = rule.kind == "ipv6" and rule.value or nil,
    referencedGroupInfo = rule.kind == "group" and { groupId = rule.value, userId = account } or nil,
    description = rule.description,
  }
end

return M
