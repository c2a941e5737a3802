--- A sandbox with a client of it, and the fleet's work on it, for tests.

local ec2 = require "eni6.aws.ec2"
local plan = require "eni6.fleet.plan"
local provision = require "eni6.fleet.provision"
local sandbox = require "support.sandbox"
local teardown = require "eni6.fleet.teardown"

local fleet = {}
fleet.__index = fleet

--- Starts a sandbox.
---@param arguments string[]|nil  of scripts/sandbox.lua
function fleet.start(arguments)
  local box = sandbox.start(arguments)
  local self = setmetatable({ sandbox = box, events = {} }, fleet)
  self.ec2 = self:client()
  return self
end

--- One more client of it.
---@param options table|nil  of eni6.aws.ec2.new
function fleet:client(options)
  local env = self.sandbox.env
  local all = { region = env.AWS_REGION, endpoint = self.sandbox.url, getenv = function() return nil end,
    read_file = function() return nil, "no such file", "ENOENT" end,
    credentials = { access_key_id = env.AWS_ACCESS_KEY_ID, secret_access_key = env.AWS_SECRET_ACCESS_KEY } }
  for name, value in pairs(options or {}) do all[name] = value end
  return assert(ec2.new(all))
end

function fleet:stop() return self.sandbox:stop() end

--- The text of a plan on this sandbox.
---@param hosts string  Lua for the field
---@param more string|nil  more fields
function fleet:plan_text(hosts, more)
  return string.format('return { name = "a-plan", subnet = %q, security_groups = { %q }, image = %q, instance_type = '
    .. '"r5d.large", hosts = %s, %s }', self.sandbox.subnet_id, self.sandbox.security_group_id, self.sandbox.image_id, hosts,
    more or "")
end

--- A plan of the sandbox's subnet, group and image.
---@param hosts string
---@param more string|nil  fields that come after, and so replace
---@param name string|nil
function fleet:plan(hosts, more, name)
  local text = self:plan_text(hosts, more)
  if name then text = text:gsub('"a%-plan"', '"' .. name .. '"') end
  return assert(plan.load("a-plan.lua", { text = text, getenv = function() return nil end }))
end

--- Provisions a plan; events are kept.
---@param one table
---@param options table|nil  of eni6.fleet.provision
function fleet:provision(one, options)
  local all = { patience = 10, observe = function(event) table.insert(self.events, event) end }
  for name, value in pairs(options or {}) do all[name] = value end
  return provision.run(all.client or self.ec2, one, all)
end

---@param name string
---@param options table|nil  of eni6.fleet.teardown
function fleet:teardown(name, options)
  local all = { patience = 10, settle = 0 }
  for key, value in pairs(options or {}) do all[key] = value end
  return teardown.run(self.ec2, { name = name }, all)
end

local function tag(item, key)
  for _, one in ipairs(item.tagSet or {}) do
    if one.key == key then return one.value end
  end
end
fleet.tag = tag

--- What truly exists and carries a plan's tag, by family: lists of ids; ended instances do not count.
---@param name string
---@return table<string, string[]>
function fleet:resources(name)
  local ids = { network_interfaces = "networkInterfaceId", instances = "instanceId", key_pairs = "keyPairId", vpcs = "vpcId",
    subnets = "subnetId", internet_gateways = "internetGatewayId", security_groups = "groupId" }
  local state, found = self.sandbox:state(), {}
  for family, id in pairs(ids) do
    local list = {}
    for _, item in ipairs(state[family] or {}) do
      local ended = item.instanceState and item.instanceState.name == "terminated"
      if tag(item, "eni6:plan") == name and not ended then list[#list + 1] = item[id] end
    end
    if #list > 0 then found[family] = list end
  end
  return found
end

--- How many of each family carry a plan's tag.
---@param name string
---@return table<string, integer>
function fleet:counts(name)
  local counts = {}
  for family, list in pairs(self:resources(name)) do counts[family] = #list end
  return counts
end

--- The requests so far that are no questions, in order.
---@return string[]
function fleet:changes()
  local list = {}
  for _, entry in ipairs(self.sandbox:log()) do
    if entry.operation and not entry.operation:match("^Describe") and not entry.operation:match("^Get") then
      list[#list + 1] = entry.operation
    end
  end
  return list
end

return fleet
