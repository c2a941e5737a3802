-- Signs each request that passes, for `http-request lua.sign`.
--
-- CREDENTIALS names a file with the access key id, the secret key, and perhaps a session
-- token, a line each. It is read again when it changes: replace it (mv) to rotate keys.
-- AWS_REGION, and AWS_SERVICE and AWS_HOST where it is not EC2, say what is signed for.

local sigv4 = require "eni6.sigv4"

local FILE = assert(os.getenv "CREDENTIALS", "CREDENTIALS must name a file")
local REGION = assert(os.getenv "AWS_REGION", "AWS_REGION must be set")
local SERVICE = os.getenv "AWS_SERVICE" or "ec2"
local HOST = os.getenv "AWS_HOST" or SERVICE .. "." .. REGION .. ".amazonaws.com"

local current, signer -- what the file said last, and the signer made of it

local function read_credentials()
  local file = assert(io.open(FILE))
  local text = file:read(8192)
  file:close()
  if text == current then return end
  local id, secret, token = text:match "^(%S+)%s+(%S+)%s*(%S*)"
  signer = sigv4.new { access_key_id = id, secret_access_key = secret, session_token = token, region = REGION,
    service = SERVICE }
  current = text
end

collectgarbage("setpause", 1000) -- little stays from one request to the next
read_credentials()

-- In each thread: looks at the file every second. One that cannot be read changes nothing.
core.register_task(function()
  while true do
    core.msleep(1000)
    local ok, message = pcall(read_credentials)
    if not ok then core.Warning("sign: " .. message) end
  end
end)

local function refuse(txn, reason)
  local reply = txn:reply { status = 400 }
  reply:set_body(reason .. "\n")
  txn:done(reply)
end

-- The headers to sign: Host, and those of AWS that the client sent, if any.
local function headers_of(txn)
  local headers = { { "Host", HOST } }
  if not txn.f:req_hdr_names():find("x-amz-", 1, true) then return headers end
  for name, values in pairs(txn.http:req_get_headers()) do
    if name:find("^x%-amz%-") then
      for i = 0, #values do headers[#headers + 1] = { name, values[i] } end
    end
  end
  return headers
end

core.register_action("sign", { "http-req" }, function(txn)
  local given = headers_of(txn)
  local ok, headers = pcall(signer.sign, signer, { method = txn.f:method(), uri = txn.f:pathq(), headers = given,
    body = txn.f:req_body(), time = os.time() })
  if not ok then return refuse(txn, "The request cannot be signed: " .. headers) end
  txn.http:req_set_header("Host", headers[1][2])
  for i = #given + 1, #headers do txn.http:req_set_header(headers[i][1], headers[i][2]) end -- the signer's own
end)
