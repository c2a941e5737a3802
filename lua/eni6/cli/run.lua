--- Does what a command line asks for, and says how it went: the AWS CLI's face over eni6.aws.

local problem = require "eni6.cli.problem"

local run = {}

---@class eni6.cli.World      what a command sees of its surroundings
---@field write fun(text: string)      standard output
---@field complain fun(text: string)   standard error
---@field getenv fun(name: string): string|nil
---@field read_file fun(path: string): string|nil, string|nil
---@field client_read_file function|nil   the client's, where it shall not be its own
---@field prompt nil|fun(question: string): string|nil, string?   asks for the code of an MFA device
---@field is_coloured fun(wish: "on"|"off"|"auto"): boolean
---@field columns fun(): integer|nil   of the terminal; nil where there is none
---@field settled fun()               called when all is loaded, and more of the same may follow
---@field program fun(): string       what it is called by
---@field http table|nil               a client of eni6.http in place of the usual one

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
  ProfileNotFound = "The config profile could not be found:",
  PartialCredentials = "Partial credentials found:",
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
    verify = globals.verify_ssl, ca_file = globals.ca_bundle, sign = globals.sign_request,
    getenv = world.getenv, read_file = world.client_read_file, prompt = world.prompt,
    warn = function(message) world.complain("aws: " .. message .. "\n") end,
    timeout = seconds(globals.read_timeout), connect_timeout = seconds(globals.connect_timeout), observe = observe,
    http = world.http,
  }
end

-- `note` is told of each attempt at the operation itself, not of those to get credentials.
local function new_client(self, world, note)
  local tell = self.globals.debug and require("eni6.cli.debug").observer(world)
  return require("eni6.aws.client").new(self.service.name, client_options(self, world, function(event)
    if tell then tell(event) end
    if event.operation == self.operation.name then note(event) end
  end))
end

local function announce(self, world, client)
  if self.globals.debug then require("eni6.cli.debug").request(world, client, self.operation.name, self.params) end
end

local function format_of(self, settings)
  local format = self.globals.output or settings:lookup({ "AWS_DEFAULT_OUTPUT" }, "output") or "json"
  for _, known in ipairs(require("eni6.cli.output").FORMATS) do
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

-- The one answer of a call, as if it were pages.
local function single(self, client)
  local asked = false
  return {
    next = function()
      if asked then return nil end
      asked = true
      local result, message, code, detail = client:call(self.operation.name, self.params)
      return result or false, message, code, detail
    end,
  }
end

local function pages_of(self, client)
  if not self.paging then return single(self, client) end
  local pages, message = require("eni6.cli.output.pages").new(client, self.operation.name, self.params, self.paging)
  if not pages then problem.raise(problem.GENERAL, message) end
  return pages
end

local function timestamp_format(settings)
  local format = settings:get("cli_timestamp_format") or "iso8601"
  if format == "iso8601" or format == "wire" then return format end
  problem.raise(problem.CONFIGURATION, 'Unknown cli_timestamp_format value: %s, valid values are "wire" or "iso8601"', format)
end

local function new_printer(self, settings, world)
  local format = format_of(self, settings)
  self.timestamps = timestamp_format(settings)
  local tabular = format == "table"
  return require("eni6.cli.output").new(format, world.write, {
    operation = self.operation.name, query = self.globals.query, color = tabular and world.is_coloured(self.globals.color),
    width = tabular and world.columns() or nil, paginator = self.paging and self.service:paginator(self.operation.name),
  })
end

local function show_page(self, printer, page)
  if self.table.transform then self.table.transform(page) end
  local shown = require("eni6.cli.output").ordered(page, self.operation.output, { timestamps = self.timestamps })
  local ok, message = printer:page(shown)
  if not ok then problem.raise(problem.GENERAL, message) end
end

local function finish(printer, resume_token, world)
  local remarks, message = printer:finish(resume_token)
  if not remarks then problem.raise(problem.GENERAL, message) end
  for _, remark in ipairs(remarks) do world.complain("aws: " .. remark .. "\n") end
  return 0
