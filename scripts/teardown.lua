-- Takes away what a plan made: all that carries its tag, and nothing else.

dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")
local face = require "face"
local terminal = require "terminal"

local NAME = "teardown.lua"
local EPILOG = [[
Examples:
  lua scripts/teardown.lua my-plan.lua --dry-run
      lists what would go
  lua scripts/teardown.lua my-plan.lua
  lua scripts/teardown.lua my-plan.lua --host instance-2
      takes one host away; the network and the key stay

What the plan made is found by its tag eni6:plan in EC2, so it does not matter whether the plan was
changed since; only its name and region count. It can be run again at any time, also after an
interrupt. What has to stay (a protected instance, an interface that someone put on another
instance) is listed with the reason.

Exit status: 0 all of it is gone; 1 something stayed or failed; 2 the command line or the plan is
wrong.]]

local function read_arguments()
  local parser = face.parser(NAME, "Takes away what a plan made.", EPILOG)
  parser:argument("plan", "The plan, a Lua file."):argname "PLAN"
  parser:flag("--dry-run", "Take nothing away; list what would go.")
  parser:flag("--json", "Print the result as one JSON document.")
  parser:option("--host", "Take only this host away; may be repeated."):argname("NAME"):count "*"
  parser:option("--parallel", "Deletions at a time.", "16", face.whole(1, 256)):argname "N"
  parser:option("--settle", "Seconds before the last look, for what EC2 did not show yet.", "1", face.seconds)
    :argname "SECONDS"
  face.endpoint_options(parser)
  return parser:parse()
end

local function load_name(arguments)
  local settings = arguments.region and { region = { value = arguments.region, source = "--region", overrides = true } }
  local plan, message = require("eni6.fleet.plan").load_name(arguments.plan, { settings = settings })
  if not plan then face.fail(NAME, face.USAGE, message) end
  return plan
end

local function new_client(arguments, plan)
  local client, message = require("eni6.aws.ec2").new { region = plan.region, endpoint = arguments.endpoint_url,
    profile = arguments.profile, prompt = terminal.ask, warn = terminal.warn }
  if not client then face.fail(NAME, face.FAILED, message) end
  return client
end

local JSON_ORDER = { "plan", "region", "found", "removed", "left", "kind", "id", "host", "reason" }

local function print_json(result)
  for _, name in ipairs { "found", "removed", "left" } do
    if result[name] then setmetatable(result[name], { __jsontype = "array" }) end
  end
  face.print_json(result, JSON_ORDER)
end

local function list(items)
  for _, item in ipairs(items) do
    io.stdout:write(string.format("%-18s %s%s%s\n", item.kind, item.id, item.host and "  " .. item.host or "",
      item.reason and ": " .. item.reason or ""))
  end
end

local function show_found(result)
  if #result.found == 0 then return io.stdout:write("Nothing of the plan ", result.plan, " is there.\n") end
  list(result.found)
  io.stdout:write("\nNothing was taken away. Run it without --dry-run to do so.\n")
end

local function show_removed(result)
  if #result.removed + #result.left == 0 then
    return io.stdout:write("Nothing of the plan ", result.plan, " is there.\n")
  end
  list(result.removed)
  io.stdout:write(string.format("%d taken away.\n", #result.removed))
  if #result.left > 0 then
    io.stdout:write("\nThis stays:\n")
    list(result.left)
  end
end

local arguments = read_arguments()

face.run(function()
  local plan = load_name(arguments)
  local client = new_client(arguments, plan)
  local teardown = require "eni6.fleet.teardown"
  local hosts = #arguments.host > 0 and arguments.host or nil
  local display = require("progress").new({}, arguments.dry_run)
  local action = arguments.dry_run and teardown.list or teardown.run
  local result, message = action(client, plan, { hosts = hosts, parallel = arguments.parallel,
    settle = arguments.settle, observe = function(event) display:show(event) end })
  if not result then
    face.fail(NAME, face.FAILED, message .. "\nRun the same command again to go on; what is gone already does not matter.")
  end
  local show = arguments.json and print_json or arguments.dry_run and show_found or show_removed
  show(result)
  return result.left and #result.left > 0 and face.FAILED or 0
end, function()
  io.stderr:write("\n", NAME, ": interrupted. Run the same command to go on.\n")
end)
