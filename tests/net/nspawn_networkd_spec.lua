-- run: lua5.4 release
-- A whole instance without netplan files: systemd-networkd's own are written.
local published = require "support.published"
local vpc = require "support.nspawn_vpc"

describe("a whole instance with networkd alone", function()
  local network, missing = vpc.around(setup, teardown)
  if not network then return pending(missing) end
  local one

  setup(function() one = network:boot(1, { flavour = "networkd" }) end)

  it("is configured, and the same after a reboot", function()
    published.assert_launched(one, published.ONE)
    published.assert_configures(one)
    published.run_container(one)
    published.assert_configured(one, published.ONE)
    published.assert_nothing_to_do(one)
    local checked = one:run { "lua5.4", "/opt/eni6/scripts/check.lua" }
    assert.equal(0, checked.status, checked.stdout .. checked.stderr)
    one:reboot(true)
    published.assert_configured(one, published.ONE)
    published.assert_nothing_to_do(one)
  end)

  it("gets nothing back by DHCPv6, when asked to renew", function()
    one:sh("networkctl renew ens5; networkctl reconfigure ens5; sleep 4")
    published.assert_configured(one, published.ONE)
  end)
end)
