--- Security groups and their rules.

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local permissions = require "eni6.sandbox.ec2.permissions"
local refuse = require("eni6.sandbox.refusal").refuse
local tags = require "eni6.sandbox.ec2.tags"

local M = {}
local operations = {}
M.operations = operations

local function add_rule(world, group, egress, rule, tagged)
  return world:insert("security_group_rule", { group = group, egress = egress, protocol = rule.protocol, from = rule.from,
    to = rule.to, kind = rule.kind, value = rule.value, description = rule.description, tags = tagged })
end

local ALL_IPV4 = { protocol = "-1", from = -1, to = -1, kind = "ipv4", value = "0.0.0.0/0" }
local ALL_IPV6 = { protocol = "-1", from = -1, to = -1, kind = "ipv6", value = "::/0" }

--- Makes a group; it lets everything out, as EC2's do, over IPv6 where the VPC has it.
---@param world table
---@param fields { vpc: table, name: string, description: string, tags: table|nil }
---@return table group
function M.create(world, fields)
  local group = world:insert("security_group", { vpc = fields.vpc, name = fields.name, description = fields.description,
    tags = fields.tags })
  add_rule(world, group, true, ALL_IPV4)
  if #fields.vpc.ipv6 > 0 then add_rule(world, group, true, ALL_IPV6) end
  return group
end

--- Lets the default group of a VPC out over IPv6 once the VPC has a block.
---@param world table
---@param vpc table
function M.allow_ipv6_out(world, vpc) add_rule(world, vpc.default_group, true, ALL_IPV6) end

--- Lets the members of a group reach each other, as a VPC's default group does.
---@param world table
---@param group table
function M.allow_self(world, group)
  add_rule(world, group, false, { protocol = "-1", from = -1, to = -1, kind = "group", value = group.id })
end

--- Adds an incoming rule.
---@param world table
---@param group table
---@param rule table
function M.allow(world, group, rule) add_rule(world, group, false, rule) end

local function rules_of(world, group, egress)
  return world:all("security_group_rule", function(rule)
    return rule.group == group and (egress == nil or rule.egress == egress)
  end)
end

--- Removes a group with its rules.
---@param world table
---@param group table
function M.remove(world, group)
  for _, rule in ipairs(rules_of(world, group)) do world:remove(rule) end
  world:remove(group)
end

local function view(group, world)
  return {
    groupId = group.id,
    groupName = group.name,
    groupDescription = group.description,
    vpcId = group.vpc.id,
    ownerId = world.account,
    ipPermissions = permissions.view(rules_of(world, group, false), world.account),
    ipPermissionsEgress = permissions.view(rules_of(world, group, true), world.account),
    tagSet = tags.view(group),
  }
end

