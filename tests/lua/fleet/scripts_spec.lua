-- run: lua5.4
-- The scripts as a person meets them: what they print, and what they end with.

local fleet_support = require "support.fleet"
local json = require "dkjson"
local process = require "eni6.process"
local tasks = require "eni6.tasks"

local TWO = [[{ { name = "instance-1", address = "::1:1", block = "::8/126" },
  { name = "instance-2", address = "::2:2", block = "::c/126" } }]]

local fleet, folder

local function write(name, text)
  local path = folder .. "/" .. name
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

-- No variable of AWS or of this test reaches a script but what is given here.
local function run(argv, env)
  local all = { PATH = os.getenv("PATH"), HOME = folder, AWS_EC2_METADATA_DISABLED = "true" }
  for name, value in pairs(env or fleet.sandbox.env) do all[name] = value end
  return assert(process.run { argv = { "lua5.4", table.unpack(argv) }, env = all, clear_env = true, timeout = 60 })
end

local function provision(...) return run { "scripts/provision.lua", ... } end

local function plan_file(hosts, more) return write("plan.lua", fleet:plan_text(hosts or TWO, more)) end

-- Runs provision, which must fail so, say so on stderr and make nothing.
local function refused(status, words, argv, env)
  local result = run({ "scripts/provision.lua", table.unpack(argv) }, env)
  assert.equal(status, result.status, result.stderr)
  assert.truthy(result.stderr:find(words, 1, true), result.stderr)
  assert.equal("", result.stdout)
  for line in result.stderr:gmatch("[^\n]+") do assert.matches("^provision.lua: ", line) end
  assert.is_nil(result.stderr:find("traceback", 1, true), result.stderr)
  assert.same({}, fleet:counts("a-plan"))
  return result.stderr
end

local function with_env(changes)
  local env = {}
  for name, value in pairs(fleet.sandbox.env) do env[name] = value end
  for name, value in pairs(changes) do env[name] = value ~= "" and value or nil end
  return env
end

