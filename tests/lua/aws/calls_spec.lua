-- Calls that do not block, against the sandbox.
local descriptors = require "support.descriptors"
local ec2_module = require "eni6.aws.ec2"
local jmespath = require "eni6.jmespath"
local process = require "eni6.process"
local program = require "support.program"
local sandbox = require "support.sandbox"
local system = require("eni6.core").system
local tasks = require "eni6.tasks"

local aws = sandbox.start { "--quiet" }

local function client(more)
  local options = { getenv = function(name) return aws.env[name] end, read_file = function() return nil, "none", "ENOENT" end }
  for name, value in pairs(more or {}) do options[name] = value end
  return assert(ec2_module.new(options))
end

-- A host's loop.
local function drive(ec2, done)
  local limit = tasks.now() + 30
  while not done() do
    assert(tasks.now() < limit, "the calls do not end")
    assert(system.poll({ { ec2:pollfd(), ec2:events() } }, ec2:timeout()))
    ec2:step()
  end
end

local function finish(ec2, ...)
  local list = { ... }
  drive(ec2, function()
    for _, call in ipairs(list) do
      if not call:done() then return false end
    end
    return true
  end)
end

local function under_way(ec2)
  local count = 0
  for _ in pairs(ec2.own_http and ec2.own_http.transfers or {}) do count = count + 1 end
  return count
end

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

