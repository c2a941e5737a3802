--- What the published text shows of an instance, read from a whole one.

local json = require "dkjson"

local published = {}

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
function published.run_container(instance) instance:sh(IMAGE) end

--- The container's global address with its length.
function published.container_address(instance)
  return (instance:wait("docker exec container ip -6 address show dev eth0 scope global | grep inet6"):match("inet6 (%S+)"))
end

return published
