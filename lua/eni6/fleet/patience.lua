--- Waiting for EC2 to see what was just made, or to do what was asked: attempts
-- with growing pauses, inside a task or outside of one.

local system = require("eni6.core").system
local tasks = require "eni6.tasks"
local failure = require "eni6.fleet.failure"

local patience = {}

--- What an attempt returns, with message, code and detail, to be made again.
patience.AGAIN = setmetatable({}, { __tostring = function() return "AGAIN" end })

local FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3

-- EC2 counts requests by account and region, and twenty launches at once are more
-- than it lets through at once. That is no failure; it takes its time.
local THROTTLED = { RequestLimitExceeded = true, Throttling = true, ThrottlingException = true,
  RequestThrottled = true, RequestThrottledException = true }
local THROTTLED_SECONDS = 300

-- Between half of a pause and all of it, so that many tasks do not come back at once.
local function spread(pause) return pause * (0.5 + system.random(1):byte() / 510) end

--- Makes attempts until one returns something else than AGAIN.
---@param seconds number   how long to go on; longer while EC2 says that there are too many requests
---@param attempt fun(): any, string?, string?, table?
---@return any value       of the last attempt; nil, message, code, detail when the time is over
---@return string? message
---@return string? code
---@return table? detail
function patience.try(seconds, attempt)
  local began, pause = tasks.now(), FIRST_PAUSE
  while true do
    local value, message, code, detail = attempt()
    if value ~= patience.AGAIN then return value, message, code, detail end
    local most = THROTTLED[code] and math.max(seconds, THROTTLED_SECONDS) or seconds
    if tasks.now() + pause > began + most then return nil, message, code, detail end
    tasks.sleep(spread(pause))
    pause = math.min(pause * 1.6, LONGEST_PAUSE)
  end
end

--- The same, where running out of time is a failure and is raised.
---@param seconds number
---@param attempt fun(): any, string?, string?, table?
---@return any value
function patience.want(seconds, attempt) return failure.want(patience.try(seconds, attempt)) end

-- A call as an attempt of try: made again where `again` says so of its failure.
local function attempts(again, call)
  return function()
    local value, message, code, detail = call()
    if value == nil and (THROTTLED[code] or again(code, detail)) then return patience.AGAIN, message, code, detail end
    return value, message, code, detail
  end
end

--- Repeats a call while it fails with one of these codes: it needs something that
--- was just made, and EC2 may not see that yet.
---@param seconds number
---@param codes table<string, boolean>
---@param call fun(): any, string?, string?, table?
---@return any value       of the call; nil, message, code, detail
---@return string? message
---@return string? code
---@return table? detail
function patience.call(seconds, codes, call)
  return patience.try(seconds, attempts(function(code) return codes[code] end, call))
end

--- A question, asked again while EC2 says that there are too many requests. A
--- failure is raised.
---@param call fun(): any, string?, string?, table?
---@return any value
function patience.ask(call) return failure.want(patience.call(0, {}, call)) end

--- The same as `call` for a call that may act twice without harm: also after a lost answer.
---@param seconds number
---@param codes table<string, boolean>
---@param call fun(): any, string?, string?, table?
---@return any value
---@return string? message
---@return string? code
---@return table? detail
function patience.repeatable(seconds, codes, call)
  return patience.try(seconds, attempts(function(code, detail) return codes[code] or (detail and detail.unknown) end, call))
end

return patience
