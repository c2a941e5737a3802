local check = require("eni6.host.check")

local P = "2001:db8:47b:ca03::"

-- instance-1 of the published text when all is well.
local function healthy()
  return {
    facts = {
      main = { name = "ens5", up = true, addresses = { { address = P .. "1:1/64", scope = "global" } } },
      gateways = { { gateway = "fe80::1", metric = 512, protocol = "static" } },
      sysctls = { ["net/ipv6/conf/ens5/accept_ra"] = "2", ["net/ipv6/conf/all/forwarding"] = "1" },
      imds = { interface_id = "eni-1" }, renderer = "netplan",
      files = { ["/etc/docker/daemon.json"] = '{"ipv6": true, "fixed-cidr-v6": "' .. P .. '8/126"}' },
      docker = { installed = true, running = true, version = "20.10", bridge = { P .. "9/126" } },
    },
    wanted = { link = "ens5", address = P .. "1:1", length = 64, block = P .. "8/126", leaving = {},
      gateway = { via = "fe80::1", metric = 512 } },
    stale = {}, gateway = { target = "fe80::1%ens5", reachable = true, rtt = 0.0001 }, peers = {},
    containers = { { name = "web", address = P .. "a", length = 126, reachable = true,
      inside = { pid = 7, link = "eth0", gateway = P .. "9", disable_ipv6 = "0" } } },
  }
end

local function failed(change)
  local seen = healthy()
  change(seen)
  local list = {}
  for _, row in ipairs(check.instance(seen)) do
    assert.equal(row.state == "fail", row.state ~= "pass" and row.state ~= "skip")
    if row.state == "fail" then
      assert.is_string(row.remedy)
      list[#list + 1] = row.name .. ": " .. row.text
    end
  end
  return table.concat(list, "\n")
end

describe("check", function()
  it("passes what is healthy", function()
    assert.equal("", failed(function() end))
    assert.equal("", failed(function(s) s.facts.sysctls["net/ipv6/conf/ens5/accept_ra"] = "0" end)) -- networkd's
  end)

  local broken = {
    { "interface: ens5 is down", function(s) s.facts.main.up = false end },
    { "interface: ens5 does not have " .. P .. "1:1/64 for good", function(s) s.facts.main.addresses[1].valid_lft = 300 end },
    { "duplicate address", function(s) s.facts.main.addresses[1].dadfailed = true end },
    { "interface: ens5 still has " .. P .. "8/128", function(s) s.wanted.leaving = { P .. "8/128" } end },
    { "default route: there is none", function(s) s.facts.gateways, s.wanted.gateway, s.gateway = {}, nil, nil end },
    { "lives by router advertisements alone", function(s) s.facts.gateways[1].protocol = "ra" end },
    { "ens5/accept_ra: is 1, must be 2", function(s) s.facts.sysctls["net/ipv6/conf/ens5/accept_ra"] = "1" end },
    { "all/forwarding: is 0, must be 1", function(s) s.facts.sysctls["net/ipv6/conf/all/forwarding"] = "0" end },
    { "files: a reboot would lose the configuration: /x", function(s) s.stale = { "/x" } end },
    { "files: not ours", function(s) s.stale, s.files_fault = nil, "not ours" end },
    { "gateway: fe80::1%ens5 does not answer", function(s) s.gateway.reachable = false end },
    { "daemon.json: does not give Docker", function(s) s.facts.files = {} end },
    { "daemon.json:1:2: not valid JSON", function(s) s.facts.files["/etc/docker/daemon.json"] = "{;" end },
    { "docker: dockerd does not answer", function(s) s.facts.docker.running = false end },
    { "docker: is not installed", function(s) s.facts.docker = { bridge = {} } end },
    { "bridge: docker0 has no public address", function(s) s.facts.docker.bridge = {} end },
    { "bridge: docker0 has " .. P .. "d/126", function(s) s.facts.docker.bridge = { P .. "d/126" } end },
    { "container: " .. P .. "e is not of the block", function(s) s.containers[1].address = P .. "e" end },
    { "container: net.ipv6.conf.eth0.disable_ipv6 is 1", function(s) s.containers[1].inside.disable_ipv6 = "1" end },
    { "container: has no default route", function(s) s.containers[1].inside.gateway = nil end },
    { "container: " .. P .. "a does not answer the host", function(s) s.containers[1].reachable = false end },
    { "container: its network namespace cannot be entered", function(s) s.containers[1].inside = { fault = "EPERM" } end },
    { "containers: hung", function(s) s.containers, s.containers_fault = nil, "hung" end },
    { "peer: ::e does not answer the host: x", function(s)
      s.peers = { { target = "::e", reachable = false, reason = "x", source = "the host" } }
    end },
    { "addresses: which block", function(s) s.wanted, s.question = nil, "which block" end },
    { "facts: no answer", function(s) s.facts, s.fault, s.fault_code = nil, "no answer", "NoMetadata" end },
  }
  for _, case in ipairs(broken) do
    it("says: " .. case[1], function()
      local text = failed(case[2])
      assert.truthy(text:find(case[1], 1, true), text)
    end)
  end
end)
