--- Timestamps as AWS writes them: ISO 8601, in UTC.

local timestamp = {}

--- Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
---@param year integer
---@param month integer  1 to 12
---@param day integer
---@return integer days
function timestamp.days(year, month, day)
  -- Years begin in March here, so that leap days end them.
  if month <= 2 then year, month = year - 1, month + 12 end
  local leap_days = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leap_days + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

local function days_in(year, month)
  local next_year, next_month = year, month + 1
  if month == 12 then next_year, next_month = year + 1, 1 end
  return timestamp.days(next_year, next_month, 1) - timestamp.days(year, month, 1)
end

local function parse_date(text)
  local year, month, day, rest = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  if not year then return nil end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  if year < 1 or month < 1 or month > 12 or day < 1 or day > days_in(year, month) then return nil end
  return timestamp.days(year, month, day), rest
end

-- Seconds east of UTC; no zone means UTC.
local function parse_zone(text)
  if text == "" or text == "Z" or text == "z" then return 0 end
  local sign, hours, minutes = text:match("^([+-])(%d%d):?(%d%d)$")
  if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then return nil end
  return (tonumber(hours) * 60 + tonumber(minutes)) * (sign == "-" and -60 or 60)
end

local function parse_time(text)
  local hour, minute, rest = text:match("^[T ](%d%d):(%d%d)(.*)$")
  if not hour or tonumber(hour) > 23 or tonumber(minute) > 59 then return nil end
  local second, fraction, zone = rest:match("^:(%d%d)%.(%d+)(.*)$")
  if not second then second, zone = rest:match("^:(%d%d)(.*)$") end
  local offset = parse_zone(zone or rest)
  if not offset or tonumber(second or 0) > 59 then return nil end
  local micros = tonumber(((fraction or "") .. "000000"):sub(1, 6))
  return tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second or 0) - offset, micros
end

local function parse(text)
  local days, rest = parse_date(text)
  if not days then return nil end
  if rest == "" then return days * 86400, 0 end
  local seconds, micros = parse_time(rest)
  if not seconds then return nil end
  return days * 86400 + seconds, micros
end

-- What both calendars here and Python's can write: the years 1 to 9999.
local FIRST, LAST = -62135596800, 253402300799

local function split(number)
  if not (number >= FIRST and number <= LAST) then return nil end
  local seconds = math.floor(number)
  local micros = math.floor((number - seconds) * 1e6 + 0.5)
  if micros == 1000000 then return seconds + 1, 0 end
  return seconds, micros
end

--- Seconds since the epoch of an ISO 8601 text: a date, or a date and time with
-- or without seconds, fraction (six digits count) and zone (UTC without one).
---@param text string
---@return number|nil seconds   an integer when there is no fraction; nil when it is no such text
function timestamp.parse(text)
  local seconds, micros = parse(text)
  if not seconds then return nil end
  return micros == 0 and seconds or seconds + micros / 1e6
end

--- A point in time as AWS's requests carry it: "2016-11-15T08:30:00Z", with six
-- digits of fraction when it has one.
---@param value number|string   seconds since the epoch, or ISO 8601 text
---@return string|nil           nil when it is neither
function timestamp.format(value)
  local seconds, micros
  if type(value) == "number" then
    seconds, micros = split(value)
  elseif type(value) == "string" then
    seconds, micros = parse(value)
  end
  if not seconds then return nil end
  local text = os.date("!%Y-%m-%dT%H:%M:%S", seconds)
  return micros == 0 and text .. "Z" or string.format("%s.%06dZ", text, micros)
end

return timestamp
