--- The service's clock, where ours is wrong: requests carry their time, and are refused minutes off it.

local timestamp = require "eni6.aws.timestamp"

local clock = {}

local TOLERATED = 240 -- seconds; services refuse from five minutes on

local about_time = {
  RequestExpired = true, RequestTimeTooSkewed = true, RequestInTheFuture = true, InvalidSignatureException = true,
  SignatureDoesNotMatch = true, AuthFailure = true,
}

local months = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

--- The time of an HTTP Date header (RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT").
---@param text string|nil
---@return number|nil seconds since the epoch
function clock.http_date(text)
  local day, month, year, hour, minute, second =
    (text or ""):match("^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$")
  if not months[month] then return nil end
  return ((timestamp.days(tonumber(year), months[month], tonumber(day)) * 24 + tonumber(hour)) * 60 + tonumber(minute)) * 60
    + tonumber(second)
end

--- The seconds that an answer asks to wait: AWS's own header has milliseconds; Retry-After (RFC 9110, 10.2.3) has
--- seconds, or the time up to which.
---@param own string|nil x-amz-retry-after, which counts before the other
---@param text string|nil retry-after
---@param date string|nil the Date header beside it
---@return number|nil
function clock.retry_after(own, text, date)
  local milliseconds = (own or ""):match("^%d+$")
  if milliseconds then return tonumber(milliseconds) / 1000 end
  local seconds = (text or ""):match("^%d+$")
  if seconds then return tonumber(seconds) end
  local at, now = clock.http_date(text), clock.http_date(date)
  return at and now and at - now
end

--- How far off the service's clock a refused request was, if that may be why.
---@param outcome eni6.aws.Outcome with `date`, the answer's Date header
---@param signed_at number the time it was signed with
---@return number|nil seconds to add to our time
function clock.skew(outcome, signed_at)
  if not about_time[outcome.code] then return nil end
  local theirs = clock.http_date(outcome.date)
  local off = theirs and theirs - signed_at
  return off and math.abs(off) > TOLERATED and off or nil
end

return clock
