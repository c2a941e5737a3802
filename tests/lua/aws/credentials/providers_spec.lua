-- What each provider makes of settings and answers, without a server.
local container = require "eni6.aws.credentials.container"
local credentials = require "eni6.aws.credentials"
local fake = require "support.settings"
local file_cache = require "eni6.aws.credentials.file_cache"
local instance = require "eni6.aws.credentials.instance"
local process = require "eni6.aws.credentials.process"
local sso_keys = require "eni6.aws.credentials.sso_keys"
local sso_token = require "eni6.aws.credentials.sso_token"

local SECRET = "wJalrXUtnFEMISECRETKEY"

-- An HTTP client that gives the same answer to all, and keeps what it was asked.
local function server(answer)
  local http = { requests = {} }
  function http:request(request)
    self.requests[#self.requests + 1] = request
    local given = answer
    if type(answer) == "function" then given = answer(request, #self.requests) end
    if not given then return nil, "nobody answers", "ECONNREFUSED" end
    return given
  end
  function http.close() end
  return http
end

local function resolve(spec)
  local context = { settings = assert(fake.settings(spec)), sleep = function() end, region = "us-east-1",
    time = function() return 1700000000 end, prompt = spec.prompt, program_timeout = spec.program_timeout }
  if spec.http then
    context.direct = function() return spec.http end
    context.transport = function() return spec.http end
  end
  return credentials.resolve(context)
end

local function config(text, env, profile)
  local all = { HOME = "/h" }
  for name, value in pairs(env or {}) do all[name] = value end
  return { env = all, profile = profile, files = { ["/h/.aws/config"] = text } }
end

local function refused(code, words, spec)
  local found, message, actual = resolve(spec)
  assert.is_nil(found)
  assert.equal(code, actual, message)
  for _, word in ipairs(words) do assert.matches(word, message, 1, true) end
  assert.not_matches(SECRET, message, 1, true)
end

describe("a profile's role", function()
  local KEYS = "aws_access_key_id = AKID\naws_secret_access_key = " .. SECRET .. "\n"

  it("must have one source of keys, which exists", function()
    refused("InvalidConfig", { "profile p has both" },
      config("[profile p]\nrole_arn=r\nsource_profile=q\ncredential_source=Environment", nil, "p"))
    refused("InvalidConfig", { 'source_profile in /h/.aws/config, line 3 names profile "q", which does not exist' },
      config("[profile p]\nrole_arn=r\nsource_profile=q", nil, "p"))
    refused("InvalidConfig", { "must be Environment, Ec2InstanceMetadata or EcsContainer" },
      config("[profile p]\nrole_arn=r\ncredential_source=Moon", nil, "p"))
    refused("PartialCredentials", { "credential_source in /h/.aws/config, line 3: Environment" , "AWS_ACCESS_KEY_ID" },
      { env = { HOME = "/h", AWS_ACCESS_KEY_ID = "A" }, profile = "p",
        files = { ["/h/.aws/config"] = "[profile p]\nrole_arn=r\ncredential_source=Environment" }, http = server(nil) })
    refused("NoCredentials", { "profile q has no credentials" },
      { env = { HOME = "/h" }, profile = "p", http = server(nil),
        files = { ["/h/.aws/config"] = "[profile p]\nrole_arn=r\nsource_profile=q\n[profile q]\nregion=x" } })
    refused("InvalidConfig", { "duration_seconds in /h/.aws/config, line 4 must be a number" },
      config("[profile p]\nrole_arn=r\nsource_profile=p\nduration_seconds=an hour\n" .. KEYS, nil, "p"))
  end)

  it("must not go round in a circle, which is named", function()
    local text = "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nrole_arn=r\nsource_profile=c\n"
      .. "[profile c]\nrole_arn=r\nsource_profile=%s\n"
    refused("InvalidConfig", { "a -> b -> c -> a" }, config(text:format "a", nil, "a"))
    refused("InvalidConfig", { "a -> b -> c -> b" }, config(text:format "b", nil, "a"))
    refused("InvalidConfig", { "a -> b -> c -> c" }, config(text:format "c", nil, "a"))
  end)

  local function answer_of_sts(request)
    local name = request.body:match("RoleArn=([^&]*)")
    return { status = 200, headers = {}, header = function() end, body = string.format([[<AssumeRoleResponse>
      <AssumeRoleResult><Credentials><AccessKeyId>ASIA%s</AccessKeyId>
      <SecretAccessKey>s-%s</SecretAccessKey><SessionToken>t</SessionToken>
      <Expiration>2023-11-15T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>]], name, name) }
  end

  it("may take the keys that are written beside it", function()
    local http = server(answer_of_sts)
    local spec = config("[profile p]\nrole_arn=arn:aws:iam::1:role/self\nsource_profile=p\n" .. KEYS, nil, "p")
    spec.http = http
    local found = assert(resolve(spec))
    assert.equal("assume-role", found.method)
    assert.equal(1, #http.requests)
    local authorization
    for name, value in pairs(http.requests[1].headers) do
      if name == "Authorization" or type(value) == "table" and value[1] == "Authorization" then
        authorization = type(value) == "table" and value[2] or value
      end
    end
    assert.matches("Credential=AKID/", authorization, 1, true)
  end)

  it("writes nothing where the files are made up", function()
    local spec = config("[profile p]\nrole_arn=arn:aws:iam::1:role/self\nsource_profile=p\n" .. KEYS, nil, "p")
    spec.http = server(answer_of_sts)
    assert(resolve(spec))
    assert.equal("ENOENT", select(3, require("eni6.filesystem").stat("/h")))
  end)
end)

describe("a web identity", function()
  it("needs a role and a token", function()
    refused("InvalidConfig", { "AWS_WEB_IDENTITY_TOKEN_FILE needs a role", "AWS_ROLE_ARN" },
      config("", { AWS_WEB_IDENTITY_TOKEN_FILE = "/token" }))
    refused("ENOENT", { "the web identity token (AWS_WEB_IDENTITY_TOKEN_FILE) can't be read: /token" },
      config("", { AWS_WEB_IDENTITY_TOKEN_FILE = "/token", AWS_ROLE_ARN = "r" }))
    local spec = config("", { AWS_WEB_IDENTITY_TOKEN_FILE = "/token", AWS_ROLE_ARN = "r" })
    spec.files["/token"] = "two\n" .. SECRET
    refused("InvalidCredentials", { "holds no web identity token" }, spec)
  end)

  it("and a SAML assertion need no signature", function()
    local http = server { status = 400, headers = {}, header = function() end, body = "" }
    local given = fake.surroundings(config("", {}))
    given.http, given.region = http, "us-east-1"
    local sts = assert(require("eni6.aws.sts").new(given))
    sts:AssumeRoleWithSAML { RoleArn = ("a"):rep(20), PrincipalArn = ("p"):rep(20), SAMLAssertion = "assertion" }
    sts:AssumeRoleWithWebIdentity { RoleArn = ("a"):rep(20), RoleSessionName = "me", WebIdentityToken = "token" }
    assert.equal(2, #http.requests)
    for _, request in ipairs(http.requests) do
      for name, value in pairs(request.headers) do
        assert.not_equal("authorization", (type(value) == "table" and value[1] or name):lower())
      end
    end
    assert.equal("NoCredentials", select(3, sts:GetCallerIdentity {}))
  end)
end)

describe("a program for keys", function()
  local function with(command) return config("[default]\ncredential_process = " .. command) end
  local GOOD = [[{\"Version\": 1, \"AccessKeyId\": \"AKID X\", \"SecretAccessKey\": \"]] .. SECRET .. [[\"}]]

  it("is called with the words of its line, without a shell", function()
    local found = assert(resolve(with("printf '%s' \"" .. GOOD:gsub("AKID X", "AKID$X'*") .. '"')))
    assert.equal("AKID$X'*", found:get().access_key_id)
    assert.matches("credential_process in /h/.aws/config, line 2", found.source)
  end)

  it("that fails is told from one that is not there", function()
    refused("ProcessFailed", { "failed with status 1" }, with("false"))
    refused("ProcessFailed", { "was ended by signal 15" }, with("sh -c 'kill $$'"))
    refused("ProcessFailed", { "can't be run", "/nowhere/program" }, with("/nowhere/program"))
    refused("InvalidConfig", { "leaves a quote open" }, with("echo 'x"))
    local slow = with("sleep 60")
    slow.program_timeout = 0.05
    refused("ProcessFailed", { "did not end within 0.05 seconds" }, slow)
    refused("InvalidCredentials", { "access_key_id", "white space" }, with("printf '%s' \"" .. GOOD .. '"'))
  end)

  it("must print the first version of its form", function()
    for text, word in pairs {
      [""] = "is no JSON object", ["[1]"] = "is no JSON object", ['"' .. SECRET .. '"'] = "is no JSON object",
      ['{"Version":1} ' .. SECRET] = "is no JSON object",
      ['{"AccessKeyId":"A"}'] = '"Version": 1', ['{"Version":"1"}'] = '"Version": 1', ['{"Version":2}'] = '"Version": 1',
      ['{"Version":1,"AccessKeyId":"A"}'] = "no SecretAccessKey",
      ['{"Version":1,"SecretAccessKey":"' .. SECRET .. '"}'] = "no AccessKeyId",
      ['{"Version":1,"AccessKeyId":1,"SecretAccessKey":"x"}'] = "AccessKeyId that is no text",
      ['{"Version":1,"AccessKeyId":"A","SecretAccessKey":"x","Expiration":"' .. SECRET .. '"}'] = "Expiration that is no time",
      [(" "):rep(70000)] = "longer than",
    } do
      local keys, message, code = process.parse(text, "a test")
      assert.is_nil(keys)
      assert.equal("ProcessFailed", code)
      assert.matches(word, message, 1, true)
      assert.not_matches(SECRET, message, 1, true)
    end
    assert.same({ access_key_id = "A", secret_access_key = "b", session_token = "c", expires = 1577836800 },
      process.parse('{"Version":1,"AccessKeyId":"A","SecretAccessKey":"b","SessionToken":"c",'
        .. '"Expiration":"2020-01-01T00:00:00Z"}', ""))
  end)
end)

describe("a container's credentials server", function()
  local FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
  local BODY = '{"AccessKeyId":"A","SecretAccessKey":"' .. SECRET .. '","Token":"t","Expiration":"2023-11-15T00:00:00Z"}'

  local function at(env, http, files)
    local spec = config("", env)
    spec.http = http or server { status = 200, body = BODY }
    for path, text in pairs(files or {}) do spec.files[path] = text end
    return spec
  end

  it("is asked for keys only where they are safe on the way", function()
    for _, url in ipairs { "http://127.0.0.1/x", "http://127.8.9.1:80/", "http://localhost:99/x?y=z", "http://[::1]:1/",
      "https://far.test/x", "http://[0:0:0:0:0:0:0:1]/", "http://169.254.170.2/x", "http://169.254.170.23/x",
      "http://[fd00:ec2::23]/x", "HTTP://[FD00:EC2::23]/" } do
      assert.equal("container-role", assert(resolve(at { [FULL] = url })).method, url)
    end
    for _, url in ipairs { "http://169.254.170.3/", "http://far.test/", "http://[fd00:ec2::24]/", "http://127.0.0.1.evil.test/",
      "http://10.0.0.1/", "http://[2001:db8::1]/", "http://localhost.evil.test/" } do
      refused("InvalidConfig", { FULL .. " names host", "no keys go without https" }, at { [FULL] = url })
    end
    for _, url in ipairs { "ftp://127.0.0.1/", "http://u:" .. SECRET .. "@127.0.0.1/", "127.0.0.1", "http:///x",
      "http://127.0.0.1/a b" } do
      refused("InvalidConfig", { FULL }, at { [FULL] = url })
    end
  end)

  it("has a path of the environment's on its own address", function()
    local http = server { status = 200, body = BODY }
    assert(resolve(at({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "/v2/x?y", [FULL] = "http://far.test/" }, http)))
    assert.equal("http://169.254.170.2/v2/x?y", http.requests[1].url)
    refused("InvalidConfig", { "begins with a slash" }, at { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "@evil.test/x" })
  end)

  it("gets the token of the file before that of the environment, without line breaks", function()
    local http = server { status = 200, body = BODY }
    local env = { [FULL] = "http://localhost/", AWS_CONTAINER_AUTHORIZATION_TOKEN = "other",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = "/token" }
    assert(resolve(at(env, http, { ["/token"] = "Bearer x" })))
    assert.same({ { "Accept", "application/json" }, { "Authorization", "Bearer x" } }, http.requests[1].headers)
    refused("InvalidConfig", { "the token of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE contains a line break" },
      at(env, nil, { ["/token"] = SECRET .. "\n" }))
    refused("ENOENT", { "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE can't be read" }, at(env))
    env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, env.AWS_CONTAINER_AUTHORIZATION_TOKEN = nil, SECRET .. "\rX: y"
    refused("InvalidConfig", { "the token of AWS_CONTAINER_AUTHORIZATION_TOKEN contains" }, at(env))
  end)

  it("is asked three times", function()
    local http = server(function(_, number) return number == 3 and { status = 200, body = BODY } end)
    assert(resolve(at({ [FULL] = "http://localhost/" }, http)))
    refused("ECONNREFUSED", { FULL, "nobody answers" }, at({ [FULL] = "http://localhost/" }, server(false)))
    http = server { status = 503, body = "" }
    refused("ContainerFailed", { "status 503" }, at({ [FULL] = "http://localhost/" }, http))
    assert.equal(3, #http.requests)
    http = server { status = 403, body = '{"code":"AccessDenied","message":"' .. SECRET .. '"}' }
    refused("ContainerFailed", { "status 403, AccessDenied" }, at({ [FULL] = "http://localhost/" }, http))
    assert.equal(1, #http.requests)
  end)

  it("must answer keys", function()
    for body, word in pairs { [""] = "no JSON object", [SECRET] = "no JSON object", ["{}"] = "no AccessKeyId",
      ['{"AccessKeyId":"A","SecretAccessKey":{}}'] = "SecretAccessKey that is no text" } do
      local _, message, code = container.parse(200, body)
      assert.equal("ContainerFailed", code)
      assert.matches(word, message, 1, true)
    end
  end)
end)

describe("the instance's role", function()
  local KEYS = '{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"' .. SECRET
    .. '","Token":"t","Expiration":"2023-11-15T00:00:00Z"}'

  local function service(role, keys)
    return server(function(request)
      if request.method == "PUT" then return { status = 200, body = "TOKEN" } end
      if request.url:find("security%-credentials/$") then
        return role and { status = 200, body = role } or { status = 404, body = "" }
      end
      return { status = 200, body = keys }
    end)
  end

  local function on(http, env, text)
    local all = { AWS_EC2_METADATA_DISABLED = "false" }
    for name, value in pairs(env or {}) do all[name] = value end
    local spec = config(text or "", all)
    spec.http = http
    return spec
  end

  it("comes from the address that is asked for", function()
    local function address(env, text)
      local http = service("role\n", KEYS)
      assert(resolve(on(http, env, text)))
      return http.requests[3].url:match("^(.*)/latest/meta%-data/iam/security%-credentials/role$")
    end
    assert.equal("http://169.254.169.254", address())
    assert.equal("http://[fd00:ec2::254]", address { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE = "IPv6" })
    assert.equal("http://[fd00:ec2::254]", address({}, "[default]\nec2_metadata_service_endpoint_mode = ipv6"))
    assert.equal("http://[fd00:ec2::254]", address({}, "[default]\nimds_use_ipv6 = true"))
    assert.equal("http://127.0.0.1:1", address { AWS_EC2_METADATA_SERVICE_ENDPOINT = "http://127.0.0.1:1/" })
    refused("InvalidConfig", { "must be IPv4 or IPv6" }, on(service(), { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE = "both" }))
    refused("InvalidConfig", { "must be a number above 0" }, on(service(), { AWS_METADATA_SERVICE_TIMEOUT = "soon" }))
  end)

  it("is looked for on both addresses, several times, before it is said to be missing", function()
    local http = server(false)
    refused("NoCredentials", { "does not answer at http://169.254.169.254 nor http://[fd00:ec2::254]", "3 tries" },
      on(http, { AWS_METADATA_SERVICE_NUM_ATTEMPTS = "3" }))
    assert.equal(6, #http.requests)
    refused("NoCredentials", { "instance metadata: this instance has no role" }, on(service()))
    http = server(false)
    refused("NoCredentials", { "instance metadata: AWS_EC2_METADATA_DISABLED is set" },
      on(http, { AWS_EC2_METADATA_DISABLED = "TRUE" }))
    assert.equal(0, #http.requests)
  end)

  it("must come with keys", function()
    refused("MetadataFailed", { "AssumeRoleUnauthorizedAccess", "trust policy" },
      on(service("r", '{"Code":"AssumeRoleUnauthorizedAccess","Message":"' .. SECRET .. '"}')))
    for _, text in ipairs { "", SECRET, '{"Code":"Success"}', '{"Code":"' .. SECRET:rep(4) .. '"}',
      '{"Code":"no ' .. SECRET .. '"}' } do
      local _, message, code = instance.parse(text)
      assert.equal("MetadataFailed", code)
      assert.not_matches(SECRET, message, 1, true)
    end
  end)
end)

describe("SSO", function()
  local PROFILE = "[profile p]\nsso_account_id=1\nsso_role_name=r\n"
  local ALL = PROFILE .. "sso_region=us-east-1\nsso_start_url=https://x/start\n"

  it("needs all of its settings, which agree", function()
    refused("InvalidConfig", { "profile p uses SSO and lacks sso_start_url, sso_region" }, config(PROFILE, nil, "p"))
    refused("InvalidConfig", { '[sso-session "s"], which does not exist' }, config(PROFILE .. "sso_session=s\n", nil, "p"))
    refused("InvalidConfig", { 'sso_region differs between profile p and sso-session "s"' },
      config(ALL .. "sso_session=s\n[sso-session s]\nsso_region=eu-west-1\n", nil, "p"))
  end)

  it("needs a token", function()
    refused("SSOTokenExpired", { "the SSO token of profile p is not there; run: aws sso login --profile p" },
      config(ALL, nil, "p"))
    for text, word in pairs { [""] = "no JSON object", ["{}"] = "no accessToken",
      ['{"accessToken":"' .. SECRET .. '"}'] = "no expiresAt",
      ['{"accessToken":"a\\r\\nb","expiresAt":"2030-01-01T00:00:00Z"}'] = "no accessToken" } do
      local token, fault = sso_token.parse(text)
      assert.is_nil(token)
      assert.matches(word, fault, 1, true)
    end
  end)

  it("must answer keys", function()
    for _, case in ipairs { { 401, "{}", "SSOTokenExpired" }, { 403, SECRET, "SSOFailed" }, { 200, "{}", "SSOFailed" },
      { 200, '{"roleCredentials":{"accessKeyId":"A","secretAccessKey":"' .. SECRET .. '","sessionToken":"t"}}', "SSOFailed" },
      { 200, '{"roleCredentials":"' .. SECRET .. '"}', "SSOFailed" }, { 200, SECRET, "SSOFailed" } } do
      local _, message, code = sso_keys.parse(case[1], case[2])
      assert.equal(case[3], code)
      assert.not_matches(SECRET, message, 1, true)
    end
    assert.same({ access_key_id = "A", secret_access_key = "b", session_token = "c", expires = 1577836800 },
      sso_keys.parse(200, '{"roleCredentials":{"accessKeyId":"A","secretAccessKey":"b","sessionToken":"c",'
        .. '"expiration":1577836800000}}'))
  end)
end)

describe("the cache's names", function()
  it("are made of JSON as Python writes it", function()
    local map = { b = 900, a = 'x"\\\n\r\t\b\f/\127\1é€😀' }
    assert.equal([[{"a": "x\"\\\n\r\t\b\f/\u007f\u0001\u00e9\u20ac\ud83d\ude00", "b": 900}]],
      file_cache.python_json(map, ", ", ": "))
    assert.equal('{"a":"","b":1}', file_cache.python_json({ b = 1, a = "" }, ",", ":"))
  end)
end)
