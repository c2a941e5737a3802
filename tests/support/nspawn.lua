--- A whole instance for tests: Debian with systemd, networkd, netplan, sshd and dockerd,
--- booted by systemd-nspawn. Its disk is a layer of its own over a root that all share.
---
--- Each boot has a network namespace of its own, into which the interface is moved, so
--- that nothing but the disk survives a reboot. Mounts are in a mount namespace that
--- ends with the instance, and the instance ends with the test.

local filesystem = require "eni6.filesystem"
local netlink = require "eni6.netlink"
local process = require "eni6.process"
local tasks = require "eni6.tasks"

local nspawn = {}

local Instance = {}
Instance.__index = Instance

local LINK = "ens5"
local TREE = "/opt/eni6"
local PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

--- What is missing here that no package brings: root.
---@return string|nil
function nspawn.missing()
  local id = assert(process.run { argv = { "id", "-u" } })
  return id.stdout ~= "0\n" and "root" or nil
end

--- The folder of the shared root; built when it is not there.
---@return string
function nspawn.root()
  local result = assert(process.run { argv = { "sh", "tests/support/nspawn_root.sh" }, timeout = 800 })
  assert(result.status == 0, result.stderr)
  return (result.stdout:gsub("%s+$", ""))
end

local function read(path) return filesystem.read(path) or "" end

local function run(argv, options)
  options = options or {}
  options.argv = argv
  local result = assert(process.run(options))
  if result.status ~= 0 then
    error(string.format("%s: %s%s", table.concat(argv, " "), result.stdout, result.stderr), 2)
  end
  return result.stdout
end

-- As cloud-init writes it on EC2.
local NETPLAN = [[
network:
    version: 2
    ethernets:
        ens5:
            dhcp4: true
            dhcp6: true
            match:
                macaddress: %s
            set-name: ens5
]]

-- What an image without netplan has instead.
local NETWORKD = [[
[Match]
MACAddress=%s

[Network]
DHCP=yes
]]

-- netplan matches by the permanent address, which EC2's interfaces have and a veth lacks.
local VETH = [[
[Match]
PermanentMACAddress=
MACAddress=%s
]]

local function write(instance, path, text, mode)
  path = instance.folder .. "/upper" .. path
  assert(filesystem.make_directory(path:match("^(.*)/")))
  assert(filesystem.replace(path, text, mode or 420))
end

local function write_disk(instance, options)
  for _, name in ipairs({ "upper/etc/ssh", "work", "merged", "docker" }) do
    assert(filesystem.make_directory(instance.folder .. "/" .. name))
  end
  write(instance, "/etc/hostname", instance.name .. "\n")
  write(instance, "/etc/machine-id", run { "systemd-id128", "new" })
  if options.flavour == "networkd" then
    write(instance, "/etc/systemd/network/20-ens5.network", NETWORKD:format(options.mac))
  else
    write(instance, "/etc/netplan/50-cloud-init.yaml", NETPLAN:format(options.mac), 384)
    write(instance, "/etc/systemd/network/10-netplan-ens5.network.d/10-veth.conf", VETH:format(options.mac))
  end
  run { "ssh-keygen", "-A", "-f", instance.folder .. "/upper" }
  if options.authorized_key then
    write(instance, "/root/.ssh/authorized_keys", options.authorized_key .. "\n", 384)
    run { "chmod", "700", instance.folder .. "/upper/root", instance.folder .. "/upper/root/.ssh" }
  end
end

local function move_link(from, to)
  local nl = assert(netlink.open { netns = from })
  local ok, message = nl:set_link { link = LINK, netns = to }
  nl:close()
  assert(ok, message)
end

-- A namespace without a past, with the interface in it.
local function enter_new_netns(instance)
  instance.boots = instance.boots + 1
  instance.netns = string.format("%s-boot%d", instance.home, instance.boots)
  assert(filesystem.append(instance.folder .. "/boots", instance.netns .. "\n")) -- for remove_leftovers
  assert(netlink.create_netns(instance.netns))
  move_link(instance.home, instance.netns)
end

local function leave_netns(instance)
  if not instance.netns then return end
  pcall(move_link, instance.netns, instance.home) -- gone already when EC2 terminated the instance
  netlink.delete_netns(instance.netns)
  instance.netns = nil
end

-- The shell is the first process of a namespace: when it dies, so does all below it.
-- Each instance has a control group of its own, beside which nspawn puts others.
local START = [[
folder=$1; lower=$2; group=$3; shift 3
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
  if [ -e "$hierarchy/cgroup.procs" ]; then
    mkdir "$hierarchy/$group"
    echo $$ >"$hierarchy/$group/cgroup.procs"
  fi
done
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/merged"
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
systemd-nspawn --quiet --directory="$folder/merged" "$@"
]]

local function start(instance)
  local folder = instance.folder
  instance.process = assert(process.spawn {
    argv = { "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "sh", "-ec", START, "sh",
      folder, nspawn.root(), instance.netns,
      "--network-namespace-path=/run/netns/" .. instance.netns, "--machine=" .. instance.netns,
      "--hostname=" .. instance.name, "--capability=all",
      "--system-call-filter=add_key keyctl bpf", "--boot", "--register=no", "--keep-unit", "--console=pipe",
      "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--bind=" .. folder .. "/docker:/var/lib/docker",
      "--bind-ro=" .. instance.tree .. ":" .. TREE },
    env = { SYSTEMD_NSPAWN_API_VFS_WRITABLE = "network" }, stdout = folder .. "/console.log", stderr = "stdout",
    die_with_parent = true, new_group = true,
  })
