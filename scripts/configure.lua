-- Splits an instance's addresses between its main interface and Docker. Run on the
-- instance, as root.

local scripts, interpreter = dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")
local face = require "face"

local NAME = "configure.lua"
local EPILOG = [[
Commands:
  (none)      Configures the instance: the host address as a /64 on the main interface, the block to
              Docker, forwarding on; now and after a reboot. A second run changes nothing.
  confirm     Keeps what a run with --confirm has made.
  rollback    Puts back what an unconfirmed or interrupted run has changed.

Examples:
  sudo lua scripts/configure.lua --dry-run
      says what would change
  sudo lua scripts/configure.lua --confirm 60
      changes it, and puts everything back after 60 s unless, over a fresh connection, you run
  sudo lua scripts/configure.lua confirm
  sudo lua scripts/configure.lua --install-docker
      also installs Docker, over IPv6; with =docker from its own repository, whose key is pinned
  sudo lua scripts/configure.lua --network public
      gives the block to a Docker network of that name: docker run --network public …

Which address is the host's and which block is Docker's: what the options say, else the instance's
tags eni6:address and eni6:block, else the largest aligned block and the one address left over.
Afterwards the gateway and the metadata service must answer, or everything is put back as it was.
Files of other people are never edited: netplan gets 60-ipv6-static.yaml beside the others, where
netplan is used, else systemd-networkd gets 05-eni6.network. daemon.json keeps your own settings.
With --apt, or --install-docker, apt's sources are the exception: in them the hosts without an IPv6
address are replaced. Packages that were installed stay when all else is put back.

Exit status: 0 done, or nothing to do; 1 failed, and everything is as it was (the message says
otherwise where it is not); 2 the command line is wrong, or a choice is needed.]]

local COMMANDS = { confirm = true, rollback = true, watchdog = true }

local function address(text)
  local value, message = require("eni6.ip6").address(text)
  return value and tostring(value), message
end

-- Says once that it waits, and for what.
local function notice_once()
  local said
  return function(message)
    if not said then io.stderr:write(NAME, ": waiting: ", message, "\n") end
    said = true
  end
end

local function read_arguments()
  local parser = face.parser(NAME, "Splits an instance's addresses between its main interface and Docker.", EPILOG)
  parser:argument("command", "confirm or rollback; none: configure."):args "?":convert(function(text)
    return COMMANDS[text] and text or nil, "there is no command '" .. text .. "'; see --help"
  end)
  parser:argument("pid"):args "?":hidden(true)
  parser:flag("--dry-run", "Change nothing; say what would change.")
  parser:option("--confirm", "Put everything back unless confirmed within this time.", nil, face.whole(1, 86400))
    :argname "SECONDS"
  parser:option("--address", "The host's address."):argname "ADDRESS"
  parser:option("--block", "The containers' block."):argname "PREFIX"
  parser:option("--gateway", "The VPC's router, where no route leads to it yet."):argname("ADDRESS"):convert(address)
  parser:option("--wait", "How long addresses of the tags may be missing in the metadata.", "30", face.whole(0, 600))
    :argname "SECONDS"
  parser:option("--network", "Make this Docker network on the block, in place of docker0's own."):argname "NAME"
  parser:option("--install-docker", "Install Docker if it is missing, from the distribution or from docker (its own repository).")
    :args("?"):argname("SOURCE"):choices { "distribution", "docker" }
  parser:flag("--apt", "Also have apt work over IPv6: archives without an IPv6 address are replaced by those with one.")
  parser:option("--ping", "An address of yours that must answer afterwards, too."):argname "ADDRESS"
  parser:option("--root", "Read and write files below this folder and tell no service; the kernel is configured."):argname "DIR"
  parser:option("--docker-socket", "Where Docker listens."):argname "PATH"
  parser:flag("--json", "Print the result as one JSON document.")
  local arguments = parser:parse()
  if arguments.install_docker then
    if arguments.root then parser:error("--install-docker installs on this machine, which --root leaves alone") end
    if arguments.network then parser:error("give --network in a second run, when Docker is there") end
    arguments.install_docker = arguments.install_docker[1] or "distribution"
  end
  return arguments
end

local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  local pipe = io.popen("pwd")
  local folder = pipe:read("l")
  pipe:close()
  return folder .. "/" .. path
end

