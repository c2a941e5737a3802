--- The keys by which instances prove who they are, in a known_hosts file of the
--- plan's own (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
--
-- They are kept under the instance's id, not under its address: a new instance on
-- an old address is somebody new, while an instance whose key changes is refused.

local base64 = require "eni6.base64"
local digest = require "eni6.digest"
local filesystem = require "eni6.filesystem"

local host_keys = {}

-- A line's kind and key where both are what OpenSSH writes: the kind stands in the
-- key again, behind its length (RFC 4253, section 6.6).
local function read_key(kind, key)
  local bytes = kind and base64.decode(key or "")
  if bytes and #bytes > 4 and bytes:sub(1, 4 + #kind) == string.pack(">s4", kind) then return { kind = kind, key = key } end
end

local BLOCK = "%-%-BEGIN SSH HOST KEY KEYS%-%-%-%-%-\n(.-)%-%-%-%-%-END SSH HOST KEY KEYS%-%-"

--- The keys that cloud-init writes to the console of an instance at its first boot.
---@param text string  the console's output
---@return { kind: string, key: string }[] keys  of the last boot that shows any; empty while none does
function host_keys.from_console(text)
  local keys = {}
  for block in text:gsub("\r", ""):gmatch(BLOCK) do
    keys = {}
    for line in block:gmatch("[^\n]+") do
      -- The kernel and systemd may write in front of a line.
      keys[#keys + 1] = read_key(line:match("([%w@.-]+) (AAAA[%w+/=]+)"))
    end
  end
  return keys
end

--- The keys kept under a name.
---@param path string
---@param name string
---@return { kind: string, key: string }[]|nil keys
---@return string? message
---@return string? code
function host_keys.known(path, name)
  local text, message, code = filesystem.read(path)
  if not text and code ~= "ENOENT" then return nil, message, code end
  local keys = {}
  for line in (text or ""):gmatch("[^\n]+") do
    local first, kind, key = line:match("^(%S+) (%S+) (%S+)")
    if first == name then keys[#keys + 1] = read_key(kind, key) end
  end
  return keys
end

--- Keeps keys under a name.
---@param path string
---@param name string
---@param keys { kind: string, key: string }[]
---@return true|nil ok, string? message, string? code
function host_keys.keep(path, name, keys)
  local lines = {}
  for i, one in ipairs(keys) do lines[i] = string.format("%s %s %s\n", name, one.kind, one.key) end
  return filesystem.append(path, table.concat(lines))
end

--- A key's fingerprint as ssh shows it.
---@param one { kind: string, key: string }
---@return string text  "SHA256:…"
function host_keys.fingerprint(one)
  local hex = digest.sha256_hex(base64.decode(one.key))
  local bytes = hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)
  return "SHA256:" .. base64.encode(bytes):gsub("=+$", "")
end

return host_keys
