--- Makes one default route be there beside the others. Undo: the routes of that
--- metric as they were.
--
-- step: { kind = "route", link =, gateway =, metric = }

local insist = require("eni6.host.insist")

local route = { volatile = true } -- gone with a reboot

local DEFAULT = "::/0"

function route.describe(step)
  return string.format("route %s through %s on %s, metric %d", DEFAULT, step.gateway, step.link, step.metric)
end

local function of_metric(world, metric)
  return world.netlink:routes({ family = "inet6", table = "main", dst = DEFAULT, metric = metric })
end

function route.before(step, world)
  local list, message, code = of_metric(world, step.metric)
  if not list then return nil, message, code end
  local records = {}
  for i, record in ipairs(list) do records[i] = record end
  return { metric = step.metric, records = records }
end

function route.run(step, world)
  local done, message, code = insist(world, function()
    return world.netlink:ensure_route({
      dst = DEFAULT, gateway = step.gateway, link = step.link, metric = step.metric, onlink = true, protocol = "static",
    })
  end)
  return done and true, message, code
end

local function restore(old, nl)
  local done, message, code = nl:ensure_no_route({ family = "inet6", dst = DEFAULT, metric = old.metric })
  if not done then return nil, message, code end
  for _, record in ipairs(old.records) do
    done, message, code = nl:append_route(record)
    if not done then return nil, message, code end
  end
  return true
end

function route.undo(old, world)
  return insist(world, function() return restore(old, world.netlink) end)
end

return route
