--- Makes one address be on a link, or not be there. Undo: as it was, lifetimes and
--- flags included.
--
-- step: { kind = "address", link =, address = with its length, absent = boolean }

local insist = require("eni6.host.insist")

local address = { volatile = true } -- gone with a reboot

function address.describe(step)
  if step.absent then return string.format("take %s from %s", step.address, step.link) end
  return string.format("put %s on %s", step.address, step.link)
end

local function bits(text) return (text:match("^[^/]*")) end

-- JSON knows no infinity; a missing lifetime means the same.
local function finite(record)
  for _, name in ipairs({ "valid_lft", "preferred_lft" }) do
    if record[name] == math.huge then record[name] = nil end
  end
  return record
end

function address.before(step, world)
  local list, message, code = world.netlink:addresses({ link = step.link, family = "inet6" })
  if not list then return nil, message, code end
  local old = { link = step.link, address = bits(step.address) }
  for _, record in ipairs(list) do
    if bits(record.address) == old.address then old.record = finite(record) end
  end
  return old
end

-- An address that failed duplicate detection stays dead until it was away.
local function remove_dead(step, world)
  local list, message, code = world.netlink:addresses({ link = step.link, family = "inet6" })
  if not list then return nil, message, code end
  for _, record in ipairs(list) do
    if record.dadfailed and bits(record.address) == bits(step.address) then return world.netlink:delete_address(record) end
  end
  return true
end

local function change(step, world)
  if step.absent then return world.netlink:ensure_no_address({ link = step.link, address = step.address }) end
  local removed, message, code = remove_dead(step, world)
  if not removed then return nil, message, code end
  -- EC2 gives an address to one interface only, so duplicate detection would but delay.
  return world.netlink:ensure_address({ link = step.link, address = step.address, nodad = true },
    { replace_length = true })
end

function address.run(step, world)
  local done, message, code = insist(world, function() return change(step, world) end)
  return done and true, message, code
end

local function restore(old, nl)
  local done, message, code = nl:ensure_no_address({ link = old.link, address = old.address })
  if not done or not old.record then return done and true, message, code end
  return nl:replace_address(old.record)
end

function address.undo(old, world)
  return insist(world, function() return restore(old, world.netlink) end)
end

return address