-- How this script is run again by the watchdog and at boot.
local function command_line(arguments, command)
  local program = interpreter:find("/", 1, true) and interpreter or "/usr/bin/" .. interpreter
  local line = { program, absolute(scripts) .. "/configure.lua" }
  if arguments.root then line[#line + 1], line[#line + 2] = "--root", absolute(arguments.root) end
  if arguments.docker_socket then
    line[#line + 1], line[#line + 2] = "--docker-socket", absolute(arguments.docker_socket)
  end
  line[#line + 1] = command
  return line
end

local function describe(steps)
  local apply, texts = require("eni6.host.apply"), {}
  for _, step in ipairs(steps) do texts[#texts + 1] = apply.describe(step) end
  return texts
end

local JSON_ORDER = { "state", "link", "address", "block", "gateway", "steps" }

local function report(arguments, plan, state)
  local steps, wanted = describe(plan.steps), plan.wanted
  if arguments.json then
    return face.print_json({ state = state, link = wanted.link, address = wanted.address .. "/" .. wanted.length,
      block = wanted.block, gateway = wanted.gateway and wanted.gateway.via,
      steps = setmetatable(steps, { __jsontype = "array" }) }, JSON_ORDER)
  end
  io.stdout:write(string.format("%s: %s/%d on %s, %s for Docker\n", state, wanted.address, wanted.length, wanted.link,
    wanted.block))
  for _, text in ipairs(steps) do io.stdout:write("  ", text, "\n") end
end

local STATUS = { EAMBIGUOUS = face.USAGE, EINVAL = face.USAGE }

local RIGHTS = { EACCES = true, EPERM = true }

local function fail(message, code)
  if RIGHTS[code] then message = message .. "\nRun it as root, with CAP_NET_ADMIN." end
  face.fail(NAME, STATUS[code] or face.FAILED, message)
end

-- What an earlier run left goes first, unless nothing is to be changed.
local function recover(arguments, world)
  local host = require "eni6.host.configure"
  if arguments.dry_run then return end
  local undone, message, code = host.recover(world)
  if undone == nil then return fail(message, code) end
  if undone then io.stderr:write(NAME, ": an earlier run was cut short; what it had changed was put back first\n") end
end

-- Docker that hangs or is down is not restarted: it reads its file when it starts.
local function warn_of_docker(arguments, plan)
  local docker = plan.facts.docker
  if arguments.root and not arguments.docker_socket or docker.running or not docker.installed then return end
  io.stderr:write(NAME, ": ", docker.fault, "\n", NAME, ": it takes the block when it is started: systemctl restart docker\n")
end

local function configure(arguments, world)
  local host = require "eni6.host.configure"
  local options = {
    address = arguments.address, block = arguments.block, gateway = arguments.gateway, patience = arguments.wait,
    apt = arguments.apt or arguments.install_docker ~= nil, network = arguments.network,
    install_docker = arguments.install_docker,
    on_wait = notice_once(), services = not arguments.root, operator = arguments.ping,
    confirm = arguments.confirm, watchdog_command = command_line(arguments, "watchdog"),
    rollback_command = command_line(arguments, "rollback"),
  }
  recover(arguments, world)
  local plan, message, code = host.plan(world, options)
  if not plan then return fail(message, code) end
  if #plan.steps == 0 then return report(arguments, plan, "nothing to do") end
  if arguments.dry_run then return report(arguments, plan, "would configure") end
  local ok
  ok, message, code = host.run(world, plan, options)
  if not ok then return fail(message, code) end
  report(arguments, plan, arguments.confirm and "configured, to be confirmed" or "configured")
  warn_of_docker(arguments, plan)
  if arguments.confirm then
    io.stderr:write(string.format("Within %d s, over a fresh connection: %s confirm\n", arguments.confirm,
      face.here("lua scripts/configure.lua")))
  end
end

local commands = {}

function commands.confirm(_, world)
  local ok, message, code = require("eni6.host.configure").confirm(world)
  if not ok then return fail(message, code) end
  io.stdout:write("confirmed\n")
end

function commands.rollback(_, world)
  local undone, message, code = require("eni6.host.apply").recover(world)
  if undone == nil then return fail(message, code) end
  io.stdout:write(undone and "everything was put back as it was\n" or "nothing to put back\n")
end

function commands.watchdog(arguments, world)
  local tasks = require "eni6.tasks"
  require("eni6.host.watchdog").watch(world, tonumber(arguments.pid), require("eni6.core").system.time, tasks.sleep)
end

local arguments = read_arguments()

face.run(function()
  local world = require("eni6.host.world").new({ root = arguments.root and absolute(arguments.root):gsub("/+$", ""),
    docker_socket = arguments.docker_socket })
  local command = arguments.command and commands[arguments.command] or configure
  command(arguments, world)
end, function()
  io.stderr:write("\n", NAME, ": interrupted; everything was put back as it was.\n")
end)
