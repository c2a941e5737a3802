-- The client over a real wire: against the sandbox, and against what is no endpoint at all.
local ec2_module = require "eni6.aws.ec2"
local process = require "eni6.process"
local sandbox = require "support.sandbox"
local system = require("eni6.core").system
local tasks = require "eni6.tasks"

local aws = sandbox.start { "--quiet" }
local SECRET = aws.env.AWS_SECRET_ACCESS_KEY

local function client(more)
  local options = { getenv = function(name) return aws.env[name] end, read_file = function() return nil, "none", "ENOENT" end }
  for name, value in pairs(more or {}) do options[name] = value end
  return assert(ec2_module.new(options))
end

local function address(n) return string.format("2001:db8:47b:ca03::%x", n) end

local next_address = 0x1000
local function new_interface(ec2, more)
  next_address = next_address + 1
  local params = { SubnetId = aws.subnet_id, Ipv6Addresses = { { Ipv6Address = address(next_address) } } }
  for name, value in pairs(more or {}) do params[name] = value end
  return ec2:CreateNetworkInterface(params)
end

local function count_of(operation)
  local count = 0
  for _, entry in ipairs(aws:log()) do
    if entry.operation == operation then count = count + 1 end
  end
  return count
end

local function interfaces_count() return #aws:state().network_interfaces end

