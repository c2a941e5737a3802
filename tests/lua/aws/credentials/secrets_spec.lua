-- Every source fails in every way that it can, with secrets in all that it has and gets: none of them is in any message,
-- warning, event, line of --debug or object.
local credentials = require "eni6.aws.credentials"
local fake = require "support.settings"

local MARK = "MARKED"
local serial = 0
local function secret()
  serial = serial + 1
  return MARK .. "wJalrXUtnFEMI" .. serial
end

local function server(answer)
  local http = {}
  function http.request(_, request)
    local given = answer
    if type(answer) == "function" then given = answer(request) end
    if not given then return nil, "nobody answers", "ECONNREFUSED", { sent = false } end
    given.headers, given.header = given.headers or {}, function() end
    return given
  end
  function http.close() end
  return http
end

local HOME, CONFIG, KEYS = "/h", "/h/.aws/config", "/h/.aws/credentials"
local USER = string.format("[user]\naws_access_key_id=AKIDUSER\naws_secret_access_key=%s\naws_session_token=%s\n",
  secret(), secret())
local SSO = "[profile p]\nsso_session=s\nsso_account_id=1\nsso_role_name=r\n"
  .. "[sso-session s]\nsso_region=us-east-1\nsso_start_url=https://x\n"
local ROLE = "[profile p]\nrole_arn=arn:aws:iam::1:role/r\nsource_profile=user\n"

local function sts_error(code, text)
  return { status = 403, body = string.format("<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error>"
    .. "</ErrorResponse>", code, (text:gsub("[&<]", { ["&"] = "&amp;", ["<"] = "&lt;" }))) }
end

