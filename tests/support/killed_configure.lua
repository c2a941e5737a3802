-- Configures the machine that it runs on and is killed before the given step; prints
-- how many steps there are. Run inside a whole instance.

local tree = arg[0]:match("^(.*)/tests/")
package.path = tree .. "/lua/?.lua;" .. tree .. "/lua/?/init.lua;" .. package.path
package.cpath = tree .. "/build/release/lua5.4/?.so;" .. package.cpath

local configure = require "eni6.host.configure"
local world = require("eni6.host.world").new()
local options = { services = true }
local plan = assert(configure.plan(world, options))
io.stdout:write(#plan.steps, "\n")
io.stdout:flush()
options.on_step = function(number)
  if number == tonumber(arg[1]) then os.execute("kill -KILL $PPID") end
end
assert(configure.run(world, plan, options))
