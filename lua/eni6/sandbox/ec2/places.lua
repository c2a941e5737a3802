--- DescribeRegions and DescribeAvailabilityZones.

local filters = require "eni6.sandbox.filters"
local places = require "eni6.sandbox.catalogue.places"
local refuse = require("eni6.sandbox.refusal").refuse

local M = {}
local operations = {}
M.operations = operations

-- The items that ids name (nil: all), or a refusal for one that is unknown.
local function chosen(items, wanted, field, refusal)
  if not wanted or #wanted == 0 then return items end
  local by_name, list = {}, {}
  for _, item in ipairs(items) do by_name[item[field]] = item end
  for i, name in ipairs(wanted) do list[i] = by_name[name] or refusal(name) end
  return list
end

local function filtered(world, items, params, getters)
  local test, set = filters.compile(params.Filter, getters), {}
  for _, item in ipairs(items) do
    if not test or test(item, world) then set[#set + 1] = item end
  end
  return set
end

local function region_view(name)
  return { regionName = name, regionEndpoint = "ec2." .. name .. ".amazonaws.com", optInStatus = "opt-in-not-required" }
end

local region_filters = filters.fields { ["region-name"] = "regionName", endpoint = "regionEndpoint",
  ["opt-in-status"] = "optInStatus" }

operations.DescribeRegions = {
  parameters = { RegionName = { "string" }, Filter = filters.parameters, AllRegions = "boolean" },
  run = function(world, params)
    local regions = {}
    for i, name in ipairs(places.regions()) do regions[i] = region_view(name) end
    regions = chosen(regions, params.RegionName, "regionName", function(name)
      return refuse("InvalidParameterValue", "Invalid region provided: %s", name)
    end)
    local set = filtered(world, regions, params, region_filters)
    return function() return { regionInfo = set } end
  end,
}

local function zone_view(zone, region)
  return {
    zoneName = zone.name, zoneId = zone.id, zoneState = "available", regionName = region, groupName = region,
    networkBorderGroup = region, zoneType = "availability-zone", optInStatus = "opt-in-not-required", messageSet = {},
  }
end

local zone_filters = filters.fields { ["zone-name"] = "zoneName", ["zone-id"] = "zoneId", state = "zoneState",
  ["region-name"] = "regionName", ["group-name"] = "groupName", ["zone-type"] = "zoneType",
  ["opt-in-status"] = "optInStatus" }

operations.DescribeAvailabilityZones = {
  parameters = { ZoneName = { "string" }, ZoneId = { "string" }, Filter = filters.parameters,
    AllAvailabilityZones = "boolean" },
  run = function(world, params)
    local function invalid(name) return refuse("InvalidParameterValue", "Invalid availability zone: [%s]", name) end
    local zones = {}
    for i, zone in ipairs(places.zones(world.region)) do zones[i] = zone_view(zone, world.region) end
    zones = chosen(zones, params.ZoneName, "zoneName", invalid)
    zones = chosen(zones, params.ZoneId, "zoneId", invalid)
    local set = filtered(world, zones, params, zone_filters)
    return function() return { availabilityZoneInfo = set } end
  end,
}

return M
