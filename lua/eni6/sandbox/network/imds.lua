--- The metadata service of all guests: one server on the router, which knows a guest
--- by the address that it asks from. Version 2, and 1 where an instance allows it.

local listener = require("eni6.core").listener
local interfaces = require "eni6.sandbox.state.interfaces"
local metadata = require "eni6.sandbox.network.metadata"
local random = require("eni6.core").system.random

local imds = { __name = "eni6.sandbox.network.imds" }
imds.__index = imds

local ADDRESSES = { "169.254.169.254", "fd00:ec2::254" }

-- The running instance that has an address, and whether it came over IPv6.
local function owner_of(world, address)
  local over_ipv6 = address:find(":", 1, true) ~= nil
  for _, interface in ipairs(world:all("network_interface")) do
    local instance = interface.attachment and interface.attachment.instance
    local list = over_ipv6 and interface.ipv6 or interfaces.private_ipv4(interface)
    for _, own in ipairs(instance and list or {}) do
      if own == address then return instance, over_ipv6 end
    end
  end
end

local function new_token()
  return (random(24):gsub(".", function(c) return string.format("%02x", c:byte()) end))
end

local function put_token(self, instance, headers)
  local seconds = tonumber(headers:get("x-aws-ec2-metadata-token-ttl-seconds") or "")
  if not seconds or seconds < 1 or seconds > 21600 or seconds % 1 ~= 0 then return 400, "" end
  if headers:get("x-forwarded-for") then return 403, "" end
  local token = new_token()
  self.tokens[token] = { instance = instance, expires = self.world.clock() + seconds }
  return 200, token
end

local function may_read(self, instance, headers)
  local token = headers:get("x-aws-ec2-metadata-token")
  if not token then return instance.metadata.HttpTokens ~= "required" end
  local known = self.tokens[token]
  return known ~= nil and known.instance == instance and known.expires > self.world.clock()
end

local function get(self, instance, headers, path)
  if not may_read(self, instance, headers) then return 401, "" end
  local text = metadata.at(instance, self.world, path)
  return text and 200 or 404, text or ""
end

-- Status and body for one request.
local function answer(self, address, headers)
  local instance, over_ipv6 = owner_of(self.world, address)
  if not instance then return 404, "" end
  local options = instance.metadata
  if options.HttpEndpoint == "disabled" then return 403, "" end
  if over_ipv6 and options.HttpProtocolIpv6 ~= "enabled" then return 403, "" end
  local method, path = headers:get(":method"), headers:get(":path"):match("^/latest/?([^?]*)")
  if not path then return 404, "" end
  if method == "PUT" and path == "api/token" then return put_token(self, instance, headers) end
  if method ~= "GET" then return 405, "" end
  return get(self, instance, headers, path)
end

local function serve(self, stream)
  local headers = stream:get_headers(10)
  if not headers then return end
  local _, address = stream:peername()
  local status, body = answer(self, (tostring(address):gsub("%%.*$", "")), headers)
  local reply = self.new_headers()
  reply:append(":status", tostring(status))
  reply:append("content-type", "text/plain")
  reply:append("content-length", tostring(#body))
  reply:append("server", "EC2ws")
  stream:write_headers(reply, false, 10)
  stream:write_chunk(body, true, 10)
end

local function listen(self, http, loop, netns, address)
  local descriptor = assert(listener.open(address, 80, netns))
  local server = assert(http.server.new {
    cq = loop, socket = assert(require("cqueues.socket").fdopen(descriptor)), tls = false, version = 1.1,
    onstream = function(_, stream) serve(self, stream) end, onerror = function() end,
  })
  self.servers[#self.servers + 1] = server
end

--- Serves all guests on the router.
---@param options { world: table, netns: string, loop: userdata, http: table }
---@return table imds
function imds.open(options)
  local self = setmetatable({ world = options.world, tokens = {}, servers = {}, new_headers = options.http.headers.new }, imds)
  for _, address in ipairs(ADDRESSES) do listen(self, options.http, options.loop, options.netns, address) end
  return self
end

--- Stops listening.
function imds:close()
  for _, server in ipairs(self.servers) do server:close() end
  self.servers = {}
end

return imds
