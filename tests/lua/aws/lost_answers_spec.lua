-- run: lua5.4
-- Many calls at once through a connection that is slow and loses answers: every one of them is accounted for.
local descriptors = require "support.descriptors"
local ip6 = require "eni6.ip6"
local sandbox = require "support.sandbox"
local servers = require "support.servers"
local system = require("eni6.core").system

local AT_ONCE, SEED = 64, tonumber(os.getenv("SEED")) or 1

local aws = sandbox.start { "--quiet" }

local function client(url)
  return assert(require("eni6.aws.ec2").new {
    getenv = function(name) return aws.env[name] end, read_file = function() return nil, "none", "ENOENT" end, endpoint = url,
  })
end

-- Makes calls, AT_ONCE under way, until `next_call` gives no more; `tell(call, what)` gets each that is done.
local function drive(ec2, next_call, tell)
  local open, count, more = {}, 0, true
  while more or count > 0 do
    while more and count < AT_ONCE do
      local call, what = next_call()
      more = call ~= nil
      if more then
        open[call] = what
        count = count + 1
      end
    end
    assert(system.poll({ { ec2:pollfd(), ec2:events() } }, ec2:timeout()))
    ec2:step()
    for call, what in pairs(open) do
      if call:done() then
        open[call] = nil
        count = count - 1
        tell(call, what)
      end
    end
  end
end

-- An even mix of reads, changes that may be repeated (a token makes them one), and changes that may not.
local function plan(count, interfaces, run)
  local calls = {}
  for index = 1, count do
    local name = ({ "DescribeSubnets", "CreateNetworkInterface", "AssignIpv6Addresses" })[index % 3 + 1]
    local call = { name = name, params = {} }
    if name == "CreateNetworkInterface" then
      call.mark = string.format("run %d, call %d", run, index)
      call.params = { SubnetId = aws.subnet_id, Ipv6AddressCount = 0, Description = call.mark }
    elseif name == "AssignIpv6Addresses" then
      call.mark = tostring(ip6.address("2001:db8:47b:ca03::a:0") + (run * 10000 + index))
      call.params = { NetworkInterfaceId = interfaces[index % #interfaces + 1], Ipv6Addresses = { call.mark } }
    end
    calls[index] = call
  end
  return calls
end

-- Makes them, and notes of each what the client says of it: "answered", "unknown" or "failed".
local function carry_out(ec2, calls)
  local index, tally = 0, { answered = 0, unknown = 0, failed = 0 }
  drive(ec2, function()
    index = index + 1
    if calls[index] then return assert(ec2:start(calls[index].name, calls[index].params)), calls[index] end
  end, function(call, planned)
    local result, message, code, detail = call:result()
    planned.fate = result and "answered" or detail.unknown and "unknown" or "failed"
    tally[planned.fate] = tally[planned.fate] + 1
    if not result then
      assert.is_string(code)
      assert.equal(planned.fate == "unknown", message:find("look before asking again", 1, true) ~= nil)
    end
  end)
  return tally
end

-- How often each mark is found on what truly exists.
local function marks()
  local found = {}
  local function count(mark) found[mark] = (found[mark] or 0) + 1 end
  for _, interface in ipairs(aws:state().network_interfaces) do
    count(interface.description or "")
    for _, address in ipairs(interface.ipv6AddressesSet) do count(address.ipv6Address) end
  end
  return found
end

local function log_count(operation)
  local count = 0
  for _, entry in ipairs(aws:log()) do
    if not operation or entry.operation == operation then count = count + 1 end
  end
  return count
end

describe("through a connection that loses answers", function()
  local interfaces = {}
  setup(function()
    local ec2 = client()
    for index = 1, 16 do
      local made = assert(ec2:CreateNetworkInterface({ SubnetId = aws.subnet_id, Ipv6AddressCount = 0 }))
      interfaces[index] = made.NetworkInterface.NetworkInterfaceId
    end
    ec2:close()
  end)
  teardown(function()
    aws:stop()
    servers.stop_all()
  end)

  it("what was answered was done, nothing was done twice, and what may have been done is said to be", function()
    local before, assigned_before = log_count(), log_count("AssignIpv6Addresses")
    local link = servers.slow_link(aws.port, 20, 50, SEED)
    local ec2 = client(link.url)
    local calls = plan(300, interfaces, 1)
    local tally = carry_out(ec2, calls)
    ec2:close()
    local carried, lost = link.finish()
    local found, unknown = marks(), 0
    for _, call in ipairs(calls) do
      assert.is_string(call.fate)
      if call.name == "DescribeSubnets" then
        assert.not_equal("unknown", call.fate)
      else
        -- The link loses answers, not requests: what is unknown was done.
        assert.equal(call.fate == "failed" and 0 or 1, found[call.mark] or 0, call.mark)
        if call.name == "AssignIpv6Addresses" and call.fate == "unknown" then unknown = unknown + 1 end
      end
    end
    assert.equal(300, tally.answered + tally.unknown + tally.failed)
    assert.is_true(lost > 3 and unknown > 0, lost .. " lost, " .. unknown .. " unknown")
    assert.equal(100, log_count("AssignIpv6Addresses") - assigned_before) -- never repeated
    assert.equal(carried, log_count() - before)
    assert.is_true(carried > 300 and carried <= 300 + lost)
  end)

  it("memory and descriptors stay as they were", function()
    local open = descriptors()
    local link = servers.slow_link(aws.port, 1, 20, SEED)
    local ec2 = client(link.url)
    local function round(run)
      carry_out(ec2, plan(200, interfaces, run))
      collectgarbage()
      collectgarbage()
      return collectgarbage("count")
    end
    for run = 2, 3 do round(run) end
    local memory, under_way = round(4), descriptors()
    for run = 5, 7 do round(run) end
    assert.is_true(round(8) - memory < 20, "memory grows")
    assert.is_true(descriptors() - under_way < AT_ONCE / 2, "descriptors grow")
    ec2:close()
    link.finish()
    assert.equal(open, descriptors())
  end)
end)
