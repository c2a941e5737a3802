-- run: lua5.4 release
-- Two whole instances, Debian with systemd-networkd, netplan, sshd and dockerd, on the
-- sandbox's network with advertisements by radvd and leases by dnsmasq: configured over
-- SSH as provision.lua does it, and rebooted.
local filesystem = require "eni6.filesystem"
local published = require "support.published"
local remote = require "support.nspawn_remote"
local vpc = require "support.nspawn_vpc"

local P = "2001:db8:47b:ca03::"

describe("a whole instance", function()
  local network, missing = vpc.around(setup, teardown)
  if not network then return pending(missing) end
  local one, two, operator

  setup(function()
    operator = remote.new(network)
    local options = { authorized_key = operator.public_key }
    one, two = network:boot(1, options), network:boot(2, options)
  end)

  local function assert_both_configured()
    published.assert_configured(one, published.ONE)
    published.assert_configured(two, published.TWO)
  end

  local function assert_containers_reach_each_other()
    one:wait("docker exec container ping -c 1 -w 2 " .. P .. "e")
    two:wait("docker exec container ping -c 1 -w 2 " .. P .. "a")
  end

  it("comes up as EC2's do: five leases of one address each, and an advertised route", function()
    published.assert_launched(one, published.ONE)
    published.assert_launched(two, published.TWO)
  end)

  it("is configured over SSH, known by its console, and goes back by itself where nobody gets in to confirm", function()
    one:sh("dpkg --purge lua-argparse") -- to be installed, from an archive
    remote.cut_when_configured(two)
    local run = operator:provision("--configure", "--host-keys", "console", "--confirm", "12")
    run:wait_for("instance%-1: .*reaching")
    assert.is_nil(filesystem.stat(operator.known_hosts))
    remote.show_host_keys(network, 1, one)
    remote.show_host_keys(network, 2, two)
    local result = run:finish()
    assert.equal(1, result.status)
    assert.matches("instance%-1: .*host key from the console: SHA256:", result.stderr)
    assert.matches("instance%-1: .*confirmed over a new connection", result.stderr)
    assert.truthy(result.stderr:find("instance-2: it was not confirmed and goes back by itself within 12 s", 1, true),
      result.stderr)
    published.assert_configured(one, published.ONE)
    two:wait("test ! -e /var/lib/eni6/journal", 30)
    published.assert_launched(two, published.TWO)
  end)

  it("is finished by another run, as the published text shows; a third changes nothing", function()
    remote.cut_no_more(two)
    local result = operator:provision("--configure", "--host-keys", "console", "--json"):finish()
    assert.equal(0, result.status, result.stderr)
    assert.matches('"configured":"nothing to do".*"configured":"configured"', result.stdout)
    for _, instance in ipairs({ one, two }) do published.run_container(instance) end
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
    assert.equal("instance-1\n", operator:ssh(1, "hostname"))
    assert.equal("instance-2\n", operator:ssh(2, "hostname"))
    assert.matches("^nothing to do: ", operator:ssh(1, "lua5.4 /opt/eni6/scripts/configure.lua --dry-run"))
  end)
end)
