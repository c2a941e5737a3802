--- What the published text shows of an instance, read from a whole one.

local assert = require "luassert"
local json = require "dkjson"
local tasks = require "eni6.tasks"

local published = {}

local P, GATEWAY = "2001:db8:47b:ca03::", "fe80::1066:30ff:feb8:c008"

--- The text's two instances: their addresses behind the subnet's prefix.
published.ONE = { host = "1:1", block = { "8", "9", "a", "b" } }
published.TWO = { host = "2:2", block = { "c", "d", "e", "f" } }

--- The global IPv6 addresses of a link, sorted: text with length, and its lifetime.
---@return string[] addresses, table[] records of `ip -json`
function published.addresses(instance, name)
  local document = json.decode(instance:sh("ip -json -6 address show dev " .. name .. " scope global"))
  local records, texts = {}, {}
  for _, link in ipairs(document) do -- ip also prints empty ones, of what the filter left out
    for _, record in ipairs(link.addr_info or {}) do
      if record["local"] then records[#records + 1] = record end
    end
  end
  for i, record in ipairs(records) do texts[i] = record["local"] .. "/" .. record.prefixlen end
  table.sort(texts)
  return texts, records
end

--- The default routes of the main interface, the first one first: "protocol gateway".
function published.default_routes(instance)
  local routes = json.decode(instance:sh("ip -json -6 route show default"))
  table.sort(routes, function(a, b) return a.metric < b.metric end)
  local texts = {}
  for i, route in ipairs(routes) do texts[i] = route.protocol .. " " .. route.gateway .. " " .. route.dev end
  return texts
end

--- Runs configure.lua inside.
---@return table result as eni6.process.run's
function published.configure(instance, ...)
  return instance:run { "lua5.4", "/opt/eni6/scripts/configure.lua", ... }
end

local IMAGE = [[
mkdir -p /tmp/image/bin && cp /bin/busybox /tmp/image/bin/
for name in sh ping ip sleep; do ln -sf busybox /tmp/image/bin/$name; done
tar -C /tmp/image -c . | docker import - busybox
docker run --detach --restart always --stop-signal KILL --name container busybox sleep 100000]]

--- Runs a container that comes back with each start of Docker.
function published.run_container(instance)
  instance:sh(IMAGE)
  instance.has_container = true
end

--- The container's global address with its length.
function published.container_address(instance)
  return (instance:wait("docker exec container ip -6 address show dev eth0 scope global | grep inet6"):match("inet6 (%S+)"))
end

-- networkd reads its files anew in the background: an assertion may have to wait for it.
local function eventually(check)
  local deadline = tasks.now() + 20
  while true do
    local ok, message = pcall(check)
    if ok then return end
    if tasks.now() > deadline then error(message, 0) end
    tasks.sleep(0.3)
  end
end

--- Waits for what DHCPv6 brings.
function published.wait_for_leases(instance)
  instance:wait("test $(ip -6 address show dev ens5 scope global | grep -c 'inet6.*/128.*dynamic') = 5")
end

local function assert_launched(instance, expected)
  local addresses, records = published.addresses(instance, "ens5")
  local leases = { P .. expected.host .. "/128" }
  for _, address in ipairs(expected.block) do leases[#leases + 1] = P .. address .. "/128" end
  table.sort(leases)
  assert.same(leases, addresses)
  for _, record in ipairs(records) do
    assert.is_true(record.dynamic and record.noprefixroute)
    assert.is_true(record.valid_life_time <= 450)
  end
  assert.same({ "ra " .. GATEWAY .. " ens5" }, published.default_routes(instance))
  assert.equal("", instance:sh("find /etc/netplan /etc/systemd /etc/sysctl.d /etc/docker -name '*eni6*' -o -name '60-ipv6*' "
    .. "-o -name daemon.json"))
  assert.same({}, (published.addresses(instance, "docker0")))
end

-- That networkd is content, and the five addresses are leases of its own, which it renews.
local function assert_leased(instance)
  local status = json.decode(instance:sh("networkctl status ens5 --json=short"))
  local leases = 0
  for _, address in ipairs(status.Addresses) do
    if address.ConfigSource == "DHCPv6" then leases = leases + 1 end
  end
  assert.equal(5, leases)
  assert.equal("configured", status.AdministrativeState)
end

--- As EC2's instances are launched: five leases of one address each, an advertised route.
function published.assert_launched(instance, expected)
  eventually(function()
    assert_launched(instance, expected)
    assert_leased(instance)
  end)
end

local function assert_configured(instance, expected)
  assert.same({ P .. expected.host .. "/64" }, (published.addresses(instance, "ens5")))
  assert.same({ "static " .. GATEWAY .. " ens5", "ra " .. GATEWAY .. " ens5" }, published.default_routes(instance))
  assert.same({ P .. expected.block[2] .. "/126" }, (published.addresses(instance, "docker0")))
  assert.equal("1\n", instance:sh("cat /proc/sys/net/ipv6/conf/all/forwarding"))
  if instance.has_container then
    assert.equal(P .. expected.block[3] .. "/126", published.container_address(instance))
  end
end

--- The state that the text ends with, its container's address too once it runs one.
function published.assert_configured(instance, expected)
  eventually(function() assert_configured(instance, expected) end)
end

--- Configures it, and fails when that fails.
function published.assert_configures(instance, ...)
  local result = published.configure(instance, ...)
  assert.equal(0, result.status, result.stderr)
  return result.stdout
end

--- That a further run changes nothing and says so.
function published.assert_nothing_to_do(instance)
  assert.matches("^nothing to do: ", published.assert_configures(instance))
end

return published
