local lyaml = require("lyaml")
local files = require("eni6.files")
local netplan = require("eni6.files.netplan")
local networkd = require("eni6.files.networkd")
local sysctl = require("eni6.files.sysctl")

local WANTED = {
  link = "ens5", mac = "12:fb:b4:8b:15:f8", address = "2001:db8:47b:ca03::1:1", length = 64,
  gateway = { via = "fe80::1066:30ff:feb8:c008", metric = 512 },
}

describe("files on the instance", function()
  it("netplan's file says what the published one says", function()
    local ens5 = lyaml.load(netplan.render(WANTED)).network.ethernets.ens5
    assert.is_false(ens5.dhcp6)
    assert.same({ "2001:db8:47b:ca03::1:1/64" }, ens5.addresses)
    assert.same({ { to = "::/0", via = "fe80::1066:30ff:feb8:c008", ["on-link"] = true, metric = 512 } }, ens5.routes)
  end)

  it("netplan's file leaves the route to advertisements where no gateway is known", function()
    local without = { link = "ens5", address = "2001:db8::1", length = 64 }
    assert.is_nil(lyaml.load(netplan.render(without)).network.ethernets.ens5.routes)
  end)

  it("keeps DHCPv6 off whatever the advertisement's flags say", function()
    assert.truthy(networkd.render_dropin():find("\n[IPv6AcceptRA]\nDHCPv6Client=no\n", 1, true))
    assert.truthy(networkd.render_unit(WANTED):find("\nDHCPv6Client=no\n", 1, true))
  end)

  it("a whole unit matches the interface by its MAC address", function()
    local unit = networkd.render_unit(WANTED)
    assert.truthy(unit:find("[Match]\nMACAddress=12:fb:b4:8b:15:f8\n", 1, true))
    assert.truthy(unit:find("\nAddress=2001:db8:47b:ca03::1:1/64\n", 1, true))
    assert.truthy(unit:find("\nGateway=fe80::1066:30ff:feb8:c008\n", 1, true))
  end)

  it("accept_ra comes before forwarding, and a dotted interface name stays whole", function()
    local settings = sysctl.settings("ens5.10")
    assert.same({ "net/ipv6/conf/ens5.10/accept_ra", "2" }, settings[1])
    assert.truthy(sysctl.render("ens5.10"):find("net/ipv6/conf/ens5.10/accept_ra = 2", 1, true))
  end)

  it("every file carries the mark", function()
    local texts = { netplan.render(WANTED), networkd.render_dropin(), networkd.render_unit(WANTED), sysctl.render("ens5") }
    for _, text in ipairs(texts) do
      assert.is_true(files.is_ours(text))
    end
    assert.is_false(files.is_ours("network: {}"))
    assert.is_false(files.is_ours(nil))
  end)
end)
