--- Waiting for EC2 to see what was just made, or to do what was asked: attempts
-- with growing pauses, inside a task or outside of one.

local tasks = require "eni6.tasks"
local failure = require "eni6.fleet.failure"

local patience = {}

--- What an attempt returns, with message, code and detail, to be made again.
patience.AGAIN = setmetatable({}, { __tostring = function() return "AGAIN" end })

local FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3

--- Makes attempts until one returns something else than AGAIN.
---@param seconds number   how long to go on
---@param attempt fun(): any, string?, string?, table?
---@return any value       of the last attempt; nil, message, code, detail when the time is over
---@return string? message
---@return string? code
---@return table? detail
function patience.try(seconds, attempt)
  local deadline, pause = tasks.now() + seconds, FIRST_PAUSE
  while true do
    local value, message, code, detail = attempt()
    if value ~= patience.AGAIN then return value, message, code, detail end
    if tasks.now() + pause > deadline then return nil, message, code, detail end
    tasks.sleep(pause)
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
    if value == nil and again(code, detail) then return patience.AGAIN, message, code, detail end
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

--- The same for a call that may act twice without harm: also after a lost answer.
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
