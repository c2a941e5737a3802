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
    { "get-relative-normalized", { uri = "/example/.." },
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-slash-dot-slash-normalized", { uri = "/./" },
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-slashes-normalized", { uri = "//example//" },
      "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84" },
    { "get-space-normalized", { uri = "/example space/" },
      "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741" },
    { "get-unreserved",
      { uri = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
      "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
    { "get-vanilla-query-order-key-case", { uri = "/?Param2=value2&Param1=value1" },
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
    { "get-vanilla-query-unreserved",
      { uri = "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
        .. "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
      "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
    { "get-vanilla-utf8-query", { uri = "/?\225\136\180=bar" },
      "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
    { "post-vanilla", { method = "POST" },
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
    { "post-header-key-sort", { method = "POST", headers = with_header("My-Header1", "value1") },
      "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
    { "post-vanilla-query", { method = "POST", uri = "/?Param1=value1" },
      "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
    { "post-x-www-form-urlencoded", { method = "POST", body = "Param1=value1",
        headers = with_header("Content-Type", "application/x-www-form-urlencoded") },
      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
    { "IAM's ListUsers", { uri = "/?Action=ListUsers&Version=2010-05-08", headers = {
        { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" }, { "Host", "iam.amazonaws.com" } } },
      "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", { service = "iam" } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function() assert.equal(case[3], signature_of(case[2], case[4])) end)
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

describe("AWS's published examples for S3", function()
  local EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  local signer = sigv4.new {
    access_key_id = "AKIAIOSFODNN7EXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    region = "us-east-1", service = "s3",
  }
  local function s3_request(changes)
    local fields = {
      method = "GET", uri = "/", time = 1369353600, sign_body = true, normalize_path = false, double_encode = false,
      headers = { { "Host", "examplebucket.s3.amazonaws.com" } },
    }
    for name, value in pairs(changes) do fields[name] = value end
    return fields
  end
  local function s3_signature(changes)
    local headers, stages = signer:sign(s3_request(changes))
    return stages.signature, value_of(headers, "x-amz-content-sha256")
  end

  it("GET Object", function()
    local signature, hash = s3_signature { uri = "/test.txt", headers = {
      { "Host", "examplebucket.s3.amazonaws.com" }, { "Range", "bytes=0-9" } } }
    assert.equal("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", signature)
    assert.equal(EMPTY, hash)
  end)

  it("PUT Object", function()
    local signature, hash = s3_signature { method = "PUT", uri = "/test%24file.text", body = "Welcome to Amazon S3.",
      headers = { { "Host", "examplebucket.s3.amazonaws.com" }, { "Date", "Fri, 24 May 2013 00:00:00 GMT" },
        { "x-amz-storage-class", "REDUCED_REDUNDANCY" } } }
    assert.equal("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", signature)
    assert.equal("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", hash)
  end)

  it("GET Bucket Lifecycle", function()
    assert.equal("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
      (s3_signature { uri = "/?lifecycle" }))
  end)

  it("List Objects", function()
    assert.equal("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
      (s3_signature { uri = "/?max-keys=2&prefix=J" }))
  end)

  it("a presigned GET", function()
    local uri, stages = signer:presign(s3_request {
      uri = "/test.txt", sign_body = false, unsigned_payload = true, expires = 86400 })
    assert.equal("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", stages.signature)
    assert.equal("/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
      .. "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
      .. "&X-Amz-SignedHeaders=host&X-Amz-Signature=" .. stages.signature, uri)
  end)
end)

--- The lines of the canonical request of a changed request.
local function canonical_lines(changes, credentials)
  local _, stages = new_signer(credentials):sign(request(changes))
  local lines = {}
  for line in (stages.canonical_request .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  return lines, stages.canonical_request
end

local function canonical_header(name, ...)
  for _, line in ipairs((canonical_lines { headers = with_header(name, ...) })) do
    local value = line:match("^" .. name:lower():gsub("%-", "%%-") .. ":(.*)$")
    if value then return value end
  end
end

describe("the canonical query", function()
  local function query(text) return canonical_lines({ uri = "/?" .. text })[3] end

  it("is sorted by encoded name, then by encoded value", function()
    assert.equal("Param=2&Param-3=1", query "Param-3=1&Param=2")
    assert.equal("a=1&a=2&a%2B=0&aa=0", query "aa=0&a%2b=0&a=2&a=1")
    assert.equal("B=1&a=1&b=1", query "b=1&a=1&B=1")
  end)
  it("keeps repeated and valueless names", function()
    assert.equal("k=&k=&k=1", query "k&k=1&k=")
    assert.equal("=&=v", query "=v&=")
  end)
  it("takes a plus for a plus", function() assert.equal("a=1%2B2%20", query "a=1+2%20") end)
  it("encodes once, whatever came encoded", function()
    assert.equal("a%2Fb=c%3Ad%25%C3%A9", query "a/b=c%3ad%25\195\169")
  end)
  it("refuses a percent sign that starts no escape", function()
    assert.has_error(function() query "a=100%" end)
    assert.has_error(function() query "%zz=1" end)
  end)
end)

describe("the canonical path", function()
  local function path(uri, changes)
    local fields = { uri = uri }
    for name, value in pairs(changes or {}) do fields[name] = value end
    return canonical_lines(fields)[2]
  end

  it("is encoded once more, but once for S3", function()
    assert.equal("/a%2520b", path "/a%20b")
    assert.equal("/a%20b", path("/a%20b", { double_encode = false }))
    assert.equal("/a%40b", path("/a@b", { double_encode = false }))
  end)
  it("is resolved, but not for S3", function()
    assert.equal("/b/", path "/a//.././b/")
    assert.equal("/a//.././b/", path("/a//.././b/", { normalize_path = false }))
  end)
  it("never takes an escaped slash or dot for a bare one", function()
    assert.equal("/a%252F..%252Fb", path "/a%2F..%2Fb")
    assert.equal("/a%2F..%2Fb", path("/a%2f..%2fb", { double_encode = false }))
  end)
  it("is / when there is none", function()
    assert.equal("/", path "")
    assert.equal("/", path "?a")
  end)
end)

describe("canonical headers", function()
  it("are trimmed, with one space for each run, in quotes too", function()
    assert.equal('a b "c d"', canonical_header("X-A", '  a \t b   "c   d" '))
    assert.equal("", canonical_header("X-A", "   "))
  end)
  it("join folded lines with one space", function()
    assert.equal("a b c", canonical_header("X-A", "a\r\n b\n\t  c"))
    local headers = new_signer():sign(request { headers = with_header("X-A", "a\r\n b\n\t  c") })
    assert.equal("a b c", value_of(headers, "X-A"))
  end)
  it("join repeats with commas, in their order, whatever the case of the name", function()
    local lines, text = canonical_lines { headers = {
      { "X-A", " 2" }, { "Host", "h" }, { "x-a", "1 " }, { "X-a", "" }, { "Z", "z" } } }
    assert.equal("x-a:2,1,", lines[5])
    assert.truthy(text:find("\nhost;x-a;x-amz-date;z\n", 1, true))
  end)
  it("are sorted by byte", function()
    local _, text = canonical_lines { headers = {
      { "A_b", "1" }, { "A-b", "1" }, { "Ab", "1" }, { "A", "1" }, { "Host", "h" } } }
    assert.truthy(text:find("\na;a-b;a_b;ab;host;x-amz-date\n", 1, true))
  end)
  it("leave out those that change on the way, which are sent nevertheless", function()
    local list = { { "Host", "h" } }
    for i, name in ipairs { "Connection", "User-Agent", "Expect", "TE", "Trailer", "Transfer-Encoding",
      "X-Amzn-Trace-Id" } do
      list[i + 1] = { name, "x" }
    end
    local headers, stages = new_signer():sign(request { headers = list })
    assert.truthy(stages.canonical_request:find("\nhost;x-amz-date\n", 1, true))
    assert.equal(#list + 2, #headers)
  end)
  it("come from a map as well, sent in the order of their names", function()
    local map, expected = { Host = "h", ["Content-Length"] = 3 }, { { "Content-Length", "3" }, { "Host", "h" } }
    for i = 1, 20 do
      map["x" .. i + 10] = "v"
      expected[i + 2] = { "x" .. i + 10, "v" }
    end
    local headers = new_signer():sign(request { headers = map })
    assert.same(expected, { table.unpack(headers, 1, 22) })
  end)
  it("drop the default port of the scheme from Host", function()
    local function host(value, scheme)
      local headers, stages = new_signer():sign(request { headers = { Host = value }, scheme = scheme })
      assert.truthy(stages.canonical_request:find("\nhost:" .. value_of(headers, "host") .. "\n", 1, true))
      return value_of(headers, "host")
    end
    assert.equal("a.b", host "a.b:443")
    assert.equal("a.b", host " a.b:443 ")
    assert.equal("a.b:80", host "a.b:80")
    assert.equal("a.b", host("a.b:80", "http"))
    assert.equal("a.b:8443", host "a.b:8443")
    assert.equal("[2001:db8::1]", host "[2001:db8::1]:443")
    assert.equal("[2001:db8::443]", host "[2001:db8::443]")
    assert.equal("2001:db8::443", host "2001:db8::443")
  end)
end)

describe("the payload", function()
  local UNSIGNED = "UNSIGNED-PAYLOAD"
  local HASH_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

  it("is the hash of what is sent", function()
    local lines = canonical_lines { body = "x" }
    assert.equal(HASH_OF_X, lines[#lines])
  end)
  it("goes along when asked", function()
    local headers, stages = new_signer():sign(request { body = "x", sign_body = true })
    assert.equal(HASH_OF_X, value_of(headers, "x-amz-content-sha256"))
    assert.truthy(stages.canonical_request:find("\nx-amz-content-sha256:" .. HASH_OF_X .. "\n", 1, true))
  end)
  it("is left out when asked, and said so", function()
    local headers, stages = new_signer():sign(request { body = "x", unsigned_payload = true })
    assert.equal(UNSIGNED, value_of(headers, "x-amz-content-sha256"))
    assert.equal(UNSIGNED, stages.canonical_request:match("[^\n]*$"))
  end)
  it("of a presigned URI is hashed too, unless asked otherwise", function()
    local _, stages = new_signer():presign(request { method = "PUT", body = "x" })
    assert.equal(HASH_OF_X, stages.canonical_request:match("[^\n]*$"))
    _, stages = new_signer():presign(request { unsigned_payload = true })
    assert.equal(UNSIGNED, stages.canonical_request:match("[^\n]*$"))
    local uri = new_signer():presign(request { body = "x", sign_body = true })
    assert.truthy(uri:find("&X-Amz-Content-Sha256=" .. HASH_OF_X .. "&", 1, true))
  end)
  it("may be declared by the caller, and is compared with the body if there is one", function()
    local function declared(value, body)
      local headers, stages = new_signer():sign(request {
        body = body, headers = with_header("X-Amz-Content-Sha256", value) })
      assert.equal(value, value_of(headers, "x-amz-content-sha256"))
      return stages.canonical_request:match("[^\n]*$")
    end
    assert.equal(HASH_OF_X, declared(HASH_OF_X))
    assert.equal(HASH_OF_X, declared(HASH_OF_X, "x"))
    assert.equal("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", declared("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x"))
    assert.has_error(function() declared(HASH_OF_X, "y") end)
    assert.has_error(function() declared("none") end)
  end)
end)

describe("the session token", function()
  it("is sent and signed", function()
    local headers, stages = new_signer({ session_token = TOKEN }):sign(request())
    assert.equal(TOKEN, value_of(headers, "x-amz-security-token"))
    assert.truthy(stages.canonical_request:find("\nx-amz-security-token:" .. TOKEN .. "\n", 1, true))
  end)
  it("is sent but not signed when asked", function()
    local headers, stages = new_signer({ session_token = TOKEN }):sign(request { omit_session_token = true })
    assert.equal(TOKEN, value_of(headers, "x-amz-security-token"))
    assert.equal(signature_of {}, stages.signature)
  end)
  it("stands in a presigned URI, before the signature, signed or not", function()
    local signer = new_signer { session_token = "a/b+c=" }
    local uri, stages = signer:presign(request())
    assert.truthy(uri:find("&X-Amz-Security-Token=a%2Fb%2Bc%3D&X-Amz-Signature=" .. stages.signature, 1, true))
    assert.truthy(stages.canonical_request:find("X-Amz-Security-Token=a%2Fb%2Bc%3D", 1, true))
    local unsigned, other = signer:presign(request { omit_session_token = true })
    assert.truthy(unsigned:find("X-Amz-Security-Token=a%2Fb%2Bc%3D&X-Amz-Signature=", 1, true))
    assert.is_nil(other.canonical_request:find("Security", 1, true))
  end)
  it("is none when empty", function()
    local headers = new_signer({ session_token = "" }):sign(request())
    assert.is_nil(value_of(headers, "x-amz-security-token"))
  end)
end)

describe("misuse", function()
  local function fails(changes, word, method)
    local signer = new_signer { session_token = TOKEN }
    local ok, message = pcall(signer[method or "sign"], signer, request(changes))
    assert.is_false(ok, "no error that speaks of " .. word)
    assert.truthy(message:find(word, 1, true), message)
    assert.is_nil(message:find(SECRET, 1, true))
    assert.is_nil(message:find(TOKEN, 1, true))
  end

  it("is a header that the signer sets itself", function()
    for _, name in ipairs { "Authorization", "X-Amz-Date", "x-amz-security-token", "X-Amz-Signature",
      "X-Amz-Credential", "X-Amz-Algorithm", "X-Amz-SignedHeaders", "X-Amz-Expires" } do
      fails({ headers = with_header(name, TOKEN) }, name)
      fails({ headers = with_header(name, TOKEN) }, name, "presign")
    end
    fails({ headers = with_header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), sign_body = true }, "x-amz-content-sha256")
  end)
  it("is a parameter that the signer sets itself", function()
    for _, method in ipairs { "sign", "presign" } do
      fails({ uri = "/?a=1&X-Amz-Signature=" .. TOKEN }, "X-Amz-Signature", method)
      fails({ uri = "/?x-amz-date=1" }, "x-amz-date", method)
      fails({ uri = "/?X-Amz-%44ate=1" }, "X-Amz-Date", method)
    end
    assert.truthy(signature_of { uri = "/?authorization=1&host=2" })
  end)
  it("is a missing, empty or second Host", function()
    fails({ headers = {} }, "Host")
    fails({ headers = { { "X-A", "b" } } }, "Host")
    fails({ headers = { { "Host", " " } } }, "Host")
    fails({ headers = { { "Host", "a \n " } } }, "Host")
    fails({ headers = { { "Host", "a b" } } }, "Host")
    fails({ headers = { { "Host", "a" }, { "host", "a" } } }, "Host")
  end)
  it("is a header with bytes that split it", function()
    fails({ headers = with_header("X-A", "a\r\nX-B: c") }, "X-A")
    fails({ headers = with_header("X-A", "a\n") }, "X-A")
    fails({ headers = with_header("X-A", "a\r b") }, "X-A")
    fails({ headers = with_header("X-A", "a\0b") }, "X-A")
    fails({ headers = with_header("X A", "a") }, "name")
    fails({ headers = with_header("X-A:", "a") }, "name")
    fails({ headers = with_header("X-\r\nA", "a") }, "name")
    fails({ headers = with_header("", "a") }, "name")
    fails({ headers = { { "Host", "a" }, "X-A: b" } }, "headers")
    fails({ headers = { { "Host", "a" }, { "X-A" } } }, "headers")
    fails({ headers = { Host = true } }, "headers")
    fails({ headers = "Host: a" }, "headers")
  end)
  it("is any control character, wherever it stands", function()
    local signer = new_signer()
    for place = 1, 20 do
      for byte = 0, 255 do
        local value = ("x"):rep(place - 1) .. string.char(byte) .. ("x"):rep(20 - place)
        local ok = pcall(signer.sign, signer, request { headers = with_header("X-A", value) })
        local control = (byte < 32 and byte ~= 9) or byte == 127
        assert.equal(not control, ok, "byte " .. byte .. " at " .. place)
      end
    end
  end)
  it("is a target that cannot be sent", function()
    fails({ uri = "/a\r\nX: y" }, "uri")
    fails({ uri = "/a#b" }, "uri")
    fails({ uri = "https://example.com/" }, "uri")
    fails({ uri = 1 }, "uri")
    fails({ method = "GET /\r\n" }, "method")
    fails({ method = "" }, "method")
    fails({ method = false }, "method")
    fails({ body = {} }, "body")
    fails({ scheme = "ftp" }, "scheme")
  end)
  it("is a field that nobody knows", function()
    fails({ unsigned_paylod = true }, "unsigned_paylod")
    fails({ [1] = "GET" }, "1")
    fails({ [true] = "GET" }, "field")
    fails({ sign_body = 1 }, "sign_body")
    fails({ payload_hash = ("0"):rep(64) }, "payload_hash")
    fails({ signed_headers = "host" }, "signed_headers")
  end)
  it("is a time out of range", function()
    for _, time in ipairs { -1, 253402300800, 1e300, -1e300, 0 / 0 } do fails({ time = time }, "time") end
    fails({ time = "now" }, "time")
    for _, expires in ipairs { 0, 604801, -1, 1e300, 0 / 0 } do fails({ expires = expires }, "expires", "presign") end
  end)
  it("is a field of the credentials that is missing or malformed", function()
    for _, field in ipairs { "access_key_id", "secret_access_key", "region", "service" } do
      for _, wrong in ipairs { "", "with space", "line\n", false } do
        local ok, message = pcall(new_signer, { [field] = wrong })
        assert.is_false(ok)
        assert.truthy(message:find(field, 1, true), message)
      end
    end
  end)
end)

describe("a signer", function()
  it("takes seconds with a fraction, and the clock's when none are given", function()
    assert.equal(signature_of { time = TIME }, signature_of { time = TIME + 0.999 })
    local signer = new_signer()
    signer:sign(request { time = 0 })
    assert.equal(signature_of {}, select(2, signer:sign(request())).signature)
    local before = os.time()
    local headers = new_signer():sign { method = "GET", uri = "/", headers = { Host = "h" } }
    local stamp = value_of(headers, "x-amz-date")
    assert.is_true(stamp >= os.date("!%Y%m%dT%H%M%SZ", before) and stamp <= os.date("!%Y%m%dT%H%M%SZ"))
  end)
  it("shows nothing but the access key id", function()
    local signer = new_signer { session_token = TOKEN }
    assert.equal("eni6.signer (AKIDEXAMPLE)", tostring(signer))
    signer:close()
    assert.equal("eni6.signer (closed)", tostring(signer))
  end)
  it("answers three stages and nothing else", function()
    local _, stages = new_signer():sign(request())
    local names = {}
    for name in pairs(stages) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "canonical_request", "signature", "string_to_sign" }, names)
    assert.is_nil(stages.secret)
    assert.is_nil(stages[1])
  end)
  it("can be closed twice, and not be used afterwards", function()
    local signer = new_signer()
    signer:close()
    signer:close()
    assert.has_error(function() signer:sign(request()) end)
    assert.has_error(function() signer:presign(request()) end)
    assert.has_error(function() signer:signature("a\nb\nc") end)
  end)
  it("leaves the caller's tables alone, and answers with the pairs that stay as they are", function()
    local fields = request { headers = { { "Host", "h:443" }, { "X-A", "b" }, { "X-B", "c\n d" } } }
    local headers = new_signer():sign(fields)
    assert.same({ { "Host", "h:443" }, { "X-A", "b" }, { "X-B", "c\n d" } }, fields.headers)
    assert.same({ { "Host", "h" }, { "X-A", "b" }, { "X-B", "c d" } }, { table.unpack(headers, 1, 3) })
    assert.equal(fields.headers[2], headers[2])
  end)
  it("refuses to mix its results with those of a finaliser that uses or closes it meanwhile", function()
    local signer, uses = nil, 0
    local finaliser = { __gc = function()
      uses = uses + 1
      if uses % 100 == 0 then signer:close() end
      pcall(signer.sign, signer, request { headers = with_header("X-A", ("b"):rep(uses)) })
    end }
    local outcomes = {}
    for _ = 1, 4000 do
      signer = new_signer { session_token = TOKEN }
      for _ = 1, 3 do setmetatable({}, finaliser) end
      local ok, headers, stages = pcall(signer.sign, signer, request())
      outcomes[ok and "done" or headers:match("finaliser") or headers:match("closed")] = true
      if ok then
        assert.equal("07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8", stages.signature)
        assert.equal(TOKEN, value_of(headers, "x-amz-security-token"))
      end
    end
    assert.is_true(uses > 0)
    assert.is_true(outcomes.done)
    assert.is_true(outcomes.finaliser)
  end)
end)

describe("the stages", function()
  it("give together what sign gives", function()
    local signer = new_signer()
    local headers, stages = signer:sign(request { uri = "/a/../b?c=d", body = "x" })
    local canonical_request = sigv4.canonical_request {
      method = "GET", uri = "/a/../b?c=d", headers = headers, body = "x" }
    assert.equal(stages.canonical_request, canonical_request)
    local string_to_sign = sigv4.string_to_sign {
      canonical_request = canonical_request, time = TIME, region = "us-east-1", service = "service" }
    assert.equal(stages.string_to_sign, string_to_sign)
    assert.equal(stages.signature, signer:signature(string_to_sign))
  end)
  it("take a list of the headers to sign, and a payload's hash", function()
    local text = sigv4.canonical_request { method = "GET", uri = "/", payload_hash = "HASH",
      headers = { { "Host", "h" }, { "User-Agent", "u" }, { "X-A", "b" } }, signed_headers = "host;user-agent" }
    assert.equal("GET\n/\n\nhost:h\nuser-agent:u\n\nhost;user-agent\nHASH", text)
  end)
  it("raise for a malformed request", function()
    assert.has_error(function() sigv4.canonical_request { method = "GET", uri = "/?%", headers = {} } end)
  end)
  it("offer the encoding", function()
    assert.equal("a%2Fb%20%C3%A9~", sigv4.uri_encode("a/b \195\169~"))
    assert.equal("a/b", sigv4.uri_encode("a/b", true))
  end)
end)
