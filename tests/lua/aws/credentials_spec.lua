local credentials = require "eni6.aws.credentials"
local fake = require "support.settings"

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
    assert.same({ "eni6.aws.credentials: AKIDENV from the environment (AWS_ACCESS_KEY_ID)", "eni6.aws.keys (hidden)",
      "source=the environment (AWS_ACCESS_KEY_ID)" }, seen)
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
      "profile: default has none (/home/me/.aws/credentials does not exist, /home/me/.aws/config does not exist)",
      "aws configure", "sandbox" }, {})
    refused("NoCredentials", { "left aside, since the caller chose profile p", "p has none", "config has no keys for it" },
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
    refused("UnsupportedCredentials", { "role_arn in /home/me/.aws/config, line 2", "export-credentials --profile p" }, {
      profile = "p",
      files = { ["/home/me/.aws/config"] = "[profile p]\nrole_arn=arn:x\naws_access_key_id=A\naws_secret_access_key=" .. SECRET },
    })
  end)
end)
