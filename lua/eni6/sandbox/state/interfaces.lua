--- Network interfaces as the world keeps them: making one, giving it addresses
--- and taking them away, attaching and detaching. No function here refuses: what
--- may be done is checked before (see `addressing` and the operations).

local ipv4 = require "eni6.sandbox.state.ipv4"
local ipv6 = require "eni6.sandbox.state.ipv6"

local M = {}

--- The lowest private IPv4 address that is free in a subnet.
---@param subnet table
---@return integer
local function next_ipv4(subnet)
  local number = subnet.cidr.first + 4
  while subnet.used_ipv4[number] do number = number + 1 end
  return number
end

local function take_ipv4(subnet, number, interface)
  subnet.used_ipv4[number] = interface
  subnet.used_ipv4_count = subnet.used_ipv4_count + 1
end

--- Gives an interface the IPv6 addresses and prefixes of a plan.
---@param interface table
---@param plan eni6.sandbox.addressing
---@return string[] addresses the new ones
---@return string[] prefixes the new ones
function M.give(interface, plan)
  local ledger, addresses, prefixes = plan.ledger, {}, {}
  for _, address in ipairs(plan.addresses) do
    ledger:take_address(address, interface)
    addresses[#addresses + 1] = address
  end
  for _, prefix in ipairs(plan.prefixes) do
    ledger:take_prefix(prefix, interface)
    prefixes[#prefixes + 1] = prefix
  end
  for _ = 1, plan.prefix_count do
    prefixes[#prefixes + 1] = assert(ledger:choose_prefix())
    ledger:take_prefix(prefixes[#prefixes], interface)
  end
  for _ = 1, plan.count do
    addresses[#addresses + 1] = ledger:choose_address()
    ledger:take_address(addresses[#addresses], interface)
  end
  for _, address in ipairs(addresses) do table.insert(interface.ipv6, address) end
  for _, prefix in ipairs(prefixes) do table.insert(interface.prefixes, prefix) end
  ipv6.sort(interface.ipv6)
  ipv6.sort(addresses)
  table.sort(interface.prefixes)
  return addresses, prefixes
end

local function remove_from(list, value)
  for i, other in ipairs(list) do
    if other == value then return table.remove(list, i) end
  end
end

--- Takes addresses and prefixes away from an interface.
---@param interface table
---@param addresses string[] canonical, the interface's own
---@param prefixes string[]
function M.take_away(interface, addresses, prefixes)
  local ledger = interface.subnet.ipv6 and interface.subnet.ipv6.ledger
  for _, address in ipairs(addresses) do
    ledger:drop_address(address)
    remove_from(interface.ipv6, address)
  end
  for _, prefix in ipairs(prefixes) do
    ledger:drop_prefix(prefix)
    remove_from(interface.prefixes, prefix)
  end
end

local function new_mac(world)
  local mac
  repeat
    mac = "0e:" .. world.random:hex(12):gsub("%x%x", "%0:"):sub(1, 14)
  until not world.taken[mac]
  world.taken[mac] = true
  return mac
end

local function give_ipv4(interface, fields)
  local subnet = interface.subnet
  if not subnet.cidr then return end
  local primary = fields.private_ipv4 or next_ipv4(subnet)
  take_ipv4(subnet, primary, interface)
  interface.private_ipv4 = { primary }
  for _ = 1, fields.more_private_ipv4 or 0 do
    local number = next_ipv4(subnet)
    take_ipv4(subnet, number, interface)
    table.insert(interface.private_ipv4, number)
  end
end

---@class eni6.sandbox.new_interface
---@field subnet table
---@field groups table[]
---@field description string
---@field addressing eni6.sandbox.addressing
---@field private_ipv4 integer|nil the primary one, chosen when absent
---@field more_private_ipv4 integer|nil how many more
---@field kind string|nil "interface"
---@field tags table|nil

--- Makes an interface.
---@param world table
---@param fields eni6.sandbox.new_interface
---@return table interface
function M.create(world, fields)
  local interface = world:insert("network_interface", {
    subnet = fields.subnet,
    vpc = fields.subnet.vpc,
    groups = fields.groups,
    description = fields.description,
    kind = fields.kind or "interface",
    mac = new_mac(world),
    ipv6 = {},
    prefixes = {},
    private_ipv4 = {},
    source_dest_check = true,
    status = "pending",
    tags = fields.tags,
  })
  give_ipv4(interface, fields)
  local addresses = M.give(interface, fields.addressing)
  if fields.addressing.primary then interface.primary_ipv6 = interface.ipv6[1] or addresses[1] end
  world:settle(function()
    if interface.status == "pending" then interface.status = "available" end
  end)
  return interface
end

--- Removes an interface and frees its addresses.
---@param world table
---@param interface table
function M.remove(world, interface)
  M.take_away(interface, { table.unpack(interface.ipv6) }, { table.unpack(interface.prefixes) })
  for _, number in ipairs(interface.private_ipv4) do
    interface.subnet.used_ipv4[number] = nil
    interface.subnet.used_ipv4_count = interface.subnet.used_ipv4_count - 1
  end
  world:remove(interface)
end

--- Attaches an interface to an instance.
---@param world table
---@param interface table
---@param instance table
---@param fields { device_index: integer, delete_on_termination: boolean|nil, card_index: integer|nil }
---@return table attachment
function M.attach(world, interface, instance, fields)
  local attachment = {
    id = world:new_id("eni-attach"),
    instance = instance,
    device_index = fields.device_index,
    card_index = fields.card_index or 0,
    delete_on_termination = fields.delete_on_termination or false,
    time = world.clock(),
    status = "attaching",
  }
  interface.attachment, interface.status = attachment, "in-use"
  table.insert(instance.interfaces, interface)
  table.sort(instance.interfaces, function(a, b) return a.attachment.device_index < b.attachment.device_index end)
  world:settle(function()
    if interface.attachment == attachment and attachment.status == "attaching" then
      attachment.status = "attached"
      world:notify("network_interface.attached", interface)
    end
  end)
  return attachment
end

--- Detaches an interface at once.
---@param world table
---@param interface table
function M.detach(world, interface)
  remove_from(interface.attachment.instance.interfaces, interface)
  interface.attachment, interface.status = nil, "available"
  world:notify("network_interface.detached", interface)
end

--- The private IPv4 addresses in text.
---@param interface table
---@return string[]
function M.private_ipv4(interface)
  local list = {}
  for i, number in ipairs(interface.private_ipv4) do list[i] = ipv4.text(number) end
  return list
end

return M
