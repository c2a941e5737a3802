--- What an interface's addresses can be split into. Pure.

local ip6 = require("eni6.ip6")

local candidates = {}

local SHORTEST, LONGEST = 112, 126 -- blocks of 65,536 down to 4 addresses

-- Whether every address of the block is assigned singly.
local function complete(assigned, block)
  for address in block:addresses() do
    if not assigned[tostring(address)] then return false end
  end
  return true
end

-- The blocks of one length that are there whole.
local function blocks_of_length(list, assigned, length)
  local found, size = {}, 2 ^ (128 - length)
  if size > #list then return found end
  for _, address in ipairs(list) do
    local block = address:prefix(length)
    if address:is_aligned(length) and complete(assigned, block) then found[#found + 1] = block end
  end
  return found
end

-- The largest aligned blocks: those of the first length of which there is any.
local function largest_blocks(list, assigned)
  for length = SHORTEST, LONGEST do
    local found = blocks_of_length(list, assigned, length)
    if #found > 0 then return found end
  end
  return {}
end

--- The candidates among what is assigned to one interface.
---@param addresses string[] the interface's single addresses
---@param prefixes string[] its delegated prefixes
---@return { addresses: userdata[], prefixes: userdata[], blocks: userdata[], assigned: table<string, string> }
---   `assigned`: by RFC 5952 text, "address" or "prefix"
function candidates.interface(addresses, prefixes)
  local result = { addresses = {}, prefixes = {}, assigned = {} }
  for i, text in ipairs(addresses) do
    result.addresses[i] = assert(ip6.address(text))
    result.assigned[tostring(result.addresses[i])] = "address"
  end
  for i, text in ipairs(prefixes) do
    result.prefixes[i] = assert(ip6.prefix(text))
    result.assigned[tostring(result.prefixes[i])] = "prefix"
  end
  table.sort(result.addresses, function(a, b) return a < b end)
  result.blocks = largest_blocks(result.addresses, result.assigned)
  return result
end

--- Whether a block lies in a delegated prefix.
---@param found table what `interface` returned
---@param block userdata prefix
---@return boolean
function candidates.is_delegated(found, block)
  for _, prefix in ipairs(found.prefixes) do
    if prefix:contains(block) then return true end
  end
  return false
end

--- The first address of a block that is not assigned, or nil when all are: each
--- singly, or the whole by a delegated prefix.
---@param found table what `interface` returned
---@param block userdata prefix
---@return userdata|nil address
function candidates.missing(found, block)
  if candidates.is_delegated(found, block) then return nil end
  for address in block:addresses() do
    if not found.assigned[tostring(address)] then return address end
  end
  return nil
end

return candidates
