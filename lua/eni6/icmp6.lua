--- Is somebody there? Echo requests (RFC 4443) and neighbour solicitations (RFC
-- 4861) to many targets at once, from any network namespace. Answers come with
-- their round trip and hop limit; what a router refuses comes as an error code.

local core = require("eni6.core").icmp6
local ip6 = require "eni6.ip6"
local netlink = require "eni6.netlink"
local tasks = require "eni6.tasks"

local icmp6 = {}

local OPTIONS = {
  netns = true, link = true, source = true, raw = true, attempts = true, replies = true, timeout = true,
  interval = true, parallel = true, size = true, hop_limit = true,
}

local function check_options(options)
  if type(options) ~= "table" then error("icmp6: options must be a table", 3) end
  for name in pairs(options) do
    if not OPTIONS[name] then error("icmp6: there is no option " .. tostring(name), 3) end
  end
end

---@class eni6.icmp6.pinger
local Pinger = {}
Pinger.__index = Pinger
Pinger.__name = "eni6.icmp6.pinger"

--- Opens a socket for questions and answers. Questions are asked with `add`; `step` sends what is due and takes
-- what came, and `result` tells what is known. Nothing waits: a host's own loop polls `pollfd` for `events`, at
-- most `timeout` seconds, then calls `step`. `icmp6.ping` does all that.
---@param options table? `netns` (name, path, process id, namespace, or a socket of `eni6.netlink`), `link` (a name),
---  `source` (an address), `raw = false` (a ping socket, which root is not needed for where the sysctl
---  net.ipv4.ping_group_range allows it; it can only echo); `attempts` 3 questions to a target at most, `replies` 1
---  that are enough, `timeout` 1 s for an answer, `interval` 0.2 s before the next question to the same target,
---  `parallel` 256 targets asked at once, `size` of an echo message (16 to 9216 bytes), `hop_limit`
---@return eni6.icmp6.pinger|nil pinger, string? message, string? code "EPERM", "ENOENT" (namespace), "ENODEV" (link), …
function icmp6.open(options)
  options = options or {}
  check_options(options)
  local socket, message, code = netlink.within(options.netns, function(netns)
    return core.open{ netns = netns, link = options.link, source = options.source, raw = options.raw }
  end)
  if not socket then return nil, message, code end
  return setmetatable({
    socket = socket,
    attempts = options.attempts or 3, enough = options.replies or 1,
    patience = options.timeout or 1, interval = options.interval or 0.2,
    parallel = options.parallel or 256, size = options.size, hop_limit = options.hop_limit,
    sequence = 0, by_sequence = {}, by_address = {}, -- questions that may be answered
    waiting = {}, first_waiting = 1, -- probes not begun, in order
    active = {}, -- probes begun and not finished
    unfinished = 0,
  }, Pinger)
end

