local apply = require("eni6.host.apply")
local filesystem = require("eni6.filesystem")
local process = require("eni6.process")
local world_module = require("eni6.host.world")

describe("apply", function()
  local root, world

  before_each(function()
    root = os.tmpname()
    os.remove(root)
    assert(filesystem.make_directory(root .. "/etc"))
    assert(filesystem.replace(root .. "/etc/old", "before", 384))
    world = world_module.new({ root = root })
  end)

  after_each(function() os.execute("rm -rf " .. root) end)

  local function steps(last)
    return {
      { kind = "command", undo_argv = { "sh", "-c", "cat " .. root .. "/etc/old >" .. root .. "/undone" } },
      { kind = "file", path = "/etc/old", text = "after", mode = 420 },
      { kind = "file", path = "/etc/new/file", text = "new", mode = 420 },
      last,
    }
  end

  local function assert_as_it_was()
    assert.equal("before", world:read("/etc/old"))
    assert.equal(384, world:mode("/etc/old"))
    assert.is_nil(world:read("/etc/new/file"))
    assert.is_nil(world:read("/var/lib/eni6/journal"))
  end

  it("takes all steps and leaves no journal", function()
    local seen = {}
    assert(apply.run(steps(), world, { on_step = function(i) seen[#seen + 1] = i end }))
    assert.same({ 1, 2, 3 }, seen)
    assert.equal("after", world:read("/etc/old"))
    assert.equal("new", world:read("/etc/new/file"))
    assert.is_nil(apply.pending(world))
  end)

  it("puts everything back when a step fails, its commands after the files", function()
    local ok, message, code = apply.run(steps({ kind = "command", argv = { "sh", "-c", "echo no space >&2; exit 3" } }), world)
    assert.is_nil(ok)
    assert.equal("EFAILED", code)
    assert.truthy(message:find("status 3): no space; everything was put back as it was", 1, true), message)
    assert_as_it_was()
    assert.equal("before", world:read("/undone"))
  end)

  it("puts everything back when the check fails, or anything raises", function()
    local _, message = apply.run(steps(), world, { check = function() return nil, "no gateway", "EHOSTUNREACH" end })
    assert.truthy(message:find("no gateway; everything was put back", 1, true))
    assert_as_it_was()
    local function interrupt() error("interrupted!", 0) end
    assert.has_error(function() apply.run(steps(), world, { check = interrupt }) end, "interrupted!")
    assert_as_it_was()
  end)

  it("waits for a confirmation, and goes back without", function()
    assert(apply.run(steps(), world, { deadline = function() return 12 end }))
    assert.equal(12, apply.pending(world))
    assert.is_true(apply.recover(world))
    assert_as_it_was()
    assert(apply.run(steps(), world, { deadline = function() return 12 end }))
    assert.is_true(apply.confirm(world))
    assert.equal("after", world:read("/etc/old"))
    assert.is_false(apply.recover(world))
    assert.equal("ENOENT", select(3, apply.confirm(world)))
  end)

  it("says what could not be put back, tries the rest, and can be called again", function()
    local bad = steps()
    bad[1].undo_argv = { "sh", "-c", "test -e " .. root .. "/mended" }
    local _, message, code = apply.run(bad, world, { check = function() return nil, "x", "y" end })
    assert.equal("EROLLBACK", code)
    assert.truthy(message:find("not everything could be put back: sh -c test", 1, true), message)
    assert.equal("before", world:read("/etc/old"))
    assert(filesystem.replace(root .. "/mended", ""))
    assert.is_true(apply.recover(world))
    assert_as_it_was()
  end)

  it("lets only one configure at a time", function()
    local lock = assert(filesystem.lock(root .. "/var/lib/eni6/lock") or apply.recover(world) == false
      and filesystem.lock(root .. "/var/lib/eni6/lock"))
    assert.equal("EAGAIN", select(3, apply.run(steps(), world)))
    lock:close()
  end)

  it("recovers from a kill before and after each step", function()
    for step = 1, 4 do
      local script = string.format([[
        local apply, world = require("eni6.host.apply"), require("eni6.host.world").new({ root = %q })
        local function die() os.execute("kill -9 $PPID") end
        apply.run({
          { kind = "file", path = "/etc/old", text = "after", mode = 420 },
          { kind = "file", path = "/etc/new/file", text = "new", mode = 420 },
          { kind = "command", argv = { "true" } },
        }, world, { on_step = function(i) if i == %d then die() end end, check = die })]], root, step)
      assert(filesystem.replace(root .. "/script.lua", script))
      local result = assert(process.run({ argv = { arg[-1], root .. "/script.lua" } }))
      assert.equal(9, result.signal)
      assert.is_not_nil(apply.recover(world))
      assert_as_it_was()
    end
  end)

  it("ignores a torn last line and refuses a damaged journal", function()
    assert(apply.run(steps(), world, { deadline = function() return 1 end }))
    assert(filesystem.append(root .. "/var/lib/eni6/journal", '{"kind":"fi'))
    assert.is_true(apply.recover(world))
    assert_as_it_was()
    assert(filesystem.append(root .. "/var/lib/eni6/journal", "garbage\n"))
    assert.equal("EBADMSG", select(3, apply.recover(world)))
  end)
end)
