local system = require("eni6.core").system

return function()
  local poller = assert(system.poller())
  poller:set(0, "r") -- EPERM where stdin is a file
  poller:wake()
  poller:wait(0)
  poller:set(0, nil)
  poller:close()
end
