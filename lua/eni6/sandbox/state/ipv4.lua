--- The private IPv4 side of a VPC, which a dual-stack subnet cannot do without:
--- addresses as numbers, blocks, and the next free one.

local M = {}

--- Reads an address.
---@param text string
---@return integer|nil
function M.parse(text)
  local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if not a then return nil end
  local number = 0
  for _, octet in ipairs { a, b, c, d } do
    if #octet > 3 or tonumber(octet) > 255 then return nil end
    number = number * 256 + math.tointeger(tonumber(octet))
  end
  return number
end

---@param number integer
---@return string
function M.text(number)
  return string.format("%d.%d.%d.%d", math.floor(number / 16777216), math.floor(number / 65536) % 256,
    math.floor(number / 256) % 256, number % 256)
end

---@class eni6.sandbox.ipv4_cidr
---@field text string
---@field first integer
---@field last integer
---@field length integer

--- Reads a block; bits behind the length are cleared, as EC2 does.
---@param text string
---@return eni6.sandbox.ipv4_cidr|nil
function M.cidr(text)
  local address, length = text:match("^([%d.]+)/(%d%d?)$")
  local number = address and M.parse(address)
  length = math.tointeger(tonumber(length or ""))
  if not number or length > 32 then return nil end
  local size = math.floor(2 ^ (32 - length))
  local first = number - number % size
  return { text = M.text(first) .. "/" .. length, first = first, last = first + size - 1, length = length }
end

--- Whether the outer block holds the inner one.
---@return boolean
function M.holds(outer, inner) return inner.first >= outer.first and inner.last <= outer.last end

---@return boolean
function M.overlap(a, b) return a.first <= b.last and b.first <= a.last end

return M