-- A getter over the rules of one direction.
local function of_rules(egress, field)
  return function(group, world)
    local list = {}
    for _, rule in ipairs(rules_of(world, group, egress)) do list[#list + 1] = field(rule) end
    return list
  end
end

local function value_of(kind)
  return function(rule) return rule.kind == kind and rule.value or nil end
end

local getters = filters.fields { ["group-id"] = "id", ["group-name"] = "name", description = "description" }
getters["vpc-id"] = function(group) return group.vpc.id end
getters["owner-id"] = function(_, world) return world.account end
for prefix, egress in pairs { ["ip-permission."] = false, ["egress.ip-permission."] = true } do
  getters[prefix .. "protocol"] = of_rules(egress, function(rule) return rule.protocol end)
  getters[prefix .. "from-port"] = of_rules(egress, function(rule) return rule.from end)
  getters[prefix .. "to-port"] = of_rules(egress, function(rule) return rule.to end)
  getters[prefix .. "cidr"] = of_rules(egress, value_of("ipv4"))
  getters[prefix .. "ipv6-cidr"] = of_rules(egress, value_of("ipv6"))
  getters[prefix .. "group-id"] = of_rules(egress, value_of("group"))
end

-- Groups are asked for by name, too.
local function named(world, params)
  local names, wanted, known = params.GroupName, {}, {}
  if not names or #names == 0 then return nil end
  for _, group in ipairs(world:described("security_group")) do known[group.name] = true end
  for _, name in ipairs(names) do
    if not known[name] then refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", name) end
    wanted[name] = true
  end
  return function(group) return wanted[group.name] end
end

operations.DescribeSecurityGroups = describe.operation {
  family = "security_group", ids = "GroupId", set = "securityGroupInfo", view = view, filters = getters,
  bounds = { 5, 1000 }, parameters = { GroupName = { "string" } }, keep = named,
}

local rule_filters = filters.fields { ["security-group-rule-id"] = "id" }
rule_filters["group-id"] = function(rule) return rule.group.id end

operations.DescribeSecurityGroupRules = describe.operation {
  family = "security_group_rule", ids = "SecurityGroupRuleId", set = "securityGroupRuleSet", filters = rule_filters,
  bounds = { 5, 1000 },
  view = function(rule, world)
    local shown = permissions.rule_view(rule, world.account)
    shown.tagSet = tags.view(rule)
    return shown
  end,
}

operations.CreateSecurityGroup = {
  parameters = { GroupName = "string!", GroupDescription = "string!", VpcId = "string", TagSpecification = tags.parameters },
  run = function(world, params)
    if not params.VpcId then refuse("VPCIdNotSpecified", "No default VPC for this user") end
    local vpc = world:find("vpc", params.VpcId)
    local name = params.GroupName
    if name == "default" then refuse("InvalidParameterValue", "Cannot use reserved security group name: default") end
    if name:find("^sg%-") or #name > 255 or #name == 0 then
      refuse("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid.", name)
    end
    if world:all("security_group", function(group) return group.vpc == vpc and group.name == name end)[1] then
      refuse("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, vpc.id)
    end
    local specified = tags.specified(params.TagSpecification, "security-group")
    return function()
      local group = M.create(world, { vpc = vpc, name = name, description = params.GroupDescription,
        tags = specified["security-group"] })
      return { ["return"] = true, groupId = group.id, tagSet = tags.view(group) }
    end
  end,
}

-- The group that a request names; by name only where the name is unique.
local function find(world, params)
  if params.GroupId then return world:find("security_group", params.GroupId) end
  if not params.GroupName then refuse("MissingParameter", "The request must contain the parameter groupName or groupId") end
  local found = world:all("security_group", function(group) return group.name == params.GroupName end)
  if #found == 1 then return found[1] end
  return refuse("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC", params.GroupName)
end

local function is_used(world, group)
  for _, interface in ipairs(world:all("network_interface")) do
    for _, used in ipairs(interface.groups) do
      if used == group then return true end
    end
  end
  local referring = world:all("security_group_rule", function(rule)
    return rule.kind == "group" and rule.value == group.id and rule.group ~= group
  end)
  return #referring > 0
end

operations.DeleteSecurityGroup = {
  parameters = { GroupId = "string", GroupName = "string" },
  run = function(world, params)
    local group = find(world, params)
    if group.name == "default" then
      refuse("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", group.id)
    end
    if is_used(world, group) then refuse("DependencyViolation", "resource %s has a dependent object", group.id) end
    return function()
      M.remove(world, group)
      return { ["return"] = true }
    end
  end,
}

local function existing(world, group, egress)
  local by_key = {}
  for _, rule in ipairs(rules_of(world, group, egress)) do by_key[permissions.key(rule)] = rule end
  return by_key
end

local function check_duplicates(world, group, egress, rules)
  local known, seen = existing(world, group, egress), {}
  for _, rule in ipairs(rules) do
    local key = permissions.key(rule)
    if seen[key] then refuse("InvalidParameterValue", "The same permission must not appear multiple times") end
    if known[key] then
      refuse("InvalidPermission.Duplicate", 'the specified rule "peer: %s, %s, from port: %d, to port: %d, ALLOW" already exists',
        rule.value, rule.protocol, rule.from, rule.to)
    end
    seen[key] = true
  end
end

local function with(parameters, more)
  local all = {}
  for name, of in pairs(parameters) do all[name] = of end
  for name, of in pairs(more) do all[name] = of end
  return all
end

-- Outgoing rules are given to a group by its id alone.
local function rule_parameters(egress, more)
  more.GroupName = not egress and "string" or nil
  return with(permissions.parameters, more)
end

local function authorize(egress)
  return {
    parameters = rule_parameters(egress, { TagSpecification = tags.parameters }),
    run = function(world, params)
      local group = find(world, params)
      local rules = permissions.read(world, params, group.vpc)
      check_duplicates(world, group, egress, rules)
      local specified = tags.specified(params.TagSpecification, "security-group-rule")
      return function()
        local set = {}
        for i, rule in ipairs(rules) do
          local record = add_rule(world, group, egress, rule, with(specified["security-group-rule"], {}))
          set[i] = permissions.rule_view(record, world.account)
          set[i].tagSet = tags.view(record)
        end
        world:notify("security_group.changed", group)
        return { ["return"] = true, securityGroupRuleSet = set }
      end
    end,
  }
end

operations.AuthorizeSecurityGroupIngress = authorize(false)
operations.AuthorizeSecurityGroupEgress = authorize(true)

-- The records that a revocation names, by id or by their content.
local function revoked(world, params, group, egress)
  local records = {}
  if params.SecurityGroupRuleId then
    for i, id in ipairs(params.SecurityGroupRuleId) do
      records[i] = world:find("security_group_rule", id)
      if records[i].group ~= group or records[i].egress ~= egress then
        refuse("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", id)
      end
    end
    return records
  end
  local known = existing(world, group, egress)
  for i, rule in ipairs(permissions.read(world, params, group.vpc)) do
    records[i] = known[permissions.key(rule)]
      or refuse("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
  end
  return records
end

local function revoke(egress)
  return {
    parameters = rule_parameters(egress, { SecurityGroupRuleId = { "string" } }),
    run = function(world, params)
      local group = find(world, params)
      local records = revoked(world, params, group, egress)
      return function()
        for _, record in ipairs(records) do
          if not record.deleted then world:remove(record) end
        end
        world:notify("security_group.changed", group)
        return { ["return"] = true }
      end
    end,
  }
end

operations.RevokeSecurityGroupIngress = revoke(false)
operations.RevokeSecurityGroupEgress = revoke(true)

return M
