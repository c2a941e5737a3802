--- Writes one file, or removes one that eni6 wrote. Undo: the old content, or none.
--
-- step: { kind = "file", path =, text = string or nil (remove), mode = permission bits }

local file = {}

function file.describe(step)
  return (step.text and "write " or "remove ") .. step.path
end

function file.before(step, world)
  local text, message, code = world:read(step.path)
  if not text and message then return nil, message, code end
  return { path = step.path, text = text, mode = world:mode(step.path) }
end

function file.run(step, world)
  if step.text then return world:write(step.path, step.text, step.mode) end
  return world:remove(step.path)
end

function file.undo(old, world)
  if old.text then return world:write(old.path, old.text, old.mode) end
  return world:remove(old.path)
end

return file
