-- run: lua5.4
-- Two whole instances, Debian with systemd-networkd, netplan, sshd and dockerd, on the
-- sandbox's network with advertisements by radvd and leases by dnsmasq: configured, and
-- rebooted.
local filesystem = require "eni6.filesystem"
local nspawn = require "support.nspawn"
local process = require "eni6.process"
local published = require "support.published"
local vpc = require "support.nspawn_vpc"

local P = "2001:db8:47b:ca03::"

describe("a whole instance", function()
  if nspawn.missing() then
    return pending("needs " .. nspawn.missing())
  end
  local network, one, two, key

  setup(function()
    network = vpc.start()
    key = network.folder .. "/key"
    local made = assert(process.run { argv = { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key } })
    assert.equal(0, made.status, made.stderr)
    local options = { authorized_key = assert(filesystem.read(key .. ".pub")) }
    one, two = network:boot(1, options), network:boot(2, options)
  end)

  teardown(function() network:stop() end)

  local function assert_both_configured()
    published.assert_configured(one, published.ONE)
    published.assert_configured(two, published.TWO)
  end

  local function assert_containers_reach_each_other()
    one:wait("docker exec container ping -c 1 -w 2 " .. P .. "e")
    two:wait("docker exec container ping -c 1 -w 2 " .. P .. "a")
  end

  -- What the instance says of itself over SSH, from beyond its subnet.
  local function ssh(address, command)
    local result = assert(process.run {
      argv = { "ssh", "-F", "none", "-i", key, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new",
        "-o", "UserKnownHostsFile=" .. network.folder .. "/known_hosts", "-o", "ConnectTimeout=10", "root@" .. address, command },
      netns = "/run/netns/" .. network.router, timeout = 30 })
    assert.equal(0, result.status, result.stderr)
    return result.stdout
  end

  it("comes up as EC2's do: five leases of one address each, and an advertised route", function()
    published.assert_launched(one, published.ONE)
    published.assert_launched(two, published.TWO)
  end)

  it("is configured as the published text shows, and a second run changes nothing", function()
    for _, instance in ipairs({ one, two }) do
      published.assert_configures(instance)
      published.run_container(instance)
    end
    assert_both_configured()
    assert_containers_reach_each_other()
    published.assert_nothing_to_do(one)
  end)

  it("gets nothing back by DHCPv6, when asked to renew either", function()
    one:sh("networkctl renew ens5; networkctl reconfigure ens5")
    one:wait("networkctl status ens5 | grep -q '(configured)'")
    one:sh("sleep 4")
    published.assert_configured(one, published.ONE)
  end)

  it("is the same after a reboot, and when the power went", function()
    one:reboot()
    two:reboot(true)
    assert_both_configured()
    assert_containers_reach_each_other()
    published.assert_nothing_to_do(one)
    published.assert_nothing_to_do(two)
  end)

  it("answers over SSH at its host address, with its own host key", function()
    assert.equal("instance-1\n", ssh(P .. "1:1", "hostname"))
    assert.equal("instance-2\n", ssh(P .. "2:2", "hostname"))
    assert.matches("^nothing to do: ", ssh(P .. "1:1", "lua5.4 /opt/eni6/scripts/configure.lua --dry-run"))
  end)
end)
