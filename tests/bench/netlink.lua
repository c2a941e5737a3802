--- Addresses and routes added, dumped and deleted in fresh namespaces: ours from Lua, a bare loop in C that has every
--- message acked (ours has the kernel answer failures alone), `ip -batch`, and pyroute2. All are given the same
--- addresses as text. CPU seconds are compared, the kernel's included: almost all of the work is done in the caller's
--- own system calls.
---
--- Many addresses are slow for everybody. An address joins the multicast group of its low 24 bits, and the kernel looks
--- through the list of groups for each; one that is deleted makes it look through all routes, and unless it is
--- noprefixroute through all addresses for one of the same prefix. So they are measured as they come, and with one
--- group and noprefixroute; what deleting 10,000 of these takes is the walk over the routes.

local netlink = require "eni6.netlink"
local process = require "eni6.process"
local system = require("eni6.core").system

local PEER = "build/bench/netlink_peer"
local FILE = "build/bench/netlink.list"
local BATCH = "build/bench/netlink.ip"

local function run(argv, namespace)
  local result = assert(process.run{ argv = argv, netns = namespace and "/run/netns/" .. namespace })
  assert(result.status == 0, result.stderr)
  return result.stdout
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- CPU seconds of a call.
local function timed(fn)
  local start = os.clock()
  fn()
  return os.clock() - start
end

-- --- the same work for each ---------------------------------------------------------------

