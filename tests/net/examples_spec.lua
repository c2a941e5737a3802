-- run: lua5.4
-- The examples that read the kernel, as they stand, in a network namespace of their own.
local json = require "dkjson"
local netns = require "support.netns"
local process = require "eni6.process"

local function spawn(name, argv, options)
  options.argv, options.netns, options.die_with_parent = argv, "/run/netns/" .. name, true
  return assert(process.spawn(options))
end

local function output_of(name, argv, env)
  local result = assert(process.run { argv = argv, env = env, netns = "/run/netns/" .. name, timeout = 60 })
  assert(result.status == 0, result.stderr .. result.stdout)
  return result.stdout
end

-- A sandbox in the namespace; what it exports.
local function start_sandbox(name)
  local child, env = spawn(name, { "lua5.4", "scripts/sandbox.lua", "--die-with-stdin", "--quiet", "--latency", "0.2" },
    { stdin = "pipe", stdout = "pipe" }), {}
  for line in function() return child:read_line(20) end do
    if line == "ready" then return child, env end
    local key, value = line:match("^export ([%w_]+)='(.*)'$")
    env[key] = value
  end
  error("the sandbox did not start")
end

describe("an example beside the kernel", function()
  local name, nl

  before_each(function()
    name, nl = netns.new()
    assert(nl:add_link { name = "d0", kind = "veth", peer = { name = "d1" } })
    for _, link in ipairs { "d0", "d1" } do assert(nl:set_link { name = link, up = true }) end
  end)
  after_each(netns.clean)

  it("shows each link's addresses and gateway in nmap", function()
    assert(nl:add_address { link = "d0", address = "2001:db8::7/64", nodad = true })
    assert(nl:add_route { dst = "::/0", gateway = "2001:db8::1", link = "d0" })
    local output = output_of(name, { "nmap", "-sL", "-n", "127.0.0.1", "--script",
      "scripts/examples/nmap/ipv6-state.nse" }, { LUA_PATH = "lua/?.lua;;", LUA_CPATH = "build/release/lua5.3/?.so;;" })
    for _, link in ipairs(json.decode(output_of(name, { "ip", "-6", "-j", "address" }))) do
      assert.truthy(output:find(link.ifname .. ": ", 1, true), output)
      for _, address in ipairs(link.addr_info) do assert.truthy(output:find(address["local"] .. "/", 1, true), output) end
    end
    assert.equal(1, select(2, output:gsub("gateway: 2001:db8::1\n", "")), output)
  end)

  it("looks up each address that comes, in cqueues", function()
    local sandbox, env = start_sandbox(name)
    env.LUA_PATH, env.LUA_CPATH = package.path, package.cpath:gsub("build/[%w-]+/", "build/release/")
    local watch = spawn(name, { "lua5.4", "scripts/examples/watch.lua", "6" }, { stdout = "pipe", env = env })
    -- Until the monitor is there, nothing tells it of an address: come and go until it speaks.
    local lines, tries = {}, 0
    while #lines < 6 and tries < 100 do
      tries = tries + 1
      nl:add_address { link = "d0", address = "2001:db8::" .. tries .. "/128", nodad = true }
      local line = watch:read_line(0.1)
      while line do
        lines[#lines + 1] = line
        line = watch:read_line(0.1)
      end
    end
    watch:wait(10)
    watch:close()
    sandbox:close()
    assert.equal(6, #lines, table.concat(lines, "\n"))
    for _, line in ipairs(lines) do assert.truthy(line:match "^new d[01] [%x:]+: not EC2's$", line) end
  end)
end)
