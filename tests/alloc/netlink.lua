local core = require("eni6.core")
local netlink, rtnl = core.netlink, core.rtnl

return function()
  local namespace = assert(netlink.netns())
  local nl = assert(netlink.open{ netns = namespace, groups = { 1 } })
  assert(#assert(nl:rules{ priority = 0 }, "no memory?") >= 1)
  assert(nl:addresses({ link = "lo" }, { verify = true }))
  assert(nl:event() == false)
  assert(select(3, nl:get_link{ name = "eni6-none" }) == "ENODEV")
  assert(select(3, nl:delete_link{ link = "eni6-none", netns = namespace }) == "ENODEV")
  local results, failed = nl:batch{
    { "delete_rule", { priority = 4242, from = "2001:db8::/32", table = 4242 } },
    { "add_route", { dst = "::/0", link = "eni6-none" } },
    { "delete_route", { dst = "2001:db8:4242::/48", table = 4242, nexthops = { { index = 1 }, { gateway = "::1" } } } },
  }
  assert(failed == 3 and results[3].code)
  nl:close()
  namespace:close()
  netlink.list_netns()
  local bytes = rtnl.encode("add_link", {
    name = "v0", kind = "veth", peer = { name = "v1", address = "02:00:00:00:00:01" }, token = "::1",
  })
  assert(rtnl.decode(bytes)[1].record.peer.name == "v1")
  assert(not pcall(rtnl.encode, "add_route", { dst = "::/129" }))
end
