--- Whether what EC2 has fits what the plan wants: pure comparisons of a survey
-- with a plan, before anything is made. Each adds faults to a report.

local keys = require "eni6.fleet.keys"

local checks = {}

-- How many of an interface's addresses a host takes; a delegated prefix counts as one.
local function addresses_of(range) return 1 + (range.delegated and 1 or 2 ^ (128 - range.length)) end

local function limit_of(kind) return kind.NetworkInfo and kind.NetworkInfo.Ipv6AddressesPerInterface or 0 end

-- The largest block that fits beside the host's own address.
local function fitting_block(limit)
  for length = 120, 126 do
    if addresses_of { length = length } <= limit then return length end
  end
end

local function processors_of(kind) return kind.VCpuInfo and kind.VCpuInfo.DefaultVCpus or math.huge end

-- The smallest type of the same family that takes that many addresses.
local function fitting_type(all, name, wanted)
  local family, best = name:match("^[^.]+"), nil
  for other, kind in pairs(all) do
    local fits = other:match("^[^.]+") == family and limit_of(kind) >= wanted
    if fits and (not best or processors_of(kind) < processors_of(best)) then best = kind end
  end
  return best and best.InstanceType
end

local function limit_remedy(kind, wanted, family)
  local limit, remedies = limit_of(kind), {}
  local block = fitting_block(limit)
  if block then remedies[1] = "use block = " .. block end
  if kind.Hypervisor == "nitro" then remedies[#remedies + 1] = "use prefix = 80 (counts as one)" end
  local larger = fitting_type(family, kind.InstanceType, wanted)
  if larger then remedies[#remedies + 1] = "take a " .. larger end
  return #remedies > 0 and table.concat(remedies, ", or ") or "take another type"
end

local function check_type(host, kind, family, report)
  local path, range = host.range.path, host.range
  local wanted = addresses_of(range)
  if kind.NetworkInfo and kind.NetworkInfo.Ipv6Supported == false or limit_of(kind) == 0 then
    report:add("instance_type", kind.InstanceType .. " has no IPv6; take a type that has, like t3.micro", host.path)
  elseif range.delegated and kind.Hypervisor ~= "nitro" then
    report:add(path, kind.InstanceType .. " takes no delegated prefix, only Nitro types do; take another type, or use block",
      host.path)
  elseif wanted > limit_of(kind) then
    report:add(path, string.format("a /%d and the host's own address are %d addresses; %s takes %d on an interface: %s",
      range.length, wanted, kind.InstanceType, limit_of(kind), limit_remedy(kind, wanted, family)), host.path)
  end
end

--- Whether any host wants more addresses than its type takes.
---@param list table[]   hosts
---@param types table    of the survey
---@return boolean
function checks.exceeds_limits(list, types)
  for _, host in ipairs(list) do
    local kind = types[host.instance_type]
    if kind and addresses_of(host.range) > limit_of(kind) then return true end
  end
  return false
end

--- Checks every host against its instance type's limits.
---@param list table[]   hosts
---@param types table    of the survey: descriptions by name
---@param family table   more descriptions, for advice: larger types of the same families
---@param report table
function checks.types(list, types, family, report)
  local seen = {}
  for _, host in ipairs(list) do
    local kind = types[host.instance_type]
    -- Counted hosts share one range, and one fault serves them all.
    if kind and not seen[host.range] then check_type(host, kind, family, report) end
    seen[host.range] = true
  end
end

--- Checks that each image runs on its host's type.
---@param list table[]
---@param types table
---@param images table  of the survey
---@param report table
function checks.images(list, types, images, report)
  local seen = {}
  for _, host in ipairs(list) do
    local image, kind = images[host.image], types[host.instance_type]
    local supported = kind and kind.ProcessorInfo and kind.ProcessorInfo.SupportedArchitectures
    local pair = tostring(host.image) .. tostring(host.instance_type)
    if image and supported and not seen[pair] and not table.concat(supported, " "):find(image.Architecture, 1, true) then
      report:add("image", string.format("%s is for %s, and %s runs %s", host.image, image.Architecture, host.instance_type,
        table.concat(supported, ", ")), host.path)
    end
    seen[pair] = true
  end
end

--- Checks that the security groups are of the subnet's VPC.
---@param groups table[]  of the survey
---@param subnet { id: string, vpc: string }
---@param path string     where the plan has them
---@param report table
function checks.groups(groups, subnet, path, report)
  for _, group in ipairs(groups) do
    if group.VpcId ~= subnet.vpc then
      report:add(path, string.format("%s is of %s, the subnet %s of %s; name groups of the subnet's VPC",
        group.GroupId, group.VpcId, subnet.id, subnet.vpc), "")
    end
  end
end

--- Whether the key pair that EC2 has under the plan's name is the plan's.
---@param key { name: string, public_key: string? }
---@param found table|false  of DescribeKeyPairs
---@param report table
---@return boolean import  whether it has to be imported
function checks.key(key, found, report)
  if not found then
    if not key.public_key then
      report:add("key", "EC2 has no key pair " .. key.name .. "; name its public_key_file to have it imported", "")
    end
    return key.public_key ~= nil
  end
  if key.public_key and found.PublicKey and not keys.same(key.public_key, found.PublicKey) then
    report:add("key.name", "EC2 has another key under the name " .. key.name .. "; choose another name, or delete that one: "
      .. "aws ec2 delete-key-pair --key-name " .. key.name, "key")
  end
  return false
end

return checks
