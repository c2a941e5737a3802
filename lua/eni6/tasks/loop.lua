--- What the tasks of one runner wait for: descriptors, times, and sources that
--- are driven through a descriptor. Knows nothing of groups; `wake(wait)` tells.
--
-- A wait is a table that this module fills:
--   entries   { {fd, "r"|"w"|"rw"}, … }, ready when one of them is
--   source    an object with driver(), on_done(fn) and cancel(): ready when it says so
--   due       monotonic time at which the wait is over; outcome "timeout"
--   renew     monotonic time at which the wait counts as ready
-- and that gets `outcome` ("ready" or "timeout") when it is over.

local system = require("eni6.core").system

local Loop = {}
Loop.__index = Loop

---@param wake function(wait) called once for each wait that is over
---@return table|nil loop, string? message, string? code
local function new(wake)
  local poller, message, code = system.poller()
  if not poller then return nil, message, code end
  return setmetatable({
    poller = poller,
    wake = wake,
    timers = {},  -- binary heap by time
    forgotten = 0, -- how many of them were called off
    watched = {}, -- fd -> { events, waits = { [wait] = events }, driver }
    drivers = {}, -- driver -> { fd, count }
  }, Loop)
end

-- --- times -------------------------------------------------------------------------

local function sift_up(heap, index)
  local timer = heap[index]
  while index > 1 do
    local parent = math.floor(index / 2)
    if heap[parent].time <= timer.time then break end
    heap[index] = heap[parent]
    index = parent
  end
  heap[index] = timer
end

local function sift_down(heap, index)
  local timer, count = heap[index], #heap
  while true do
    local child = 2 * index
    if child < count and heap[child + 1].time < heap[child].time then child = child + 1 end
    if child > count or timer.time <= heap[child].time then break end
    heap[index] = heap[child]
    index = child
  end
  heap[index] = timer
end

local function remove_first(heap)
  local count = #heap
  heap[1] = heap[count]
  heap[count] = nil
  if count > 1 then sift_down(heap, 1) end
end

