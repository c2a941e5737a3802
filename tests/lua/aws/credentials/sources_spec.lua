-- run: lua5.4
-- Every source of credentials against the sandbox's servers: the AWS CLI with the same settings gets the same identity.
local process = require "eni6.process"
local sandbox = require "support.sandbox"

local ACCOUNT = "123456789012"
local function role(name) return "arn:aws:iam::" .. ACCOUNT .. ":role/" .. name end
local function assumed(name, session) return string.format("arn:aws:sts::%s:assumed-role/%s/%s", ACCOUNT, name, session) end

describe("the sources of credentials", function()
  local box, home, cli

  local function write(name, text)
    local path = home .. "/" .. name
    assert(process.run { argv = { "mkdir", "-p", path:match("^(.*)/") } })
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    return path
  end

  -- The CLI of Debian knows no AWS_ENDPOINT_URL_STS, but takes rules for endpoints from there.
  local function point_cli_at_sandbox()
    for _, service in ipairs { "sts/2011-06-15", "sso/2019-06-10", "sso-oidc/2019-06-10" } do
      write(".aws/models/" .. service .. "/endpoint-rule-set-1.json", string.format([[{"version": "1.0",
        "parameters": {"Region": {"builtIn": "AWS::Region", "required": false, "type": "String"},
          "Endpoint": {"builtIn": "SDK::Endpoint", "required": false, "type": "String"}},
        "rules": [{"conditions": [], "type": "endpoint",
          "endpoint": {"url": "%s", "properties": {}, "headers": {}}}]}]], box.url))
    end
  end

  setup(function()
    box = sandbox.start()
    home = assert(process.run { argv = { "mktemp", "-d" } }).stdout:gsub("\n", "")
    point_cli_at_sandbox()
    cli = assert(process.spawn { argv = { "/usr/bin/python3", "tests/support/aws_cli.py" }, stdin = "pipe", stdout = "pipe",
      die_with_parent = true })
    write("token", "sandbox-web-identity")
    write("user", string.format('{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "%s"}', box.env.AWS_ACCESS_KEY_ID,
      box.env.AWS_SECRET_ACCESS_KEY))
    write(".aws/credentials", string.format("[user]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
      box.env.AWS_ACCESS_KEY_ID, box.env.AWS_SECRET_ACCESS_KEY))
  end)

  teardown(function()
    cli:close_stdin()
    cli:stop()
    cli:close()
    box:stop()
    process.run { argv = { "rm", "-r", home } }
  end)

  before_each(function()
    box:sessions { roles = {}, life = false, lenient = false }
    process.run { argv = { "rm", "-rf", home .. "/.aws/cli", home .. "/.aws/sso" } }
  end)

  local function environment(more)
    local env = { HOME = home, AWS_REGION = "us-east-1", AWS_ENDPOINT_URL = box.url, AWS_EC2_METADATA_DISABLED = "true" }
    for name, value in pairs(more or {}) do env[name] = value or nil end
    return env
  end

  local function new_client(env, more)
    local all = environment(env)
    local options = { getenv = function(name) return all[name] or nil end }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(require("eni6.aws.sts").new(options))
  end

  local function ours(env, more)
    local client = new_client(env, more)
    local identity = assert(client:GetCallerIdentity())
    local method = client.credentials.method
    client:close()
    return identity.Arn, method
  end

  local function run_cli(env, ...)
    local all = environment(env)
    all.AWS_MAX_ATTEMPTS, all.PATH, all.AWS_PAGER = "1", os.getenv "PATH", ""
    local json = require "dkjson"
    assert(cli:write(json.encode { env = setmetatable(all, { __jsontype = "object" }),
      argv = { "--endpoint-url", box.url, ... } } .. "\n", 10))
    return (json.decode(assert(cli:read_line(60))))
  end

  local function theirs(env)
    local result = run_cli(env, "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
    assert(result.status == 0, result.stderr)
    return (result.stdout:gsub("\n$", ""))
  end

  local function forget() process.run { argv = { "rm", "-rf", home .. "/.aws/cli" } } end

  -- Both give this identity, each by itself.
  local function both_are(arn, method, env)
    forget()
    local found, by = ours(env)
    assert.equal(arn, found)
    assert.equal(method, by)
    forget()
    assert.equal(arn, theirs(env))
  end

  local function asked_for(operation)
    local count = 0
    for _, entry in ipairs(box:log()) do
      if entry.operation == operation then count = count + 1 end
    end
    return count
  end

  local USER = "arn:aws:iam::" .. ACCOUNT .. ":user/sandbox"

  it("are the environment and the written keys", function()
    both_are(USER, "env", { AWS_ACCESS_KEY_ID = box.env.AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY = box.env.AWS_SECRET_ACCESS_KEY })
    both_are(USER, "shared-credentials-file", { AWS_PROFILE = "user" })
  end)

  it("are roles by source_profile, in chains, with all their settings", function()
    box:sessions { roles = { third = { external_id = "x-1" } } }
    write(".aws/config", "[profile first]\nrole_arn=" .. role "first" .. "\nsource_profile=user\nrole_session_name=one\n"
      .. "[profile third]\nrole_arn=" .. role "path/third" .. "\nsource_profile=first\nrole_session_name=three\n"
      .. "external_id = x-1\nduration_seconds = 900\n")
    both_are(assumed("first", "one"), "assume-role", { AWS_PROFILE = "first" })
    both_are(assumed("third", "three"), "assume-role", { AWS_PROFILE = "third" })
    assert.equal(6, asked_for "AssumeRole")
  end)

  it("are roles by credential_source", function()
    local container = { AWS_CONTAINER_CREDENTIALS_FULL_URI = box.url .. "/container/task",
      AWS_CONTAINER_AUTHORIZATION_TOKEN = "sandbox-container-token" }
    local keys = { AWS_ACCESS_KEY_ID = box.env.AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY = box.env.AWS_SECRET_ACCESS_KEY }
    local metadata = { AWS_EC2_METADATA_DISABLED = false, AWS_EC2_METADATA_SERVICE_ENDPOINT = box.url .. "/" }
    for source, env in pairs { Environment = keys, EcsContainer = container, Ec2InstanceMetadata = metadata } do
      write(".aws/config", "[profile p]\nrole_arn=" .. role "r" .. "\ncredential_source=" .. source .. "\nrole_session_name=by\n")
      local arn, method = ours(env, { profile = "p" })
      assert.same({ assumed("r", "by"), "assume-role" }, { arn, method }, source)
      forget()
      if source == "EcsContainer" then
        env.AWS_PROFILE = "p"
        assert.equal(arn, theirs(env))
      end
    end
  end)

  it("are web identities, of the environment and of a profile", function()
    both_are(assumed("web", "eks"), "assume-role-with-web-identity", { AWS_WEB_IDENTITY_TOKEN_FILE = home .. "/token",
      AWS_ROLE_ARN = role "web", AWS_ROLE_SESSION_NAME = "eks" })
    write(".aws/config", "[profile w]\nrole_arn=" .. role "web" .. "\nweb_identity_token_file=" .. home
      .. "/token\nrole_session_name=file\n[profile over]\nrole_arn=" .. role "over" .. "\nsource_profile=w\nrole_session_name=oo")
    both_are(assumed("web", "file"), "assume-role-with-web-identity", { AWS_PROFILE = "w" })
    both_are(assumed("over", "oo"), "assume-role", { AWS_PROFILE = "over" })
  end)

  it("are programs", function()
    write(".aws/config", "[profile p]\ncredential_process = sh -c \"cat '" .. home .. "/user'\"\n")
    both_are(USER, "custom-process", { AWS_PROFILE = "p" })
  end)

  it("are containers, whose token may be in a file", function()
    both_are(assumed("task", "container"), "container-role", { AWS_CONTAINER_CREDENTIALS_FULL_URI = box.url .. "/container/task",
      AWS_CONTAINER_AUTHORIZATION_TOKEN = "sandbox-container-token" })
    write("container-token", "sandbox-container-token")
    local arn = ours { AWS_CONTAINER_CREDENTIALS_FULL_URI = box.url .. "/container/pod",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = home .. "/container-token", AWS_CONTAINER_AUTHORIZATION_TOKEN = "wrong" }
    assert.equal(assumed("pod", "container"), arn)
  end)

  it("are instances", function()
    both_are(assumed("sandbox-instance", "i-0sandbox000000000"), "iam-role", { AWS_EC2_METADATA_DISABLED = false,
      AWS_EC2_METADATA_SERVICE_ENDPOINT = box.url .. "/" })
  end)

  local function write_sso_token(name, fields)
    local key = require("eni6.digest").sha1_hex(name)
    fields.accessToken = fields.accessToken or "sandbox-sso-token"
    return write(".aws/sso/cache/" .. key .. ".json", require("dkjson").encode(fields))
  end

  local function at(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + seconds) end

  local LEGACY = "sso_account_id=" .. ACCOUNT .. "\nsso_role_name=Dev\nsso_region=us-east-1\n"
    .. "sso_start_url=https://x.awsapps.com/start\n"
  local SESSION = "[sso-session corp]\nsso_region=us-east-1\nsso_start_url=https://x.awsapps.com/start\n"
    .. "[profile s]\nsso_session=corp\nsso_account_id=" .. ACCOUNT .. "\nsso_role_name=Dev\n"
  local SSO_ARN = assumed("AWSReservedSSO_Dev_0123456789abcdef", "sandbox")

  it("are SSO tokens, of profiles and of sessions", function()
    write(".aws/config", "[profile l]\n" .. LEGACY .. SESSION)
    write_sso_token("https://x.awsapps.com/start", { expiresAt = at(7200) })
    write_sso_token("corp", { expiresAt = at(7200) })
    both_are(SSO_ARN, "sso", { AWS_PROFILE = "l" })
    both_are(SSO_ARN, "sso", { AWS_PROFILE = "s" })
  end)

  it("are SSO tokens that are renewed, and said to be over where they can't be", function()
    write(".aws/config", SESSION)
    local path = write_sso_token("corp", { accessToken = "old", expiresAt = at(-10), clientId = "c", clientSecret = "s",
      registrationExpiresAt = at(7200), refreshToken = "sandbox-sso-refresh-token" })
    assert.equal(SSO_ARN, (ours { AWS_PROFILE = "s" }))
    local file = assert(io.open(path))
    local kept = require("dkjson").decode(file:read "a")
    file:close()
    assert.matches("^sandbox%-sso%-%x+$", kept.accessToken)
    assert.equal("sandbox-sso-refresh-token", kept.refreshToken)
    assert.equal(384, assert(require("eni6.filesystem").stat(path)).mode % 512) -- 0600
    forget()
    assert.equal(SSO_ARN, theirs { AWS_PROFILE = "s" }) -- the CLI takes the token that we have got
    forget()
    write_sso_token("corp", { expiresAt = at(-10) })
    local _, message, code = new_client { AWS_PROFILE = "s" }:GetCallerIdentity()
    assert.equal("SSOTokenExpired", code)
    assert.matches("has expired; run: aws sso login %-%-profile s", message)
  end)

  local function list(env, profile)
    local all = environment(env)
    local explain = require "eni6.aws.credentials.explain"
    local rows, message, code, before = explain.rows { getenv = function(name) return all[name] or nil end, profile = profile }
    return explain.text(rows or before), code, message
  end

  it("are explained as by `aws configure list`", function()
    write(".aws/config", "[default]\nregion=eu-west-1\noutput=text\n[profile first]\nrole_arn=" .. role "first"
      .. "\nsource_profile=user\n[profile bad]\ncredential_process=false\n")
    for _, case in ipairs { { {} }, { { AWS_PROFILE = "first", AWS_REGION = false } }, { { AWS_ACCESS_KEY_ID = "AKIDAKID",
      AWS_SECRET_ACCESS_KEY = "secret" } }, { {}, "user" }, { { AWS_PROFILE = "nobody" } }, { { AWS_PROFILE = "bad" } } } do
      local result = run_cli(case[1], "configure", "list", table.unpack(case[2] and { "--profile", case[2] } or {}))
      local text, code = list(case[1], case[2])
      assert.equal(result.stdout, text)
      assert.equal(result.status ~= 0, code ~= nil)
    end
  end)

  it("share the CLI's cache of roles' keys", function()
    write(".aws/config", "[profile c]\nrole_arn=" .. role "cached" .. "\nsource_profile=user\nexternal_id=ü\\\"\n"
      .. "duration_seconds=1800\n")
    local before = asked_for "AssumeRole"
    local first = ours { AWS_PROFILE = "c" }
    assert.equal(first, theirs { AWS_PROFILE = "c" })
    assert.equal(before + 1, asked_for "AssumeRole")
    local listed = process.run { argv = { "sh", "-c", "stat -c '%a %n' " .. home .. "/.aws/cli/cache/*" } }.stdout
    assert.matches("^600 [^\n]*/%x+%.json\n$", listed)
    forget()
    first = theirs { AWS_PROFILE = "c" }
    assert.equal(first, (ours { AWS_PROFILE = "c" }))
    assert.equal(before + 2, asked_for "AssumeRole")
    assert.equal(listed, process.run { argv = { "sh", "-c", "stat -c '%a %n' " .. home .. "/.aws/cli/cache/*" } }.stdout)
  end)

  it("are found while a host's own loop goes on", function()
    write(".aws/config", "[profile slow]\ncredential_process = sh -c \"sleep 0.2; cat '" .. home .. "/user'\"\n"
      .. "[profile r]\nrole_arn=" .. role "r" .. "\nsource_profile=slow\nrole_session_name=loop\n")
    local system = require("eni6.core").system
    for arn, env in pairs { [assumed("r", "loop")] = { AWS_PROFILE = "r" },
      [assumed("sandbox-instance", "i-0sandbox000000000")] = { AWS_EC2_METADATA_DISABLED = false,
        AWS_EC2_METADATA_SERVICE_ENDPOINT = box.url },
      [assumed("task", "container")] = { AWS_CONTAINER_CREDENTIALS_FULL_URI = box.url .. "/container/task",
        AWS_CONTAINER_AUTHORIZATION_TOKEN = "sandbox-container-token" } } do
      local client = new_client(env)
      local first, second = client:start("GetCallerIdentity", {}), client:start("GetCallerIdentity", {})
      while not (first:done() and second:done()) do
        system.poll({ { client:pollfd(), client:events() } }, client:timeout() or 30)
        client:step()
      end
      assert.equal(arn, assert(first:result()).Arn)
      assert.equal(arn, assert(second:result()).Arn)
      client:close()
    end
  end)

  it("serve aws.lua as they serve the CLI", function()
    write(".aws/config", "[profile a]\nrole_arn=" .. role "script" .. "\nsource_profile=user\nregion=eu-west-1\n")
    local env, before = environment { AWS_PROFILE = "a" }, asked_for "AssumeRole"
    env.LUA_PATH, env.LUA_CPATH, env.PATH = package.path, package.cpath, os.getenv "PATH"
    for _, words in ipairs { { "sts", "get-caller-identity" }, { "configure", "list" } } do
      local result = assert(process.run { argv = { arg[-1], "scripts/aws.lua", table.unpack(words) },
        env = env, clear_env = true })
      assert.equal("", result.stderr)
      assert.equal(run_cli({ AWS_PROFILE = "a" }, table.unpack(words)).stdout, result.stdout)
    end
    assert.equal(before + 1, asked_for "AssumeRole")
  end)

  it("ask for the code of a device", function()
    write(".aws/config", "[profile m]\nrole_arn=" .. role "m" .. "\nsource_profile=user\nmfa_serial=arn:aws:iam::1:mfa/me\n"
      .. "role_session_name=mfa\n")
    local asked
    assert.equal(assumed("m", "mfa"), (ours({ AWS_PROFILE = "m" }, { prompt = function(question)
      asked = question
      return "123456\n"
    end })))
    assert.equal("Enter MFA code for arn:aws:iam::1:mfa/me: ", asked)
    forget()
    local function refused(prompt)
      local _, message, code = new_client({ AWS_PROFILE = "m" }, { prompt = prompt }):GetCallerIdentity()
      return code, message
    end
    assert.equal("AccessDenied", (refused(function() return "654321" end)))
    assert.equal("MfaRequired", (refused(function() return "code" end)))
    assert.equal("MfaRequired", (refused(function() return nil, "no terminal" end)))
    assert.equal("MfaRequired", (refused(nil)))
  end)

  it("give keys that EC2 takes, until they end", function()
    write(".aws/config", "[profile e]\nrole_arn=" .. role "e" .. "\nsource_profile=user\n")
    local env = environment { AWS_PROFILE = "e" }
    local ec2 = assert(require("eni6.aws.ec2").new { getenv = function(name) return env[name] or nil end, max_attempts = 1 })
    assert(ec2:DescribeVpcs {})
    local keys = ec2.credentials:get()
    local fixed = assert(require("eni6.aws.ec2").new { getenv = function(name) return env[name] or nil end, profile = "user",
      credentials = { access_key_id = keys.access_key_id, secret_access_key = keys.secret_access_key,
        session_token = keys.session_token } })
    assert(fixed:DescribeVpcs {})
    box:sessions { expire = true }
    local _, message, code = fixed:DescribeVpcs {}
    assert.equal("RequestExpired", code)
    assert.not_matches(keys.secret_access_key, message, 1, true)
    assert(ec2:DescribeVpcs {}) -- with new keys, although the cache has the old ones
    assert.not_equal(keys.access_key_id, ec2.credentials:get().access_key_id)
  end)

  it("are asked for once by many tasks, at first and when they have ended", function()
    write(".aws/config", "[profile t]\nrole_arn=" .. role "t" .. "\nsource_profile=user\n")
    local client, tasks, before = new_client { AWS_PROFILE = "t" }, require "eni6.tasks", asked_for "AssumeRole"
    local function all_ask()
      assert(tasks.group(function(group)
        for i = 1, 40 do group:spawn("t" .. i, function() assert(client:GetCallerIdentity()) end) end
      end))
    end
    all_ask()
    assert.equal(before + 1, asked_for "AssumeRole")
    box:sessions { expire = true }
    all_ask()
    assert.equal(before + 2, asked_for "AssumeRole")
    client:close()
  end)

  it("of an instance are used on when the service is late with new ones", function()
    box:sessions { life = -60, lenient = true, expire = true }
    local warnings = {}
    local client = new_client({ AWS_EC2_METADATA_DISABLED = false, AWS_EC2_METADATA_SERVICE_ENDPOINT = box.url },
      { warn = function(text) warnings[#warnings + 1] = text end })
    assert.matches("sandbox%-instance", assert(client:GetCallerIdentity()).Arn)
    assert.matches("used on", warnings[1])
    assert(client:GetCallerIdentity())
    assert.equal(1, #warnings)
  end)
end)
