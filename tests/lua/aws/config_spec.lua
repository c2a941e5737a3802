local config = require "eni6.aws.config"
local fake = require "support.settings"
local ini = require "eni6.aws.ini"
local latin1 = require "support.latin1"
local oracle = require "support.oracle"

local SECRET = "wJalrXUtnFEMISECRETKEY"

local function options_of(text)
  local sections, message = ini.parse(text, "F")
  assert.is_nil(message)
  local found = {}
  for _, section in ipairs(sections) do found[section.name] = section.options end
  return found
end

describe("the INI dialect", function()
  it("reads sections, comments, continued and nested values", function()
    assert.same({
      default = { region = "eu-west-1", s3 = { max_queue_size = "10", addressing_style = "path" }, text = "one # two\nthree" },
      ["profile dev"] = { output = "json" },
    }, options_of([[
# a comment
[default]   ; after the bracket nothing counts
Region=eu-west-1
s3 =
  max_queue_size = 10
  # between
  addressing_style=path
text : one # two
   three

[profile dev]
output	=	json
]]))
  end)

  local broken = {
    { "[a]\n[a]\n", 'line 2: section "a" is there already, from line 1' },
    { "[a]\nx=1\nX = 2\n", 'line 3: "x" is set already, on line 2' },
    { "\239\187\191[a]\n", "line 1: begins with a byte order mark" },
    { "x = 1\n", "line 1: comes before the first %[section%]" },
    { "[a]\n" .. SECRET .. "\n", "line 2: neither a %[section%] nor" },
    { "[a]\n= " .. SECRET, "line 2: no name before" },
    { "[a]\ns3 =\n  x = 1\n  " .. SECRET .. "\n", 'line 2: the lines below "s3"' },
    { "[a]\r\nx = " .. SECRET .. "\255\r\n", "line 2: is not UTF%-8" },
  }
  for _, case in ipairs(broken) do
    it("says where it is broken: " .. case[2], function()
      local sections, message, code = ini.parse(case[1], "/home/me/.aws/config")
      assert.is_nil(sections)
      assert.equal("ConfigParseError", code)
      assert.matches("^/home/me/%.aws/config, " .. case[2], message)
      assert.not_matches(SECRET, message)
    end)
  end

  it("splits a section's name as a shell does", function()
    assert.same({ "profile", "my team" }, ini.words('profile "my team"'))
    assert.same({ "profile", [[a"b c\d]] }, ini.words([[profile a\"b" c\d"]]))
    assert.is_nil(ini.words('profile "open'))
  end)

  it("takes a long run of blanks in its stride", function()
    local blanks = (" "):rep(200000)
    assert.same({ a = { x = "1" .. blanks .. "2" } }, options_of("[a]\nx = 1" .. blanks .. "2" .. blanks .. "\n"))
  end)
end)

-- Texts made of the pieces that matter, joined at random.
local pieces = {
  "[default]", "[profile a]", "[profile \"a b\"]", "[profile 'c']", "[profile a\\ b]", "[sso-session s]", "[DEFAULT]",
  "[services x]", "[profile]", "[profilex y]", "[]", "[ default ]", "[a] ]", "[default", "[profile \"open]", "[other]",
  "region", "aws_access_key_id", "S3", "x y", "=", " = ", ":", " : ", "= ", "value", "a=b", "\"quoted\"", "%(x)s", "${x}",
  "#", ";", " #", " ; ", "\n", "\n", "\n", "\r\n", "\r", "\n ", "\n  ", "\n\t", "\n    ", "\n\n", " ", "\t", "\\", "'",
  "\194\160", "\226\128\169", "\195\169", "\v", "\f", "\28", "\195", "\239\187\191",
}

-- Lines that are whole, so that many of the texts are accepted.
local lines = {
  "[default]", "[profile a]", "[profile b]", "[profile \"a\"]", "[sso-session s]", "[DEFAULT]", "[plain]", "region = us-east-1",
  "output=json", "s3 =", "  max = 1", "  style = path # x", "    deep = 2", "", "# comment", "  ; comment", "x : y : z",
  "\ty = 1", "aws_access_key_id = A", "aws_secret_access_key=B=C==", " indented = 1", "empty =", "Name With Blanks = v  ",
}

local function random_text(random)
  local source, joint = pieces, ""
  if random(4) > 1 then source, joint = lines, "\n" end
  local parts = {}
  for i = 1, random(14) do parts[i] = source[random(#source)] end
  return (random(3) > 1 and "[first]\n" or "") .. table.concat(parts, joint)
end



-- The names that are there, and those that might be.
local function names_of(profiles)
  local names = { "default", "a", "b", "a b", "c", "y" }
  for name in pairs(profiles or {}) do names[#names + 1] = name end
  return names
end

local function loaded_as_ours(text, theirs)
  local spec = { files = { ["/home/me/.aws/config"] = text } }
  local settings = fake.settings(spec)
  if not settings then return { error = true } end
  local found = { sections = {}, order = {}, profiles = {}, sso_sessions = {} }
  for i, section in ipairs(ini.parse(text, "F")) do
    found.sections[section.name], found.order[i] = section.options, section.name
  end
  for _, name in ipairs(names_of(theirs.profiles)) do
    spec.profile = name
    local chosen = fake.settings(spec)
    found.profiles[name] = chosen and chosen:section("config").options
  end
  for name in pairs(theirs.sso_sessions or {}) do found.sso_sessions[name] = settings:sso_session(name) end
  return found
end

describe("beside botocore", function()
  it("reads the same out of random files, or refuses them too", function()
    local seed = tonumber(os.getenv("SEED")) or 1
    math.randomseed(seed)
    local texts, sent = {}, {}
    for i = 1, 1200 do
      texts[i] = random_text(math.random)
      sent[i] = latin1(texts[i])
    end
    local accepted = 0
    for i, theirs in ipairs(oracle.ask("config.py", sent)) do
      local ours = loaded_as_ours(texts[i], theirs)
      assert.same(theirs, ours, string.format("seed %d, text %d: %q", seed, i, texts[i]))
      if not ours.error then accepted = accepted + 1 end
    end
    assert.is_true(accepted > 200, accepted .. " accepted")
  end)
end)

describe("settings", function()
  it("are empty without files and without a home", function()
    local settings = assert(fake.settings({ env = {} }))
    assert.equal("default", settings.profile)
    assert.is_nil(settings:get("region"))
  end)

  it("come from the files that the environment names, ~ and variables replaced", function()
    local settings = assert(fake.settings({
      env = { HOME = "/h", WHERE = "x", AWS_CONFIG_FILE = "~/$WHERE/c", AWS_SHARED_CREDENTIALS_FILE = "/${WHERE}/s" },
      files = { ["/h/x/c"] = "[default]\nregion=eu-west-1\n", ["/x/s"] = "[default]\naws_access_key_id=A\n" },
    }))
    assert.equal("eu-west-1", settings:get("region"))
    assert.same({ "A", "aws_access_key_id in /x/s, line 2" }, { settings:get("aws_access_key_id") })
  end)

  it("take the profile of the call, then of the environment", function()
    local files = { ["/home/me/.aws/config"] = "[profile a]\nregion=a\n[profile b]\nregion=b\n[default]\nregion=d\n" }
    local function region(profile, env)
      env.HOME = "/home/me"
      return (assert(fake.settings({ files = files, env = env, profile = profile })):get("region"))
    end
    assert.equal("d", region(nil, {}))
    assert.equal("d", region(nil, { AWS_PROFILE = "" }))
    assert.equal("b", region(nil, { AWS_DEFAULT_PROFILE = "b" }))
    assert.equal("a", region(nil, { AWS_DEFAULT_PROFILE = "b", AWS_PROFILE = "a" }))
    assert.equal("b", region("b", { AWS_PROFILE = "a" }))
  end)

  it("put the credentials file before the config file", function()
    local settings = assert(fake.settings({
      files = {
        ["/home/me/.aws/config"] = "[profile a]\nregion=one\noutput=json\n",
        ["/home/me/.aws/credentials"] = "[a]\nregion=two\n",
      },
      profile = "a",
    }))
    assert.equal("two", settings:get("region"))
    assert.equal("json", settings:get("output"))
  end)

  it("name the profile that is missing, and the one that was meant", function()
    local files = { ["/home/me/.aws/config"] = "[profile production]\n[profile test]\n" }
    local settings, message, code = fake.settings({ files = files, profile = "producton" })
    assert.is_nil(settings)
    assert.equal("ProfileNotFound", code)
    assert.matches("did you mean production?", message, 1, true)
    assert.matches("/home/me/.aws/config", message, 1, true)
    settings, message = fake.settings({ files = files, env = { HOME = "/home/me", AWS_PROFILE = "x" } })
    assert.is_nil(settings)
    assert.matches("AWS_PROFILE asks for it", message, 1, true)
    assert.matches("the profiles are production, test", message, 1, true)
    settings, message = fake.settings({ profile = "x" })
    assert.is_nil(settings)
    assert.matches("aws configure", message, 1, true)
  end)

  it("pass over a file that may not be read, and remember why", function()
    local settings = assert(fake.settings({ files = { ["/home/me/.aws/config"] = false } }))
    assert.matches("Permission denied", settings.files.config.problem)
    assert.is_nil(settings.files.credentials.problem)
  end)

  it("refuse a boolean that is none, without showing it", function()
    local settings = assert(fake.settings({ env = { A = "True", B = "false", C = SECRET } }))
    assert.is_true(settings:boolean({ "A" }))
    assert.is_false(settings:boolean({ "B" }))
    assert.is_nil(settings:boolean({ "D" }, "x"))
    assert.same({ nil, "C must be true or false", "InvalidConfig" }, { settings:boolean({ "C" }) })
  end)

  it("show no value in tostring", function()
    local settings = fake.settings({ files = { ["/home/me/.aws/credentials"] = "[default]\naws_secret_access_key=" .. SECRET } })
    assert.equal("eni6.aws.settings: profile default", tostring(settings))
  end)
end)

describe("read_file", function()
  it("tells a missing file from one that can't be read", function()
    local path = os.tmpname()
    assert.equal("", config.read_file(path))
    os.remove(path)
    local _, _, code = config.read_file(path)
    assert.equal("ENOENT", code)
    _, _, code = config.read_file("/")
    assert.equal("EIO", code)
  end)
end)
