-- run: lua5.4
-- Two whole instances, Debian with systemd-networkd, netplan, sshd and dockerd, on the
-- sandbox's network with advertisements by radvd and leases by dnsmasq: configured, and
-- rebooted.
local nspawn = require "support.nspawn"
local published = require "support.published"
local vpc = require "support.nspawn_vpc"

local P, GATEWAY = "2001:db8:47b:ca03::", "fe80::1066:30ff:feb8:c008"

describe("a whole instance", function()
  if nspawn.missing() then
    return pending("needs " .. nspawn.missing())
  end
  local network, one, two

  local function boot(host)
    return nspawn.boot { netns = host.netns, mac = host.mac, name = host.name, folder = network.folder .. "/" .. host.name }
  end

  setup(function()
    network = vpc.start()
    one, two = boot(network.hosts[1]), boot(network.hosts[2])
  end)

  teardown(function()
    if one then one:stop() end
    if two then two:stop() end
    network:stop()
  end)

  local function wait_for_leases(instance)
    instance:wait("test $(ip -6 address show dev ens5 scope global | grep -c inet6) = 5")
  end

  -- The state that the published text ends with.
  local function assert_configured(instance, address, bridge, container)
    instance:wait("ip -6 route show default | grep -q 'proto ra'")
    assert.same({ P .. address .. "/64" }, (published.addresses(instance, "ens5")))
    assert.same({ "static " .. GATEWAY .. " ens5", "ra " .. GATEWAY .. " ens5" }, published.default_routes(instance))
    assert.same({ P .. bridge .. "/126" }, (published.addresses(instance, "docker0")))
    assert.equal(P .. container .. "/126", published.container_address(instance))
    assert.equal("1\n", instance:sh("cat /proc/sys/net/ipv6/conf/all/forwarding"))
  end

  local function assert_both_configured()
    assert_configured(one, "1:1", "9", "a")
    assert_configured(two, "2:2", "d", "e")
  end

  local function assert_containers_reach_each_other()
    one:wait("docker exec container ping -c 1 -w 2 " .. P .. "e")
    two:wait("docker exec container ping -c 1 -w 2 " .. P .. "a")
  end

  local function assert_nothing_to_do(instance)
    local again = published.configure(instance)
    assert.equal(0, again.status, again.stderr)
    assert.truthy(again.stdout:find("^nothing to do: "), again.stdout)
  end

  it("comes up as EC2's do: five leases of one address each, and an advertised route", function()
    wait_for_leases(one)
    local addresses, records = published.addresses(one, "ens5")
    assert.same({ P .. "1:1/128", P .. "8/128", P .. "9/128", P .. "a/128", P .. "b/128" }, addresses)
    for _, record in ipairs(records) do
      assert.is_true(record.dynamic and record.noprefixroute)
      assert.is_true(record.valid_life_time <= 450)
    end
    assert.same({ "ra " .. GATEWAY .. " ens5" }, published.default_routes(one))
  end)

  it("is configured as the published text shows, and a second run changes nothing", function()
    for _, instance in ipairs({ one, two }) do
      wait_for_leases(instance)
      local result = published.configure(instance)
      assert.equal(0, result.status, result.stderr)
      published.run_container(instance)
    end
    assert_both_configured()
    assert_containers_reach_each_other()
    assert_nothing_to_do(one)
  end)

  it("gets nothing back by DHCPv6, when asked to renew either", function()
    one:sh("networkctl renew ens5; networkctl reconfigure ens5")
    one:wait("networkctl status ens5 | grep -q '(configured)'")
    one:sh("sleep 4")
    assert_configured(one, "1:1", "9", "a")
  end)

  it("is the same after a reboot, and when the power went", function()
    one:reboot()
    two:reboot(true)
    assert_both_configured()
    assert_containers_reach_each_other()
    assert_nothing_to_do(one)
    assert_nothing_to_do(two)
  end)
end)
