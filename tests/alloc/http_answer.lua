-- A request that is answered, and one whose answer is taken piece by piece.
local core = require "eni6.core.http"
local poll = require("eni6.core").system.poll

local expected = { ENOMEM = true, EIO = true, ECONNRESET = true } -- libcurl's ways to say it

local function request(path, stream)
  return {
    method = "GET", url = "http://local" .. path, unix_socket = os.getenv("ENI6_SWEEP_SOCKET"), timeout = 20,
    stream = stream,
  }
end

local function finish(client, transfer)
  while not transfer:done() do
    poll({ { client:pollfd(), "r" } }, 1)
    for _, changed in ipairs(client:step()) do changed:take() end
  end
  transfer:head()
  local result, message, code = transfer:result()
  assert(result or expected[code], message)
  transfer:close()
end

return function()
  local client = assert(core.new(0))
  finish(client, assert(client:start(request("/headers"))))
  finish(client, assert(client:start(request("/drip/2/0", true))))
  client:close()
end
