-- The AWS CLI's commands for EC2 and STS, without Python: lua scripts/aws.lua ec2 describe-key-pairs …

-- Most commands are over before collecting garbage would pay.
collectgarbage "stop"

local _, _, lua, c = dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")
if c then require("compiled").use(lua, c .. "/eni6/compiled") end

local function is_terminal(descriptor) return require("eni6.core").system.is_terminal(descriptor) end

-- Standard input's, as the AWS CLI has it.
local function columns()
  if not is_terminal(0) then return nil end
  local pipe = io.popen("stty size 2>/dev/null")
  local width = pipe and tonumber(pipe:read("a"):match("%d+ (%d+)"))
  if pipe then pipe:close() end
  return width ~= 0 and width or nil
end

local function is_coloured(wish) return wish == "on" or wish == "auto" and is_terminal(1) end

local INTERRUPTED, GENERAL = 130, 255

local function check_written(ok, message)
  if ok then return end
  io.stderr:write("aws: standard output: ", message, "\n")
  os.exit(GENERAL)
end

local world = {
  write = function(text) check_written(io.stdout:write(text)) end,
  complain = function(text) io.stderr:write(text) end,
  getenv = os.getenv,
  read_file = require("eni6.aws.config").read_file,
  prompt = function(question) return require("terminal").ask(question) end,
  is_coloured = is_coloured,
  columns = columns,
  settled = function() collectgarbage "restart" end,
  program = function() return require("face").here("lua scripts/aws.lua") end,
}

local done, result = xpcall(require("eni6.cli.run").main, debug.traceback, arg, world)
if done then
  check_written(io.stdout:flush())
  os.exit(result)
end
if result:find("interrupted!", 1, true) then
  io.stdout:write("\n")
  os.exit(INTERRUPTED)
end
io.stderr:write(result, "\n")
os.exit(GENERAL)
