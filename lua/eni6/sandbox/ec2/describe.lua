--- The description that every family has: ids, filters, pages.

local filters = require "eni6.sandbox.filters"
local paging = require "eni6.sandbox.paging"

local M = {}

---@class eni6.sandbox.description
---@field family string
---@field ids string|nil name of the parameter that lists ids
---@field set string name of the list in the answer
---@field view fun(record: table, world: table, params: table): table
---@field filters table<string, fun(record: table, world: table): any>
---@field bounds integer[]|nil of MaxResults; nil when the operation does not page
---@field find (fun(world: table, id: string): table)|nil how to find one by id
---@field all (fun(world: table): table[])|nil what there is, the family's records by default
---@field keep (fun(world: table, params: table): (fun(record: table): boolean)|nil)|nil makes one more filter of a request
---@field parameters table|nil more parameters

--- The parameters of the operation that describes a family.
---@param description eni6.sandbox.description
---@return table
function M.parameters(description)
  local parameters = { Filter = filters.parameters }
  if description.ids then parameters[description.ids] = { "string" } end
  if description.bounds then
    for name, of in pairs(paging.parameters) do parameters[name] = of end
  end
  for name, of in pairs(description.parameters or {}) do parameters[name] = of end
  return parameters
end

local function by_serial(a, b) return a.serial < b.serial end

-- The records with the ids asked for, each once, as EC2 gives them.
local function named(world, description, ids)
  local find = description.find or function(_, id) return world:find_described(description.family, id) end
  local records, seen = {}, {}
  for _, id in ipairs(ids) do
    local record = find(world, id)
    if not seen[record] then records[#records + 1] = record end
    seen[record] = true
  end
  table.sort(records, by_serial)
  return records
end

local function kept(records, test, world)
  if not test then return records end
  local list = {}
  for _, record in ipairs(records) do
    if test(record, world) then list[#list + 1] = record end
  end
  return list
end

--- The records that a request describes, before they are cut into pages.
---@param world table
---@param description eni6.sandbox.description
---@param params table
---@return table[]
function M.select(world, description, params)
  local ids = description.ids and params[description.ids]
  if ids and #ids == 0 then ids = nil end
  if description.bounds then paging.check(params, description.bounds, ids and description.ids) end
  local test = filters.compile(params.Filter, description.filters)
  local all = description.all or function() return world:described(description.family) end
  local records = ids and named(world, description, ids) or all(world)
  records = kept(records, test, world)
  return description.keep and kept(records, description.keep(world, params)) or records
end

--- Makes the operation that describes a family.
---@param description eni6.sandbox.description
---@return table operation with its `description`
function M.operation(description)
  local function run(world, params)
    local page, next_token = paging.cut(M.select(world, description, params), params)
    return function()
      local set = {}
      for i, record in ipairs(page) do set[i] = description.view(record, world, params) end
      return { [description.set] = set, nextToken = next_token }
    end
  end
  return { parameters = M.parameters(description), run = run, description = description }
end

return M
