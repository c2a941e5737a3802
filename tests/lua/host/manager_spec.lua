local manager = require("eni6.host.manager")

-- A networkd of which each command answers as `fails` says, and whose link is busy for
-- some seconds.
local function new_world(busy, fails)
  local clock, world = 0, { log = {}, netlink = { get_link = function() return { index = 7 } end } }
  world.tasks = { now = function() return clock end, sleep = function(seconds) clock = clock + seconds end }
  function world.read(_, path)
    assert.equal("/run/systemd/netif/links/7", path)
    return "# private\nADMIN_STATE=" .. (clock < busy and "configuring" or "configured") .. "\nOPER_STATE=routable\n"
  end
  function world.run(_, argv)
    local line = table.concat(argv, " ")
    world.log[#world.log + 1] = string.format("%.0f %s", clock, line)
    if fails and line:find(fails, 1, true) then return nil, line .. " failed", "EFAILED" end
    return ""
  end
  return world
end

describe("networkd", function()
  it("is told of new files when it is at rest, after netplan has written them", function()
    local world = new_world(3)
    assert.is_true(manager.reload(world, "ens5", { netplan = true }))
    assert.same({ "0 netplan generate", "0 systemctl -q is-active systemd-networkd", "3 networkctl reload" }, world.log)
  end)

  it("is not waited for without end", function()
    local world = new_world(1e9)
    assert.is_true(manager.reload(world, "ens5", {}))
    assert.equal("10 networkctl reload", world.log[2])
    assert.equal("configuring", manager.settle(world, "ens5", 1))
  end)

  it("is not told where it does not run", function()
    local world = new_world(0, "is-active")
    assert.is_true(manager.reload(world, "ens5", { insistent = true }))
    assert.equal(1, #world.log)
  end)

  it("is told again where it refuses, and only on the way back started anew", function()
    local world = new_world(0, "networkctl reload")
    assert.same({ nil, "networkctl reload failed", "EFAILED" }, { manager.reload(world, "ens5", {}) })
    assert.equal(4, #world.log)
    assert.is_true(manager.reload(world, "ens5", { insistent = true }))
    assert.matches("restart systemd%-networkd$", world.log[#world.log])
  end)

  it("is not started anew over files that netplan did not write", function()
    local world = new_world(0, "netplan generate")
    assert.equal("EFAILED", select(3, manager.reload(world, "ens5", { netplan = true, insistent = true })))
    assert.equal(1, #world.log)
  end)
end)
