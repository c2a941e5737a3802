--- Cloud-init user data: what the published text does on an instance by hand
-- (the netplan file, apt's settings, Docker with its daemon.json), done at the
-- first boot. Provisioning knows all addresses before the launch.

local apt = require "eni6.files.apt"
local daemon_json = require "eni6.files.daemon_json"
local fields = require "eni6.fleet.fields"
local netplan = require "eni6.files.netplan"
local networkd = require "eni6.files.networkd"
local sysctl = require "eni6.files.sysctl"

local user_data = {}

-- EC2's limit, before base64 (RunInstances, UserData).
local MOST_BYTES = 16384
local FIELDS = { docker = true, commands = true }

local function too_long(text)
  return "user data of " .. #text .. " bytes; EC2 takes at most " .. MOST_BYTES .. "; fetch the rest from the instance"
end

local function check_text(text)
  if text == "" then return nil, "the text is empty; leave the field out" end
  if #text > MOST_BYTES then return nil, too_long(text) end
  return { text = text }
end

local function check_commands(commands)
  if not fields.is_list(commands) then return nil, "commands is a list of shell commands, not " .. fields.shown(commands) end
  for i, command in ipairs(commands) do
    if type(command) ~= "string" then return nil, "commands[" .. i .. "] must be text, not " .. fields.shown(command) end
  end
  return commands
end

local function check_table(value)
  for key in pairs(value) do
    if not FIELDS[key] then return nil, "unknown field " .. tostring(key) .. "; known are commands, docker" end
  end
  if value.docker ~= nil and type(value.docker) ~= "boolean" then
    return nil, "docker must be true or false, not " .. fields.shown(value.docker)
  end
  local commands, message = check_commands(value.commands or {})
  if not commands then return nil, message end
  return { docker = value.docker ~= false, commands = commands }
end

--- Checks a plan's user_data: true for all that the text does, a table
--- { docker = false, commands = { … } } for less or more, or text to hand over as it is.
---@param value any
---@return { text: string }|{ docker: boolean, commands: string[] }|nil
---@return string? message
function user_data.check(value)
  if value == true then value = {} end
  if value == false then return nil, "leave the field out to have none" end
  if type(value) == "string" then return check_text(value) end
  if type(value) == "table" then return check_table(value) end
  return nil, "must be true, text, or a table { docker =, commands = }, not " .. fields.shown(value)
end

-- Runs on the instance: finds the interface and the gateway, whose names stand as LINK
-- and GATEWAY in the files that follow it. The words mac and containers are put before.
local FIND = [=[
for path in /sys/class/net/*; do
  if [ "$(cat "$path/address")" = "$mac" ]; then link=${path##*/}; fi
done
[ -n "${link:-}" ] || { echo "eni6: no interface has the MAC address $mac" >&2; exit 1; }
command -v netplan >/dev/null || { echo "eni6: no netplan here; run configure.lua instead" >&2; exit 1; }

# The gateway is what the router advertises; fe80:ec2::1 answers in every subnet.
gateway=
for second in 1 2 3 4 5 6 7 8 9 10; do
  gateway=$(ip -6 route show default dev "$link" | sed -n 's/.*via \([^ ]*\).*/\1/p' | head -n 1)
  [ -z "$gateway" ] || break
  sleep 1
done

put() { # put PATH MODE: writes standard input there, the names filled in
  mkdir -p "${1%/*}"
  sed "s/LINK/$link/g; s/GATEWAY/${gateway:-fe80:ec2::1}/g" >"$1"
  chmod "$2" "$1"
}
]=]

local APPLY = [=[

sysctl -q -p /etc/sysctl.d/60-eni6.conf
netplan apply
for one in $containers; do ip -6 address delete "$one/128" dev "$link" 2>/dev/null || true; done
]=]

-- A shell command that writes a file of the instance's.
local function put(path, mode, text)
  return string.format("\nput %s %s <<'END'\n%sEND\n", path:gsub("LINK", "$link"), mode, text)
end

-- The files that configure.lua would write, so that it has nothing to do afterwards.
local function network_files(host)
  local wanted = { link = "LINK", address = tostring(host.address), length = host.subnet.length,
    gateway = { via = "GATEWAY", metric = netplan.METRIC } }
  return put(sysctl.PATH, "644", sysctl.render("LINK"))
    .. put(networkd.dropin_path("LINK"), "644", networkd.render_dropin())
    .. put(netplan.PATH, "600", netplan.render(wanted))
end

local SOURCES = [=[

# Mirrors that have no IPv6 address give way to those that have one.
for host in $(grep -rhoE '//[^/ ]+\.ec2\.[^/ ]+' /etc/apt/sources.list /etc/apt/sources.list.d | cut -c 3- | sort -u); do
  getent ahostsv6 "$host" | grep -qv '^::ffff:' && continue
  sed -i "s|//$host|//${host##*.ec2.}|g" $(grep -rl "//$host" /etc/apt/sources.list /etc/apt/sources.list.d)
done
]=]

local DOCKER = [=[

apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -q install -y docker.io
for user in ubuntu admin; do if id "$user" >/dev/null 2>&1; then usermod -aG docker "$user"; fi; done
systemctl restart docker
]=]

-- The shell script of the first boot.
local function script(host, docker)
  local containers = {}
  if not host.delegated then
    for address in host.block:addresses() do containers[#containers + 1] = tostring(address) end
  end
  local words = string.format("mac=%s\ncontainers='%s'\n\n", host.mac, table.concat(containers, " "))
  return "#!/bin/sh\n# By eni6: one address for the interface, the block for the containers.\nset -eu\n" .. words
    .. FIND .. network_files(host) .. APPLY .. SOURCES .. (docker and DOCKER or "")
end

-- A YAML double-quoted scalar.
local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return string.format("\\x%02x", c:byte()) end) .. '"'
end

local function write_file(path, permissions, content)
  return string.format("- path: %s\n  permissions: '%s'\n  content: |\n%s", path, permissions,
    (content:gsub("([^\n]*)\n", function(line) return (line == "" and "" or "    " .. line) .. "\n" end)))
end

local function cloud_config(spec, host)
  local files = {
    write_file(apt.FORCE_IPV6_PATH, "0644", apt.render_force_ipv6()),
    write_file("/usr/local/sbin/eni6-first-boot", "0755", script(host, spec.docker)),
  }
  if spec.docker then
    local text = daemon_json.merge(nil, daemon_json.bridge_members(tostring(host.block)))
    table.insert(files, 2, write_file(daemon_json.PATH, "0644", text))
  end
  local commands = { "- /usr/local/sbin/eni6-first-boot" }
  for _, command in ipairs(spec.commands) do commands[#commands + 1] = "- " .. quoted(command) end
  return "#cloud-config\nhostname: " .. quoted(host.name) .. "\nmanage_etc_hosts: localhost\nwrite_files:\n"
    .. table.concat(files) .. "runcmd:\n" .. table.concat(commands, "\n") .. "\n"
end

--- The user data of one host, before base64.
---@param spec table  what check returned
---@param host { name: string, mac: string, address: any, block: any, subnet: any, delegated: boolean }
---  addresses and prefixes as eni6.ip6 values
---@return string|nil text
---@return string? message  when it is longer than EC2 takes
---@return string? code     "EMSGSIZE"
function user_data.render(spec, host)
  local text = spec.text or cloud_config(spec, host)
  if #text > MOST_BYTES then return nil, too_long(text), "EMSGSIZE" end
  return text
end

return user_data
