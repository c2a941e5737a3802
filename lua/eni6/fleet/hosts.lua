--- The hosts of a plan: checked one by one, then against each other. Addresses
-- may be relative to the subnet (`::1:1`); once the subnet is known, `place`
-- gives the whole ones.

local ip6 = require "eni6.ip6"
local fields = require "eni6.fleet.fields"
local places = require "eni6.fleet.places"
local user_data = require "eni6.fleet.user_data"

local hosts = {}

local HOST_FIELDS = { name = true, address = true, block = true, prefix = true, image = true, instance_type = true,
  user_data = true }
local COUNT_FIELDS = { count = true, name = true, block = true, prefix = true }
local MOST_HOSTS = 1000
local DEFAULT_LENGTH = 126
local DELEGATED_LENGTH = 80 -- what EC2 delegates is exactly a /80

-- AWS keeps the first four addresses of a subnet, and the last one.
local RESERVED = ip6.prefix "::/126"

-- What is written relative to a subnet.
local RELATIVE = ip6.prefix "::/64"

-- "::6/126" has host bits: say which block of that length holds it, and the next.
local function not_aligned(address, length)
  local holds = address:prefix(length)
  local after = holds:last():offset(1)
  local fitting = {}
  if not holds:overlaps(RESERVED) then fitting[1] = tostring(holds) end
  if after then fitting[#fitting + 1] = tostring(after:prefix(length)) end
  return string.format("%s/%d is not aligned: a /%d begins at a multiple of 2^%d; use %s", address, length, length,
    128 - length, table.concat(fitting, " or "))
end

-- The prefix that a text names, or nil and what is wrong with it.
local function parse_block(text)
  local block, message = ip6.prefix(text)
  if block then return block end
  local address, length = ip6.interface(text)
  if address and length > 64 then return nil, not_aligned(address, length) end
  return nil, message
end

local function block_length_fault(length)
  if length > 126 and length <= 128 then
    return "a /" .. length .. " leaves no address for a container (the first stays free, the second is the bridge's); "
      .. "use 126 or less"
  end
  if length < 120 then
    return "a /" .. length .. " of single addresses fits on no instance type; use prefix = 80 to have a /80 delegated"
  end
  return "a block's length is from 120 to 126, not " .. length
end

-- A block of single addresses: a length, or text with one.
local function check_block(value)
  local block, message
  if type(value) == "string" then
    block, message = parse_block(value)
    if not block then return nil, message end
  elseif math.type(value) ~= "integer" then
    return nil, 'must be a block ("::8/126") or its length (126), not ' .. fields.shown(value)
  end
  local length = block and block.length or value
  if length < 120 or length > 126 then return nil, block_length_fault(length) end
  return { length = length, at = block, delegated = false }
end

-- A delegated prefix: 80, or text with it.
local function check_prefix(value)
  local block, message
  if type(value) == "string" then
    block, message = parse_block(value)
    if not block then return nil, message end
  elseif value ~= DELEGATED_LENGTH then
    return nil, 'must be 80, the only length that EC2 delegates, or such a prefix ("::1:0:0:0/80"), not '
      .. fields.shown(value)
  end
  if block and block.length ~= DELEGATED_LENGTH then
    return nil, "EC2 delegates exactly a /80, not a /" .. block.length .. "; for fewer addresses use block"
  end
  return { length = DELEGATED_LENGTH, at = block, delegated = true }
end

local function check_address(value)
  if type(value) ~= "string" then
    return nil, 'must be an address ("::1:1" or the whole one), not ' .. fields.shown(value)
  end
  return ip6.address(value)
end

-- The block or prefix of a host or of all counted ones.
local function range_of(raw, path, report)
  if raw.block ~= nil and raw.prefix ~= nil then
    report:add(places.join(path, "prefix"), "a host has a block of single addresses or a delegated prefix, not both", path)
  end
  local name = raw.prefix ~= nil and "prefix" or "block"
  local value = raw[name]
  if value == nil then value = DEFAULT_LENGTH end
  local check = name == "prefix" and check_prefix or check_block
  local range, message = check(value)
  if message then report:add(places.join(path, name), message, path) end
  if range then range.path = places.join(path, name) end
  return range
end

local function field(raw, name, check, path, report)
  if raw[name] == nil then return nil end
  local good, message = check(raw[name])
  if good == nil then report:add(places.join(path, name), message, path) end
  return good
end

local function check_host(raw, path, common, report)
  if type(raw) ~= "table" then
    report:add(path, 'a host is a table like { name = "instance-1" }, not ' .. fields.shown(raw), "hosts")
    return nil
  end
  report:unknown_fields(raw, path, HOST_FIELDS, places.join)
  if raw.name == nil then report:add(places.join(path, "name"), "missing; every host needs a name", path) end
  return {
    path = path,
    name = field(raw, "name", fields.host_name, path, report),
    address = field(raw, "address", check_address, path, report),
    range = range_of(raw, path, report),
    image = field(raw, "image", fields.image, path, report) or common.image,
    instance_type = field(raw, "instance_type", fields.instance_type, path, report) or common.instance_type,
    user_data = field(raw, "user_data", user_data.check, path, report) or common.user_data,
  }
end

local function listed(raw, common, report)
  local list = {}
  if #raw == 0 then
    report:add("hosts", 'a plan needs at least one: { { name = "instance-1" } } or { count = 2 }')
  end
  if #raw > MOST_HOSTS then report:add("hosts", "at most " .. MOST_HOSTS .. " hosts fit in a plan, not " .. #raw) end
  for i = 1, math.min(#raw, MOST_HOSTS) do
    list[#list + 1] = check_host(raw[i], places.join("hosts", i), common, report)
  end
  return list
end

-- { count = 20, block = 126 }: host-1 to host-20.
local function counted(raw, common, report)
  report:unknown_fields(raw, "hosts", COUNT_FIELDS, places.join)
  local count = field(raw, "count", fields.integer(1, MOST_HOSTS), "hosts", report) or 0
  local name = field(raw, "name", fields.host_name, "hosts", report) or "host"
  local range = range_of(raw, "hosts", report)
  if range and range.at then
    report:add(range.path, "counted hosts have a block each: give its length (" .. range.length .. "), not where it is",
      "hosts")
    range.at = nil
  end
  local list = {}
  for i = 1, count do
    list[i] = { path = "hosts", name = name .. "-" .. i, range = range, image = common.image,
      instance_type = common.instance_type, user_data = common.user_data }
  end
  return list
end

local function check_names(list, report)
  local seen = {}
  for _, host in ipairs(list) do
    local name = host.name and host.name:lower()
    if name and seen[name] then
      report:add(places.join(host.path, "name"), string.format("%q is also the name of %s", host.name, seen[name]), host.path)
    end
    if name then seen[name] = seen[name] or host.path end
  end
end

-- Every address and block that the plan gives, as prefixes with their paths.
local function given(list)
  local found = {}
  for _, host in ipairs(list) do
    if host.address then
      found[#found + 1] = { prefix = host.address:prefix(128), path = places.join(host.path, "address"), near = host.path,
        text = tostring(host.address) }
    end
    if host.range and host.range.at then
      found[#found + 1] = { prefix = host.range.at, path = host.range.path, near = host.path,
        text = tostring(host.range.at) }
    end
  end
  return found
end

-- Aligned blocks are disjoint or nested, so in order of address, the larger
-- first, whatever overlaps lies inside one of those still open.
local function check_overlaps(found, report)
  table.sort(found, function(a, b) return a.prefix < b.prefix end)
  local open
  for _, item in ipairs(found) do
    if open and open.prefix:contains(item.prefix) then
      local same = open.prefix == item.prefix
      local late, early = item, open
      if late.path < early.path then late, early = early, late end
      report:add(late.path, string.format("%s %s %s of %s", late.text, same and "is also the" or "overlaps the",
        early.text, early.path), late.near)
    else
      open = item
    end
  end
end

local function check_reserved(found, report)
  for _, item in ipairs(found) do
    if item.prefix:overlaps(RESERVED) then
      report:add(item.path, item.text .. " holds one of the first four addresses of the subnet (::0 to ::3), which AWS "
        .. "keeps; start at ::4", item.near)
    end
  end
end

-- The prefix of a network that is still to be made is Amazon's to choose.
local function check_relative(found, report)
  for _, item in ipairs(found) do
    if not RELATIVE:contains(item.prefix) then
      report:add(item.path, item.text .. " cannot be asked for: the prefix of the network that vpc makes is not known before; "
        .. "write it relative to the subnet, like ::1:1 or ::8/126", item.near)
    end
  end
end

-- A host without image or type has them from the plan; one fault serves all.
local function check_complete(list, missing, report)
  local remedy = { image = 'give an image ("ami-…" or "resolve:ssm:/aws/service/…", here or with --image)',
    instance_type = 'give one, like "r5d.large"' }
  for _, name in ipairs { "image", "instance_type" } do
    for _, host in ipairs(list) do
      if missing[name] and host[name] == nil then
        report:add(name, "missing; " .. remedy[name], "")
        break
      end
    end
  end
end

-- The hosts of either form: a list, or a table that says how many.
local function read(raw, common, report)
  if raw == nil then
    report:add("hosts", 'missing; give { { name = "instance-1" } } or { count = 2 }', "")
    return {}
  elseif type(raw) ~= "table" then
    report:add("hosts", "must be a list of hosts, or { count = 20 }, not " .. fields.shown(raw))
    return {}
  elseif raw.count == nil and #raw == 0 and next(raw) ~= nil then
    report:add("hosts.count", "missing; hosts is a list, or says how many", "hosts")
  end
  if raw.count ~= nil or (#raw == 0 and next(raw) ~= nil) then return counted(raw, common, report) end
  for key in pairs(raw) do
    if math.type(key) ~= "integer" or key < 1 or key > #raw then
      report:add(places.join("hosts", key), "unknown field; hosts is a list, or a table with count", "hosts")
    end
  end
  return listed(raw, common, report)
end

--- Checks the hosts of a plan as far as that goes without knowing the subnet.
---@param raw any         the plan's field
---@param common { image: string?, instance_type: string?, user_data: table?, vpc: table? }
---@param missing { image: boolean, instance_type: boolean }  whether the plan has none for all hosts
---@param report table    eni6.fleet.faults
---@return table[] hosts  { name, path, address?, range = { length, at?, delegated, path }, image, instance_type, user_data? }
function hosts.check(raw, common, missing, report)
  local list = read(raw, common, report)
  check_names(list, report)
  local found = given(list)
  check_overlaps(found, report)
  check_reserved(found, report)
  if common.vpc then check_relative(found, report) end
  check_complete(list, missing, report)
  return list
end

-- The whole address or block under the subnet, or nil and a fault.
local function place_one(subnet, value, path, near, report)
  local placed = subnet:at(value)
  if not placed then
    report:add(path, string.format("%s is outside the subnet's %s; write it relative to the subnet, like ::1:1 or ::8/126",
      value, subnet), near)
    return nil
  end
  if subnet:last() == (placed.length and placed:last() or placed) then
    report:add(path, placed .. " holds the last address of the subnet, which AWS keeps", near)
  end
  return placed
end

local function place_host(subnet, host, report)
  local range = host.range
  return {
    path = host.path, name = host.name, image = host.image, instance_type = host.instance_type,
    user_data = host.user_data,
    address = host.address and place_one(subnet, host.address, places.join(host.path, "address"), host.path, report),
    range = { path = range.path, delegated = range.delegated, length = range.length,
      at = range.at and place_one(subnet, range.at, range.path, host.path, report) },
  }
end

--- Gives each host its whole addresses under the subnet, and checks them again:
--- a relative and a whole address may turn out to be the same.
---@param list table[]    from check
---@param subnet any      eni6.ip6 prefix
---@param report table    eni6.fleet.faults; look at its count
---@return table[] hosts  as given, with address and range.at under the subnet
function hosts.place(list, subnet, report)
  local placed = {}
  for i, host in ipairs(list) do placed[i] = place_host(subnet, host, report) end
  if report.count == 0 then check_overlaps(given(placed), report) end
  return placed
end

return hosts
