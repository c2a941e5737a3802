--- Small shapes that several families' answers share.

local M = {}

--- A time as EC2 writes it.
---@param seconds number since the epoch
---@return string
function M.timestamp(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%S.000Z", math.floor(seconds))
end

return M
