--- Base64 (RFC 4648, section 4): user data, blobs and key material of EC2's API.

local core = require("eni6.core").base64

local base64 = {}

--- Encodes bytes, in one line.
---@param bytes string
---@return string text
function base64.encode(bytes) return core.encode(bytes) end

--- Decodes a text. White space is skipped; anything else that is not base64, or a
--- text that is cut off, is refused.
---@param text string
---@return string? bytes or nil, message, "EINVAL"
---@return string? message
---@return string? code
function base64.decode(text) return core.decode(text) end

return base64
