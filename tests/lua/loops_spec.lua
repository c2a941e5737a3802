-- run: lua5.4
-- The examples of calls in a host's own loop, as they stand.
local process = require "eni6.process"
local sandbox = require "support.sandbox"
local servers = require "support.servers"

local aws = sandbox.start { "--quiet", "--latency", "0.3" }

local function run(argv, input)
  local env = { LUA_PATH = package.path, LUA_CPATH = package.cpath:gsub("build/[%w-]+/", "build/release/") }
  for name, value in pairs(aws.env) do env[name] = value end
  local result = assert(process.run { argv = argv, env = env, input = input, timeout = 60 })
  assert.same({ 0, "" }, { result.status, result.stderr })
  return result.stdout
end

local function pkg_config(...)
  local flags = {}
  for flag in assert(process.run { argv = { "pkg-config", ... } }).stdout:gmatch("%S+") do flags[#flags + 1] = flag end
  return flags
end

local function compile(source)
  local program = servers.directory() .. "/program"
  local argv = { "cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", source, "-o", program }
  for _, flag in ipairs(pkg_config("--cflags", "--libs", "lua5.4")) do argv[#argv + 1] = flag end
  argv[#argv + 1] = "-lm"
  local result = assert(process.run { argv = argv })
  assert.equal("", result.stderr)
  return program
end

local function count(text, pattern) return select(2, text:gsub(pattern, "")) end

describe("calls beside a program's own timer", function()
  teardown(function()
    aws:stop()
    servers.stop_all()
  end)

  it("in a poll loop in C", function()
    local argv = { compile("scripts/examples/poll_loop.c") }
    for index = 2, 41 do argv[index] = index % 2 == 0 and "DescribeSubnets" or "DescribeVpcs" end
    local output = run(argv, "twelve bytes")
    assert.equal(40, count(output, "Describe%w+ answered\n"))
    local ticks, bytes, longest = output:match("(%d+) ticks, (%d+) bytes, longest step (%S+) ms\n$")
    assert.is_true(tonumber(ticks) >= 5, output)
    assert.equal("12", bytes)
    assert.is_true(tonumber(longest) < 300, output) -- no step has waited for an answer
    io.stderr:write("poll_loop: longest step ", longest, " ms\n")
  end)

  it("in cqueues", function()
    aws:faults({ { kind = "throttle", operation = "DescribeVpcs", times = 2 } })
    local argv = { "lua5.4", "scripts/examples/cqueues.lua" }
    for _ = 1, 40 do argv[#argv + 1] = "DescribeVpcs" end
    local output = run(argv)
    assert.equal(40, count(output, "DescribeVpcs\tanswered\n"))
    assert.is_true(tonumber(output:match("(%d+) ticks")) >= 5, output)
  end)
end)
