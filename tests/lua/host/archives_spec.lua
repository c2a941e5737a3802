local apt = require("eni6.files.apt")
local archives = require("eni6.host.archives")

local LIST, SOURCES = "/etc/apt/sources.list", "/etc/apt/sources.list.d/ubuntu.sources"
local HAS = { ["archive.ubuntu.com"] = true, ["security.ubuntu.com"] = true,
  ["us-east-1.ec2.archive.ubuntu.com"] = false, ["old.example"] = false }

local function changes(files)
  return archives.changes(files, archives.look(files, function(host) return HAS[host] end))
end

describe("archives", function()
  it("rewrites what has no IPv6 address, and then forces IPv6", function()
    local files = {
      [LIST] = "deb http://us-east-1.ec2.archive.ubuntu.com/ubuntu noble main\n"
        .. "deb http://security.ubuntu.com/ubuntu noble main\n",
      [SOURCES] = "Types: deb\nURIs: http://us-east-1.ec2.archive.ubuntu.com/ubuntu/\n",
      ["/etc/netplan/50-cloud-init.yaml"] = "deb http://old.example/ x\n",
    }
    local list, stuck = changes(files)
    assert.same({}, stuck)
    assert.same({
      { path = LIST,
        text = "deb http://archive.ubuntu.com/ubuntu noble main\ndeb http://security.ubuntu.com/ubuntu noble main\n" },
      { path = SOURCES, text = "Types: deb\nURIs: http://archive.ubuntu.com/ubuntu/\n" },
      { path = apt.FORCE_IPV6_PATH, text = apt.render_force_ipv6() },
    }, list)
    for _, change in ipairs(list) do files[change.path] = change.text end
    assert.same({}, (changes(files)))
  end)

  it("leaves alone what is not known, or has no stand-in, and does not force IPv6 then", function()
    for _, host in ipairs({ "old.example", "unknown.example" }) do
      local list, stuck = changes({ [LIST] = "deb http://" .. host .. "/ x\n" })
      assert.same({}, list)
      assert.same({ host }, stuck)
    end
    assert.same({}, (changes({})))
  end)

  it("reads what getent says", function()
    local function answering(status, stdout)
      return { process = { run = function() return { status = status, stdout = stdout } end } }
    end
    assert.is_true(archives.has_ipv6(answering(0, "::ffff:192.0.2.1 STREAM x\n2001:db8::1 STREAM x\n"), "x"))
    assert.is_false(archives.has_ipv6(answering(0, "::ffff:192.0.2.1 STREAM x\n::ffff:192.0.2.1 DGRAM\n"), "x"))
    assert.is_nil(archives.has_ipv6(answering(2, ""), "x"))
    assert.is_nil(archives.has_ipv6({ process = { run = function() return nil, "timeout" end } }, "x"))
  end)
end)
