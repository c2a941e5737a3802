--- HTTP servers for the tests, on free ports of loopback. They end with the
--- test program.

local process = require "eni6.process"
local json = require "dkjson"

local servers = {}

local function run(...)
  local result = assert(process.run { argv = { ... } })
  assert(result.status == 0, result.stderr)
  return result.stdout
end

--- A new directory, removed by `servers.stop_all`.
function servers.directory()
  local path = run("mktemp", "-d"):gsub("\n", "")
  servers.directories = servers.directories or {}
  table.insert(servers.directories, path)
  return path
end

local running = {}

--- Starts tests/support/http_server.py with the options; its `url`, `port` and `stats()`.
function servers.start(...)
  local argv = { "/usr/bin/python3", "tests/support/http_server.py", ... }
  local child = assert(process.spawn { argv = argv, stdin = "pipe", stdout = "pipe", die_with_parent = true })
  local place = assert(child:read_line(20))
  local server = { child = child, port = tonumber(place), path = place }
  local scheme = select(1, ...) == "--tls" and "https" or "http"
  server.url = scheme .. "://127.0.0.1:" .. place
  table.insert(running, child)
  return server
end

--- What a server has seen: { seen = { [path] = count, connections = count }, requests = { raw, … } }.
function servers.stats(client, server)
  local response = assert(client:request { url = server.url .. "/stats" })
  return assert(json.decode(response.body))
end

--- A port of loopback that nobody listens on at this moment.
function servers.free_port()
  return (run("/usr/bin/python3", "-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
    :gsub("\n", ""))
end

--- A port of loopback on which a connection is never made: its queue is full and nobody accepts.
function servers.full_port()
  local child = assert(process.spawn {
    argv = { "/usr/bin/python3", "-c", [[
import socket, time
listening = socket.create_server(("127.0.0.1", 0), backlog=0)
waiting = [socket.socket() for _ in range(3)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(listening.getsockname())
print(listening.getsockname()[1], flush=True)
time.sleep(3600)]] },
    stdout = "pipe", die_with_parent = true,
  })
  table.insert(running, child)
  return assert(child:read_line(10))
end

--- Starts nghttpd (HTTP/2 over TLS) on a directory.
function servers.start_http2(directory, key, certificate)
  for _ = 1, 5 do
    local port = servers.free_port()
    local child = assert(process.spawn {
      argv = { "nghttpd", "-v", "-a", "127.0.0.1", "-d", directory, port, key, certificate },
      stdout = "pipe", stderr = "null", die_with_parent = true,
    })
    local line = child:read_line(10)
    if line and line:find("listen", 1, true) then
      table.insert(running, child)
      return { child = child, url = "https://localhost:" .. port }
    end
    child:stop(1)
  end
  error("nghttpd does not start")
end

-- One certificate by our own authority: made for `names` (a subjectAltName), good for `days`.
local function certificate(directory, name, names, days)
  local base = directory .. "/" .. name
  local extensions = assert(io.open(base .. ".ext", "w"))
  extensions:write("subjectAltName=", names, "\n")
  extensions:close()
  run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base .. ".key",
    "-out", base .. ".csr", "-subj", "/CN=" .. name)
  run("openssl", "x509", "-req", "-in", base .. ".csr", "-CA", directory .. "/ca.pem", "-CAkey", directory .. "/ca.key",
    "-CAcreateserial", "-days", tostring(days), "-extfile", base .. ".ext", "-out", base .. ".pem")
  return { key = base .. ".key", certificate = base .. ".pem" }
end

--- A certificate authority and what it signed: { ca, good, expired, other_host }.
function servers.certificates()
  local directory = servers.directory()
  run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
    "-keyout", directory .. "/ca.key", "-out", directory .. "/ca.pem", "-subj", "/CN=eni6 test", "-days", "2")
  return {
    ca = directory .. "/ca.pem",
    good = certificate(directory, "good", "DNS:localhost,IP:127.0.0.1", 2),
    expired = certificate(directory, "expired", "DNS:localhost,IP:127.0.0.1", -1),
    other_host = certificate(directory, "other", "DNS:other.test", 2),
  }
end

--- Starts tests/support/slow_link.c in front of a port of loopback.
---@param port integer
---@param milliseconds number that every answer comes later
---@param lost_per_mille integer answers that never come
---@param seed integer|nil
---@return table link its `url`, and `finish()`, which ends it: how many requests it carried, how many answers it lost
function servers.slow_link(port, milliseconds, lost_per_mille, seed)
  local argv = { "build/release/tests/support/slow_link", tostring(port), tostring(milliseconds), tostring(lost_per_mille),
    tostring(seed or 1) }
  local child = assert(process.spawn { argv = argv, stdin = "pipe", stdout = "pipe", die_with_parent = true })
  local link = { url = "http://127.0.0.1:" .. assert(child:read_line(10)) }
  function link.finish()
    child:close_stdin()
    local requests, lost = assert(child:read_line(10)):match("^(%d+) requests, (%d+) lost$")
    child:wait(10)
    child:close()
    return tonumber(requests), tonumber(lost)
  end
  return link
end

--- Ends all servers and removes all directories.
function servers.stop_all()
  for _, child in ipairs(running) do
    child:kill("KILL")
    child:wait(5)
    child:close()
  end
  running = {}
  for _, path in ipairs(servers.directories or {}) do run("rm", "-rf", path) end
  servers.directories = nil
end

return servers
