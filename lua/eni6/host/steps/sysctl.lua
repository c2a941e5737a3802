--- Sets one kernel setting. Undo: the value it had.
--
-- step: { kind = "sysctl", name = with slashes, value = string }

local sysctl = { volatile = true } -- gone with a reboot

function sysctl.describe(step)
  return string.format("set %s to %s", step.name, step.value)
end

function sysctl.before(step, world)
  local value = world:read_sysctl(step.name)
  if not value then
    return nil, "the kernel has no setting " .. step.name .. "; is IPv6 disabled (ipv6.disable=1)?", "ENOENT"
  end
  return { name = step.name, value = value }
end

function sysctl.run(step, world)
  return world:write_sysctl(step.name, step.value)
end

function sysctl.undo(old, world)
  return world:write_sysctl(old.name, old.value)
end

return sysctl
