local ip6 = require "eni6.ip6"

return function()
  local subnet = assert(ip6.prefix("2001:db8::/64"))
  local address = assert(subnet:at("::1:1"))
  assert(("host " .. address + 1) == "host 2001:db8::1:2")
  assert(subnet:nth(-1) - subnet:last() == 0)
  assert(address:prefix(126):contains(address))
  assert(select(3, ip6.address("::g")) == "EINVAL")
  assert(not pcall(subnet.contains, subnet, "nonsense"))
  for each in subnet:addresses() do
    if each == subnet:nth(3) then break end
  end
end
