--- Which region, and which URL its requests go to. A URL that somebody configured is taken
-- as it is written; nothing is guessed from a host name.

local shown = require "eni6.aws.shown"

local endpoints = {}

local function invalid(message) return nil, message, "InvalidEndpoint" end

local LONGEST_REGION = 32 -- characters; the longest there is has 15

-- A label of a host name: everything that AWS calls a region is one.
local function is_region_name(name)
  return #name <= LONGEST_REGION and name:match("^%l[%l%d]*[%-%l%d]*[%l%d]$") ~= nil
end

local function region_fault(name, source)
  if not is_region_name(name) then
    return string.format("%s (%s) is not a region's name; one looks like us-east-1", shown(name), source)
  end
  local fips = name:match("^fips%-(.+)$") or name:match("^(.+)%-fips$")
  if fips then
    return string.format("%s (%s) is no region: use %s with AWS_USE_FIPS_ENDPOINT=true", shown(name), source, fips)
  end
  local region = name:match("^(%l+%-[%l%-]+%-%d+)%l$")
  if region then return string.format("%s (%s) is a zone, its region is %s", shown(name), source, region) end
end

--- The region to use: the caller's, AWS_REGION, AWS_DEFAULT_REGION, the profile's.
---@param settings eni6.aws.Settings
---@param explicit string|nil
---@return string|nil region
---@return string|nil message
---@return string|nil code "NoRegion", "InvalidRegion"
function endpoints.region(settings, explicit)
  local name, source = explicit, "region in the call"
  if name == nil or name == "" then
    name, source = settings:lookup({ "AWS_REGION", "AWS_DEFAULT_REGION" }, "region")
  end
  if not name then
    return nil, string.format("no region: give one in the call, set AWS_REGION, or write region = … into [%s] of %s",
      settings.profile == "default" and "default" or "profile " .. settings.profile, settings.files.config.path), "NoRegion"
  end
  local fault = region_fault(name, source)
  if fault then return nil, fault, "InvalidRegion" end
  return name
end

local directions = {}
for name in ("central north south east west northeast northwest southeast southwest"):gmatch("%l+") do directions[name] = true end

local function area_of(region)
  local area, direction = region:match("^(.+)%-(%l+)%-%d%d?$")
  return directions[direction] and area
end

-- The partition that has the region or, as a region may be newer than this program, has others of its area: of "us-gov",
-- of "ap". AWS's SDKs take any word for a direction, and any other name for one of the "aws" partition.
local function find_partition(region)
  local area, akin = area_of(region), nil
  for _, partition in ipairs(require "eni6.aws.partitions") do
    for _, name in ipairs(partition.regions) do
      if name == region then return partition end
      if area and area == area_of(name) then akin = akin or partition end
    end
  end
  return akin
end

