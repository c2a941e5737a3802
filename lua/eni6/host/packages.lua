--- Docker from packages, over IPv6: the distribution's own, or Docker's repository
-- with its key pinned by fingerprint.
-- https://docs.docker.com/engine/install/debian/

local files = require("eni6.files")

local packages = {}

--- Where packages can come from.
packages.SOURCES = { distribution = true, docker = true }

-- "Docker Release (CE deb) <docker@docker.com>"
local FINGERPRINT = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
local KEY_PATH = "/etc/apt/keyrings/eni6-docker.asc"
local SOURCE_PATH = "/etc/apt/sources.list.d/eni6-docker.sources"
local REPOSITORY = "https://download.docker.com/linux/"
local SECONDS = 900

-- ID and VERSION_CODENAME of os-release(5).
local function system_of(text)
  local function value(name) return ("\n" .. text):match("\n" .. name .. '="?([%w._-]+)"?') end
  return value("ID"), value("VERSION_CODENAME")
end

-- gpg makes a keyring wherever its home is, even to look at a key: so its home is a
-- folder that is gone afterwards.
local SHOW_KEYS = [[
home=$(mktemp -d) || exit 1
gpg --batch --no-options --homedir "$home" --trust-model always --with-colons --show-keys
status=$?
rm -rf "$home"
exit $status]]

--- The fingerprints of the primary keys in a key file, by gpg(1).
---@param world table of eni6.host.world
---@param key string the file's text
---@return string[]|nil fingerprints, string? message, string? code
function packages.fingerprints(world, key)
  local result, message, code = world.process.run({ input = key, timeout = 30, argv = { "sh", "-c", SHOW_KEYS } })
  if not result then return nil, "gpg: " .. message, code end
  if result.status == 127 then return nil, "gpg is needed to check Docker's key; install it: apt-get install gpg", "ENOENT" end
  if result.status ~= 0 then return nil, "gpg cannot read Docker's key", "EBADMSG" end
  local list, primary = {}, false
  for line in result.stdout:gmatch("[^\n]+") do
    if line:find("^pub:") then primary = true end
    local fingerprint = line:match("^fpr:.*:(%x+):$")
    if fingerprint and primary then list[#list + 1], primary = fingerprint, false end
  end
  return list
end

-- apt would trust every key of the file, so it must hold the one and no other.
local function check_key(world, key)
  local list, message, code = packages.fingerprints(world, key)
  if not list then return nil, message, code end
  if #list == 1 and list[1] == FINGERPRINT then return true end
  return nil, string.format("%s holds the key %s, not Docker's %s; nothing was installed", REPOSITORY,
    #list > 0 and table.concat(list, ", ") or "of nobody", FINGERPRINT), "EKEYREJECTED"
end

local function fetch_key(world, id)
  local url = REPOSITORY .. id .. "/gpg"
  local response, message, code = world.http:request({ method = "GET", url = url, timeout = 30, max_body = 65536 })
  if not response then return nil, url .. ": " .. message, code end
  if response.status ~= 200 then return nil, url .. ": status " .. response.status, "EPROTO" end
  local ok
  ok, message, code = check_key(world, response.body)
  if not ok then return nil, message, code end
  return response.body
end

local function from_docker(world)
  local text, message, code = world:read("/etc/os-release")
  if not text then return nil, message or "no /etc/os-release tells which system this is", code or "ENOENT" end
  local id, codename = system_of(text)
  if id ~= "debian" and id ~= "ubuntu" or not codename then
    return nil, "Docker's repository is for Debian and Ubuntu; install Docker yourself, then run this again", "ENOTSUP"
  end
  local key
  key, message, code = fetch_key(world, id)
  if not key then return nil, message, code end
  return { source = "docker", id = id, codename = codename, key = key }
end

--- What has to be known before Docker is installed: for its own repository the system
--- and the key, which is fetched and compared with the pinned fingerprint.
---@param world table
---@param source "distribution"|"docker"
---@return table|nil install for `steps`, string? message, string? code "EKEYREJECTED", "ENOTSUP", …
function packages.prepare(world, source)
  if source == "docker" then return from_docker(world) end
  return { source = source }
end

local function command(text, ...)
  return { kind = "command", text = text, seconds = SECONDS,
    argv = { "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "Acquire::ForceIPv6=true", ... } }
end

local function repository(install)
  return files.compose({ "Types: deb", "URIs: " .. REPOSITORY .. install.id, "Suites: " .. install.codename,
    "Components: stable", "Signed-By: " .. KEY_PATH })
end

--- The steps that install it. Pure. What they install stays when everything else is
--- put back: it does nothing to the network without its daemon.json.
---@param install table of prepare
---@return table[] steps for eni6.host.apply
function packages.steps(install)
  local update = command("refresh apt's lists", "update")
  if install.source == "distribution" then return { update, command("install docker.io", "install", "docker.io") } end
  return {
    { kind = "file", path = KEY_PATH, text = install.key, mode = 420 },
    { kind = "file", path = SOURCE_PATH, text = repository(install), mode = 420 },
    update,
    command("install docker-ce", "install", "docker-ce", "docker-ce-cli", "containerd.io"),
  }
end

return packages
