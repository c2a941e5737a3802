-- Requests, batches and ensure_* against the kernel, in namespaces of their own.

local netlink = require "eni6.netlink"
local netns = require "support.netns"

local name, nl

local function up(link) assert(nl:set_link{ link = link, up = true }) end

-- A pair of links in the namespace, both up.
local function pair(one, other)
  assert(nl:add_link{ name = one, kind = "veth", peer = { name = other } })
  up(one)
  up(other)
end

before_each(function()
  name, nl = netns.new()
  pair("v0", "v1")
end)

after_each(function()
  nl:close()
  netns.clean()
end)

describe("namespaces", function()
  it("are made, listed and deleted as ip netns does it", function()
    local listed = {}
    for _, each in ipairs(netlink.list_netns()) do listed[each] = true end
    assert.is_true(listed[name])
    local there, message, code = netlink.create_netns(name)
    assert.is_nil(there)
    assert.equal("EEXIST", code)
    assert.matches(name, message, 1, true)
    assert.matches("v0", netns.shell(name, "ip -o link show v0"))
    assert.equal("ENOENT", select(3, netlink.delete_netns("eni6-test-none")))
    for _, bad in ipairs{ "", ".", "..", "a/b" } do
      assert.equal("EINVAL", select(3, netlink.create_netns(bad)))
    end
  end)

  it("are entered for a socket alone: the thread stays where it was", function()
    local here = assert(netlink.open())
    local indexes = {}
    for _, link in ipairs(here:links()) do indexes[link.name] = true end
    assert.is_nil(indexes.v0)
    assert.equal("ENOENT", select(3, netlink.open{ netns = "eni6-test-none" }))
    assert.equal("EINVAL", select(3, netlink.open{ netns = "/proc/self/status" }))
    assert.is_nil(here:index("v0"))
    here:close()
  end)

  it("take links, also by a process id and an open namespace", function()
    local other, there = netns.new()
    assert(nl:set_link{ link = "v1", netns = other, name = "ens5", up = true })
    assert.equal("ens5", there:get_link{ name = "ens5" }.name)
    assert.is_nil(nl:index("v1"))
    assert(there:set_link{ link = "ens5", netns = netlink.netns(name) })
    assert.is_number(nl:index("ens5"))
    assert.equal("ENOENT", select(3, nl:set_link{ link = "ens5", netns = "eni6-test-none" }))
    there:close()
  end)
end)
