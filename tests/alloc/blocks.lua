local blocks = require "eni6.blocks"

return function()
  local pool = assert(blocks.new("2001:db8::/64"))
  for i = 1, 80 do assert(pool:occupy(string.format("2001:db8::%x:0:0", i * 257))) end
  assert(pool:load({ "2001:db8::/126", "2001:db8::1:1" }) == 2)
  local block = assert(pool:allocate(126, { from = "2001:db8::1:1" }))
  local taken, message, code, detail = pool:occupy(block)
  assert(not taken and message and code == "EEXIST" and detail.block == block)
  for each in pool:blocks() do assert(pool:contains(each)) end
  assert(pool:release(block) and pool:count() == 82)
  pool:close()
end
