--- The tags by which a plan finds again what it made. They are set in the create
-- call itself, so that nothing ever exists without them. The instance reads
-- `eni6:address` and `eni6:block` from its metadata.

local tags = {}

tags.PLAN, tags.HOST = "eni6:plan", "eni6:host"
tags.ADDRESS, tags.BLOCK = "eni6:address", "eni6:block"

local function sorted_pairs(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  local list = {}
  for i, name in ipairs(names) do list[i] = { Key = name, Value = map[name] } end
  return list
end

--- Tags of one resource as EC2 takes them, sorted by key.
---@param plan table   its name and tags
---@param own table<string, string>  more of this resource
---@return { Key: string, Value: string }[]
function tags.list(plan, own)
  local map = { [tags.PLAN] = plan.name }
  for key, value in pairs(plan.tags or {}) do map[key] = value end
  for key, value in pairs(own) do map[key] = value end
  return sorted_pairs(map)
end

--- The TagSpecifications of a create call.
---@param kind string  "network-interface", "instance", …
---@param plan table
---@param own table<string, string>
---@return table[]
function tags.specification(kind, plan, own)
  return { { ResourceType = kind, Tags = tags.list(plan, own) } }
end

--- Tags of a described resource as a map.
---@param resource table  with Tags, or TagSet as interfaces have it
---@return table<string, string>
function tags.of(resource)
  local map = {}
  for _, tag in ipairs(resource.Tags or resource.TagSet or {}) do map[tag.Key] = tag.Value end
  return map
end

--- A filter's value that stands for this text alone, without wildcards.
---@param text string
---@return string
function tags.literal(text) return (text:gsub("[*?\\]", "\\%0")) end

--- The filter that finds what carries the plan's tag.
---@param name string  the plan's
---@return table[]
function tags.filter(name) return { { Name = "tag:" .. tags.PLAN, Values = { tags.literal(name) } } } end

return tags
