--- Instances to configure in a test: the published two, in a sandbox with its network,
--- each with a folder in the place of its root.

local json = require("dkjson")
local netlink = require("eni6.netlink")
local process = require("eni6.process")
local sandbox = require("support.sandbox")

local instances = {}

--- The plan that they are of.
instances.PLAN = "scripts/plans/two-instances.lua"

--- Why there can be none here; nil when there can.
function instances.missing() return require("eni6.sandbox.network").missing() end

local Fleet = {}
Fleet.__index = Fleet

--- Starts sandbox and instances. Returns { box, hosts = { { netns, root, interface_id, … } } }.
---@param plan string|nil
function instances.start(plan)
  local self = setmetatable({ box = sandbox.start({ "--network" }) }, Fleet)
  local made = self:script({ "scripts/provision.lua", plan or instances.PLAN, "--json" })
  self.hosts = assert(json.decode(made.stdout), made.stderr).hosts
  local paths = self.box:control("GET", "network")
  for _, host in ipairs(self.hosts) do
    host.netns = paths[host.instance_id]
    instances.fresh_root(host)
  end
  return self
end

--- Runs a script, in a host's namespace when one is given; see process.run.
---@param words string[]
---@param host table|nil
---@param env table|nil
function Fleet:script(words, host, env)
  local all = {}
  for _, more in ipairs({ self.box.env, env or {} }) do
    for name, value in pairs(more) do all[name] = value end
  end
  local argv = { "lua5.4" }
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  return assert(process.run({ argv = argv, env = all, netns = host and host.netns, timeout = 90 }))
end

--- Runs configure.lua on a host.
function Fleet:configure(host, words, env)
  local argv = { "scripts/configure.lua", "--root", host.root }
  for _, word in ipairs(words or {}) do argv[#argv + 1] = word end
  return self:script(argv, host, env)
end

function Fleet:stop()
  for _, host in ipairs(self.hosts or {}) do os.execute("rm -rf " .. host.root) end
  self.box:stop()
end

--- Gives a host an empty root with cloud-init's netplan file in it.
function instances.fresh_root(host)
  if host.root then os.execute("rm -rf " .. host.root) end
  host.root = os.tmpname()
  os.remove(host.root)
  local filesystem = require("eni6.filesystem")
  assert(filesystem.make_directory(host.root .. "/etc/netplan"))
  assert(filesystem.replace(host.root .. "/etc/netplan/50-cloud-init.yaml", "network: {version: 2}\n", 384))
end

--- Runs a shell command in a host's namespace; it must succeed.
function instances.shell(host, command)
  local result = assert(process.run({ argv = { "sh", "-ec", command }, netns = host.netns, timeout = 30 }))
  if result.status ~= 0 then error(command .. ": " .. result.stderr .. result.stdout, 2) end
  return result.stdout
end

local function addresses_of(nl, link, list)
  for _, record in ipairs(nl:addresses({ link = link })) do
    if record.scope == "global" then
      list[#list + 1] = record.address .. (record.valid_lft and " leased" or "")
        .. (record.noprefixroute and " noprefixroute" or "")
    end
  end
end

local function routes_of(nl, list)
  for _, route in ipairs(nl:routes({ dst = "::/0", table = "main" })) do
    if route.gateway then list[#list + 1] = "default " .. route.protocol .. " " .. route.metric .. " " .. route.gateway end
  end
end

--- What configure.lua can change, as text: two states are the same when these are.
function instances.state(host)
  local nl, list = assert(netlink.open({ netns = host.netns })), {}
  local link = host.link or "ens5"
  addresses_of(nl, link, list)
  routes_of(nl, list)
  table.sort(list)
  for _, path in ipairs({ "all/forwarding", "default/forwarding", link .. "/accept_ra" }) do
    list[#list + 1] = path .. " " .. nl:sysctl("ipv6/conf/" .. path)
  end
  nl:close()
  local files = process.run({ argv = { "sh", "-c",
    "cd " .. host.root .. " && find etc var -type f ! -path var/lib/eni6/lock -exec md5sum {} + | sort -k2" } })
  list[#list + 1] = files.stdout
  return table.concat(list, "\n")
end

return instances
