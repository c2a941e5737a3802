-- run: lua5.4
-- A whole instance without netplan files: systemd-networkd's own are written.
local nspawn = require "support.nspawn"
local published = require "support.published"
local vpc = require "support.nspawn_vpc"

describe("a whole instance with networkd alone", function()
  if nspawn.missing() then
    return pending("needs " .. nspawn.missing())
  end
  local network, one

  setup(function()
    network = vpc.start()
    one = network:boot(1, { flavour = "networkd" })
  end)

  teardown(function() network:stop() end)

  it("is configured, and the same after a reboot", function()
    published.assert_launched(one, published.ONE)
    published.assert_configures(one)
    published.run_container(one)
    published.assert_configured(one, published.ONE)
    published.assert_nothing_to_do(one)
    one:reboot(true)
    published.assert_configured(one, published.ONE)
    published.assert_nothing_to_do(one)
  end)

  it("gets nothing back by DHCPv6, when asked to renew", function()
    one:sh("networkctl renew ens5; networkctl reconfigure ens5; sleep 4")
    published.assert_configured(one, published.ONE)
  end)
end)
