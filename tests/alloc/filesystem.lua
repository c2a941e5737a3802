local filesystem = require("eni6.filesystem")
local folder = os.tmpname()
os.remove(folder)

return function()
  assert(filesystem.make_directory(folder))
  assert(filesystem.replace(folder .. "/f", "x"))
  assert(filesystem.append(folder .. "/f", "y"))
  assert(filesystem.stat(folder .. "/f").size == 2)
  assert(#assert(filesystem.list(folder)) >= 1)
  assert(filesystem.lock(folder .. "/lock")):close()
  filesystem.remove(folder .. "/f")
end
