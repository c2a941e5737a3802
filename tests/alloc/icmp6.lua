local core = require("eni6.core")

return function()
  local namespace = assert(core.netlink.netns())
  local socket = assert(core.icmp6.open{ netns = namespace, link = "lo", source = "::1" })
  assert(socket:echo(7, "::1"))
  local answer
  repeat answer = socket:receive() until answer
  assert(answer.kind == "reply" and answer.sequence == 7)
  assert(select(3, socket:solicit("::1", "eni6-none")) == "ENODEV")
  socket:close()
  namespace:close()
end