-- What was sent, said back by who refuses it.
local function echo(code)
  return function(request)
    local seen = { request.body or "" }
    for name, value in pairs(request.headers) do
      seen[#seen + 1] = type(value) == "table" and table.concat(value, ":") or name .. ":" .. value
    end
    return sts_error(code, "you sent\n" .. table.concat(seen, "\n"))
  end
end

local function sso_token(fields)
  local all = { accessToken = secret(), expiresAt = "2000-01-01T00:00:00Z", clientId = secret(), clientSecret = secret(),
    refreshToken = secret(), registrationExpiresAt = "2099-01-01T00:00:00Z" }
  for name, value in pairs(fields or {}) do all[name] = value end
  return require("dkjson").encode(all)
end
local SSO_FILE = "/h/.aws/sso/cache/" .. require("eni6.digest").sha1_hex "s" .. ".json"

local function json_keys(fields)
  local all = { Version = 1, Code = "Success", AccessKeyId = "AKIDGOT", SecretAccessKey = secret(), Token = secret(),
    SessionToken = secret(), Expiration = "2000-01-01T00:00:00Z" }
  for name, value in pairs(fields or {}) do all[name] = value or nil end
  return require("dkjson").encode(all)
end

local function program(text) return { files = { [CONFIG] = "[default]\ncredential_process=printf '%s' '" .. text .. "'" } } end

local FULL = { AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://127.0.0.1/" .. secret(),
  AWS_CONTAINER_AUTHORIZATION_TOKEN = secret() }
local WEB = { AWS_WEB_IDENTITY_TOKEN_FILE = "/token", AWS_ROLE_ARN = "arn:aws:iam::1:role/r" }

local function on_instance(text)
  return { env = { AWS_EC2_METADATA_DISABLED = "false" }, http = server(function(request)
    if request.method == "PUT" then return { status = 200, body = secret() } end
    return { status = 200, body = request.url:find("credentials/$") and "role" or text }
  end) }
end

local CASES = {
  ["keys of the environment with a line break"] = { env = { AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = secret() .. "\n" } },
  ["a token of the environment with a line break"] = { env = { AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = secret(),
    AWS_SESSION_TOKEN = secret() .. "\r" } },
  ["a secret without its key"] = { env = { AWS_SECRET_ACCESS_KEY = secret() } },
  ["an end that is none"] = { env = { AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = secret(),
    AWS_CREDENTIAL_EXPIRATION = secret() } },
  ["keys that have ended"] = { env = { AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = secret(),
    AWS_CREDENTIAL_EXPIRATION = "2000-01-01T00:00:00Z" } },
  ["a damaged credentials file"] = { files = { [KEYS] = "[default]\naws_secret_access_key " .. secret() } },
  ["half a pair in a file"] = { files = { [KEYS] = "[default]\naws_secret_access_key = " .. secret() } },
  ["a damaged key in a file"] = { files = { [KEYS] = "[default]\naws_access_key_id=A\naws_secret_access_key = "
    .. secret() .. " x" } },
  ["a profile named like a key"] = { env = { AWS_PROFILE = secret() .. ("x"):rep(30) } },
  ["a role that is refused"] = { profile = "p", files = { [CONFIG] = ROLE, [KEYS] = USER }, http = server(echo "AccessDenied") },
  ["a signature that is refused"] = { profile = "p", files = { [CONFIG] = ROLE, [KEYS] = USER },
    http = server(echo "SignatureDoesNotMatch") },
  ["STS without all the keys"] = { profile = "p", files = { [CONFIG] = ROLE, [KEYS] = USER }, http = server { status = 200,
    body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>" .. secret()
      .. "</SecretAccessKey></Credentials></AssumeRoleResult></AssumeRoleResponse>" } },
  ["STS cut off"] = { profile = "p", files = { [CONFIG] = ROLE, [KEYS] = USER }, http = server { status = 200,
    body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>" .. secret() } },
  ["a wrong MFA code"] = { profile = "p", files = { [CONFIG] = ROLE .. "mfa_serial=m\n", [KEYS] = USER }, prompt = secret },
  ["a web identity that is refused"] = { env = WEB, files = { ["/token"] = secret() },
    http = server(echo "InvalidIdentityToken") },
  ["a web identity of two lines"] = { env = WEB, files = { ["/token"] = secret() .. "\n" .. secret() } },
  ["a program that prints text"] = program(secret()),
  ["a program with another version"] = program(json_keys { Version = 2 }),
  ["a program without a key"] = program(json_keys { AccessKeyId = false }),
  ["a program with old keys"] = program(json_keys()),
  ["a program with a bad time"] = program(json_keys { Expiration = secret() }),
  ["a program that is not there"] = { files = { [CONFIG] = "[default]\ncredential_process=/nowhere/x --password " .. secret() } },
  ["a program that fails"] = { files = { [CONFIG] = "[default]\ncredential_process=sh -c 'printf " .. secret()
    .. "; exit 3'" } },
  ["a program with an open quote"] = { files = { [CONFIG] = "[default]\ncredential_process=x '" .. secret() } },
  ["a container that refuses"] = { env = FULL, http = server { status = 403, body = '{"code":"' .. secret() .. '1"}' } },
  ["a container that answers text"] = { env = FULL, http = server { status = 200, body = secret() } },
  ["a container without a key"] = { env = FULL, http = server { status = 200, body = json_keys { AccessKeyId = false } } },
  ["a container with old keys"] = { env = FULL, http = server { status = 200, body = json_keys() } },
  ["a container that is silent"] = { env = FULL, http = server(nil) },
  ["a container far away"] = { env = { AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://far.test/" .. secret() } },
  ["a container behind a password"] = { env = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://me:" .. secret() .. "@127.0.0.1/" } },
  ["a container's token of two lines"] = { env = { AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://127.0.0.1/",
    AWS_CONTAINER_AUTHORIZATION_TOKEN = secret() .. "\nX-Evil: " .. secret() } },
  ["an instance that answers text"] = on_instance(secret()),
  ["an instance without a key"] = on_instance(json_keys { AccessKeyId = false }),
  ["an instance with a code"] = on_instance(json_keys { Code = secret() .. "1" }),
  ["an instance with damaged keys"] = on_instance(json_keys { SecretAccessKey = secret() .. " " }),
  ["an SSO token that is over"] = { profile = "p", files = { [CONFIG] = SSO, [SSO_FILE] = sso_token() },
    http = server { status = 400, body = secret() } },
  ["an SSO token that is damaged"] = { profile = "p", files = { [CONFIG] = SSO, [SSO_FILE] = secret() } },
  ["an SSO portal that refuses"] = { profile = "p", http = server { status = 401, body = secret() },
    files = { [CONFIG] = SSO, [SSO_FILE] = sso_token { expiresAt = "2099-01-01T00:00:00Z" } } },
  ["an SSO portal without a key"] = { profile = "p", http = server { status = 200,
    body = '{"roleCredentials":{"secretAccessKey":"' .. secret() .. '"}}' },
    files = { [CONFIG] = SSO, [SSO_FILE] = sso_token { expiresAt = "2099-01-01T00:00:00Z" } } },
}

-- All texts in a value, tables of tables included.
local function texts(value, out, seen)
  out, seen = out or {}, seen or {}
  out[#out + 1] = tostring(value)
  if type(value) == "table" and not seen[value] then
    seen[value] = true
    for key, inner in pairs(value) do
      texts(key, out, seen)
      texts(inner, out, seen)
    end
  end
  return out
end

local function assert_hidden(name, ...)
  for _, text in ipairs(texts(table.pack(...))) do assert.not_matches(MARK, text, 1, true, name) end
end

-- A client over made-up surroundings; what it observes and warns of is in `told`.
local function client_of(case, told)
  local env = { HOME = HOME, AWS_REGION = "us-east-1" }
  for name, value in pairs(case.env or {}) do env[name] = value end
  local given = fake.surroundings { env = env, files = case.files, profile = case.profile }
  given.http, given.max_attempts, given.sleep = case.http or server(nil), 1, function() end
  given.prompt = case.prompt
  local debug_line = require("eni6.cli.debug").observer({ complain = function(text) told[#told + 1] = text end })
  given.observe = function(event)
    told[#told + 1] = event
    debug_line(event)
  end
  given.warn = function(text) told[#told + 1] = text end
  return require("eni6.aws.ec2").new(given), given
end

-- The HTTP client for servers at hand is not the client's; so providers are asked as the client would.
local function resolve(given)
  local settings, message, code = require("eni6.aws.config").load(given)
  if not settings then return nil, message, code end
  return credentials.resolve { settings = settings, region = "us-east-1", sleep = given.sleep, prompt = given.prompt,
    observe = given.observe, warn = given.warn, direct = function() return given.http end,
    transport = function() return given.http end }
end

describe("secrets", function()
  for name, case in pairs(CASES) do
    it("are hidden with " .. name, function()
      local told = {}
      local _, given = client_of(case, told)
      local found, message, code = resolve(given)
      assert.is_nil(found, name)
      assert.is_string(message)
      assert_hidden(name, message, code, told)
    end)
  end

  it("are hidden by a client whose call is refused, and by the client itself", function()
    local told = {}
    local client = client_of({ files = { [KEYS] = USER }, profile = "user", http = server(echo "AuthFailure") }, told)
    local results = table.pack(client:DescribeVpcs {})
    assert.equal("AuthFailure", results[3])
    assert.is_true(#told > 0)
    client.settings.getenv, client.settings.read_file, client.shared_http = nil, nil, nil
    assert_hidden("a refused call", results, told, client.credentials, tostring(client.credentials:get()), client)
  end)

  it("are hidden where keys can't be renewed in time", function()
    local told, now, answer = {}, 1700000000, nil
    local spec = { files = { [CONFIG] = ROLE, [KEYS] = USER }, profile = "p",
      http = server(function(request) return answer(request) end) }
    local _, given = client_of(spec, told)
    answer = function()
      return { status = 200, body = string.format("<AssumeRoleResponse><AssumeRoleResult><Credentials>"
        .. "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken>"
        .. "<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>", secret(), secret(),
        os.date("!%Y-%m-%dT%H:%M:%SZ", now + 3600)) }
    end
    local settings = assert(require("eni6.aws.config").load(given))
    local found = assert(credentials.resolve { settings = settings, region = "us-east-1", sleep = given.sleep,
      warn = given.warn, observe = given.observe, time = function() return now end,
      transport = function() return given.http end })
    answer, now = echo "AccessDenied", now + 2800
    assert(found:get())
    assert.matches("could not be renewed yet", table.concat(texts(told), "\n"))
    now = now + 300
    local results = table.pack(found:get())
    assert.equal("AccessDenied", results[3])
    assert_hidden("a renewal", results, told, found)
  end)
end)
