--- From a command line to what is to be done: which service and operation, with which parameters, and how to show it.

local arguments = require "eni6.cli.arguments"
local changes = require "eni6.cli.changes"
local globals = require "eni6.cli.globals"
local names = require "eni6.cli.names"
local options = require "eni6.cli.options"
local problem = require "eni6.cli.problem"

local command = {}

command.COMMANDS = { "configure", "ec2", "sts", "help" }

---@class eni6.cli.Command
---@field kind "version"|"help"|"call"|"wait"|"skeleton"|"settings"
---@field globals table<string, any>
---@field service eni6.aws.Service|nil
---@field operation eni6.aws.Operation|nil
---@field waiter string|nil
---@field params table|nil
---@field parsed table|nil           the operation's options as parsed
---@field table eni6.cli.OptionTable|nil

local function contains(list, value)
  for _, each in ipairs(list) do
    if each == value then return true end
  end
  return false
end

-- The commands of a service: its operations, wait, help.
local function commands_of(service)
  local list = {}
  for _, name in ipairs(names.kebab_all(service:operations())) do
    if not changes.REMOVED[name] then list[#list + 1] = name end
  end
  if #service:waiters() > 0 then list[#list + 1] = "wait" end
  list[#list + 1] = "help"
  return list
end

local function find_operation(service, word)
  if changes.REMOVED[word] then return nil end
  return names.find(word, function(name) return service:has(name) end, function() return service:operations() end)
end

-- The words of a command's own parser have no options; what is behind the first one goes on.
local function split_first(words, what)
  local _, rest, word = arguments.parse({}, words, what)
  return word, rest
end

local function unknown_options(option_table, rest)
  local suggest = require "eni6.suggest"
  local message = "Unknown options: " .. table.concat(rest, ", ")
  local known = {}
  for _, option in ipairs(option_table.list) do
    if not option.hidden then known[#known + 1] = "--" .. option.name end
  end
  for _, word in ipairs(rest) do
    if word:sub(1, 2) == "--" then
      message = message .. "\n" .. word .. ": " .. suggest.among(word:match("^[^=]*"), known, "the options are ")
    end
  end
  problem.raise(problem.USAGE, "usage: %s\n%s", arguments.USAGE, message)
end

-- Fills in what a whole input gives and the command line does not.
local function add_input(params, parsed, world)
  local json, yaml = parsed.cli_input_json, parsed.cli_input_yaml
  if not json and not yaml then return end
  if json and yaml then problem.raise(problem.USAGE, "Only one --cli-input- parameter may be specified.") end
  for name, value in pairs(require("eni6.cli.input").read(json and "json" or "yaml", json or yaml, world)) do
    if params[name] == nil then params[name] = value end
  end
end

local function read_operation(self, words, world)
  self.table = options.of(self.service, self.operation, self.waiter ~= nil)
  local parsed, help, rest = options.parse(self.table, words)
  if #rest > 0 then unknown_options(self.table, rest) end
  if help then
    self.kind = "help"
    return self
  end
  self.parsed = parsed
  local paging = self.service:paginator(self.operation.name) and require "eni6.cli.paging"
  if paging then paging.check(self, parsed) end
  for _, check in ipairs(self.table.checks) do check(parsed) end
  self.params = options.parameters(self.table, parsed, world)
  add_input(self.params, parsed, world)
  if paging then paging.settle(self, parsed) end
  if parsed.generate_cli_skeleton then self.kind, self.skeleton = "skeleton", parsed.generate_cli_skeleton end
  return self
end

local function read_wait(self, words, world)
  local all = self.service:waiters()
  local word, rest = split_first(words, "subcommand")
  if word == "help" then
    self.kind, self.waiters = "help", names.kebab_all(all)
    return self
  end
  local name = names.find(word, function(guess) return contains(all, guess) end, function() return all end)
  if not name then arguments.invalid_choice("argument subcommand", word, names.kebab_all(all)) end
  self.kind, self.waiter = "wait", name
  self.operation = self.service:operation(self.service:waiter(name).operation)
  return read_operation(self, rest, world)
end

local function read_service(self, words, world)
  self.service = require("eni6.aws.model").service(self.name)
  local word, rest = split_first(words, "operation")
  if word == "help" then
    self.kind, self.commands = "help", commands_of(self.service)
    return self
  end
  if word == "wait" and #self.service:waiters() > 0 then return read_wait(self, rest, world) end
  local name = find_operation(self.service, word)
  if not name then arguments.invalid_choice("argument operation", word, commands_of(self.service)) end
  self.kind, self.operation = "call", self.service:operation(name)
  return read_operation(self, rest, world)
end

-- `configure list`, the one command there is of `configure`.
local function read_configure(self, words)
  local word, rest = split_first(words, "subcommand")
  if word == "help" then
    self.kind = "help"
    return self
  end
  if word ~= "list" then arguments.invalid_choice("argument subcommand", word, { "list", "help" }) end
  if #rest > 0 then
    problem.raise(problem.USAGE, "usage: %s\nUnknown options: %s", arguments.USAGE, table.concat(rest, ", "))
  end
  self.kind = "settings"
  return self
end

local DEFAULTS = { verify_ssl = true, paginate = true, sign_request = true, color = "auto" }

-- `--version` goes before what else may be wrong.
local function wants_version(words)
  for _, word in ipairs(words) do
    if word:find("^%-%-v") then return (arguments.parse(globals.options, words)).version end
  end
end

-- `--help` behind nothing but names means `help`; the AWS CLI does not know it.
local function with_help(words)
  if words[#words] ~= "--help" then return words end
  for i = 1, #words - 1 do
    if words[i]:sub(1, 1) == "-" then return words end
  end
  local changed = table.move(words, 1, #words - 1, 1, {})
  changed[#words] = "help"
  return changed
end

local function read(words, world)
  words = with_help(words)
  if wants_version(words) then return { kind = "version" } end
  local parsed, rest, word = arguments.parse(globals.options, words, "command")
  for name, value in pairs(DEFAULTS) do
    if parsed[name] == nil then parsed[name] = value end
  end
  if not contains(command.COMMANDS, word) then arguments.invalid_choice("argument command", word, command.COMMANDS) end
  local self = { globals = globals.settle(parsed), name = word }
  if word == "help" then
    self.kind = "help"
    return self
  end
  if word == "configure" then return read_configure(self, rest) end
  return read_service(self, rest, world)
end

--- Reads a command line.
---@param words string[]
---@param world { getenv: function, read_file: function }
---@return eni6.cli.Command|nil
---@return string|nil message
---@return integer|nil status of `eni6.cli.problem`
function command.read(words, world) return problem.protect(read, words, world) end

return command
