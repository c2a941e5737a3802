-- From a plan to running instances, each on an interface with an address of its
-- own and a block of addresses for its containers.

local scripts, interpreter = dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")
local face = require "face"
local terminal = require "terminal"

local NAME = "provision.lua"
local EPILOG = [[
Examples:
  lua scripts/provision.lua scripts/plans/two-instances.lua --sandbox
      rehearses it on an endpoint of its own; needs no AWS account
  lua scripts/provision.lua my-plan.lua --dry-run
      says what would be made, and whether you are permitted to
  lua scripts/provision.lua my-plan.lua --diagram fleet.svg
  lua scripts/provision.lua my-plan.lua --json | jq -r '.hosts[].address'
  lua scripts/provision.lua my-plan.lua --configure
      then reaches each instance over SSH at its IPv6 address, brings eni6 there, splits the
      addresses, and confirms over a new connection; a host that cannot be confirmed goes back
      by itself. Host keys come from the consoles, else from the first connection, and are kept
      in my-plan.known_hosts: a key that has changed since is an error.
  lua scripts/teardown.lua my-plan.lua
      takes it all away again

A plan is a Lua file; the ones in scripts/plans explain themselves. Where it names no subnet,
security groups or image, and no option does, $SUBNET_ID, $SECURITY_GROUP_ID and $IMAGE_ID are
taken, which is what scripts/sandbox.lua exports.
Running a plan again changes nothing; it finishes what was cut off, and makes hosts that were added.
Credentials and region come from the usual places: the plan, the environment, ~/.aws.

Exit status: 0 done; 1 failed, the reason is on standard error; 2 the command line or the plan is
wrong, nothing was made.]]

local function diagram(path)
  local draw, message = require("eni6.fleet.topology").for_file(path)
  return draw and path, message
end

local function read_arguments()
  local parser = face.parser(NAME, "Makes the instances of a plan, as far as they are not there.", EPILOG)
  parser:argument("plan", "The plan, a Lua file."):argname "PLAN"
  parser:flag("--dry-run", "Make nothing; say what would be made.")
  parser:flag("--sandbox", "Rehearse on an EC2 endpoint of its own, which is gone afterwards.")
  parser:flag("--configure", "Configure the instances over SSH, too.")
  parser:option("--user", "Whom to log in as, with --configure; may use sudo.", "ubuntu"):argname "NAME"
  parser:option("--identity", "The private key to log in with, instead of ssh's own choice."):argname "FILE"
  parser:option("--known-hosts", "Where the instances' host keys are kept, instead of beside the plan."):argname "FILE"
  parser:option("--host-keys", "first-use: take the key of an instance whose console shows none;\nconsole: wait until it does.",
    "first-use"):choices { "first-use", "console" }
  parser:option("--install-docker", "Install Docker there if it is missing, as configure.lua does."):args("?"):argname "SOURCE"
    :choices { "distribution", "docker" }
  parser:option("--confirm", "Time to confirm, after which an instance goes back.", "60", face.whole(10, 3600)):argname "SECONDS"
  parser:flag("--json", "Print the result as one JSON document.")
  parser:option("--diagram", "Draw the result into a file: .svg, .dot or .txt."):argname("FILE"):convert(diagram)
  parser:option("--parallel", "Hosts at a time.", "32", face.whole(1, 256)):argname "N"
  parser:option("--subnet", "Subnet instead of the plan's."):argname "ID"
  parser:option("--security-group", "Security group instead of the plan's; may be repeated."):argname("ID"):count "*"
  parser:option("--image", "Image instead of the plan's."):argname "ID"
  face.endpoint_options(parser)
  local arguments = parser:parse()
  if arguments.configure and (arguments.sandbox or arguments.dry_run) then
    parser:error("--configure needs instances to log in to, which " .. (arguments.sandbox and "--sandbox" or "--dry-run")
      .. " does not make")
  end
  return arguments
end

-- What options and environment say instead of the plan, or where it says nothing.
local function settings_of(arguments)
  local settings = {}
  local function set(name, value, source, overrides)
    if value and value ~= "" and not settings[name] then
      settings[name] = { value = value, source = source, overrides = overrides }
    end
  end
  local groups = #arguments.security_group > 0 and arguments.security_group or nil
  set("region", arguments.region, "--region", true)
  set("subnet", arguments.subnet, "--subnet", true)
  set("security_groups", groups, "--security-group", true)
  set("image", arguments.image, "--image", true)
  set("subnet", os.getenv("SUBNET_ID"), "$SUBNET_ID", false)
  set("security_groups", os.getenv("SECURITY_GROUP_ID"), "$SECURITY_GROUP_ID", false)
  set("image", os.getenv("IMAGE_ID"), "$IMAGE_ID", false)
  return settings
end

local function load_plan(path, settings)
  local plan, message = require("eni6.fleet.plan").load(path, { settings = settings })
  if not plan then face.fail(NAME, face.USAGE, message) end
  return plan
end

-- The /64 of the first whole address in a plan: the sandbox's subnet has to be that one.
local function subnet_of(plan)
  local relative = require("eni6.ip6").prefix "::/64"
  for _, host in ipairs(plan.hosts) do
    local given = host.address or host.range.at and host.range.at:first()
    if given and not relative:contains(given) then return tostring(given:prefix(64)) end
  end
end

