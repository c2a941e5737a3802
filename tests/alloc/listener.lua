local listener = require("eni6.core").listener

return function()
  assert(not listener.open("127.0.0.1", 0, "no-such-namespace"))
  assert(not listener.open("localhost", 0))
  assert(not listener.open("2001:db8::1", 1, "/proc/self/ns/uts"))
end
