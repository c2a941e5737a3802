--- Other programs: started without a shell, fed, read, waited for, signalled.
-- Waiting lets other tasks run when it happens inside a task (`eni6.tasks`).

local core = require("eni6.core").process
local system = require("eni6.core").system
local tasks = require "eni6.tasks"

local process = {}

local MAX_OUTPUT = 64 * 1024 * 1024
local MAX_LINE = 1024 * 1024
local REAP_INTERVAL = 0.02 -- seconds between looks at a child that has no pidfd
local STREAM_NUMBERS = { stdout = 1, stderr = 2 }

-- The names that spawn takes, so that a misspelt one does not pass in silence.
local OPTIONS = {
  argv = "table", env = "table", clear_env = "boolean", cwd = "string", netns = "string",
  die_with_parent = "boolean", new_group = "boolean",
  stdin = "any", input = "string", stdout = "any", stderr = "any",
}
local RUN_OPTIONS = { timeout = "number", max_output = "number" }

---@class eni6.process
---@field pid integer
---@field private handle userdata
---@field private buffers table<integer, string> what was read and not yet asked for
local methods = {}
local metatable = { __index = methods, __name = "eni6.process" }

-- Raises at the caller of spawn or run: fault, a checker, prepared and spawn are between.
local function fault(text, ...) error("process: " .. string.format(text, ...), 5) end

local function check_options(options, more)
  if type(options) ~= "table" then fault("options must be a table, not %s", type(options)) end
  for name, value in pairs(options) do
    local wanted = OPTIONS[name] or more[name]
    if not wanted then fault("unknown option %s", tostring(name)) end
    if wanted ~= "any" and type(value) ~= wanted then
      fault("%s must be a %s, not %s", name, wanted, type(value))
    end
  end
  if not options.argv or type(options.argv[1]) ~= "string" then
    fault('argv must be a list of strings that starts with the program: argv = { "ip", "link" }')
  end
  if options.input and options.stdin then fault("give stdin or input, not both") end
end

-- What stdin leads to, as core wants it: {kind, value}.
local function stdin_stream(options)
  local value = options.input and { "data", options.input } or options.stdin or "null"
  if type(value) == "table" then return value end
  if value == "pipe" or value == "null" or value == "inherit" then return { value } end
  if math.type(value) == "integer" then return { "descriptor", value } end
  if type(value) ~= "string" then fault("stdin must be a string or a descriptor, not %s", type(value)) end
  return { "data", value }
end

local function output_stream(name, value)
  if value == "pipe" or value == "null" or value == "inherit" then return { value } end
  if value == "stdout" and name == "stderr" then return { value } end
  if math.type(value) == "integer" then return { "descriptor", value } end
  if type(value) == "string" and value:find("/", 1, true) then return { "file", value } end
  fault('%s must be "pipe", "null", "inherit", a path with a slash in it or a descriptor, not %s', name,
    tostring(value))
end