--- Has a function called at a time.
---@param time number monotonic
---@param action function
---@return table timer for `forget`
function Loop:at(time, action)
  local timer = { time = time, action = action }
  self.timers[#self.timers + 1] = timer
  sift_up(self.timers, #self.timers)
  return timer
end

-- Keeps the timers that are still wanted; a list in order of time is a heap.
local function compact(self)
  local kept = {}
  for _, timer in ipairs(self.timers) do
    if timer.action then kept[#kept + 1] = timer end
  end
  table.sort(kept, function(a, b) return a.time < b.time end)
  self.timers, self.forgotten = kept, 0
end

--- Calls a timer off (nil: none). It stays in the heap, empty, until its turn or until half of the heap is such.
---@param timer table?
function Loop:forget(timer)
  if not timer or not timer.action then return end
  timer.action = nil
  self.forgotten = self.forgotten + 1
  if self.forgotten > 100 and self.forgotten > #self.timers / 2 then compact(self) end
end

-- The earliest time that is still wanted.
local function next_time(self)
  local heap = self.timers
  while heap[1] and not heap[1].action do
    remove_first(heap)
    self.forgotten = self.forgotten - 1
  end
  return heap[1] and heap[1].time
end

local function run_timers(self)
  local now = system.monotonic()
  local time = next_time(self)
  while time and time <= now do
    local timer = self.timers[1]
    local action = timer.action
    timer.action = nil -- out of the heap: not to be counted as forgotten
    remove_first(self.timers)
    action()
    time = next_time(self)
  end
end

-- --- descriptors -------------------------------------------------------------------

-- "r", "w", "rw" or "": the union of what the waits and the driver want.
local function wanted_events(record)
  local all = record.driver and record.driver:events() or ""
  for _, events in pairs(record.waits) do all = all .. events end
  return (all:find("r") and "r" or "") .. (all:find("w") and "w" or "")
end

-- Tells the kernel what is wanted of a descriptor now; nil, message, code if it cannot be waited for.
local function update(self, fd)
  local record = self.watched[fd]
  local events = wanted_events(record)
  if events == record.events then return true end
  record.events = events
  if events ~= "" then return self.poller:set(fd, events) end
  self.watched[fd] = nil
  return self.poller:set(fd, nil)
end

local function record_of(self, fd)
  local record = self.watched[fd]
  if not record then
    record = { waits = {} }
    self.watched[fd] = record
  end
  return record
end

local function watch(self, wait)
  for _, entry in ipairs(wait.entries) do
    local fd = entry[1]
    local record = record_of(self, fd)
    record.waits[wait] = (record.waits[wait] or "") .. entry[2]
    -- What epoll cannot wait for (a file) never blocks; what is closed fails when it is used.
    if not update(self, fd) then
      record.events = nil
      self:over(wait, "ready")
      return
    end
  end
end

local function unwatch(self, wait)
  for _, entry in ipairs(wait.entries) do
    local record = self.watched[entry[1]]
    if record and record.waits[wait] then
      record.waits[wait] = nil
      update(self, entry[1])
    end
  end
end

-- --- sources -------------------------------------------------------------------------

local function hold_driver(self, driver)
  local held = self.drivers[driver]
  if not held then
    held = { fd = driver:pollfd(), count = 0 }
    record_of(self, held.fd).driver = driver
    update(self, held.fd)
    self.drivers[driver] = held -- last: where memory ends before, nothing is held
  end
  held.count = held.count + 1
end

local function let_driver_go(self, driver)
  local held = self.drivers[driver]
  held.count = held.count - 1
  if held.count > 0 then return end
  self.drivers[driver] = nil
  self.watched[held.fd].driver = nil
  update(self, held.fd)
end

-- --- waits ---------------------------------------------------------------------------

--- Starts to wait.
function Loop:arm(wait)
  wait.armed = true
  if wait.due then wait.due_timer = self:at(wait.due, function() self:over(wait, "timeout") end) end
  if wait.renew then wait.renew_timer = self:at(wait.renew, function() self:over(wait, "ready") end) end
  if wait.source then
    local driver = wait.source:driver()
    hold_driver(self, driver)
    wait.driver = driver
    wait.source:on_done(function() self:over(wait, "ready") end)
  end
  if wait.entries then watch(self, wait) end
end

--- Stops to wait, without an outcome. Nothing if it is over.
function Loop:disarm(wait)
  if not wait.armed then return end
  wait.armed = false
  self:forget(wait.due_timer)
  self:forget(wait.renew_timer)
  if wait.entries then unwatch(self, wait) end
  if wait.driver then let_driver_go(self, wait.driver) end
end

--- Ends a wait with an outcome and wakes who waits.
function Loop:over(wait, outcome)
  if not wait.armed then return end
  self:disarm(wait)
  wait.outcome = outcome
  self.wake(wait)
end

-- --- the turn --------------------------------------------------------------------------

local function wake_waits(self, record, events)
  local ready = {}
  for wait, wanted in pairs(record.waits) do
    if wanted:find("[" .. events .. "]") then ready[#ready + 1] = wait end
  end
  for _, wait in ipairs(ready) do self:over(wait, "ready") end
end

-- How long the poll may last, given what the drivers and the timers say.
local function limit(self, seconds)
  local time = next_time(self)
  if time then
    local left = math.max(0, time - system.monotonic())
    seconds = seconds and math.min(seconds, left) or left
  end
  for driver in pairs(self.drivers) do
    local left = driver:timeout()
    if left then seconds = seconds and math.min(seconds, left) or left end
  end
  return seconds
end

-- A driver whose own time has come is stepped although its descriptor is silent.
local function due_drivers(self)
  local due = {}
  for driver in pairs(self.drivers) do
    local left = driver:timeout()
    if left and left <= 0 then due[#due + 1] = driver end
  end
  return due
end

--- Polls once, at most that long, and ends the waits that are ready.
---@param seconds number? nil: as long as it takes
function Loop:turn(seconds)
  local due = due_drivers(self)
  seconds = #due > 0 and 0 or limit(self, seconds)
  if not seconds and not next(self.watched) then
    error("tasks: the tasks wait for each other, or for nothing: this would never end", 0)
  end
  self.nudged = false
  local ready, message, code = self.poller:wait(seconds)
  if not ready then error(code .. ": " .. message, 0) end
  for _, driver in ipairs(due) do driver:step() end
  for index = 1, #ready, 2 do
    local record = self.watched[ready[index]]
    if record and record.driver then record.driver:step() end
    if record then wake_waits(self, record, ready[index + 1]) end
  end
  run_timers(self)
end

--- Seconds until something happens by itself; nil: only descriptors count.
function Loop:timeout() return limit(self, nil) end

--- Makes the descriptor readable once more, though nothing came: who polls it shall take a turn.
---@return true|nil, string? message, string? code only the first may fail
function Loop:nudge()
  if self.nudged then return true end
  local ok, message, code = self.poller:wake()
  self.nudged = ok
  return ok, message, code
end

function Loop:pollfd() return self.poller:pollfd() end

function Loop:close() self.poller:close() end

return { new = new }
