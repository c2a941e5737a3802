-- A short life of a Lua state: opens one of everything that holds memory outside of Lua
-- or a descriptor, uses it, and leaves it to the closing of the state.

local core = require "eni6.core"
local http = require "eni6.core.http"
local xml = require "eni6.core.xml"

return function()
  local signer = core.sigv4.new { access_key_id = "AKIDEXAMPLE", secret_access_key = "secret", region = "us-east-1",
    service = "ec2" }
  assert(signer:sign { method = "GET", uri = "/", headers = { Host = "example.amazonaws.com" }, time = 1440938160 })
  local pool = core.blocks.new("2001:db8::/64")
  for _ = 1, 10 do assert(pool:allocate(126)) end
  assert(core.netlink.open {})
  local client = assert(http.new(0))
  assert(client:start { method = "GET", url = "http://127.0.0.1:1/" })
  client:step()
  assert(xml.decode("<a><b>c</b></a>", {}, {}))
end
