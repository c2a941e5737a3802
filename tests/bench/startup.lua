-- How long the commands take to start: whole processes, beside Lua doing nothing.

local process = require "eni6.process"
local system = require("eni6.core").system

local RUNS = 21

local function median_of(argv)
  local times = {}
  for i = 1, RUNS do
    local began = system.monotonic()
    local result = assert(process.run { argv = argv, timeout = 30 })
    times[i] = system.monotonic() - began
    assert(result.status == 0, result.stderr)
  end
  table.sort(times)
  return times[(RUNS + 1) / 2]
end

local CASES = {
  { "require eni6", { "lua5.4", "-e", "require 'eni6'" } },
  { "require eni6.sigv4", { "lua5.4", "-e", "require 'eni6.sigv4'" } },
  { "require eni6.aws.ec2", { "lua5.4", "-e", "require 'eni6.aws.ec2'" } },
  { "provision.lua --help", { "lua5.4", "scripts/provision.lua", "--help" } },
  { "configure.lua --help", { "lua5.4", "scripts/configure.lua", "--help" } },
  { "sandbox.lua --help", { "lua5.4", "scripts/sandbox.lua", "--help" } },
}

local nothing = median_of { "lua5.4", "-e", "" }
print(string.format("startup: lua5.4 doing nothing %.1f ms", nothing * 1000))
for _, case in ipairs(CASES) do
  local seconds = median_of(case[2])
  print(string.format("startup: %-24s %.1f ms, ratio %.1f to Lua doing nothing", case[1], seconds * 1000, seconds / nothing))
end

-- Every part of eni6 in one process: CPU time, without the process's own start.
local ALL = [[
local eni6, began = require "eni6", os.clock()
for _, name in ipairs { "ip6", "blocks", "sigv4", "http", "tasks", "process", "netlink", "jmespath" } do assert(eni6[name]) end
io.write(os.clock() - began)
]]
local times = {}
for i = 1, RUNS do
  local result = assert(process.run { argv = { "lua5.4", "-e", ALL }, timeout = 30 })
  times[i] = assert(tonumber(result.stdout), result.stderr)
end
table.sort(times)
print(string.format("startup: all parts of eni6, from nothing  %.1f ms of CPU, ratio %.1f to Lua doing nothing",
  times[(RUNS + 1) / 2] * 1000, times[(RUNS + 1) / 2] / nothing))
