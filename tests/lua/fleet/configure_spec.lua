-- run: lua5.4
-- Hosts configured over an ssh that answers from a script.
local base64 = require "eni6.base64"
local configure = require "eni6.fleet.configure"
local filesystem = require "eni6.filesystem"
local host_keys = require "eni6.fleet.host_keys"
local ssh = require "eni6.fleet.ssh"

local KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIHh7mfSDQcuuvBq+rYHcQuevjw1pDRLbVuGeczGctWtv"
local FINGERPRINT = "SHA256:EeNDhgaX59KF2li57A7pV2coIqwyjmtmQVvyhbDpoQw"

local CONSOLE = "[    5.1] cloud-init[612]: ok\r\n-----BEGIN SSH HOST KEY KEYS-----\r\n"
  .. "ssh-ed25519 " .. KEY .. " root@ip-10-0-0-7\r\n-----END SSH HOST KEY KEYS-----\r\n[    5.2] up\r\n"

-- How a host behaves that does all as it should.
local GOOD = [[
  if call.command == "true" then return 0 end
  if call.command:find("cat ", 1, true) then return 0, "" end
  if call.command:find("tar -xzf", 1, true) then return 0, "lua5.4\n" end
  if call.command:find("--confirm", 1, true) then return 0, '{"state":"configured, to be confirmed"}' end
  if call.command:find("configure.lua confirm", 1, true) then return 0, "confirmed\n" end
]]

