--- Names to IPv6 addresses, as this machine's own resolver sees them: /etc/hosts,
--- DNS and what else nsswitch.conf(5) names, asked through getent(1).

local resolver = {}

local SECONDS = 15

--- A name's IPv6 addresses.
---@param world table of eni6.host.world
---@param name string
---@return string[]|nil addresses empty where the name has none, or is not known
---@return boolean|string is_known false where the name does not exist or nobody answered; or message
---@return string? code "ETIMEDOUT", or why getent could not run
function resolver.ipv6(world, name)
  local result, message, code = world.process.run({ argv = { "getent", "ahostsv6", name }, timeout = SECONDS })
  if not result then return nil, "cannot look up " .. name .. ": " .. message, code end
  local list, seen = {}, {}
  for address in result.stdout:gmatch("([^\n%s]+)[^\n]*") do
    -- An IPv4 address stands there as a mapped one (RFC 4291, section 2.5.5.2).
    if not address:find("^::ffff:") and not seen[address] then list[#list + 1], seen[address] = address, true end
  end
  return list, result.status == 0
end

return resolver
