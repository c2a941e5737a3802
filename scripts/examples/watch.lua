-- Addresses that come and go on this machine, each looked up in EC2 at once: netlink's events
-- and EC2's answers in one loop of cqueues, neither waiting for the other.
--
-- usage: lua watch.lua [COUNT]     ends after so many addresses

local cqueues = require "cqueues"
local ec2 = assert(require("eni6.aws.ec2").new())
local monitor = assert(assert(require("eni6.netlink").open()):monitor { "address" })
local loop = cqueues.new()
local left = tonumber(arg[1]) or math.huge

local function await(call)
  while not call:done() do
    cqueues.poll(call)
    call:step()
  end
  return call:result()
end

-- The interface that has the address, as EC2 says.
local function owner(address)
  local answer, message = await(assert(ec2:start("DescribeNetworkInterfaces",
    { Filters = { { Name = "ipv6-addresses.ipv6-address", Values = { address } } } })))
  if not answer then return message end
  local interface = answer.NetworkInterfaces[1]
  return interface and interface.NetworkInterfaceId or "not EC2's"
end

local function look_up(event)
  local address = tostring(event.record.address):gsub("/.*", "")
  io.stdout:write(event.action, " ", event.record.link or "?", " ", address, ": ", owner(address), "\n")
end

loop:wrap(function()
  while left > 0 do
    local event, message = monitor:read()
    if event == nil then error(message) end
    if not event then
      cqueues.poll(monitor)
    elseif event.object == "address" and event.record.family == "inet6" then
      left = left - 1
      loop:wrap(look_up, event)
    end
  end
end)

assert(loop:loop())
cqueues.cancel(ec2:pollfd()) -- cqueues forgets descriptors before they are closed
cqueues.cancel(monitor:pollfd())
ec2:close()
monitor:close()
