--- The instance metadata service, version 2 only: what an instance can learn of
-- itself without credentials.
-- https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html

local imds = {}

local Client = { __name = "eni6.imds" }
Client.__index = Client

local IPV4, IPV6 = "http://169.254.169.254", "http://[fd00:ec2::254]"
local TOKEN_SECONDS = 21600 -- the longest that the service grants
local RENEW_EARLY = 60

local function configured_endpoints(options)
  local endpoint = options.endpoint
  if not endpoint and options.getenv then endpoint = options.getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT") end
  if endpoint and endpoint ~= "" then return { (endpoint:gsub("/+$", "")) } end
  return options.ipv6 and { IPV6 } or { IPV4, IPV6 }
end

--- A client. Nothing is sent before the first call.
---@param options table|nil
---   endpoint: string, instead of the two well-known addresses; ipv6: boolean, only that one of them;
---   getenv: function (nil: the environment is not read), for AWS_EC2_METADATA_SERVICE_ENDPOINT;
---   attempts: integer at each address, default 3; timeout: seconds of one attempt, default 1;
---   http, sleep, now: what to use instead of eni6.http and eni6.tasks
---@return table client
function imds.new(options)
  options = options or {}
  local tasks = not (options.sleep and options.now) and require("eni6.tasks")
  return setmetatable({
    endpoints = configured_endpoints(options),
    http = options.http or require("eni6.http").new({ getenv = function() end }),
    attempts = options.attempts or 3,
    timeout = options.timeout or 1,
    sleep = options.sleep or tasks.sleep,
    now = options.now or tasks.now,
  }, Client)
end

local function send(client, endpoint, method, path, headers)
  return client.http:request({
    method = method, url = endpoint .. path, headers = headers,
    timeout = client.timeout, connect_timeout = client.timeout, max_body = 1048576,
  })
end

local function silent(client, last)
  return nil, string.format(
    "the instance metadata service does not answer at %s (%d tries of %g s each, the last: %s). "
      .. "Is this an EC2 instance? Is its metadata option HttpEndpoint enabled?",
    table.concat(client.endpoints, " nor "), client.attempts, client.timeout, last), "NoMetadata"
end

local TOKEN_REFUSED = "the instance metadata service refused a session token with status %d; "
  .. "it must allow IMDSv2 (HttpEndpoint enabled, and a hop limit that reaches this process)"

-- A new session token from the first address that answers, which is kept.
local function fetch_token(client)
  local last = "none"
  for _ = 1, client.attempts do
    for _, endpoint in ipairs(client.endpoints) do
      local asked = client.now()
      local response, message = send(client, endpoint, "PUT", "/latest/api/token",
        { { "X-aws-ec2-metadata-token-ttl-seconds", tostring(TOKEN_SECONDS) } })
      if response and response.status == 200 then
        client.endpoint, client.token = endpoint, response.body
        client.expires = asked + TOKEN_SECONDS - RENEW_EARLY
        return true
      elseif response and response.status < 500 then
        return nil, TOKEN_REFUSED:format(response.status), "NoMetadata"
      end
      last = message or "status " .. response.status
    end
    client.sleep(0.1)
  end
  return silent(client, last)
end

local function ensure_token(client)
  if client.token and client.now() < client.expires then return true end
  return fetch_token(client)
end

--- The text at a path below /latest/.
---@param path string such as "meta-data/instance-id"
---@return string|nil text, string? message, string? code
---   "NotFound" when the service has no such path, "NoMetadata" when it does not answer
function Client:get(path)
  local last = "none"
  for _ = 1, self.attempts do
    local ready, message, code = ensure_token(self)
    if not ready then return nil, message, code end
    local response, fault = send(self, self.endpoint, "GET", "/latest/" .. path,
      { { "X-aws-ec2-metadata-token", self.token } })
    if response and response.status == 200 then return response.body end
    if response and response.status == 404 then return nil, "the metadata service has no " .. path, "NotFound" end
    if response and response.status == 401 then self.token = nil end
    last = fault or "status " .. response.status
    self.sleep(0.1)
  end
  return silent(self, last)
end

--- As get, with nil and no error for a path that is not there.
---@return string|nil text, string? message, string? code
function Client:find(path)
  local text, message, code = self:get(path)
  if code == "NotFound" then return nil end
  return text, message, code
