--- Requests against a local server, 16 at once on one thread: ours (C core, binding, tasks), a bare loop in C over
--- the same libcurl, and urllib3, which carries botocore. CPU seconds of the client are what is compared: the
--- server takes its share of the wall clock.

local http = require "eni6.http"
local process = require "eni6.process"
local tasks = require "eni6.tasks"

local COUNT, CONCURRENCY = 20000, 16
local PEER = "build/bench/http_peer"

local function run(argv)
  local result = assert(process.run { argv = argv })
  assert(result.status == 0, result.stderr)
  return result.stdout
end

local function build_peer()
  run { "mkdir", "-p", "build/bench" }
  run { "cc", "-O2", "-std=gnu11", "-o", PEER, "tests/bench/http_peer.c", "-lcurl" }
end

-- CPU and wall seconds of our own.
local function measure_ours(port)
  local client = assert(http.new { getenv = function() end, max_connections = CONCURRENCY })
  local url = "http://127.0.0.1:" .. port .. "/"
  local cpu, wall = os.clock(), tasks.now()
  assert(tasks.group(function(group)
    for _ = 1, CONCURRENCY do
      group:spawn("worker", function()
        for _ = 1, COUNT / CONCURRENCY do assert(client:request { url = url }) end
      end)
    end
  end))
  cpu, wall = os.clock() - cpu, tasks.now() - wall
  client:close()
  return cpu, wall
end

local function measure_bare(port)
  local output = run { PEER, "client", port, tostring(COUNT), tostring(CONCURRENCY) }
  local cpu, wall = output:match("(%S+) (%S+)")
  return tonumber(cpu), tonumber(wall)
end

-- One after the other, its best case: no threads.
local function measure_urllib3(port)
  local count = COUNT // 10
  local output = run { "/usr/bin/python3", "-c", string.format([[
import time, urllib3
pool = urllib3.HTTPConnectionPool("127.0.0.1", %s)
pool.request("GET", "/")
cpu = time.process_time()
for _ in range(%d):
    pool.request("GET", "/").data
print(time.process_time() - cpu)]], port, count) }
  return tonumber(output) * COUNT / count
end

local function best(measure, port)
  local cpu, wall = measure(port)
  for _ = 1, 2 do
    local again_cpu, again_wall = measure(port)
    if again_cpu < cpu then cpu, wall = again_cpu, again_wall end
  end
  return cpu, wall
end

build_peer()
local server = assert(process.spawn { argv = { PEER, "server" }, stdin = "pipe", stdout = "pipe", die_with_parent = true })
local port = assert(server:read_line(10))
local ours, ours_wall = best(measure_ours, port)
local bare, bare_wall = best(measure_bare, port)
local urllib3 = best(measure_urllib3, port)
server:close_stdin()
server:stop(5)
print(string.format("http: ratio %.2f of a bare curl_multi loop's requests per CPU-second (%.2f by the wall clock)",
  bare / ours, bare_wall / ours_wall))
print(string.format("http: ratio %.1f times urllib3's requests per CPU-second", urllib3 / ours))
