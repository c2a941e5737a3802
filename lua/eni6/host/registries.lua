--- Registries of images, seen from a machine whose only public addresses are IPv6:
--- whether an image's registry has any, and which name leads to one that has.

local resolver = require("eni6.host.resolver")

local registries = {}

-- Docker Hub is these two: who may pull, and the images.
local HUB = { "registry-1.docker.io", "auth.docker.io" }

--- An image's name taken apart, as Docker reads it: what stands before the first
--- slash is a registry if it has a dot or a port, or is "localhost".
---@param image string "nginx", "ghcr.io/owner/name:tag", "localhost:5000/name"
---@return string registry "docker.io" where the name has none
---@return string path with tag or digest; Docker Hub's own images are below library/
function registries.parse(image)
  local first, rest = image:match("^([^/]+)/(.+)$")
  if first and (first:find("[.:]") or first == "localhost") then
    if first ~= "docker.io" and first ~= "index.docker.io" then return first, rest end
    image = rest
  end
  return "docker.io", image:find("/", 1, true) and image or "library/" .. image
end

-- The hosts that a pull from a registry talks to; none for one given by its address.
local function hosts_of(registry)
  if registry == "docker.io" then return HUB end
  local host = registry:gsub(":%d+$", "")
  if host == "localhost" or host:find("^%[") or host:find("^%d+%.%d+%.%d+%.%d+$") then return {} end
  return { host }
end

-- Other names of the very same image, the best first.
--   https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
--   https://docs.aws.amazon.com/AmazonECR/latest/public/public-ecr-requests.html
--   https://cloud.google.com/artifact-registry/docs/pull-cached-dockerhub-images
local function same_image(registry, path)
  local account, region = registry:match("^(%d+)%.dkr%.ecr%.([%w-]+)%.amazonaws%.com$")
  if account then return { { account .. ".dkr-ecr." .. region .. ".on.aws", path } } end
  if registry == "public.ecr.aws" then return { { "ecr-public.aws.com", path } } end
  if registry ~= "docker.io" then return {} end
  local list = { { "mirror.gcr.io", path } }
  if path:find("^library/") then table.insert(list, 1, { "ecr-public.aws.com", "docker/" .. path }) end
  return list
end

-- Where one's own copy of an image can be kept.
local KEEPERS = { "docker.io", "ecr-public.aws.com", "quay.io" }

local function has_ipv6(resolve, registry)
  for _, host in ipairs(hosts_of(registry)) do
    local addresses, message, code = resolve(host)
    if not addresses then return nil, message, code end
    if #addresses == 0 then return false, host end
  end
  return true
end

local function advice(resolve, registry, path)
  for _, other in ipairs(same_image(registry, path)) do
    if has_ipv6(resolve, other[1]) then return "the same image has one as " .. other[1] .. "/" .. other[2] end
  end
  for _, keeper in ipairs(KEEPERS) do
    if keeper ~= registry and has_ipv6(resolve, keeper) then
      return keeper .. " has one: push a copy there from a machine with IPv4, and name that"
    end
  end
  return "no registry that is known has one from here; look at /etc/resolv.conf, and try: getent ahostsv6 docker.io"
end

--- Whether an image's registry can be reached over IPv6.
---@param world table of eni6.host.world
---@param image string
---@param resolve (fun(name: string): string[]|nil, string?, string?)|nil IPv6 addresses of a name, this machine's resolver
---@return true|nil ok
---@return string? message what lacks an address, and under which name the image can be had
---@return string? code "ENOIPV6", or the resolver's
function registries.check(world, image, resolve)
  resolve = resolve or function(name) return resolver.ipv6(world, name) end
  local registry, path = registries.parse(image)
  local reachable, message, code = has_ipv6(resolve, registry)
  if reachable then return true end
  if reachable == nil then return nil, message, code end
  return nil, string.format("%s has no IPv6 address, and this instance may have no other way out; %s", message,
    advice(resolve, registry, path)), "ENOIPV6"
end

return registries
