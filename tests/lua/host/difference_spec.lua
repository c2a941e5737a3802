local apply = require("eni6.host.apply")
local daemon_json = require("eni6.files.daemon_json")
local difference = require("eni6.host.difference")
local netplan = require("eni6.files.netplan")
local networkd = require("eni6.files.networkd")
local sysctl = require("eni6.files.sysctl")

local P = "2001:db8:47b:ca03::"
local GATEWAY = "fe80::1066:30ff:feb8:c008"

-- instance-1 of the published text after its first boot, and what it should be.
local function published(changes)
  local facts = {
    main = { name = "ens5", mac = "12:fb:b4:8b:15:f8",
      addresses = { { address = P .. "8/128", valid_lft = 385 }, { address = P .. "1:1/128", valid_lft = 385 } } },
    gateways = { { gateway = GATEWAY, metric = 1024, protocol = "ra" } },
    sysctls = { ["net/ipv6/conf/ens5/accept_ra"] = "1", ["net/ipv6/conf/default/forwarding"] = "0",
      ["net/ipv6/conf/all/forwarding"] = "0" },
    files = { ["/etc/netplan/50-cloud-init.yaml"] = "network: {version: 2}\n" }, renderer = "netplan",
    docker = { installed = true, running = true, version = "20.10.24", bridge = {} },
  }
  for name, value in pairs(changes or {}) do facts[name] = value end
  return facts, { link = "ens5", mac = "12:fb:b4:8b:15:f8", address = P .. "1:1", length = 64,
    gateway = { via = GATEWAY, metric = 512 }, block = P .. "8/126", leaving = { P .. "8/128" } }
end

local SERVICES = { services = true, can_validate = true }

