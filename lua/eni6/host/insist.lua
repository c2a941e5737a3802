--- Whatever manages the network was told of the new files a step ago, and may write
-- the same addresses and routes at the same moment. What looked absent is then there
-- when it is added, or gone when it is deleted; looked at again, all is well.

local RACES = { EEXIST = true, ESRCH = true, EADDRNOTAVAIL = true, ESTALE = true, ENOENT = true }
local ATTEMPTS, PAUSE = 5, 0.05

--- Calls a function again while it fails in a way that a race explains.
---@param world table
---@param change fun(): any, string?, string? returns nil, message, code when it fails
---@return any done, string? message, string? code of the last call
return function(world, change)
  local done, message, code
  for attempt = 1, ATTEMPTS do
    done, message, code = change()
    if done or not RACES[code] or attempt == ATTEMPTS then return done, message, code end
    world.tasks.sleep(PAUSE)
  end
end
