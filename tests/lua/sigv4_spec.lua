local sigv4 = require "eni6.sigv4"

-- AWS's published test suite for Signature Version 4: one time, one key.
local TIME = 1440938160 -- 2015-08-30T12:36:00Z
local SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
local TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"

local function new_signer(changes)
  local fields = {
    access_key_id = "AKIDEXAMPLE", secret_access_key = SECRET, region = "us-east-1", service = "service",
  }
  for name, value in pairs(changes or {}) do fields[name] = value end
  return sigv4.new(fields)
end

local function request(changes)
  local fields = {
    method = "GET", uri = "/", headers = { { "Host", "example.amazonaws.com" } }, time = TIME,
  }
  for name, value in pairs(changes or {}) do fields[name] = value end
  return fields
end

local function with_header(name, ...)
  local headers = { { "Host", "example.amazonaws.com" } }
  for _, value in ipairs { ... } do headers[#headers + 1] = { name, value } end
  return headers
end

local function value_of(headers, name)
  local found
  for _, pair in ipairs(headers) do
    if pair[1]:lower() == name:lower() then
      assert.is_nil(found, name .. " is there twice")
      found = pair[2]
    end
  end
  return found
end

local function signature_of(changes, credentials)
  local _, stages = new_signer(credentials):sign(request(changes))
  return stages.signature
end

describe("AWS's published header signatures", function()
  local cases = {
    { "get-vanilla", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-header-key-duplicate", { headers = with_header("My-Header1", "value2", "value2", "value1") },
      "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
    { "get-header-value-multiline", { headers = with_header("My-Header1", "value1\n  value2\n     value3") },
      "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd" },
    { "get-header-value-order", { headers = with_header("My-Header1", "value4", "value1", "value3", "value2") },
      "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01" },
    { "get-header-value-trim", { headers = {
      { "Host", "example.amazonaws.com" }, { "My-Header1", " value1" }, { "My-Header2", ' "a   b   c"' } } },
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
    { "get-utf8", { uri = "/\225\136\180" },
      "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
    { "get-vanilla-empty-query-key", { uri = "/?Param1=value1" },
      "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
    { "get-vanilla-query-order-encoded", { uri = "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1" },
      "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac" },
    { "get-relative-relative-unnormalized", { uri = "/example1/example2/../..", normalize_path = false },
      "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function() assert.equal(case[3], signature_of(case[2])) end)
  end

  it("get-vanilla-with-session-token", function()
    assert.equal("07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
      signature_of({}, { session_token = TOKEN }))
  end)

  it("answers the headers to send, in order, the signer's own after the caller's", function()
    local headers = new_signer():sign(request())
    assert.same({
      { "Host", "example.amazonaws.com" },
      { "X-Amz-Date", "20150830T123600Z" },
      { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        .. "SignedHeaders=host;x-amz-date, "
        .. "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    }, headers)
    assert.is_nil(value_of(headers, "x-amz-security-token"))
  end)
end)
