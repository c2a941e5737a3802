local system = require("eni6.core").system

return function()
  assert(#system.random(100) == 100)
  assert(system.poll({ { 0, "r" } }, 0))
  assert(system.time() > 0)
end
