local sigv4 = require "eni6.sigv4"

local NOW = 1440938160
local TOKEN = "very/secret+token="

local function sign(changes, credentials)
  local fields = { access_key_id = "AKIDEXAMPLE", secret_access_key = "right", session_token = TOKEN,
    region = "us-east-1", service = "ec2" }
  for name, value in pairs(credentials or {}) do fields[name] = value end
  local request = { method = "POST", uri = "/?a=1", body = "x", time = NOW,
    headers = { { "Host", "h.example" }, { "Content-Type", "text/plain" } } }
  for name, value in pairs(changes or {}) do request[name] = value end
  local headers, stages = sigv4.new(fields):sign(request)
  request.headers, request.now = headers, NOW
  request.lookup = function() return { secret_access_key = "right", session_token = TOKEN } end
  return request, stages
end

--- The server's message for a request that `spoil` changed on its way.
local function explain(spoil, credentials)
  local request, stages = sign(nil, credentials)
  spoil(request)
  local _, message, code = sigv4.verify(request)
  assert.equal("SignatureDoesNotMatch", code)
  local explained = sigv4.explain_mismatch(message, stages)
  assert.is_nil(explained.message:find(TOKEN, 1, true))
  return explained
end

describe("sigv4.explain_mismatch", function()
  it("tells a wrong secret", function()
    local explained = explain(function() end, { secret_access_key = "wrong" })
    assert.equal("secret", explained.kind)
    assert.same({}, explained.differences)
    assert.truthy(explained.message:find("secret access key", 1, true))
  end)

  it("tells a request that changed, and what of it", function()
    local explained = explain(function(request) request.uri = "/other?a=2" end)
    assert.equal("canonicalisation", explained.kind)
    assert.same({
      { part = "path", ours = "/", theirs = "/other" }, { part = "query", ours = "a=1", theirs = "a=2" },
    }, explained.differences)
    assert.truthy(explained.message:find("query: we signed 'a=1', the server saw 'a=2'", 1, true))
  end)

  it("tells a header or body that changed, or a header that got lost", function()
    local explained = explain(function(request) request.headers[2][2] = "text/html" end)
    assert.same({ { part = "header content-type", ours = "text/plain", theirs = "text/html" } }, explained.differences)
    explained = explain(function(request) request.body = "y" end)
    assert.equal("payload hash", explained.differences[1].part)
    explained = explain(function(request) table.remove(request.headers, 2) end)
    assert.equal("header content-type", explained.differences[1].part)
    assert.is_nil(explained.differences[1].theirs)
    assert.equal("signed headers", explained.differences[2].part)
  end)

  it("masks session tokens", function()
    local _, stages = sign()
    local theirs = stages.canonical_request:gsub("very/secret%+token=", "other")
    local explained = sigv4.explain_mismatch(
      "The Canonical String for this request should have been\n'" .. theirs .. "'\n\n", stages)
    assert.same({ { part = "header x-amz-security-token", ours = "(18 bytes)", theirs = "(5 bytes)" } },
      explained.differences)
    stages = { canonical_request = "GET\n/\nX-Amz-Security-Token=abc&a=1\nhost:h\n\nhost\nx" }
    explained = sigv4.explain_mismatch("The Canonical String for this request should have been\n"
      .. "'GET\n/\nX-Amz-Security-Token=abc&a=2\nhost:h\n\nhost\nx'", stages)
    assert.equal("X-Amz-Security-Token=...&a=1", explained.differences[1].ours)
  end)

  it("tells another region, service or time", function()
    local _, stages = sign()
    local message = "The Canonical String for this request should have been\n'" .. stages.canonical_request
      .. "'\n\nThe String-to-Sign should have been\n'" .. stages.string_to_sign:gsub("us%-east%-1", "eu-west-1") .. "'\n"
    local explained = sigv4.explain_mismatch(message, stages)
    assert.equal("scope", explained.kind)
    assert.same({ { part = "scope", ours = "20150830/us-east-1/ec2/aws4_request",
      theirs = "20150830/eu-west-1/ec2/aws4_request" } }, explained.differences)
  end)

  it("reads S3's elements, with their entities", function()
    local stages = { canonical_request = "GET\n/\na=1&b=2\nhost:h\n\nhost\nx", string_to_sign = "s" }
    local body = "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>s</StringToSign><CanonicalRequest>"
      .. "GET&#10;/&#xA;a=1&amp;b=3\nhost:h\n\nhost\nx</CanonicalRequest></Error>"
    local explained = sigv4.explain_mismatch(body, stages)
    assert.same({ { part = "query", ours = "a=1&b=2", theirs = "a=1&b=3" } }, explained.differences)
  end)

  it("says so when the server told nothing", function()
    local _, stages = sign()
    local explained = sigv4.explain_mismatch("The request signature we calculated does not match.", stages)
    assert.equal("unknown", explained.kind)
  end)
end)
