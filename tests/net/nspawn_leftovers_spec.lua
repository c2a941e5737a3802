-- run: lua5.4 release
-- What a killed test of whole instances leaves is found and removed by the next.
local filesystem = require "eni6.filesystem"
local netlink = require "eni6.netlink"
local nspawn = require "support.nspawn"
local process = require "eni6.process"
local program = require "support.program"
local tasks = require "eni6.tasks"
local vpc = require "support.nspawn_vpc"

local BOOT = [[
  local vpc, begin = require "support.nspawn_vpc", nil
  local network = vpc.around(function(setup) begin = setup end, function() end)
  begin()
  print(network.folder)
  io.stdout:flush()
  network:boot(1)]]

describe("a killed test of a whole instance", function()
  if nspawn.missing() then return pending("needs " .. nspawn.missing()) end

  local function control_groups(name)
    local found = assert(process.run { argv = { "find", "/sys/fs/cgroup", "-maxdepth", "2", "-name", name } })
    return found.stdout
  end

  local function wait_for(read)
    local deadline = tasks.now() + 60
    while tasks.now() < deadline do
      local value = read()
      if value and value ~= "" then return value end
      tasks.sleep(0.1)
    end
    error "not in time"
  end

  it("leaves nothing that the next does not remove", function()
    nspawn.root() -- building it may take minutes, which no limit below allows for
    local argv, env = program(BOOT)
    local other = assert(process.spawn { argv = argv, env = env, stdout = "pipe", die_with_parent = true })
    local folder = assert(other:read_line(60))
    local name = wait_for(function() return (filesystem.read(folder .. "/instance-1/boots") or ""):match("[^\n]+") end)
    wait_for(function() return control_groups(name) end)
    other:kill("KILL")
    other:wait(10)
    other:close()
    assert.truthy(filesystem.stat(folder))

    local begin, finish
    vpc.around(function(setup) begin = setup end, function(teardown) finish = teardown end)
    begin()
    finish()
    assert.is_nil(filesystem.stat(folder))
    assert.equal("", control_groups(name))
    for _, present in ipairs(netlink.list_netns()) do assert.not_equal(name, present) end
  end)
end)
