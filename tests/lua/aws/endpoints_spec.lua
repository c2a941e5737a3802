local endpoints = require "eni6.aws.endpoints"
local fake = require "support.settings"
local json = require "dkjson"
local oracle = require "support.oracle"

local function settings(env, config_file)
  env = env or {}
  env.HOME = "/home/me"
  return assert(fake.settings({ env = env, files = { ["/home/me/.aws/config"] = config_file } }))
end

local function url(env, config_file, options)
  options = options or {}
  options.service = options.service or "ec2"
  options.region = options.region or "us-east-1"
  options.settings = settings(env, config_file)
  local endpoint, message, code = endpoints.resolve(options)
  return endpoint and endpoint.url, message, code
end

describe("the region", function()
  local profile = "[default]\nregion = eu-west-1\n"

  it("comes from the call, AWS_REGION, AWS_DEFAULT_REGION, the profile", function()
    assert.equal("eu-west-1", endpoints.region(settings({}, profile)))
    assert.equal("eu-west-2", endpoints.region(settings({ AWS_DEFAULT_REGION = "eu-west-2", AWS_REGION = "" }, profile)))
    assert.equal("eu-west-3", endpoints.region(settings({ AWS_DEFAULT_REGION = "eu-west-2", AWS_REGION = "eu-west-3" }, profile)))
    assert.equal("sa-east-1", endpoints.region(settings({ AWS_REGION = "eu-west-3" }, profile), "sa-east-1"))
  end)

  it("is missed with the remedy", function()
    local region, message, code = endpoints.region(settings())
    assert.is_nil(region)
    assert.equal("NoRegion", code)
    assert.matches("set AWS_REGION, or write region = … into [default] of /home/me/.aws/config", message, 1, true)
  end)

  local wrong = {
    { "us-east-1a", "is a zone, its region is us-east-1" },
    { "US-EAST-1", "is not a region's name; one looks like us-east-1" },
    { "us-east-1.evil.example/", "is not a region's name" },
    { "a\nb", "is not a region's name" },
    { ("a"):rep(64), "is not a region's name" },
    { "fips-us-east-1", "use us-east-1 with AWS_USE_FIPS_ENDPOINT=true" },
    { "us-gov-west-1-fips", "use us-gov-west-1 with" },
  }
  for _, case in ipairs(wrong) do
    it("is refused: " .. case[1]:gsub("\n", "\\n"):sub(1, 30), function()
      local region, message, code = endpoints.region(settings({ AWS_REGION = case[1] }))
      assert.is_nil(region)
      assert.equal("InvalidRegion", code)
      assert.matches(case[2], message, 1, true)
    end)
  end
end)

