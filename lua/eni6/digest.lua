--- SHA-256 and HMAC-SHA-256, on OpenSSL; SHA-1 for names that others chose with it.

local core = require("eni6.core").digest

local digest = {}

--- The SHA-256 of some bytes.
---@param bytes string
---@return string hex 64 lower-case hexadecimal digits
function digest.sha256_hex(bytes) return core.sha256_hex(bytes) end

--- The SHA-1 of some bytes: for the names of files, nothing else.
---@param bytes string
---@return string hex 40 lower-case hexadecimal digits
function digest.sha1_hex(bytes) return core.sha1_hex(bytes) end

--- The HMAC-SHA-256 (RFC 2104) of some bytes.
---@param key string
---@param bytes string
---@return string code 32 bytes, not encoded
function digest.hmac_sha256(key, bytes) return core.hmac_sha256(key, bytes) end

--- Compares two secrets; the time it takes tells nothing but their sizes.
---@param a string
---@param b string
---@return boolean
function digest.equal(a, b) return core.equal(a, b) end

return digest
