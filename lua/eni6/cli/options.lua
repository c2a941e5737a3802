--- The options of an operation, as the AWS CLI has them: one for each member of its input, a pair for each boolean, those
-- for paging, for whole inputs and skeletons, and what the AWS CLI adds or changes for some operations of EC2.

local arguments = require "eni6.cli.arguments"
local names = require "eni6.cli.names"
local values = require "eni6.cli.values"

local options = {}

---@class eni6.cli.OperationOption: eni6.cli.Option
---@field member string|nil         of the input that it sets
---@field type eni6.aws.Type|nil    of that member
---@field about string|nil          what it is for, where it is no member
---@field hidden boolean|nil        works, but help does not show it
---@field pair string|nil           the option that says the opposite
---@field add fun(params: table, value: any, world: table)   puts a value into the call's parameters

---@class eni6.cli.OptionTable
---@field list eni6.cli.OperationOption[]
---@field by_name table<string, eni6.cli.OperationOption>
---@field checks fun(parsed: table)[]   look at the parsed command line; raise a problem
---@field fixes fun(params: table)[]    change the parameters just before they are sent
---@field paging table<string, any>|nil     what the options for pages say, once `options.parameters` has been called
---@field transform nil|fun(result: table)   changes the result before it is shown
local Table = {}
Table.__index = Table

--- Adds an option, in the place of one of the same name.
---@param option eni6.cli.OperationOption
function Table:add(option)
  local known = self.by_name[option.name]
  self.by_name[option.name] = option
  if not known then
    self.list[#self.list + 1] = option
    return
  end
  for i, each in ipairs(self.list) do
    if each == known then self.list[i] = option end
  end
end

--- Takes an option away, if it is there.
---@param name string
---@return eni6.cli.OperationOption|nil
function Table:remove(name)
  local option = self.by_name[name]
  self.by_name[name] = nil
  for i, each in ipairs(self.list) do
    if each == option then
      table.remove(self.list, i)
      return option
    end
  end
end

--- Calls an option otherwise; its value goes where it went.
---@param from string
---@param to string
function Table:rename(from, to)
  local option = self:remove(from)
  if not option then return end
  option.dest = arguments.dest(option)
  option.name = to
  self:add(option)
  local pair = self.by_name[option.pair]
  if pair then pair.pair = to end
end

--- Leaves options out of help.
function Table:hide(...)
  for _, name in ipairs { ... } do self.by_name[name].hidden = true end
end

local function member_option(member, name)
  local option = {
    name = name, member = member.name, type = member.type,
    required = member.required and not member.idempotency_token,
  }
  function option.add(params, value, world)
    params[member.name] = values.unpack("--" .. option.name, member.type, value, world)
  end
  return option
end

local function flag(member, name, positive, value)
  return {
    name = name, dest = (positive:gsub("%-", "_")), member = member.name, type = member.type, takes = "none", value = value,
    add = function(params, given) params[member.name] = given end,
  }
end

local function add_boolean(self, member, name)
  local yes, no = flag(member, name, name, true), flag(member, "no-" .. name, name, false)
  yes.pair, no.pair = no.name, yes.name
  self:add(yes)
  self:add(no)
end

local function add_member(self, member)
  local name = names.kebab(member.name)
  if member.type.kind == "boolean" then return add_boolean(self, member, name) end
  local option = member_option(member, name)
  if member.type.kind == "list" then option.takes = "any" end
  if member.type.kind == "double" then option.convert, option.expects = values.double, "float" end
  if member.type.long then option.convert, option.expects = values.integer, "int" end
  self:add(option)
end

local function add_whole_input(self)
  for _, format in ipairs { "json", "yaml" } do
    self:add({
      name = "cli-input-" .. format, add = function() end,
      about = "The whole input in " .. format:upper() .. "; other options go before it.",
    })
  end
  self:add({
    name = "generate-cli-skeleton", takes = "maybe", value = "input", choices = { "input", "output", "yaml-input" },
    add = function() end, about = "Prints an empty input, or an example of the output, and sends nothing.",
  })
end

-- Where one of these is given, nothing else is required: the operation's input comes from elsewhere or is not sent.
local function replaces_required(words)
  for i, word in ipairs(words) do
    if word == "--cli-input-json" or word == "--cli-input-yaml" then return true end
    if word == "--generate-cli-skeleton" then return words[i + 1] ~= "output" end
  end
  return false
end

--- Makes the options of an operation.
---@param service eni6.aws.Service
---@param operation eni6.aws.Operation
---@param waiter boolean|nil for `wait`, which has none of EC2's own changes
---@return eni6.cli.OptionTable
function options.of(service, operation, waiter)
  local self = setmetatable({ list = {}, by_name = {}, checks = {}, fixes = {} }, Table)
  for _, member in ipairs(operation.input and operation.input.members or {}) do add_member(self, member) end
  require("eni6.cli.changes").apply(self, service, operation, waiter)
  add_whole_input(self)
  local paginator = service:paginator(operation.name)
  if paginator then require("eni6.cli.paging").add_options(self, operation, paginator) end
  return self
end

--- Takes the words behind an operation apart. Raises a problem.
---@param self eni6.cli.OptionTable
---@param words string[]
---@return table<string, any> parsed
---@return boolean help whether help is asked for
---@return string[] rest what is no option of it
function options.parse(self, words)
  if #words == 1 and words[1] == "help" then return {}, true, {} end
  if replaces_required(words) then
    for _, option in ipairs(self.list) do option.required = false end
  end
  local parsed, rest, word = arguments.parse(self.list, words, "help")
  if word and word ~= "help" then rest[#rest + 1] = word end
  return parsed, word == "help", rest
end

--- The parameters that the options stand for. Raises a problem.
---@param self eni6.cli.OptionTable
---@param parsed table<string, any>
---@param world table getenv and read_file
---@return table
function options.parameters(self, parsed, world)
  local params = {}
  for _, option in ipairs(self.list) do
    local value = parsed[arguments.dest(option)]
    if value ~= nil then option.add(params, values.load("--" .. option.name, value, world), world) end
  end
  return params
end

return options
