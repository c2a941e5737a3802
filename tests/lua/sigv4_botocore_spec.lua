-- The signer against botocore's, stage by stage, on random requests; and, each by
-- its name, the places where botocore deviates from the specification.

local json = require "dkjson"
local oracle = require "support.oracle"
local sigv4 = require "eni6.sigv4"

local SEED = 20150830
local CASES_EACH = 700
local SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

-- The same numbers under every Lua: a linear congruence modulo 2^31 - 1.
local state = SEED
local function random(low, high)
  state = state * 48271 % 2147483647
  return low + state % (high - low + 1)
end

local function pick(list) return list[random(1, #list)] end
local function chance(percent) return random(1, 100) <= percent end

local function text_of(alphabet, low, high)
  local parts = {}
  for i = 1, random(low, high) do parts[i] = pick(alphabet) end
  return table.concat(parts)
end

local function characters(text)
  local list = {}
  for character in text:gmatch(".[\128-\191]*") do list[#list + 1] = character end
  return list
end

local UNRESERVED = characters "abcXYZ0189-._~"
local ESCAPES = { "%20", "%2F", "%2B", "%25", "%3D", "%26", "%C3%A9", "%E1%88%B4", "%F0%9F%98%80", "%00", "%7F" }
local RAW = characters "!$&'()*+,;=:@éሴ "
local TOKEN = characters "abcdefXYZ0189+/="
local HEADER_WORDS = { "a", "value", '"quoted  text"', "1,2", "é", "x=y;z", "  ", "\t", " \t ", "\n ", "\r\n\t", "" }
local HEADER_NAMES = { "X-Test", "x-test", "X-TEST-2", "My_Header", "Content-Type", "Content-Length", "Range",
  "X-Amz-Target", "x-amz-meta-a", "If-Match", "A", "Z", "User-Agent", "Expect", "X-Amzn-Trace-Id", "Accept" }

local function element()
  if chance(75) then return text_of(UNRESERVED, 1, 6) end
  return pick(ESCAPES)
end

--- Encoded as it should be: unreserved characters and upper-case escapes.
local function encoded(low, high)
  local parts = {}
  for i = 1, random(low, high) do parts[i] = element() end
  return table.concat(parts)
end

local function segment(any_byte)
  if chance(12) then return pick { ".", "..", "", "" } end
  if any_byte and chance(20) then return text_of(RAW, 1, 3) .. encoded(0, 2) end
  return encoded(1, 3)
end

local function path(any_byte)
  local parts = { "" }
  for i = 1, random(0, 5) do parts[i + 1] = segment(any_byte) end
  if #parts == 1 or chance(30) then parts[#parts + 1] = "" end
  return table.concat(parts, "/")
end

--- A query with repeated, valueless, empty and encoded keys and values.
local function query(unique)
  local items, keys = {}, {}
  for i = 1, random(0, 6) do
    local key = encoded(1, 2)
    if not unique and #keys > 0 and chance(35) then key = pick(keys) end
    if unique then key = key .. i end
    keys[i] = key
    items[i] = key .. (chance(15) and "" or "=" .. (chance(15) and "" or encoded(1, 3)))
  end
  if #items == 0 then return chance(20) and "?" or "" end
  return "?" .. table.concat(items, "&")
end

local function headers()
  local list = {}
  for i = 1, random(0, 7) do
    -- A fold must be followed by white space, and must not end the value.
    list[i] = { pick(HEADER_NAMES), text_of(HEADER_WORDS, 0, 6) .. "." }
  end
  return list
end

local function random_case(auth)
  local s3, presigned = auth:find("s3", 1, true) ~= nil, auth:find("query", 1, true) ~= nil
  local host = pick { "ec2.us-east-1.amazonaws.com", "example.com", "127.0.0.1", "[2001:db8::1]" }
  local port = pick { "", "", ":443", ":8443", ":80" }
  return {
    auth = auth, method = pick { "GET", "POST", "PUT", "DELETE", "HEAD" }, host = host .. port,
    -- botocore moves a presigned request's body into its query, so there is none.
    uri = path(not s3) .. query(presigned), headers = headers(),
    body = (presigned or chance(50)) and "" or text_of(characters "Action=Describe&é\n", 1, 200),
    time = random(0, 2147483646) * 2, region = pick { "us-east-1", "eu-central-1", "us-gov-west-1" },
    service = s3 and "s3" or pick { "ec2", "sts", "iam" }, secret = chance(80) and SECRET or text_of(TOKEN, 1, 90),
    token = chance(40) and text_of(TOKEN, 1, 900) or nil, expires = random(1, 604800),
    unsigned_payload = chance(15) or auth == "s3-query",
  }
end

local function request_of(case)
  local list = { { "Host", case.host } }
  for i, pair in ipairs(case.headers) do list[i + 1] = pair end
  local s3 = case.auth:find("s3", 1, true) ~= nil
  return {
    method = case.method, uri = case.uri, headers = list, body = case.body, time = case.time,
    expires = case.expires, normalize_path = not s3, double_encode = not s3,
    sign_body = case.auth == "s3" and not case.unsigned_payload, unsigned_payload = case.unsigned_payload,
  }
end

local function sign(case)
  local signer = sigv4.new {
    access_key_id = "AKIDEXAMPLE", secret_access_key = case.secret or SECRET, session_token = case.token,
    region = case.region, service = case.service,
  }
  local presigned = case.auth:find("query", 1, true) ~= nil
  local result, stages = (presigned and signer.presign or signer.sign)(signer, request_of(case))
  signer:close()
  return result, stages
end

local function header(list, name)
  for _, pair in ipairs(list) do
    if pair[1]:lower() == name then return pair[2] end
  end
end

local OWN = { "authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256" }

--- The first difference between ours and botocore's, or nil.
local function difference(case, theirs)
  local result, ours = sign(case)
  for _, stage in ipairs { "canonical_request", "string_to_sign", "signature" } do
    if ours[stage] ~= theirs[stage] then return stage, ours[stage], theirs[stage] end
  end
  if type(result) == "string" then
    local url = "https://" .. case.host .. result
    if url ~= theirs.url then return "url", url, theirs.url end
    return
  end
  for _, name in ipairs(OWN) do
    if header(result, name) ~= header(theirs.headers, name) then
      return name, header(result, name), header(theirs.headers, name)
    end
  end
end

-- The random cases of every form, and the deviations, for one process of botocore.
local FORMS = { "header", "query", "s3", "s3-query" }
local cases = {}
for _, auth in ipairs(FORMS) do
  for _ = 1, CASES_EACH do cases[#cases + 1] = random_case(auth) end
end

local function plain_case(changes)
  local case = {
    auth = "header", method = "GET", host = "example.com", uri = "/", headers = {}, body = "", time = 1440938160,
    region = "us-east-1", service = "ec2", secret = SECRET, expires = 3600,
  }
  for name, value in pairs(changes) do case[name] = value end
  return case
end

-- name, request, what botocore has in its canonical request or URL, what we have
local DEVIATIONS = {
  { "a plus in a query is a plus: botocore leaves it to be read as a space",
    { uri = "/?a=1+2" }, "\na=1+2\n", "\na=1%2B2\n" },
  { "escapes are in upper case: botocore leaves them as they came",
    { uri = "/?a=%c3%a9" }, "\na=%c3%a9\n", "\na=%C3%A9\n" },
  { "reserved characters in a query are encoded: botocore leaves them as they came",
    { uri = "/?a=b/c:d" }, "\na=b/c:d\n", "\na=b%2Fc%3Ad\n" },
  { "escaped unreserved characters are decoded: botocore leaves them as they came",
    { uri = "/?%61=%7E" }, "\n%61=%7E\n", "\na=~\n" },
  { "nothing between two ampersands is nothing: botocore signs an empty key",
    { uri = "/?a=1&&b=2" }, "\n=&a=1&b=2\n", "\na=1&b=2\n" },
  { "headers of one hop are not signed: botocore signs Connection, TE, Trailer and Transfer-Encoding",
    { headers = { { "Connection", "close" }, { "TE", "x" }, { "Trailer", "y" }, { "Transfer-Encoding", "chunked" } } },
    "\nconnection;host;te;trailer;transfer-encoding;x-amz-date\n", "\nhost;x-amz-date\n" },
  { "a caller's Date stays: botocore replaces it and sends no X-Amz-Date",
    { headers = { { "Date", "Sun, 30 Aug 2015 12:00:00 GMT" } } },
    "\ndate:Sun, 30 Aug 2015 12:36:00 -0000\nhost:example.com\n\n",
    "\ndate:Sun, 30 Aug 2015 12:00:00 GMT\nhost:example.com\nx-amz-date:20150830T123600Z\n\n" },
  { "the method is signed as it is sent: botocore signs it in upper case", { method = "get" }, "GET\n", "get\n" },
  { "S3's path is encoded once: botocore leaves it as it came",
    { auth = "s3", service = "s3", uri = "/a@b(c)é%2f" }, "\n/a@b(c)é%2f\n", "\n/a%40b%28c%29%C3%A9%2F\n" },
  { "only ASCII white space is white space: botocore takes a no-break space for one",
    { headers = { { "A", "x\194\160 y" } } }, "\na:x y\n", "\na:x\194\160 y\n" },
  { "a presigned query keeps repeated keys: botocore keeps the first",
    { auth = "query", uri = "/?a=2&a=1" }, "/?a=2&X-Amz-", "/?a=2&a=1&X-Amz-" },
  { "a presigned query has a plus as %2B: botocore takes it for a space",
    { auth = "query", uri = "/?a=1+2" }, "/?a=1%202&", "/?a=1%2B2&" },
  { "a presigned URI signs the form's content type if given: botocore drops that header",
    { auth = "query", headers = { { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" } } },
    "SignedHeaders=host&", "SignedHeaders=content-type%3Bhost&" },
}
for _, deviation in ipairs(DEVIATIONS) do cases[#cases + 1] = plain_case(deviation[2]) end

for _, case in ipairs(cases) do case.url = "https://" .. case.host .. case.uri end
local results = oracle.ask("sigv4_botocore.py", cases)

describe("agreement with botocore, seed " .. SEED, function()
  local agreed = 0
  for form, auth in ipairs(FORMS) do
    it("in " .. CASES_EACH .. " random requests signed as " .. auth, function()
      for i = (form - 1) * CASES_EACH + 1, form * CASES_EACH do
        local stage, ours, theirs = difference(cases[i], results[i])
        if stage then
          assert.equal(theirs, ours, "case " .. i .. ", " .. stage .. ", of " .. json.encode(cases[i]))
        end
        agreed = agreed + 1
      end
    end)
  end
  it("in at least 2,000 requests", function() assert.is_true(agreed >= 2000) end)
end)

describe("verifying what botocore signed, seed " .. SEED, function()
  --- The request as a server receives it from botocore.
  local function received(case, result)
    local host = case.host:gsub(":443$", "")
    local list = { { "Host", host } }
    for i, pair in ipairs(result.headers) do list[i + 1] = pair end
    local s3 = case.auth:find("s3", 1, true) ~= nil
    return {
      method = case.method, uri = result.url:match("^https://[^/]*(.*)$"), headers = list, body = case.body,
      now = case.time, normalize_path = not s3, double_encode = not s3, unsigned_payload = case.unsigned_payload,
      lookup = function() return { secret_access_key = case.secret, session_token = case.token } end,
    }
  end

  it("accepts each, and refuses each with another body, method or secret", function()
    for i = 1, #FORMS * CASES_EACH do
      local ok, identity = sigv4.verify(received(cases[i], results[i]))
      assert.is_true(ok, tostring(identity))
      assert.equal(cases[i].auth:find("query", 1, true) ~= nil, identity.presigned)
      local tampered = received(cases[i], results[i])
      local way = i % 3
      if way == 0 and not cases[i].unsigned_payload then
        tampered.body = tampered.body .. "x"
      elseif way == 1 then
        tampered.method = "PATCH"
      else
        tampered.lookup = function() return { secret_access_key = "another", session_token = cases[i].token } end
      end
      local _, _, code = sigv4.verify(tampered)
      assert.truthy(code == "SignatureDoesNotMatch" or code == "XAmzContentSHA256Mismatch", code)
    end
  end)
end)

describe("deviations of botocore", function()
  for i, deviation in ipairs(DEVIATIONS) do
    it(deviation[1], function()
      local number = #FORMS * CASES_EACH + i
      local result, ours = sign(cases[number])
      local theirs = results[number]
      local function has(text, part) assert.truthy(text:find(part, 1, true), part .. " is not in " .. text) end
      if cases[number].auth == "query" then
        has(theirs.url, deviation[3])
        has(result, deviation[4])
      else
        has(theirs.canonical_request, deviation[3])
        has(ours.canonical_request, deviation[4])
      end
      assert.not_equal(theirs.signature, ours.signature)
    end)
  end
end)
