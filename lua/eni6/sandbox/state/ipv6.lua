--- IPv6 addresses as the sandbox keeps them: canonical text (RFC 5952) as keys,
--- with what EC2's rules need of their bits.

local ip6 = require "eni6.ip6"

local M = {}

--- The canonical text of an address.
---@param text string
---@return string|nil
function M.canonical(text)
  local address = ip6.address(text)
  return address and tostring(address)
end

--- Sorts addresses by their numbers.
---@param list string[] canonical
function M.sort(list)
  local keys = {}
  for _, address in ipairs(list) do keys[address] = ip6.address(address):key() end
  table.sort(list, function(a, b) return keys[a] < keys[b] end)
end

---@class eni6.sandbox.cidr
---@field text string canonical, with length
---@field base string the first address, canonical
---@field last string the last address, canonical
---@field length integer
---@field prefix eni6.prefix

--- Reads a CIDR block; its host bits must be zero.
---@param text string
---@return eni6.sandbox.cidr|nil
function M.cidr(text)
  local prefix = ip6.prefix(text)
  if not prefix then return nil end
  return { text = tostring(prefix), base = tostring(prefix:first()), last = tostring(prefix:last()), length = prefix.length,
    prefix = prefix }
end

--- Whether a block contains an address (canonical text).
---@param cidr eni6.sandbox.cidr
---@param address string
---@return boolean
function M.contains(cidr, address) return cidr.prefix:contains(address) end

--- Whether two blocks share an address.
---@param a eni6.sandbox.cidr
---@param b eni6.sandbox.cidr
---@return boolean
function M.overlap(a, b) return a.prefix:overlaps(b.prefix) end

--- The text of the /80 around an address.
---@param address string canonical
---@return string
function M.block80(address) return tostring(ip6.address(address):prefix(80)) end

--- A random address of a block.
---@param cidr eni6.sandbox.cidr
---@param random eni6.sandbox.random
---@return string address canonical
function M.random(cidr, random)
  local bytes = { cidr.prefix:first():key():byte(1, 16) }
  local whole = math.floor(cidr.length / 8)
  for i = whole + 1, 16 do
    local free_bits = i == whole + 1 and 8 - cidr.length % 8 or 8
    bytes[i] = bytes[i] + random:below(math.floor(2 ^ free_bits))
  end
  return tostring(ip6.from_bytes(string.char(table.unpack(bytes))))
end

--- The /80 that comes after another; none after the last of all.
---@param block string canonical
---@return string|nil
function M.next80(block)
  local after = (ip6.prefix(block):last()):offset(1)
  return after and tostring(after:prefix(80))
end

return M
