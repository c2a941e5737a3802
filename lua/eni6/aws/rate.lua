--- The "adaptive" retry mode: requests are also sent no faster than the service has lately borne. The
-- rate grows by CUBIC (RFC 9438's curve) from the last throttling on, as in the AWS SDKs.

local rate = {}

local BETA, SCALE = 0.7, 0.4          -- what is left of the rate after a throttling; how steeply it grows again
local SMOOTHING, SPAN = 0.8, 0.5      -- of the measured rate; seconds it is measured over
local LEAST_RATE, MOST_GROWTH = 0.5, 2 -- requests a second; of the measured rate

local Limiter = {}
Limiter.__index = Limiter

local function curve_start(highest) return (highest * (1 - BETA) / SCALE) ^ (1 / 3) end

--- Makes a limiter, which limits nothing before the first throttling.
---@param now fun(): number monotonic seconds
---@return table limiter
function rate.new(now)
  local start = now()
  return setmetatable({
    now = now, enabled = false,
    highest = 0, growth_time = 0, last_throttled = start,
    measured = 0, counted = 0, span_start = math.floor(start),
    tokens = 0, fill_rate = 1, capacity = 1, filled_at = start,
  }, Limiter)
end

local function measure(self, time)
  local span = math.floor(time / SPAN) * SPAN
  self.counted = self.counted + 1
  if span > self.span_start then
    local current = self.counted / (span - self.span_start)
    self.measured = current * SMOOTHING + self.measured * (1 - SMOOTHING)
    self.counted, self.span_start = 0, span
  end
end

local function refill(self, time)
  self.tokens = math.min(self.capacity, self.tokens + (time - self.filled_at) * self.fill_rate)
  self.filled_at = time
end

local function set_rate(self, value, time)
  refill(self, time)
  self.fill_rate = math.max(value, LEAST_RATE)
  self.capacity = math.max(value, 1)
  self.tokens = math.min(self.tokens, self.capacity)
end

--- Takes a token for a request; tokens may be owed, so that many waiting tasks queue up.
---@return number seconds to wait before sending it
function Limiter:before()
  if not self.enabled then return 0 end
  refill(self, self.now())
  self.tokens = self.tokens - 1
  return math.max(0, -self.tokens / self.fill_rate)
end

--- Learns from an answer.
---@param throttled boolean
function Limiter:after(throttled)
  local time = self.now()
  measure(self, time)
  local new
  if throttled then
    self.highest = self.enabled and math.min(self.measured, self.fill_rate) or self.measured
    self.growth_time, self.last_throttled = curve_start(self.highest), time
    self.enabled = true
    new = self.highest * BETA
  else
    new = SCALE * (time - self.last_throttled - self.growth_time) ^ 3 + self.highest
  end
  set_rate(self, math.min(new, MOST_GROWTH * self.measured), time)
end

return rate
