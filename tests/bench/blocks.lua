-- Allocating and releasing /126 blocks while a million random addresses of a /64
-- are in use, from Lua; and the same of Python's netaddr (its IPSet) in the same
-- run, with a hundredth of the addresses, as more would take minutes for one
-- operation. Its cost grows with their number, so the ratios are lower bounds.
-- Processor time, median of the rounds.

local blocks = require "eni6.blocks"
local ip6 = require "eni6.ip6"
local system = require("eni6.core").system

local IN_USE, OPERATIONS, ROUNDS = 1000000, 100000, 5
local PEER_IN_USE, PEER_OPERATIONS = 10000, 3
local SUBNET = "2001:db8::/64"

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

local function random_addresses(count)
  local network, list = ip6.prefix(SUBNET):first():key():sub(1, 8), {}
  local bytes = system.random(8 * count)
  for i = 1, count do list[i] = ip6.from_bytes(network .. bytes:sub(8 * i - 7, 8 * i)) end
  return list
end

local function filled_pool()
  local pool, seconds = assert(blocks.new(SUBNET)), 0
  while #pool < IN_USE do
    local list = random_addresses(5000)
    local start = os.clock()
    assert(pool:load(list))
    seconds = seconds + os.clock() - start
  end
  return pool, seconds / IN_USE
end

local function shuffle(list)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
end

-- Seconds for one allocation and for one release; options(i) say where to look.
local function round(pool, options)
  local list, given = {}, {}
  for i = 1, OPERATIONS do
    list[i] = true
    given[i] = options and { from = options[i] }
  end
  collectgarbage()
  local start = os.clock()
  for i = 1, OPERATIONS do list[i] = pool:allocate(126, given[i]) end
  local allocated = os.clock()
  shuffle(list)
  local shuffled = os.clock()
  for i = 1, OPERATIONS do pool:release(list[i]) end
  return (allocated - start) / OPERATIONS, (os.clock() - shuffled) / OPERATIONS
end

local function rounds(pool, options)
  local allocations, releases = {}, {}
  for i = 1, ROUNDS do allocations[i], releases[i] = round(pool, options) end
  return median(allocations), median(releases)
end

-- What tests/bench/netaddr_blocks.py prints: name value, one a line.
local function peer()
  local command = string.format("/usr/bin/python3 tests/bench/netaddr_blocks.py %s %d %d", SUBNET, PEER_IN_USE,
    PEER_OPERATIONS)
  local pipe, result = assert(io.popen(command)), {}
  for line in pipe:lines() do
    local name, value = line:match("^(%S+) (%S+)$")
    if name then result[name] = tonumber(value) end
  end
  assert(pipe:close() and result.allocate, "netaddr's part failed: install python3-netaddr")
  return result
end

local function show(name, ratio, text, ...)
  print(string.format("blocks %s: ratio %.3g (" .. text .. ")", name, ratio, ...))
end

local pool, load_seconds = filled_pool()
local bytes = pool:memory() / #pool
local allocate, release = rounds(pool)
local scattered = {}
for i = 1, OPERATIONS / 5000 do
  for _, address in ipairs(random_addresses(5000)) do scattered[#scattered + 1] = address end
  assert(#scattered == i * 5000)
end
local allocate_from, release_from = rounds(pool, scattered)
local theirs = peer()

show("allocate /126", theirs.allocate / allocate, "%.0f ns with %d addresses in use; netaddr %.3g s with %d",
  allocate * 1e9, #pool, theirs.allocate, PEER_IN_USE)
show("release /126", theirs.release / release, "%.0f ns; netaddr %.3g s", release * 1e9, theirs.release)
show("allocate /126 from a random place", theirs.allocate / allocate_from, "%.0f ns; released in %.0f ns",
  allocate_from * 1e9, release_from * 1e9)
show("load", theirs.load / load_seconds, "%.0f ns an address; netaddr %.3g ns", load_seconds * 1e9, theirs.load * 1e9)
show("bytes an address", theirs.bytes / bytes, "%.1f; netaddr %.0f", bytes, theirs.bytes)