local function all_regions()
  local names = {}
  for _, partition in ipairs(require "eni6.aws.partitions") do
    for _, name in ipairs(partition.regions) do names[#names + 1] = name end
  end
  return names
end

local function unknown_region(region, service)
  if region == "aws-global" then
    return nil, service:upper() .. " has no such endpoint for all regions: name a region", "InvalidRegion"
  end
  local near = require("eni6.suggest").nearest(region, all_regions())
  return nil, string.format("unknown region %s%s If it is newer than this program, name its endpoint: "
    .. "AWS_ENDPOINT_URL_%s=https://%s.%s.amazonaws.com", shown(region), near and "; did you mean " .. near .. "?" or ".",
    service:upper(), service, region), "InvalidRegion"
end

-- "HOST", "HOST:PORT" or "[IPv6]:PORT" as it goes into the Host header.
local function is_authority(text)
  local host, port = text:match("^(%[[%x:.%%]+%])(.*)$")
  if not host then host, port = text:match("^([%w%-._]+)(.*)$") end
  if not host then return false end
  if port == "" then return true end
  local number = tonumber(port:match("^:(%d+)$"))
  return number ~= nil and number >= 1 and number <= 65535
end

local function url_fault(url)
  local scheme, authority, path = url:match("^(%a[%w+.-]*)://([^/?#]*)(.*)$")
  if not scheme then return "is not a URL: it begins with https:// or, where you mean it, http://" end
  scheme = scheme:lower()
  if scheme ~= "https" and scheme ~= "http" then return "must begin with https:// or http://" end
  if authority:find("@", 1, true) then return "must not hold a user or password" end
  if not is_authority(authority) then return "has no valid host and port" end
  if path:find("[?#]") then return "must not have a query or fragment" end
  if url:find("[^!-~]") then return "contains white space or a character that is not ASCII" end
end

---@class eni6.aws.Endpoint
---@field url string
---@field scheme string "https" or "http"
---@field host string as in the Host header
---@field path string begins with a slash
---@field source string where it was written
---@field signing_region string|nil where it is not the region

--- Takes a URL apart.
---@param url string
---@param source string where it was written, for messages, which do not show it: it might hold a password
---@return eni6.aws.Endpoint|nil
---@return string|nil message
---@return string|nil code "InvalidEndpoint"
function endpoints.parse(url, source)
  local fault = url_fault(url)
  if fault then return invalid(string.format("the endpoint URL from %s %s", source, fault)) end
  local scheme, host, path = url:match("^(%a+)://([^/]*)(.*)$")
  if path == "" then path = "/" end
  scheme = scheme:lower()
  return { url = scheme .. "://" .. host .. path, scheme = scheme, host = host, path = path, source = source }
end

-- The configured URL, unless it is to be ignored: for the service before all, environment before file.
local function configured(settings, service)
  local ignore, message, code = settings:boolean({ "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" }, "ignore_configured_endpoint_urls")
  if ignore or code then return nil, message, code end
  local url, source = settings:lookup({ "AWS_ENDPOINT_URL_" .. service:upper(), "AWS_ENDPOINT_URL" })
  if not url then url, source = settings:service_endpoint(service) end
  if not url then url, source = settings:lookup({}, "endpoint_url") end
  return url, source
end

local function flag(settings, explicit, variable, key)
  if explicit ~= nil then return explicit end
  return settings:boolean({ variable }, key)
end

-- The host name rules of AWS's endpoint rule sets for EC2 and STS.
local function aws_host(service, region, partition, fips, dualstack)
  local suffix = dualstack and partition.dualstack_suffix or partition.suffix
  local plain = not fips or (partition.fips_is_default and not dualstack)
  return string.format("%s%s.%s.%s", service, plain and "" or "-fips", region, suffix)
end

-- The older, global endpoint of STS.
local function global_sts(source)
  local endpoint = endpoints.parse("https://sts.amazonaws.com", source)
  endpoint.signing_region = "us-east-1"
  return endpoint
end

-- Regions that had no STS of their own at first.
local EARLY = " ap-northeast-1 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1 "
  .. "eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2 "

-- Whether the global STS is meant: it goes by the name of a region, too; or somebody asks for the old ways.
local function means_global_sts(settings, region)
  if region == "aws-global" then return true, "the region" end
  local mode, source = settings:lookup({ "AWS_STS_REGIONAL_ENDPOINTS" }, "sts_regional_endpoints")
  mode = mode and mode:lower() or "regional"
  if mode ~= "regional" and mode ~= "legacy" then return nil, source .. " must be regional or legacy", "InvalidConfig" end
  return mode == "legacy" and EARLY:find(" " .. region .. " ", 1, true) ~= nil, source
end

local function of_region(options, fips, dualstack)
  if options.service == "sts" and not fips and not dualstack then
    local global, source, code = means_global_sts(options.settings, options.region)
    if code then return nil, source, code end
    if global then return global_sts(source) end
  end
  local partition = find_partition(options.region)
  if not partition then return unknown_region(options.region, options.service) end
  local host = aws_host(options.host or options.service, options.region, partition, fips, dualstack)
  return endpoints.parse("https://" .. host, "the region")
end

-- FIPS is a promise that a URL of somebody else's can't keep. Dual stack is only a name to choose: a URL in its place is
-- refused where one call asks for both, but not for an environment that says what is wanted of AWS's.
local function custom(url, source, fips, dualstack)
  if dualstack then
    return invalid(string.format("a dual-stack endpoint is asked for in the call (use_dualstack) and %s names another one; "
      .. "leave one of the two out", source))
  end
  if fips then
    return invalid(string.format("a FIPS endpoint is asked for (AWS_USE_FIPS_ENDPOINT) and %s names another one; "
      .. "unset one of the two", source))
  end
  return endpoints.parse(url, source)
end

--- Where the requests of a service go.
---@param options { service: string, host: string?, region: string, settings: eni6.aws.Settings, endpoint: string?,
---  use_fips: boolean?, use_dualstack: boolean? } host: what the host name begins with, where it is not the service
---@return eni6.aws.Endpoint|nil
---@return string|nil message
---@return string|nil code "InvalidEndpoint", "InvalidRegion", "InvalidConfig"
function endpoints.resolve(options)
  local settings = options.settings
  local fips, message, code = flag(settings, options.use_fips, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
  if code then return nil, message, code end
  if options.endpoint then return custom(options.endpoint, "the call", fips, options.use_dualstack) end
  local url, source
  url, source, code = configured(settings, options.service)
  if code then return nil, source, code end
  if url then return custom(url, source, fips, options.use_dualstack) end
  local dualstack
  dualstack, message, code = flag(settings, options.use_dualstack, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
  if code then return nil, message, code end
  return of_region(options, fips, dualstack)
end

return endpoints
