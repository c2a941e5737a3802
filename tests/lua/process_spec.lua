local process = require "eni6.process"
local tasks = require "eni6.tasks"
local descriptors = require "support.descriptors"

local function shell(script, options)
  options = options or {}
  options.argv = { "sh", "-c", script }
  return process.run(options)
end

describe("process.run", function()
  it("returns both outputs and the status", function()
    local result = assert(shell("echo out; echo err >&2; exit 3"))
    assert.same({ status = 3, stdout = "out\n", stderr = "err\n" }, result)
  end)

  it("gives every argument as it is", function()
    local result = assert(process.run { argv = { "printf", "[%s]", "a b", "$HOME", "*", "" } })
    assert.equal("[a b][$HOME][*][]", result.stdout)
  end)

  it("names the signal that ended it", function()
    local result = assert(shell("kill -9 $$"))
    assert.equal(9, result.signal)
    assert.is_nil(result.status)
  end)

  it("feeds text to stdin, also more than a pipe holds", function()
    local text = ("x"):rep(300000)
    assert.equal(text, process.run({ argv = { "cat" }, stdin = text }).stdout)
    assert.equal("pipe", process.run({ argv = { "cat" }, input = "pipe" }).stdout)
    assert.equal("", process.run({ argv = { "cat" } }).stdout)
  end)

  it("changes the environment and the directory", function()
    local result = assert(shell("echo $A ${HOME-none} $(pwd)",
      { env = { A = "1", HOME = false }, cwd = "/usr" }))
    assert.equal("1 none /usr\n", result.stdout)
    result = assert(process.run { argv = { "env" }, clear_env = true, env = { B = "2=3" } })
    assert.equal("B=2=3\n", result.stdout)
  end)

  it("looks the program up in the PATH that the child gets", function()
    local path = os.tmpname()
    os.remove(path)
    assert(shell("mkdir " .. path .. " && printf '#!/bin/sh\necho mine' >" .. path .. "/ls && chmod +x " .. path .. "/ls"))
    local result = assert(process.run { argv = { "ls" }, env = { PATH = path .. ":/bin" } })
    assert.equal("mine\n", result.stdout)
    assert(shell("rm -r " .. path))
  end)

  it("says why a program cannot be started", function()
    local _, message, code = process.run { argv = { "no-such-program" } }
    assert.equal("cannot run no-such-program: No such file or directory", message)
    assert.equal("ENOENT", code)
    assert.equal("EACCES", select(3, process.run { argv = { "/etc/passwd" } }))
    assert.equal("ENOENT", select(3, process.run { argv = { "true" }, cwd = "/nowhere" }))
    assert.equal("ENOENT", select(3, process.run { argv = { "true" }, netns = "/nowhere" }))
    _, message, code = process.run { argv = { "true" }, stdout = "/nowhere/x" }
    assert.equal("cannot open /nowhere/x for the child's stdout: No such file or directory", message)
    assert.equal("ENOENT", code)
  end)

  it("kills a program that takes too long, and returns what it wrote", function()
    local before = tasks.now()
    local result, message, code, detail = shell("echo begun; exec sleep 100", { timeout = 0.2 })
    assert.is_nil(result)
    assert.equal("ETIMEDOUT", code)
    assert.matches("^sh: .* within 0.2 seconds$", message)
    assert.equal("begun\n", detail.stdout)
    assert.is_true(tasks.now() - before < 20)
  end)

  it("does not wait for what the program leaves running", function()
    local before = tasks.now()
    local result = assert(shell("sleep 30 & echo $!"))
    assert.is_true(tasks.now() - before < 20)
    assert(process.run { argv = { "kill", (result.stdout:gsub("\n", "")) } })
  end)

  it("stops a program that writes without end", function()
    local _, message, code = process.run { argv = { "yes" }, max_output = 100000 }
    assert.equal("EMSGSIZE", code)
    assert.equal("yes: the program wrote more than 100000 bytes", message)
  end)

  it("puts stderr where stdout goes, and both into files", function()
    assert.equal("1\n2\n", shell("echo 1; echo 2 >&2", { stderr = "stdout" }).stdout)
    local path = os.tmpname()
    assert(shell("echo 1; echo 2 >&2", { stdout = path, stderr = path }))
    local file = assert(io.open(path))
    assert.equal("1\n2\n", file:read("a"))
    file:close()
    os.remove(path)
  end)

  it("leaves no descriptor open, whatever happens", function()
    local before = descriptors()
    for _ = 1, 20 do
      shell("echo")
      shell("sleep 100", { timeout = 0.001 })
      process.run { argv = { "no-such-program" }, stdin = "x" }
    end
    assert.equal(before, descriptors())
  end)
end)

