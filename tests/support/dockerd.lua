-- A dockerd of the test's own in a network namespace: its data, its socket and its
-- containers are below one folder, and nothing is left when it stops.

local filesystem = require("eni6.filesystem")
local process = require("eni6.process")

local dockerd = {}

local Daemon = {}
Daemon.__index = Daemon

--- Whether this machine can run one: root and Docker's programs.
function dockerd.missing()
  if not filesystem.stat("/usr/sbin/dockerd") then return "dockerd (package docker.io)" end
  local id = io.popen("id -u")
  local user = id:read("l")
  id:close()
  return user ~= "0" and "root" or nil
end

--- Starts a daemon; `config` is the text of its daemon.json.
function dockerd.start(options)
  local folder = options.folder
  assert(filesystem.make_directory(folder))
  local config = options.config_file or folder .. "/daemon.json"
  if options.config then assert(filesystem.replace(config, options.config)) end
  local self = setmetatable({ folder = folder, socket = folder .. "/docker.sock", log = folder .. "/dockerd.log" }, Daemon)
  self.process = assert(process.spawn({
    argv = { "dockerd", "--config-file", config, "--data-root", folder .. "/data", "--exec-root", folder .. "/exec",
      "--pidfile", folder .. "/pid", "-H", "unix://" .. self.socket },
    netns = options.netns, stdout = self.log, stderr = "stdout", new_group = true, die_with_parent = true,
  }))
  self.engine = require("eni6.docker").new({ socket = self.socket })
  return self
end

local function last_words(path)
  local text = filesystem.read(path) or ""
  return text:sub(-2000)
end

--- Waits until it answers.
function Daemon:wait_until_ready(seconds)
  local tasks = require("eni6.tasks")
  local deadline = tasks.now() + (seconds or 60)
  while tasks.now() < deadline do
    if filesystem.stat(self.socket) and self.engine:ping() then return self end
    if self.process:wait(0.1) then break end
  end
  error("dockerd did not come up:\n" .. last_words(self.log))
end

--- An image of one program, busybox.
function Daemon:import_busybox(name)
  local tree = self.folder .. "/busybox"
  assert(filesystem.make_directory(tree .. "/bin"))
  local made = assert(process.run({ argv = { "sh", "-ec", [[
    cp /bin/busybox "$1/bin/busybox"
    for name in sh ping ip sleep cat ls wget sysctl; do ln -sf busybox "$1/bin/$name"; done
    tar -C "$1" -c . ]], "sh", tree } }))
  assert(made.status == 0, made.stderr)
  return assert(self.engine:import_image(name, made.stdout))
end

--- Ends its containers and itself, and removes all that it had.
function Daemon:stop()
  for _, container in ipairs(self.engine:list({ all = true }) or {}) do self.engine:remove(container.Id, true) end
  self.process:stop(20)
  local clean = [[awk -v f="$1/" 'index($2, f) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l; rm -rf "$1"]]
  process.run({ argv = { "sh", "-c", clean, "sh", self.folder } })
end

return dockerd