end

local function lines(text)
  local list = {}
  for line in (text or ""):gmatch("[^\r\n]+") do list[#list + 1] = line end
  return list
end

-- Each line through a constructor of eni6.ip6, as RFC 5952 text.
local function parse_lines(text, parse, path)
  local list = {}
  for i, line in ipairs(lines(text)) do
    local value, message = parse(line)
    if not value then
      return nil, "the metadata service answered " .. path .. " with what is no IPv6 address: " .. message, "EPROTO"
    end
    list[i] = tostring(value)
  end
  return list
end

local INTERFACE_LISTS = { ipv6s = "address", ["ipv6-prefix"] = "prefix", ["subnet-ipv6-cidr-blocks"] = "prefix" }
local INTERFACE_TEXTS = { "interface-id", "device-number", "subnet-id", "vpc-id" }

-- A missing path (404) is an empty list: there is no ipv6-prefix where none is delegated.
local function read_list(client, base, name, kind)
  local text, message, code = client:find(base .. name)
  if not text and message then return nil, message, code end
  return parse_lines(text, require("eni6.ip6")[kind], name)
end

local function read_interface(client, mac)
  local base = "meta-data/network/interfaces/macs/" .. mac .. "/"
  local interface = { mac = mac }
  for name, kind in pairs(INTERFACE_LISTS) do
    local list, message, code = read_list(client, base, name, kind)
    if not list then return nil, message, code end
    interface[name:gsub("-", "_")] = list
  end
  for _, name in ipairs(INTERFACE_TEXTS) do
    local text, message, code = client:find(base .. name)
    if not text and message then return nil, message, code end
    interface[name:gsub("-", "_")] = text
  end
  interface.device_number = tonumber(interface.device_number)
  return interface
end

--- The network interfaces, the one with device number 0 first.
---@return table[]|nil interfaces each { mac, interface_id, device_number, subnet_id, vpc_id, ipv6s, ipv6_prefix,
---   subnet_ipv6_cidr_blocks }, the last three lists of RFC 5952 text
---@return string? message
---@return string? code
function Client:interfaces()
  local text, message, code = self:get("meta-data/network/interfaces/macs/")
  if not text then return nil, message, code end
  local list = {}
  for i, line in ipairs(lines(text)) do
    local mac = line:lower():match("^(%x%x:%x%x:%x%x:%x%x:%x%x:%x%x)/?$")
    if not mac then return nil, "the metadata service listed an interface that is no MAC address", "EPROTO" end
    local interface, fault, fault_code = read_interface(self, mac)
    if not interface then return nil, fault, fault_code end
    list[i] = interface
  end
  table.sort(list, function(a, b) return (a.device_number or 99) < (b.device_number or 99) end)
  return list
end

--- The instance's tags; none where its metadata option InstanceMetadataTags is off.
---@return table<string, string>|nil tags, string? message, string? code
function Client:tags()
  local text, message, code = self:find("meta-data/tags/instance/")
  if not text and message then return nil, message, code end
  local tags = {}
  for _, name in ipairs(lines(text)) do
    local value, fault, fault_code = self:find("meta-data/tags/instance/" .. name)
    if not value and fault then return nil, fault, fault_code end
    tags[name] = value
  end
  return tags
end

--- Waits until an interface shows what is expected: EC2 takes 3 to 30 s to tell
--- an instance of a new address.
---@param mac string
---@param is_complete fun(interface: table): boolean
---@param seconds number how long to wait, default 30
---@return table|nil interface, string? message, string? code "ETIMEDOUT" with the last state in the message
function Client:wait_for_interface(mac, is_complete, seconds)
  local deadline = self.now() + (seconds or 30)
  while true do
    local interface, message, code = read_interface(self, mac)
    if not interface then return nil, message, code end
    if is_complete(interface) then return interface end
    if self.now() >= deadline then
      return nil, string.format("the metadata service still shows only %s on %s; are the others assigned in EC2?",
        #interface.ipv6s > 0 and table.concat(interface.ipv6s, ", ") or "no IPv6 address", mac), "ETIMEDOUT"
    end
    self.sleep(1)
  end
end

return imds
