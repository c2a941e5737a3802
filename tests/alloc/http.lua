-- A request to a port where nobody listens, one that is cancelled, one left to the collector.
local core = require "eni6.core.http"
local poll = require("eni6.core").system.poll

local request = {
  method = "POST",
  url = "http://127.0.0.1:1/",
  body = "x",
  headers = { { "Host", "y" }, { "X-Empty", "" } },
  timeout = 5,
  max_body = 100,
}

return function()
  local client = assert(core.new(4))
  local transfer = assert(client:start(request))
  assert(client:start(request)):cancel()
  assert(client:start(request))
  while not transfer:done() do
    poll({ { client:pollfd(), "r" } }, 1)
    client:step()
  end
  transfer:head()
  local _, _, code = transfer:result()
  local expected = { ECONNREFUSED = true, ENOMEM = true, EIO = true, ERESOLVE = true } -- libcurl's ways to say it
  assert(expected[code], code)
  transfer:close()
  client:close()
end
