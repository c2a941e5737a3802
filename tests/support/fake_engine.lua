--- A Docker engine that answers from a script (tests/support/fake_engine.py).

local json = require "dkjson"
local process = require "eni6.process"

local fake_engine = {}
fake_engine.__index = fake_engine

--- Starts one.
---@param script table<string, table[]> answers by "METHOD /path"
---@return table engine `socket` is where it listens
function fake_engine.start(script)
  local folder = os.tmpname()
  os.remove(folder)
  assert(require("eni6.filesystem").make_directory(folder))
  local self = setmetatable({ folder = folder, socket = folder .. "/docker.sock" }, fake_engine)
  self.process = assert(process.spawn { argv = { "/usr/bin/python3", "tests/support/fake_engine.py", self.socket },
    stdin = json.encode(script) .. "\n", stdout = "pipe", die_with_parent = true })
  assert(self.process:read_line(20) == "ready")
  return self
end

--- The next request that it got: "METHOD target body".
function fake_engine:request() return assert(self.process:read_line(5)) end

--- Ends it; the socket stays, and nobody listens.
function fake_engine:kill()
  if not self.process then return end
  self.process:stop()
  self.process:close()
  self.process = nil
end

function fake_engine:stop()
  self:kill()
  os.execute("rm -rf " .. self.folder)
end

return fake_engine
