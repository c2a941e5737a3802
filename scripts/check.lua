-- Every hop between a container and its peers: pass, or what is broken and how to
-- mend it. Changes nothing.

dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")
local face = require "face"
local terminal = require "terminal"

local NAME = "check.lua"
local EPILOG = [[
Without PLAN, on an instance as root: looks at its interface, routes, settings, files, Docker, the
containers, and asks the gateway.
With PLAN: asks EC2 whether instances, addresses, security groups and routes let the plan's hosts
and their containers reach each other; on an instance of the plan, looks at it from the inside too
and asks the other hosts.

Examples:
  sudo lua scripts/check.lua
  sudo lua scripts/check.lua --peer 2001:db8:47b:ca03::e
      also asks a container elsewhere, from a container here
  lua scripts/check.lua my-plan.lua
  lua scripts/check.lua my-plan.lua --json | jq '.rows[] | select(.state == "fail")'

Exit status: 0 nothing fails; 1 something fails, or could not be asked; 2 the command line or the
plan is wrong.]]

local function address(text)
  local value, message = require("eni6.ip6").address(text)
  return value and tostring(value), message
end

local function prefix(text)
  local value, message = require("eni6.ip6").prefix(text)
  return value and tostring(value), message
end

local function read_arguments()
  local parser = face.parser(NAME, "Checks every hop between containers and their peers.", EPILOG)
  parser:argument("plan", "The plan, a Lua file."):args "?":argname "PLAN"
  parser:option("--peer", "An address that must answer; may be repeated."):argname("ADDRESS"):count("*"):convert(address)
  parser:option("--address", "The host's address, where tags and rule do not tell."):argname("ADDRESS"):convert(address)
  parser:option("--block", "The containers' block, where tags and rule do not tell."):argname("PREFIX"):convert(prefix)
  parser:option("--network", "The Docker network that has the block, where it is not docker0's."):argname "NAME"
  parser:option("--root", "Read files below this folder."):argname "DIR"
  parser:option("--docker-socket", "Where Docker listens."):argname "PATH"
  parser:flag("--json", "Print the result as one JSON document.")
  face.endpoint_options(parser)
  return parser:parse()
end

local function load_name(arguments)
  local settings = arguments.region and { region = { value = arguments.region, source = "--region", overrides = true } }
  local plan, message, code = require("eni6.fleet.plan").load_name(arguments.plan, { settings = settings })
  if not plan then face.fail(NAME, code == "EPLAN" and face.USAGE or face.FAILED, message) end
  return plan
end

local function ask_ec2(arguments)
  local plan = load_name(arguments)
  local client, message = require("eni6.aws.ec2").new { region = plan.region, endpoint = arguments.endpoint_url,
    profile = arguments.profile, prompt = terminal.ask, warn = terminal.warn }
  if not client then face.fail(NAME, face.FAILED, message) end
  local facts
  facts, message = require("eni6.fleet.reachability").look(client, plan.name)
  if not facts then face.fail(NAME, face.FAILED, message) end
  return facts
end

-- The interface id of the instance that this runs on; nil elsewhere. One quick try:
-- an operator's own machine has no metadata service.
local function own_interface()
  local interfaces = require("eni6.aws.imds").new({ getenv = os.getenv, attempts = 1 }):interfaces()
  return interfaces and interfaces[1] and interfaces[1].interface_id
end

local function append(list, more)
  for _, item in ipairs(more) do list[#list + 1] = item end
end

local function check_inside(arguments, rows, peers)
  local world = require("eni6.host.world").new({ root = arguments.root and arguments.root:gsub("/+$", ""),
    docker_socket = arguments.docker_socket })
  append(peers, arguments.peer)
  local seen = require("eni6.host.observe").instance(world,
    { address = arguments.address, block = arguments.block, network = arguments.network, peers = peers })
  append(rows, require("eni6.host.check").instance(seen))
end

local function check_all(arguments)
  if not arguments.plan then
    local rows = {}
    check_inside(arguments, rows, {})
    return rows
  end
  local reachability = require "eni6.fleet.reachability"
  local facts = ask_ec2(arguments)
  local rows, own = reachability.judge(facts), own_interface()
  if own then
    check_inside(arguments, rows, reachability.peers(facts, own))
  else
    rows[#rows + 1] = { subject = "this machine", name = "inside", state = "skip", text = "is no EC2 instance",
      remedy = "run lua scripts/check.lua on each instance" }
  end
  return rows
end

local function count(rows)
  local counts = { pass = 0, fail = 0, skip = 0 }
  for _, row in ipairs(rows) do counts[row.state] = counts[row.state] + 1 end
  return counts
end

local function print_table(rows, counts)
  local width, names = 0, 0
  for _, row in ipairs(rows) do width, names = math.max(width, #row.subject), math.max(names, #row.name) end
  local line = "%-4s  %-" .. width .. "s  %-" .. names .. "s  %s\n"
  for _, row in ipairs(rows) do
    io.stdout:write(line:format(row.state, row.subject, row.name, row.text))
    if row.remedy then io.stdout:write("      -> ", face.here(row.remedy), "\n") end
  end
  io.stdout:write(string.format("%d pass, %d fail, %d skipped\n", counts.pass, counts.fail, counts.skip))
end

local JSON_ORDER = { "pass", "fail", "skip", "rows", "state", "subject", "name", "text", "remedy" }

local arguments = read_arguments()

face.run(function()
  local rows = check_all(arguments)
  local counts = count(rows)
  if arguments.json then
    counts.rows = rows
    face.print_json(counts, JSON_ORDER)
  else
    print_table(rows, counts)
  end
  return counts.fail > 0 and face.FAILED or 0
end, function()
  io.stderr:write("\n", NAME, ": interrupted\n")
end)
