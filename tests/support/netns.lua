--- Network namespaces for tests: made under a name of their own, gone afterwards.

local netlink = require "eni6.netlink"
local process = require "eni6.process"
local system = require("eni6.core").system

local netns = {}

local function fresh_name()
  return "eni6-test-" .. system.random(6):gsub(".", function(c) return string.format("%02x", c:byte()) end)
end

local made = {}

--- Makes a namespace with its loopback up. Returns its name and a socket in it.
function netns.new()
  local name = fresh_name()
  assert(netlink.create_netns(name))
  made[#made + 1] = name
  local nl = assert(netlink.open{ netns = name })
  assert(nl:set_link{ name = "lo", up = true })
  return name, nl
end

--- Removes all that new() made: for after_each.
function netns.clean()
  for _, name in ipairs(made) do netlink.delete_netns(name) end
  made = {}
  collectgarbage()
end

--- Waits for a link to have its link-local address, and to be able to use it; returns it.
function netns.link_local(nl, link)
  local watch = assert(nl:monitor{ "address" })
  while true do
    local record = nl:addresses{ link = link, scope = "link" }[1]
    if record then
      watch:close()
      assert(nl:wait_address(record))
      return (record.address:match("^[^/]*"))
    end
    assert(watch:next(5))
  end
end

--- Runs a shell command in a namespace; returns its output. Raises when it fails.
function netns.shell(name, command)
  local result = assert(process.run{
    argv = { "/bin/sh", "-c", command }, netns = "/run/netns/" .. name, stderr = "stdout", timeout = 30,
  })
  if result.status ~= 0 then error(command .. ": " .. result.stdout, 2) end
  return result.stdout
end

return netns
