-- STS without a socket: who is who, what is refused and with which code, and how EC2 takes keys that end.
require("eni6.sandbox.rocks").http()
local endpoint = require "eni6.sandbox.endpoint"
local genesis = require "eni6.sandbox.genesis"
local sigv4 = require "eni6.sigv4"
local world = require "eni6.sandbox.state.world"

local KEYS = { access_key_id = "AKIDTEST", secret_access_key = "not-secret" }
local ROLE = "arn:aws:iam::123456789012:role/r"

describe("the sandbox's STS", function()
  local now, one

  before_each(function()
    now = 1700000000
    local new = world.new { clock = function() return now end, seed = 1 }
    genesis(new)
    one = endpoint.new(new, KEYS)
  end)

  local function body_of(action, version, params)
    local parts = { "Action=" .. action, "Version=" .. version }
    for name, value in pairs(params or {}) do parts[#parts + 1] = name .. "=" .. sigv4.uri_encode(tostring(value)) end
    return table.concat(parts, "&")
  end

  local function call(service, action, params, keys)
    keys = keys or KEYS
    local body = body_of(action, service == "sts" and "2011-06-15" or "2016-11-15", params)
    local headers = sigv4.new({ access_key_id = keys.access_key_id, secret_access_key = keys.secret_access_key,
      session_token = keys.session_token, region = "us-east-1", service = service })
      :sign { method = "POST", uri = "/", headers = { { "Host", "localhost" } }, body = body, time = now }
    return one:answer { method = "POST", target = "/", headers = headers, body = body }
  end

  local function sts(action, params, keys) return call("sts", action, params, keys) end

  local function keys_in(answer)
    assert.equal(200, answer.status, answer.body)
    return { access_key_id = answer.body:match("<AccessKeyId>(.-)<"),
      secret_access_key = answer.body:match("<SecretAccessKey>(.-)<"), session_token = answer.body:match("<SessionToken>(.-)<") }
  end

  local function assume(params, keys)
    local all = { RoleArn = ROLE, RoleSessionName = "me" }
    for name, value in pairs(params or {}) do all[name] = value end
    return sts("AssumeRole", all, keys)
  end

  local function arn(keys) return sts("GetCallerIdentity", {}, keys).body:match("<Arn>(.-)</Arn>") end

  local function assert_refused(status, code, answer)
    assert.same({ status, code }, { answer.status, answer.code }, answer.body)
  end

  it("tells who asks", function()
    assert.equal("arn:aws:iam::123456789012:user/sandbox", arn())
    assert.equal("arn:aws:sts::123456789012:assumed-role/r/me", arn(keys_in(assume())))
    assert.equal("arn:aws:iam::123456789012:user/sandbox", arn(keys_in(sts("GetSessionToken"))))
  end)

  it("answers in the query protocol", function()
    local answer = sts("GetCallerIdentity")
    assert.matches('^<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011%-06%-15/"><GetCallerIdentityResult>',
      answer.body)
    assert.matches("<ResponseMetadata><RequestId>[%x-]+</RequestId></ResponseMetadata></GetCallerIdentityResponse>$", answer.body)
    assert.matches("<ErrorResponse .*<Type>Sender</Type><Code>InvalidAction</Code>", sts("Nothing").body)
  end)

  it("gives keys that EC2 takes until they end", function()
    local keys = keys_in(assume { DurationSeconds = 900 })
    assert.equal(200, call("ec2", "DescribeVpcs", {}, keys).status)
    now = now + 899
    assert.equal(200, call("ec2", "DescribeVpcs", {}, keys).status)
    now = now + 1
    assert_refused(400, "RequestExpired", call("ec2", "DescribeVpcs", {}, keys))
    assert_refused(403, "ExpiredToken", sts("GetCallerIdentity", {}, keys))
    one.identities:set { lenient = true }
    assert.equal(200, call("ec2", "DescribeVpcs", {}, keys).status)
    one.identities:set { lenient = false }
    now = now + 3601
    assume()
    assert_refused(401, "AuthFailure", call("ec2", "DescribeVpcs", {}, keys)) -- forgotten
  end)

  it("refuses keys that nobody has, or whose token is another's", function()
    local keys = keys_in(assume())
    keys.session_token = "another"
    assert_refused(403, "InvalidClientTokenId", sts("GetCallerIdentity", {}, keys))
    assert_refused(401, "AuthFailure", call("ec2", "DescribeVpcs", {}, keys))
    keys.session_token = nil
    assert_refused(403, "InvalidClientTokenId", sts("GetCallerIdentity", {}, keys))
    local function by(id) return sts("GetCallerIdentity", {}, { access_key_id = id, secret_access_key = "x" }) end
    assert_refused(403, "InvalidClientTokenId", by "AKIDNONE")
    assert_refused(403, "SignatureDoesNotMatch", by "AKIDTEST")
  end)

  it("demands what a role demands", function()
    one.identities:set { roles = { r = { external_id = "x", mfa_serial = "m" } } }
    assert_refused(403, "AccessDenied", assume())
    assert_refused(403, "AccessDenied", assume { ExternalId = "x" })
    assert_refused(403, "AccessDenied", assume { ExternalId = "x", SerialNumber = "m", TokenCode = "000000" })
    assert.equal(200, assume({ ExternalId = "x", SerialNumber = "m", TokenCode = "123456" }).status)
    assert_refused(403, "AccessDenied", assume { RoleArn = "arn:aws:iam::999999999999:role/r" })
    assert_refused(400, "ValidationError", assume { RoleArn = "r" })
    assert_refused(400, "ValidationError", assume { RoleSessionName = "a b" })
    assert_refused(400, "ValidationError", assume { DurationSeconds = 899 })
    assert_refused(400, "MissingParameter", sts("AssumeRole", { RoleArn = ROLE }))
  end)

  it("gives roles in a chain an hour, and a session no session", function()
    one.identities:set { roles = {} }
    local keys = keys_in(assume())
    assert_refused(400, "ValidationError", assume({ DurationSeconds = 3601 }, keys))
    assert.equal(200, assume({}, keys).status)
    assert_refused(403, "AccessDenied", sts("GetSessionToken", {}, keys))
  end)

  it("takes web identities unsigned", function()
    local function ask(token)
      local body = body_of("AssumeRoleWithWebIdentity", "2011-06-15",
        { RoleArn = ROLE, RoleSessionName = "me", WebIdentityToken = token })
      return one:answer { method = "POST", target = "/", headers = { { "Host", "localhost" } }, body = body }
    end
    assert.equal("arn:aws:sts::123456789012:assumed-role/r/me", arn(keys_in(ask "sandbox-web-identity")))
    assert_refused(400, "InvalidIdentityToken", ask "another")
    local unsigned = one:answer { method = "POST", target = "/", headers = { { "Host", "localhost" } },
      body = body_of("GetCallerIdentity", "2011-06-15") }
    assert_refused(403, "MissingAuthenticationToken", unsigned)
  end)
end)
