-- What each thread of threads.c does in its own Lua state: signs, allocates, reads the
-- kernel's links, calls EC2, many at a time, and a server over TLS; each result is
-- compared with what it must be. The endpoint is a sandbox's, and so are the credentials.

local blocks = require "eni6.blocks"
local ip6 = require "eni6.ip6"
local sigv4 = require "eni6.sigv4"
local netlink = require "eni6.netlink"
local tasks = require "eni6.tasks"

local ROUNDS = 40

-- AWS's own example: get-vanilla of its test suite.
local function sign()
  local signer = sigv4.new { access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    region = "us-east-1", service = "service" }
  for _ = 1, ROUNDS do
    local _, details = signer:sign { method = "GET", uri = "/", headers = { Host = "example.amazonaws.com" }, time = 1440938160 }
    assert(details.signature == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", details.signature)
  end
end

local function allocate(number)
  local pool = blocks.new(string.format("2001:db8:%x::/64", number))
  for i = 0, ROUNDS - 1 do
    assert(pool:allocate(126) == ip6.prefix(string.format("2001:db8:%x::%x/126", number, 4 * i)))
  end
end

local function read_links()
  local nl = assert(netlink.open())
  for _ = 1, ROUNDS do
    local found = false
    for _, link in ipairs(assert(nl:links())) do found = found or link.name == "lo" end
    assert(found)
  end
  nl:close()
end

local function call(endpoint, access_key_id, secret_access_key)
  local ec2 = require("eni6.aws.ec2").new { region = "us-east-1", endpoint = endpoint,
    credentials = { access_key_id = access_key_id, secret_access_key = secret_access_key } }
  assert(tasks.group(function(group)
    for i = 1, 4 do
      group:spawn("call " .. i, function()
        local answer = assert(ec2:DescribeSubnets())
        assert(#answer.Subnets > 0)
      end)
    end
  end))
end

local function greet(url)
  local client = assert(require("eni6.http").new { verify = false })
  for _ = 1, 3 do assert(assert(client:request { url = url .. "/size/1000" }).body == ("x"):rep(1000)) end
  client:close()
end

return function(number, endpoint, access_key_id, secret_access_key, tls_url)
  sign()
  allocate(number)
  read_links()
  call(endpoint, access_key_id, secret_access_key)
  greet(tls_url)
end
