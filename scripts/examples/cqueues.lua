-- EC2 calls in a program built on cqueues: each coroutine waits for its own call, and all go out together.
--
-- usage: lua cqueues.lua [OPERATION...]

local cqueues = require "cqueues"
local ec2 = assert(require("eni6.aws.ec2").new())
local loop = cqueues.new()

-- What blocks elsewhere lets the other coroutines run here.
local function await(call)
  while not call:done() do
    cqueues.poll(call)
    call:step()
  end
  return call:result()
end

local pending = 0

for _, operation in ipairs(#arg > 0 and arg or { "DescribeSubnets", "DescribeKeyPairs" }) do
  pending = pending + 1
  loop:wrap(function()
    local answer, message = await(assert(ec2:start(operation)))
    print(operation, answer and "answered" or message)
    pending = pending - 1
  end)
end

-- The rest of the program goes on meanwhile.
loop:wrap(function()
  local ticks = 0
  while pending > 0 do
    cqueues.sleep(0.01)
    ticks = ticks + 1
  end
  print(ticks .. " ticks")
end)

assert(loop:loop())
cqueues.cancel(ec2:pollfd()) -- cqueues forgets the descriptor before it is closed
ec2:close()
