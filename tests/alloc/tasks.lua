-- Tasks of a runner for a host: one that fails, one that is cancelled, one that nobody wants any more.
require "eni6.core.http"
local http = require "eni6.http"
local tasks = require "eni6.tasks"

local function none() end

return function()
  local client = assert(http.new { getenv = none })
  local runner = assert(tasks.open())
  local function request() return client:request { url = "http://127.0.0.1:1/", timeout = 5 } end
  local refused, cancelled = runner:spawn("refused", request), runner:spawn("cancelled", request)
  local unwanted = runner:spawn("unwanted", tasks.sleep, 60)
  runner:step()
  cancelled:cancel()
  unwanted:abandon()
  while not runner:done() do
    tasks.poll({ { runner:pollfd(), "r" } }, runner:timeout() or 1)
    runner:step()
  end
  assert(refused:done() and cancelled:done() and unwanted:done())
  runner:close()
  client:close()
end
