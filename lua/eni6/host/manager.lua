--- systemd-networkd as it runs: told of new files, watched, and helped up.
--
-- While networkd has a static address in its queue, nobody else may give that
-- address another prefix length: up to version 252 at least, networkd looks a request
-- up by the length but not the address itself, so it takes over the kernel's length,
-- never finds its request again, and repeats it until 65,535 are unanswered. Then
-- everything is refused with ERANGE and the link stays failed. So: wait before it is
-- told, and wait again before the kernel's addresses are touched.

local manager = {}

local PAUSE = 0.05
local SETTLE, ATTEMPTS = 10, 3

-- sd-network's AdministrativeState: those that networkd leaves by itself.
local BUSY = { pending = true, initialized = true, configuring = true }

--- Whether networkd runs. It need not: an unconfirmed state is also undone early in a boot.
---@param world table
---@return boolean
function manager.is_active(world)
  return world:run({ "systemctl", "-q", "is-active", "systemd-networkd" }) ~= nil
end

--- What networkd says of a link: "configured", "configuring", "failed", "unmanaged" …
---@param world table
---@param link string
---@return string|nil state nil where it says nothing
function manager.state(world, link)
  local record = world.netlink:get_link({ link = link })
  local text = record and world:read("/run/systemd/netif/links/" .. math.floor(record.index))
  return text and text:match("ADMIN_STATE=(%S+)")
end

local function wait_until(world, seconds, is_so)
  local deadline = world.tasks.now() + seconds
  while not is_so() and world.tasks.now() < deadline do world.tasks.sleep(PAUSE) end
end

--- Waits until networkd has done with a link what it was about to do, for a while.
---@param world table
---@param link string
---@param seconds number|nil at most; default 10
---@return string|nil state as it is then
function manager.settle(world, link, seconds)
  local state
  wait_until(world, seconds or SETTLE, function()
    state = manager.state(world, link)
    return not BUSY[state]
  end)
  return state
end

--- Waits until an address is on a link with this length, for a while.
---@param world table
---@param link string
---@param address string with its length
function manager.await_address(world, link, address)
  wait_until(world, SETTLE, function()
    local record = world.netlink:get_address({ link = link, address = address:match("^[^/]*") })
    return record and record.address == address
  end)
end

--- Starts networkd anew, which also brings back a link that it gave up.
---@param world table
---@return true|nil ok, string? message, string? code
function manager.restart(world)
  local done, message, code = world:run({ "sh", "-c",
    "systemctl reset-failed systemd-networkd; systemctl restart systemd-networkd" })
  return done and true, message, code
end

--- Has networkd read its files anew, once it is at rest.
---@param world table
---@param link string the one whose configuration changes
---@param options { netplan: boolean|nil, insistent: boolean|nil } netplan: whether netplan writes networkd's files;
---   insistent: networkd is started anew where it refuses
---@return true|nil ok, string? message, string? code
function manager.reload(world, link, options)
  local done, message, code
  if options.netplan then
    done, message, code = world:run({ "netplan", "generate" })
    if not done then return nil, message, code end
  end
  if not manager.is_active(world) then return true end
  manager.settle(world, link)
  for attempt = 1, ATTEMPTS do
    done, message, code = world:run({ "networkctl", "reload" })
    if done then return true end
    if attempt < ATTEMPTS then world.tasks.sleep(1) end
  end
  if options.insistent then return manager.restart(world) end
  return nil, message, code
end

return manager
