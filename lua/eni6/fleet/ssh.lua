--- One machine over the system's own ssh(1). Each run is a connection of its own:
--- what it proves about reachability, it proves anew.

local process = require "eni6.process"

local ssh = {}

local Session = { __name = "eni6.fleet.ssh" }
Session.__index = Session

local CONNECT_SECONDS = 10
local OWN_FAILURE = 255 -- ssh's status when it, and not the command, has failed

-- Nothing is asked for, shared with another connection, forwarded, or learnt beside
-- the one file of keys.
local FIXED = { "BatchMode=yes", "ControlMaster=no", "ControlPath=none", "ClearAllForwardings=yes", "CheckHostIP=no",
  "GlobalKnownHostsFile=/dev/null", "HashKnownHosts=no", "UpdateHostKeys=no", "VerifyHostKeyDNS=no",
  "PermitLocalCommand=no", "LogLevel=ERROR", "ServerAliveInterval=5", "ServerAliveCountMax=4" }

local FAULTS = {
  { "REMOTE HOST IDENTIFICATION HAS CHANGED", "EHOSTKEY" },
  { "Host key verification failed", "EHOSTKEY" },
  { "Permission denied", "EACCES" },
  { "Too many authentication failures", "EACCES" },
  { "Connection refused", "ECONNREFUSED" },
  { "timed out", "ETIMEDOUT" },
  { "No route to host", "EHOSTUNREACH" },
  { "Network is unreachable", "ENETUNREACH" },
  { "Connection reset", "ECONNRESET" },
  { "Connection closed", "ECONNRESET" },
  { "closed by remote host", "ECONNRESET" },
}

--- Words as one text that a POSIX shell reads as those words: what ssh sends is
--- always read by the other side's shell.
---@param words string[]
---@return string
function ssh.quote(words)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = word:find("^[%w_/.:=@-]+$") and word or "'" .. word:gsub("'", "'\\''") .. "'"
  end
  return table.concat(quoted, " ")
end

--- A machine. Nothing is sent before the first run.
---@param options table
---   address: string; user: string; known_hosts: path of the file of keys;
---   alias: string|nil, the name in that file, instead of the address;
---   program: string[]|nil, default { "ssh" }; arguments: string[]|nil, more of ssh's own: { "-i", "key" }
---@return table session
function ssh.new(options)
  assert(options.address and options.user and options.known_hosts, "ssh.new needs address, user and known_hosts")
  return setmetatable({
    address = options.address, user = options.user, known_hosts = options.known_hosts,
    alias = options.alias or options.address, program = options.program or { "ssh" }, arguments = options.arguments or {},
  }, Session)
end

local function command_line(self, words, new_key)
  local argv = { table.unpack(self.program) }
  local function add(...)
    for _, word in ipairs { ... } do argv[#argv + 1] = word end
  end
  add("-T", "-a", "-x", "-l", self.user)
  for _, setting in ipairs(FIXED) do add("-o", setting) end
  add("-o", "ConnectTimeout=" .. CONNECT_SECONDS)
  -- ssh takes a list of paths apart at spaces, and expands what begins with %.
  add("-o", 'UserKnownHostsFile="' .. self.known_hosts:gsub("%%", "%%%%") .. '"')
  add("-o", "HostKeyAlias=" .. self.alias, "-o", "StrictHostKeyChecking=" .. (new_key and "accept-new" or "yes"))
  add(table.unpack(self.arguments))
  add("--", self.address, ssh.quote(words))
  return argv
end

local function last_line(text) return text:match("([^\n]*)%s*$") end

local function own_failure(self, stderr)
  local words = last_line(stderr)
  for _, fault in ipairs(FAULTS) do
    if stderr:find(fault[1], 1, true) then
      if fault[2] ~= "EHOSTKEY" then return nil, "ssh to " .. self.address .. ": " .. words, fault[2] end
      return nil, string.format("ssh to %s: its host key is not the one that %s has for %s; somebody else may answer at "
        .. "that address. If you know why the key has changed, remove the line %s from the file and run again",
        self.address, self.known_hosts, self.alias, self.alias), "EHOSTKEY"
    end
  end
  return nil, "ssh to " .. self.address .. ": " .. (words ~= "" and words or "ended without a word"), "ECONNRESET"
end

--- Runs a command there and waits for its end.
---@param words string[]  the program and its arguments, taken as they are
---@param options { input: string|nil, timeout: number|nil, new_key: boolean|nil }|nil
---   timeout: seconds, default 60; new_key: take the key of a machine that has none in the file
---@return { status: integer, stdout: string, stderr: string }|nil result
---@return string? message
---@return string? code "EHOSTKEY", "EACCES", "ECONNREFUSED", "ETIMEDOUT", "ECONNRESET" (the command may have
---   acted), "ENOENT" where there is no ssh
function Session:run(words, options)
  options = options or {}
  local result, message, code = process.run { argv = command_line(self, words, options.new_key), input = options.input,
    timeout = options.timeout or 60 }
  if not result then return nil, "ssh to " .. self.address .. ": " .. message, code end
  if result.signal then return nil, "ssh to " .. self.address .. " was ended by signal " .. result.signal, "EINTR" end
  if result.status == OWN_FAILURE then return own_failure(self, result.stderr) end
  return result
end

return ssh
