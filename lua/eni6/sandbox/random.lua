--- A source of random numbers that a seed makes repeatable, for ids, addresses
--- and faults: two combined Lehmer generators (L'Ecuyer, CACM 31/6, 1988), which
--- need no bit operators and do not touch `math.random`'s state. Not for secrets.

local M = {}

local random = { __name = "eni6.sandbox.random" }
random.__index = random

local M1, M2 = 2147483563, 2147483399

--- The next number.
---@return integer number from 1 to 2147483562
function random:next()
  self.a = self.a * 40014 % M1
  self.b = self.b * 40692 % M2
  return (self.a - self.b) % (M1 - 1) + 1
end

--- A number below a limit.
---@param limit integer at most 2^31
---@return integer from 0 to limit - 1
function random:below(limit) return self:next() % limit end

--- A number in [0, 1).
---@return number
function random:fraction() return (self:next() - 1) / (M1 - 1) end

--- Random hexadecimal digits.
---@param count integer a multiple of 4
---@return string
function random:hex(count)
  local parts = {}
  for i = 1, count / 4 do parts[i] = string.format("%04x", math.floor(self:next() / 16) % 65536) end
  return table.concat(parts)
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

--- Text of capital letters and digits, as access keys have it.
---@param source eni6.sandbox.random
---@param count integer
---@return string
function M.from_alphabet(source, count)
  local out = {}
  for i = 1, count do
    local place = source:below(#ALPHABET) + 1
    out[i] = ALPHABET:sub(place, place)
  end
  return table.concat(out)
end

--- Makes a generator.
---@param seed integer the same seed gives the same numbers
function M.new(seed)
  local self = setmetatable({ a = seed % (M1 - 1) + 1, b = math.floor(seed / 7) % (M2 - 1) + 1 }, random)
  for _ = 1, 8 do self:next() end
  return self
end

return M
