--- Percent-encoding, paths and queries (RFC 3986), as AWS's signatures want them:
--- only A-Z a-z 0-9 - . _ ~ stay as they are.

local core = require("eni6.core").uri

local uri = {}

--- Percent-encodes every byte that is not unreserved.
---@param text string
---@param keep_slash? boolean leave "/" as it is
---@return string
function uri.encode(text, keep_slash) return core.encode(text, keep_slash) end

--- Undoes percent-encoding.
---@param text string
---@param plus_is_space? boolean "+" stands for a space, as in forms; else it is a plus
---@return string? decoded or nil, message, "EINVAL" for a "%" that starts no escape
---@return string? message
---@return string? code
function uri.decode(text, plus_is_space) return core.decode(text, plus_is_space) end

--- Resolves "." and "..", and makes one slash of several: "/a//b/../c/" gives
--- "/a/c/". Escapes are left alone.
---@param path string
---@return string path starts with "/"
function uri.normalize_path(path) return core.normalize_path(path) end

--- Cuts "/path?query" at its first "?".
---@param target string
---@return string path
---@return string? query nil when there is no "?"
function uri.split(target) return core.split(target) end

--- The parameters of a query, or of a form's body, decoded, in their order.
---@param query string "a=1&b=2"; a missing "=" gives an empty value
---@param plus_is_space? boolean true for a form's body
---@return string[][]? parameters { {name, value}, ... }, or nil, message, "EINVAL"
---@return string? message
---@return string? code
function uri.parameters(query, plus_is_space) return core.parameters(query, plus_is_space) end

return uri
