-- run: lua5.4
-- Configuring is all or nothing: killed at any step, unconfirmed, or found to cut the
-- instance off, it leaves the instance as it was.
local filesystem = require("eni6.filesystem")
local instances = require("support.instances")
local process = require("eni6.process")
local tasks = require("eni6.tasks")

-- Configures as the script does, but kills itself: at "step" N before it, at "record" N
-- right after that journal entry is on the disk, at "proof" when all steps are taken;
-- at "interrupt" N it gets what Ctrl-C sends.
local DRIVER = [[
local root, place, number, confirm = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4])
local host, world = require("eni6.host.configure"), require("eni6.host.world").new({ root = root })
local function die() os.execute("kill -9 $PPID; sleep 1") end
local real, records = world.filesystem, 0
world.filesystem = setmetatable({ append = function(...)
  local ok, message, code = real.append(...)
  records = records + 1
  if place == "record" and records == number then die() end
  return ok, message, code
end }, { __index = real })
local plan = assert(host.plan(world, {}))
if place == "count" then print(#plan.steps) os.exit(0) end
if place == "proof" then world.imds.get = die end
host.run(world, plan, { confirm = confirm, watchdog_command = { "/usr/bin/lua5.4", arg[5], "--root", root, "watchdog" },
  on_step = function(i)
    if place == "step" and i == number then die() end
    if place == "interrupt" and i == number then world.process.run({ argv = { "sh", "-c", "kill -INT $PPID" } }) end
  end })
]]

describe("configure, cut short", function()
  local missing = instances.missing()
  if missing then
    pending("needs " .. missing)
    return
  end

  local fleet, host, before, steps, here, driver

  local function drive(place, number, confirm)
    return fleet:script({ driver, host.root, place, tostring(number), tostring(confirm or ""),
      here .. "/scripts/configure.lua" }, host)
  end

  local function configure(...)
    local result = fleet:configure(host, { ... })
    assert.equal(0, result.status, result.stderr)
    return result.stdout
  end

  local function assert_as_before() assert.equal(before, instances.state(host)) end

  local function wait_until(what, is_so)
    local deadline = tasks.now() + 15
    while not is_so() do
      if tasks.now() > deadline then error(what .. "; it is:\n" .. instances.state(host), 2) end
      tasks.sleep(0.05)
    end
  end

  local function is_before() return instances.state(host) == before end
  local function is_configured() return instances.state(host):find("2001:db8:47b:ca03::1:1/64\ndefault ra", 1, true) end
  local function has_journal() return filesystem.stat(host.root .. "/var/lib/eni6/journal") ~= nil end

  setup(function()
    here = assert(process.run({ argv = { "pwd" } })).stdout:gsub("\n", "")
    fleet = instances.start()
    host = fleet.hosts[1]
    before = instances.state(host)
    driver = os.tmpname()
    assert(filesystem.replace(driver, DRIVER))
    fleet.box.env.LUA_PATH, fleet.box.env.LUA_CPATH = here .. "/lua/?.lua;" .. here .. "/lua/?/init.lua;;",
      here .. "/build/release/lua5.4/?.so;;"
    steps = tonumber(drive("count", 0).stdout)
    assert.is_true(steps >= 13)
  end)

  teardown(function()
    if fleet then fleet:stop() end
    if driver then os.remove(driver) end
  end)

  it("rolls back, killed before any step or right after any entry of the journal", function()
    for step = 1, steps do
      assert.equal(9, drive("step", step).signal)
      configure("rollback")
      assert_as_before()
      assert.equal(9, drive("record", step + 1).signal)
      assert.is_true(has_journal())
      assert.equal("everything was put back as it was\n", configure("rollback"))
      assert_as_before()
    end
    assert.equal(9, drive("proof", 0).signal)
    configure("rollback")
    assert_as_before()
  end)

  it("runs again, killed at any step", function()
    for step = 2, steps, 3 do
      assert.equal(9, drive("step", step).signal)
      assert.truthy(configure("--confirm", "600"):find("configured, to be confirmed", 1, true))
      assert.is_truthy(is_configured())
      configure("rollback")
      assert_as_before()
    end
  end)

  it("rolls back by itself, interrupted from the keyboard", function()
    for step = 2, steps, 4 do
      local result = drive("interrupt", step)
      assert.truthy(result.stderr:find("interrupted!", 1, true), result.stderr)
      assert_as_before()
    end
  end)

  it("says that rolling back puts nothing back where nothing was done", function()
    assert.equal("nothing to put back\n", configure("rollback"))
    local result = fleet:configure(host, { "confirm" })
    assert.equal(1, result.status)
    assert.truthy(result.stderr:find("nothing waits to be confirmed", 1, true), result.stderr)
  end)

  it("is put back at once by the watchdog, killed in the middle", function()
    for _, step in ipairs({ 3, 8, steps }) do
      assert.equal(9, drive("step", step, 600).signal)
      wait_until("nobody put it back", is_before)
    end
  end)

  it("is put back at the deadline though the shell that began it is gone", function()
    local shell = assert(process.spawn({ netns = host.netns, env = fleet.box.env, new_group = true, stdout = "null",
      stderr = "null", argv = { "sh", "-c", "lua5.4 scripts/configure.lua --root " .. host.root .. " --confirm 2; sleep 60" } }))
    wait_until("it was not configured", is_configured)
    os.execute("kill -KILL -" .. shell.pid)
    shell:wait(5)
    shell:close()
    assert.is_truthy(is_configured())
    wait_until("nobody put it back", is_before)
  end)

  it("goes back when what must answer does not: gateway, or the operator", function()
    local cases = { { "--ping", "2001:db8:dead::1" }, { "--gateway", "fe80::dead" } }
    for _, words in ipairs(cases) do
      local result = fleet:configure(host, words)
      assert.equal(1, result.status)
      assert.truthy(result.stderr:find("does not answer", 1, true), result.stderr)
      assert.truthy(result.stderr:find("everything was put back as it was", 1, true), result.stderr)
      assert_as_before()
    end
  end)

  it("is kept when confirmed in time", function()
    configure("--confirm", "2", "--ping", "fe80::1066:30ff:feb8:c008%ens5")
    assert.is_true(has_journal())
    assert.equal("confirmed\n", configure("confirm"))
    tasks.sleep(2.5)
    assert.is_truthy(is_configured())
    assert.is_false(has_journal())
    assert.truthy(configure():find("^nothing to do"))
  end)
end)
