--- The credentials server of a container (ECS, EKS Pod Identity), named by the environment.
-- https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html

local fields = require "eni6.aws.credentials.fields"
local object = require "eni6.aws.credentials.object"
local requests = require "eni6.aws.credentials.requests"
local shown = require "eni6.aws.shown"

local container = { name = "container" }

local RELATIVE, FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
local TOKEN, TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
local ECS, EKS, EKS_IPV6 = "169.254.170.2", "169.254.170.23", "fd00:ec2::23"

local TIMEOUT, ATTEMPTS, PAUSE = 2, 3, 1 -- seconds for each attempt, how many, seconds between

local NAMES = { id = "AccessKeyId", secret = "SecretAccessKey", token = "Token", expires = "Expiration",
  needs = { "AccessKeyId", "SecretAccessKey" } }

local function invalid(format, ...) return nil, string.format(format, ...), "InvalidConfig" end

local function value(context, name)
  local text = context.settings.getenv(name)
  if text ~= "" then return text end
end

-- Keys may come without TLS only from where nobody listens in between.
local function is_at_hand(host)
  if host == ECS or host == EKS or host:lower() == "localhost" then return true end
  if host:match("^127%.%d+%.%d+%.%d+$") then return true end
  local literal = host:match("^%[(.*)%]$")
  local address = literal and require("eni6.ip6").address(literal)
  return address ~= nil and (tostring(address) == "::1" or tostring(address) == EKS_IPV6)
end

local function check_full(url)
  local scheme, authority = url:match("^(%a+)://([^/?#]+)")
  scheme = scheme and scheme:lower()
  if url:find("[^!-~]") or scheme ~= "http" and scheme ~= "https" or authority:find("@", 1, true) then
    return invalid("%s is no http or https URL", FULL)
  end
  local host = authority:match("^(%[.-%]):?%d*$") or authority:match("^([^:%[%]]+):?%d*$")
  if not host then return invalid("%s has no valid host", FULL) end
  if scheme == "https" or is_at_hand(host) then return url end
  return invalid("%s names host %s, to which no keys go without https; allowed are loopback, %s, %s and [%s]", FULL,
    shown(host), ECS, EKS, EKS_IPV6)
end

local function url_of(context)
  local relative, full = value(context, RELATIVE), value(context, FULL)
  if not relative then return check_full(full) end
  if relative:sub(1, 1) ~= "/" or relative:find("[^!-~]") then
    return invalid("%s must be a path that begins with a slash", RELATIVE)
  end
  return "http://" .. ECS .. relative
end

-- The file is read for every request, since its token changes.
local function authorization(context)
  local path, token, place = value(context, TOKEN_FILE), value(context, TOKEN), TOKEN
  if path then
    local message, code
    token, message, code = context.settings.read_file(path)
    place = TOKEN_FILE
    if not token then return nil, string.format("%s can't be read: %s", TOKEN_FILE, message), code end
  end
  if token and token:find("[^ -~]") then
    return invalid("the token of %s contains a line break or another character that no header may have", place)
  end
  return token or false
end

local function ask(context, url, token)
  local http, message, code = context.direct()
  if not http then return nil, message, code end
  local headers = { { "Accept", "application/json" } }
  if token then headers[2] = { "Authorization", token } end
  local response
  response, message, code = requests.send(http,
    { url = url, headers = headers, timeout = TIMEOUT, connect_timeout = TIMEOUT, max_body = 65536 },
    { attempts = ATTEMPTS, pause = PAUSE, sleep = context.sleep })
  http:close()
  return response, message, code
end

--- The keys in a server's answer.
---@param status integer of HTTP
---@param body string
---@return table|nil keys
---@return string|nil message
---@return string|nil code "ContainerFailed"
function container.parse(status, body)
  local answer, fault = fields.object(body)
  if status ~= 200 then
    local word = answer and fields.code(answer.code)
    return nil, string.format("the container's credentials server answers with status %d%s", status, word and ", " .. word or ""),
      "ContainerFailed"
  end
  local keys
  if answer then keys, fault = fields.keys(answer, NAMES) end
  if not keys then return nil, "the container's credentials server answers what " .. fault, "ContainerFailed" end
  return keys
end

local function fetch(context, url)
  local token, message, code = authorization(context)
  if token == nil then return nil, message, code end
  local response
  response, message, code = ask(context, url, token)
  if not response then
    return nil, string.format("the container's credentials server (%s) does not answer: %s",
      value(context, RELATIVE) and RELATIVE or FULL, message), code
  end
  return container.parse(response.status, response.body)
end

---@param context eni6.aws.CredentialContext
---@return eni6.aws.Credentials|nil
---@return string|nil why
---@return string|nil code "InvalidConfig", "ContainerFailed", "ExpiredCredentials", or the transport's
function container.load(context)
  if not value(context, RELATIVE) and not value(context, FULL) then
    return nil, string.format("neither %s nor %s is set", RELATIVE, FULL)
  end
  local url, message, code = url_of(context)
  if not url then return nil, message, code end
  return object.fetched("the container's credentials server", { method = "container-role", time = context.time,
    warn = context.warn, fetch = function() return fetch(context, url) end })
end

return container
