--- The AWS CLI's spelling of the API's names: DescribeKeyPairs is describe-key-pairs.

local names = {}

--- An API name in kebab case, as botocore's xform_name(name, "-") makes it.
---@param name string
---@return string
function names.kebab(name)
  if name:find("-", 1, true) then return name end
  local head, plural = name:match("^(.-)(%u%u+s)$") -- ARNs is arns, not ar-ns
  if plural then name = head .. "-" .. plural:lower() end
  return (name:gsub("(.)(%u%l+)", "%1-%2"):gsub("([%l%d])(%u)", "%1-%2"):lower())
end

--- The API name that a command names.
---@param kebab string
---@param exists fun(name: string): boolean  tells of a guessed name whether there is one
---@param all fun(): string[]                all there are, for the few that can't be guessed
---@return string|nil name
function names.find(kebab, exists, all)
  local guess = ("-" .. kebab):gsub("%-(%l)", string.upper)
  if exists(guess) and names.kebab(guess) == kebab then return guess end
  for _, name in ipairs(all()) do
    if names.kebab(name) == kebab then return name end
  end
end

--- All of some API names in kebab case, sorted.
---@param all string[]
---@return string[]
function names.kebab_all(all)
  local list = {}
  for i, name in ipairs(all) do list[i] = names.kebab(name) end
  table.sort(list)
  return list
end

return names
