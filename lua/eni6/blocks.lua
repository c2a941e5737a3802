--- Which blocks of a subnet are taken, and which is the lowest free one.
--
-- A pool is over one prefix of 64 to 128 bits; a block is a prefix inside it, or
-- an address, which stands for itself alone. Taken blocks never overlap.
--
--     local pool = assert(blocks.new("2001:db8::/64"))
--     assert(pool:load({ "2001:db8::/126", "2001:db8::1:1" }))
--     print(pool:allocate(126))      --> 2001:db8::4/126
--
-- A look for a free block and taking one cost the same however full the pool is.
-- What fails changes nothing.

local core = require("eni6.core").blocks

---What is in the way, as the fourth result of a failure.
---@class eni6.blocks.detail
---@field block eni6.prefix the first taken block that shares an address with the one asked for

---Where to look for a free block.
---@class eni6.blocks.options
---@field from? eni6.address|string the search begins at this address and goes round; the beginning otherwise

---A pool. A bad text, a length that no block of the pool can have, and a closed pool raise.
---@class eni6.blocks
---Takes this very block: true | nil, message, "EEXIST" (it overlaps one, which the detail names),
---"ERANGE" (it is outside) or "ENOMEM".
---@field occupy fun(self: eni6.blocks, block: eni6.address|eni6.prefix|string): true?, string?, string?, eni6.blocks.detail?
---Takes all blocks of a list, or none. One that is taken already, exactly so, counts as done: how many
---were new | nil, message, and a code as of `occupy`.
---@field load fun(self: eni6.blocks, list: (eni6.address|eni6.prefix|string)[]): integer?, string?, string?
---Takes the lowest free block of that length | nil, message, "ENOSPC", "ERANGE" (`from` is outside) or
---"ENOMEM".
---@field allocate fun(self: eni6.blocks, length: integer, options?: eni6.blocks.options): eni6.prefix?, string?, string?
---The same without taking it.
---@field find fun(self: eni6.blocks, length: integer, options?: eni6.blocks.options): eni6.prefix?, string?, string?
---Gives back a block as it was taken: true | nil, message, "ENOENT" (the detail names what is taken there
---instead, if anything) or "ERANGE". A /126 that was taken as four addresses is given back as these.
---@field release fun(self: eni6.blocks, block: eni6.address|eni6.prefix|string): true?, string?, string?, eni6.blocks.detail?
---Whether this very block is taken.
---@field contains fun(self: eni6.blocks, block: eni6.address|eni6.prefix|string): boolean
---The first taken block that shares an address with this one.
---@field overlapping fun(self: eni6.blocks, block: eni6.address|eni6.prefix|string): eni6.prefix?
---Iterates over the taken blocks in order; the pool may change meanwhile: `for block in pool:blocks() do`.
---@field blocks fun(self: eni6.blocks): fun(): eni6.prefix
---How many blocks are taken; also `#pool`.
---@field count fun(self: eni6.blocks): integer
---How many addresses are taken; an integer, or from 2^63 on the nearest float.
---@field used fun(self: eni6.blocks): number
---How many addresses are free; an integer, or from 2^63 on the nearest float.
---@field free fun(self: eni6.blocks): number
---The length of the largest free block; nil when all is taken.
---@field largest_free fun(self: eni6.blocks): integer?
---Bytes that the pool has allocated.
---@field memory fun(self: eni6.blocks): integer
---What the pool is over.
---@field prefix fun(self: eni6.blocks): eni6.prefix
---Gives the memory back at once, rather than when the pool is collected. Can be called again.
---@field close fun(self: eni6.blocks)

local blocks = {}

---An empty pool over a prefix.
---@param prefix eni6.prefix|string 64 to 128 bits long
---@return eni6.blocks? pool
---@return string? message
---@return string? code "EINVAL"
blocks.new = core.new

return blocks
