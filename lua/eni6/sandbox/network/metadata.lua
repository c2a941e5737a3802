--- What an instance's metadata service shows: the tree below /latest/, from the
--- world's records. Pure.
--- https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html

local interfaces = require "eni6.sandbox.state.interfaces"
local ip6 = require "eni6.ip6"

local metadata = {}

-- The service writes addresses with all their groups: 2001:db8:47b:ca03:0:0:0:8.
local function long_form(text)
  local groups, bytes = {}, ip6.address(text):key()
  for i = 1, 16, 2 do
    local high, low = bytes:byte(i, i + 1)
    groups[#groups + 1] = string.format("%x", high * 256 + low)
  end
  return table.concat(groups, ":")
end

local function lines(list, form)
  if #list == 0 then return nil end
  local texts = {}
  for i, item in ipairs(list) do texts[i] = form and form(item) or item end
  return table.concat(texts, "\n")
end

local function blocks_of(subnet_or_vpc)
  local block = subnet_or_vpc.ipv6
  local list = {}
  for _, one in ipairs(block and (block.cidr and { block } or block) or {}) do list[#list + 1] = one.cidr.text end
  return lines(list)
end

local function interface_tree(interface)
  local ids = {}
  for i, group in ipairs(interface.groups) do ids[i] = group.id end
  return {
    ["device-number"] = tostring(interface.attachment.device_index),
    ["interface-id"] = interface.id,
    ["mac"] = interface.mac,
    ["ipv6s"] = lines(interface.ipv6, long_form),
    ["ipv6-prefix"] = lines(interface.prefixes),
    ["local-ipv4s"] = lines(interfaces.private_ipv4(interface)),
    ["subnet-id"] = interface.subnet.id,
    ["vpc-id"] = interface.vpc.id,
    ["subnet-ipv6-cidr-blocks"] = blocks_of(interface.subnet),
    ["vpc-ipv6-cidr-blocks"] = blocks_of(interface.vpc),
    ["security-group-ids"] = lines(ids),
  }
end

local function tags_tree(instance)
  if instance.metadata.InstanceMetadataTags ~= "enabled" then return nil end
  return { instance = instance.tags }
end

local function keys_tree(instance, world)
  local key = world:all("key_pair", function(record) return record.name == instance.key_name end)[1]
  return key and key.public_key and { ["0"] = { ["openssh-key"] = key.public_key } } or nil
end

local function network_tree(instance)
  local macs = {}
  for _, interface in ipairs(instance.interfaces) do macs[interface.mac] = interface_tree(interface) end
  return { interfaces = { macs = macs } }
end

local function document(instance, world)
  local json = require("eni6.rocks").need "dkjson"
  return json.encode({ accountId = world.account, instanceId = instance.id, instanceType = instance.type,
    imageId = instance.image.id, region = world.region, availabilityZone = instance.zone.name or instance.zone })
end

-- The keys of the instance's role, made when they are looked at.
local function role_tree(instance, world)
  if not instance.profile then return nil end
  local name = instance.profile.arn:match("[^/]+$")
  local function keys()
    local session = world.identities:server_session(name, instance.id)
    local updated = world.identities.timestamp(world.clock())
    return require("dkjson").encode({ Code = "Success", LastUpdated = updated, Type = "AWS-HMAC",
      AccessKeyId = session.access_key_id, SecretAccessKey = session.secret_access_key, Token = session.session_token,
      Expiration = world.identities.timestamp(session.expires) })
  end
  return { ["security-credentials"] = { [name] = keys } }
end

local function tree_of(instance, world)
  local main = instance.interfaces[1]
  local zone = instance.zone.name or instance.zone
  return {
    ["user-data"] = instance.user_data,
    dynamic = { ["instance-identity"] = { document = document(instance, world) } },
    ["meta-data"] = {
      ["ami-id"] = instance.image.id,
      ["instance-id"] = instance.id,
      ["instance-type"] = instance.type,
      ["mac"] = main and main.mac,
      ["local-ipv4"] = main and interfaces.private_ipv4(main)[1],
      ["placement"] = { ["availability-zone"] = zone, region = world.region },
      ["network"] = network_tree(instance),
      ["public-keys"] = keys_tree(instance, world),
      ["tags"] = tags_tree(instance),
      ["iam"] = role_tree(instance, world),
    },
  }
end

-- A folder's listing: names sorted, folders with a slash; tags are leaves.
local function listing(folder)
  local names = {}
  for name, item in pairs(folder) do names[#names + 1] = type(item) == "table" and name .. "/" or name end
  table.sort(names)
  return table.concat(names, "\n")
end

--- The text at a path below /latest/, nil where there is none.
---@param instance table
---@param world table
---@param path string
---@return string|nil
function metadata.at(instance, world, path)
  local item = tree_of(instance, world)
  for name in path:gmatch("[^/]+") do
    if type(item) ~= "table" then return nil end
    item = item[name]
  end
  if type(item) == "function" then return item() end
  if type(item) == "table" then return listing(item) end
  return item
end

return metadata
