-- How long configure.lua takes for a first run, without Docker's restart: processor
-- time is its own, the rest of the time is the disk's (what must survive a crash is
-- synced) and the metadata service's. Beside it, the same done by sysctl and ip alone.

local instances = require "support.instances"

local missing = instances.missing()
if missing then
  print("configure: skipped: " .. missing)
  os.exit(0)
end

local process = require "eni6.process"
local system = require("eni6.core").system

local RUNS = 9

-- Wall and processor seconds of a shell command, as bash's `time` tells them.
local function measure(host, command)
  local began = system.monotonic()
  local result = assert(process.run { netns = host.netns, timeout = 60, argv = { "bash", "-c",
    "TIMEFORMAT='%U %S'; time { " .. command .. "; } >/dev/null 2>&1" } })
  local user, kernel = result.stderr:match("(%d+%.%d+) (%d+%.%d+)%s*$")
  return { wall = system.monotonic() - began, processor = user + kernel }
end

local function median(list, field)
  table.sort(list, function(a, b) return a[field] < b[field] end)
  return list[(#list + 1) / 2][field] * 1000
end

-- What the published text types, for the kernel alone.
local BY_HAND = [[
sysctl -w net.ipv6.conf.ens5.accept_ra=2 net.ipv6.conf.all.forwarding=1
ip -6 route add default via fe80::1066:30ff:feb8:c008 dev ens5 metric 512
ip addr del 2001:db8:47b:ca03::1:1/128 dev ens5; ip addr add 2001:db8:47b:ca03::1:1/64 dev ens5 nodad
for n in 8 9 a b; do ip addr del 2001:db8:47b:ca03::$n/128 dev ens5; done]]

local fleet = instances.start()
local first, again = {}, {}
local by_hand = measure(fleet.hosts[1], BY_HAND)
local host = fleet.hosts[2]
local command = "lua5.4 scripts/configure.lua --root " .. host.root
for i = 1, RUNS do
  first[i] = measure(host, command .. " --confirm 600")
  again[i] = measure(host, command .. " --dry-run")
  assert(fleet:configure(host, { "rollback" }).status == 0)
end
fleet:stop()

print(string.format("configure: first run %.0f ms of its own, %.0f ms in all; ratio %.1f to ip and sysctl by hand (%.0f ms)",
  median(first, "processor"), median(first, "wall"), median(first, "wall") / by_hand.wall / 1000, by_hand.wall * 1000))
print(string.format("configure: nothing to do %.0f ms of its own, %.0f ms in all", median(again, "processor"),
  median(again, "wall")))
