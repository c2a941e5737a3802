local spawn = require("eni6.core").process.spawn

return function()
  local child = assert(spawn({ "/bin/cat" }, {
    env = { "A=1", "PATH" },
    cwd = "/",
    streams = { { "data", "text" }, { "pipe" }, { "stdout" } },
  }))
  child:reap()
  child:read(1)
  child:kill("KILL")
  repeat local status = child:reap() until status ~= nil
  child:close()
end
