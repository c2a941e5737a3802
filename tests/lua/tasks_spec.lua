local tasks = require "eni6.tasks"
local http = require "eni6.http"
local process = require "eni6.process"
local servers = require "support.servers"
local descriptors = require "support.descriptors"
local program = require "support.program"

local server
setup(function() server = servers.start() end)
teardown(function() servers.stop_all() end)

local function fail_with(message, code, detail)
  return function() return nil, message, code, detail end
end

local function names(failures)
  local list = {}
  for index, failure in ipairs(failures) do list[index] = failure.name end
  return table.concat(list, " ")
end

describe("a group", function()
  it("runs its tasks at once and waits for all", function()
    local before, order = tasks.now(), {}
    assert.is_true(tasks.group(function(group)
      for index = 5, 1, -1 do
        group:spawn("task " .. index, function()
          tasks.sleep(index * 0.05)
          order[#order + 1] = index
        end)
      end
    end))
    assert.same({ 1, 2, 3, 4, 5 }, order)
    local took = tasks.now() - before
    assert.is_true(took >= 0.25 and took < 0.7, took)
  end)

  it("gives tasks their arguments and returns their results", function()
    local task
    assert.is_true(tasks.group(function(group)
      task = group:spawn("sum", function(a, b, c) return a, nil, c, b end, 1, nil, 3)
      group:spawn("reader", function() assert.equal(3, select(3, task:result())) end)
    end))
    assert.is_true(task:done())
    assert.same({ 1, nil, 3, nil, n = 4 }, table.pack(task:result()))
  end)

  it("with nothing to do ends at once", function()
    assert.is_true(tasks.group(function() end))
    assert.is_true(tasks.group(function(group) group:spawn("x", function() end) end))
  end)

  it("fails with the first failure, and cancels the rest", function()
    local unwound = {}
    local ok, message, code, detail = tasks.group(function(group)
      group:spawn("slow", function()
        local passed, fault = pcall(tasks.sleep, 60)
        unwound[#unwound + 1] = { passed, fault == tasks.CANCELLED }
        error(fault, 0)
      end)
      group:spawn("bad", function()
        tasks.sleep(0.01)
        return nil, "no such subnet", "InvalidSubnetID.NotFound", { request_id = "r-1" }
      end)
      tasks.sleep(60)
    end)
    assert.is_nil(ok)
    assert.equal("no such subnet", message)
    assert.equal("InvalidSubnetID.NotFound", code)
    assert.equal("r-1", detail.request_id)
    assert.equal("bad", names(detail.failures))
    assert.same({ "slow" }, detail.cancelled)
    assert.same({ { false, true } }, unwound)
  end)

  it("can spare the others", function()
    local done = 0
    local ok, message, _, detail = tasks.group(function(group)
      group:spawn("a", fail_with("first"))
      group:spawn("b", function()
        tasks.sleep(0.02)
        done = done + 1
      end)
      group:spawn("c", function()
        tasks.sleep(0.01)
        return nil, "second"
      end)
    end, { on_failure = "spare" })
    assert.is_nil(ok)
    assert.equal("first", message)
    assert.equal("a c", names(detail.failures))
    assert.same({}, detail.cancelled)
    assert.equal(1, done)
  end)

  it("takes what a task raises for its failure, with the place", function()
    local bad
    local ok, message, code, detail = tasks.group(function(group)
      bad = group:spawn("bad", function()
        tasks.sleep(0)
        error("oops")
      end)
    end)
    assert.is_nil(ok)
    assert.matches("tasks_spec.lua:%d+: oops", message)
    assert.equal("ERAISED", code)
    assert.matches("tasks_spec.lua:%d+: in function", detail.traceback)
    assert.equal("ERAISED", select(3, bad:result()))
    local fault = {}
    detail = select(4, tasks.group(function(group) group:spawn("bad", function() error(fault) end) end))
    assert.equal(fault, detail.error)
  end)

  it("raises what its own function raises, once the tasks have ended", function()
    local ended = false
    local ok, fault = pcall(tasks.group, function(group)
      group:spawn("slow", function()
        pcall(tasks.sleep, 60)
        ended = true
      end)
      tasks.sleep(0.01)
      error("mine")
    end)
    assert.is_false(ok)
    assert.matches("mine", fault)
    assert.is_true(ended)
  end)

  it("fails when its own function returns nil and a message", function()
    local ok, message, code = tasks.group(function(group)
      group:spawn("slow", function() tasks.sleep(60) end)
      tasks.sleep(0.01)
      return nil, "gave up", "EGAVEUP"
    end)
    assert.is_nil(ok)
    assert.equal("gave up", message)
    assert.equal("EGAVEUP", code)
  end)

  it("that spares the others does so also when its own function fails, but not when it raises", function()
    local done = 0
    local function body(group)
      group:spawn("slow", function()
        tasks.sleep(0.02)
        done = done + 1
      end)
      tasks.sleep(0)
    end
    local ok, message = tasks.group(function(group)
      body(group)
      return nil, "mine"
    end, { on_failure = "spare" })
    assert.is_nil(ok)
    assert.equal("mine", message)
    assert.equal(1, done)
    assert.is_false(pcall(tasks.group, function(group)
      body(group)
      error("mine")
    end, { on_failure = "spare" }))
    assert.equal(1, done)
  end)

  it("ends at its deadline", function()
    local before = tasks.now()
    local ok, message, code, detail = tasks.group(function(group)
      group:spawn("slow", function() tasks.sleep(60) end)
      group:spawn("quick", function() tasks.sleep(0.01) end)
    end, { deadline = 0.1 })
    assert.is_nil(ok)
    assert.equal("not done within 0.1 seconds", message)
    assert.equal("ETIMEDOUT", code)
    assert.same({ "slow" }, detail.cancelled)
    assert.is_true(tasks.now() - before < 5)
    assert.is_true(tasks.group(function() end, { deadline = 60 }))
  end)

  it("runs as many at once as its limit says, the others after them in their order", function()
    local running, most, order = 0, 0, {}
    assert.is_true(tasks.group(function(group)
      for index = 1, 20 do
        group:spawn("t", function()
          order[#order + 1] = index
          running = running + 1
          most = math.max(most, running)
          tasks.sleep(0.005)
          running = running - 1
        end)
      end
    end, { limit = 3 }))
    assert.equal(3, most)
    for index = 1, 20 do assert.equal(index, order[index]) end
  end)

  it("that is cancelled does not start what waits in its queue", function()
    local started = 0
    local ok, message, code, detail = tasks.group(function(group)
      for index = 1, 5 do
        group:spawn("t" .. index, function()
          started = started + 1
          tasks.sleep(60)
        end)
      end
      tasks.sleep(0.01)
      group:cancel("enough")
      local late = group:spawn("late", function() started = started + 1 end)
      assert.has_error(function() tasks.sleep(0) end)
      assert.is_false(late:done())
    end, { limit = 2 })
    assert.is_nil(ok)
    assert.equal("enough", message)
    assert.equal("ECANCELED", code)
    assert.equal(2, started)
    assert.same({ "t1", "t2", "t3", "t4", "t5", "late" }, detail.cancelled)
  end)

  it("holds groups, which fail and are cancelled by themselves", function()
    local inner_result, outer_cancelled
    assert.is_true(tasks.group(function(outer)
      outer:spawn("one", function()
        inner_result = table.pack(tasks.group(function(inner)
          inner:spawn("bad", fail_with("inner failure", "EINNER"))
          inner:spawn("slow", function() tasks.sleep(60) end)
        end))
      end)
      outer:spawn("two", function() tasks.sleep(0.05) end)
    end))
    assert.same({ n = 4, nil, "inner failure", "EINNER", inner_result[4] }, inner_result)
    local deep = false
    local ok, message = tasks.group(function(outer)
      outer:spawn("one", function()
        local passed, fault = pcall(tasks.group, function(inner)
          inner:spawn("deep", function()
            local _, why = pcall(tasks.sleep, 60)
            tasks.now()
            deep = why == tasks.CANCELLED
          end)
        end)
        outer_cancelled = not passed and fault == tasks.CANCELLED
        error(fault, 0)
      end)
      outer:spawn("two", function()
        tasks.sleep(0.02)
        return nil, "outer failure"
      end)
    end)
    assert.is_nil(ok)
    assert.equal("outer failure", message)
    assert.is_true(deep)
    assert.is_true(outer_cancelled)
  end)

  it("drops a task that will not be cancelled", function()
    local tries = 0
    local ok, _, code = tasks.group(function(group)
      group:spawn("stubborn", function()
        while true do
          pcall(tasks.sleep, 1)
          tries = tries + 1
        end
      end)
      tasks.sleep(0.01)
      group:cancel()
    end)
    assert.is_nil(ok)
    assert.equal("ECANCELED", code)
    assert.is_true(tries >= 2 and tries <= 101, tries)
  end)

  it("does not let a task cancelled in long work begin another request", function()
    local client = assert(http.new { getenv = function() end })
    local code
    tasks.group(function(group)
      group:spawn("worker", function()
        group:cancel()
        local ok, fault = pcall(client.request, client, { url = server.url .. "/after-cancel" })
        code = not ok and fault
      end)
    end)
    assert.equal(tasks.CANCELLED, code)
    assert.is_nil(servers.stats(client, server).seen["/after-cancel"])
    client:close()
  end)

  it("does not begin in a task that was cancelled; and what such a task awaits is cancelled", function()
    local client = assert(http.new { getenv = function() end })
    local began, refused, code = false, nil, nil
    tasks.group(function(group)
      group:spawn("late", function()
        local transfer = assert(client:start { url = server.url .. "/delay/60" })
        group:cancel()
        local ok, fault = pcall(tasks.group, function() began = true end)
        refused = not ok and fault
        pcall(tasks.await, transfer)
        code = transfer:done() and select(3, transfer:result())
      end)
    end)
    assert.is_false(began)
    assert.equal(tasks.CANCELLED, refused)
    assert.equal("ECANCELED", code)
    client:close()
  end)

  it("notices that its tasks wait for each other", function()
    local a, b
    local ok, fault = pcall(tasks.group, function(group)
      a = group:spawn("a", function() return b:result() end)
      b = group:spawn("b", function() return a:result() end)
    end)
    assert.is_false(ok)
    assert.matches("wait for each other", fault)
    assert.is_true(a:done() and b:done())
  end)

  it("leaves no descriptor open", function()
    local before = descriptors()
    for _ = 1, 10 do
      tasks.group(function(group) group:spawn("x", function() tasks.sleep(0) end) end)
      pcall(tasks.group, function() error("x") end)
      tasks.group(function() tasks.sleep(60) end, { deadline = 0.001 })
    end
    local runner = assert(tasks.start(function() tasks.sleep(60) end))
    runner:step()
    runner:close()
    assert.equal(before, descriptors())
  end)
end)

describe("waiting", function()
  it("blocks outside of tasks", function()
    local before = tasks.now()
    tasks.sleep(0.03)
    assert.is_true(tasks.now() - before >= 0.03)
    assert.equal("ETIMEDOUT", select(3, tasks.poll({}, 0.01)))
    local child = assert(process.spawn { argv = { "sleep", "0.05" } })
    assert.is_true(tasks.wait(child, 10))
    assert.same({ status = 0 }, child:wait(0))
    assert.equal("ETIMEDOUT", select(3, tasks.wait({
      pollfd = function() end, events = function() return "r" end, timeout = function() end,
    }, 0.01)))
  end)

  it("lets the others run inside tasks, for children and files too", function()
    local ticks, output = 0, nil
    assert.is_true(tasks.group(function(group)
      group:spawn("ticker", function()
        while not output do
          ticks = ticks + 1
          tasks.sleep(0.005)
        end
      end)
      group:spawn("child", function()
        output = assert(process.run { argv = { "sh", "-c", "sleep 0.1; echo done" } }).stdout
        local file = assert(process.spawn { argv = { "true" }, stdin = "pipe" })
        file:wait()
        assert.equal("EPIPE", select(3, file:write("x")))
      end)
    end))
    assert.equal("done\n", output)
    assert.is_true(ticks > 5, ticks)
  end)

  it("for a waitable ends when its own timeout has passed", function()
    local waitable = { pollfd = function() end, events = function() end, timeout = function() return 0.01 end }
    assert.is_true(tasks.wait(waitable))
    assert.is_true(tasks.group(function() assert(tasks.wait(waitable, 60)) end))
  end)

  it("of two tasks for one descriptor wakes both, each for what it wanted", function()
    local child = assert(process.spawn { argv = { "cat" }, stdin = "pipe", stdout = "pipe" })
    local lines = {}
    assert.is_true(tasks.group(function(group)
      group:spawn("a", function() lines[1] = child:read_line(10) end)
      group:spawn("b", function() lines[2] = child:read_line(10) end)
      tasks.sleep(0.01)
      child:write("x\ny\n")
    end))
    table.sort(lines)
    assert.same({ "x", "y" }, lines)
    child:close_stdin()
    child:wait(5)
  end)

  it("for reading and for writing at once ends with the first", function()
    local child = assert(process.spawn { argv = { "cat" }, stdin = "pipe", stdout = "pipe" })
    local pipe, output = child.handle:descriptor(0), child.handle:descriptor(1)
    assert.is_true(tasks.group(function()
      assert(tasks.poll({ { pipe, "w" }, { pipe, "r" } }, 10))
      assert(tasks.poll({ { output, "r" }, { pipe, "w" } }, 10))
      assert.equal("ETIMEDOUT", select(3, tasks.poll({ { output, "r" } }, 0.01)))
    end))
    child:close_stdin()
    child:wait(5)
  end)

  it("of many ends for each in its turn", function()
    local loop = assert(require("eni6.tasks.loop").new(function() end))
    local order, kept = {}, 0
    local now = tasks.now()
    for index = 1, 1000 do
      local time = now - math.random()
      local timer = loop:at(time, function() order[#order + 1] = time end)
      if index % 3 == 0 then loop:forget(timer) else kept = kept + 1 end
    end
    loop:turn(0)
    assert.equal(kept, #order)
    for index = 2, kept do assert.is_true(order[index - 1] <= order[index]) end
    assert.equal(0, #loop.timers)
    assert.equal(0, loop.forgotten)
    loop:close()
  end)

  it("thousands of times, with far limits, keeps nothing of them", function()
    local child = assert(process.spawn { argv = { "cat" }, stdin = "pipe", stdout = "pipe" })
    local pipe = child.handle:descriptor(0)
    assert.is_true(tasks.group(function()
      for _ = 1, 1000 do tasks.poll({ { pipe, "w" } }, 1000) end
      collectgarbage()
      local before = collectgarbage("count")
      for _ = 1, 20000 do tasks.poll({ { pipe, "w" } }, 1000) end
      collectgarbage()
      assert.is_true(collectgarbage("count") - before < 100)
    end, { deadline = 500 })) -- comes before those limits, so that they lie behind it
    child:close_stdin()
    child:wait(5)
  end)

  it("for a source steps its driver when the driver's own time has come", function()
    local child = assert(process.spawn { argv = { "cat" }, stdin = "pipe", stdout = "pipe" })
    local due = tasks.now() + 0.02
    local source = { finished = false }
    local driver = {}
    function driver:pollfd() return child.handle:descriptor(1) end -- luacheck: no self
    function driver:events() return "r" end -- luacheck: no self
    function driver:timeout() return math.max(0, due - tasks.now()) end -- luacheck: no self
    function driver:step() -- luacheck: no self
      if tasks.now() < due then return end
      source.finished = true
      if source.notify then source.notify() end
    end
    function source:done() return self.finished end
    function source:driver() return driver end -- luacheck: no self
    function source:on_done(notify) self.notify = notify end
    function source:cancel() self.finished = true end
    assert.is_true(tasks.group(function() tasks.await(source) end))
    source.finished, source.notify, due = false, nil, tasks.now() + 0.02
    tasks.await(source)
    assert.is_true(source.finished)
    child:close_stdin()
    child:wait(5)
  end)

  it("in a coroutine of the program's own blocks, and works", function()
    local values = {}
    assert.is_true(tasks.group(function()
      for value in coroutine.wrap(function()
        for index = 1, 3 do
          tasks.sleep(0.001)
          coroutine.yield(index)
        end
      end) do
        values[#values + 1] = value
      end
      table.sort({ 2, 1, 3 }, function(a, b)
        tasks.sleep(0) -- cannot yield across C
        return a < b
      end)
    end))
    assert.same({ 1, 2, 3 }, values)
  end)

  it("by coroutine.yield is a failure, not a silence", function()
    local ok, message = tasks.group(function(group) group:spawn("x", function() coroutine.yield(5) end) end)
    assert.is_nil(ok)
    assert.matches("called coroutine.yield", message)
  end)
end)

describe("requests in tasks", function()
  local client
  before_each(function() client = assert(http.new { getenv = function() end }) end)
  after_each(function() client:close() end)

  it("go out together", function()
    local before = tasks.now()
    assert.is_true(tasks.group(function(group)
      for index = 1, 64 do
        group:spawn("request " .. index, function()
          local response = assert(client:request { url = server.url .. "/delay/0.3" })
          assert.equal("late", response.body)
        end)
      end
    end))
    assert.is_true(tasks.now() - before < 9)
  end)

  it("wake only those whose answer has come", function()
    local wakes = 0
    local yield = coroutine.yield
    coroutine.yield = function(...) -- luacheck: ignore
      wakes = wakes + 1
      return yield(...)
    end
    local ok = tasks.group(function(group)
      for index = 1, 40 do
        group:spawn("request", function()
          assert(client:request { url = server.url .. "/delay/" .. index / 200 })
        end)
      end
    end)
    coroutine.yield = yield -- luacheck: ignore
    assert.is_true(ok)
    assert.equal(40, wakes)
  end)

  it("are cancelled with their task", function()
    local transfer_errors = 0
    local ok, _, code = tasks.group(function(group)
      for _ = 1, 10 do
        group:spawn("hangs", function()
          local passed, fault = pcall(client.request, client, { url = server.url .. "/delay/60", timeout = 60 })
          if not passed and fault == tasks.CANCELLED then transfer_errors = transfer_errors + 1 end
          error(fault, 0)
        end)
      end
    end, { deadline = 0.2 })
    assert.is_nil(ok)
    assert.equal("ETIMEDOUT", code)
    assert.equal(10, transfer_errors)
    assert.is_nil(next(client.transfers))
    assert.equal(200, client:request({ url = server.url .. "/where" }).status)
  end)

  it("end with ECANCELED when another task closes their client", function()
    local code
    assert.is_true(tasks.group(function(group)
      group:spawn("asks", function() code = select(3, client:request { url = server.url .. "/delay/60" }) end)
      tasks.sleep(0.05)
      client:close()
    end))
    assert.equal("ECANCELED", code)
  end)

  it("of two clients mix with blocking ones", function()
    local other = assert(http.new { getenv = function() end })
    local pending = assert(other:start { url = server.url .. "/delay/0.1" })
    assert.is_true(tasks.group(function(group)
      group:spawn("a", function() assert(client:request { url = server.url .. "/where" }) end)
      group:spawn("b", function()
        tasks.await(pending)
        assert.equal("late", pending:result().body)
      end)
      group:spawn("c", function()
        coroutine.wrap(function() assert(other:request { url = server.url .. "/delay/0.2" }) end)()
      end)
    end))
    other:close()
  end)
end)

describe("an interrupt", function()
  it("cancels everything and goes on up", function()
    local client = assert(http.new { getenv = function() end })
    local unwound = 0
    local poll = { pollfd = function() end, events = function() end, timeout = function() error("interrupted!", 0) end }
    local runner = assert(tasks.start(function(group)
      for _ = 1, 5 do
        group:spawn("t", function()
          local ok, fault = pcall(client.request, client, { url = server.url .. "/delay/60" })
          if not ok and fault == tasks.CANCELLED then unwound = unwound + 1 end
          tasks.sleep(0)
        end)
      end
      tasks.group(function(inner)
        inner:spawn("deep", function() tasks.sleep(60) end)
        tasks.sleep(60)
      end)
    end))
    for _ = 1, 3 do runner:step() end
    runner.loop.drivers[poll] = { fd = -1, count = 1 }
    local ok, fault = pcall(runner.step, runner)
    assert.is_false(ok)
    assert.equal("interrupted!", fault)
    assert.equal(5, unwound)
    assert.is_nil(next(client.transfers))
    assert.is_true(runner:done())
    client:close()
  end)

  it("of a real program ends it, with its children and requests", function()
    local script = [[
      local tasks, http, process = require "eni6.tasks", require "eni6.http", require "eni6.process"
      local client = http.new { getenv = function() end }
      tasks.group(function(group)
        group:spawn("request", function()
          local ok, fault = pcall(client.request, client, { url = "]] .. server.url .. [[/delay/60" })
          io.stderr:write(tostring(fault), "\n")
          error(fault, 0)
        end)
        group:spawn("child", function() process.run { argv = { "sleep", "60" } } end)
        tasks.sleep(0.1)
        print("ready")
        io.stdout:flush()
      end)]]
    local argv, env = program(script)
    local child = assert(process.spawn { argv = argv, env = env, stdout = "pipe", stderr = "pipe", new_group = true })
    assert.equal("ready", child:read_line(10))
    os.execute("kill -INT " .. child.pid)
    assert.equal("the task was cancelled", child:read_line(10, "stderr"))
    assert.matches("interrupted!", child:read_line(10, "stderr"))
    assert.same({ status = 1 }, child:wait(10))
  end)
end)

describe("a runner", function()
  it("is driven by a loop of the caller's", function()
    local client = assert(http.new { getenv = function() end })
    local body
    local runner = assert(tasks.start(function(group)
      group:spawn("request", function() body = assert(client:request { url = server.url .. "/delay/0.05" }).body end)
      group:spawn("sleeper", function() tasks.sleep(0.03) end)
    end))
    local rounds = 0
    while not runner:done() do
      tasks.poll({ { runner:pollfd(), runner:events() } }, runner:timeout())
      runner:step()
      rounds = rounds + 1
    end
    assert.is_true(runner:result())
    assert.equal("late", body)
    assert.is_true(rounds < 50, rounds)
    runner:step()
    runner:close()
    runner:close()
    client:close()
  end)

  it("runs inside a scheduler that is not ours", function()
    local cqueues = require "cqueues"
    local runner = assert(tasks.start(function() tasks.sleep(0.05) end))
    local ticks, queue = 0, cqueues.new()
    queue:wrap(function()
      while not runner:done() do
        cqueues.poll(runner)
        runner:step()
      end
    end)
    queue:wrap(function()
      for _ = 1, 5 do
        ticks = ticks + 1
        cqueues.sleep(0.005)
      end
      assert.is_true(tasks.group(function() tasks.sleep(0.001) end)) -- blocks, and works
    end)
    assert(queue:loop())
    assert.equal(5, ticks)
    assert.is_true(runner:result())
    cqueues.cancel(runner:pollfd())
    runner:close()
  end)

  it("does not allow its tasks to step it", function()
    local runner
    runner = assert(tasks.start(function() runner:step() end))
    assert.has_error(function()
      runner:step()
      runner:result()
    end)
    assert.is_true(runner:done())
  end)
end)

describe("a runner of many tasks", function()
  local function drive(runner, done)
    local limit = tasks.now() + 20
    while not done() do
      assert(tasks.now() < limit)
      tasks.poll({ { runner:pollfd(), runner:events() } }, runner:timeout())
      runner:step()
    end
  end

  it("gives each its own end", function()
    local runner = assert(tasks.open())
    assert.is_true(runner:done())
    local good = runner:spawn("good", function(a, b)
      tasks.sleep(0.02)
      local inner
      assert(tasks.group(function(group) inner = group:spawn("inner", function() return b end) end))
      return a, (inner:result())
    end, 1, 2)
    local bad = runner:spawn("bad", function() return nil, "no", "ENO" end)
    local ugly = runner:spawn("ugly", function() error("oops") end)
    drive(runner, function() return runner:done() end)
    assert.same({ 1, 2 }, { good:result() })
    assert.same({ nil, "no", "ENO" }, { bad:result() })
    assert.equal("ERAISED", select(3, ugly:result()))
    local late = runner:spawn("late", function() return "too" end)
    drive(runner, function() return late:done() end)
    assert.equal("too", late:result())
    assert.has_error(function() runner:result() end)
    runner:close()
    runner:close()
    runner:step()
    assert.has_error(function() runner:spawn("x", print) end)
    assert.has_error(function() tasks.open():spawn("x") end)
  end)

  it("keeps nothing of those that ended", function()
    local runner = assert(tasks.open())
    local function rounds()
      for _ = 1, 1000 do
        runner:spawn("t", function() return nil, "failed" end)
        runner:spawn("t", function() tasks.sleep(0) end):cancel()
      end
      drive(runner, function() return runner:done() end)
      collectgarbage()
      collectgarbage()
      return collectgarbage("count")
    end
    rounds()
    local before = rounds()
    assert.is_true(rounds() - before < 20)
    runner:close()
  end)

  it("cancels a task at once, with the groups in it", function()
    local runner, unwound = assert(tasks.open()), {}
    local task = runner:spawn("outer", function()
      tasks.group(function(group)
        group:spawn("inner", function()
          local _, fault = pcall(tasks.sleep, 60)
          unwound[#unwound + 1] = fault == tasks.CANCELLED
          error(fault, 0)
        end)
        tasks.sleep(60)
      end)
    end)
    local other = runner:spawn("other", function() tasks.sleep(0.01) end)
    runner:step()
    runner:step()
    task:cancel()
    assert.is_true(task:done())
    assert.same({ true }, unwound)
    assert.same({ nil, "the task was cancelled", "ECANCELED" }, { task:result() })
    assert.is_false(other:done())
    drive(runner, function() return other:done() end)
    runner:close()
  end)

  it("cancels one that waits for its turn, which goes to another", function()
    local ran = {}
    assert(tasks.group(function(group)
      local list = {}
      for index = 1, 4 do
        list[index] = group:spawn("t", function()
          tasks.sleep(0.005)
          ran[#ran + 1] = index
        end)
      end
      list[2]:cancel()
      list[3]:cancel()
    end, { limit = 1 }))
    assert.same({ 1, 4 }, ran)
  end)

  it("leaves a part of much work to the next step", function()
    local runner, ran = assert(tasks.open()), {}
    for index = 1, 20 do
      runner:spawn("long", function()
        local over = tasks.now() + 0.001
        repeat until tasks.now() > over
        ran[#ran + 1] = index
        if index == 1 then runner:spawn("last", function() ran[#ran + 1] = "last" end) end
      end)
    end
    runner:step()
    assert.is_true(#ran >= 1 and #ran < 10, #ran)
    assert.equal(0, runner:timeout())
    assert.is_true(tasks.poll({ { runner:pollfd(), "r" } }, 5))
    drive(runner, function() return runner:done() end)
    for index = 1, 20 do assert.equal(index, ran[index]) end
    assert.equal("last", ran[21])
    runner:close()
  end)

  it("is woken by what moves its drivers on from elsewhere", function()
    local client = assert(http.new { getenv = function() end })
    local runner = assert(tasks.open())
    local task = runner:spawn("request", function() return client:request { url = server.url .. "/delay/0.02" } end)
    runner:step()
    assert(client:request { url = server.url .. "/delay/0.1" }) -- blocks, and takes both answers
    assert.is_false(task:done())
    assert.is_true(tasks.poll({ { runner:pollfd(), "r" } }, 5))
    assert.equal(0, runner:timeout())
    runner:step()
    assert.is_true(task:done())
    assert.is_nil(tasks.poll({ { runner:pollfd(), "r" } }, 0))
    runner:close()
    client:close()
  end)

  it("lets a task go with the next step that nobody wants any more", function()
    local client = assert(http.new { getenv = function() end })
    local runner = assert(tasks.open())
    local task = runner:spawn("request", function() return client:request { url = server.url .. "/delay/60" } end)
    runner:step()
    task:abandon()
    assert.is_false(task:done())
    assert.equal(0, runner:timeout())
    assert.is_true(tasks.poll({ { runner:pollfd(), "r" } }, 5))
    runner:step()
    assert.is_true(task:done())
    assert.is_nil(next(client.transfers))
    runner:close()
    task:abandon()
    client:close()
  end)
end)

describe("tasks misuse", function()
  it("is named", function()
    for message, case in pairs {
      ["expected a function, not nil"] = {},
      ["options must be a table"] = { print, 5 },
      ["deadlines: unknown option"] = { print, { deadlines = 5 } },
      ["deadline: must be a number"] = { print, { deadline = "5" } },
      ['on_failure must be "cancel" or "spare"'] = { print, { on_failure = "ignore" } },
      ["limit must be at least 1"] = { print, { limit = 0 } },
    } do
      local ok, text = pcall(function() tasks.group(table.unpack(case)) end)
      assert.is_false(ok)
      assert.truthy(text:find(message, 1, true), text)
      assert.matches("tasks_spec.lua:%d+:", text)
    end
    local group
    tasks.group(function(it) group = it end)
    assert.has_error(function() group:spawn("late", print) end)
    assert.has_error(function() tasks.group(function(it) it:spawn(print) end) end)
    assert.has_error(function() tasks.sleep("x") end)
  end)
end)
