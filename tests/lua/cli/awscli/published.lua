local process = require "eni6.process"
local sandbox = require "support.sandbox"

-- Runs the published commands with a command line tool, in a sandbox of their own.
local function start(tool, home)
  local self = { sandbox = sandbox.start { "--seed", "7" } }
  local env = {
    AWS = tool, HOME = home, AWS_PAGER = "", AWS_EC2_METADATA_DISABLED = "true", AWS_CONFIG_FILE = home .. "/config",
    AWS_SHARED_CREDENTIALS_FILE = "/dev/null", HTTP_PROXY = false, http_proxy = false,
  }
  for name, value in pairs(self.sandbox.env) do env[name] = value end
  self.log = os.tmpname()
  self.process = assert(process.spawn { argv = { "sh", "-c", ". tests/support/published.sh >" .. self.log .. " 2>&1" },
    env = env, die_with_parent = true })
  return self
end

local function finish(self)
  local result = assert(self.process:wait(120))
  local file = assert(io.open(self.log))
  local text = file:read("a")
  file:close()
  os.remove(self.log)
  self.sandbox:stop()
  return text, result.status
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("([^\n]*)\n") do
    -- What the time and chance are in; all else is the same from the same seed.
    lines[#lines + 1] = line:gsub("%d%d%d%d%-%d%d%-%d%dT[%d:.+]+", "TIME"):gsub('(ClientToken": )"[%x-]+"', "%1TOKEN")
  end
  return lines
end

describe("the published commands", function()
  local home = os.tmpname()
  os.remove(home)

  setup(function()
    assert(os.execute("mkdir -p " .. home .. "/.ssh && ssh-keygen -q -t ed25519 -N '' -f " .. home .. "/.ssh/id_ed25519"))
    -- Without this, the AWS CLI wants the key in base64.
    local file = assert(io.open(home .. "/config", "w"))
    file:write("[default]\ncli_binary_format = raw-in-base64-out\n")
    file:close()
  end)

  teardown(function() os.execute("rm -r " .. home) end)

  it("print the same, line for line", function()
    local theirs, ours = start("/usr/bin/aws", home), start("lua5.4 scripts/aws.lua", home)
    local expected, expected_status = finish(theirs)
    local said, status = finish(ours)
    assert.match("running\n", expected)
    local theirs_lines, ours_lines = lines_of(expected), lines_of(said)
    for i, line in ipairs(theirs_lines) do assert.equal(line, ours_lines[i], "line " .. i) end
    assert.equal(#theirs_lines, #ours_lines)
    assert.equal(expected_status, status)
  end)
end)