local function described(facts, wanted, options)
  local list = {}
  for _, step in ipairs(assert(difference.steps(facts, wanted, options))) do
    list[#list + 1] = apply.describe(step)
  end
  return list
end

local function find(list, text)
  for i, item in ipairs(list) do
    if item:find(text, 1, true) then return i end
  end
end

describe("difference", function()
  it("orders files before the kernel, and the kernel so that the instance stays reachable", function()
    local facts, wanted = published()
    assert.same({
      "write " .. networkd.dropin_path("ens5"),
      "write " .. netplan.PATH,
      "have systemd-networkd read its files",
      "write " .. sysctl.PATH,
      "set net/ipv6/conf/ens5/accept_ra to 2",
      "set net/ipv6/conf/default/forwarding to 1",
      "set net/ipv6/conf/all/forwarding to 1",
      "route ::/0 through " .. GATEWAY .. " on ens5, metric 512",
      "put " .. P .. "1:1/64 on ens5",
      "take " .. P .. "8/128 from ens5",
      "write " .. daemon_json.PATH,
      "restart Docker",
    }, described(facts, wanted, SERVICES))
  end)

  it("notes the link first and the reload before the files, so that both are undone last", function()
    local facts, wanted = published()
    local kinds = {}
    for i, step in ipairs(difference.steps(facts, wanted, SERVICES)) do kinds[i] = step.kind end
    assert.equal("link validate reload file file reload file", table.concat(kinds, " ", 1, 7))
    kinds = {}
    facts.docker.running = false
    for i, step in ipairs(difference.steps(facts, wanted, {})) do kinds[i] = step.kind end
    assert.equal("link file file file sysctl sysctl sysctl route address address file", table.concat(kinds, " "))
  end)

  it("has the new netplan file validated with those that are there, before it is written", function()
    local facts, wanted = published()
    local steps = difference.steps(facts, wanted, SERVICES)
    assert.equal("validate", steps[2].kind)
    assert.same({ "/etc/netplan/50-cloud-init.yaml", netplan.PATH }, (function()
      local paths = {}
      for path in pairs(steps[2].files) do paths[#paths + 1] = path end
      table.sort(paths)
      return paths
    end)())
  end)

  it("writes a unit of its own where netplan is not in charge", function()
    local facts, wanted = published({ files = {}, renderer = "networkd" })
    local list = described(facts, wanted, SERVICES)
    assert.equal("write " .. networkd.UNIT_PATH, list[1])
    assert.is_nil(find(list, "netplan"))
  end)

  it("tells no service below a root, and restarts no Docker that does not run", function()
    local facts, wanted = published()
    assert.is_nil(find(described(facts, wanted, {}), "networkd read"))
    assert.is_nil(find(described(facts, wanted, {}), "restart"))
    facts.docker.running = false
    assert.is_nil(find(described(facts, wanted, SERVICES), "restart"))
  end)

  it("is empty when nothing is to do, and restarts Docker only when its file changes", function()
    local facts, wanted = published()
    for _, step in ipairs(difference.steps(facts, wanted, SERVICES)) do
      if step.kind == "file" then facts.files[step.path] = step.text end
      if step.kind == "sysctl" then facts.sysctls[step.name] = step.value end
    end
    table.insert(facts.gateways, 1, { gateway = GATEWAY, metric = 512, protocol = "static" })
    facts.main.addresses, wanted.leaving = { { address = P .. "1:1/64" } }, {}
    assert.same({}, difference.steps(facts, wanted, SERVICES))
    facts.files[daemon_json.PATH] = '{ "debug": true }'
    assert.same({ "write " .. daemon_json.PATH, "restart Docker" }, described(facts, wanted, SERVICES))
  end)

  it("leaves advertisements to whom they are left, and else has the kernel take them while it forwards", function()
    for value, expected in pairs({ ["0"] = false, ["1"] = true, ["2"] = false }) do
      local facts, wanted = published()
      facts.sysctls["net/ipv6/conf/ens5/accept_ra"] = value
      assert.equal(expected, find(described(facts, wanted, {}), "accept_ra to 2") ~= nil)
      assert.truthy(find(described(facts, wanted, {}), "all/forwarding to 1"))
    end
  end)

  it("puts the address anew that is leased, or dead", function()
    for _, state in ipairs({ { valid_lft = 300 }, { dadfailed = true } }) do
      local facts, wanted = published()
      state.address = P .. "1:1/64"
      facts.main.addresses = { state }
      assert.truthy(find(described(facts, wanted, {}), "put " .. P .. "1:1/64"))
    end
  end)

  it("refuses somebody else's file, and a broken daemon.json", function()
    local facts, wanted = published()
    facts.files[netplan.PATH] = "network: {}\n"
    assert.equal("EEXIST", select(3, difference.steps(facts, wanted, {})))
    facts.files[netplan.PATH], facts.files[daemon_json.PATH] = nil, "{"
    assert.equal("EBADMSG", select(3, difference.steps(facts, wanted, {})))
  end)

  it("makes a Docker network in place of docker0's block, routed where the engine can", function()
    for version, routed in pairs({ ["20.10.24"] = false, ["27.0.1"] = true, ["28.3"] = true }) do
      local facts, wanted = published()
      wanted.network, facts.docker.version = "public", version
      local steps = difference.steps(facts, wanted, SERVICES)
      assert.same({ kind = "network", name = "public", block = P .. "8/126", routed = routed }, steps[#steps])
      assert.is_nil(find(described(facts, wanted, SERVICES), daemon_json.PATH))
      facts.docker.subnet = P .. "8/126"
      assert.is_nil(find(described(facts, wanted, SERVICES), "Docker network"))
    end
    local facts, wanted = published()
    wanted.network, facts.docker = "public", { bridge = {} }
    assert.equal("EAGAIN", select(3, difference.steps(facts, wanted, SERVICES)))
  end)

  it("installs a missing Docker last, when it finds its block", function()
    local facts, wanted = published({ docker = { bridge = {} } })
    local list = described(facts, wanted, { services = true, install = { source = "distribution" } })
    assert.equal("install docker.io", list[#list])
    assert.is_true(find(list, daemon_json.PATH) < #list)
    facts.docker.installed = true
    assert.is_nil(find(described(facts, wanted, { install = { source = "distribution" } }), "docker.io"))
  end)

  it("has apt's sources rewritten when their hosts were looked up", function()
    local facts, wanted = published()
    facts.files["/etc/apt/sources.list"] = "deb http://us-east-1.ec2.archive.ubuntu.com/ubuntu noble main\n"
    assert.is_nil(find(described(facts, wanted, {}), "/etc/apt/"))
    facts.archives = { ["us-east-1.ec2.archive.ubuntu.com"] = false, ["archive.ubuntu.com"] = true }
    local list = described(facts, wanted, {})
    assert.truthy(find(list, "write /etc/apt/sources.list"))
    assert.is_true(find(list, "write /etc/apt/sources.list") > find(list, "put " .. P .. "1:1/64"))
  end)
end)