describe("configuring hosts over ssh", function()
  local folder, hosts, events

  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(filesystem.make_directory(folder .. "/tree/scripts"))
    for _, name in ipairs { "core", "lua" } do assert(filesystem.make_directory(folder .. "/tree/" .. name)) end
    assert(filesystem.replace(folder .. "/tree/Makefile", "all:\n"))
    hosts = { { name = "instance-1", address = "2001:db8::1:1", instance_id = "i-1" } }
    events = {}
  end)
  after_each(function() os.execute("rm -rf " .. folder) end)

  local function console_of(text)
    return { GetConsoleOutput = function(_, params)
      assert.equal("i-1", params.InstanceId)
      return { Output = base64.encode(text) }
    end }
  end

  -- Runs against hosts that answer as the Lua text says, then as good ones.
  local function run(answers, options)
    assert(filesystem.replace(folder .. "/answers.lua", "local call = ...\nreturn function(call)\n" .. (answers or "") .. GOOD
      .. "\nerror(call.command) end"))
    local all = { known_hosts = folder .. "/known_hosts", source = folder .. "/tree", ec2 = console_of(""), pause = 0.01,
      patience = 5, access_seconds = 0.2, ssh_program = { "lua5.4", "tests/support/fake_ssh.lua", folder },
      observe = function(event) events[#events + 1] = event end }
    for name, value in pairs(options or {}) do all[name] = value end
    return configure.run(hosts, all)
  end

  local function log()
    local lines = {}
    for line in (filesystem.read(folder .. "/log") or ""):gmatch("[^\n]+") do lines[#lines + 1] = line end
    return lines
  end

  local function told(words)
    for _, event in ipairs(events) do
      if (event.text or ""):find(words, 1, true) then return event end
    end
  end

  it("brings the source, configures, and confirms over a connection of its own", function()
    assert.is_true(run())
    local lines = log()
    assert.equal(5, #lines)
    assert.equal("2001:db8::1:1 accept-new ubuntu 0 true", lines[1])
    assert.matches("^2001:db8::1:1 yes ubuntu %d%d+ sudo %-n sh %-c ", lines[3])
    assert.matches("sudo %-n lua5.4 eni6/scripts/configure.lua %-%-confirm 60 %-%-json$", lines[4])
    assert.matches("sudo %-n lua5.4 eni6/scripts/configure.lua confirm$", lines[5])
    assert.equal("configured", hosts[1].configured)
    assert.equal("configured", events[#events].state)
  end)

  it("says whose key it takes on first use, and holds the host to it", function()
    assert.is_true(run())
    assert.truthy(told("taken on first use, as the console shows none: ssh-ed25519 " .. FINGERPRINT))
    assert.is_true(run())
    assert.equal("2001:db8::1:1 yes ubuntu 0 true", log()[6])
  end)

  it("goes no further with a key that cannot be kept", function()
    local ok, message, code = run [[ call.settings.StrictHostKeyChecking = "no file for it" ]]
    assert.is_nil(ok)
    assert.equal("EHOSTKEY", code)
    assert.matches("could not be kept in .*known_hosts; name a file", message)
    assert.equal(1, #log())
  end)

  it("takes the key from the console where it stands there", function()
    assert.is_true(run(nil, { ec2 = console_of(CONSOLE) }))
    assert.equal("2001:db8::1:1 yes ubuntu 0 true", log()[1])
    assert.truthy(told("host key from the console: " .. FINGERPRINT))
    assert.equal("i-1 ssh-ed25519 " .. KEY .. "\n", filesystem.read(folder .. "/known_hosts"))
  end)

  it("waits for the console where first use is not enough", function()
    local asked = 0
    local slow = { GetConsoleOutput = function()
      asked = asked + 1
      return { Output = base64.encode(asked > 2 and CONSOLE or "") }
    end }
    assert.is_true(run(nil, { ec2 = slow, first_use = false }))
    assert.equal("2001:db8::1:1 yes ubuntu 0 true", log()[1])
    os.remove(folder .. "/known_hosts")
    local ok, message, code = run(nil, { first_use = false, patience = 0.05 })
    assert.is_nil(ok)
    assert.equal("ENOKEY", code)
    assert.matches("i%-1 shows no host key", message)
  end)

  it("refuses a host whose key has changed, at once", function()
    local ok, message, code = run [[
      do return 255, "", "@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.\n" end ]]
    assert.is_nil(ok)
    assert.equal("EHOSTKEY", code)
    assert.matches("^instance%-1: .*somebody else may answer", message)
    assert.equal(1, #log())
    assert.equal("failed", hosts[1].configured)
  end)

  it("waits for a host that boots, and for its key to be in place", function()
    assert.is_true(run [[
      if call.count < 3 then return 255, "", "ssh: connect to host x port 22: Connection refused\n" end
      if call.count == 3 then return 255, "", "ubuntu@x: Permission denied (publickey).\n" end ]])
    assert.equal(8, #log())
    local ok, _, code = run [[ do return 255, "", "ubuntu@x: Permission denied (publickey).\n" end ]]
    assert.is_nil(ok)
    assert.equal("EACCES", code)
  end)

  it("brings the source once", function()
    assert(filesystem.replace(folder .. "/digest", assert(configure.archive(folder .. "/tree")).digest))
    assert.is_true(run('if call.command:find("cat ", 1, true) then return 0, io.open("' .. folder
      .. '/digest"):read("a") .. " lua5.3\\n" end\n'))
    assert.equal(4, #log())
    assert.matches("lua5.3 eni6/scripts", log()[3])
    assert.is_true(run 'if call.command:find("cat ", 1, true) then return 0, "0123abc lua5.3\\n" end\n')
    assert.equal(9, #log())
  end)

  it("needs a source to bring", function()
    local ok, message, code = run(nil, { source = folder })
    assert.is_nil(ok)
    assert.equal("ENOENT", code)
    assert.matches("no source of eni6 in .* run this from a source tree", message)
    assert.same({}, log())
  end)

  it("leaves alone what is configured already", function()
    assert.is_true(run [[ if call.command:find("--confirm", 1, true) then return 0, '{"state":"nothing to do"}' end ]])
    assert.equal(4, #log())
    assert.equal("nothing to do", hosts[1].configured)
  end)

  it("confirms although the connection was lost while the host worked", function()
    assert.is_true(run [[ if call.command:find("--confirm", 1, true) then return 255, "", "client_loop: send disconnect: "
      .. "Connection reset by peer\n" end ]])
    assert.equal("configured", hosts[1].configured)
    assert.truthy(told("the connection was lost"))
    os.remove(folder .. "/log")
    assert.is_true(run [[ if call.count == 4 then return 255, "", "Connection reset by peer\n" end
      if call.count < 7 and call.command:find("lua confirm") then return 1, "", "another process configures\n" end ]])
    assert.equal(7, #log())
  end)

  it("tries to confirm until the time is over, and reports a host that goes back", function()
    assert.is_true(run [[ if call.count == 5 then return 255, "", "Connection timed out\n" end ]])
    assert.equal(6, #log())
    local ok, message, code = run([[
      if call.command:find("lua confirm", 1, true) then return 255, "", "Connection timed out\n" end ]], { confirm = 4 })
    assert.is_nil(ok)
    assert.equal("ETIMEDOUT", code)
    assert.matches("was not confirmed and goes back by itself within 4 s", message)
    local attempts = #log()
    ok, message = run([[ if call.command:find("lua confirm", 1, true) then return 1, "",
      "configure.lua: nothing waits to be confirmed: it was confirmed, or put back, before\n" end ]], { confirm = 4 })
    assert.is_nil(ok)
    assert.matches("goes back by itself within 4 s: configure.lua: nothing waits", message)
    assert.equal(attempts + 5, #log())
  end)

  it("passes on what a host says of its failure", function()
    local ok, message, code = run [[ if call.command:find("--confirm", 1, true) then
      return 1, "", "configure.lua: no way out; everything was put back as it was\n" end ]]
    assert.is_nil(ok)
    assert.equal("EFAILED", code)
    assert.equal("instance-1: configure.lua failed: configure.lua: no way out; everything was put back as it was", message)
    ok, message = run [[ if call.command:find("tar -xzf", 1, true) then return 100, "", "E: Unable to locate package\n" end ]]
    assert.is_nil(ok)
    assert.equal("instance-1: preparing failed: E: Unable to locate package", message)
  end)

  it("lets one host's failure not stop the others", function()
    hosts[2] = { name = "instance-2", address = "2001:db8::2:2", instance_id = "i-2" }
    local ok, message, _, detail = run([[
      if call.address == "2001:db8::1:1" then return 255, "", "Host key verification failed.\n" end ]], {
      ec2 = { GetConsoleOutput = function() return nil, "no", "UnauthorizedOperation" end } })
    assert.is_nil(ok)
    assert.matches("^instance%-1: ", message)
    assert.same({ 1, "EHOSTKEY" }, { #detail.failures, detail.failures[1].code })
    assert.same({ "failed", "configured" }, { hosts[1].configured, hosts[2].configured })
  end)
end)

describe("host keys", function()
  it("reads the last keys of a console, and nothing else", function()
    local old = CONSOLE:gsub(KEY, (KEY:gsub("Wtv$", "AAA")))
    assert.same({ { kind = "ssh-ed25519", key = KEY } }, host_keys.from_console(old .. CONSOLE))
    assert.same({}, host_keys.from_console(""))
    assert.same({}, host_keys.from_console(CONSOLE:sub(1, 120)))
    assert.same({}, host_keys.from_console((CONSOLE:gsub("ssh%-ed25519", "ssh-rsa"))))
  end)

  it("shows fingerprints as ssh-keygen does", function()
    local path = os.tmpname()
    assert(filesystem.replace(path, "ssh-ed25519 " .. KEY .. "\n"))
    local result = assert(require("eni6.process").run { argv = { "ssh-keygen", "-l", "-f", path } })
    os.remove(path)
    assert.equal(result.stdout:match("SHA256:%S+"), host_keys.fingerprint { kind = "ssh-ed25519", key = KEY })
  end)
end)

describe("ssh", function()
  it("quotes words so that a shell reads them back", function()
    local words = { "printf", "%s|", "a b", "it's", "$HOME", "", "a\nb", "*", "--x=1", "\\", "~" }
    local result = assert(require("eni6.process").run { argv = { "sh", "-c", ssh.quote(words) } })
    assert.equal("a b|it's|$HOME||a\nb|*|--x=1|\\|~|", result.stdout)
  end)

  it("says when there is none", function()
    local _, message, code = ssh.new({ address = "::1", user = "me", known_hosts = "/nowhere", program = { "/nowhere/ssh" } })
      :run { "true" }
    assert.equal("ENOENT", code)
    assert.matches("^ssh to ::1: ", message)
  end)
end)

describe("provision.lua --configure", function()
  local process = require "eni6.process"
  local fleet, folder

  setup(function()
    fleet, folder = require("support.fleet").start(), os.tmpname()
    os.remove(folder)
    assert(filesystem.make_directory(folder))
    local host = '{ { name = "instance-1", address = "::1:1", block = "::8/126" } }'
    assert(filesystem.replace(folder .. "/plan.lua", fleet:plan_text(host)))
    assert(filesystem.replace(folder .. "/ssh", '#!/bin/sh\nexec lua5.4 "$FAKE" "$FOLDER" "$@"\n', tonumber("755", 8)))
  end)
  teardown(function()
    fleet:stop()
    os.execute("rm -rf " .. folder)
  end)

  local function provision(answers, ...)
    assert(filesystem.replace(folder .. "/answers.lua", "return function(call)\n" .. answers .. GOOD .. " end"))
    local env = { PATH = folder .. ":" .. os.getenv("PATH"), HOME = folder, FOLDER = folder, FAKE = "tests/support/fake_ssh.lua",
      AWS_EC2_METADATA_DISABLED = "true" }
    for name, value in pairs(fleet.sandbox.env) do env[name] = value end
    return assert(process.run { argv = { "lua5.4", "scripts/provision.lua", folder .. "/plan.lua", "--configure", ... },
      env = env, clear_env = true, timeout = 60 })
  end

  it("makes and configures, with the keys beside the plan", function()
    local result = provision("", "--json", "--user", "admin", "--install-docker")
    assert.equal(0, result.status, result.stderr)
    local host = require("dkjson").decode(result.stdout).hosts[1]
    assert.equal("configured", host.configured)
    assert.matches("instance%-1: configured  confirmed over a new connection", result.stderr)
    assert.matches("^" .. host.instance_id:gsub("%-", "%%-") .. " ssh%-ed25519 ", filesystem.read(folder .. "/plan.known_hosts"))
    local log = filesystem.read(folder .. "/log")
    assert.matches("^2001:db8:47b:ca03::1:1 accept%-new admin 0 true\n", log)
    assert.matches("configure.lua %-%-confirm 60 %-%-json %-%-install%-docker=distribution\n", log)
    assert.matches("configure.lua confirm\n$", log)
  end)

  it("fails where a host does, and says what is there", function()
    local result = provision([[ if call.command:find("--confirm", 1, true) then
      return 1, "", "configure.lua: no way out; everything was put back as it was\n" end ]])
    assert.equal(1, result.status)
    assert.matches("provision.lua: instance%-1: configure.lua failed: configure.lua: no way out; everything was put back",
      result.stderr)
    assert.matches("instance%-1 +running", result.stdout)
  end)

  it("is refused where no instance can be logged in to", function()
    for _, option in ipairs { "--sandbox", "--dry-run" } do
      local result = provision("", option)
      assert.equal(2, result.status)
      assert.truthy(result.stderr:find("instances to log in to, which " .. option .. " does not make", 1, true), result.stderr)
    end
  end)
end)
