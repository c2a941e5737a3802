--- Makes one default route be there beside the others. Its undo is that of the step
--- of the kind "link" before it.
--
-- step: { kind = "route", link =, gateway =, metric = }

local insist = require("eni6.host.insist")

local route = {}

local DEFAULT = "::/0"

function route.describe(step)
  return string.format("route %s through %s on %s, metric %d", DEFAULT, step.gateway, step.link, step.metric)
end

function route.before() return {} end

function route.run(step, world)
  local done, message, code = insist(world, function()
    return world.netlink:ensure_route({
      dst = DEFAULT, gateway = step.gateway, link = step.link, metric = step.metric, onlink = true, protocol = "static",
    })
  end)
  return done and true, message, code
end

function route.undo() return true end

return route
