--- Runs a program, and another one on the way back; either may be missing. A step
--- with only `undo_argv` in front of some files runs it after they were put back.
--
-- step: { kind = "command", text = for a person, argv =, undo_argv =, seconds = }

local command = {}

function command.describe(step)
  return step.argv and (step.text or table.concat(step.argv, " ")) or nil
end

function command.before(step)
  return { argv = step.undo_argv, seconds = step.seconds }
end

function command.run(step, world)
  if not step.argv then return true end
  local output, message, code = world:run(step.argv, step.seconds)
  return output and true, message, code
end

function command.undo(old, world)
  if not old.argv then return true end
  local output, message, code = world:run(old.argv, old.seconds)
  return output and true, message, code
end

return command
