local process = require("eni6.process")
local program = require("support.program")
local system = require("eni6.core").system

describe("system", function()
  it("waits for the time given when nothing is ready", function()
    local before = system.monotonic()
    assert.same({}, system.poll({}, 0.02))
    assert.is_true(system.monotonic() - before >= 0.02)
  end)

  it("refuses an event mask that names nothing", function()
    assert.has_error(function() system.poll({ { 0, "x" } }, 0) end)
  end)

  it("gives as many random bytes as asked for, new ones each time", function()
    assert.equal(32, #system.random(32))
    assert.not_equal(system.random(32), system.random(32))
    assert.has_error(function() system.random(-1) end)
  end)

  it("tells a terminal from what is none", function()
    assert.is_false(system.is_terminal(9999))
    assert.has_error(function() system.is_terminal(-1) end)
    -- script(1) runs a program on a terminal of its own.
    local argv, env = program("print(require('eni6.core').system.is_terminal(1))")
    local command = argv[1] .. ' -e "' .. argv[3] .. '"'
    local result = assert(process.run({ argv = { "script", "-qec", command, "/dev/null" }, env = env }))
    assert.equal("true", result.stdout:match("%a+"), result.stdout)
  end)
end)
