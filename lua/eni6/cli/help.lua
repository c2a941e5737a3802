--- Help at each level: what there is, which options an operation takes, of which types, and what they accept.

local globals = require "eni6.cli.globals"
local names = require "eni6.cli.names"

local help = {}

local WIDTH = 100

-- Words in lines of at most WIDTH, each indented.
local function wrapped(text, indent)
  local lines, line = {}, indent
  for word in text:gmatch("%S+") do
    if #line + #word + 1 > WIDTH and line ~= indent then
      lines[#lines + 1], line = line, indent
    end
    line = line .. (line == indent and "" or " ") .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function section(out, title) out[#out + 1] = "\n" .. title .. "\n" end

local function columns(out, list)
  for _, name in ipairs(list) do out[#out + 1] = "  " .. name end
end

-- --- types ----------------------------------------------------------------------

local SCALAR = {
  string = "string", integer = "integer", double = "float", boolean = "boolean", timestamp = "timestamp", blob = "blob",
}

local DEEPEST = 3 -- structures within each other that examples show

local example_of

local function structure_example(type_, depth)
  if depth > DEEPEST then return "{…}" end
  local parts = {}
  for i, member in ipairs(type_.members) do parts[i] = member.name .. "=" .. example_of(member.type, depth + 1) end
  local inner = table.concat(parts, ",")
  return depth > 0 and "{" .. inner .. "}" or inner
end

-- A value in shorthand, with types for values.
function example_of(type_, depth)
  if type_.kind == "structure" then return structure_example(type_, depth) end
  if type_.kind ~= "list" then return SCALAR[type_.kind] end
  local element = example_of(type_.member, math.max(depth, 1))
  return depth > 1 and "[" .. element .. "," .. element .. "]" or element .. "," .. element
end

local function usage_of(option)
  local type_ = option.type
  if option.takes == "none" or option.takes == "maybe" and not option.choices then return "" end
  if option.choices then return " " .. table.concat(option.choices, "|") end
  if not type_ then return option.expects == "int" and " integer" or " value" end
  if type_.kind == "list" then return " " .. (SCALAR[type_.member.kind] or type_.member.kind) .. " …" end
  return " " .. (SCALAR[type_.kind] or type_.kind)
end

-- Every member in it that accepts only certain values, by its path.
local function list_accepted(out, service, type_, path, depth)
  if type_.kind == "list" then return list_accepted(out, service, type_.member, path, depth) end
  if type_.kind ~= "structure" or depth > DEEPEST then return end
  for _, member in ipairs(type_.members) do
    local accepted = service:accepted(type_, member.name)
    local name = path .. member.name
    if accepted then out[#out + 1] = wrapped(name .. ": " .. table.concat(accepted, ", "), "      ") end
    list_accepted(out, service, member.type, name .. ".", depth + 1)
  end
end

local function is_complex(type_)
  return type_ and (type_.kind == "structure" or type_.kind == "list" and type_.member.kind == "structure")
end

local function show_option(out, self, option)
  local service, input = self.service, self.operation.input
  local pair = option.pair and " | --" .. option.pair or ""
  out[#out + 1] = "  --" .. option.name .. pair .. usage_of(option) .. (option.required and "   (required)" or "")
  if option.about then out[#out + 1] = wrapped(option.about, "      ") end
  if is_complex(option.type) and not option.pair then
    local type_ = option.type.kind == "list" and option.type.member or option.type
    out[#out + 1] = "      " .. example_of(type_, 0) .. (option.type.kind == "list" and " …" or "")
    list_accepted(out, service, option.type, "", 0)
  end
  local accepted = option.member and not option.pair and service:accepted(input, option.member)
  if accepted then out[#out + 1] = wrapped("accepts: " .. table.concat(accepted, ", "), "      ") end
end

-- --- levels -------------------------------------------------------------------------

-- This page is made a manual page of, which is why it looks as argparse's do.
local function top_level(out, program)
  out[#out + 1] = "Usage: " .. program .. " [<options>] <service> <operation> [<parameters>]"
  out[#out + 1] = "\nThe AWS CLI's commands for EC2 and STS, with its command lines, output and exit statuses."
  out[#out + 1] = "\nServices: `" .. program .. " ec2 help` lists the operations of one,"
  out[#out + 1] = "`" .. program .. " ec2 run-instances help` shows the options of an operation"
  columns(out, {
    "ec2         Amazon EC2", "sts         AWS Security Token Service",
    "configure   `configure list` shows which settings count, and where each came from",
  })
  out[#out + 1] = "\nOptions:"
  for _, option in ipairs(globals.options) do
    out[#out + 1] = "   --" .. option.name .. usage_of(option)
    out[#out + 1] = wrapped(option.about, (" "):rep(20))
  end
  out[#out + 1] = "\nExit status: 0 done; 252 the command line is wrong; 253 settings or credentials are missing or wrong;"
  out[#out + 1] = "254 the service refused; 255 anything else; 130 interrupted."
end

local function output_members(out, operation)
  if not operation.output then return end
  section(out, "Output:")
  for _, member in ipairs(operation.output.members) do
    out[#out + 1] = "  " .. member.name .. "  (" .. (SCALAR[member.type.kind] or member.type.kind) .. ")"
  end
end

local function operation_level(out, self, program)
  local path = self.waiter and "wait " .. names.kebab(self.waiter) or names.kebab(self.operation.name)
  out[#out + 1] = "Usage: " .. program .. " " .. self.name .. " " .. path .. " [options]"
  if self.waiter then
    local waiter = self.service:waiter(self.waiter)
    out[#out + 1] = string.format("\nLooks with %s until it is so; gives up after %d seconds, with status 255.",
      names.kebab(waiter.operation), waiter.delay * waiter.max_attempts)
  elseif self.service:paginator(self.operation.name) then
    out[#out + 1] = "\nThe answer comes in pages; all of them are asked for, unless --no-paginate is given."
  end
  section(out, "Options:")
  local shown = {}
  for _, option in ipairs(self.table.list) do
    if not option.hidden and not shown[option.name] then
      show_option(out, self, option)
      if option.pair then shown[option.pair] = true end
    end
  end
  if not self.waiter then output_members(out, self.operation) end
  out[#out + 1] = "\nOptions of every command: `" .. program .. " help`. What the operation does: "
    .. "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_" .. self.operation.name .. ".html"
end

local function service_level(out, self, program)
  out[#out + 1] = "Usage: " .. program .. " " .. self.name .. " <operation> [options]"
  section(out, "Operations (`" .. program .. " " .. self.name .. " <operation> help` shows the options of one):")
  columns(out, self.commands)
end

local function waiters_level(out, self, program)
  out[#out + 1] = "Usage: " .. program .. " " .. self.name .. " wait <state> [options]"
  section(out, "States:")
  columns(out, self.waiters)
end

--- The help that a command asks for.
---@param self eni6.cli.Command
---@param program string  what it is called by
---@return string
function help.text(self, program)
  local out = {}
  if self.operation then
    operation_level(out, self, program)
  elseif self.waiters then
    waiters_level(out, self, program)
  elseif self.service then
    service_level(out, self, program)
  else
    top_level(out, program)
  end
  return table.concat(out, "\n") .. "\n"
end

return help
