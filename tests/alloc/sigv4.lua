local sigv4 = require "eni6.sigv4"
local digest = require "eni6.digest"
digest.sha256_hex("") -- OpenSSL's own once-only set-up is not ours to sweep

local credentials = {
  access_key_id = "AKIDEXAMPLE", secret_access_key = "secret", session_token = "token",
  region = "us-east-1", service = "ec2",
}
local many = { { "Host", "example.com" } }
for i = 1, 20 do many[i + 1] = { "X-" .. i, "value\n folded" } end

-- More days than the signer remembers keys for, and their signatures.
local strings, signatures = {}, {}
do
  local signer = sigv4.new(credentials)
  for day = 1, 6 do
    strings[day] = "AWS4-HMAC-SHA256\n\n2015083" .. day .. "/us-east-1/ec2/aws4_request\n"
    signatures[day] = signer:signature(strings[day])
  end
end

-- A key whose derivation failed half-way must not be taken for the one that was in its place.
local function same_signatures(signer)
  for day = 1, 6 do
    if not pcall(signer.signature, signer, strings[day]) then
      for other = 1, 6 do assert(signer:signature(strings[other]) == signatures[other]) end
    end
  end
end

return function()
  local signer = sigv4.new(credentials)
  local headers = assert(signer:sign { method = "POST", uri = "/a?b=c&d", headers = many, body = "x", time = 0 })
  assert(#headers == #many + 3)
  assert(signer:presign { method = "GET", uri = "/a/../b", headers = { Host = "example.com" }, time = 0 })
  same_signatures(signer)
  signer:close()
  assert(digest.hmac_sha256("key", "bytes"))
  assert(sigv4.canonical_request { method = "GET", uri = "/a?b", headers = many })
end
