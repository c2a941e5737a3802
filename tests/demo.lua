-- What `make demo` shows: the published text on one machine. As root, all of it:
-- two instances, their addresses split, Docker on the blocks, a container on each,
-- pings both ways. Else the operator's half, against the sandbox's endpoint alone.

package.path = "lua/?.lua;lua/?/init.lua;tests/?.lua;" .. package.path
package.cpath = "build/release/lua5.4/?.so;" .. package.cpath

local filesystem = require "eni6.filesystem"
local process = require "eni6.process"
local tasks = require "eni6.tasks"

local PLAN, PICTURE = "scripts/plans/two-instances.lua", "build/two-instances.svg"

local function say(...) io.stdout:write(...) io.stdout:flush() end

local function show_file(path)
  local text = assert(filesystem.read(path))
  say("The plan, ", path, ":\n\n    ", (text:match("return.*"):gsub("%s+$", ""):gsub("\n", "\n    ")), "\n")
end

-- Runs a command as the reader would type it, and shows it and what it prints.
local function run(words, options)
  options = options or {}
  say("\n$ ", options.shown or table.concat(words, " "), "\n")
  local child = assert(process.spawn { argv = words, env = options.env, netns = options.netns, stdout = options.stdout })
  local result = assert(child:wait(options.seconds or 60))
  child:close()
  if result.status ~= 0 and not options.may_fail then error(table.concat(words, " ") .. " failed", 0) end
end

local function where_next()
  say("\nWhere to go next:\n",
    "  ", PICTURE, "                the picture of it\n",
    "  scripts/plans/                         plans to start from\n",
    "  lua scripts/provision.lua ", PLAN, " --dry-run   with your own account and subnet\n",
    "  lua scripts/provision.lua --help\n")
end

local function without_network(reason)
  say("This rehearses the API only: ", reason, ".\n\n")
  show_file(PLAN)
  run { "lua5.4", "scripts/provision.lua", PLAN, "--sandbox", "--diagram", PICTURE }
  where_next()
end

local function provision(env)
  run({ "lua5.4", "scripts/provision.lua", PLAN, "--diagram", PICTURE }, { env = env })
  local result = assert(process.run { argv = { "lua5.4", "scripts/provision.lua", PLAN, "--json" }, env = env })
  return require("dkjson").decode(result.stdout).hosts
end

-- The guest's own files are below a folder of the demo's, in place of its /etc.
local function configure(host)
  run({ "lua5.4", "scripts/configure.lua", "--root", host.root },
    { netns = host.netns, shown = "lua scripts/configure.lua                     # on " .. host.name })
  host.dockerd = require("support.dockerd").start { folder = host.root .. "/docker", netns = host.netns,
    config_file = host.root .. "/etc/docker/daemon.json" }
end

local function start_container(host)
  host.dockerd:wait_until_ready()
  host.dockerd:import_busybox("busybox")
  local words = { "lua5.4", "scripts/containers.lua", "--docker-socket", host.dockerd.socket,
    "run", "busybox", "--name", "container", "--", "sleep", "600" }
  run(words, { netns = host.netns, shown = "lua scripts/containers.lua run busybox -- sleep 600   # on " .. host.name })
  host.container = assert(host.dockerd.engine:inspect("container")).NetworkSettings.Networks.bridge.GlobalIPv6Address
end

local function in_container(host, ...)
  say("\ncontainer on ", host.name, "$ ", table.concat({ ... }, " "), "\n")
  local result = assert(host.dockerd.engine:exec("container", { ... }))
  say(result.stdout, result.stderr)
  if result.status ~= 0 then error("no answer: the demo has failed", 0) end
end

local function prove(hosts)
  for i, host in ipairs(hosts) do in_container(host, "ping", "-c", "2", "-W", "5", hosts[3 - i].container) end
  in_container(hosts[1], "ip", "-6", "route")
  run({ "ip", "-6", "route" }, { netns = hosts[1].netns, shown = "ip -6 route                   # on " .. hosts[1].name })
end

local function take_away(sandbox, hosts)
  for _, host in ipairs(hosts) do
    if host.dockerd then host.dockerd:stop() end
    process.run { argv = { "rm", "-rf", host.root } }
  end
  if #hosts > 0 then run({ "lua5.4", "scripts/teardown.lua", PLAN }, { env = sandbox.env, may_fail = true }) end
  sandbox:stop()
end

local function whole()
  show_file(PLAN)
  local sandbox = require("support.sandbox").start({ "--network" })
  local hosts = {}
  local ok, fault = pcall(function()
    for i, host in ipairs(provision(sandbox.env)) do hosts[i] = host end
    local paths = sandbox:control("GET", "network")
    for _, host in ipairs(hosts) do
      host.netns, host.root = paths[host.instance_id], os.tmpname()
      os.remove(host.root)
    end
    for _, host in ipairs(hosts) do configure(host) end
    for _, host in ipairs(hosts) do start_container(host) end
    prove(hosts)
  end)
  take_away(sandbox, hosts)
  if not ok then error(fault, 0) end
  say("\nBoth containers reach each other at their public addresses, without NAT. All of it is gone again.\n")
  where_next()
end

local started = tasks.now()
local missing = require("support.dockerd").missing() or require("eni6.sandbox.network").missing()
local ok, fault = pcall(missing and without_network or whole, missing)
if not ok then
  io.stderr:write("demo: ", tostring(fault), "\n")
  os.exit(1)
end
say(string.format("(%.0f s)\n", tasks.now() - started))
