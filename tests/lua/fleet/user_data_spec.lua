local ip6 = require "eni6.ip6"
local apt = require "eni6.files.apt"
local netplan = require "eni6.files.netplan"
local networkd = require "eni6.files.networkd"
local sysctl = require "eni6.files.sysctl"
local user_data = require "eni6.fleet.user_data"

local function host(changes)
  local one = { name = "instance-1", mac = "12:fb:b4:8b:15:f8", address = ip6.address "2001:db8:47b:ca03::1:1",
    block = ip6.prefix "2001:db8:47b:ca03::8/126", subnet = ip6.prefix "2001:db8:47b:ca03::/64", delegated = false }
  for name, value in pairs(changes or {}) do one[name] = value end
  return one
end

local function render(value, changes) return assert(user_data.render(assert(user_data.check(value)), host(changes))) end

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read("a")
  return pipe:close() == true, output
end

local function with_file(text, use)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  local ok, output = use(path)
  os.remove(path)
  assert.is_true(ok, output)
  return output
end

-- The content of a file that cloud-init would write, as a YAML parser reads it.
local function file_in(text, path)
  return with_file(text, function(name)
    return run("/usr/bin/python3 -c 'import sys, yaml; print([f[\"content\"] for f in yaml.safe_load(open(sys.argv[1]))"
      .. "[\"write_files\"] if f[\"path\"] == sys.argv[2]][0], end=\"\")' " .. name .. " " .. path)
  end)
end

local VARIANTS = {
  ["all"] = { true },
  ["a delegated prefix"] = { true, { block = ip6.prefix "2001:db8:47b:ca03:1::/80", delegated = true } },
  ["no Docker"] = { { docker = false } },
  ["commands"] = { { commands = { "echo 'a: \"b\"\t\\' # x", "- y: |" } } },
}

describe("user data", function()
  for name, variant in pairs(VARIANTS) do
    it("is what cloud-init's schema wants, and a shell script that parses: " .. name, function()
      local text = render(variant[1], variant[2])
      with_file(text, function(path) return run("cloud-init schema --config-file " .. path) end)
      with_file(file_in(text, "/usr/local/sbin/eni6-first-boot"), function(path) return run("sh -n " .. path) end)
    end)
  end

  it("hands Docker the block and the script the rest", function()
    local text = render(true)
    assert.equal('{\n  "ipv6": true,\n  "fixed-cidr-v6": "2001:db8:47b:ca03::8/126"\n}\n',
      file_in(text, "/etc/docker/daemon.json"))
    assert.equal(apt.render_force_ipv6(), file_in(text, apt.FORCE_IPV6_PATH))
    local script = file_in(text, "/usr/local/sbin/eni6-first-boot")
    assert.truthy(script:find("mac=12:fb:b4:8b:15:f8\n", 1, true))
    assert.truthy(script:find("2001:db8:47b:ca03::8 2001:db8:47b:ca03::9 2001:db8:47b:ca03::a 2001:db8:47b:ca03::b'", 1, true))
    assert.is_nil(render { docker = false }:find("docker", 1, true))
  end)

  it("splits the addresses on the instance", function()
    local script = file_in(render(true), "/usr/local/sbin/eni6-first-boot")
    local folder = os.tmpname()
    os.remove(folder)
    -- The same script with its files below a folder and its tools replaced by ones that tell.
    local tools = [[
mkdir -p FOLDER/net/ens5 FOLDER/apt/sources.list.d FOLDER/bin && cd FOLDER
echo 12:fb:b4:8b:15:f8 >net/ens5/address
echo 'deb http://us-east-1.ec2.archive.ubuntu.com/ubuntu bionic main' >apt/sources.list
for tool in ip netplan sysctl apt-get usermod systemctl getent; do
  cat >bin/$tool <<'END'
#!/bin/sh
case "$*" in
*route*) echo "default via fe80::1066:30ff:feb8:c008 proto ra metric 100 pref medium";;
*ahostsv6*) echo "::ffff:192.0.2.1 STREAM";;
*) echo "${0##*/} $*";;
esac
END
  chmod +x bin/$tool
done
PATH=FOLDER/bin:$PATH
]]
    script = tools:gsub("FOLDER", folder) .. script:gsub("/sys/class/net", folder .. "/net")
      :gsub("/etc/", folder .. "/")
    local output = with_file(script, function(path) return run("sh " .. path) end)
    assert.truthy(output:find("netplan apply\nip -6 address delete 2001:db8:47b:ca03::8/128 dev ens5\n", 1, true), output)
    assert.truthy(output:find("apt-get -q install -y docker.io", 1, true), output)
    local function written(path) return select(2, run("cat " .. folder .. path)) end
    local wanted = { link = "ens5", address = "2001:db8:47b:ca03::1:1", length = 64,
      gateway = { via = "fe80::1066:30ff:feb8:c008", metric = 512 } }
    -- The very files of configure.lua, so that it finds nothing to do afterwards.
    assert.equal(netplan.render(wanted), written "/netplan/60-ipv6-static.yaml")
    assert.equal(networkd.render_dropin(), written "/systemd/network/10-netplan-ens5.network.d/60-eni6.conf")
    assert.equal(sysctl.render "ens5", written "/sysctl.d/60-eni6.conf")
    assert.equal("deb http://archive.ubuntu.com/ubuntu bionic main\n", written "/apt/sources.list")
    os.execute("rm -r " .. folder)
  end)

  it("of one's own goes through as it is, up to 16 KiB", function()
    assert.equal("#!/bin/sh\n", render "#!/bin/sh\n")
    assert.equal(16384, #render(("x"):rep(16384)))
    local big = assert(user_data.check { commands = { ("x"):rep(16384) } })
    local text, message, code = user_data.render(big, host())
    assert.is_nil(text)
    assert.equal("EMSGSIZE", code)
    assert.matches("at most 16384", message)
  end)
end)
