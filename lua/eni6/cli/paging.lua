--- The options for pages: --max-items, --page-size and --starting-token.

local names = require "eni6.cli.names"
local problem = require "eni6.cli.problem"

local paging = {}

local OWN = { "starting_token", "page_size", "max_items" }

local function usage(format, ...) problem.raise(problem.USAGE, format, ...) end

local function add_option(self, name, about, kind)
  local key = name:gsub("%-", "_")
  local option = { name = name, about = about, add = function(_, value) self.paging[key] = value end }
  if kind == "integer" then option.convert, option.expects = require("eni6.cli.values").integer, "int" end
  self:add(option)
end

--- Adds the options of an operation that has pages, and hides the API's own.
---@param self eni6.cli.OptionTable
---@param operation eni6.aws.Operation
---@param paginator eni6.aws.Paginator
function paging.add_options(self, operation, paginator)
  self:hide(names.kebab(paginator.input_token))
  self.paging = {}
  add_option(self, "starting-token", "NextToken of an output that was cut off: go on from there.", "string")
  local kind = "integer"
  if paginator.limit_key then
    kind = operation.input.by_name[paginator.limit_key].type.kind
    self:hide(names.kebab(paginator.limit_key))
    add_option(self, "page-size", "How many items to ask the service for at a time.", kind)
  end
  add_option(self, "max-items", "How many items to show; the output then has a NextToken for the rest.", kind)
end

local function snake(name) return (names.kebab(name):gsub("%-", "_")) end

local function own_inputs(paginator)
  local list = { paginator.input_token }
  list[2] = paginator.limit_key
  return list
end

local function refuse(parsed)
  local used = {}
  for _, name in ipairs(OWN) do
    if parsed[name] ~= nil then used[#used + 1] = "--" .. name:gsub("_", "-") end
  end
  if #used > 0 then usage("Cannot specify --no-paginate along with pagination arguments: %s", table.concat(used, ", ")) end
end

--- The API's own page options on the command line switch the AWS CLI's off. Raises a problem for both at once.
---@param self eni6.cli.Command
---@param parsed table<string, any>
function paging.check(self, parsed)
  for _, name in ipairs(own_inputs(self.service:paginator(self.operation.name))) do
    if parsed[snake(name)] ~= nil then self.globals.paginate = false end
  end
  if not self.globals.paginate then refuse(parsed) end
end

-- Where the whole account is listed, the AWS CLI asks for pages of a thousand, since EC2 would give it all at once.
local LONG_LISTS = {
  DescribeVolumes = { NextToken = true, DryRun = true },
  DescribeSnapshots = { NextToken = true, DryRun = true, OwnerIds = true, RestorableByUserIds = true },
}

local function long_list_size(self)
  local allowed = LONG_LISTS[self.operation.name]
  for name in pairs(allowed and self.service.name == "ec2" and self.params or {}) do
    if not allowed[name] then return nil end
  end
  return allowed and 1000
end

--- Settles how the answers are paged, once all parameters are there, as `self.paging`.
---@param self eni6.cli.Command
---@param parsed table<string, any>
function paging.settle(self, parsed)
  for _, name in ipairs(own_inputs(self.service:paginator(self.operation.name))) do
    if self.params[name] ~= nil then self.globals.paginate = false end
  end
  if not self.globals.paginate then return refuse(parsed) end
  local given = self.table.paging
  self.paging = {
    starting_token = given.starting_token, max_items = given.max_items and math.tointeger(tonumber(given.max_items)),
    page_size = given.page_size or long_list_size(self),
  }
end

return paging
