-- Events: in order, in time, lost and found again.

local netns = require "support.netns"
local system = require("eni6.core").system

local name, nl

-- All events that are there now.
local function drain(monitor)
  local events = {}
  for event in function() return monitor:read() or nil end do events[#events + 1] = event end
  return events
end

before_each(function()
  name, nl = netns.new()
  assert(nl:ensure_link{ name = "b0", kind = "bridge", addr_gen_mode = "none", up = true })
end)

after_each(function()
  nl:close()
  netns.clean()
end)

describe("a monitor", function()
  it("tells what others do, in order", function()
    local monitor = assert(nl:monitor{ "link", "address", "route", "neighbour", "rule" })
    netns.shell(name, [[
      ip addr add 2001:db8::1/64 dev b0 nodad
      ip -6 route add 2001:db8:1::/48 via 2001:db8::2
      ip -6 neigh add 2001:db8::9 lladdr 02:00:00:00:00:09 dev b0
      ip -6 rule add from 2001:db8::/64 table 100 priority 5
      ip -6 neigh del 2001:db8::9 dev b0
      ip link set b0 mtu 1400]])
    local seen = {}
    for event in monitor:each(0.2) do
      local record = event.record
      local what = record.name or record.priority or record.dst or record.address
      seen[#seen + 1] = string.format("%s %s %s", event.action, event.object, tostring(what))
    end
    local text = table.concat(seen, "\n")
    local at = 1
    for _, expected in ipairs{
      "new address 2001:db8::1/64", "new route 2001:db8:1::/48", "new neighbour 2001:db8::9", "new rule 5",
      "delete neighbour 2001:db8::9", "new link b0",
    } do
      local from, to = text:find(expected, at, true)
      assert.is_number(from, expected .. " is not in its place in:\n" .. text)
      at = to
    end
    monitor:close()
    monitor:close()
    assert.has_error(function() monitor:read() end)
  end)

  it("can be driven by somebody else's loop", function()
    local monitor = assert(nl:monitor{ "address" })
    assert.equal("r", monitor:events())
    assert.is_nil(monitor:timeout())
    assert.is_false(monitor:read())
    assert.is_false(system.poll({ { monitor:pollfd(), monitor:events() } }, 0)[1])
    assert(nl:add_address{ link = "b0", address = "2001:db8::1/64", nodad = true })
    assert.is_true(system.poll({ { monitor:pollfd(), monitor:events() } }, 1)[1])
    local event = monitor:read()
    assert.same({ "address", "new", "2001:db8::1/64", "b0" },
      { event.object, event.action, event.record.address, event.record.link })
    local _, message, code = monitor:next(0.2)
    while code == nil do _, message, code = monitor:next(0.2) end
    assert.equal("ETIMEDOUT", code)
    assert.is_string(message)
    monitor:close()
  end)

  it("does not take a port that leaves its bridge for a link that is gone", function()
    assert(nl:add_link{ name = "v0", kind = "veth", peer = { name = "v1" } })
    assert(nl:set_link{ link = "v0", master = "b0", up = true })
    local monitor = assert(nl:monitor{ "link" })
    assert(nl:set_link{ link = "v0", master = 0 })
    local events = drain(monitor)
    assert.is_true(#events > 0)
    for _, event in ipairs(events) do assert.equal("new", event.action) end
    assert.is_nil(events[#events].record.master)
    monitor:close()
  end)

  it("raises on misuse", function()
    assert.has_error(function() nl:monitor{} end)
    assert.has_error(function() nl:monitor{ "weather" } end)
    assert.has_error(function() nl:monitor{ "link", resink = true } end)
  end)
end)

describe("an overrun", function()
  local function many(operation, first, last)
    local items = {}
    for i = first, last do
      items[#items + 1] = { operation, { link = "b0", address = string.format("2001:db8::%x/128", i), nodad = true } }
    end
    assert.equal(0, select(2, nl:batch(items)))
  end

  it("is told once, and events go on after it", function()
    local monitor = assert(nl:monitor{ "address", receive_buffer = 8192 })
    many("add_address", 1, 500)
    local overruns = 0
    for event in monitor:each(0.3) do
      if event.action == "overrun" then overruns = overruns + 1 end
    end
    assert.is_true(overruns >= 1)
    assert(nl:delete_address{ link = "b0", address = "2001:db8::1/128" })
    local event = assert(monitor:next(1))
    assert.same({ "delete", "2001:db8::1/128" }, { event.action, event.record.address })
    monitor:close()
  end)

  it("is made good by a resync: what the events tell is what is", function()
    many("add_address", 1, 100)
    local monitor = assert(nl:monitor{ "address", "route", "link", receive_buffer = 8192, resync = true })
    local state = { address = {}, route = {}, link = {} }
    local overruns = 0
    local function follow()
      for event in monitor:each(0.3) do
        if event.action == "overrun" then
          overruns = overruns + 1
        else
          local record = event.record
          local key = record.name or record.address or table.concat({ record.dst, record.table, record.metric or "" }, " ")
          state[event.object][key] = event.action == "new" and record or nil
        end
      end
    end
    assert.equal(0, monitor:timeout()) -- what was there is told first
    follow()
    assert.is_table(state.address["2001:db8::64/128"])
    assert.is_table(state.link.b0)
    many("delete_address", 1, 50)
    many("add_address", 101, 600)
    many("delete_address", 590, 600)
    follow()
    assert.is_true(overruns >= 1)
    local there = 0
    for _, record in ipairs(nl:addresses{ family = "any" }) do
      assert.is_table(state.address[record.address], record.address)
      there = there + 1
    end
    for _ in pairs(state.address) do there = there - 1 end
    assert.equal(0, there)
    assert.is_nil(state.address["2001:db8::1/128"])
    monitor:close()
  end)
end)
