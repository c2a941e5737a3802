local credentials = require "eni6.aws.credentials"
local fake = require "support.settings"
local oracle = require "support.oracle"

local SECRET, TOKEN = "wJalrXUtnFEMISECRETKEY", "FQoGTOKENTOKEN"

local function resolve(spec)
  return credentials.resolve({ settings = assert(fake.settings(spec)), credentials = spec.credentials })
end

local function env(more)
  more.HOME = "/home/me"
  return more
end

local function keys(found) return { found.access_key_id, found.secret_access_key, found.session_token } end

local ENV = env({ AWS_ACCESS_KEY_ID = "AKIDENV", AWS_SECRET_ACCESS_KEY = SECRET, AWS_SESSION_TOKEN = TOKEN })
local FILE = { ["/home/me/.aws/credentials"] = "[default]\naws_access_key_id=AKIDFILE\naws_secret_access_key=" .. SECRET .. "\n" }

describe("credentials", function()
  it("are the caller's before all", function()
    local found = assert(resolve({ env = ENV, files = FILE, credentials = { access_key_id = "A", secret_access_key = SECRET } }))
    assert.same({ "A", SECRET }, keys(found:get()))
    assert.equal(found, (resolve({ credentials = found })))
  end)

  it("are the environment's before the files'", function()
    local found = assert(resolve({ env = ENV, files = FILE }))
    assert.same({ "AKIDENV", SECRET, TOKEN }, keys(found:get()))
  end)

  it("are the profile's where the caller chose one, but not where AWS_PROFILE did", function()
    local files = { ["/home/me/.aws/config"] = "[profile p]\naws_access_key_id=P\naws_secret_access_key=" .. SECRET }
    assert.same({ "P", SECRET }, keys(assert(resolve({ env = ENV, files = files, profile = "p" })):get()))
    local with_profile = env({ AWS_PROFILE = "p", AWS_ACCESS_KEY_ID = "E", AWS_SECRET_ACCESS_KEY = SECRET })
    assert.same({ "E", SECRET }, keys(assert(resolve({ env = with_profile, files = files })):get()))
  end)

  it("are the credentials file's before the config file's, tokens included", function()
    local files = {
      ["/home/me/.aws/credentials"] = "[default]\naws_access_key_id=C\naws_secret_access_key=" .. SECRET
        .. "\naws_session_token=" .. TOKEN,
      ["/home/me/.aws/config"] = "[default]\naws_access_key_id=D\naws_secret_access_key=x\n",
    }
    assert.same({ "C", SECRET, TOKEN }, keys(assert(resolve({ files = files })):get()))
    files["/home/me/.aws/credentials"] = nil
    assert.same({ "D", "x" }, keys(assert(resolve({ files = files })):get()))
  end)

  it("give the same table each time, so that a signer may be kept", function()
    local found = assert(resolve({ env = ENV }))
    assert.equal(found:get(), found:get())
  end)

  it("take their secrets out of a text", function()
    local found = assert(resolve({ env = ENV }))
    assert.equal("a (hidden) b (hidden)(hidden)", found:hide("a " .. SECRET .. " b " .. TOKEN .. TOKEN))
    found = assert(credentials.new({ access_key_id = "A", secret_access_key = "%d+.*[x]", session_token = "x" }, "a test"))
    assert.equal("x12 (hidden)", found:hide("x12 %d+.*[x]"))
  end)

  it("show the secret nowhere", function()
    local found = assert(resolve({ env = ENV }))
    local seen = { tostring(found), tostring(found:get()) }
    for key, value in pairs(found) do seen[#seen + 1] = tostring(key) .. "=" .. tostring(value) end
    table.sort(seen)
    assert.same({ "eni6.aws.credentials: AKIDENV from the environment (AWS_ACCESS_KEY_ID)", "eni6.aws.keys (hidden)",
      "method=env", "source=the environment (AWS_ACCESS_KEY_ID)" }, seen)
  end)
end)

local function refused(code, words, spec)
  local found, message, actual = resolve(spec)
  assert.is_nil(found)
  assert.equal(code, actual)
  for _, word in ipairs(words) do assert.matches(word, message, 1, true) end
  assert.not_matches(SECRET, message)
  assert.not_matches(TOKEN, message)
end

describe("no credentials", function()
  it("lists every place looked at and what to do", function()
    refused("NoCredentials", { "the call: none given", "environment: AWS_ACCESS_KEY_ID is not set",
      "role: profile default has no role_arn", "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set", "SSO: ",
      "credentials file: /home/me/.aws/credentials does not exist", "config file: /home/me/.aws/config does not exist",
      "credential_process: ", "container: ", "instance metadata: AWS_EC2_METADATA_DISABLED is set",
      "aws configure", "sandbox" }, {})
    refused("NoCredentials", { "left aside, since the caller chose profile p", "config has no keys for profile p" },
      { env = ENV, profile = "p", files = { ["/home/me/.aws/config"] = "[profile p]\n" } })
    refused("NoCredentials", { "Permission denied" }, { files = { ["/home/me/.aws/credentials"] = false } })
  end)

  it("is told from half a pair", function()
    refused("PartialCredentials", { "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not" },
      { env = env({ AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = "" }), files = FILE })
    refused("PartialCredentials", { "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not" },
      { env = env({ AWS_SECRET_ACCESS_KEY = SECRET }), files = FILE })
    refused("PartialCredentials",
      { "aws_secret_access_key of [default] in /home/me/.aws/credentials is set but aws_access_key_id is not" },
      { files = { ["/home/me/.aws/credentials"] = "[default]\naws_secret_access_key=" .. SECRET } })
    refused("PartialCredentials", { "credentials.access_key_id is set" }, { credentials = { access_key_id = "A" } })
    refused("PartialCredentials", { "credentials.secret_access_key is set" }, { credentials = { secret_access_key = SECRET } })
  end)

  it("is told from damaged ones", function()
    refused("InvalidCredentials", { "secret_access_key from the environment", "copy it again" },
      { env = env({ AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = SECRET .. "\r" }) })
    for _, id in ipairs({ "A/B", "A,B", "\195\133", "A B" }) do
      refused("InvalidCredentials", { "access_key_id from the caller" },
        { credentials = { access_key_id = id, secret_access_key = SECRET } })
    end
    refused("InvalidCredentials", { "is empty" }, { credentials = { access_key_id = "", secret_access_key = SECRET } })
    refused("InvalidCredentials", { "is no string" }, { credentials = { access_key_id = 1, secret_access_key = SECRET } })
  end)

  it("is told from those that come by a role, even if keys are written there too", function()
    refused("PartialCredentials", { "role_arn in /home/me/.aws/config, line 2 needs source_profile or credential_source" }, {
      profile = "p",
      files = { ["/home/me/.aws/config"] = "[profile p]\nrole_arn=arn:x\naws_access_key_id=A\naws_secret_access_key=" .. SECRET },
    })
  end)
end)

-- Programs that print keys, and what words there may be in their lines.
local PROGRAMS = {
  [[credential_process = printf '{"Version": 1, "AccessKeyId": "IDP", "SecretAccessKey": "%s"}' secret"'P'"]],
  [[credential_process = printf %s   "{\"Version\":1,\"AccessKeyId\":\"IDQ\",\"SecretAccessKey\":\"Q\",\"SessionToken\":\"t\"}"]],
  [[credential_process = printf {\"Version\":\ 1,\"AccessKeyId\":\"\$HOME*\",\"SecretAccessKey\":\"s\'R\"}]],
}

-- A file of sections "default", "a" and "b", some of them, each with some of the settings.
local function random_file(random, prefix)
  if random(4) == 1 then return nil end
  local lines = {}
  for _, name in ipairs({ "default", "a", "b" }) do
    if random(2) == 1 then
      lines[#lines + 1] = "[" .. (name ~= "default" and prefix or "") .. name .. "]"
      local pair = random(3)
      if pair > 1 then lines[#lines + 1] = "aws_access_key_id = ID" .. random(9) end
      if pair > 1 and random(9) > 1 then lines[#lines + 1] = "aws_secret_access_key = secret" .. random(9) end
      if random(3) == 1 then lines[#lines + 1] = "aws_session_token=token" .. random(9) end
      if random(6) == 1 then lines[#lines + 1] = "aws_security_token=older" .. random(9) end
      if random(5) == 1 then lines[#lines + 1] = PROGRAMS[random(#PROGRAMS)] end
      if random(2) == 1 then lines[#lines + 1] = "region = region-" .. random(9) end
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function random_case(random)
  local function one_in(n, value) if random(n) == 1 then return value end end
  local pair = random(3) == 1
  return {
    env = {
      AWS_ACCESS_KEY_ID = pair and "IDE" or nil, AWS_SECRET_ACCESS_KEY = pair and "secretE" or nil,
      AWS_SESSION_TOKEN = one_in(4, "tokenE"),
      AWS_SECURITY_TOKEN = one_in(8, "olderE"), AWS_PROFILE = one_in(3, "a"), AWS_DEFAULT_REGION = one_in(3, "region-e"),
    },
    config = random_file(random, "profile "), credentials = random_file(random, ""), profile = one_in(5, "b"),
  }
end

local function ours(case)
  local environment = { HOME = "/h", AWS_CONFIG_FILE = "/c", AWS_SHARED_CREDENTIALS_FILE = "/s" }
  for name, value in pairs(case.env) do environment[name] = value end
  local settings, _, code = fake.settings({ env = environment, files = { ["/c"] = case.config, ["/s"] = case.credentials },
    profile = case.profile })
  if not settings then return { error = code } end
  local found
  found, _, code = credentials.resolve({ settings = settings })
  if code == "PartialCredentials" then return { error = code .. "Error" } end
  local held = found and found:get()
  return {
    keys = held and { held.access_key_id, held.secret_access_key, held.session_token or "" } or {},
    region = (settings:lookup({ "AWS_REGION", "AWS_DEFAULT_REGION" }, "region")),
  }
end

describe("beside botocore", function()
  it("finds the same credentials and region in random surroundings", function()
    local seed = tonumber(os.getenv("SEED")) or 1
    math.randomseed(seed)
    local cases, found = {}, 0
    for i = 1, 120 do
      cases[i] = random_case(math.random)
      setmetatable(cases[i].env, { __jsontype = "object" })
    end
    for i, theirs in ipairs(oracle.ask("credentials.py", cases)) do
      assert.same(theirs, ours(cases[i]), string.format("seed %d, case %d", seed, i))
      if theirs.keys and theirs.keys[1] then found = found + 1 end
    end
    assert.is_true(found > 25, found)
  end)
end)