describe("the endpoint of AWS", function()
  -- Regions that nobody has yet, by the pattern of their partition; and what is none, or can't be.
  local NEW = { "us-south-1", "us-central-12", "eu-northwest-1", "ap-southeast-9", "ca-east-3", "sa-north-1", "af-west-1",
    "me-northeast-1", "cn-east-1", "us-gov-central-1", "us-iso-north-2", "us-isob-south-1" }
  local NONE = { "us-esat-1", "xx-north-1", "us-east", "useast1", "us-gov-1", "local", "cn-global-1" }
  local MALFORMED = { "US-EAST-1", "us_east_1", "us-east-1.", "-us-east-1", "us-east-1-", "a b", "us-east-1/", "1us", "ü-east-1",
    ("a"):rep(33), "us-east-1\nHost: x", "us-east-1b", "eu-west-1-fips" }

  -- What we say where botocore's rules say it; nil, message, code.
  local function ours(case)
    local env = { AWS_REGION = case.region, AWS_USE_FIPS_ENDPOINT = tostring(case.fips) }
    if not case.endpoint then env.AWS_USE_DUALSTACK_ENDPOINT = tostring(case.dualstack) end
    local world = settings(env)
    local region, message, code = endpoints.region(world)
    if not region then return nil, message, code end
    return endpoints.resolve({ service = case.service, region = region, settings = world, endpoint = case.endpoint,
      use_dualstack = case.endpoint and case.dualstack or nil })
  end

  local function among(...)
    local members = {}
    for _, list in ipairs({ ... }) do
      for _, name in ipairs(list) do members[name] = true end
    end
    return members
  end

  local never, unless_named = among(MALFORMED), among(NONE)

  -- Where we refuse what botocore makes a name of that nobody has.
  local function is_refused(case)
    if never[case.region] then return true end
    if case.endpoint then return false end
    return unless_named[case.region]
      or case.region == "aws-global" and (case.service == "ec2" or case.fips or case.dualstack)
  end

  it("is that of botocore's rule sets: every region, variant and URL", function()
    local others = { "aws-global" }
    for _, list in ipairs({ NEW, NONE, MALFORMED }) do
      for _, name in ipairs(list) do others[#others + 1] = name end
    end
    local same, refused, errors = 0, 0, 0
    for _, case in ipairs(oracle.ask("endpoints.py", others)) do
      if case.endpoint == json.null then case.endpoint = nil end
      local endpoint, message, code = ours(case)
      local place = string.format("%s in %s, FIPS %s, dual stack %s, %s: %s", case.service, case.region, tostring(case.fips),
        tostring(case.dualstack), tostring(case.endpoint), tostring(message))
      if is_refused(case) then
        assert.equal("InvalidRegion", code, place)
        refused = refused + 1
      elseif not case.error then
        assert.equal(case.url .. (case.endpoint and "" or "/"), endpoint and endpoint.url, place)
        assert.equal(case.signing_region, endpoint.signing_region or case.region, place)
        same = same + 1
      elseif case.endpoint or not case.region:match("iso") then -- those have got dual stack since that botocore was made
        assert.equal("InvalidEndpoint", code, place)
        errors = errors + 1
      end
    end
    assert.is_true(same > 400 and refused > 100 and errors > 200, same .. ", " .. refused .. ", " .. errors)
  end)

  it("of STS is the global one where the profile asks for it, which is signed for us-east-1", function()
    local config = "[default]\nsts_regional_endpoints = legacy\n"
    local function sts(region, env)
      return assert(endpoints.resolve({ service = "sts", region = region, settings = settings(env, config) }))
    end
    assert.same({ "https://sts.amazonaws.com/", "us-east-1" }, { sts("eu-west-1").url, sts("eu-west-1").signing_region })
    assert.equal("https://sts.ap-east-1.amazonaws.com/", sts("ap-east-1").url)
    assert.equal("https://sts.eu-west-1.amazonaws.com/", sts("eu-west-1", { AWS_STS_REGIONAL_ENDPOINTS = "regional" }).url)
    assert.equal("http://own.test/", sts("eu-west-1", { AWS_ENDPOINT_URL_STS = "http://own.test" }).url)
    local found, message, code = url({ AWS_STS_REGIONAL_ENDPOINTS = "some" }, nil, { service = "sts" })
    assert.same({ nil, "AWS_STS_REGIONAL_ENDPOINTS must be regional or legacy", "InvalidConfig" }, { found, message, code })
    config = "[default]\nservices = s\n[services s]\nsts =\n  endpoint_url = http://in.the.file\n"
    assert.equal("http://in.the.file/", sts("eu-west-1").url)
  end)

  it("of SSO has host names of its own", function()
    local world = settings()
    local function host(service, name)
      return endpoints.resolve({ service = service, host = name, region = "eu-west-1", settings = world }).url
    end
    assert.equal("https://portal.sso.eu-west-1.amazonaws.com/", host("sso", "portal.sso"))
    assert.equal("https://oidc.eu-west-1.amazonaws.com/", host("sso_oidc", "oidc"))
  end)

  it("takes its variants from the call, the environment, the profile", function()
    local profile = "[default]\nuse_dualstack_endpoint = true\nuse_fips_endpoint = true\n"
    assert.equal("https://ec2-fips.us-east-1.api.aws/", url({}, profile))
    assert.equal("https://ec2.us-east-1.api.aws/", url({ AWS_USE_FIPS_ENDPOINT = "false" }, profile))
    assert.equal("https://ec2.us-east-1.amazonaws.com/", url({}, profile, { use_fips = false, use_dualstack = false }))
  end)

  it("does not exist in a region that does not", function()
    local found, message, code = url({}, nil, { region = "us-esat-1" })
    assert.is_nil(found)
    assert.equal("InvalidRegion", code)
    assert.matches('unknown region "us-esat-1"; did you mean us-east-1?', message, 1, true)
    assert.matches("AWS_ENDPOINT_URL_EC2=https://ec2.us-esat-1.amazonaws.com", message, 1, true)
    assert.equal("http://127.0.0.1:99/", url({ AWS_ENDPOINT_URL = "http://127.0.0.1:99" }, nil, { region = "us-esat-1" }))
  end)
end)

describe("an endpoint of one's own", function()
  local profile = "[default]\nendpoint_url = http://profile\nservices = mine\n"
    .. "[services mine]\nec2 =\n  endpoint_url = http://services\n"
  local both = { AWS_ENDPOINT_URL = "http://env", AWS_ENDPOINT_URL_EC2 = "http://ec2" }

  it("comes from the call, the environment, the profile's services, the profile", function()
    assert.equal("http://services/", url({}, profile))
    assert.equal("http://profile/", url({}, profile, { service = "sts" }))
    assert.equal("http://env/", url({ AWS_ENDPOINT_URL = "http://env" }, profile))
    assert.equal("http://ec2/", url(both, profile))
    assert.equal("http://env/", url(both, profile, { service = "sts" }))
    assert.equal("http://call/", url({ AWS_ENDPOINT_URL = "http://env" }, profile, { endpoint = "http://call" }))
  end)

  it("is ignored on demand, but the call's is not", function()
    local env = { AWS_ENDPOINT_URL = "http://env", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = "true" }
    assert.equal("https://ec2.us-east-1.amazonaws.com/", url(env, profile))
    assert.equal("http://call/", url(env, profile, { endpoint = "http://call" }))
    local ignoring = profile:gsub("services = mine", "%0\nignore_configured_endpoint_urls = true")
    assert.equal("https://ec2.us-east-1.amazonaws.com/", url({}, ignoring))
  end)

  it("is taken as written, whatever the host's name says", function()
    local misleading = "http://ec2.eu-west-1.amazonaws.com:8080/a/b"
    assert.equal(misleading, url({}, nil, { endpoint = misleading }))
    assert.equal("https://[2001:db8::1]:4566/", url({}, nil, { endpoint = "HTTPS://[2001:db8::1]:4566/" }))
    assert.equal("http://x/", url({ AWS_USE_DUALSTACK_ENDPOINT = "true" }, nil, { endpoint = "http://x" }))
  end)

  local wrong = {
    { "localhost:4566", "is not a URL" }, { "ftp://x", "must begin with https:// or http://" },
    { "http://me:SECRET@x", "must not hold a user or password" }, { "http://", "has no valid host and port" },
    { "http://x:0", "has no valid host and port" }, { "http://x:65536", "has no valid host and port" },
    { "http://[::1", "has no valid host and port" }, { "http://x/?a=b", "must not have a query" },
    { "http://x/a b", "contains white space" }, { "http://x/\195\164", "contains white space or a character" },
    { "http://x\nHost: y", "has no valid host and port" },
  }
  for _, case in ipairs(wrong) do
    it("is refused, and not shown: " .. case[1]:gsub("\n", "\\n"), function()
      local found, message, code = url({ AWS_ENDPOINT_URL = case[1] })
      assert.is_nil(found)
      assert.equal("InvalidEndpoint", code)
      assert.matches("the endpoint URL from AWS_ENDPOINT_URL " .. case[2], message, 1, true)
      assert.not_matches("SECRET", message)
    end)
  end

  it("can't be FIPS by decree", function()
    local found, message, code = url({ AWS_USE_FIPS_ENDPOINT = "true", AWS_ENDPOINT_URL = "http://x" })
    assert.is_nil(found)
    assert.equal("InvalidEndpoint", code)
    assert.matches("unset one of the two", message)
  end)

  it("needs flags that are true or false", function()
    for _, name in ipairs({ "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" }) do
      assert.same({ nil, name .. " must be true or false", "InvalidConfig" }, { url({ [name] = "yes" }) })
    end
  end)
end)
