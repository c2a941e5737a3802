--- Configures the instances of a plan over SSH, each at its IPv6 address: brings
--- eni6's source, has it built there, runs configure.lua, and confirms over a new
--- connection. A host that cannot be confirmed goes back by itself.

local base64 = require "eni6.base64"
local digest = require "eni6.digest"
local filesystem = require "eni6.filesystem"
local failure = require "eni6.fleet.failure"
local host_keys = require "eni6.fleet.host_keys"
local json = require("eni6.rocks").need "dkjson"
local process = require "eni6.process"
local ssh = require "eni6.fleet.ssh"
local tasks = require "eni6.tasks"

local configure = {}

local want = failure.want

local PARALLEL = 16
local PATIENCE = 300 -- seconds for an instance to boot and let us in
local PAUSE = 2 -- between attempts
local ACCESS_SECONDS = 30 -- for cloud-init to put the key in place once sshd answers
local CONFIRM = 60
local PREPARE_SECONDS, CONFIGURE_SECONDS = 1800, 1800 -- they may install packages
local MARGIN = 3 -- seconds before the deadline after which confirming is not tried any more

-- What an instance needs of the source.
local SOURCE = { "Makefile", "core", "lua", "scripts" }

--- The source as one archive, the same bytes for the same files.
---@param folder string  the tree
---@return { bytes: string, digest: string }|nil archive, string? message, string? code
function configure.archive(folder)
  if not filesystem.stat(folder .. "/Makefile") then
    return nil, "there is no source of eni6 in " .. folder .. " to bring to the instances; run this from a source tree", "ENOENT"
  end
  local argv = { "tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--exclude=__pycache__",
    "--exclude=scripts/packaging", "--exclude=scripts/examples",
    "-C", folder, "-czf", "-" }
  for _, name in ipairs(SOURCE) do argv[#argv + 1] = name end
  local result, message, code = process.run { argv = argv, timeout = 60 }
  if not result then return nil, message, code end
  if result.status ~= 0 then return nil, "cannot pack eni6's source in " .. folder .. ": " .. result.stderr, "EFAILED" end
  return { bytes = result.stdout, digest = digest.sha256_hex(result.stdout) }
end

local function tell(job, state, text) job.observe { host = job.host.name, state = state, text = text } end

-- --- who is there -----------------------------------------------------------------------

local function console_text(ec2, id)
  local answer = ec2:GetConsoleOutput { InstanceId = id, Latest = true }
  -- Only instances on Nitro have a latest output.
  answer = answer or ec2:GetConsoleOutput { InstanceId = id }
  return answer and base64.decode(answer.Output or "") or ""
end

-- Keeps the keys that the console shows; whether there were any. A console that
-- cannot be read shows none.
local function learn_from_console(job)
  local keys = job.ec2 and host_keys.from_console(console_text(job.ec2, job.host.instance_id)) or {}
  if #keys == 0 then return false end
  want(host_keys.keep(job.known_hosts, job.host.instance_id, keys))
  tell(job, "reaching", "host key from the console: " .. host_keys.fingerprint(keys[1]))
  return true
end

-- Whether the instance's key is known, before it is asked anything.
local function is_known(job)
  local keys = want(host_keys.known(job.known_hosts, job.host.instance_id))
  return #keys > 0 or learn_from_console(job)
end

-- ssh goes on where it cannot write the key down; then the next one would be taken, too.
local function tell_first_use(job)
  local keys = want(host_keys.known(job.known_hosts, job.host.instance_id))
  if #keys == 0 then
    failure.raise("the host key could not be kept in " .. job.known_hosts .. "; name a file that can be written: --known-hosts",
      "EHOSTKEY")
  end
  for _, key in ipairs(keys) do
    tell(job, "reaching", string.format("host key taken on first use, as the console shows none: %s %s", key.kind,
      host_keys.fingerprint(key)))
  end
end

local LATER = { ECONNREFUSED = true, ETIMEDOUT = true, EHOSTUNREACH = true, ENETUNREACH = true, ECONNRESET = true }

-- One attempt: true once we are in.
local function knock(job)
  local known = is_known(job)
  if not known and not job.first_use then
    return nil, "the console of " .. job.host.instance_id .. " shows no host key; look at it with aws ec2 get-console-output, "
      .. "or take the key on first use", "ENOKEY"
  end
  local result, message, code = job.session:run({ "true" }, { new_key = not known, timeout = 30 })
  if not result then return nil, message, code end
  if not known then tell_first_use(job) end
  return true
end

-- Waits until the instance lets us in.
local function reach(job)
  local deadline, refused = tasks.now() + job.patience, false
  tell(job, "reaching", job.session.user .. "@" .. job.session.address)
  while true do
    local ok, message, code = knock(job)
    if ok then return end
    if code == "EACCES" and not refused then
      refused, deadline = true, math.min(deadline, tasks.now() + job.access_seconds)
    end
    if not (LATER[code] or code == "EACCES" or code == "ENOKEY") or tasks.now() >= deadline then failure.raise(message, code) end
    tasks.sleep(job.pause)
  end
end

-- --- what is done there -----------------------------------------------------------------

local function as_root(job, words)
  local all = job.session.user == "root" and {} or { "sudo", "-n" }
  for _, word in ipairs(words) do all[#all + 1] = word end
  return all
end

local function said(result)
  local words = (result.stderr .. "\n" .. result.stdout):gsub("^%s+", ""):gsub("%s+$", "")
  return words ~= "" and words:sub(-2000) or "status " .. result.status
end

-- Runs there as root; stdout of a command that succeeded.
local function run(job, what, words, options)
  local result, message, code = job.session:run(as_root(job, words), options)
  want(result, message, code)
  if result.status ~= 0 then failure.raise(what .. " failed: " .. said(result), "EFAILED") end
  return result.stdout
end

-- The tree is unpacked and built beside the old one and takes its place when it is
-- whole. $1: the folder, $2: the archive's digest.
local UNPACK = [[
set -e
rm -rf "$1.new"
mkdir -p "$1.new"
tar -xzf - -C "$1.new"
lua=$("$1.new/scripts/lib/prepare.sh")
echo "$2 $lua" >"$1.new/prepared"
rm -rf "$1"
mv "$1.new" "$1"
echo "$lua"]]

-- Brings the source and has it built, unless the same is there. Returns the name of
-- the interpreter.
local function prepare(job)
  local there = run(job, "reading " .. job.folder, { "sh", "-c", 'cat "$1/prepared" 2>/dev/null || true', "sh", job.folder })
  local known, lua = there:match("^(%x+) (lua[%d.]+)")
  if known == job.source.digest then return lua end
  tell(job, "preparing", "sends eni6's source, installs what is missing, builds")
  local output = run(job, "preparing", { "sh", "-c", UNPACK, "sh", job.folder, job.source.digest },
    { input = job.source.bytes, timeout = PREPARE_SECONDS })
  return output:match("(lua[%d.]+)%s*$") or failure.raise("preparing ended without naming a Lua: " .. output, "EFAILED")
end

-- Runs configure.lua there.
local function run_script(job, arguments, seconds)
  local words = { job.lua, job.folder .. "/scripts/configure.lua" }
  if job.root then words[3], words[4] = "--root", job.root end
  for _, word in ipairs(arguments) do words[#words + 1] = word end
  return job.session:run(as_root(job, words), { timeout = seconds })
end

-- Runs configure.lua. False when there was nothing to do; true when its work waits to
-- be confirmed, or may: the connection was lost while it worked.
local function change(job)
  tell(job, "configuring", "splits its addresses; goes back after " .. job.confirm .. " s unless confirmed")
  local arguments = { "--confirm", tostring(job.confirm), "--json", table.unpack(job.arguments) }
  local result, message, code = run_script(job, arguments, CONFIGURE_SECONDS)
  if not result and not LATER[code] then failure.raise(message, code) end
  if not result then return true, message end
  if result.status ~= 0 then failure.raise("configure.lua failed: " .. said(result), "EFAILED") end
  local document = json.decode(result.stdout)
  if type(document) ~= "table" then failure.raise("configure.lua answered what is not JSON: " .. said(result), "EPROTO") end
  return document.state ~= "nothing to do"
end

local function unconfirmed(job, message, code)
  return failure.raise(string.format("it was not confirmed and goes back by itself within %d s: %s", job.confirm, message), code)
end

-- Confirms over connections of their own, until one succeeds or the time is over. After
-- a lost connection the work may still go on there, and cannot be confirmed until it is done.
local function confirm(job, lost)
  local deadline = tasks.now() + math.max(job.confirm - MARGIN, 1)
  tell(job, "confirming", lost and "the connection was lost: " .. lost or "over a new connection")
  while true do
    local result, message, code = run_script(job, { "confirm" }, math.max(deadline - tasks.now(), 1))
    if result and result.status == 0 then return end
    if result then message, code = said(result), "EFAILED" end
    local again = LATER[code] or result and lost
    if not again or tasks.now() + job.pause >= deadline then return unconfirmed(job, message, code) end
    tasks.sleep(job.pause)
  end
end

local function configure_one(job)
  reach(job)
  job.lua = prepare(job)
  local waits, lost = change(job)
  if waits then confirm(job, lost) end
  tell(job, "configured", waits and "confirmed over a new connection" or "there was nothing to do")
  return waits and "configured" or "nothing to do"
end

-- --- all of them ------------------------------------------------------------------------

local function new_job(host, source, options)
  local job = { host = host, source = source, ec2 = options.ec2, known_hosts = options.known_hosts,
    first_use = options.first_use ~= false, folder = options.folder or "eni6", root = options.root,
    arguments = options.arguments or {}, confirm = options.confirm or CONFIRM, patience = options.patience or PATIENCE,
    pause = options.pause or PAUSE, access_seconds = options.access_seconds or ACCESS_SECONDS,
    observe = options.observe or function() end }
  job.session = ssh.new { address = host.address, user = options.user or "ubuntu", alias = host.instance_id,
    known_hosts = options.known_hosts, program = options.ssh_program, arguments = options.ssh_arguments }
  return job
end

local function attempt(job, failures)
  local state, message, code = failure.catch(configure_one, job)
  job.host.configured = state or "failed"
  if state then return true end
  failures[#failures + 1] = { host = job.host.name, message = message, code = code }
  tell(job, "failed", message)
  return true
end

local function summary(failures)
  local lines = {}
  for i, one in ipairs(failures) do lines[i] = one.host .. ": " .. one.message end
  return nil, table.concat(lines, "\n"), failures[1].code, { failures = failures }
end

--- Configures hosts, side by side. Doing it again changes nothing.
---@param hosts table[]  of eni6.fleet.provision's result; each gets `configured`: "configured", "nothing to do", "failed"
---@param options table
---   known_hosts: path of the plan's own file of host keys; source: folder of eni6's tree;
---   ec2: client that is asked for the consoles, which show the host keys;
---   first_use: whether the key of a host whose console shows none is taken at the first connection (true);
---   user: "ubuntu"; confirm: seconds until an unconfirmed host goes back (60); folder: where eni6 goes there ("eni6");
---   root: what configure.lua takes as --root; arguments: string[], more of its own when it configures;
---   parallel: hosts at once (16); patience: seconds for a host to boot (300);
---   pause: seconds between attempts (2); access_seconds: for a key to be let in once sshd answers (30);
---   ssh_program, ssh_arguments: string[]; observe: fun(event), events { host, state, text }
---@return true|nil ok
---@return string? message   a line for each host that failed
---@return string? code      of the first: "EHOSTKEY", "EACCES", "ETIMEDOUT", "EFAILED", …
---@return table? detail     { failures }
function configure.run(hosts, options)
  local source, message, code = configure.archive(options.source)
  if not source then return nil, message, code end
  local failures = {}
  local ok, fault, fault_code = tasks.group(function(group)
    for _, host in ipairs(hosts) do
      group:spawn(host.name, attempt, new_job(host, source, options), failures)
    end
    return true
  end, { limit = options.parallel or PARALLEL, on_failure = "spare" })
  if #failures > 0 then return summary(failures) end
  return ok, fault, fault_code
end

return configure
