--- The servers that hand keys out without a signature, all on the sandbox's port: a container's credentials server
--- (/container/ROLE), an instance's metadata service (/latest/…), and the portal and token server of SSO.

local identities = require "eni6.sandbox.identities"
local json = require "dkjson"
local metadata = require "eni6.sandbox.network.metadata"
local random = require("eni6.core").system.random

local M = {}

local SSO_SECONDS = 8 * 3600
local PORTAL = "com.amazonaws.switchboard.portal#"

local function answer(status, value)
  return { status = status, body = json.encode(value), type = "application/json" }
end

local function plain(status, body) return { status = status, body = body or "", type = "text/plain" } end

local function header(request, name)
  for _, pair in ipairs(request.headers) do
    if pair[1]:lower() == name then return pair[2] end
  end
end

local function random_hex(count)
  return (random(count):gsub(".", function(byte) return string.format("%02x", byte:byte()) end))
end

local function container(server, request, name)
  local people = server.world.identities
  if header(request, "authorization") ~= people.container_token then
    return answer(401, { code = "AccessDenied", message = "The authorization token is not the container's" })
  end
  local session = people:server_session(name, "container")
  return answer(200, { RoleArn = string.format("arn:aws:iam::%s:role/%s", server.world.account, name),
    AccessKeyId = session.access_key_id, SecretAccessKey = session.secret_access_key, Token = session.session_token,
    Expiration = identities.timestamp(session.expires) })
end

-- An instance like others, but for its network.
local function this_instance(world)
  return { id = "i-0sandbox000000000", type = "t3.micro", image = { id = "ami-0sandbox" }, zone = world.region .. "a",
    interfaces = {}, tags = {}, metadata = { HttpTokens = "required" },
    profile = { arn = string.format("arn:aws:iam::%s:instance-profile/sandbox-instance", world.account), id = "AIPASANDBOX" } }
end

local function put_token(server, request)
  local seconds = tonumber(header(request, "x-aws-ec2-metadata-token-ttl-seconds") or "")
  if not seconds or seconds < 1 or seconds > 21600 then return plain(400) end
  local token = random_hex(24)
  server.metadata_tokens[token] = server.world.clock() + seconds
  return plain(200, token)
end

local function instance_metadata(server, request, path)
  if request.method == "PUT" and path == "api/token" then return put_token(server, request) end
  local expires = server.metadata_tokens[header(request, "x-aws-ec2-metadata-token") or ""]
  if not expires or expires <= server.world.clock() then return plain(401) end
  local text = metadata.at(this_instance(server.world), server.world, path)
  return plain(text and 200 or 404, text)
end

local function query_of(target)
  local values = {}
  for name, value in target:gmatch("[?&]([%w_]+)=([^&]*)") do
    values[name] = value:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  end
  return values
end

local function sso_portal(server, request)
  local people, asked = server.world.identities, query_of(request.target)
  if not people.sso_tokens[header(request, "x-amz-sso_bearer_token") or ""] then
    return answer(401, { message = "Session token not found or invalid", __type = PORTAL .. "UnauthorizedException" })
  end
  if asked.account_id ~= server.world.account or not asked.role_name then
    return answer(403, { message = "No access", __type = PORTAL .. "ForbiddenException" })
  end
  local session = people:assume("AWSReservedSSO_" .. asked.role_name .. "_0123456789abcdef", "sandbox", 3600)
  return answer(200, { roleCredentials = { accessKeyId = session.access_key_id, secretAccessKey = session.secret_access_key,
    sessionToken = session.session_token, expiration = session.expires * 1000 } })
end

local function sso_token(server, request)
  local people, asked = server.world.identities, json.decode(request.body)
  if type(asked) ~= "table" or asked.grantType ~= "refresh_token" or asked.refreshToken ~= people.sso_refresh_token then
    return answer(400, { error = "invalid_grant", error_description = "Invalid refresh token provided" })
  end
  local token = "sandbox-sso-" .. random_hex(16)
  people.sso_tokens[token] = true
  return answer(200, { accessToken = token, expiresIn = SSO_SECONDS, tokenType = "Bearer",
    refreshToken = people.sso_refresh_token })
end

--- Answers a request for keys; nil for any other.
---@param server table
---@param request eni6.sandbox.request
---@return { status: integer, body: string, type: string }|nil
function M.answer(server, request)
  local path = request.target:match("^[^?]*")
  local role = path:match("^/container/([%w+=,.@_-]+)$")
  if role and request.method == "GET" then return container(server, request, role) end
  local metadata_path = path:match("^/latest/(.*)$")
  if metadata_path then return instance_metadata(server, request, metadata_path) end
  if path == "/federation/credentials" and request.method == "GET" then return sso_portal(server, request) end
  if path == "/token" and request.method == "POST" then return sso_token(server, request) end
end

return M
