--- What the instance's side touches: files below a root, kernel settings,
--- programs, netlink, the metadata service and Docker, each replaceable.

local world = {}

local World = { __name = "eni6.world" }
World.__index = World

-- Opened on first use, so that a dry run without Docker needs no Docker.
local lazy = {
  filesystem = function() return require("eni6.filesystem") end,
  process = function() return require("eni6.process") end,
  netlink = function(self) return assert(require("eni6.netlink").open({ netns = self.netns })) end,
  imds = function() return require("eni6.aws.imds").new({ getenv = os.getenv }) end,
  docker = function(self) return require("eni6.docker").new({ socket = self.docker_socket }) end,
  tasks = function() return require("eni6.tasks") end,
  http = function() return require("eni6.http").new({ getenv = os.getenv }) end,
}

--- The world as this machine has it.
---@param options table|nil
---   root: string before every path of a file, default "" (the machine's own);
---   docker_socket: string; netns: a network namespace instead of this one;
---   filesystem, process, netlink, imds, docker, tasks, http: what to use instead
---@return table world
function world.new(options)
  local self = setmetatable({}, {
    __index = function(self, name)
      if World[name] then return World[name] end
      local make = lazy[name]
      if not make then return nil end
      local value = make(self)
      rawset(self, name, value)
      return value
    end,
  })
  for name, value in pairs(options or {}) do self[name] = value end
  self.root = self.root or ""
  return self
end

--- A file's text; nil and nothing else where there is none.
---@return string|nil text, string? message, string? code
function World:read(path)
  local text, message, code = self.filesystem.read(self.root .. path)
  if code == "ENOENT" or code == "ENOTDIR" then return nil end
  return text, message, code
end

--- The names in a folder; none where there is no folder.
---@return string[]|nil names, string? message, string? code
function World:list(path)
  local names, message, code = self.filesystem.list(self.root .. path)
  if code == "ENOENT" or code == "ENOTDIR" then return {} end
  return names, message, code
end

--- Permission bits of a file, nil where there is none.
---@return integer|nil mode
function World:mode(path)
  local found = self.filesystem.stat(self.root .. path)
  return found and found.mode
end

--- Writes a file whole, making its folder.
---@return true|nil ok, string? message, string? code
function World:write(path, text, mode)
  local made, message, code = self.filesystem.make_directory(self.root .. path:match("^(.*)/"))
  if not made then return nil, message, code end
  return self.filesystem.replace(self.root .. path, text, mode)
end

--- Removes a file that may be gone already.
---@return true|nil ok, string? message, string? code
function World:remove(path)
  local removed, message, code = self.filesystem.remove(self.root .. path)
  if removed or code == "ENOENT" or code == "ENOTDIR" then return true end
  return nil, message, code
end

--- What changes with each boot (random(4)).
---@return string|nil
function World:boot_id()
  return (self.filesystem.read("/proc/sys/kernel/random/boot_id") or ""):match("^%S+")
end

--- This process's id.
---@return integer|nil
function World:pid()
  return math.tointeger(tonumber((self.filesystem.read("/proc/self/stat") or ""):match("^%d+")))
end

--- A kernel setting of the network namespace; nil where the kernel has none.
---@param name string such as "net/ipv6/conf/all/forwarding"
---@return string|nil value
function World:read_sysctl(name)
  return (self.netlink:sysctl((name:gsub("^net/", ""))))
end

--- Sets one.
---@return true|nil ok, string? message, string? code
function World:write_sysctl(name, value)
  return self.netlink:sysctl((name:gsub("^net/", "")), value)
end

--- Whether a program is in the folders where Debian and Ubuntu put them.
---@return boolean
function World:exists_program(name)
  for _, folder in ipairs({ "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/", "/bin/", "/sbin/" }) do
    if self.filesystem.stat(folder .. name) then return true end
  end
  return false
end

--- Runs a program to its end; any failure of it is an error with its last words.
---@param argv string[]
---@param seconds number|nil default 60
---@return string|nil stdout, string? message, string? code "EFAILED", or why it could not start
function World:run(argv, seconds)
  local result, message, code = self.process.run({ argv = argv, timeout = seconds or 60 })
  if not result then return nil, table.concat(argv, " ") .. ": " .. message, code end
  if result.status == 0 then return result.stdout end
  local words = (result.stderr .. result.stdout):match("([^\n]*)%s*$")
  return nil, string.format("%s failed (%s): %s", table.concat(argv, " "),
    result.status and "status " .. result.status or "signal " .. result.signal, words), "EFAILED"
end

return world
