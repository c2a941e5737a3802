local sigv4 = require "eni6.sigv4"

local NOW = 1440938160 -- 2015-08-30T12:36:00Z
local SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session/token+1="

local function signer_of(changes)
  local fields = {
    access_key_id = "AKIDEXAMPLE", secret_access_key = SECRET, region = "us-east-1", service = "ec2",
  }
  for name, value in pairs(changes or {}) do fields[name] = value end
  return sigv4.new(fields)
end

local function base_request(changes)
  local fields = {
    method = "POST", uri = "/path?b=2&a=1", body = "Action=DescribeVpcs", time = NOW,
    headers = { { "Host", "ec2.example" }, { "Content-Type", "application/x-www-form-urlencoded" } },
  }
  for name, value in pairs(changes or {}) do fields[name] = value end
  return fields
end

local function known(id) return id == "AKIDEXAMPLE" and SECRET or nil end

--- The request signed in its headers, as received; `changes` are those of signing.
local function signed(changes, credentials)
  local request = base_request(changes)
  request.headers = signer_of(credentials):sign(request)
  request.now, request.lookup = NOW, known
  return request
end

local function presigned(changes, credentials)
  local request = base_request(changes)
  request.uri = signer_of(credentials):presign(request)
  request.now, request.lookup = NOW, known
  return request
end

