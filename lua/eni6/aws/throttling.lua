--- What throttling has taught about each operation. EC2 counts requests by operation, so that one that is asked for too
-- often slows nothing but itself down.
-- https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html

local retries = require "eni6.aws.retries"

local throttling = {}

local Memory = {}
Memory.__index = Memory

--- Makes the memory of one client.
---@param options { now: fun(): number, random: fun(): number, adaptive: boolean } now: monotonic seconds; random: 0 <= r < 1;
---  adaptive: requests are also sent no faster than each operation has lately borne
---@return table memory
function throttling.new(options)
  return setmetatable({
    now = options.now,
    random = options.random,
    adaptive = options.adaptive,
    limiters = {},
    pauses = {}, -- operation -> monotonic time before which the service wants no more of it
  }, Memory)
end

local function limiter_of(self, operation)
  local limiter = self.limiters[operation]
  if not limiter then
    limiter = require("eni6.aws.rate").new(self.now)
    self.limiters[operation] = limiter
  end
  return limiter
end

-- Those who wait out the same pause do not all come back at once.
local function rest_of_pause(self, operation)
  local left = (self.pauses[operation] or 0) - self.now()
  if left > 0 then return left * (1 + self.random()) end
  self.pauses[operation] = nil
  return 0
end

--- Takes a turn for a request.
---@param operation string
---@return number seconds to wait before sending it
function Memory:turn(operation)
  local wait = rest_of_pause(self, operation)
  return self.adaptive and math.max(wait, limiter_of(self, operation):before()) or wait
end

--- Learns from an answer.
---@param operation string
---@param outcome eni6.aws.Outcome
function Memory:learn(operation, outcome)
  local pause = retries.pause(outcome)
  if pause > 0 then self.pauses[operation] = math.max(self.pauses[operation] or 0, self.now() + pause) end
  if self.adaptive then limiter_of(self, operation):after(retries.is_throttling(outcome.code)) end
end

return throttling
