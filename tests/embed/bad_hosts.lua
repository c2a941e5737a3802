-- What bad_hosts.c has its Lua states do: each function is called with the URL of
-- tests/support/http_server.py and returns when the host's part is due.

local http = require "eni6.http"
local netlink = require "eni6.netlink"
local process = require "eni6.process"
local sigv4 = require "eni6.sigv4"
local tasks = require "eni6.tasks"

local hosts = {}

local function new_signer()
  return sigv4.new { access_key_id = "a", secret_access_key = "b", region = "c", service = "d" }
end

local function start(url, path)
  local client = assert(http.new())
  local transfer = assert(client:start { url = url .. path, timeout = 20 })
  client:step()
  return client, transfer
end

-- Leaves a request that is under way, and a task that waits for another, to the closing of the state.
function hosts.in_the_middle(url)
  local _, transfer = start(url, "/delay/5")
  local runner = assert(tasks.start(function()
    assert(assert(http.new()):request { url = url .. "/delay/5" })
  end))
  runner:step()
  hosts.kept = { transfer, runner }
end

-- Coroutines that wait, dropped by everybody: a task's, and one of the program's own.
function hosts.drop_coroutines(url)
  for _ = 1, 10 do
    local runner = assert(tasks.start(function()
      tasks.group(function(group)
        group:spawn("request", function() assert(assert(http.new()):request { url = url .. "/delay/5" }) end)
        group:spawn("sleep", tasks.sleep, 5)
      end)
    end))
    runner:step()
    local own = coroutine.wrap(function()
      local client = assert(http.new())
      assert(client:start { url = url .. "/delay/5" })
      client:step()
      local nl = assert(netlink.open())
      coroutine.yield(nl)
    end)
    own()
  end
  collectgarbage()
  collectgarbage()
end

-- Callbacks that raise, each in its way; the client goes on.
function hosts.raising_callbacks(url)
  local client = assert(http.new())
  for _, value in ipairs { "text", { table = true }, false } do
    local answer, message, code = client:request { url = url .. "/size/100000", on_data = function() error(value, 0) end }
    assert(not answer and code == "ECANCELED" and message, message)
  end
  local _, message = tasks.group(function(group) group:spawn("task", function() error(setmetatable({}, {
    __tostring = function() error("and again", 0) end })) end) end)
  assert(message)
  assert(client:request { url = url .. "/where" })
end

-- Before the fork: a kept connection, and a request under way.
local forked

function hosts.before_fork(url)
  local client = assert(http.new())
  assert(client:request { url = url .. "/where" })
  forked = { client = client, transfer = assert(client:start { url = url .. "/delay/0.5", timeout = 10 }),
    nl = assert(netlink.open()), signer = new_signer() }
  client:step()
end

-- In the child: what needs no descriptor works; the client belongs to the parent.
function hosts.in_child(url)
  assert(forked.signer:sign { method = "GET", uri = "/", headers = { Host = "x" }, time = 0 })
  local transfer, message, code = forked.client:start { url = url .. "/where" }
  assert(not transfer and code == "ECHILD" and message:find("process", 1, true), tostring(message))
  forked.client:step()
  forked.transfer:cancel()
  assert(assert(http.new()):request { url = url .. "/where" })
  forked.client:close()
end

-- In the parent, after the child has closed everything: the request ends as if nothing had been.
function hosts.in_parent(url)
  local poll = require("eni6.core").system.poll
  local deadline = tasks.now() + 8
  while not forked.transfer:done() and tasks.now() < deadline do
    poll({ { forked.client:pollfd(), "r" } }, 1)
    forked.client:step()
  end
  assert(forked.transfer:done(), "the parent's request never ended")
  assert(assert(forked.transfer:result()).body == "late")
  assert(assert(forked.client:request { url = url .. "/where" }).status == 200)
  assert(forked.nl:links())
end

-- Descriptors that somebody else has closed. Returns them to the host, which closes them.
local robbed

function hosts.before_theft(url)
  local client, transfer = start(url, "/delay/0.2")
  robbed = { client = client, transfer = transfer, nl = assert(netlink.open()) }
  return client:pollfd(), robbed.nl:pollfd()
end

function hosts.after_theft(url)
  local links, _, code = robbed.nl:links()
  assert(not links and code == "EBADF", code)
  robbed.client:step()
  local answer, message = robbed.client:request { url = url .. "/where", timeout = 2 }
  assert(answer or message)
  robbed.client:close()
  robbed.nl:close()
end

-- Writes to those who have gone, with SIGPIPE as it is by default.
function hosts.broken_pipes(url)
  local client = assert(http.new())
  for _, path in ipairs { "/reset", "/silence", "/drop" } do
    local answer, message = client:request { method = "POST", url = url .. path, body = ("x"):rep(4000000), timeout = 5 }
    assert(answer or message)
  end
  local child = assert(process.spawn { argv = { "true" }, stdin = "pipe" })
  child:wait(5)
  local ok, _, code = child:write(("x"):rep(1000000), 5)
  assert(not ok and code == "EPIPE", code)
  child:close()
end

-- Everything that needs no transport, on little stack.
function hosts.little_stack()
  local blocks, icmp6 = require "eni6.blocks", require "eni6.icmp6"
  local signer = new_signer()
  local headers = { { "Host", "x" } }
  for i = 1, 100 do headers[i + 1] = { "X-Header-" .. i, ("v"):rep(1000) } end
  assert(signer:sign { method = "GET", uri = "/" .. ("a/../"):rep(1000), headers = headers, time = 0, body = ("x"):rep(100000) })
  local pool = blocks.new("2001:db8::/64")
  for _ = 1, 5000 do assert(pool:allocate(128)) end
  local nl = assert(netlink.open())
  assert(nl:links() and nl:addresses() and nl:routes() and nl:neighbours())
  assert(require("eni6.core.xml").decode(("<a>"):rep(60) .. ("</a>"):rep(60), {}, {}))
  assert(icmp6)
end

-- A request, on the stack that curl needs.
function hosts.request(url)
  assert(assert(http.new()):request { url = url .. "/size/300000" })
end

-- Calls at every depth, up to where Lua says that its stack or C's is full. The state goes on.
function hosts.full_stacks()
  local signer = new_signer()
  local request = { method = "GET", uri = "/", headers = { Host = "x" }, time = 0 }
  local pool = require("eni6.blocks").new("2001:db8::/64")
  local deepest = 0
  local function work() signer:sign(request) pool:release(assert(pool:allocate(126))) end
  local function through_lua(depth)
    deepest = math.max(deepest, depth)
    if depth % 5000 == 0 or depth > 180000 and depth % 50 == 0 then pcall(work) end
    return 1 + through_lua(depth + 1)
  end
  local function through_c(depth)
    work()
    return select(2, pcall(through_c, depth + 1))
  end
  local _, message = pcall(through_lua, 1)
  assert(tostring(message):find("overflow", 1, true) and deepest > 1000, message)
  through_c(1)
  work()
end

return hosts