local TEXTS = {
  address = function(i) return string.format("2001:db8::%x:%x/128", 0x1000 + i // 0x10000, i % 0x10000) end,
  -- The low 24 bits are the same for all, and they are noprefixroute.
  ["address, one group"] = function(i) return string.format("2001:db8::%x:100:1/128", i) end,
  route = function(i) return string.format("2001:db8:%x:%x::/64", 0x1000 + i // 0x10000, i % 0x10000) end,
}

local function object_of(what) return what:match("^%a+") end

local function list_of(what, count)
  local list = {}
  for i = 1, count do list[i] = TEXTS[what](i) end
  write(FILE, table.concat(list, "\n") .. "\n")
  return list
end

local function is_quick(what) return what:find("one group", 1, true) ~= nil end

local function fields_of(what, text)
  if object_of(what) == "route" then return { dst = text, link = "v0" } end
  return { link = "v0", address = text, nodad = true, noprefixroute = is_quick(what) }
end

-- The same flags as a number, for those who take it.
local function flags_of(what) return is_quick(what) and "514" or "2" end

local ours = {}

function ours.change(namespace, verb, what, list)
  local items = {}
  for i, text in ipairs(list) do items[i] = { verb .. "_" .. object_of(what), fields_of(what, text) } end
  local nl = assert(netlink.open{ netns = namespace })
  collectgarbage()
  local seconds = timed(function()
    local _, failed = assert(nl:batch(items))
    assert(failed == 0)
  end)
  nl:close()
  return seconds
end

function ours.dump(namespace, what, count)
  local nl = assert(netlink.open{ netns = namespace })
  collectgarbage()
  local seconds = timed(function()
    local list = object_of(what) == "route" and nl:routes{ table = "main" } or nl:addresses()
    assert(#list >= count)
  end)
  nl:close()
  return seconds
end

local bare = {}

function bare.change(namespace, verb, what)
  return tonumber(run({ PEER, verb, object_of(what), FILE, "v0", flags_of(what) }, namespace))
end

function bare.dump(namespace, what) return tonumber(run({ PEER, "text", object_of(what) }, namespace)) end

local walk = { dump = function(namespace, what) return tonumber(run({ PEER, "walk", object_of(what) }, namespace)) end }

local ip = {}

function ip.change(namespace, verb, what, list)
  local lines = {}
  for i, text in ipairs(list) do
    if object_of(what) == "route" then
      lines[i] = string.format("route %s %s dev v0", verb, text)
    else
      local flags = verb == "add" and " nodad" .. (is_quick(what) and " noprefixroute" or "") or ""
      lines[i] = string.format("addr %s %s dev v0%s", verb, text, flags)
    end
  end
  write(BATCH, table.concat(lines, "\n") .. "\n")
  return tonumber(run({ PEER, "run", "ip", "-6", "-batch", BATCH }, namespace))
end

function ip.dump(namespace, what)
  return tonumber(run({ PEER, "run", "ip", "-6", object_of(what) == "route" and "route" or "addr" }, namespace))
end

local pyroute2 = {}
local PYTHON = "/usr/bin/python3"

function pyroute2.change(namespace, verb, what)
  return tonumber(run({ PYTHON, "tests/bench/netlink_pyroute2.py", verb, object_of(what), FILE, "v0", flags_of(what) },
    namespace))
end

function pyroute2.dump(namespace, what)
  return tonumber(run({ PYTHON, "tests/bench/netlink_pyroute2.py", "dump", object_of(what) }, namespace))
end

-- --- measuring ------------------------------------------------------------------------------

local PEERS = {
  { name = "ours", run = ours }, { name = "bare", run = bare }, { name = "walk", run = walk },
  { name = "ip", run = ip }, { name = "pyroute2", run = pyroute2 },
}

-- Waits until a link can carry: before that, addresses do not join their groups.
local function wait_up(nl, link)
  while nl:get_link{ name = link }.operstate ~= "up" do system.poll({}, 0.02) end
end

-- A namespace with a pair of links that are up.
local function prepared()
  local name = string.format("eni6-bench-%d", math.floor(system.time() * 1000) % 100000000)
  assert(netlink.create_netns(name))
  local nl = assert(netlink.open{ netns = name })
  assert(nl:add_link{ name = "v0", kind = "veth", peer = { name = "v1" } })
  assert(nl:set_link{ link = "v0", addr_gen_mode = "none" })
  assert(nl:set_link{ link = "v0", up = true })
  assert(nl:set_link{ link = "v1", up = true })
  wait_up(nl, "v0")
  nl:close()
  return name
end

local function note(seconds, step, peer, value)
  seconds[step] = seconds[step] or {}
  seconds[step][peer] = seconds[step][peer] or {}
  table.insert(seconds[step][peer], value)
end

local function measure_once(what, list, seconds)
  for _, peer in ipairs(PEERS) do
    local namespace = prepared()
    if peer.run.change then
      note(seconds, "add", peer.name, peer.run.change(namespace, "add", what, list))
      note(seconds, "dump", peer.name, peer.run.dump(namespace, what, #list))
      note(seconds, "delete", peer.name, peer.run.change(namespace, "delete", what, list))
    else
      bare.change(namespace, "add", what)
      note(seconds, "dump", peer.name, peer.run.dump(namespace, what))
    end
    netlink.delete_netns(namespace)
  end
end

local function best(values) return math.min(table.unpack(values)) end

-- How much of what a peer took we take, and at what rate.
local function report(what, count, seconds)
  for _, step in ipairs{ "add", "dump", "delete" } do
    local mine = best(seconds[step].ours)
    local parts = { string.format("%.0f k/s", count / mine / 1000) }
    for _, peer in ipairs(PEERS) do
      local values = seconds[step][peer.name]
      if values and peer.name ~= "ours" then
        parts[#parts + 1] = string.format("%.2f of %s", best(values) / mine, peer.name)
      end
    end
    print(string.format("netlink %s %d %s: ratio %s", step, count, what, table.concat(parts, ", ")))
  end
end

local function measure(what, count)
  local seconds = {}
  local list = list_of(what, count)
  for _ = 1, count > 1000 and 1 or 3 do measure_once(what, list, seconds) end
  report(what, count, seconds)
end

io.stdout:setvbuf("line")
run{ "mkdir", "-p", "build/bench" }
run{ "cc", "-O2", "-std=gnu11", "-o", PEER, "tests/bench/netlink_peer.c" }
measure("route", 1000)
measure("route", 10000)
measure("address", 1000)
measure("address, one group", 1000)
measure("address, one group", 10000)
print("ratio: how many times as fast as the peer; bare: a loop in C, which makes addresses text in dumps; walk: does not")