-- { NAME = value } as "NAME=value" and { NAME = false } as "NAME", in a fixed order.
local function environment_list(env)
  local list = {}
  for name, value in pairs(env or {}) do
    if type(name) ~= "string" or name == "" or name:find("=", 1, true) then
      fault("env has a name that no variable can have: %s", tostring(name))
    end
    if value ~= false and type(value) ~= "string" and type(value) ~= "number" then
      fault("env.%s must be a string, or false to remove it, not %s", name, type(value))
    end
    list[#list + 1] = value == false and name or name .. "=" .. value
  end
  table.sort(list)
  return list
end

-- The options, checked, as core takes them.
local function prepared(options, more, default_output)
  check_options(options, more)
  return {
    env = environment_list(options.env),
    clear_env = options.clear_env,
    cwd = options.cwd,
    netns = options.netns,
    die_with_parent = options.die_with_parent,
    new_group = options.new_group,
    streams = {
      stdin_stream(options),
      output_stream("stdout", options.stdout or default_output),
      output_stream("stderr", options.stderr or default_output),
    },
  }
end

local function start(argv, core_options)
  local handle, message, code = core.spawn(argv, core_options)
  if not handle then return nil, message, code end
  return setmetatable({ pid = handle:pid(), handle = handle, buffers = { "", "" } }, metatable)
end

--- Starts a program. There is no shell: each string of argv arrives as it is.
--- The child gets default signal dispositions and no descriptor but its three
--- standard streams. An object that is collected or closed leaves the child
--- running; `die_with_parent` ends it with the thread that started it.
---@param options table
---  argv: string[] the program, looked up in PATH unless it has a slash, and its arguments;
---  stdin: "null" (default) | "pipe" | "inherit" | a descriptor | any other string, which the child then reads;
---  input: string that the child reads, whatever it says (in place of stdin);
---  stdout, stderr: "inherit" (default) | "pipe" | "null" | a descriptor | a path with a slash, created and
---  appended to; stderr also "stdout": to wherever that leads;
---  env: { NAME = value } to add, { NAME = false } to remove; clear_env: boolean, start from an empty one;
---  cwd: string; netns: string, path of the network namespace to run in (needs CAP_SYS_ADMIN);
---  die_with_parent: boolean; new_group: boolean, a process group of its own, which kill then reaches whole
---@return eni6.process|nil process, string? message, string? code "ENOENT", "EACCES", …
function process.spawn(options)
  local core_options = prepared(options, {}, "inherit")
  return start(options.argv, core_options)
end

-- { status = } or { signal = } once the child has ended, nothing while it runs.
local function look(self)
  local status, signal, code = self.handle:reap()
  if status then return { status = status } end
  if status == false then return { signal = signal } end
  if signal then return nil, signal, code end
end

-- Adds what wakes us at the child's end; returns how long to wait at most.
local function await_end(self, entries, seconds)
  local fd = self.handle:pollfd()
  if not fd then return math.min(seconds or REAP_INTERVAL, REAP_INTERVAL) end
  entries[#entries + 1] = { fd, "r" }
  return seconds
end

local function time_left(deadline) return deadline and math.max(0, deadline - tasks.now()) end

local function over(deadline) return deadline and tasks.now() >= deadline end

local function timed_out(what, seconds)
  return nil, string.format("%s within %g seconds", what, seconds), "ETIMEDOUT"
end

--- Waits for the child to end.
---@param timeout number? seconds; nil: for ever
---@return table|nil result `{ status = 0… }` if it ended by itself, `{ signal = 1… }` if a signal ended it
---@return string? message, string? code "ETIMEDOUT"; "ECHILD" when something else in the program reaped it
function methods:wait(timeout)
  local deadline = timeout and tasks.now() + timeout
  while true do
    local result, message, code = look(self)
    if result or message then return result, message, code end
    if over(deadline) then return timed_out("process " .. self.pid .. " did not end", timeout) end
    local entries = {}
    local seconds = await_end(self, entries, time_left(deadline))
    tasks.poll(entries, seconds)
  end
end

--- Readable once the child has ended: for an event loop of the caller's, who then calls `wait(0)`.
---@return integer|nil descriptor nil where the kernel has no pidfd (before Linux 5.3): see timeout
function methods:pollfd() return self.handle:pollfd() end

---@return string events "r"
function methods:events() return "r" end -- luacheck: no self

---@return number|nil seconds after which to call wait(0) at the latest; nil: the descriptor suffices
function methods:timeout() return not self.handle:pollfd() and REAP_INTERVAL or nil end

--- Sends a signal: to the child, or to its whole group if it was started with new_group.
---@param signal string|integer "TERM", "SIGTERM", 15, …
---@return true|nil done, string? message, string? code "ESRCH" once it has ended and was waited for
function methods:kill(signal) return self.handle:kill(signal) end

--- Asks the child to end, then makes it: TERM, and KILL if it is still there after a while.
---@param grace number? seconds between the two; 5 if nil
---@return table|nil result as wait's, string? message, string? code
function methods:stop(grace)
  self:kill("TERM")
  local result, message, code = self:wait(grace or 5)
  if code ~= "ETIMEDOUT" then return result, message, code end
  self:kill("KILL")
  return self:wait(5)
end

--- Writes all of the text to the child's stdin (a pipe), waiting while it is full.
---@param data string
---@param timeout number? seconds; nil: for ever
---@return true|nil done, string? message, string? code "EPIPE" when the child reads no more, "ETIMEDOUT"
function methods:write(data, timeout)
  local deadline = timeout and tasks.now() + timeout
  local position = 1
  while position <= #data do
    local count, message, code = self.handle:write(data, position)
    if count then
      position = position + count
    elseif code ~= "EAGAIN" then
      return nil, message, code
    elseif over(deadline) then
      return timed_out("process " .. self.pid .. " did not read its input", timeout)
    else
      tasks.poll({ { self.handle:descriptor(0), "w" } }, time_left(deadline))
    end
  end
  return true
end

--- Ends the child's input. May be called again.
function methods:close_stdin() self.handle:close_stream(0) end

-- Reads once into the buffer: true, false at the end, or nil, message, code. Also true after a wait, as
-- another task may have filled the buffer meanwhile.
local function fill(self, stream, deadline, timeout)
  local bytes, message, code = self.handle:read(stream)
  if bytes then
    self.buffers[stream] = self.buffers[stream] .. bytes
    return #bytes > 0
  end
  if code ~= "EAGAIN" then return nil, message, code end
  if over(deadline) then return timed_out("process " .. self.pid .. " wrote nothing", timeout) end
  tasks.poll({ { self.handle:descriptor(stream), "r" } }, time_left(deadline))
  return true
end

local function stream_number(name)
  local number = STREAM_NUMBERS[name or "stdout"]
  if not number then error('process: a stream is "stdout" or "stderr", not ' .. tostring(name), 3) end
  return number
end

--- The next line that the child writes, without its line feed. The last one may lack it.
---@param timeout number? seconds; nil: for ever
---@param name string? "stdout" (default) or "stderr", which must be a pipe
---@return string|nil line, string? message, string? code "EOF" at the end, "ETIMEDOUT" (what came of the
---line is kept), "EMSGSIZE" for a line over 1 MiB
function methods:read_line(timeout, name)
  local stream = stream_number(name)
  local deadline = timeout and tasks.now() + timeout
  while true do
    local buffer = self.buffers[stream]
    local stop = buffer:find("\n", 1, true)
    if stop then
      self.buffers[stream] = buffer:sub(stop + 1)
      return buffer:sub(1, stop - 1)
    end
    if #buffer > MAX_LINE then return nil, "a line is longer than 1 MiB", "EMSGSIZE" end
    local more, message, code = fill(self, stream, deadline, timeout)
    if more == nil then return nil, message, code end
    if not more then
      self.buffers[stream] = ""
      if buffer == "" then return nil, "the output has ended", "EOF" end
      return buffer
    end
  end
end

--- Closes our ends of the pipes. The child goes on if it still runs.
function methods:close() self.handle:close() end

metatable.__close = methods.close

function metatable:__tostring() return "eni6.process (" .. self.pid .. ")" end

-- Moves what is there from a pipe into the list of chunks; closes it at its end.
local function drain(self, stream, output)
  while self.handle:descriptor(stream) do
    local bytes, message, code = self.handle:read(stream)
    if code == "EAGAIN" then return true end
    if not bytes then return nil, message, code end
    output.size = output.size + #bytes
    if output.size > output.limit then
      return nil, string.format("the program wrote more than %d bytes", output.limit), "EMSGSIZE"
    end
    table.insert(output[stream], bytes)
    if bytes == "" then self.handle:close_stream(stream) end
  end
  return true
end

local function drain_both(self, output)
  for stream = 1, 2 do
    local done, message, code = drain(self, stream, output)
    if not done then return nil, message, code end
  end
  return true
end

-- Gathers both outputs until the child has ended and nothing more is in its pipes.
local function collect(self, output, timeout)
  local deadline = timeout and tasks.now() + timeout
  while true do
    local result, message, code = look(self) -- before the pipes: what it wrote is then all in them
    if not result and message then return nil, message, code end
    local drained
    drained, message, code = drain_both(self, output)
    if not drained then return nil, message, code end
    if result then return result end
    if over(deadline) then return timed_out("the program did not end", timeout) end
    local entries = {}
    for stream = 1, 2 do
      local fd = self.handle:descriptor(stream)
      if fd then entries[#entries + 1] = { fd, "r" } end
    end
    tasks.poll(entries, await_end(self, entries, time_left(deadline)))
  end
end

-- The child must not outlive a run that failed, was cancelled or interrupted. Blocks, since a cancelled
-- task can wait no more; but a killed child is gone in a moment.
local function end_child(self)
  self:kill("KILL")
  local deadline = tasks.now() + 5
  while not look(self) and not over(deadline) do
    local entries = {}
    local seconds = await_end(self, entries, time_left(deadline))
    system.poll(entries, seconds)
  end
end

--- Runs a program to its end and gathers what it writes. Output of programs that it leaves running in the
--- background is not waited for. On a timeout, an interrupt or a cancelled task the child is killed.
---@param options table as spawn's, with stdout and stderr "pipe" by default; timeout: seconds, none if nil;
---max_output: bytes of both outputs together, 64 MiB if nil
---@return table|nil result `{ status = integer } or { signal = integer }`, each with stdout and stderr (strings;
---empty where not a pipe)
---@return string? message, string? code "ENOENT", "ETIMEDOUT", "EMSGSIZE", …
---@return table? detail `{ stdout =, stderr = }`: what had come until then, once it was running
function process.run(options)
  local core_options = prepared(options, RUN_OPTIONS, "pipe")
  if options.stdin == "pipe" then error("process.run: nobody would write to stdin: give a string", 2) end
  local self, message, code = start(options.argv, core_options)
  if not self then return nil, message, code end
  local output = { {}, {}, size = 0, limit = options.max_output or MAX_OUTPUT }
  local ok, result
  ok, result, message, code = pcall(collect, self, output, options.timeout)
  if not ok or not result then end_child(self) end
  self:close()
  if not ok then error(result, 0) end
  local stdout, stderr = table.concat(output[1]), table.concat(output[2])
  if not result then
    return nil, options.argv[1] .. ": " .. message, code, { stdout = stdout, stderr = stderr }
  end
  result.stdout, result.stderr = stdout, stderr
  return result
end

return process
