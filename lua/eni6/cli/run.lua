--- Does what a command line asks for, and says how it went: the AWS CLI's face over eni6.aws.

local problem = require "eni6.cli.problem"

local run = {}

---@class eni6.cli.World      what a command sees of its surroundings
---@field write fun(text: string)      standard output
---@field complain fun(text: string)   standard error
---@field getenv fun(name: string): string|nil
---@field read_file fun(path: string): string|nil, string|nil

local function complain(world, message) world.complain("\n" .. message .. "\n") end

-- --- failures -----------------------------------------------------------------------

-- The statuses of errors that are not the service's.
local STATUS = {
  ParamValidation = problem.USAGE,
  NoCredentials = problem.CONFIGURATION, NoRegion = problem.CONFIGURATION,
}

-- What the AWS CLI says, which scripts look for; our own words follow it.
local OPENING = {
  ParamValidation = "Parameter validation failed:",
  NoCredentials = 'Unable to locate credentials. You can configure credentials by running "aws configure".',
  NoRegion = 'You must specify a region. You can also configure your region by running "aws configure".',
  ProfileNotFound = "The config profile could not be found",
}

local function service_error(world, operation, last)
  local again = last.attempt > 1 and string.format(" (reached max retries: %d)", last.attempt - 1) or ""
  complain(world, string.format("An error occurred (%s) when calling the %s operation%s: %s", last.code, operation, again,
    last.message))
  return problem.SERVICE
end

local function report(world, message, code, detail)
  if code == "ParamValidation" and detail and detail.faults then message = table.concat(detail.faults, "\n") end
  if code == "ECONNREFUSED" or code == "ERESOLVE" then message = "Could not connect to the endpoint URL: " .. message end
  complain(world, (OPENING[code] and OPENING[code] .. "\n" or "") .. message)
  return STATUS[code] or problem.GENERAL
end

-- --- the client -----------------------------------------------------------------------

local function seconds(value)
  if value == nil then return nil end
  return value == 0 and math.huge or value
end

local function client_options(self, world, observe)
  local globals = self.globals
  return {
    region = globals.region, profile = globals.profile, endpoint = globals.endpoint_url,
    verify = globals.verify_ssl, ca_file = globals.ca_bundle, getenv = world.getenv, read_file = world.read_file,
    timeout = seconds(globals.read_timeout), connect_timeout = seconds(globals.connect_timeout), observe = observe,
  }
end

local function format_of(self, settings)
  local format = self.globals.output or settings:lookup({ "AWS_DEFAULT_OUTPUT" }, "output") or "json"
  for _, known in ipairs(require("eni6.cli.globals").FORMATS) do
    if format == known then return format end
  end
  problem.raise(problem.GENERAL, "Unknown output type: %s", format)
end

local function binary_format(self, settings)
  return self.globals.cli_binary_format or settings:get("cli_binary_format") or "base64"
end

-- --- calls ----------------------------------------------------------------------------

local function prepare(self, settings)
  for _, fix in ipairs(self.table.fixes) do fix(self.params) end
  local input = self.operation.input
  if input then require("eni6.cli.values").finish(input, self.params, binary_format(self, settings)) end
end

-- One answer, or page after page.
local function answers(self, client)
  if self.paging then return require("eni6.cli.paging").pages(client, self.operation.name, self.params, self.paging) end
  local done = false
  return function()
    if done then return nil end
    done = true
    local result, message, code, detail = client:call(self.operation.name, self.params)
    if not result then return false, message, code, detail end
    return result
  end, {}
end

local function is_dry_run(self, result) return self.params.DryRun == true and result.DryRun == true end

local function call(self, world)
  local last = {}
  local client, message, code = require("eni6.aws.client").new(self.service.name, client_options(self, world, function(event)
    last = event
  end))
  if not client then return report(world, message, code) end
  local printer = require("eni6.cli.plain").new(format_of(self, client.settings), world.write, self)
  prepare(self, client.settings)
  local detail
  local pages, state = answers(self, client)
  for page, why, what, more in pages do
    if page == false then
      message, code, detail = why, what, more
      break
    end
    if is_dry_run(self, page) then return service_error(world, self.operation.name, last) end
    if self.table.transform then self.table.transform(page) end
    printer:page(page)
  end
  if code then
    if last.code == code and last.answered then return service_error(world, self.operation.name, last) end
    return report(world, message, code, detail)
  end
  printer:finish(state.resume)
  return 0
end

local function wait(self, world)
  local client, message, code = require("eni6.aws.client").new(self.service.name, client_options(self, world))
  if not client then return report(world, message, code) end
  prepare(self, client.settings)
  local result, detail
  result, message, code, detail = client:wait(self.waiter, self.params)
  if result then return 0 end
  if STATUS[code] then return report(world, message, code, detail) end
  complain(world, "Waiter " .. self.waiter .. " failed: " .. message)
  return problem.GENERAL
end

local function version(_, world)
  local core = require "eni6.core"
  world.write(string.format("eni6/%s %s (command lines as aws-cli/2.9.19)\n", core.version, (_VERSION:gsub(" ", "/"))))
  return 0
end

local function help(self, world)
  world.write(require("eni6.cli.help").text(self))
  return 0
end

-- An example of the output is shown once the input is known to be right.
local function example(self, world)
  local settings, message, code = require("eni6.aws.config").load({
    profile = self.globals.profile, getenv = world.getenv, read_file = world.read_file,
  })
  if not settings then return report(world, message, code) end
  prepare(self, settings)
  local ok, detail
  ok, message, code, detail = require("eni6.aws.validate").check(self.service, self.operation.name, self.params)
  if not ok then return report(world, message, code, detail) end
  local printer = require("eni6.cli.plain").new(format_of(self, settings), world.write, self)
  printer:page(require("eni6.cli.skeleton").result(self.service, self.operation))
  printer:finish()
  return 0
end

local function skeleton(self, world)
  if self.skeleton == "output" then return example(self, world) end
  local form = self.skeleton == "input" and "json" or "yaml"
  world.write(require("eni6.cli.skeleton")[form](self.service, self.operation))
  return 0
end

local KINDS = { call = call, wait = wait, version = version, help = help, skeleton = skeleton }

local function perform(words, world)
  local self, message, status = require("eni6.cli.command").read(words, world)
  if not self then
    complain(world, message)
    return status
  end
  return KINDS[self.kind](self, world)
end

--- Runs a command line.
---@param words string[]
---@param world eni6.cli.World
---@return integer status the AWS CLI's
function run.main(words, world)
  local status, message, failed = problem.protect(perform, words, world)
  if status then return status end
  complain(world, message)
  return failed
end

return run