describe("a call that does not block", function()
  local ec2
  before_each(function()
    aws:faults({})
    aws:habits({ latency = 0, state_delay = 0 })
    ec2 = client()
  end)
  after_each(function() ec2:close() end)
  teardown(function() aws:stop() end)

  it("gives what the blocking one gives", function()
    local call = assert(ec2:start("DescribeSubnets", { SubnetIds = { aws.subnet_id } }))
    assert.is_false(call:done())
    assert.matches("^eni6.aws.call: DescribeSubnets$", tostring(call))
    assert.equal("the call is not done: step its client until it is", raised(call.result, call):gsub("^.-%d+: ", ""))
    finish(ec2, call)
    assert.same((ec2:DescribeSubnets({ SubnetIds = { aws.subnet_id } })), (call:result()))
    assert.same((call:result()), (call:result()))
    call:cancel()
    assert.is_table(call:result())
  end)

  it("is polled for itself as well as its client", function()
    local call = assert(ec2:start("DescribeVpcs"))
    assert.equal(ec2:pollfd(), call:pollfd())
    while not call:done() do
      system.poll({ { call:pollfd(), call:events() } }, call:timeout())
      call:step()
    end
    assert.equal(aws.vpc_id, call:result().Vpcs[1].VpcId)
  end)

  it("fails as the blocking one fails", function()
    local wrong = { SubnetIds = { "subnet-00000000000000000" } }
    local call = assert(ec2:start("DescribeSubnets", wrong))
    finish(ec2, call)
    local theirs, ours = table.pack(ec2:DescribeSubnets(wrong)), table.pack(call:result())
    theirs[2], theirs[4].request_id, ours[2], ours[4].request_id = nil, nil, nil, nil
    assert.same(theirs, ours)
    assert.same({ ec2:DescribeVpcs({ VpcId = "x" }) }, { ec2:start("DescribeVpcs", { VpcId = "x" }) })
    for _, misuse in ipairs({
      function() ec2:start("DescribeVpc") end, function() ec2:start_all("DescribeVpc") end,
      function() ec2:start_wait("VpcAvailble") end, function() ec2:start_task("x") end,
    }) do
      assert.matches("calls_spec.lua:%d+: ", raised(misuse))
    end
    assert.equal(0, under_way(ec2))
  end)

  it("goes out beside others, while the host's loop runs", function()
    aws:habits({ latency = 0.2 })
    local list, most = {}, 0
    for index = 1, 64 do list[index] = assert(ec2:start("DescribeVpcs")) end
    drive(ec2, function()
      most = math.max(most, under_way(ec2))
      for _, call in ipairs(list) do
        if not call:done() then return false end
      end
      return true
    end)
    for _, call in ipairs(list) do assert.equal(aws.vpc_id, call:result().Vpcs[1].VpcId) end
    assert.is_true(most > 32, most)
  end)

  it("is repeated as the blocking one is", function()
    aws:faults({ { kind = "throttle", operation = "DescribeVpcs", times = 2 } })
    local call = assert(ec2:start("DescribeVpcs"))
    finish(ec2, call)
    assert.is_table(call:result())
  end)

  it("of many pages, of a waiter, or of a function is one, too", function()
    aws:habits({ state_delay = 0.3 })
    local run = assert(ec2:RunInstances({ ImageId = aws.image_id, MinCount = 6, MaxCount = 6, InstanceType = "r5d.large",
      SubnetId = aws.subnet_id }))
    local ids = {}
    for index, instance in ipairs(run.Instances) do ids[index] = instance.InstanceId end
    local waiting = assert(ec2:start_wait("InstanceRunning", { InstanceIds = ids }, { timeout = 20 }))
    local all = assert(ec2:start_all("DescribeInstances", { MaxResults = 5 }))
    local by_page = assert(ec2:start_task(function(least)
      local pages = 0
      for page, message in ec2:pages("DescribeInstances", { MaxResults = least }) do
        assert(page, message)
        pages = pages + 1
      end
      return pages, ec2:DescribeVpcs().Vpcs[1].VpcId
    end, 5))
    finish(ec2, waiting, all, by_page)
    assert.equal("running", waiting:result().Reservations[1].Instances[6].State.Name)
    assert.equal(aws.vpc_id, select(2, by_page:result()))
    assert.equal(2, (by_page:result()))
    assert.equal(6, #jmespath.search("Reservations[].Instances[]", (all:result())))
    local late = assert(ec2:start_wait("InstanceStopped", { InstanceIds = ids }, { timeout = 0.1 }))
    finish(ec2, late)
    assert.equal("ETIMEDOUT", select(3, late:result()))
    assert(ec2:TerminateInstances({ InstanceIds = ids }))
  end)

  it("raises what its function raises, when it is collected", function()
    local call = assert(ec2:start_task(function()
      tasks.sleep(0)
      error({ mine = true })
    end))
    finish(ec2, call)
    assert.same({ mine = true }, raised(call.result, call))
  end)

  it("mixes with blocking ones, which move it on, too", function()
    aws:habits({ latency = 0.05 })
    local call = assert(ec2:start("DescribeVpcs"))
    ec2:step()
    assert(ec2:DescribeSubnets()) -- drives the same connections
    assert(ec2:DescribeSubnets())
    -- Who sleeps on the descriptor alone is woken.
    assert.same({ true }, system.poll({ { ec2:pollfd(), "r" } }, 5))
    ec2:step()
    assert.is_true(call:done())
  end)

  it("can be waited for, in a task or blocking", function()
    aws:habits({ latency = 0.05 })
    local call = assert(ec2:start("DescribeVpcs"))
    tasks.await(call)
    assert.is_table(call:result())
    local another, ticks = assert(ec2:start("DescribeVpcs")), 0
    assert(tasks.group(function(group)
      for _ = 1, 3 do
        group:spawn("collects", function()
          tasks.await(another)
          assert(another:result())
        end)
      end
      group:spawn("ticks", function()
        while not another:done() do
          tasks.sleep(0.005)
          ticks = ticks + 1
        end
      end)
    end))
    assert.is_table(another:result())
    assert.is_true(ticks > 2, ticks)
  end)

  it("wakes the host's descriptor when it is started, and lets it sleep when all are done", function()
    local fd = ec2:pollfd()
    ec2:step()
    assert.same({ false }, system.poll({ { fd, "r" } }, 0))
    local call = assert(ec2:start("DescribeVpcs"))
    assert.same({ true }, system.poll({ { fd, "r" } }, 0))
    finish(ec2, call)
    ec2:step()
    assert.same({ false }, system.poll({ { fd, "r" } }, 0))
    assert.is_nil(ec2:timeout())
    assert.equal(fd, ec2:pollfd())
  end)

  describe("lets the host's loop run while keys are looked for", function()
    -- How often the loop's own timer of 5 ms had its turn before the call was done.
    local function ticks_until_done(waiting)
      local call, ticks = assert(waiting:start("DescribeVpcs")), 0
      while not call:done() do
        system.poll({ { waiting:pollfd(), waiting:events() } }, 0.005)
        waiting:step()
        ticks = ticks + 1
      end
      assert(call:result())
      waiting:close()
      return ticks
    end

    local function with_config(text)
      return client({
        getenv = function(name)
          return ({ HOME = "/home/me", AWS_REGION = "us-east-1", AWS_ENDPOINT_URL = aws.url, PATH = os.getenv("PATH") })[name]
        end,
        read_file = function(path)
          if path == "/home/me/.aws/config" then return text end
          return nil, "none", "ENOENT"
        end,
      })
    end

    it("by a program", function()
      local keys = string.format([[{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s"}]], aws.env.AWS_ACCESS_KEY_ID,
        aws.env.AWS_SECRET_ACCESS_KEY)
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write("sleep 0.3\necho '" .. keys .. "'\n")
      file:close()
      local ticks = ticks_until_done(with_config("[default]\ncredential_process = sh " .. path .. "\n"))
      os.remove(path)
      assert.is_true(ticks > 10, ticks)
    end)

    it("by the service that lends roles", function()
      aws:habits({ latency = 0.2 })
      local ticks = ticks_until_done(with_config(string.format("[default]\nrole_arn = arn:aws:iam::123456789012:role/test\n"
        .. "source_profile = keys\n[profile keys]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
        aws.env.AWS_ACCESS_KEY_ID, aws.env.AWS_SECRET_ACCESS_KEY)))
      assert.is_true(ticks > 10, ticks)
    end)
  end)

  describe("that is given up", function()
    local function held(name, params)
      aws:faults({ { kind = "hold_after", operation = name } })
      local call = assert(ec2:start(name, params))
      for _ = 1, 200 do
        system.poll({ { ec2:pollfd(), "r" } }, 0.01)
        ec2:step()
        if aws:control("GET", "faults").held > 0 then return call end
      end
      error("the call is not held")
    end

    local function interface_params() return { SubnetId = aws.subnet_id, Ipv6AddressCount = 1 } end

    after_each(function() aws:release(true) end)

    it("ends at once, and tells that a change may have been made", function()
      local call = held("CreateNetworkInterface", interface_params())
      call:cancel()
      assert.is_true(call:done())
      assert.equal(0, under_way(ec2))
      local result, message, code, detail = call:result()
      assert.is_nil(result)
      assert.equal("ECANCELED", code)
      assert.equal("CreateNetworkInterface: the call was cancelled; it may have acted although its answer was lost: "
        .. "look before asking again", message)
      assert.is_string(detail.client_token)
      assert.same({ operation = "CreateNetworkInterface", attempts = 1, unknown = true, retryable = true,
        client_token = detail.client_token }, detail)
    end)

    it("is not to be repeated where it has no token", function()
      local id = assert(ec2:CreateNetworkInterface(interface_params())).NetworkInterface.NetworkInterfaceId
      local call = held("AssignIpv6Addresses", { NetworkInterfaceId = id, Ipv6AddressCount = 1 })
      call:cancel()
      assert.same({ operation = "AssignIpv6Addresses", attempts = 1, unknown = true, retryable = false },
        (select(4, call:result())))
    end)

    it("has done nothing if it reads, or was not sent yet", function()
      local call = held("DescribeVpcs")
      call:cancel()
      assert.same({ nil, "DescribeVpcs: the call was cancelled", "ECANCELED",
        { operation = "DescribeVpcs", attempts = 1, retryable = true } }, { call:result() })
      local unsent = assert(ec2:start("DeleteVpc", { VpcId = aws.vpc_id }))
      unsent:cancel()
      assert.same({ operation = "DeleteVpc", attempts = 0, retryable = true }, (select(4, unsent:result())))
      local pages = assert(ec2:start_all("DescribeVpcs"))
      pages:cancel()
      assert.same({ operation = "DescribeVpcs", retryable = true }, (select(4, pages:result())))
    end)

    it("leaves the others alone", function()
      local call = held("DescribeVpcs")
      local other = assert(ec2:start("DescribeSubnets"))
      call:cancel()
      finish(ec2, other)
      assert.is_table(other:result())
    end)

    it("because nobody holds it any more ends with the next step", function()
      local before = descriptors()
      for _ = 1, 3 do held("DescribeVpcs") end
      assert.equal(3, under_way(ec2))
      collectgarbage()
      collectgarbage()
      assert.equal(0, ec2:timeout())
      ec2:step()
      assert.equal(0, under_way(ec2))
      ec2:step()
      assert.is_nil(ec2:timeout())
      ec2:close()
      assert.is_true(descriptors() <= before)
    end)

    it("with its client, both dropped, leaves no descriptor open", function()
      local before = descriptors()
      aws:habits({ latency = 0.2 })
      for _ = 1, 5 do
        local dropped = client()
        local call = assert(dropped:start("DescribeVpcs"))
        dropped:step()
        assert.is_false(call:done())
      end
      assert.equal(before, descriptors())
    end)

    it("by the close of its client ends, too", function()
      local call = held("DeleteVpc", { VpcId = "vpc-00000000000000000" })
      ec2:close()
      ec2:close()
      assert.is_true(call:done())
      assert.is_true(select(4, call:result()).unknown)
      assert.matches("the client is closed", raised(ec2.start, ec2, "DescribeVpcs"))
      assert.matches("the client is closed", raised(ec2.pollfd, ec2))
      ec2:step()
      assert.is_nil(ec2:timeout())
    end)

    it("in a scope of Lua 5.4 ends with the scope", function()
      local call = held("DescribeVpcs")
      getmetatable(call).__close(call)
      assert.is_true(call:done())
    end)
  end)

  describe("that is interrupted", function()
    -- As the stand-alone interpreter does on SIGINT, at the `count`th instruction of the host's thread.
    local function interrupt_at(count, fn)
      local host, catch, sethook = coroutine.running(), pcall, debug.sethook
      local function until_end()
        fn()
        sethook()
      end
      sethook(function()
        sethook()
        if coroutine.running() == host then error("interrupted!", 0) end -- coroutines inherit the hook
      end, "", count)
      local ok, fault = catch(until_end)
      return not ok and fault == "interrupted!"
    end

    it("at any instruction leaves nothing running", function()
      local interrupted = 0
      for count = 10, 1500, 13 do -- the first few are our own
        local list = { assert(ec2:start("DescribeVpcs")), assert(ec2:start_wait("VpcAvailable")) }
        if interrupt_at(count, function() finish(ec2, list[1], list[2]) end) then interrupted = interrupted + 1 end
        for _, call in ipairs(list) do
          call:cancel()
          local result, _, code = call:result()
          assert.is_true(result ~= nil or code == "ECANCELED", code)
        end
        assert.equal(0, under_way(ec2))
      end
      assert.is_true(interrupted > 20, interrupted)
      assert(ec2:DescribeVpcs())
    end)

    it("by a real signal ends its program", function()
      aws:faults({ { kind = "hold_after", operation = "DescribeVpcs", times = 5 } })
      local argv, env = program([[
        local system = require("eni6.core").system
        local ec2 = assert(require("eni6.aws.ec2").new {})
        local list = {}
        for index = 1, 5 do list[index] = assert(ec2:start("DescribeVpcs")) end
        local ok, fault = pcall(function()
          print("ready")
          io.stdout:flush()
          while true do
            system.poll({ { ec2:pollfd(), ec2:events() } }, ec2:timeout())
            ec2:step()
          end
        end)
        ec2:close()
        for _, call in ipairs(list) do fault = fault .. " " .. select(3, call:result()) end
        print(fault)]])
      for name, value in pairs(aws.env) do env[name] = value end
      local child = assert(process.spawn { argv = argv, env = env, stdout = "pipe", stderr = "inherit" })
      assert.equal("ready", child:read_line(10))
      aws:wait_held(5)
      child:kill("INT")
      assert.matches("interrupted!" .. (" ECANCELED"):rep(5) .. "$", child:read_line(10))
      assert.same({ status = 0 }, child:wait(10))
      aws:release(true)
    end)
  end)
end)
