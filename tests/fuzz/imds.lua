--- Damaged answers of the metadata service. Nothing may raise; a refusal has a code;
--- what is taken is addresses in RFC 5952's form.

local imds = require "eni6.aws.imds"
local ip6 = require "eni6.ip6"
local mutate = require "support.mutate"

local SEEDS = {
  "12:fb:b4:8b:15:f8/",
  "2001:db8:47b:ca03:0:0:0:8\n2001:db8:47b:ca03:0:0:1:1",
  "2001:db8:47b:ca03:5::/80",
  "Name\neni6:host",
}

local TOKENS = { "\n", "\r\n", "/", ":", "::", "<html>", "\0", "2001:db8::", "12:fb:b4:8b:15:f8/", "/80", " " }

-- A service that gives the damaged text in every place but one that must be whole.
local function service(text)
  return { request = function(_, request)
    if request.method == "PUT" then return { status = 200, body = "token" } end
    if request.url:find("/macs/$") and #text % 2 == 0 then return { status = 200, body = "12:fb:b4:8b:15:f8/\n" } end
    return { status = 200, body = text }
  end }
end

local function check(text)
  local client = imds.new { http = service(text), sleep = function() end, now = function() return 0 end }
  local interfaces, message, code = client:interfaces()
  client:tags()
  if not interfaces then
    assert(code and message)
    return false
  end
  for _, interface in ipairs(interfaces) do
    for _, address in ipairs(interface.ipv6s) do assert(tostring(ip6.address(address)) == address) end
    for _, prefix in ipairs(interface.ipv6_prefix) do assert(tostring(ip6.prefix(prefix)) == prefix) end
  end
  return true
end

mutate.run("imds", SEEDS, TOKENS, check)
