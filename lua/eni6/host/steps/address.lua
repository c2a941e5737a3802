--- Makes one address be on a link, or not be there. Its undo is that of the step of
--- the kind "link" before it.
--
-- step: { kind = "address", link =, address = with its length, absent = boolean }

local insist = require("eni6.host.insist")

local address = {}

function address.describe(step)
  if step.absent then return string.format("take %s from %s", step.address, step.link) end
  return string.format("put %s on %s", step.address, step.link)
end

local function bits(text) return (text:match("^[^/]*")) end

function address.before() return {} end

-- An address that failed duplicate detection stays dead until it was away; one that is
-- still under it need not be waited for: EC2 gives an address to one interface only.
local function remove_unusable(step, world)
  local list, message, code = world.netlink:addresses({ link = step.link, family = "inet6" })
  if not list then return nil, message, code end
  for _, record in ipairs(list) do
    local unusable = record.dadfailed or record.tentative
    if unusable and bits(record.address) == bits(step.address) then return world.netlink:delete_address(record) end
  end
  return true
end

local function change(step, world)
  if step.absent then return world.netlink:ensure_no_address({ link = step.link, address = step.address }) end
  local removed, message, code = remove_unusable(step, world)
  if not removed then return nil, message, code end
  return world.netlink:ensure_address({ link = step.link, address = step.address, nodad = true },
    { replace_length = true })
end

function address.run(step, world)
  local done, message, code = insist(world, function() return change(step, world) end)
  return done and true, message, code
end

function address.undo() return true end

return address
