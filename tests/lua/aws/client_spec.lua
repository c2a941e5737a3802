local ec2 = require "eni6.aws.ec2"
local fake = require "support.settings"
local fake_http = require "support.fake_http"

local SECRET, TOKEN = "wJalrXUtnFEMISECRETKEY", "FQoGTOKENTOKEN"
local ok, refuse = fake_http.ok, fake_http.error

-- Everything that callers can see goes through here; the secrets must not be in it.
local seen
local function note(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) == "table" and not seen[value] then
      seen[value] = true
      for key, inner in pairs(value) do note(key, inner) end
    end
    seen[#seen + 1] = tostring(value)
  end
  return ...
end

-- A client whose world is the test's: answers, clock, randomness.
local function new(answer, more)
  more = more or {}
  local world = fake.surroundings({ env = more.env or {
    HOME = "/home/me", AWS_ACCESS_KEY_ID = "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY = SECRET, AWS_SESSION_TOKEN = TOKEN,
    AWS_REGION = "us-east-1",
  }, files = more.files })
  world.now, world.slept, world.events = 1700000000, {}, {}
  world.http = fake_http.new(answer)
  local client = assert(ec2.new({
    getenv = world.getenv, read_file = world.read_file, http = world.http, max_attempts = more.max_attempts,
    endpoint = more.endpoint, credentials = more.credentials,
    time = function() return world.now end,
    monotonic = function() return world.now end,
    random = function(n) return ("\128"):rep(n) end,
    sleep = function(seconds)
      world.slept[#world.slept + 1] = seconds
      world.now = world.now + seconds
    end,
    observe = function(event) world.events[#world.events + 1] = note(event) end,
  }))
  return client, world
end

local function headers_of(request)
  local headers = {}
  for _, header in ipairs(request.headers) do headers[header[1]:lower()] = header[2] end
  return headers
end

local function lost() return nil, "connection reset", "ECONNRESET", { sent = true } end
local function unsent() return nil, "connection refused", "ECONNREFUSED", { sent = false } end

-- luassert's own error_matches cuts the place off.
local function raised(fn)
  local succeeded, message = pcall(fn)
  assert.is_false(succeeded)
  return message
end

describe("a client", function()
  before_each(function() seen = {} end)
  after_each(function()
    for _, text in ipairs(seen) do
      assert.not_matches(SECRET, text, 1, true)
      assert.not_matches(TOKEN, text, 1, true)
    end
  end)

  describe("call", function()
    it("sends a signed request and decodes its answer", function()
      local client, world = new(function() return ok("DescribeVpcs", "<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>") end)
      local result = assert(note(client:DescribeVpcs({ VpcIds = { "vpc-1" } })))
      assert.equal("vpc-1", result.Vpcs[1].VpcId)
      local request = world.http.requests[1]
      assert.equal("POST", request.method)
      assert.equal("https://ec2.us-east-1.amazonaws.com/", request.url)
      assert.equal("Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1", request.body)
      local headers = headers_of(request)
      assert.equal("application/x-www-form-urlencoded; charset=utf-8", headers["content-type"])
      assert.equal("20231114T221320Z", headers["x-amz-date"])
      assert.equal(TOKEN, headers["x-amz-security-token"])
      assert.matches("^AWS4%-HMAC%-SHA256 Credential=AKIDEXAMPLE/20231114/us%-east%-1/ec2/aws4_request", headers.authorization)
      assert.matches("^eni6/", headers["user-agent"])
    end)

    it("checks parameters before anything is sent", function()
      local client, world = new(function() error("sent") end)
      local result, message, code, detail = note(client:DescribeVpcs({ VpcId = "vpc-1" }))
      assert.is_nil(result)
      assert.equal("ParamValidation", code)
      assert.matches("VpcIds", message)
      assert.same({ operation = "DescribeVpcs", attempts = 0, retryable = false, faults = detail.faults }, detail)
      assert.equal(1, #detail.faults)
      assert.equal(0, #world.http.requests)
    end)

    it("raises for an operation that does not exist", function()
      local client = new(function() error("sent") end)
      assert.matches("^[^:]*client_spec.lua:%d+: EC2 has no operation DescribeVpc; did you mean DescribeVpcs%?",
        raised(function() client:DescribeVpc({}) end))
      assert.matches("^[^:]*client_spec.lua:%d+: EC2 has no operation", raised(function() client:call("DescribeVpc") end))
      assert.matches("^[^:]*client_spec.lua:%d+: EC2 has no operation", raised(function() client:pages("DescribeVpc") end))
      assert.matches("^[^:]*client_spec.lua:%d+: EC2 has no operation", raised(function() client:all("DescribeVpc") end))
      assert.is_nil(client.anything_else)
      assert.is_nil(client[1])
    end)

    it("speaks STS's dialect, too", function()
      local http = fake_http.new(function()
        return { body = '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
          .. "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>" }
      end)
      local older = assert(require("eni6.aws.sts").new({ region = "aws-global", http = http, getenv = function() end,
        credentials = { access_key_id = "A", secret_access_key = SECRET } }))
      assert(older:GetCallerIdentity())
      local last = table.remove(http.requests)
      assert.equal("https://sts.amazonaws.com/", last.url)
      assert.matches("/us-east-1/sts/aws4_request", headers_of(last).authorization, 1, true)
      local sts = assert(require("eni6.aws.sts").new({ region = "eu-west-1", http = http, getenv = function() end,
        credentials = { access_key_id = "A", secret_access_key = SECRET } }))
      assert.equal("123456789012", assert(sts:GetCallerIdentity()).Account)
      assert.equal("https://sts.eu-west-1.amazonaws.com/", http.requests[1].url)
      assert.equal("Action=GetCallerIdentity&Version=2011-06-15", http.requests[1].body)
      assert.matches("/eu-west-1/sts/aws4_request", headers_of(http.requests[1]).authorization, 1, true)
      assert.equal("eni6.aws.sts: eu-west-1 at https://sts.eu-west-1.amazonaws.com/", tostring(sts))
    end)

    it("is reached through the module of all parts", function()
      assert.equal(ec2, require("eni6").aws.ec2)
      assert.equal(require "eni6.aws.sts", require("eni6.aws").sts)
      assert.is_nil(require("eni6.aws").s3)
    end)

    it("makes one function for each operation", function()
      local a, b = new(), new()
      assert.equal(a.DescribeVpcs, b.DescribeVpcs)
    end)

    it("tells the service's errors as they are", function()
      local client = new(function() return refuse("InvalidSubnetID.NotFound", 400, "The subnet ID 'x' does not exist") end)
      local result, message, code, detail = note(client:CreateNetworkInterface({ SubnetId = "x" }))
      assert.is_nil(result)
      assert.equal("InvalidSubnetID.NotFound", code)
      assert.equal("CreateNetworkInterface: The subnet ID 'x' does not exist "
        .. "(InvalidSubnetID.NotFound, HTTP 400, request req-2)", message)
      assert.is_string(detail.client_token)
      detail.client_token = nil
      assert.same({ operation = "CreateNetworkInterface", status = 400, request_id = "req-2", attempts = 1, retryable = false },
        detail)
    end)

    it("takes a dry run that would succeed as success", function()
      local client = new(function() return refuse("DryRunOperation", 412) end)
      assert.same({ DryRun = true }, (client:RunInstances({ DryRun = true, MinCount = 1, MaxCount = 1 })))
      local _, _, code = client:RunInstances({ MinCount = 1, MaxCount = 1 })
      assert.equal("DryRunOperation", code)
    end)

    it("tells an observer of each attempt", function()
      local client, world = new(function(_, n) return n == 1 and refuse("RequestLimitExceeded", 503) or ok("DescribeVpcs") end)
      assert(client:DescribeVpcs())
      assert.same({
        { operation = "DescribeVpcs", attempt = 1, status = 503, seconds = 0, code = "RequestLimitExceeded",
          message = "as it is", answered = true, request_id = "req-2" },
        { operation = "DescribeVpcs", attempt = 2, status = 200, seconds = 0, answered = true, request_id = "req-1" },
      }, world.events)
    end)

    it("makes its signer once", function()
      local sigv4 = require "eni6.sigv4"
      local made = spy.on(sigv4, "new")
      local client = new(function() return ok("DescribeVpcs") end)
      assert(client:DescribeVpcs() and client:DescribeVpcs())
      assert.spy(made).was.called(1)
      made:revert()
    end)

    it("goes to the path of its endpoint", function()
      local client, world = new(function() return ok("DescribeVpcs") end, { endpoint = "http://localhost:99/a/b" })
      assert(client:DescribeVpcs())
      assert.equal("http://localhost:99/a/b", world.http.requests[1].url)
      assert.equal("localhost:99", headers_of(world.http.requests[1]).host)
    end)
  end)

  describe("again", function()
    it("asks after a throttling, signed anew, with the same body", function()
      local client, world = new(function(_, n)
        return n < 3 and refuse("RequestLimitExceeded", 503) or ok("AssignIpv6Addresses")
      end)
      assert(client:AssignIpv6Addresses({ NetworkInterfaceId = "eni-1", Ipv6AddressCount = 1 }))
      local sent = world.http.requests
      assert.equal(3, #sent)
      assert.equal(sent[1].body, sent[3].body)
      assert.not_equal(headers_of(sent[1])["x-amz-date"], headers_of(sent[3])["x-amz-date"])
      assert.not_equal(headers_of(sent[1]).authorization, headers_of(sent[3]).authorization)
      assert.equal(2, #world.slept)
    end)

    it("asks for a read whose answer was lost", function()
      local client = new(function(_, n) if n == 1 then return lost() end return ok("DescribeVpcs") end)
      assert(client:DescribeVpcs())
    end)

    it("asks with the same token where the operation has one", function()
      local client, world = new(function(_, n) if n == 1 then return lost() end return ok("CreateNetworkInterface") end)
      assert(client:CreateNetworkInterface({ SubnetId = "subnet-1" }))
      local first, second = world.http.requests[1].parameters.ClientToken, world.http.requests[2].parameters.ClientToken
      assert.equal("80808080-8080-4080-8080-808080808080", first)
      assert.equal(first, second)
    end)

    it("keeps the caller's token, and the caller's table", function()
      local client, world = new(function() return ok("CreateNetworkInterface") end)
      local params = { SubnetId = "subnet-1", ClientToken = "mine" }
      assert(client:CreateNetworkInterface(params))
      assert.equal("mine", world.http.requests[1].parameters.ClientToken)
      params = { SubnetId = "subnet-1" }
      assert(client:CreateNetworkInterface(params))
      assert.same({ SubnetId = "subnet-1" }, params)
    end)

    local lost_answers = {
      ["a reset"] = lost,
      ["a timeout"] = function() return nil, "timed out", "ETIMEDOUT", { sent = true } end,
      ["a transport that can't tell"] = function() return nil, "broken", "EPROTO" end,
      ["a 500"] = function() return refuse("InternalError", 500) end,
      ["a 503 that is no throttling"] = function() return refuse("Unavailable", 503) end,
      ["a proxy's 502"] = function() return { status = 502, body = "<html><title>Bad Gateway</title></html>" } end,
      ["half an answer"] = function() return { body = "<AssignIpv6AddressesResponse><requestId>1" } end,
      ["an empty answer"] = function() return { body = "" } end,
      ["an answer too large"] = function() return nil, "too large", "EMSGSIZE", { sent = true } end,
    }
    for name, answer in pairs(lost_answers) do
      it("never asks for a change without token after " .. name, function()
        local client, world = new(answer)
        local result, message, _, detail = note(client:AssignIpv6Addresses({ NetworkInterfaceId = "eni-1" }))
        assert.is_nil(result)
        assert.is_true(detail.unknown)
        assert.is_false(detail.retryable)
        assert.matches("it may have acted although its answer was lost", message)
        assert.equal(1, #world.http.requests)
      end)
    end

    it("gives the token back where even repetition gave no answer", function()
      local client, world = new(lost)
      local result, message, code, detail = note(client:CreateNetworkInterface({ SubnetId = "subnet-1" }))
      assert.is_nil(result)
      assert.equal("ECONNRESET", code)
      assert.matches("3 attempts", message)
      assert.equal(3, #world.http.requests)
      assert.same({ 3, true, true, "80808080-8080-4080-8080-808080808080" },
        { detail.attempts, detail.unknown, detail.retryable, detail.client_token })
    end)

    it("does not know either where the answer to an earlier attempt was lost", function()
      local later = { unsent, function() return refuse("InvalidIPAddress.InUse", 400) end }
      for _, answer in ipairs(later) do
        local client = new(function(_, n) if n == 1 then return lost() end return answer() end)
        local _, message, _, detail = note(client:CreateNetworkInterface({ SubnetId = "subnet-1" }))
        assert.is_true(detail.unknown)
        assert.matches("look before asking again", message)
      end
    end)

    it("asks for anything that was surely not sent", function()
      local client, world = new(function(_, n) if n == 1 then return unsent() end return ok("TerminateInstances") end)
      assert(client:TerminateInstances({ InstanceIds = { "i-1" } }))
      assert.equal(2, #world.http.requests)
    end)

    it("is not unknown after a refusal or when nothing was sent", function()
      for _, answer in ipairs({ unsent, function() return refuse("RequestLimitExceeded", 503) end }) do
        local client = new(answer)
        local _, _, _, detail = client:TerminateInstances({ InstanceIds = { "i-1" } })
        assert.is_nil(detail.unknown)
        assert.is_true(detail.retryable)
      end
    end)

    it("takes a read or a dry run for one that never acts", function()
      local client = new(lost)
      local _, _, _, detail = client:DescribeVpcs()
      assert.is_nil(detail.unknown)
      assert.equal(3, detail.attempts)
      _, _, _, detail = client:TerminateInstances({ InstanceIds = { "i-1" }, DryRun = true })
      assert.is_nil(detail.unknown)
      assert.equal(3, detail.attempts)
    end)

    it("can go on for ever as long as it succeeds in the end", function()
      local client = new(function(_, n) return n % 2 == 1 and refuse("Throttling", 400) or ok("DescribeVpcs") end)
      for _ = 1, 150 do assert(client:DescribeVpcs()) end
    end)

    it("stops when too much has failed", function()
      local client, world = new(function() return refuse("Throttling", 400) end)
      for _ = 1, 60 do client:DescribeVpcs() end
      assert.equal(60 + 100, #world.http.requests)
      local _, message = note(client:DescribeVpcs())
      assert.matches("too much has failed lately", message)
    end)

    it("waits as Retry-After says", function()
      local client, world = new(function(_, n)
        if n == 1 then return refuse("Throttling", 400, "", { { "Retry-After", "7" } }) end
        return ok("DescribeVpcs")
      end)
      assert(client:DescribeVpcs())
      assert.same({ 7 }, world.slept)
    end)

    it("waits as x-amz-retry-after says, which has milliseconds", function()
      local client, world = new(function(_, n)
        if n == 1 then return refuse("Throttling", 400, "", { { "x-amz-retry-after", "1250" }, { "Retry-After", "9" } }) end
        return ok("DescribeVpcs")
      end)
      assert(client:DescribeVpcs())
      assert.same({ 1.25 }, world.slept)
    end)

    it("heeds it in other calls of the operation, too, and in no others", function()
      local client, world = new(function(_, n)
        if n == 1 then return refuse("Throttling", 400, "", { { "Retry-After", "7" } }) end
        return ok(n == 2 and "DescribeSubnets" or "DescribeVpcs")
      end, { max_attempts = 1 })
      assert.is_nil(client:DescribeVpcs())
      assert(client:DescribeSubnets())
      assert.same({}, world.slept)
      assert(client:DescribeVpcs())
      assert.equal(1, #world.slept)
      assert.is_true(world.slept[1] >= 7 and world.slept[1] < 14)
    end)

    it("asks no oftener than the environment says", function()
      local client, world = new(function() return refuse("Throttling", 400) end, { env = {
        AWS_ACCESS_KEY_ID = "A", AWS_SECRET_ACCESS_KEY = SECRET, AWS_REGION = "us-east-1", AWS_MAX_ATTEMPTS = "1" } })
      local _, _, code = client:DescribeVpcs()
      assert.equal("Throttling", code)
      assert.equal(1, #world.http.requests)
    end)
  end)

  describe("with keys that are over", function()
    -- Keys that are renewed: the first pair is refused.
    local function renewable(fetch)
      return assert(require("eni6.aws.credentials").new({ access_key_id = "AKIDOLD", secret_access_key = SECRET },
        "the test", { fetch = fetch }))
    end
    local function key_of(request) return headers_of(request).authorization:match("Credential=(%w+)/") end
    local function fresh() return { access_key_id = "AKIDNEW", secret_access_key = SECRET, session_token = TOKEN } end

    it("gets new ones and asks again at once, whatever the operation", function()
      for _, code in ipairs({ "ExpiredToken", "ExpiredTokenException", "RequestExpired" }) do
        local fetched = 0
        local client, world = new(function(request)
          return key_of(request) == "AKIDOLD" and refuse(code, 400) or ok("AssignIpv6Addresses")
        end, { credentials = renewable(function()
          fetched = fetched + 1
          return fresh()
        end) })
        assert(client:AssignIpv6Addresses({ NetworkInterfaceId = "eni-1" }))
        assert(client:AssignIpv6Addresses({ NetworkInterfaceId = "eni-1" }))
        assert.same({ 3, 1 }, { #world.http.requests, fetched })
        assert.same({}, world.slept)
      end
    end)

    it("does so once", function()
      local client, world = new(function() return refuse("ExpiredToken", 400) end, { credentials = renewable(fresh) })
      local _, _, code = note(client:DescribeVpcs())
      assert.equal("ExpiredToken", code)
      assert.equal(2, #world.http.requests)
    end)

    it("does not where only a person could", function()
      local client, world = new(function() return refuse("ExpiredToken", 400) end)
      local _, message = note(client:DescribeVpcs())
      assert.matches("get a new session", message)
      assert.equal(1, #world.http.requests)
    end)

    it("tells why there are no new ones", function()
      local client, world = new(function() return refuse("ExpiredToken", 400) end,
        { credentials = renewable(function() return nil, "the vault is shut", "EVAULT" end) })
      local _, message, code, detail = note(client:TerminateInstances({ InstanceIds = { "i-1" } }))
      assert.equal("EVAULT", code)
      assert.matches("the vault is shut", message)
      assert.is_nil(detail.unknown)
      assert.equal(1, #world.http.requests)
    end)

    it("sets the clock first where that is wrong", function()
      local client, world = new(function(_, n)
        if n == 1 then return refuse("RequestExpired", 400, "old", { { "Date", "Wed, 15 Nov 2023 22:13:20 GMT" } }) end
        return ok("DescribeVpcs")
      end, { credentials = renewable(function() error("renewed") end) })
      assert(client:DescribeVpcs())
      assert.equal("AKIDOLD", key_of(world.http.requests[2]))
    end)
  end)

  describe("with a wrong clock", function()
    local late = { { "Date", "Wed, 15 Nov 2023 22:13:20 GMT" } } -- a day after ours

    it("takes the service's and asks again once", function()
      for _, code in ipairs({ "RequestExpired", "AuthFailure", "SignatureDoesNotMatch", "RequestTimeTooSkewed",
        "InvalidSignatureException" }) do
        local client, world = new(function(_, n) return n == 1 and refuse(code, 400, "old", late) or ok("DescribeVpcs") end)
        assert(client:DescribeVpcs())
        assert.equal("20231115T221320Z", headers_of(world.http.requests[2])["x-amz-date"])
        assert.same({}, world.slept)
        assert(client:DescribeVpcs())
        assert.equal("20231115T221320Z", headers_of(world.http.requests[3])["x-amz-date"])
      end
    end)

    it("gives up when that was not why", function()
      local client, world = new(function() return refuse("RequestExpired", 400, "old", late) end)
      local _, message, code = note(client:DescribeVpcs())
      assert.equal("RequestExpired", code)
      assert.matches("set this machine's clock", message)
      assert.equal(2, #world.http.requests)
    end)

    it("ends where the service's clock runs away", function()
      local client, world = new(function(request)
        local day = headers_of(request)["x-amz-date"]:sub(7, 8)
        return refuse("RequestExpired", 400, "", { { "Date", string.format("Wed, %02d Nov 2023 22:13:20 GMT", day + 1) } })
      end)
      assert.is_nil(client:DescribeVpcs())
      assert.equal(2, #world.http.requests)
    end)

    it("is not suspected while the service's agrees", function()
      local agreeing = { { "Date", "Tue, 14 Nov 2023 22:14:20 GMT" } }
      local client, world = new(function() return refuse("AuthFailure", 401, "no", agreeing) end)
      local _, message = note(client:DescribeVpcs())
      assert.equal(1, #world.http.requests)
      assert.matches("its credentials came from the environment (AWS_ACCESS_KEY_ID)", message, 1, true)
    end)
  end)

  describe("tells what is wrong and what to do:", function()
    local cases = {
      ["nothing listens"] = { unsent, "ECONNREFUSED", "nothing listens there; check that it is EC2's endpoint" },
      ["no such host"] = { function() return nil, "no such host", "ERESOLVE", { sent = false } end, "ERESOLVE",
        "https://ec2.us-east-1.amazonaws.com/ (from the region): no such host" },
      ["TLS failed"] = { function() return nil, "certificate", "ETLS", { sent = false } end, "ETLS", "AWS_CA_BUNDLE" },
      ["an HTML page"] = { function() return { body = "<!DOCTYPE html><html><title>Sign in</title></html>" } end, "HTMLResponse",
        "check that it is EC2's endpoint" },
      ["JSON and an error"] = { function() return { status = 404, body = '{"a":1}' } end, "InvalidResponse",
        "https://ec2.us-east-1.amazonaws.com/ (from the region): HTTP status 404" },
      ["JSON"] = { function() return { body = '{"a":1}' } end, "InvalidResponse", "check that it is EC2's endpoint" },
      ["a redirect"] = { function()
        return { status = 302, body = "<html></html>", headers = { { "Location", "https://x/" } } }
      end, "HTMLResponse", "it redirects to https://x/" },
      ["an expired session"] = { function() return refuse("ExpiredToken", 400) end, "ExpiredToken", "get a new session" },
      ["a wrong secret"] = { function() return refuse("SignatureDoesNotMatch", 403, "The request signature we calculated …") end,
        "SignatureDoesNotMatch", "secret" },
    }
    it("a signature that does not match, without the token that the service quotes", function()
      local quoted = "The request signature we calculated does not match.\n\nThe Canonical String for this request should have "
        .. "been\n'POST\n/\n\nhost:ec2.us-east-1.amazonaws.com\nx-amz-security-token:" .. TOKEN .. "x'\n"
      local client = new(function() return refuse("SignatureDoesNotMatch", 403, quoted) end)
      local _, message = note(client:DescribeVpcs())
      assert.matches("The request signature we calculated does not match. (SignatureDoesNotMatch", message, 1, true)
    end)

    for name, case in pairs(cases) do
      it(name, function()
        local client = new(case[1])
        local result, message, code = note(client:DescribeVpcs())
        assert.is_nil(result)
        assert.equal(case[2], code)
        assert.matches(case[3], message, 1, true)
      end)
    end
  end)

  describe("new", function()
    local function attempt(options, env)
      local world = fake.surroundings({ env = env or {} })
      options.getenv, options.read_file = world.getenv, world.read_file
      return note(ec2.new(options))
    end

    it("needs a region, an endpoint and settings that make sense", function()
      local function code_of(options, env) return (select(3, attempt(options, env))) end
      assert.equal("NoRegion", code_of({}))
      assert.equal("InvalidRegion", code_of({ region = "us-esat-1" }))
      assert.equal("InvalidEndpoint", code_of({ region = "us-east-1", endpoint = "localhost" }))
      assert.equal("ProfileNotFound", code_of({ region = "us-east-1", profile = "x" }))
      assert.equal("InvalidConfig", code_of({ region = "us-east-1" }, { AWS_MAX_ATTEMPTS = "x" }))
    end)

    it("looks for credentials at the first call", function()
      local client = assert(attempt({ region = "us-east-1", http = fake_http.new(function() error("sent") end) }))
      local result, message, code, detail = note(client:DescribeVpcs())
      assert.is_nil(result)
      assert.equal("NoCredentials", code)
      assert.matches("AWS_ACCESS_KEY_ID is not set", message)
      assert.equal(0, detail.attempts)
    end)

    it("raises for options that don't exist or fit, without showing them", function()
      assert.matches("^[^:]*client_spec.lua:%d+: no option reigon; did you mean region%?",
        raised(function() ec2.new({ reigon = SECRET }) end))
      assert.matches("bad value of option region %(a number%)", raised(function() ec2.new({ region = 1 }) end))
      assert.matches("bad value of option max_attempts", raised(function() ec2.new({ max_attempts = 0.5 }) end))
      assert.matches("options must be a table", raised(function() ec2.new("us-east-1") end))
    end)

    it("holds no secret of the files where one can look", function()
      local files = {
        ["/h/.aws/credentials"] = "[default]\naws_access_key_id = A\naws_secret_access_key = " .. SECRET
          .. "\naws_session_token = " .. TOKEN .. "\n",
      }
      local client, world = new(function() return ok("DescribeVpcs") end,
        { env = { HOME = "/h", AWS_REGION = "us-east-1" }, files = files })
      assert(client:DescribeVpcs())
      world.http.requests = nil -- what is sent holds the token
      note(client)
    end)

    it("shows region and endpoint in tostring", function()
      local client = new(function() return ok("DescribeVpcs") end)
      assert.equal("eni6.aws.ec2: us-east-1 at https://ec2.us-east-1.amazonaws.com/", note(tostring(client)))
    end)

    it("leaves a shared HTTP client open, and is itself closed for good", function()
      local client, world = new(function() return ok("DescribeVpcs") end)
      client:close()
      client:close()
      assert.is_nil(world.http.closed)
      assert.matches("the client is closed", raised(function() client:DescribeVpcs() end))
    end)
  end)
end)