-- Starts the sandbox; the plan again, with the sandbox's subnet, group and image.
local function rehearse(arguments)
  local function stand_in(value) return { value = value, source = "--sandbox", overrides = false } end
  local plan = load_plan(arguments.plan, { subnet = stand_in "subnet-00000000", image = stand_in "ami-00000000" })
  local sandbox, message = require("rehearsal").start(scripts, interpreter,
    { region = plan.region, subnet_cidr = subnet_of(plan) })
  if not sandbox then face.fail(NAME, face.FAILED, message) end
  local settings = { image = { value = sandbox.env.IMAGE_ID, source = "--sandbox", overrides = true } }
  if not plan.vpc then
    settings.subnet = { value = sandbox.env.SUBNET_ID, source = "--sandbox", overrides = true }
    settings.security_groups = { value = sandbox.env.SECURITY_GROUP_ID, source = "--sandbox", overrides = true }
  end
  return load_plan(arguments.plan, settings), sandbox
end

local function new_client(arguments, plan, sandbox)
  local options = sandbox and sandbox:client_options()
    or { region = plan.region, endpoint = arguments.endpoint_url, profile = arguments.profile,
      prompt = terminal.ask, warn = terminal.warn }
  local client, message = require("eni6.aws.ec2").new(options)
  if not client then face.fail(NAME, face.FAILED, message) end
  return client
end

local function names_of(plan)
  local names = {}
  for i, host in ipairs(plan.hosts) do names[i] = host.name end
  return names
end

local function draw(path, result)
  local file, message = io.open(path, "w")
  if not file then
    io.stderr:write(NAME, ": the picture cannot be written: ", message, "\n")
    return false
  end
  file:write(require("eni6.fleet.topology").for_file(path)(result))
  file:close()
  io.stderr:write("drawn: ", path, "\n")
  return true
end

local JSON_ORDER = { "plan", "region", "subnet", "hosts", "name", "instance_id", "interface_id", "mac", "address", "block",
  "addresses", "state", "configured" }

local function print_result(arguments, result)
  if not arguments.json then return io.stdout:write(require("eni6.fleet.topology").table(result)) end
  face.print_json({ plan = result.plan, region = result.region, subnet = result.subnet,
    hosts = setmetatable(result.hosts, { __jsontype = "array" }) }, JSON_ORDER)
end

local function next_steps(arguments, plan, result)
  if arguments.sandbox then
    return "\nThat was a rehearsal: its endpoint is gone now, and all of this with it.\n"
      .. "For real: give the plan your own subnet, security group and image, then run it without --sandbox.\n"
  end
  if arguments.dry_run then return "\nNothing was made. Run it without --dry-run to make it.\n" end
  local lines = { "\nNext:" }
  if plan.key then lines[#lines + 1] = "  ssh ubuntu@" .. result.hosts[1].address end
  if not arguments.configure then
    lines[#lines + 1] = "  lua scripts/configure.lua                on each instance, as root: splits its addresses"
  end
  lines[#lines + 1] = "  lua scripts/teardown.lua " .. arguments.plan .. "   takes all of it away again"
  return face.here(table.concat(lines, "\n")) .. "\n"
end

local function report(arguments, plan, result, message, code, detail)
  local partial = result or detail and detail.result
  if partial then print_result(arguments, partial) end
  if result then
    if not arguments.json then io.stdout:write(next_steps(arguments, plan, result)) end
    return (not arguments.diagram or draw(arguments.diagram, result)) and 0 or face.FAILED
  end
  io.stdout:flush()
  if partial then
    message = message .. "\nWhat was made stays and is found again: run the same command to finish it, or take it away "
      .. "with: lua scripts/teardown.lua " .. arguments.plan
  end
  face.fail(NAME, code == "EPLAN" and not partial and face.USAGE or face.FAILED, message)
end

-- Configures what was made: provision's results, or those of the failure.
local function configure(arguments, plan, client, display, result)
  local ok, message, code, detail = require("eni6.fleet.configure").run(result.hosts, {
    ec2 = client, source = scripts .. "/..", user = arguments.user, confirm = arguments.confirm,
    known_hosts = arguments.known_hosts or plan.file:gsub("%.lua$", "") .. ".known_hosts",
    first_use = arguments.host_keys == "first-use",
    ssh_arguments = arguments.identity and { "-i", arguments.identity, "-o", "IdentitiesOnly=yes" },
    arguments = arguments.install_docker and { "--install-docker=" .. (arguments.install_docker[1] or "distribution") },
    parallel = arguments.parallel, observe = function(event) display:show(event) end })
  if ok then return result end
  detail = detail or {}
  detail.result = result
  return nil, message, code, detail
end

local arguments = read_arguments()
local sandbox

face.run(function()
  local plan
  if arguments.sandbox then
    plan, sandbox = rehearse(arguments)
  else
    plan = load_plan(arguments.plan, settings_of(arguments))
  end
  local client = new_client(arguments, plan, sandbox)
  local display = require("progress").new(names_of(plan), arguments.dry_run)
  local result, message, code, detail = require("eni6.fleet.provision").run(client, plan, {
    parallel = arguments.parallel, dry_run = arguments.dry_run,
    observe = function(event) display:show(event) end })
  if sandbox then sandbox:stop() end
  if result and arguments.configure then
    result, message, code, detail = configure(arguments, plan, client, display, result)
  end
  return report(arguments, plan, result, message, code, detail)
end, function()
  io.stderr:write("\n", NAME, ": interrupted. ", arguments.sandbox and "The rehearsal is gone.\n"
    or "What was made stays and is found again: run the same command to go on, or take it away with: "
      .. face.here("lua scripts/teardown.lua ") .. arguments.plan .. "\n")
end)