describe("provision.lua and teardown.lua", function()
  setup(function()
    fleet, folder = fleet_support.start(), os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
  end)
  teardown(function()
    fleet:stop()
    os.execute("rm -r " .. folder)
  end)
  after_each(function()
    fleet.sandbox:faults {}
    fleet.sandbox:habits { latency = 0, state_delay = 0 }
    fleet:teardown("a-plan")
  end)

  it("make the published two instances and take them away", function()
    local plan = plan_file()
    local result = provision(plan)
    assert.equal(0, result.status, result.stderr)
    assert.matches("^HOST +STATE +INSTANCE", result.stdout)
    assert.matches("instance%-1 +running +i%-%x+ +eni%-%x+ +2001:db8:47b:ca03::1:1 +2001:db8:47b:ca03::8/126\n", result.stdout)
    assert.matches("Next:\n", result.stdout)
    assert.matches("instance%-2: running  i%-", result.stderr)
    result = run { "scripts/teardown.lua", plan, "--dry-run" }
    assert.matches("^instance +i%-%x+  instance%-%d\n", result.stdout)
    result = run { "scripts/teardown.lua", plan }
    assert.equal(0, result.status, result.stderr)
    assert.matches("4 taken away", result.stdout)
    assert.matches("Nothing of the plan a%-plan is there", run { "scripts/teardown.lua", plan }.stdout)
  end)

  it("print one JSON document on standard output", function()
    local plan = plan_file()
    local document = assert(json.decode(provision(plan, "--json").stdout))
    local host = document.hosts[1]
    assert.same({ "a-plan", "us-east-1", fleet.sandbox.subnet_id, 2 },
      { document.plan, document.region, document.subnet, #document.hosts })
    local fields = {}
    for name in pairs(host) do fields[#fields + 1] = name end
    table.sort(fields)
    assert.same({ "address", "addresses", "block", "instance_id", "interface_id", "mac", "name", "state" }, fields)
    document = assert(json.decode(run { "scripts/teardown.lua", plan, "--json" }.stdout))
    assert.same({ 4, 0 }, { #document.removed, #document.left })
    assert.equal("[]", run { "scripts/teardown.lua", plan, "--json" }.stdout:match('"removed":(%S+),'))
  end)

  it("rehearse every example plan on a sandbox of their own", function()
    local ids = { ["two-instances"] = 2, ["twenty-hosts"] = 20, ["own-network"] = 3 }
    for name, count in pairs(ids) do
      local picture = folder .. "/" .. name .. ".svg"
      local result = run({ "scripts/provision.lua", "scripts/plans/" .. name .. ".lua", "--sandbox", "--json", "--diagram",
        picture }, {})
      assert.equal(0, result.status, result.stderr)
      assert.equal(count, #json.decode(result.stdout).hosts)
      assert.matches("^<svg", read(picture))
    end
    local result = run({ "scripts/provision.lua", "scripts/plans/two-instances.lua", "--sandbox" }, {})
    assert.matches("2001:db8:47b:ca03::2:2 +2001:db8:47b:ca03::c/126", result.stdout)
    assert.matches("all of this with it", result.stdout)
  end)

  it("rehearse a plan with whole addresses in a subnet that has them", function()
    local plan = write("whole.lua", 'return { name = "w", instance_type = "r5d.large", hosts = { { name = "a", '
      .. 'address = "2001:db8:1:2::9", block = "2001:db8:1:2::10/126" } } }')
    local result = run({ "scripts/provision.lua", plan, "--sandbox", "--json" }, {})
    assert.equal("2001:db8:1:2::10/126", json.decode(result.stdout).hosts[1].block)
  end)

  it("work from any folder, under both versions of Lua, without LUA_PATH", function()
    local here = assert(io.popen("pwd")):read("l")
    for _, lua in ipairs { "lua5.4", "lua5.3" } do
      local result = assert(process.run { argv = { lua, here .. "/scripts/provision.lua",
        here .. "/scripts/plans/two-instances.lua", "--sandbox" }, cwd = "/", clear_env = true,
        env = { PATH = os.getenv("PATH") }, timeout = 60 })
      assert.equal(0, result.status, result.stderr)
    end
  end)

  it("say what is wrong with a command line, and end with 2", function()
    refused(2, "missing argument 'plan'", {})
    refused(2, "Try: lua scripts/provision.lua --help", { "--frob" })
    refused(2, "must be a whole number from 1 to 256", { plan_file(), "--parallel", "0" })
    refused(2, "ends in .svg, .dot or .txt", { plan_file(), "--diagram", "x.png" })
    assert.equal(2, run { "scripts/teardown.lua" }.status)
  end)

  it("say what is wrong with a plan, and end with 2", function()
    refused(2, "two.lua:2: hosts[1].block: ::9/126 is not aligned", { write("two.lua",
      (fleet:plan_text(TWO):gsub(" hosts = ", "\nhosts = "):gsub("::8/126", "::9/126"))) })
    refused(2, "hosts[1].block: a /124 and the host's own address are 17 addresses; r5d.large takes 10",
      { plan_file '{ { name = "a", block = 124 } }' })
    refused(2, "hosts[1].address: 2001:db8:1::1 is outside the subnet's 2001:db8:47b:ca03::/64",
      { plan_file '{ { name = "a", address = "2001:db8:1::1" } }' })
    refused(2, "key.public_key_file: cannot be read", { plan_file(nil, 'key = { name = "me", public_key_file = "~/x.pub" }') })
    refused(2, "--subnet: must be a subnet id", { plan_file(), "--subnet", "net-1" })
    refused(2, "cannot read the plan", { "/nonexistent.lua" })
  end)

  it("take subnet, group and image from options and from the environment", function()
    local plan = write("open.lua", 'return { name = "a-plan", instance_type = "r5d.large", hosts = { count = 1 } }')
    assert.equal(0, provision(plan).status)
    fleet:teardown("a-plan")
    refused(2, "subnet: missing; give the id of a subnet", { plan }, with_env { SUBNET_ID = "" })
    local env = with_env { SUBNET_ID = "", SECURITY_GROUP_ID = "", IMAGE_ID = "" }
    local result = run({ "scripts/provision.lua", plan, "--subnet", fleet.sandbox.subnet_id, "--security-group",
      fleet.sandbox.security_group_id, "--image", fleet.sandbox.image_id }, env)
    assert.equal(0, result.status, result.stderr)
  end)

  it("say what to do about credentials, region, endpoint and TLS", function()
    local plan = plan_file()
    refused(1, "redentials", { plan }, with_env { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" })
    refused(1, "egion", { plan }, with_env { AWS_REGION = "", AWS_DEFAULT_REGION = "" })
    refused(2, "region: must be a region", { plan, "--region", "atlantis" })
    refused(1, "nothing listens there", { plan, "--endpoint-url", "http://127.0.0.1:9" })
    refused(1, "AuthFailure", { plan }, with_env { AWS_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE" })
    refused(1, "SignatureDoesNotMatch", { plan }, with_env { AWS_SECRET_ACCESS_KEY = "wrong" })
    refused(1, "TLS", { plan, "--endpoint-url", (fleet.sandbox.url:gsub("^http:", "https:")) })
    fleet.sandbox:faults { { kind = "html", status = 200, times = 1000 } }
    refused(1, "EC2's endpoint", { plan })
  end)

  it("say that a region is unknown before anything else", function()
    refused(1, "nowhere-east-1", { plan_file(), "--region", "nowhere-east-1" },
      with_env { AWS_ENDPOINT_URL = "", AWS_MAX_ATTEMPTS = "1" })
  end)

  it("refuse a subnet without IPv6", function()
    local subnet = assert(fleet.ec2:CreateSubnet { VpcId = fleet.sandbox.vpc_id, CidrBlock = "10.0.64.0/24" }).Subnet.SubnetId
    refused(2, "--subnet: " .. subnet .. " has no IPv6 block", { plan_file(), "--subnet", subnet })
    assert(fleet.ec2:DeleteSubnet { SubnetId = subnet })
  end)

  it("print what exists when a host fails, and how to go on", function()
    fleet.sandbox:faults { { operation = "RunInstances", kind = "status", status = 400, code = "InsufficientInstanceCapacity",
      message = "no room", times = 1 } }
    local result = provision(plan_file())
    assert.equal(1, result.status)
    assert.matches("no room %(InsufficientInstanceCapacity", result.stderr)
    assert.matches("run the same command to finish it", result.stderr)
    assert.matches("\ninstance%-%d +running", result.stdout)
    assert.equal(0, provision(plan_file()).status)
  end)

  -- Starts a script, interrupts it when a host is being launched, and waits.
  local function interrupt(argv, until_seen)
    local all = { PATH = os.getenv("PATH"), HOME = folder }
    for name, value in pairs(fleet.sandbox.env) do all[name] = value end
    local errors = folder .. "/stderr"
    local child = assert(process.spawn { argv = argv, env = all, clear_env = true, stdout = "null", stderr = errors })
    for _ = 1, 1000 do
      if until_seen() then break end
      tasks.sleep(0.01)
    end
    child:kill("INT")
    local status = assert(child:wait(10))
    child:close()
    return status, read(errors)
  end

  it("end at once when interrupted, say how to go on, and go on", function()
    fleet.sandbox:habits { state_delay = 2 }
    local plan = plan_file()
    local status, errors = interrupt({ "lua5.4", "scripts/provision.lua", plan }, function()
      return fleet:counts("a-plan").instances == 2
    end)
    assert.equal(1, status.status)
    assert.matches("interrupted%. What was made stays and is found again", errors)
    assert.is_nil(errors:find("traceback", 1, true))
    fleet.sandbox:habits { state_delay = 0 }
    tasks.sleep(0.1)
    local result = provision(plan, "--json")
    assert.same({ network_interfaces = 2, instances = 2 }, fleet:counts("a-plan"))
    assert.equal(1, result.status + 1, result.stderr)
  end)

  it("redraw a line for each host on a terminal", function()
    local command = "TERM=xterm script -qec 'lua5.4 scripts/provision.lua " .. plan_file() .. "' /dev/null"
    local all = { PATH = os.getenv("PATH"), HOME = folder }
    for name, value in pairs(fleet.sandbox.env) do all[name] = value end
    local shown = assert(process.run { argv = { "sh", "-c", command }, env = all, clear_env = true, timeout = 60 }).stdout
    assert.matches("\27%[2F\27%[%?7l\27%[2K", shown)
    assert.matches("✓\27%[0m instance%-1  running", shown)
    assert.matches("HOST +STATE", shown)
  end)

  it("never leave their sandbox behind", function()
    local status = interrupt({ "lua5.4", "scripts/provision.lua", "scripts/plans/twenty-hosts.lua", "--sandbox" }, function()
      tasks.sleep(0.15)
      return true
    end)
    assert.is_not_nil(status)
    tasks.sleep(0.3)
    local left = assert(process.run { argv = { "sh", "-c",
      "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/environ 2>/dev/null | grep -q HOME=" .. folder
        .. " && tr '\\0' ' ' <$p/cmdline; done; true" }, env = { HOME = "/" } }).stdout
    assert.is_nil(left:find("sandbox.lua", 1, true), left)
  end)
end)
