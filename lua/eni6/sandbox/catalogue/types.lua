--- Instance types with their limits, as the EC2 user guide tabulates them ("IP
--- addresses per network interface per instance type"). Within a type family the
--- limits go by size, so the table says which sizes a family has and what each
--- size allows.

local M = {}

---@class eni6.sandbox.instance_type
---@field name string
---@field vcpus integer
---@field memory integer MiB
---@field interfaces integer most network interfaces
---@field ipv4 integer IPv4 addresses per interface
---@field ipv6 integer IPv6 addresses per interface; 0 where IPv6 is not supported
---@field hypervisor string|nil "nitro" or "xen"; nil for metal
---@field nitro boolean takes delegated prefixes
---@field architecture string
---@field burstable boolean
---@field current boolean current generation
---@field storage integer GB of instance storage, 0 without
---@field network string

-- size = { vcpus, network interfaces, IPv4 and IPv6 addresses of each }
local GENERAL = {
  medium = { 1, 2, 4 }, large = { 2, 3, 10 }, xlarge = { 4, 4, 15 }, ["2xlarge"] = { 8, 4, 15 },
  ["4xlarge"] = { 16, 8, 30 }, ["8xlarge"] = { 32, 8, 30 }, ["9xlarge"] = { 36, 8, 30 },
  ["12xlarge"] = { 48, 8, 30 }, ["16xlarge"] = { 64, 15, 50 }, ["18xlarge"] = { 72, 15, 50 },
  ["24xlarge"] = { 96, 15, 50 }, ["32xlarge"] = { 128, 15, 50 }, metal = { 96, 15, 50 },
}

local M5 = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge metal"
local C5 = "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge metal"
local SIXTH = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge metal"
local GRAVITON = "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge metal"

-- family = sizes, MiB of memory for each vCPU, architecture, GB of instance storage for each vCPU
local NITRO = {
  m5 = { M5, 4096 }, m5d = { M5, 4096, disk = 37.5 }, r5 = { M5, 8192 }, r5d = { M5, 8192, disk = 37.5 },
  c5 = { C5, 2048 }, c5d = { C5, 2048, disk = 25 }, m6i = { SIXTH, 4096 }, c6i = { SIXTH, 2048 },
  r6i = { SIXTH, 8192 }, m6g = { GRAVITON, 4096, arm = true }, c6g = { GRAVITON, 2048, arm = true },
  r6g = { GRAVITON, 8192, arm = true },
}

-- The T families have sizes of their own: { vcpus, MiB, interfaces, IPv4, IPv6 }
local T3 = {
  nano = { 2, 512, 2, 2, 2 }, micro = { 2, 1024, 2, 2, 2 }, small = { 2, 2048, 3, 4, 4 }, medium = { 2, 4096, 3, 6, 6 },
  large = { 2, 8192, 3, 12, 12 }, xlarge = { 4, 16384, 4, 15, 15 }, ["2xlarge"] = { 8, 32768, 4, 15, 15 },
}
local T3A = setmetatable({ small = { 2, 2048, 2, 4, 4 } }, { __index = T3 })
local T2 = {
  nano = { 1, 512, 2, 2, 2 }, micro = { 1, 1024, 2, 2, 2 }, small = { 1, 2048, 3, 4, 4 }, medium = { 2, 4096, 3, 6, 6 },
  large = { 2, 8192, 3, 12, 12 }, xlarge = { 4, 16384, 3, 15, 15 }, ["2xlarge"] = { 8, 32768, 3, 15, 15 },
}
local T_SIZES = "nano micro small medium large xlarge 2xlarge"

-- Xen types: { vcpus, MiB, interfaces, IPv4, IPv6 }; the oldest have no IPv6.
local XEN = {
  ["m1.small"] = { 1, 1740, 2, 4, 0 }, ["m3.medium"] = { 1, 3840, 2, 6, 0 }, ["m3.large"] = { 2, 7680, 3, 10, 0 },
  ["c1.medium"] = { 2, 1740, 2, 6, 0 }, ["c3.large"] = { 2, 3840, 3, 10, 10 }, ["m4.large"] = { 2, 8192, 2, 10, 10 },
  ["m4.xlarge"] = { 4, 16384, 4, 15, 15 }, ["m4.4xlarge"] = { 16, 65536, 8, 30, 30 }, ["c4.large"] = { 2, 3840, 3, 10, 10 },
  ["c4.xlarge"] = { 4, 7680, 4, 15, 15 }, ["r4.large"] = { 2, 15616, 3, 10, 10 }, ["r4.16xlarge"] = { 64, 499712, 15, 50, 50 },
}

local by_name, names = {}, {}

local function add(name, vcpus, memory, interfaces, ipv4, ipv6, more)
  local metal = name:find("%.metal$") ~= nil
  by_name[name] = {
    name = name, vcpus = vcpus, memory = memory, interfaces = interfaces, ipv4 = ipv4, ipv6 = ipv6,
    nitro = not more.xen, hypervisor = not metal and (more.xen and "xen" or "nitro") or nil,
    architecture = more.arm and "arm64" or "x86_64", burstable = more.burstable or false,
    current = not name:find("^[mc][13]%."), storage = more.storage or 0,
    network = more.burstable and "Low to Moderate" or "Up to 10 Gigabit",
  }
  names[#names + 1] = name
end

for family, is in pairs(NITRO) do
  for size in is[1]:gmatch("%S+") do
    local vcpus, interfaces, addresses = table.unpack(GENERAL[size])
    add(family .. "." .. size, vcpus, vcpus * is[2], interfaces, addresses, addresses,
      { arm = is.arm, storage = is.disk and math.floor(vcpus * is.disk) })
  end
end
for family, is in pairs { t2 = { T2, xen = true }, t3 = { T3 }, t3a = { T3A }, t4g = { T3, arm = true } } do
  for size in T_SIZES:gmatch("%S+") do
    local of = is[1][size]
    add(family .. "." .. size, of[1], of[2], of[3], of[4], of[5], { arm = is.arm, xen = is.xen, burstable = true })
  end
end
for name, of in pairs(XEN) do add(name, of[1], of[2], of[3], of[4], of[5], { xen = true }) end
table.sort(names)
for i, name in ipairs(names) do by_name[name].serial = i end

--- The type with a name.
---@param name string
---@return eni6.sandbox.instance_type|nil
function M.get(name) return by_name[name] end

--- All types in the order of their names.
---@return eni6.sandbox.instance_type[]
function M.all()
  local list = {}
  for i, name in ipairs(names) do list[i] = by_name[name] end
  return list
end

return M