end

-- The pid of the process below another one that is 1 in the inner of two namespaces.
local function find_init(pid)
  if read("/proc/" .. pid .. "/status"):find("NSpid:%s+%d+%s+%d+%s+1\n") then return pid end
  for child in read(("/proc/%s/task/%s/children"):format(pid, pid)):gmatch("%d+") do
    local found = find_init(child)
    if found then return found end
  end
end

local READY = "systemctl is-active --quiet systemd-networkd ssh docker"

local function wait_until(instance, seconds, what, test)
  local deadline = tasks.now() + seconds
  while tasks.now() < deadline do
    local value = test()
    if value then return value end
    if instance.process:wait(0.2) then break end
  end
  error(string.format("%s: %s:\n%s", instance.name, what, read(instance.folder .. "/console.log"):sub(-3000)), 0)
end

local function switch_on(instance)
  enter_new_netns(instance)
  start(instance)
  instance.init = wait_until(instance, 60, "systemd did not start", function()
    return find_init(tostring(instance.process.pid))
  end)
  wait_until(instance, 120, "networkd, sshd and dockerd did not all start", function()
    return instance:run({ "sh", "-c", READY }).status == 0
  end)
  return instance
end

-- Those that systemd and, with version 1, dockerd made, as soon as nobody is in them.
local function remove_control_groups(name, folder)
  local script = [[
    for id in $(ls "$2" 2>/dev/null); do rmdir /sys/fs/cgroup/*/docker/$id 2>/dev/null || true; done
    for folder in /sys/fs/cgroup/$1 /sys/fs/cgroup/systemd/$1 /sys/fs/cgroup/unified/$1; do
      test ! -d $folder || find $folder -depth -type d -exec rmdir {} +
    done]]
  for _ = 1, 100 do
    if pcall(run, { "sh", "-ec", script, "sh", name, folder .. "/docker/containers" }) then return end
    tasks.sleep(0.1)
  end
end

--- Removes what an instance had whose test was killed; its processes died with it.
---@param folder string of its disk
function nspawn.remove_leftovers(folder)
  for name in read(folder .. "/boots"):gmatch("[^\n]+") do
    remove_control_groups(name, folder)
    netlink.delete_netns(name)
  end
end

local function switch_off(instance)
  if not instance.process then return end
  if instance.init then pcall(instance.run, instance, { "systemctl", "poweroff", "--no-block" }) end
  if not instance.process:wait(30) then instance.process:kill("KILL") end
  instance.process:wait(10)
  while instance.init and filesystem.stat("/proc/" .. instance.init) do tasks.sleep(0.02) end
  instance.process:close()
  instance.process, instance.init = nil, nil
  remove_control_groups(instance.netns, instance.folder)
end

--- Boots an instance and waits until networkd, sshd and dockerd run.
---@param options table
---   netns: name of the namespace that has its ens5; mac: of that; name: of the machine; folder: for its disk;
---   flavour: "netplan" (default) or "networkd"; authorized_key: root's; tree: eni6's, default this one, at /opt/eni6
---@return table instance
function nspawn.boot(options)
  local instance = setmetatable({ home = options.netns, name = options.name, folder = options.folder, boots = 0 }, Instance)
  instance.tree = options.tree or run({ "pwd" }):gsub("\n", "")
  write_disk(instance, options)
  local ok, message = pcall(switch_on, instance)
  if ok then return instance end
  instance:stop()
  error(message, 0)
end

--- Runs a program inside, as root.
---@return table result as eni6.process.run's
function Instance:run(argv, options)
  local all = { "nsenter", "--target", self.init, "--mount", "--uts", "--ipc", "--net", "--pid",
    "env", "-i", "PATH=" .. PATH, "HOME=/root", "LANG=C.UTF-8" }
  for _, word in ipairs(argv) do all[#all + 1] = word end
  options = options or {}
  options.argv, options.timeout = all, options.timeout or 120
  return assert(process.run(options))
end

--- Runs a shell command inside; raises when it fails.
---@return string stdout
function Instance:sh(command)
  local result = self:run { "sh", "-c", command }
  if result.status ~= 0 then
    error(string.format("%s: %s: %s%s", self.name, command, result.stdout, result.stderr), 2)
  end
  return result.stdout
end

--- Waits until a shell command succeeds.
function Instance:wait(command, seconds)
  local last
  wait_until(self, seconds or 20, "not in time: " .. command, function()
    last = self:run { "sh", "-c", command }
    return last.status == 0
  end)
  return last.stdout
end

--- Off and on again. `hard`: as when the power goes.
function Instance:reboot(hard)
  if hard then self.process:kill("KILL") end
  switch_off(self)
  leave_netns(self)
  return switch_on(self)
end

--- Ends it and removes all that it had.
function Instance:stop()
  if self.process then self.process:kill("KILL") end
  switch_off(self)
  leave_netns(self)
  run { "rm", "-rf", self.folder }
end

return nspawn