describe("process.spawn", function()
  it("talks with a child line by line", function()
    local child = assert(process.spawn { argv = { "cat" }, stdin = "pipe", stdout = "pipe" })
    assert.is_true(child:write("one\ntwo\nthree"))
    assert.equal("one", child:read_line(5))
    assert.equal("two", child:read_line(5))
    local _, _, code = child:read_line(0.02)
    assert.equal("ETIMEDOUT", code)
    child:close_stdin()
    assert.equal("three", child:read_line(5))
    assert.equal("EOF", select(3, child:read_line(5)))
    assert.same({ status = 0 }, child:wait(5))
  end)

  it("writes more than the pipe holds while the child reads slowly", function()
    local child = assert(process.spawn {
      argv = { "sh", "-c", "sleep 0.1; wc -c" }, stdin = "pipe", stdout = "pipe",
    })
    assert.is_true(child:write(("x"):rep(1000000), 10))
    child:close_stdin()
    assert.equal("1000000", child:read_line(10):match("%d+"))
    child:wait(5)
  end)

  it("reports a child that reads no more", function()
    local child = assert(process.spawn { argv = { "true" }, stdin = "pipe" })
    child:wait(5)
    assert.equal("EPIPE", select(3, child:write("x")))
  end)

  it("waits, with a time limit, and stops who does not go", function()
    local child = assert(process.spawn {
      argv = { "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done" }, stdout = "pipe", new_group = true,
    })
    assert.equal("ready", child:read_line(5))
    local _, message, code = child:wait(0.05)
    assert.equal("ETIMEDOUT", code)
    assert.equal("process " .. child.pid .. " did not end within 0.05 seconds", message)
    assert.same({ signal = 9 }, child:stop(0.05))
    assert.same({ signal = 9 }, child:wait())
    assert.equal("ESRCH", select(3, child:kill("TERM")))
  end)

  it("offers its end to a loop of the caller's", function()
    local child = assert(process.spawn { argv = { "sleep", "0.05" } })
    assert.equal("r", child:events())
    assert.is_true(tasks.poll({ { child:pollfd(), child:events() } }, 5))
    assert.same({ status = 0 }, child:wait(0))
  end)

  it("keeps an end of input that comes after a long line apart from one that does not", function()
    local result = assert(process.spawn { argv = { "head", "-c", "3000000", "/dev/zero" }, stdout = "pipe" })
    local _, _, code = result:read_line(10)
    assert.equal("EMSGSIZE", code)
    result:stop(0)
  end)

  it("refuses to use a closed object", function()
    local child = assert(process.spawn { argv = { "true" } })
    child:close()
    child:close()
    assert.has_error(function() child:wait() end)
  end)
end)

describe("process misuse", function()
  local cases = {
    { "options must be a table", nil },
    { "argv must be a list of strings", {} },
    { "argv must be a table, not string", { argv = "ls -l" } },
    { "unknown option arg", { argv = { "true" }, arg = 1 } },
    { "unknown option timeout", { argv = { "true" }, timeout = 1 } },
    { "cwd must be a string, not number", { argv = { "true" }, cwd = 1 } },
    { "stdout must be", { argv = { "true" }, stdout = "file" } },
    { "stdout must be", { argv = { "true" }, stdout = "stdout" } },
    { "env has a name", { argv = { "true" }, env = { ["A=B"] = "x" } } },
    { "env.A must be a string", { argv = { "true" }, env = { A = {} } } },
    { "argv has a zero byte", { argv = { "true", "a\0b" } } },
    { "argv must be a string", { argv = { "true", {} } } },
    { "stdin or input", { argv = { "true" }, stdin = "null", input = "" } },
  }
  for _, case in ipairs(cases) do
    it("is named: " .. case[1], function()
      local ok, message = pcall(process.spawn, case[2])
      assert.is_false(ok)
      assert.truthy(message:find(case[1], 1, true), message)
    end)
  end

  it("points at the caller", function()
    local _, message = pcall(function() process.spawn { argv = {} } end)
    assert.matches("process_spec.lua:%d+: process: argv", message)
    _, message = pcall(function() process.run { argv = { "true" }, stdout = 1.5 } end)
    assert.matches("process_spec.lua:%d+: process: stdout", message)
  end)
end)
