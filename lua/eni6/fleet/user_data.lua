--- Cloud-init user data: what the published text does on an instance by hand
-- (the netplan file, apt's settings, Docker with its daemon.json), done at the
-- first boot. Provisioning knows all addresses before the launch.

local fields = require "eni6.fleet.fields"

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

-- Runs on the instance. Its four words are put before it.
local SPLIT = [=[
# The gateway is what the router advertises; fe80:ec2::1 answers in every subnet.
link=
for path in /sys/class/net/*; do
  if [ "$(cat "$path/address")" = "$mac" ]; then link=${path##*/}; fi
done
[ -n "$link" ] || { echo "eni6: no interface has the MAC address $mac" >&2; exit 1; }
command -v netplan >/dev/null || { echo "eni6: no netplan here; run configure.lua instead" >&2; exit 1; }

gateway=
for second in 1 2 3 4 5 6 7 8 9 10; do
  gateway=$(ip -6 route show default dev "$link" | sed -n 's/.*via \([^ ]*\).*/\1/p' | head -n 1)
  [ -z "$gateway" ] || break
  sleep 1
done

umask 077
cat >/etc/netplan/60-ipv6-static.yaml <<END
network:
  version: 2
  ethernets:
    $link:
      dhcp6: no
      accept-ra: no
      addresses:
      - $address
      routes:
      - to: "::/0"
        via: "${gateway:-fe80:ec2::1}"
        on-link: true
END
umask 022
netplan apply
for one in $containers; do ip -6 address delete "$one/128" dev "$link" 2>/dev/null || true; done
sysctl -q -p /etc/sysctl.d/60-eni6.conf
]=]

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
  local words = string.format("mac=%s\naddress=%s/%d\ncontainers='%s'\n\n", host.mac, host.address, host.subnet.length,
    table.concat(containers, " "))
  return "#!/bin/sh\n# By eni6: one address for the interface, the block for the containers.\nset -eu\n" .. words
    .. SPLIT .. SOURCES .. (docker and DOCKER or "")
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
    write_file("/etc/apt/apt.conf.d/99-eni6", "0644", 'Acquire::ForceIPv6 "true";\n'),
    write_file("/etc/sysctl.d/60-eni6.conf", "0644", "net.ipv6.conf.all.forwarding = 1\n"),
    write_file("/usr/local/sbin/eni6-first-boot", "0755", script(host, spec.docker)),
  }
  if spec.docker then
    table.insert(files, 3, write_file("/etc/docker/daemon.json", "0644",
      string.format('{\n  "ipv6": true,\n  "fixed-cidr-v6": "%s"\n}\n', host.block)))
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
