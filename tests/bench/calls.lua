--- 10,000 calls, 64 at a time, over a connection that adds 20 ms and loses 1 % of the answers: ours, driven by a host's
--- loop, and boto3 with 64 threads, one after the other against the same far end.

local descriptors = require "support.descriptors"
local json = require "dkjson"
local process = require "eni6.process"
local system = require("eni6.core").system

local COUNT, AT_ONCE = tonumber(os.getenv "COUNT") or 10000, 64
local MILLISECONDS, LOST_PER_MILLE = 20, 10

local function run(argv)
  local result = assert(process.run { argv = argv })
  assert(result.status == 0, result.stderr)
  return result.stdout
end

local function build(source, ...)
  local program = "build/bench/" .. source:match("([%w_]+)%.c$")
  run { "mkdir", "-p", "build/bench" }
  run { "cc", "-O2", "-std=gnu11", "-o", program, source, ... }
  return program
end

local function serve(argv)
  local child = assert(process.spawn { argv = argv, stdin = "pipe", stdout = "pipe", die_with_parent = true })
  return child, assert(child:read_line(10))
end

-- A fresh link to the far end, so that both lose alike.
local function over_link(link, port, measure)
  local child, own_port = serve { link, port, tostring(MILLISECONDS), tostring(LOST_PER_MILLE) }
  local measured = measure("http://127.0.0.1:" .. own_port)
  child:close_stdin()
  measured.carried = assert(child:read_line(10))
  child:wait(10)
  child:close()
  return measured
end

-- KiB, without what is only waiting to be collected.
local function resident()
  collectgarbage()
  collectgarbage()
  for line in io.lines("/proc/self/status") do
    local size = line:match("^VmRSS:%s*(%d+)")
    if size then return tonumber(size) end
  end
end

-- Starts calls as long as there are any, `AT_ONCE` under way.
local function drive(ec2, count, tally)
  local started, open = 0, {}
  while started < count or next(open) do
    while started < count and #open < AT_ONCE do
      open[#open + 1] = assert(ec2:start("DescribeKeyPairs"))
      started = started + 1
    end
    assert(system.poll({ { ec2:pollfd(), ec2:events() } }, ec2:timeout()))
    ec2:step()
    local still = {}
    for _, call in ipairs(open) do
      if call:done() then tally(call:result()) else still[#still + 1] = call end
    end
    open = still
  end
end

local function measure_ours(url)
  local ec2 = assert(require("eni6.aws.ec2").new {
    region = "us-east-1", endpoint = url, getenv = function() end,
    credentials = { access_key_id = "AKIDEXAMPLE", secret_access_key = "secret" },
  })
  local measured = { failed = 0, results = 0 }
  local function tally(result)
    local fate = result and #result.KeyPairs == 5 and "results" or "failed"
    measured[fate] = measured[fate] + 1
  end
  local open = descriptors()
  drive(ec2, COUNT // 10, function() end)
  local memory = resident()
  local cpu, wall = os.clock(), system.monotonic()
  drive(ec2, COUNT, tally)
  measured.cpu, measured.wall = os.clock() - cpu, system.monotonic() - wall
  measured.opened = descriptors() - open
  measured.memory, measured.grown = resident(), resident() - memory
  ec2:close()
  assert(measured.results + measured.failed == COUNT)
  return measured
end

local function measure_boto3(url)
  return json.decode(run { "/usr/bin/python3", "tests/bench/calls_boto3.py", url, tostring(COUNT), tostring(AT_ONCE) })
end

local link = build("tests/support/slow_link.c", "-lm")
local far_end, port = serve { build("tests/bench/ec2_peer.c") }
local ours, boto3 = over_link(link, port, measure_ours), over_link(link, port, measure_boto3)
far_end:close_stdin()
far_end:wait(10)

local function show(name, measured)
  print(string.format("calls: %s %.0f a second, %.0f us of CPU each, %d KiB, %d failed; %s", name, COUNT / measured.wall,
    measured.cpu / COUNT * 1e6, measured.memory, measured.failed, measured.carried))
end

show("eni6", ours)
show("boto3", boto3)
print(string.format("calls: %+d KiB after %d more calls than %d; %d descriptors for %d connections", ours.grown, COUNT,
  COUNT // 10, ours.opened, AT_ONCE))
print(string.format("calls: ratio %.2f of what the connection allows (%d at a time, %d ms)",
  COUNT / ours.wall / (AT_ONCE / MILLISECONDS * 1000), AT_ONCE, MILLISECONDS))
print(string.format("calls: ratio %.1f times boto3's throughput with %d threads, %.1f times its calls per CPU-second",
  boto3.wall / ours.wall, AT_ONCE, boto3.cpu / ours.cpu))