local function set_header(request, name, value)
  for i, pair in ipairs(request.headers) do
    if pair[1]:lower() == name:lower() then
      if value then pair[2] = value else table.remove(request.headers, i) end
      return
    end
  end
  request.headers[#request.headers + 1] = { name, value }
end

local function edit_authorization(request, pattern, replacement)
  for _, pair in ipairs(request.headers) do
    if pair[1] == "Authorization" then
      local text, count = pair[2]:gsub(pattern, replacement)
      assert(count == 1, pattern .. " is not in " .. pair[2])
      pair[2] = text
    end
  end
  return request
end

local function refused(code, request, word)
  local ok, message, actual, detail = sigv4.verify(request)
  assert.is_nil(ok)
  assert.equal(code, actual, message)
  if word then assert.truthy(message:find(word, 1, true), message) end
  assert.is_nil(message:find(SECRET, 1, true))
  return detail, message
end

describe("sigv4.verify", function()
  for form, make in pairs { header = signed, presigned = presigned } do
    describe("of the " .. form .. " form", function()
      it("accepts, and says who", function()
        local ok, identity = sigv4.verify(make())
        assert.is_true(ok)
        assert.same({
          access_key_id = "AKIDEXAMPLE", date = "20150830", region = "us-east-1", service = "ec2",
          presigned = form == "presigned",
        }, identity)
      end)

      it("accepts headers as a map", function()
        local request = make()
        local map = {}
        for _, pair in ipairs(request.headers) do map[pair[1]] = pair[2] end
        request.headers = map
        assert.is_true((sigv4.verify(request)))
      end)

      it("refuses a tampered method, path, query, header or body", function()
        for field, value in pairs { method = "PUT", body = "Action=TerminateInstances" } do
          local request = make()
          request[field] = value
          refused("SignatureDoesNotMatch", request)
        end
        local request = make()
        request.uri = "/other" .. request.uri
        refused("SignatureDoesNotMatch", request)
        request = make()
        request.uri = request.uri .. "&c=3"
        refused("SignatureDoesNotMatch", request)
        request = make()
        set_header(request, "content-type", "text/plain")
        refused("SignatureDoesNotMatch", request)
        request = make()
        set_header(request, "host", "other.example")
        refused("SignatureDoesNotMatch", request)
      end)

      it("tells what it computed, but not the signature", function()
        local request = make()
        request.body = "other"
        local detail, message = refused("SignatureDoesNotMatch", request, "The Canonical String for this request")
        assert.truthy(message:find(detail.canonical_request, 1, true))
        assert.truthy(detail.string_to_sign:find("AWS4-HMAC-SHA256\n20150830T123600Z\n", 1, true))
        local signer = signer_of()
        assert.is_nil(message:find(signer:signature(detail.string_to_sign), 1, true))
      end)

      it("refuses a wrong secret and an unknown key", function()
        refused("SignatureDoesNotMatch", make(nil, { secret_access_key = "wrong" }))
        refused("AuthFailure", make(nil, { access_key_id = "AKIDOTHER" }))
      end)

      it("compares the session token with that of the key", function()
        local function lookup() return { secret_access_key = SECRET, session_token = TOKEN } end
        local request = make(nil, { session_token = TOKEN })
        request.lookup = lookup
        local ok, identity = sigv4.verify(request)
        assert.is_true(ok)
        assert.equal(TOKEN, identity.session_token)
        refused("InvalidClientTokenId", make(nil, { session_token = TOKEN }))
        request = make()
        request.lookup = lookup
        refused("InvalidClientTokenId", request)
        request = make(nil, { session_token = TOKEN .. "x" })
        request.lookup = lookup
        refused("InvalidClientTokenId", request)
      end)

      it("accepts a session token that was not signed", function()
        local request = make({ omit_session_token = true }, { session_token = TOKEN })
        request.lookup = function() return { secret_access_key = SECRET, session_token = TOKEN } end
        -- In the query every parameter but the signature is signed, so there the
        -- token has to be; a header may stay out.
        local _, _, code = sigv4.verify(request)
        assert.equal(form == "presigned" and "SignatureDoesNotMatch" or nil, code)
      end)

      it("refuses another region or service when one is expected", function()
        local request = make()
        request.region, request.service = "us-east-1", "ec2"
        assert.is_true((sigv4.verify(request)))
        request.region = "eu-west-1"
        refused("SignatureDoesNotMatch", request, "region")
        request.region, request.service = nil, "iam"
        refused("SignatureDoesNotMatch", request, "service")
      end)

      it("refuses a request from the future", function()
        local request = make()
        request.now = NOW - 300
        assert.is_true((sigv4.verify(request)))
        request.now = NOW - 301
        assert.is_true(refused("RequestExpired", request).early)
      end)
    end)
  end

  it("refuses a header signature after five minutes", function()
    local request = signed()
    request.now = NOW + 300
    assert.is_true((sigv4.verify(request)))
    request.now = NOW + 301
    assert.is_false(refused("RequestExpired", request).early)
  end)

  it("refuses a presigned URI once it has expired", function()
    local request = presigned { expires = 3600 }
    request.now = NOW + 3600
    assert.is_true((sigv4.verify(request)))
    request.now = NOW + 3601
    refused("RequestExpired", request)
    request.uri = request.uri:gsub("X%-Amz%-Expires=3600", "X-Amz-Expires=9999")
    refused("SignatureDoesNotMatch", request)
  end)

  it("uses the clock when no time is given", function()
    local request = signed { time = os.time() }
    request.now = nil
    assert.is_true((sigv4.verify(request)))
  end)

  it("refuses a request without a signature", function()
    local request = base_request()
    request.lookup = known
    refused("MissingAuthenticationToken", request)
    request = signed()
    request.uri = presigned().uri
    refused("IncompleteSignature", request, "not in both")
  end)

  it("refuses an Authorization that lacks a part", function()
    refused("IncompleteSignature", edit_authorization(signed(), "Credential=[^,]*, ", ""), "Credential")
    refused("IncompleteSignature", edit_authorization(signed(), "SignedHeaders=[^,]*, ", ""), "SignedHeaders")
    refused("IncompleteSignature", edit_authorization(signed(), ", Signature=.*", ""), "Signature")
    refused("IncompleteSignature", edit_authorization(signed(), "^AWS4%-HMAC%-SHA256", "AWS4-HMAC-SHA1"), "AWS4-HMAC-SHA256")
    refused("IncompleteSignature", edit_authorization(signed(), "^.*$", "Basic dTpw"))
    refused("IncompleteSignature", edit_authorization(signed(), "^.*$", ""))
    refused("IncompleteSignature", edit_authorization(signed(), "/ec2/", "/"), "5 slash-delimited")
    refused("SignatureDoesNotMatch", edit_authorization(signed(), "aws4_request", "aws5_request"), "terminator")
    local request = signed()
    set_header(request, "X-Amz-Date", nil)
    refused("IncompleteSignature", request, "X-Amz-Date")
    request = signed()
    set_header(request, "X-Amz-Date", "Sun, 30 Aug 2015 12:36:00 GMT")
    refused("IncompleteSignature", request, "ISO-8601")
  end)

  it("refuses a presigned URI that lacks a part", function()
    for _, name in ipairs { "Credential", "SignedHeaders", "Signature", "Date", "Expires", "Algorithm" } do
      local request = presigned()
      request.uri = request.uri:gsub("X%-Amz%-" .. name .. "=[^&]*&?", "")
      refused("IncompleteSignature", request)
    end
    local request = presigned()
    request.uri = request.uri:gsub("Expires=3600", "Expires=604801")
    refused("IncompleteSignature", request, "X-Amz-Expires")
  end)

  it("refuses a signature that does not cover Host or the date", function()
    refused("SignatureDoesNotMatch", edit_authorization(signed(), "host;", ""), "Host")
    refused("SignatureDoesNotMatch", edit_authorization(signed(), ";x%-amz%-date", ""), "X-Amz-Date")
  end)

  it("refuses a date that is not that of the scope", function()
    refused("SignatureDoesNotMatch", edit_authorization(signed(), "/20150830/", "/20150829/"), "Date in Credential")
  end)

  it("refuses a declared hash that is not that of the body", function()
    local request = signed { sign_body = true }
    assert.is_true((sigv4.verify(request)))
    request.body = "other"
    refused("XAmzContentSHA256Mismatch", request)
  end)

  it("accepts UNSIGNED-PAYLOAD only where the service does", function()
    for _, make in ipairs { signed, presigned } do
      local request = make { unsigned_payload = true }
      request.unsigned_payload = nil
      local _, _, code = sigv4.verify(request)
      assert.truthy(code == "XAmzContentSHA256Mismatch" or code == "SignatureDoesNotMatch")
      request.unsigned_payload = true
      assert.is_true((sigv4.verify(request)))
    end
  end)

  it("raises for nothing that a client can send", function()
    local request = signed()
    request.uri = "/?%zz"
    refused("MalformedQueryString", request)
    request = signed()
    request.uri = "/a\r\nb"
    refused("IncompleteSignature", request)
    request = signed()
    request.method = "GET\n"
    refused("IncompleteSignature", request)
    request = signed()
    set_header(request, "Content-Type", "a\0b")
    refused("IncompleteSignature", request)
    request = edit_authorization(signed(), "SignedHeaders=", "SignedHeaders=;;")
    refused("SignatureDoesNotMatch", request)
    request = edit_authorization(signed(), "AKIDEXAMPLE", "AKID EXAMPLE\1")
    refused("IncompleteSignature", request)
    request = signed()
    set_header(request, "X-Amz-Date", "99999999T999999Z")
    request = edit_authorization(request, "/20150830/", "/99999999/")
    refused("RequestExpired", request)
  end)
end)
