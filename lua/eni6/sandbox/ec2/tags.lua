--- Tags: the shapes that every family shares, and CreateTags, DeleteTags and
--- DescribeTags.

local families = require "eni6.sandbox.state.families"
local refuse = require("eni6.sandbox.refusal").refuse
local paging = require "eni6.sandbox.paging"
local filters = require "eni6.sandbox.filters"

local M = {}

local LIMIT = 50

--- What `TagSpecification` accepts.
M.parameters = { { ResourceType = "string", Tag = { { Key = "string", Value = "string" } } } }

local function check_tag(tag)
  local key, value = tag.Key, tag.Value or ""
  if not key or key == "" then refuse("InvalidParameterValue", "Tag key cannot be null or empty") end
  if #key > 128 then refuse("InvalidParameterValue", "Tag key exceeds the maximum length of 128 characters") end
  if #value > 256 then refuse("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters") end
  if key:lower():sub(1, 4) == "aws:" then
    refuse("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
  end
end

-- A list of tags as a map from key to value.
local function to_map(list)
  local map, count = {}, 0
  for _, tag in ipairs(list or {}) do
    check_tag(tag)
    if map[tag.Key] then refuse("InvalidParameterValue", "Duplicate tag key '%s' specified.", tag.Key) end
    map[tag.Key], count = tag.Value or "", count + 1
  end
  if count > LIMIT then refuse("TagLimitExceeded", "More than %d tags specified", LIMIT) end
  return map
end

--- The tags that a create call sets, by resource type.
---@param specifications table[]|nil the parameter `TagSpecification`
---@param ... string the resource types that the operation creates
---@return table<string, table<string, string>> tags one map for each type
function M.specified(specifications, ...)
  local by_type = {}
  for _, name in ipairs { ... } do by_type[name] = {} end
  local seen = {}
  for _, specification in ipairs(specifications or {}) do
    local name = specification.ResourceType
    if not name then refuse("InvalidParameterValue", "Tag specification resource type must have a value") end
    if not by_type[name] then
      refuse("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", name)
    end
    if seen[name] then
      refuse("InvalidParameterValue", "The same resource type may not be specified more than once in tag specifications")
    end
    seen[name], by_type[name] = true, to_map(specification.Tag)
  end
  return by_type
end

--- Refuses tags that the metadata service could not show.
---@param map table<string, string>
function M.check_for_metadata(map)
  for key in pairs(map) do
    if not key:find("^[%w%-_+=,.@:]+$") or key == "." or key == ".." or key == "_index" then
      refuse("InvalidParameterValue", "'%s' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), "
        .. "and must not be a reserved name ('.', '..', '_index')", key)
    end
  end
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

--- The `tagSet` of a record.
---@param record table
---@return table[]
function M.view(record)
  local set = {}
  for i, key in ipairs(sorted_keys(record.tags)) do set[i] = { key = key, value = record.tags[key] } end
  return set
end

-- The record that an id of any family names.
local function find_any(world, id)
  local prefix = id:match("^(%l+)%-")
  for name, family in pairs(families) do
    if family.prefix == prefix then return world:find(name, id) end
  end
  return refuse("InvalidID", "The ID '%s' is not valid", id)
end

local function find_all(world, ids)
  if #ids == 0 then refuse("MissingParameter", "The request must contain the parameter resourceIdSet") end
  local records = {}
  for i, id in ipairs(ids) do records[i] = find_any(world, id) end
  return records
end

local function count(map)
  local n = 0
  for _ in pairs(map) do n = n + 1 end
  return n
end

local function check_limit(record, added)
  local total = count(record.tags)
  for key in pairs(added) do
    if record.tags[key] == nil then total = total + 1 end
  end
  if total > LIMIT then refuse("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.") end
end

local operations = {}
M.operations = operations

operations.CreateTags = {
  parameters = { ResourceId = { "string" }, Tag = { { Key = "string", Value = "string" } } },
  run = function(world, params)
    local records = find_all(world, params.ResourceId or {})
    local added = to_map(params.Tag)
    if next(added) == nil then refuse("MissingParameter", "The request must contain the parameter tagSet") end
    for _, record in ipairs(records) do
      check_limit(record, added)
      if record.metadata and record.metadata.InstanceMetadataTags == "enabled" then M.check_for_metadata(added) end
    end
    return function()
      for _, record in ipairs(records) do
        for key, value in pairs(added) do record.tags[key] = value end
        world:notify(record.family .. ".changed", record)
      end
      return { ["return"] = true }
    end
  end,
}

local function delete_tag(record, tag)
  if tag.Value == nil or record.tags[tag.Key] == tag.Value then record.tags[tag.Key] = nil end
end

operations.DeleteTags = {
  parameters = { ResourceId = { "string" }, Tag = { { Key = "string!", Value = "string" } } },
  run = function(world, params)
    local records = find_all(world, params.ResourceId or {})
    return function()
      for _, record in ipairs(records) do
        if not params.Tag then record.tags = {} end
        for _, tag in ipairs(params.Tag or {}) do delete_tag(record, tag) end
        world:notify(record.family .. ".changed", record)
      end
      return { ["return"] = true }
    end
  end,
}

local getters = {
  ["resource-id"] = function(tag) return tag.record.id end,
  ["resource-type"] = function(tag) return families[tag.record.family].resource_type end,
  key = function(tag) return tag.key end,
  value = function(tag) return tag.value end,
}

local function all_tags(world)
  local list = {}
  for name in pairs(families) do
    for _, record in ipairs(world:described(name)) do
      for i, key in ipairs(sorted_keys(record.tags)) do
        list[#list + 1] = { record = record, key = key, value = record.tags[key], tags = record.tags,
          serial = record.serial * 100 + i }
      end
    end
  end
  table.sort(list, function(a, b) return a.serial < b.serial end)
  return list
end

local function tag_view(tag)
  return { resourceId = tag.record.id, resourceType = families[tag.record.family].resource_type, key = tag.key,
    value = tag.value }
end

operations.DescribeTags = {
  parameters = { Filter = filters.parameters, MaxResults = "integer", NextToken = "string" },
  run = function(world, params)
    paging.check(params, { 5, 1000 })
    local test, chosen, set = filters.compile(params.Filter, getters), {}, {}
    for _, tag in ipairs(all_tags(world)) do
      if not test or test(tag, world) then chosen[#chosen + 1] = tag end
    end
    local page, next_token = paging.cut(chosen, params)
    for i, tag in ipairs(page) do set[i] = tag_view(tag) end
    return function() return { tagSet = set, nextToken = next_token } end
  end,
}

return M
