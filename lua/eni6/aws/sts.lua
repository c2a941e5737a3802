--- AWS Security Token Service. Requests go to the region's own endpoint, not to the global one.

local sts = {}

--- Makes a client of STS; all options are optional and come from the usual places.
---@param options eni6.aws.ClientOptions|nil
---@return table|nil client
---@return string|nil message
---@return string|nil code
function sts.new(options) return require("eni6.aws.client").new("sts", options) end

return sts
