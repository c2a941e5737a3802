-- run: lua5.4
-- The sandbox as a process: how it starts, ends, and misbehaves on demand.
local process = require "eni6.process"
local sandbox = require "support.sandbox"
local system = require("eni6.core").system

local function curl(...)
  local result = assert(process.run { argv = { "curl", "-sS", "--noproxy", "*", ... }, timeout = 30 })
  return result.stdout, result.status
end

describe("the sandbox as a process", function()
  it("ends when its standard input ends, and at SIGINT and SIGTERM, with status 0", function()
    assert.same({ status = 0 }, sandbox.start():stop())
    for _, signal in ipairs { "INT", "TERM" } do
      local one = sandbox.start()
      one.process:kill(signal)
      assert.same({ status = 0 }, one.process:wait(10))
      one:stop()
    end
  end)

  it("ends when whoever started it is killed", function()
    local starter = assert(process.spawn { argv = { "sh", "-c", "sleep 100 | lua5.4 scripts/sandbox.lua --die-with-stdin" },
      stdout = "pipe", stderr = "null", new_group = true })
    local line
    repeat line = assert(starter:read_line(20)) until line == "ready"
    local children = assert(process.run { argv = { "pgrep", "-P", tostring(starter.pid) } }).stdout
    starter:kill("KILL")
    starter:wait(10)
    for _ = 1, 200 do
      local alive = false
      for pid in children:gmatch("%d+") do
        alive = alive or process.run { argv = { "kill", "-0", pid }, stderr = "null" }.status == 0
      end
      if not alive then return end
      system.poll({}, 0.05)
    end
    error("the sandbox outlived its starter")
  end)

  it("says that a port is in use", function()
    local one = sandbox.start()
    local result = assert(process.run { argv = { "lua5.4", "scripts/sandbox.lua", "--port", tostring(one.port) }, timeout = 20 })
    assert.equal(1, result.status)
    assert.matches("cannot listen on 127.0.0.1, port " .. one.port .. ": .*in use", result.stderr)
    one:stop()
  end)

  it("listens on loopback alone", function()
    local one = sandbox.start()
    local sockets = assert(process.run { argv = { "ss", "-Hltn", "sport", "=", ":" .. one.port } }).stdout
    assert.matches("127%.0%.0%.1:" .. one.port, sockets)
    assert.not_matches("0%.0%.0%.0:" .. one.port, sockets)
    one:stop()
  end)

  it("explains its options", function()
    local result = assert(process.run { argv = { "lua5.4", "scripts/sandbox.lua", "--help" } })
    assert.equal(0, result.status)
    for _, option in ipairs { "--port", "--subnet-cidr", "--seed", "--fault", "--state-delay", "--latency" } do
      assert.matches(option, result.stdout, 1, true)
    end
  end)

  it("refuses options that make no sense", function()
    local function run(...)
      local result = assert(process.run { argv = { "lua5.4", "scripts/sandbox.lua", ... }, timeout = 20 })
      return result.status, result.stderr
    end
    local status, message = run("--region", "mars-1")
    assert.equal(1, status)
    assert.matches("no region 'mars%-1'; known: .*us%-east%-1", message)
    status, message = run("--subnet-cidr", "2001:db8::/65")
    assert.equal(1, status)
    assert.matches("'2001:db8::/65' is no IPv6 subnet", message)
    status, message = run("--fault", '{"kind":"earthquake"}')
    assert.equal(1, status)
    assert.matches("no fault of the kind 'earthquake'", message)
    assert.not_equal(0, (run("--port", "x")))
  end)

  it("takes the same ids and addresses from the same seed", function()
    local a, b, c = sandbox.start { "--seed", "7" }, sandbox.start { "--seed", "7" }, sandbox.start { "--seed", "8" }
    assert.equal(a.subnet_id, b.subnet_id)
    assert.not_equal(a.subnet_id, c.subnet_id)
    a:stop()
    b:stop()
    c:stop()
  end)

  it("runs on Lua 5.3, too", function()
    local one = sandbox.start({}, "lua5.3")
    local out, status = one:aws { "describe-subnets", "--query", "Subnets[].SubnetId", "--output", "text" }
    assert.equal(0, status)
    assert.equal(one.subnet_id, out)
    one:stop()
  end)

  it("is the region that it is told to be", function()
    local one = sandbox.start { "--region", "eu-central-1" }
    assert.equal("eu-central-1a\teu-central-1b\teu-central-1c", (one:aws { "describe-availability-zones", "--query",
      "AvailabilityZones[].ZoneName", "--output", "text" }))
    one:stop()
  end)

  it("serves the subnet that it is told to", function()
    local one = sandbox.start { "--subnet-cidr", "2001:db8:1:2::/64" }
    assert.equal("2001:db8:1:2::/64", one:state().subnets[1].ipv6CidrBlockAssociationSet[1].ipv6CidrBlock)
    one:stop()
  end)
end)

describe("a request that is not signed", function()
  local one
  setup(function() one = sandbox.start() end)
  teardown(function() one:stop() end)

  it("is refused with EC2's code", function()
    local body = curl("-d", "Action=DescribeSubnets&Version=2016-11-15", one.url)
    assert.matches("<Response><Errors><Error><Code>MissingAuthenticationToken</Code><Message>.-</Message></Error></Errors>"
      .. "<RequestID>%x+%-%x+%-%x+%-%x+%-%x+</RequestID></Response>", body)
  end)

  it("is limited in size", function()
    local file = os.tmpname()
    local handle = assert(io.open(file, "w"))
    handle:write(("x"):rep(5 * 1024 * 1024))
    handle:close()
    assert.matches("RequestEntityTooLarge", (curl("--data-binary", "@" .. file, one.url)))
    os.remove(file)
  end)

  it("for the sandbox itself must be one that it knows", function()
    assert.matches("there are only: GET /_sandbox/faults", (curl(one.url .. "/_sandbox/nothing")))
    assert.matches("no fault of the kind", (curl("-d", '{"kind":"x"}', one.url .. "/_sandbox/faults")))
    assert.matches("send a fault rule", (curl("-d", "no json", one.url .. "/_sandbox/faults")))
    assert.matches("no habit 'x'", (curl("-d", '{"habits":{"x":1}}', one.url .. "/_sandbox/faults")))
    assert.matches("one that there is", (curl("-d", '{"instance_id":"i-0","text":""}', one.url .. "/_sandbox/console")))
  end)
end)