end

local function is_dry_run(self, result) return self.params.DryRun == true and result.DryRun == true end

-- Ends with what the service said last, if it is what the call failed for.
local function failed(self, world, last, message, code, detail)
  if last.answered and last.code == code then return service_error(world, self.operation.name, last) end
  return report(world, message, code, detail)
end

local function call(self, world)
  local last = {}
  local client, message, code = new_client(self, world, function(event) last = event end)
  if not client then return report(world, message, code) end
  local printer = new_printer(self, client.settings, world)
  prepare(self, client.settings)
  announce(self, world, client)
  local pages = pages_of(self, client)
  while true do
    local page, why, what, detail = pages:next()
    if page == nil then return finish(printer, pages.resume_token, world) end
    if not page then return failed(self, world, last, why, what, detail) end
    if is_dry_run(self, page) then return service_error(world, self.operation.name, last) end
    show_page(self, printer, page)
    world.settled()
  end
end

-- The AWS CLI's words for how waits end, which scripts look for; ours follow.
local WAIT_ENDED = {
  ETIMEDOUT = "Max attempts exceeded: ", WaiterFailed = "Waiter encountered a terminal failure state: ",
}

local function wait_failed(self, world, last, message, code)
  if last.answered and last.code == code then message = string.format("An error occurred (%s): %s", code, last.message) end
  complain(world, string.format("Waiter %s failed: %s%s", self.waiter, WAIT_ENDED[code] or "", message))
  return problem.GENERAL
end

local function wait(self, world)
  local last = {}
  local client, message, code = new_client(self, world, function(event) last = event end)
  if not client then return report(world, message, code) end
  prepare(self, client.settings)
  announce(self, world, client)
  world.settled()
  local result, detail
  result, message, code, detail = client:wait(self.waiter, self.params)
  if result then return 0 end
  if STATUS[code] then return report(world, message, code, detail) end
  return wait_failed(self, world, last, message, code)
end

local function version(_, world)
  local core = require "eni6.core"
  world.write(string.format("eni6/%s %s (command lines as aws-cli/2.9.19)\n", core.version, (_VERSION:gsub(" ", "/"))))
  return 0
end

local function help(self, world)
  world.write(require("eni6.cli.help").text(self, world.program()))
  return 0
end

-- An example of the output is shown once the input is known to be right.
local function example(self, world)
  local settings, message, code = require("eni6.aws.config").load({
    profile = self.globals.profile, getenv = world.getenv, read_file = world.client_read_file,
  })
  if not settings then return report(world, message, code) end
  prepare(self, settings)
  local ok, detail
  ok, message, code, detail = require("eni6.aws.validate").check(self.service, self.operation.name, self.params)
  if not ok then return report(world, message, code, detail) end
  self.paging = nil
  local printer = new_printer(self, settings, world)
  show_page(self, printer, require("eni6.cli.skeleton").result(self.service, self.operation))
  return finish(printer, nil, world)
end

local function skeleton(self, world)
  if self.skeleton == "output" then return example(self, world) end
  local form = self.skeleton == "input" and "json" or "yaml"
  world.write(require("eni6.cli.skeleton")[form](self.service, self.operation))
  return 0
end

-- What is known is shown even where something is wrong.
local function settings_list(self, world)
  local options = client_options(self, world)
  local explain = require "eni6.aws.credentials.explain"
  local rows, message, code, before = explain.rows({
    profile = options.profile, region = options.region, getenv = options.getenv, read_file = options.read_file,
    prompt = options.prompt, warn = options.warn,
  })
  world.write(explain.text(rows or before))
  return rows and 0 or report(world, message, code)
end

local KINDS = { call = call, wait = wait, version = version, help = help, skeleton = skeleton, settings = settings_list }

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
  local status, message, other = problem.protect(perform, words, world)
  if status then return status end
  complain(world, message)
  return other
end

return run
