--- Has systemd-networkd take the new files; or, standing in front of them, the old
--- ones when they were put back.
--
-- step: { kind = "reload", link =, netplan = whether netplan writes networkd's files,
--         address = with its length, to wait for, or back = true for the way back }

local manager = require("eni6.host.manager")

local reload = {}

function reload.describe(step)
  if step.back then return nil end
  return "have systemd-networkd read its files"
end

function reload.before(step)
  return step.back and { link = step.link, netplan = step.netplan } or {}
end

-- The steps that follow change addresses, which networkd must not be doing then.
function reload.run(step, world)
  if step.back then return true end
  local done, message, code = manager.reload(world, step.link, { netplan = step.netplan })
  if done and manager.is_active(world) then manager.await_address(world, step.link, step.address) end
  return done, message, code
end

function reload.undo(old, world)
  if not old.link then return true end
  return manager.reload(world, old.link, { netplan = old.netplan, insistent = true })
end

return reload
