-- Containers on the instance's block of public addresses.

dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")
local face = require "face"

local NAME = "containers.lua"
local EPILOG = [[
Examples:
  lua scripts/containers.lua run nginx --name web
      pulls it if need be, starts it, and prints its public address
  lua scripts/containers.lua run busybox --name one -- sleep 3600
  lua scripts/containers.lua list
  lua scripts/containers.lua stop web one

Docker must have the block: lua scripts/configure.lua gives it.

Exit status: 0 done; 1 failed, the reason is on standard error; 2 the command line is wrong.]]

local function read_arguments()
  local parser = face.parser(NAME, "Runs containers on the instance's block of public addresses.", EPILOG)
  parser:require_command(true):command_target "command"
  local run = parser:command("run", "Start a container.")
  run:argument("image", "Its image."):argname "IMAGE"
  run:argument("words", "The command in it, after --."):args "*":argname "CMD"
  run:option("--name", "Its name."):argname "NAME"
  run:option("--network", "A Docker network that configure.lua --network made, in place of Docker's bridge."):argname "NAME"
  parser:command("list", "The containers, their addresses, and whether they answer.")
  parser:command("stop", "Stop and remove containers."):argument("names"):args "+":argname "NAME"
  parser:option("--docker-socket", "Where Docker listens."):argname "PATH"
  parser:flag("--json", "Print the result as one JSON document.")
  return parser:parse()
end

local JSON_ORDER = { "name", "state", "address", "length", "bridge", "network", "image", "reachable", "id" }

local function check(value, message)
  if not value then face.fail(NAME, face.FAILED, message) end
  return value
end

local function print_list(list)
  if #list == 0 then return io.stdout:write("No container has a public address.\n") end
  io.stdout:write(string.format("%-20s %-39s %-39s %s\n", "NAME", "ADDRESS", "BRIDGE", "REACHABLE"))
  for _, item in ipairs(list) do
    io.stdout:write(string.format("%-20s %-39s %-39s %s\n", item.name, item.address .. "/" .. item.length, item.bridge,
      item.reachable and "yes" or "no"))
  end
end

local commands = {}

function commands.run(arguments, world, containers)
  local container = check(containers.run(world, { image = arguments.image, name = arguments.name,
    network = arguments.network, command = #arguments.words > 0 and arguments.words or nil,
    on_note = function(text) io.stderr:write(NAME, ": ", text, "\n") end,
    on_progress = function(event) io.stderr:write(event.status or "", " ", event.id or "", "\n") end }))
  if arguments.json then return face.print_json(container, JSON_ORDER) end
  io.stdout:write(container.name, " ", container.address, "/", container.length, "\n")
end

function commands.list(arguments, world, containers)
  local list = check(containers.list(world))
  if arguments.json then return face.print_json(setmetatable(list, { __jsontype = "array" }), JSON_ORDER) end
  print_list(list)
end

function commands.stop(arguments, world, containers)
  check(containers.stop(world, arguments.names))
  if arguments.json then face.print_json(arguments.names) end
end

local arguments = read_arguments()

face.run(function()
  local world = require("eni6.host.world").new({ docker_socket = arguments.docker_socket })
  commands[arguments.command](arguments, world, require "eni6.host.containers")
end, function()
  io.stderr:write("\n", NAME, ": interrupted\n")
end)
