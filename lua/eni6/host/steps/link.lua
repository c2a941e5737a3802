--- Remembers the addresses of a link, and its default routes of one metric, before
--- others change them. Undo, when all else was put back: they are as they were. Where
--- systemd-networkd is in charge it fetches its leases again; until it has them, the
--- addresses stand with the time that they had left, so that the machine is reachable.
--
-- step: { kind = "link", link =, address = what will be there, gateway =, metric =,
--         managed = whether networkd is told of changes }

local insist = require("eni6.host.insist")
local manager = require("eni6.host.manager")

local link = { volatile = true } -- gone with a reboot

local DEFAULT = "::/0"
local PAUSE, QUIET, PATIENCE = 0.05, 1, 30
local GRACE = 60 -- s that a lease that ran out meanwhile stands, for networkd to take it anew

function link.describe() return nil end

local function bits(text) return (text:match("^[^/]*")) end

-- JSON knows no infinity; a missing lifetime means the same.
local function finite(record)
  for _, name in ipairs({ "valid_lft", "preferred_lft" }) do
    if record[name] == math.huge then record[name] = nil end
  end
  return record
end

local function global_addresses(nl, name)
  local list, message, code = nl:addresses({ link = name, family = "inet6" })
  if not list then return nil, message, code end
  local records = {}
  for _, record in ipairs(list) do
    if record.scope ~= "link" then records[#records + 1] = finite(record) end
  end
  return records
end

local function default_routes(nl, metric)
  local list, message, code = nl:routes({ family = "inet6", table = "main", dst = DEFAULT, metric = metric })
  if not list then return nil, message, code end
  local records = {}
  for i, record in ipairs(list) do records[i] = record end
  return records
end

local function has_other_way(nl, metric)
  for _, route in ipairs(default_routes(nl) or {}) do
    if route.metric ~= metric then return true end
  end
  return false
end

function link.before(step, world)
  local state = step.managed and manager.settle(world, step.link) or nil
  local addresses, message, code = global_addresses(world.netlink, step.link)
  if not addresses then return nil, message, code end
  local old = { link = step.link, address = step.address, addresses = addresses, gateway = step.gateway, metric = step.metric,
    managed = step.managed, clock = world.tasks.now(), state = state }
  if not step.metric then return old end
  old.routes, message, code = default_routes(world.netlink, step.metric)
  if not old.routes then return nil, message, code end
  old.gateway = has_other_way(world.netlink, step.metric) and step.gateway or nil
  return old
end

function link.run() return true end

-- What is left of a lifetime.
local function remaining(lifetime, elapsed)
  return lifetime and math.floor(math.max(GRACE, lifetime - elapsed)) or nil
end

-- The record to put back now. EC2 gives an address to one interface only, so duplicate
-- detection would but delay.
local function to_write(record, elapsed)
  local fields = {}
  for name, value in pairs(record) do fields[name] = value end
  fields.nodad, fields.tentative, fields.dadfailed = true, nil, nil
  fields.valid_lft, fields.preferred_lft = remaining(record.valid_lft, elapsed), remaining(record.preferred_lft, elapsed)
  return fields
end

local function is_as_before(record, present)
  return present and present.address == record.address and not present.dadfailed
    and (present.valid_lft == nil) == (record.valid_lft == nil)
    and (present.noprefixroute or false) == (record.noprefixroute or false)
end

local function restore_address(old, record, present, world)
  if is_as_before(record, present) then return 0 end
  local nl = world.netlink
  local done, message, code = nl:ensure_no_address({ link = old.link, address = bits(record.address) })
  if done then done, message, code = nl:replace_address(to_write(record, world.tasks.now() - old.clock)) end
  if done then return 1 end
  return nil, string.format("%s on %s: %s", record.address, old.link, message), code
end

-- The addresses as they were; how many had to be changed for it.
local function restore_addresses(old, world)
  local list, message, code = global_addresses(world.netlink, old.link)
  if not list then return nil, message, code end
  local present, changes, fault = {}, 0, nil
  for _, record in ipairs(list) do present[bits(record.address)] = record end
  local is_new = present[old.address] ~= nil
  for _, record in ipairs(old.addresses) do
    if bits(record.address) == old.address then is_new = false end
    local changed, why, which = restore_address(old, record, present[bits(record.address)], world)
    changes = changes + (changed or 1)
    if not changed then fault, code = fault or why, which end
  end
  if is_new then
    local done, why, which = world.netlink:ensure_no_address({ link = old.link, address = old.address })
    changes = changes + 1
    if not done then fault, code = fault or why, which end
  end
  if fault then return nil, fault, code end
  return changes
end

local function text_of(routes)
  local texts = {}
  for i, route in ipairs(routes) do texts[i] = tostring(route.gateway) .. " " .. tostring(route.protocol) end
  table.sort(texts)
  return table.concat(texts, ", ")
end

-- The routes of our metric as they were; how many steps that took.
local function restore_routes(old, world)
  local nl = world.netlink
  local routes, message, code = default_routes(nl, old.metric)
  if not routes then return nil, message, code end
  if text_of(routes) == text_of(old.routes) then return 0 end
  local done
  done, message, code = nl:ensure_no_route({ family = "inet6", dst = DEFAULT, metric = old.metric })
  if not done then return nil, message, code end
  for _, record in ipairs(old.routes) do
    done, message, code = nl:append_route(record)
    if not done then return nil, message, code end
  end
  return 1
end

-- Ours stands until the only other way out is advertised again.
local function hold_route(old, world)
  local done, message, code = world.netlink:ensure_route({ dst = DEFAULT, gateway = old.gateway, link = old.link,
    metric = old.metric, onlink = true, protocol = "static" })
  return done and 1, message, code
end

local function change_routes(old, world)
  if old.gateway and old.managed and not has_other_way(world.netlink, old.metric) then return hold_route(old, world) end
  return restore_routes(old, world)
end

-- Both, as far as it goes; how much had to be changed.
local function restore(old, world)
  local changes, message, code = insist(world, function() return restore_addresses(old, world) end)
  if not old.metric then return changes, message, code end
  local more, why, which = insist(world, function() return change_routes(old, world) end)
  if not changes then return nil, message, code end
  if not more then return nil, why, which end
  return changes + more
end

local MEND = "see journalctl -u systemd-networkd; to mend it: networkctl reconfigure %s, then configure.lua rollback"

-- Why it is not yet as it was; nil when it is.
local function open_question(old, world, changes, message)
  if not changes then return message end
  local state = manager.state(world, old.link)
  if old.state == "configured" and state ~= old.state then
    return string.format("systemd-networkd has %s in the state %s, and the leases were left to run out", old.link,
      tostring(state)), state
  end
  if changes > 0 then return "addresses or routes of " .. old.link .. " do not stay as they were" end
end

-- networkd drops what it had of the new files, and fetches what the old ones name, in
-- its own time: put back again and again, until nothing moves.
local function restore_beside_networkd(old, world)
  local deadline, quiet_since, restarted = world.tasks.now() + PATIENCE, nil, false
  while true do
    local fault, state = open_question(old, world, restore(old, world))
    local now = world.tasks.now()
    quiet_since = not fault and (quiet_since or now) or nil
    if quiet_since and now - quiet_since >= QUIET then return true end
    if now > deadline then return nil, fault .. "; " .. MEND:format(old.link), "EROLLBACK" end
    if state == "failed" and not restarted then
      restarted = true
      manager.restart(world)
    end
    world.tasks.sleep(PAUSE)
  end
end

function link.undo(old, world)
  if old.managed and manager.is_active(world) then return restore_beside_networkd(old, world) end
  local changes, message, code = restore(old, world)
  return changes and true, message, code
end

return link
