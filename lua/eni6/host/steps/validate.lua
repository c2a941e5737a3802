--- Has netplan read files before they are put in its place: in a scratch root,
--- with those that are there now. Nothing to undo.
--
-- step: { kind = "validate", files = texts by path }

local validate = {}

function validate.describe() return nil end

function validate.before() return {} end

local function fill(scratch, step, world)
  for path, text in pairs(step.files) do
    local ok, message, code = world.filesystem.make_directory(scratch .. path:match("^(.*)/"))
    if ok then ok, message, code = world.filesystem.replace(scratch .. path, text, 384) end
    if not ok then return nil, message, code end
  end
  return world:run({ "netplan", "generate", "--root-dir", scratch })
end

function validate.run(step, world)
  local scratch = os.tmpname()
  os.remove(scratch)
  local output, message, code = fill(scratch, step, world)
  world.process.run({ argv = { "rm", "-rf", scratch } })
  if output then return true end
  return nil, "netplan refuses the new configuration (nothing was changed): " .. message, code
end

function validate.undo() return true end

return validate