--- Adds a target to be asked.
---@param target string|userdata an address, "fe80::1%ens5" with its link where it is link-local
---@param solicit string? the name of a link on which to ask for the holder of the address, in place of an echo request
---@return table probe becomes the result: see `icmp6.ping`
function Pinger:add(target, solicit)
  local text, zone = tostring(target):match("^([^%%]*)%%?(.*)$")
  local address, message = ip6.address(text)
  if not address then error("icmp6: " .. message, 2) end
  local probe = {
    target = tostring(target), sent = 0, received = 0, reachable = false,
    address = address, link = solicit or (zone ~= "" and zone or nil), solicit = solicit ~= nil,
  }
  self.waiting[#self.waiting + 1] = probe
  self.unfinished = self.unfinished + 1
  return probe
end

-- A sequence number that no unanswered question has.
local function next_sequence(self)
  repeat
    self.sequence = (self.sequence + 1) % 0x10000
  until not self.by_sequence[self.sequence]
  return self.sequence
end

local function forget(self, probe)
  if probe.sequence then self.by_sequence[probe.sequence] = nil end
  if probe.key then self.by_address[probe.key] = nil end
  probe.sequence, probe.key = nil, nil
end

local function finish(self, probe)
  forget(self, probe)
  probe.done, probe.due = true, nil
  self.active[probe] = nil
  self.unfinished = self.unfinished - 1
end

-- What comes after a question was answered, refused or left alone.
local function conclude(self, probe, now)
  forget(self, probe)
  if probe.received >= self.enough or probe.sent >= self.attempts then
    finish(self, probe)
  else
    probe.asking, probe.due = false, now + self.interval
  end
end

local function fail(self, probe, reason, code, now)
  if probe.received == 0 then probe.reason, probe.code = reason, code end
  conclude(self, probe, now)
end

-- Sends the next question to a target.
local function ask(self, probe, now)
  local done, message, code
  if probe.solicit then
    probe.key = tostring(probe.address)
    self.by_address[probe.key] = probe
    done, message, code = self.socket:solicit(probe.address, probe.link)
  else
    probe.sequence = next_sequence(self)
    self.by_sequence[probe.sequence] = probe
    done, message, code = self.socket:echo(probe.sequence, probe.address, probe.link, self.size, self.hop_limit)
  end
  if not done and (code == "EAGAIN" or code == "ENOBUFS") then
    forget(self, probe)
    probe.asking, probe.due = false, now + 0.01 -- the socket's buffer is full: a little later
    return
  end
  probe.sent, probe.asking, probe.asked, probe.due = probe.sent + 1, true, now, now + self.patience
  if not done then fail(self, probe, message, code, now) end
end

local function answered(self, answer)
  local probe = answer.sequence and self.by_sequence[answer.sequence] or self.by_address[answer.target]
  if not probe or (answer.kind == "neighbour") ~= probe.solicit then return end
  if answer.kind == "error" then
    probe.from = answer.from
    fail(self, probe, answer.reason, answer.code, answer.time)
    return
  end
  local rtt = answer.time - probe.asked
  probe.received, probe.reachable = probe.received + 1, true
  probe.rtt = math.min(rtt, probe.rtt or rtt)
  probe.from, probe.hop_limit = answer.from, answer.hop_limit
  probe.lladdr, probe.router = answer.lladdr, answer.router
  probe.reason, probe.code = nil, nil
  conclude(self, probe, answer.time)
end

local function begin_waiting(self, now)
  local active = 0
  for _ in pairs(self.active) do active = active + 1 end
  while active < self.parallel and self.waiting[self.first_waiting] do
    local probe = self.waiting[self.first_waiting]
    self.waiting[self.first_waiting] = nil
    self.first_waiting = self.first_waiting + 1
    self.active[probe] = true
    active = active + 1
    probe.due = now
  end
end

local function run_due(self, now)
  local due = {}
  for probe in pairs(self.active) do
    if probe.due <= now then due[#due + 1] = probe end
  end
  for _, probe in ipairs(due) do
    if probe.asking then
      fail(self, probe, "no answer within " .. self.patience .. " s", "ETIMEDOUT", now)
    else
      ask(self, probe, now)
    end
  end
end

--- Takes what came and sends what is due.
---@return boolean|nil done whether all that was added is finished, string? message, string? code of the socket
function Pinger:step()
  while true do
    local answer, message, code = self.socket:receive()
    if answer == nil then return nil, message, code end
    if not answer then break end
    answered(self, answer)
  end
  local now = tasks.now()
  begin_waiting(self, now)
  run_due(self, now)
  return self.unfinished == 0
end

--- The convention of cqueues: what to wait for before `step`.
---@return integer descriptor
function Pinger:pollfd() return self.socket:pollfd() end
---@return string events
function Pinger:events() return "r" end -- luacheck: no self
---@return number|nil seconds at most; nil when nothing is asked
function Pinger:timeout()
  local first
  for probe in pairs(self.active) do first = math.min(first or probe.due, probe.due) end
  if self.waiting[self.first_waiting] and not first then return 0 end
  return first and math.max(0, first - tasks.now())
end

--- Ends it; safe twice.
function Pinger:close() self.socket:close() end
Pinger.__close = Pinger.close

-- Steps a pinger until all its targets are finished.
local function run(pinger)
  while true do
    local done, message, code = pinger:step()
    if done then return true end
    if done == nil then return nil, message, code end
    done, message, code = tasks.poll({ { pinger:pollfd(), pinger:events() } }, pinger:timeout())
    if not done and code ~= "ETIMEDOUT" then return nil, message, code end
  end
end

local function result_of(probe)
  return {
    target = probe.target, reachable = probe.reachable, sent = probe.sent, received = probe.received,
    rtt = probe.rtt, hop_limit = probe.hop_limit, from = probe.from, reason = probe.reason, code = probe.code,
    lladdr = probe.lladdr, router = probe.router,
  }
end

local function ask_all(targets, options, solicit)
  local pinger, message, code = icmp6.open(options)
  if not pinger then return nil, message, code end
  local probes = {}
  for i, target in ipairs(targets) do probes[i] = pinger:add(target, solicit) end
  local ok, done
  ok, done, message, code = pcall(run, pinger)
  pinger:close()
  if not ok then error(done, 0) end
  if not done then return nil, message, code end
  for i, probe in ipairs(probes) do probes[i] = result_of(probe) end
  return probes
end

--- Asks targets with echo requests, all at once, until each has answered or was asked often enough. Inside a task
-- other tasks go on meanwhile.
---@param targets table of addresses; "fe80::1%ens5" where link-local
---@param options table? of `icmp6.open`
---@return table[]|nil results in the targets' order `{ target=, reachable=, sent=, received=, rtt=seconds (the best),
---  hop_limit=, from= }`, and where not reachable `code=` "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH", "EACCES", … and
---  `reason=`; string? message, string? code when the socket itself fails
function icmp6.ping(targets, options)
  if type(targets) ~= "table" then error("icmp6.ping: a list of targets expected", 2) end
  return ask_all(targets, options, nil)
end

--- Asks on a link for the holders of addresses, past the kernel's own cache. Needs root.
---@param targets table of addresses
---@param link string
---@param options table? of `icmp6.open`
---@return table[]|nil results as of ping, with `lladdr=` and `router=` of who answered, string? message, string? code
function icmp6.neighbours(targets, link, options)
  if type(targets) ~= "table" then error("icmp6.neighbours: a list of targets expected", 2) end
  if type(link) ~= "string" then error("icmp6.neighbours: on which link?", 2) end
  return ask_all(targets, options, link)
end

return icmp6
