--- Which of apt's archives have an IPv6 address, and what to write so that apt goes
-- there. Sources are rewritten where their host has none and another is known that
-- has; all else stays as it is.

local apt = require("eni6.files.apt")
local resolver = require("eni6.host.resolver")

local archives = {}

local PATHS = { "^/etc/apt/sources%.list$", "^/etc/apt/sources%.list%.d/.*%.list$", "^/etc/apt/sources%.list%.d/.*%.sources$" }

local function is_source(path)
  for _, pattern in ipairs(PATHS) do
    if path:find(pattern) then return true end
  end
  return false
end

-- Paths of apt's sources among files, sorted.
local function sources(files)
  local paths = {}
  for path in pairs(files) do
    if is_source(path) then paths[#paths + 1] = path end
  end
  table.sort(paths)
  return paths
end

--- Whether a host name has an IPv6 address.
---@param world table of eni6.host.world
---@param host string
---@return boolean|nil has nil when nothing is known of the host, or nobody could be asked
function archives.has_ipv6(world, host)
  local addresses, is_known = resolver.ipv6(world, host)
  if not addresses or not is_known then return nil end
  return #addresses > 0
end

--- Looks up the hosts of all sources, and of their stand-ins where one has no address.
---@param files table<string, string> texts by path
---@param has_ipv6 fun(host: string): boolean|nil
---@return table<string, boolean> known by host; what is not known is absent
function archives.look(files, has_ipv6)
  local known = {}
  local function ask(host)
    if known[host] == nil then known[host] = has_ipv6(host) end
    return known[host]
  end
  for _, path in ipairs(sources(files)) do
    for _, host in ipairs(apt.hosts(files[path])) do
      if ask(host) == false then
        for _, candidate in ipairs(apt.candidates(host)) do ask(candidate) end
      end
    end
  end
  return known
end

local function stand_in(host, known)
  for _, candidate in ipairs(apt.candidates(host)) do
    if known[candidate] then return candidate end
  end
end

-- What to put in the place of hosts without an address; the hosts that still have none.
local function replacements(text, known)
  local map, stuck = {}, {}
  for _, host in ipairs(apt.hosts(text)) do
    if not known[host] then
      map[host] = known[host] == false and stand_in(host, known) or nil
      if not map[host] then stuck[#stuck + 1] = host end
    end
  end
  return map, stuck
end

--- The texts that apt needs to work over IPv6. Pure. apt is told to use IPv6 alone
--- (Acquire::ForceIPv6) only when every archive can be reached so.
---@param files table<string, string> texts by path
---@param known table<string, boolean> of look
---@return { path: string, text: string }[] changes where a file is not so yet
---@return string[] stuck hosts that have no IPv6 address, or are not known, and no stand-in
function archives.changes(files, known)
  local changes, stuck, paths = {}, {}, sources(files)
  for _, path in ipairs(paths) do
    local map, left = replacements(files[path], known)
    for _, host in ipairs(left) do stuck[#stuck + 1] = host end
    local text = apt.rewrite(files[path], map)
    if text ~= files[path] then changes[#changes + 1] = { path = path, text = text } end
  end
  local force = apt.render_force_ipv6()
  if #paths > 0 and #stuck == 0 and files[apt.FORCE_IPV6_PATH] ~= force then
    changes[#changes + 1] = { path = apt.FORCE_IPV6_PATH, text = force }
  end
  return changes, stuck
end

return archives
