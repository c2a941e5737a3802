local sigv4 = require "eni6.sigv4"
local digest = require "eni6.digest"
digest.sha256_hex("") -- OpenSSL's own once-only set-up is not ours to sweep

local credentials = {
  access_key_id = "AKIDEXAMPLE", secret_access_key = "secret", session_token = "token",
  region = "us-east-1", service = "ec2",
}
local many = { { "Host", "example.com" } }
for i = 1, 20 do many[i + 1] = { "X-" .. i, "value\n folded" } end

return function()
  local signer = sigv4.new(credentials)
  local headers = assert(signer:sign { method = "POST", uri = "/a?b=c&d", headers = many, body = "x", time = 0 })
  assert(#headers == #many + 3)
  assert(signer:presign { method = "GET", uri = "/a/../b", headers = { Host = "example.com" }, time = 0 })
  signer:close()
  assert(digest.hmac_sha256("key", "bytes"))
  assert(sigv4.canonical_request { method = "GET", uri = "/a?b", headers = many })
end
