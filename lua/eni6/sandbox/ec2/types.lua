--- DescribeInstanceTypes and DescribeInstanceTypeOfferings.

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local paging = require "eni6.sandbox.paging"
local places = require "eni6.sandbox.catalogue.places"
local refuse = require("eni6.sandbox.refusal").refuse
local types = require "eni6.sandbox.catalogue.types"

local M = {}
local operations = {}
M.operations = operations

--- The type with a name; refuses an unknown one.
---@param name string
---@return eni6.sandbox.instance_type
function M.find(name)
  return types.get(name) or refuse("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", name)
end

local function network_view(kind)
  return {
    networkPerformance = kind.network,
    maximumNetworkInterfaces = kind.interfaces,
    maximumNetworkCards = 1,
    defaultNetworkCardIndex = 0,
    networkCards = {
      { networkCardIndex = 0, networkPerformance = kind.network, maximumNetworkInterfaces = kind.interfaces },
    },
    ipv4AddressesPerInterface = kind.ipv4,
    ipv6AddressesPerInterface = kind.ipv6,
    ipv6Supported = kind.ipv6 > 0,
    enaSupport = kind.nitro and "required" or "unsupported",
    efaSupported = false,
    encryptionInTransitSupported = false,
    enaSrdSupported = false,
  }
end

local function storage_view(kind)
  if kind.storage == 0 then return nil end
  return {
    totalSizeInGB = kind.storage, nvmeSupport = "required", encryptionSupport = "required",
    disks = { { sizeInGB = kind.storage, count = 1, type = "ssd" } },
  }
end

local function view(kind)
  return {
    instanceType = kind.name,
    currentGeneration = kind.current,
    freeTierEligible = kind.name == "t2.micro" or kind.name == "t3.micro",
    supportedUsageClasses = { "on-demand", "spot" },
    supportedRootDeviceTypes = { "ebs" },
    supportedVirtualizationTypes = { "hvm" },
    bareMetal = kind.hypervisor == nil,
    hypervisor = kind.hypervisor,
    processorInfo = { supportedArchitectures = { kind.architecture } },
    vCpuInfo = { defaultVCpus = kind.vcpus, defaultCores = math.ceil(kind.vcpus / 2),
      defaultThreadsPerCore = kind.vcpus > 1 and 2 or 1 },
    memoryInfo = { sizeInMiB = kind.memory },
    instanceStorageSupported = kind.storage > 0,
    instanceStorageInfo = storage_view(kind),
    ebsInfo = { ebsOptimizedSupport = kind.nitro and "default" or "unsupported", encryptionSupport = "supported",
      nvmeSupport = kind.nitro and "required" or "unsupported" },
    networkInfo = network_view(kind),
    placementGroupInfo = { supportedStrategies = { "partition", "spread" } },
    hibernationSupported = false,
    burstablePerformanceSupported = kind.burstable,
    dedicatedHostsSupported = not kind.burstable,
    autoRecoverySupported = kind.storage == 0,
    supportedBootModes = { kind.architecture == "arm64" and "uefi" or "legacy-bios" },
  }
end

local getters = filters.fields { ["instance-type"] = "name", ["current-generation"] = "current", hypervisor = "hypervisor",
  ["burstable-performance-supported"] = "burstable", ["processor-info.supported-architecture"] = "architecture",
  ["vcpu-info.default-vcpus"] = "vcpus", ["memory-info.size-in-mib"] = "memory",
  ["network-info.maximum-network-interfaces"] = "interfaces",
  ["network-info.ipv4-addresses-per-interface"] = "ipv4", ["network-info.ipv6-addresses-per-interface"] = "ipv6" }
getters["bare-metal"] = function(kind) return kind.hypervisor == nil end
getters["instance-storage-supported"] = function(kind) return kind.storage > 0 end
getters["network-info.ipv6-supported"] = function(kind) return kind.ipv6 > 0 end
getters["supported-usage-class"] = function() return { "on-demand", "spot" } end

operations.DescribeInstanceTypes = describe.operation {
  family = "instance_type", ids = "InstanceType", set = "instanceTypeSet", view = view, filters = getters,
  bounds = { 5, 100 }, find = function(_, name) return M.find(name) end, all = types.all,
}

local offering_filters = filters.fields { ["instance-type"] = "name", location = "location" }

-- Every type is offered everywhere; one offering for each place asked for.
local function offerings(world, kind_of_place)
  local locations = {}
  if kind_of_place == "region" then locations[1] = world.region end
  for i, zone in ipairs(places.zones(world.region)) do
    if kind_of_place == "availability-zone" then locations[i] = zone.name end
    if kind_of_place == "availability-zone-id" then locations[i] = zone.id end
  end
  if not locations[1] then
    refuse("InvalidParameterValue", "The location type '%s' is not valid: region, availability-zone or availability-zone-id",
      kind_of_place)
  end
  local list = {}
  for _, location in ipairs(locations) do
    for _, kind in ipairs(types.all()) do
      list[#list + 1] = { serial = #list + 1, name = kind.name, location = location, tags = {} }
    end
  end
  return list
end

operations.DescribeInstanceTypeOfferings = {
  parameters = { LocationType = "string", Filter = filters.parameters, MaxResults = "integer", NextToken = "string" },
  run = function(world, params)
    paging.check(params, { 5, 1000 })
    local place = params.LocationType or "region"
    local test, chosen = filters.compile(params.Filter, offering_filters), {}
    for _, offering in ipairs(offerings(world, place)) do
      if not test or test(offering, world) then chosen[#chosen + 1] = offering end
    end
    local page, next_token = paging.cut(chosen, params)
    return function()
      local set = {}
      for i, offering in ipairs(page) do
        set[i] = { instanceType = offering.name, locationType = place, location = offering.location }
      end
      return { instanceTypeOfferingSet = set, nextToken = next_token }
    end
  end,
}

return M