describe("over the wire", function()
  local ec2
  before_each(function()
    aws:faults({})
    ec2 = client()
  end)
  after_each(function() ec2:close() end)
  teardown(function() aws:stop() end)

  it("reads and writes", function()
    local created = assert(new_interface(ec2, { Description = "ä & <b>", TagSpecifications = {
      { ResourceType = "network-interface", Tags = { { Key = "Name", Value = "x=y&z+1 %" } } },
    } }))
    local id = created.NetworkInterface.NetworkInterfaceId
    local found = assert(ec2:DescribeNetworkInterfaces({ NetworkInterfaceIds = { id } })).NetworkInterfaces[1]
    assert.equal("ä & <b>", found.Description)
    assert.same({ { Key = "Name", Value = "x=y&z+1 %" } }, found.TagSet)
    assert(ec2:DeleteNetworkInterface({ NetworkInterfaceId = id }))
    local result, message, code, detail = ec2:DescribeNetworkInterfaces({ NetworkInterfaceIds = { id } })
    assert.is_nil(result)
    assert.equal("InvalidNetworkInterfaceID.NotFound", code)
    assert.matches(id, message, 1, true)
    assert.equal(400, detail.status)
    assert.matches("^%x+%-", detail.request_id)
  end)

  it("keeps one connection", function()
    for _ = 1, 5 do assert(ec2:DescribeVpcs()) end
    local result = assert(process.run { argv = { "ss", "-Htn", "state", "established", "dport", "=", ":" .. aws.port } })
    local _, connections = result.stdout:gsub("\n", "")
    assert.equal(1, connections)
  end)

  it("asks again after throttling and broken answers", function()
    aws:faults({ { kind = "throttle", operation = "DescribeSubnets" }, { kind = "drop_body", operation = "DescribeSubnets" } })
    local before = count_of("DescribeSubnets")
    local events = {}
    local observed = client({ observe = function(event) events[#events + 1] = event.code or event.status end })
    assert(observed:DescribeSubnets())
    observed:close()
    assert.equal(3, count_of("DescribeSubnets") - before)
    assert.equal("RequestLimitExceeded", events[1])
    assert.equal(200, events[#events])
  end)

  it("makes one interface although the answer to the first request was lost", function()
    for _, kind in ipairs({ "lose_answer", "drop_body" }) do
      local before = interfaces_count()
      aws:faults({ { kind = kind, operation = "CreateNetworkInterface" } })
      assert(new_interface(ec2))
      assert.equal(before + 1, interfaces_count())
    end
  end)

  it("says that it does not know, and does not ask again, where there is no token", function()
    local eni = assert(new_interface(ec2)).NetworkInterface.NetworkInterfaceId
    for _, kind in ipairs({ "lose_answer", "drop_body", "status", "html", "close_before" }) do
      aws:faults({ { kind = kind, operation = "AssignIpv6Addresses" } })
      local before = count_of("AssignIpv6Addresses")
      local result, message, _, detail = ec2:AssignIpv6Addresses({ NetworkInterfaceId = eni, Ipv6AddressCount = 1 })
      assert.is_nil(result)
      assert.is_true(detail.unknown, kind)
      assert.matches("look before asking again", message)
      assert.equal(1, count_of("AssignIpv6Addresses") - before, kind)
    end
  end)

  it("gives up a slow request in time, and knows what that means", function()
    local hasty = client({ timeout = 0.3, max_attempts = 2 })
    aws:faults({ { kind = "delay", seconds = 2, times = 3 } })
    local began = system.monotonic()
    local _, _, code, detail = hasty:DescribeVpcs()
    assert.equal("ETIMEDOUT", code)
    assert.equal(2, detail.attempts)
    _, _, code, detail = hasty:UnassignIpv6Addresses({ NetworkInterfaceId = "eni-1", Ipv6Addresses = { address(1) } })
    assert.equal("ETIMEDOUT", code)
    assert.is_true(detail.unknown)
    assert.equal(1, detail.attempts)
    assert.is_true(system.monotonic() - began < 2.9)
    hasty:close()
  end)

  it("pages", function()
    for _ = 1, 12 do assert(new_interface(ec2)) end
    local whole = assert(ec2:all("DescribeNetworkInterfaces")).NetworkInterfaces
    local pages, ids = 0, {}
    for page in ec2:pages("DescribeNetworkInterfaces", { MaxResults = 5 }) do
      pages = pages + 1
      for _, interface in ipairs(assert(page).NetworkInterfaces) do ids[#ids + 1] = interface.NetworkInterfaceId end
    end
    assert.equal(math.ceil(#whole / 5), pages)
    for i, interface in ipairs(whole) do assert.equal(interface.NetworkInterfaceId, ids[i]) end
    local merged = assert(ec2:all("DescribeNetworkInterfaces", { MaxResults = 5 }))
    assert.equal(#whole, #merged.NetworkInterfaces)
    assert.is_nil(merged.NextToken)
  end)

  it("waits until an instance runs, through eventual consistency", function()
    aws:faults({ habits = { consistency_lag = 0.4, state_delay = 0.8 } })
    local reservation = assert(ec2:RunInstances({ ImageId = aws.image_id, InstanceType = "r5d.large", MinCount = 1, MaxCount = 1,
      SubnetId = aws.subnet_id }))
    local id = reservation.Instances[1].InstanceId
    local states = {}
    local result = assert(ec2:wait("InstanceRunning", { InstanceIds = { id } }, {
      timeout = 20, on_poll = function(poll) states[#states + 1] = poll.states[id] or "nothing" end,
    }))
    assert.equal("running", result.Reservations[1].Instances[1].State.Name)
    assert.equal("running", states[#states])
    assert.is_true(#states > 1)
    assert(ec2:TerminateInstances({ InstanceIds = { id } }))
    assert(ec2:wait("InstanceTerminated", { InstanceIds = { id } }, { timeout = 20 }))
    local _, message, code = ec2:wait("InstanceRunning", { InstanceIds = { id } }, { timeout = 20 })
    assert.equal("WaiterFailed", code)
    assert.matches(id .. " is terminated", message, 1, true)
    aws:faults({ habits = { consistency_lag = 0, state_delay = 0 } })
  end)

  it("does many things at once inside tasks", function()
    aws:faults({ habits = { latency = 0.2 } })
    local began, done = system.monotonic(), 0
    assert(tasks.group(function(group)
      for i = 1, 10 do
        group:spawn("task " .. i, function()
          assert(ec2:DescribeVpcs())
          assert(ec2:DescribeSubnets())
          done = done + 1
          return true
        end)
      end
    end))
    assert.equal(10, done)
    assert.is_true(system.monotonic() - began < 10 * 2 * 0.2 / 2)
    aws:faults({ habits = { latency = 0 } })
  end)

  it("tells a wrong secret from the rest", function()
    local wrong = client({ credentials = { access_key_id = aws.env.AWS_ACCESS_KEY_ID, secret_access_key = "wrong-secret-key" } })
    local result, message, code = wrong:DescribeVpcs()
    assert.is_nil(result)
    assert.equal("SignatureDoesNotMatch", code)
    assert.matches("the secret access key is not the one", message, 1, true)
    assert.not_matches("wrong-secret-key", message, 1, true)
    wrong:close()
    local unknown = client({ credentials = { access_key_id = "AKIDUNKNOWN", secret_access_key = SECRET } })
    result, message = unknown:DescribeVpcs()
    assert.is_nil(result)
    assert.matches("its credentials came from the caller", message, 1, true)
    assert.not_matches(SECRET, message, 1, true)
    unknown:close()
  end)

  it("takes the endpoint's clock where ours is a year off", function()
    local events = {}
    local late = client({ time = function() return system.time() - 31536000 end,
      observe = function(event) events[#events + 1] = event.code or event.status end })
    assert(late:DescribeVpcs())
    assert(late:DescribeVpcs())
    assert.equal(3, #events)
    assert.equal(200, events[3])
    late:close()
  end)

  it("takes it once, when many tasks learn of it together", function()
    local late = client({ time = function() return system.time() - 31536000 end })
    assert(tasks.group(function(group)
      for i = 1, 5 do group:spawn("task " .. i, function() return late:DescribeVpcs() end) end
    end))
    assert.is_true(math.abs(late.clock_offset - 31536000) < 10)
    late:close()
  end)

  it("reads the user's own files", function()
    local directory = os.tmpname()
    os.remove(directory)
    os.execute("mkdir -p " .. directory .. "/.aws")
    local function write(name, ...)
      local file = assert(io.open(directory .. "/.aws/" .. name, "w"))
      file:write(...)
      file:close()
    end
    write("config", "[profile box]\nregion = us-east-1\nendpoint_url = ", aws.url, "\n")
    write("credentials", "[box]\naws_access_key_id = ", aws.env.AWS_ACCESS_KEY_ID, "\naws_secret_access_key = ", SECRET, "\n")
    local env = { HOME = directory, AWS_PROFILE = "box" }
    local own = assert(ec2_module.new({ getenv = function(name) return env[name] end }))
    assert(own:DescribeVpcs())
    own:close()
    os.execute("rm -r " .. directory)
  end)

  describe("there is no endpoint:", function()
    local function fails(endpoint, code, words, more)
      more = more or {}
      more.endpoint, more.max_attempts = endpoint, more.max_attempts or 1
      local other = client(more)
      local result, message, actual, detail = other:TerminateInstances({ InstanceIds = { "i-1" } })
      other:close()
      assert.is_nil(result)
      assert.equal(code, actual, message)
      for _, word in ipairs(words) do assert.matches(word, message, 1, true) end
      return detail
    end

    -- A server that answers every request with one text; Python's, so that it is nobody's here.
    local function with_server(answer, test)
      local server = assert(process.spawn { stdin = "null", stdout = "pipe", stderr = "null", die_with_parent = true,
        argv = { "/usr/bin/python3", "-c", [[
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(sys.argv[1].encode().decode("unicode_escape").encode())
    connection.close()
]], answer } })
      local port = assert(server:read_line(20))
      local ok, message = pcall(test, "http://127.0.0.1:" .. port)
      server:kill("KILL")
      server:wait(5)
      if not ok then error(message, 0) end
    end

    it("nothing listens", function()
      local detail = fails("http://127.0.0.1:1", "ECONNREFUSED",
        { "http://127.0.0.1:1/ (from the call)", "nothing listens there" })
      assert.is_nil(detail.unknown)
      assert.is_true(detail.retryable)
    end)

    it("the host has no address", function()
      local detail = fails("http://no.such.host.invalid", "ERESOLVE", { "AWS_ENDPOINT_URL_EC2" })
      assert.is_nil(detail.unknown)
    end)

    it("it speaks no TLS", function()
      local detail = fails("https://127.0.0.1:" .. aws.port, "ETLS", { "AWS_CA_BUNDLE" })
      assert.is_nil(detail.unknown)
      assert.is_false(detail.retryable)
    end)

    it("it is a web page", function()
      with_server("HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nContent-Length: 43\\r\\n\\r\\n"
        .. "<!DOCTYPE html><html><title>Hi</title></html>", function(url)
          fails(url, "HTMLResponse", { 'titled "Hi"', "check that it is EC2's endpoint" })
        end)
    end)

    it("it sends us elsewhere", function()
      with_server("HTTP/1.1 301 Moved\\r\\nLocation: https://example.com/\\r\\nContent-Length: 0\\r\\n\\r\\n", function(url)
        fails(url, "EmptyResponse", { "it redirects to https://example.com/" })
      end)
    end)

    it("it speaks JSON", function()
      with_server("HTTP/1.1 404 Not Found\\r\\nContent-Type: application/json\\r\\nContent-Length: 9\\r\\n\\r\\n{\"a\":\"b\"}",
        function(url) fails(url, "InvalidResponse", { "HTTP status 404", "check that it is EC2's endpoint" }) end)
    end)

    it("it speaks no HTTP", function()
      with_server("SSH-2.0-OpenSSH_9.2\\r\\n", function(url) fails(url, "EPROTO", {}) end)
    end)
  end)
end)
