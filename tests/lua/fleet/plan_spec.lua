local ip6 = require "eni6.ip6"
local hosts = require "eni6.fleet.hosts"
local plan = require "eni6.fleet.plan"

local ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6dFq8xkCqB8lY3v2l1XrNqJ3mGmYb0cS1uWvN7h4Rt me@here"

local COMPLETE = {
  name = '"two"', region = '"us-east-1"', subnet = '"subnet-09a931730fa9e0001"', image = '"ami-0ac019f4fcb7cb7e6"',
  instance_type = '"r5d.large"', hosts = '{ { name = "a" } }',
}

-- A whole plan of one field a line with some fields replaced (false: left out);
-- the changed ones come last and in order.
local function text_of(changes)
  local lines = { "return {" }
  for name, value in pairs(COMPLETE) do
    if changes[name] == nil then lines[#lines + 1] = name .. " = " .. value .. "," end
  end
  table.sort(lines, function(a, b) return a == "return {" or (b ~= "return {" and a < b) end)
  for _, line in ipairs(changes) do lines[#lines + 1] = line .. "," end
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n"), #lines - 1
end

local function only_text(changes) return (text_of(changes)) end

local function load(text, options)
  options = options or {}
  options.text = text
  options.read_file = options.read_file or function(path) return nil, path .. ": No such file or directory" end
  options.getenv = options.getenv or function(name) return name == "HOME" and "/home/me" or nil end
  return plan.load(options.file or "two.lua", options)
end

-- What is said of a plan whose last field is `line` (which replaces `name`).
local function fault_of(name, line)
  local text, last = text_of(line and { [name] = false, line } or { [name] = false })
  local checked, message, code = load(text)
  assert.is_nil(checked, text)
  assert.equal("EPLAN", code)
  return message, last
end

-- Asserts that the only fault stands at the last line, under `path`, and says `words`.
local function refused(path, line, words)
  local name = path:match("^%w[%w_]*")
  local message, last = fault_of(name, line)
  local start = "two.lua:" .. last .. ": " .. path .. ": "
  assert.equal(start, message:sub(1, #start), message)
  assert.truthy(message:find(words, 1, true), message)
  assert.is_nil(message:find("\n", 1, true), message)
end

describe("a plan", function()
  it("with all fields is taken", function()
    local checked = load(only_text { key = false, security_groups = false, hosts = false,
      'security_groups = { "sg-0eaf4395729820001" }', 'key = { name = "me", public_key_file = "~/.ssh/me.pub" }',
      'tags = { team = "web" }', "user_data = true",
      'hosts = { { name = "a", address = "::1:1", block = "::8/126" }, { name = "b", prefix = 80, instance_type = "t3.micro" } }',
    }, { read_file = function(path) return path == "/home/me/.ssh/me.pub" and ED25519 .. "\n" or nil end })
    assert.equal("two", checked.name)
    assert.equal(ED25519, checked.key.public_key)
    assert.equal("r5d.large", checked.hosts[1].instance_type)
    assert.equal("t3.micro", checked.hosts[2].instance_type)
    assert.same({ 126, false, "::8/126" }, { checked.hosts[1].range.length, checked.hosts[1].range.delegated,
      tostring(checked.hosts[1].range.at) })
    assert.same({ 80, true }, { checked.hosts[2].range.length, checked.hosts[2].range.delegated })
  end)

  it("counts hosts out", function()
    local checked = load(only_text { hosts = false, "hosts = { count = 3, block = 125 }" })
    assert.same({ "host-1", "host-2", "host-3" }, { checked.hosts[1].name, checked.hosts[2].name, checked.hosts[3].name })
    assert.equal(125, checked.hosts[3].range.length)
    checked = load(only_text { hosts = false, 'hosts = { count = 1, prefix = 80, name = "web" }' })
    assert.equal("web-1", checked.hosts[1].name)
    assert.is_true(checked.hosts[1].range.delegated)
  end)

  it("may compute its hosts", function()
    local text = text_of { hosts = false,
      'hosts = (function() local t = {} for i = 1, 4 do t[i] = { name = ("h%d"):format(i) } end return t end)()' }
    assert.equal("h4", load(text).hosts[4].name)
    local _, message = load((text:gsub('"h%%d"', '"h_%%d"')))
    assert.matches("^two%.lua: hosts%[1%]%.name: must be a host name", message)
  end)

  it("names every fault, in the order of the file", function()
    local _, message = load('return {\n nam = 1,\n region = "x",\n hosts = {\n  { name = "a", block = "::6/126" } } }')
    local found = {}
    for place in message:gmatch("[^\n]+") do found[#found + 1] = place:match("^two%.lua:%d+: [%w_%[%]%.]+") end
    assert.same({ "two.lua:1: name", "two.lua:1: subnet", "two.lua:1: image", "two.lua:1: instance_type",
      "two.lua:2: nam", "two.lua:3: region", "two.lua:5: hosts[1].block" }, found)
  end)

  it("is refused for wrong types, shapes and names", function()
    refused("name", "name = 7", "not 7")
    refused("name", 'name = "two instances"', "letters, digits")
    refused("region", 'region = "useast"', "like us-east-1")
    refused("subnet", 'subnet = "subnet-xyz"', "hexadecimal")
    refused("security_groups", 'security_groups = { "sg-1" }', "entry 1")
    refused("security_groups", "security_groups = {}", "list of security group ids")
    refused("image", 'image = "ubuntu"', "resolve:ssm:")
    refused("instance_type", 'instance_type = "large"', "like r5d.large")
    refused("tags", 'tags = { ["eni6:plan"] = "x" }', "set by eni6 itself")
    refused("tags", "tags = { team = 1 }", "its value is text")
    refused("user_data", "user_data = 7", "not 7")
    refused("user_data", 'user_data = ("x"):rep(16385)', "16385 bytes")
    refused("user_data", "user_data = { dokcer = true }", "unknown field dokcer")
    refused("hosts", "hosts = 7", "list of hosts")
    refused("hosts", "hosts = {}", "at least one")
    refused("hosts[1]", "hosts = { 7 }", "a host is a table")
    refused("hosts[1].name", 'hosts = { { name = "a_b" } }', "inner hyphens")
    refused("hosts[1].name", 'hosts = { { name = "' .. ("a"):rep(64) .. '" } }', "at most 63")
  end)

  it("is refused for unknown fields, with the one that was meant", function()
    refused("securtiy_groups", "securtiy_groups = {}", "did you mean security_groups?")
    refused("hosts[1].adress", 'hosts = { { name = "a", adress = "::1:1" } }', "did you mean address?")
    refused("hosts[1].colour", 'hosts = { { name = "a", colour = 1 } }', "known are address, block")
    refused("vpc.sssh", "vpc = { sssh = true }, subnet = nil", "did you mean ssh?")
  end)

  it("is refused when hosts share a name, an address or a part of a block", function()
    refused("hosts[2].name", 'hosts = { { name = "a" }, { name = "A" } }', "also the name of hosts[1]")
    refused("hosts[2].address", 'hosts = { { name = "a", address = "::1:1" }, { name = "b", address = "::1:1" } }',
      "is also the ::1:1 of hosts[1].address")
    refused("hosts[2].block", 'hosts = { { name = "a", block = "::8/126" }, { name = "b", block = "::8/125" } }',
      "overlaps the ::8/126 of hosts[1].block")
    refused("hosts[1].block", 'hosts = { { name = "a", address = "::a", block = "::8/126" } }',
      "overlaps the ::a of hosts[1].address")
  end)

  it("is refused for blocks that cannot be", function()
    refused("hosts[1].block", 'hosts = { { name = "a", block = "::a/126" } }', "use ::8/126 or ::c/126")
    refused("hosts[1].block", 'hosts = { { name = "a", block = "::6:1/124" } }', "use ::6:0/124 or ::6:10/124")
    refused("hosts[1].block", 'hosts = { { name = "a", block = 127 } }', "no address for a container")
    refused("hosts[1].block", 'hosts = { { name = "a", block = 100 } }', "prefix = 80")
    refused("hosts[1].block", 'hosts = { { name = "a", block = "::8" } }', "::8")
    refused("hosts[1].prefix", 'hosts = { { name = "a", prefix = 96 } }', "must be 80")
    refused("hosts[1].prefix", 'hosts = { { name = "a", prefix = "::1:0:0:0/96" } }', "exactly a /80")
    refused("hosts[1].prefix", 'hosts = { { name = "a", block = 126, prefix = 80 } }', "not both")
    refused("hosts[1].address", 'hosts = { { name = "a", address = "::3" } }', "AWS keeps")
    refused("hosts[1].block", 'hosts = { { name = "a", block = "::/124" } }', "AWS keeps")
    refused("hosts[1].address", 'hosts = { { name = "a", address = "::1::1" } }', "::1::1")
    refused("hosts[1].address", 'hosts = { { name = "a", address = 1 } }', "must be an address")
  end)

  it("is refused for counts that cannot be", function()
    refused("hosts.count", "hosts = { count = 0 }", "from 1 to 1000")
    refused("hosts.count", "hosts = { count = 1001 }", "from 1 to 1000")
    refused("hosts.block", 'hosts = { count = 2, block = "::8/126" }', "give its length (126)")
    refused("hosts.address", 'hosts = { count = 2, address = "::8" }', "unknown field")
  end)

  it("needs a subnet or vpc, and not both", function()
    assert.matches("^two%.lua:1: subnet: missing; .*%-%-subnet", (fault_of("subnet")))
    refused("vpc", "vpc = 7, subnet = nil", "must be true or a table")
    refused("vpc.cidr", 'vpc = { cidr = "10.0.0.0/8" }, subnet = nil', "from /16 to /28")
    refused("vpc.ssh", 'vpc = { ssh = "2001:db8::1/32" }, subnet = nil', "2001:db8::1/32")
    assert.matches("two%.lua:%d: subnet: a plan has a subnet, or vpc", (fault_of("vpc", "vpc = true")))
    refused("hosts[1].address", 'vpc = true, subnet = nil, hosts = { { name = "a", address = "2001:db8::1:1" } }',
      "write it relative to the subnet")
    local checked = load(only_text { subnet = false, 'vpc = { ssh = "2001:db8::/32" }' })
    assert.same({ cidr = "10.0.0.0/16", ssh = { "2001:db8::/32" } }, checked.vpc)
  end)

  it("needs a public key that EC2 takes", function()
    local function key_fault(content)
      local text = text_of { key = false, 'key = { name = "me", public_key_file = "me.pub" }' }
      local _, message = load(text, { file = "plans/two.lua",
        read_file = function(path) return path == "plans/me.pub" and content or nil, path .. " is not there" end })
      return message and message:match("key.public_key_file: (.*)")
    end
    assert.is_nil(key_fault(ED25519))
    assert.matches("plans/me.pub is not there.*ssh%-keygen", key_fault(nil))
    assert.matches("private key", key_fault("-----BEGIN OPENSSH PRIVATE KEY-----\n"))
    assert.matches("this is ecdsa", key_fault("ecdsa-sha2-nistp256 AAAA"))
    assert.matches("damaged", key_fault(ED25519:sub(1, 60)))
    assert.matches("not an OpenSSH", key_fault(""))
    refused("key.public_key_file", 'key = { name = "me", public_key_file = 1 }', "path of a public key")
    refused("key.public_key", 'key = { name = "me", public_key = "x", public_key_file = "y" }', "not both")
    refused("key", "key = 7", "public_key_file")
  end)

  it("takes from outside what it lacks, and what overrides it", function()
    local settings = { subnet = { value = "subnet-00000001", source = "--subnet", overrides = true },
      image = { value = "ami-00000001", source = "$IMAGE_ID", overrides = false } }
    local checked = load(only_text {}, { settings = settings })
    assert.same({ "subnet-00000001", "ami-0ac019f4fcb7cb7e6" }, { checked.subnet, checked.image })
    checked = load(only_text { image = false }, { settings = settings })
    assert.equal("ami-00000001", checked.image)
    settings.subnet.value = "x"
    local _, message = load(only_text {}, { settings = settings })
    assert.matches("^%-%-subnet: must be a subnet id", message)
  end)

  it("says what is wrong with the file itself", function()
    local _, message, code = plan.load("/nonexistent/plan.lua")
    assert.equal("ENOENT", code)
    assert.matches("cannot read the plan: /nonexistent/plan.lua", message)
    assert.matches("^two%.lua:1:", select(2, load("return {{")))
    assert.matches("a plan returns a table", select(2, load("return 7")))
  end)

  it("gives its name and region even when the rest is wrong", function()
    local found = plan.load_name("two.lua", { text = only_text { hosts = false, "hosts = 7" } })
    assert.same({ name = "two", region = "us-east-1" }, found)
    assert.is_nil(plan.load_name("two.lua", { text = "return { hosts = {} }" }))
  end)
end)

describe("a plan's hosts under a subnet", function()
  local subnet = ip6.prefix "2001:db8:47b:ca03::/64"

  local function placed(host_list)
    local checked = assert(load(only_text { hosts = false, "hosts = " .. host_list }))
    return hosts.place(checked.hosts, subnet, checked.report), checked.report
  end

  it("have whole addresses", function()
    local list, report = placed '{ { name = "a", address = "::1:1", block = "2001:db8:47b:ca03::8/126" }, { name = "b" } }'
    assert.equal(0, report.count)
    assert.equal("2001:db8:47b:ca03::1:1", tostring(list[1].address))
    assert.equal("2001:db8:47b:ca03::8/126", tostring(list[1].range.at))
    assert.is_nil(list[2].address)
  end)

  it("are refused outside of it, on its last address, and when two turn out to be one", function()
    local function fault(host_list) return (select(2, placed(host_list)):message()) end
    assert.matches("hosts%[1%]%.address: 2001:db8:1::1 is outside the subnet's 2001:db8:47b:ca03::/64",
      fault '{ { name = "a", address = "2001:db8:1::1" } }')
    assert.matches("hosts%[1%]%.block: .* is outside", fault '{ { name = "a", block = "2001:db8:1::8/126" } }')
    assert.matches("last address", fault '{ { name = "a", address = "::ffff:ffff:ffff:ffff" } }')
    assert.matches("last address", fault '{ { name = "a", block = "::ffff:ffff:ffff:fffc/126" } }')
    assert.matches("hosts%[2%]%.address: .* is also the 2001:db8:47b:ca03::9 of hosts%[1%]",
      fault '{ { name = "a", address = "::9" }, { name = "b", address = "2001:db8:47b:ca03::9" } }')
  end)
end)
