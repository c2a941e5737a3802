--- Amazon EC2.

local ec2 = {}

--- Makes a client of EC2; all options are optional and come from the usual places.
---@param options eni6.aws.ClientOptions|nil
---@return table|nil client
---@return string|nil message
---@return string|nil code
function ec2.new(options) return require("eni6.aws.client").new("ec2", options) end

return ec2
