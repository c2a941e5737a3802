--- Regions and their availability zones.

local M = {}

local REGIONS = {
  ["us-east-1"] = { code = "use1", zones = "abcdef" },
  ["us-east-2"] = { code = "use2", zones = "abc" },
  ["us-west-1"] = { code = "usw1", zones = "ab" },
  ["us-west-2"] = { code = "usw2", zones = "abcd" },
  ["ca-central-1"] = { code = "cac1", zones = "abd" },
  ["eu-central-1"] = { code = "euc1", zones = "abc" },
  ["eu-north-1"] = { code = "eun1", zones = "abc" },
  ["eu-west-1"] = { code = "euw1", zones = "abc" },
  ["eu-west-2"] = { code = "euw2", zones = "abc" },
  ["eu-west-3"] = { code = "euw3", zones = "abc" },
  ["sa-east-1"] = { code = "sae1", zones = "abc" },
  ["ap-south-1"] = { code = "aps1", zones = "abc" },
  ["ap-northeast-1"] = { code = "apne1", zones = "acd" },
  ["ap-northeast-2"] = { code = "apne2", zones = "abcd" },
  ["ap-northeast-3"] = { code = "apne3", zones = "abc" },
  ["ap-southeast-1"] = { code = "apse1", zones = "abc" },
  ["ap-southeast-2"] = { code = "apse2", zones = "abc" },
}

--- The names of all regions, sorted.
---@return string[]
function M.regions()
  local names = {}
  for name in pairs(REGIONS) do names[#names + 1] = name end
  table.sort(names)
  return names
end

---@param name string
---@return boolean
function M.is_region(name) return REGIONS[name] ~= nil end

--- The zones of a region.
---@param region string
---@return { name: string, id: string }[]
function M.zones(region)
  local list = {}
  local known = REGIONS[region]
  for letter in known.zones:gmatch(".") do
    list[#list + 1] = { name = region .. letter, id = known.code .. "-az" .. #list + 1 }
  end
  return list
end

return M
