--- What `--debug` tells on standard error: what is asked of whom, and how each attempt went. Secrets are not in it.

local debug = {}

-- Members whose values are for nobody else's eyes, as far as names tell.
local SECRET = { "password", "secret", "token", "userdata", "assertion", "policy", "sharedkey", "privatekey" }
local HARMLESS = { ClientToken = true, NextToken = true }

local function is_secret(name)
  local lower = type(name) == "string" and not HARMLESS[name] and name:lower() or ""
  for _, word in ipairs(SECRET) do
    if lower:find(word, 1, true) then return true end
  end
  return false
end

local function redacted(value)
  if type(value) ~= "table" then return value end
  local copy = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do copy[key] = is_secret(key) and "(hidden)" or redacted(inner) end
  return copy
end

local function teller(world) return function(format, ...) world.complain("aws: " .. string.format(format, ...) .. "\n") end end

--- Tells what is about to be asked.
---@param world eni6.cli.World
---@param client table
---@param operation string
---@param params table
function debug.request(world, client, operation, params)
  local tell = teller(world)
  tell("%s, %s", "eni6/" .. require("eni6.core").version, _VERSION)
  tell("profile %s, region %s, endpoint %s (from %s)", client.settings.profile, client.region, client.endpoint.url,
    client.endpoint.source)
  tell("%s %s", operation, require("eni6.jmespath.values").encode(redacted(params)))
end

--- Tells of each attempt.
---@param world eni6.cli.World
---@return fun(event: table)
function debug.observer(world)
  local tell = teller(world)
  return function(event)
    tell("%s, attempt %d: %s in %.0f ms%s%s", event.operation, event.attempt,
      event.status and "status " .. event.status or "no answer", event.seconds * 1000,
      event.code and ", " .. event.code .. ": " .. (event.message or "") or "",
      event.request_id and ", request " .. event.request_id or "")
  end
end

return debug
