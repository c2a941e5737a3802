--- Waiting for a state: the model's waiters, with a first look at once and short intervals to begin with.

local retries = require "eni6.aws.retries"
local suggest = require "eni6.suggest"

local waiters = {}

local FIRST_INTERVAL, GROWTH = 0.5, 1.5 -- seconds; up to the model's delay
local GRACE = 60                        -- seconds for a thing just made to appear, or for the service to come back

-- The expressions that waiters use are paths (`A[].B[].C`) and `length(PATH) > `N``. A path leads to
-- { value, owner, list } where owner is the innermost list's element, by which it is named.
local function walk(found, value, owner, list, path, step)
  local key = path[step]
  if value == nil then return end
  if not key then
    found[#found + 1] = { value = value, owner = owner, list = list }
  elseif not key.each then
    walk(found, value[key.name], owner, list, path, step + 1)
  else
    for _, element in ipairs(value[key.name] or {}) do walk(found, element, element, key.name, path, step + 1) end
  end
end

local function compile_path(text)
  local path = {}
  for name, each in text:gmatch("([%w]+)(%[?%]?)%.?") do path[#path + 1] = { name = name, each = each == "[]" } end
  return function(result)
    local found = {}
    walk(found, result, nil, nil, path, 1)
    return found
  end
end

local function compile(text)
  local inner, least = text:match("^length%((.-)%) > `(%d+)`$")
  if not inner then return compile_path(text) end
  local find = compile_path(inner)
  least = tonumber(least)
  local counted = inner:find("[]", 1, true)
  return function(result)
    local found = find(result)
    local length = counted and #found or found[1] and #found[1].value or 0
    return { { value = length > least } }
  end
end

local matchers = {}

function matchers.path(acceptor, look)
  local found = look.result and acceptor.find(look.result)[1]
  return found ~= nil and found.value == acceptor.expected
end

function matchers.pathAll(acceptor, look)
  local found = look.result and acceptor.find(look.result) or {}
  for _, each in ipairs(found) do
    if each.value ~= acceptor.expected then return false end
  end
  return #found > 0
end

function matchers.pathAny(acceptor, look)
  for _, each in ipairs(look.result and acceptor.find(look.result) or {}) do
    if each.value == acceptor.expected then return true, each end
  end
  return false
end

function matchers.error(acceptor, look)
  return look.code ~= nil and look.code == acceptor.expected
end

function matchers.status(acceptor, look)
  local status = look.result and 200 or look.detail.status
  return status == acceptor.expected
end

local function prepare(waiter)
  for _, acceptor in ipairs(waiter.acceptors) do
    if acceptor.argument then acceptor.find = compile(acceptor.argument) end
  end
end

-- The first acceptor that matches decides.
local function verdict(waiter, look)
  for _, acceptor in ipairs(waiter.acceptors) do
    local yes, culprit = matchers[acceptor.matcher](acceptor, look)
    if yes then return acceptor.state, culprit end
  end
end

-- "Instances" -> "InstanceId"; where there is no such member, the first one called an id.
local function name_of(owner, list)
  local id = owner[list:gsub("s$", "") .. "Id"]
  if id then return id end
  local names = {}
  for key, value in pairs(owner) do
    if type(value) == "string" and key:find("Id$") then names[#names + 1] = key end
  end
  table.sort(names)
  return names[1] and owner[names[1]] or list
end

-- { [resource] = state } as the waiter's first path sees it.
local function states_of(waiter, result)
  local states = {}
  for _, acceptor in ipairs(waiter.acceptors) do
    if result and (acceptor.matcher == "pathAll" or acceptor.matcher == "pathAny") then
      for _, each in ipairs(acceptor.find(result)) do states[name_of(each.owner, each.list)] = each.value end
      break
    end
  end
  return states
end

local function states_text(states)
  local parts = {}
  for name, state in pairs(states) do parts[#parts + 1] = name .. " is " .. tostring(state) end
  table.sort(parts)
  return #parts > 0 and table.concat(parts, ", ") or nil
end

-- Waiters for existence wait for it as long as they wait at all; others only for it to become visible.
local function patience(waiter) return waiter.name:find("Exists$") and math.huge or GRACE end

local function detail_of(waiter, look)
  local detail = { waiter = waiter.name, operation = waiter.operation, states = states_of(waiter, look.result) }
  for key, value in pairs(look.detail or {}) do
    if detail[key] == nil then detail[key] = value end
  end
  return detail
end

local function failed(waiter, look, culprit)
  local message = look.message
  if culprit then
    message = string.format("%s is %s, and will not change", name_of(culprit.owner, culprit.list), tostring(culprit.value))
  end
  return nil, waiter.name .. ": " .. message, look.code or "WaiterFailed", detail_of(waiter, look)
end

local function too_late(waiter, look, timeout)
  local detail = detail_of(waiter, look)
  return nil, string.format("%s: not yet after %g s: %s", waiter.name, timeout,
    look.message or states_text(detail.states) or "nothing to be seen"), "ETIMEDOUT", detail
end

-- A failed look is passed over where the waiter says so, while there are too many requests, and where
-- the service answered a moment ago and may do so again.
local function passes(waiter, look, state, elapsed, seen)
  if state == "retry" then return elapsed < patience(waiter) end
  return retries.is_throttling(look.code) or look.detail.retryable and seen ~= nil and elapsed - seen < GRACE
end

-- What to do after a look: nil to look again, else the results of the whole wait.
local function judge(waiter, look, elapsed, seen)
  local state, culprit = verdict(waiter, look)
  if state == "success" then return { look.result or {} } end
  if state == "failure" then return { failed(waiter, look, culprit) } end
  if look.result or passes(waiter, look, state, elapsed, seen) then return nil end
  return { failed(waiter, look) }
end

local option_names = { "timeout", "on_poll" }

local function check_options(options)
  for name in pairs(options) do
    if name ~= "timeout" and name ~= "on_poll" then
      error("wait has no option " .. tostring(name) .. "; " .. suggest.among(tostring(name), option_names, "there are "), 3)
    end
  end
end

local function look_at(client, waiter, params)
  local look = {}
  look.result, look.message, look.code, look.detail = client:all(waiter.operation, params)
  return look
end

--- Looks until the waiter's state is reached, is out of reach, or the time is over.
---@param client table
---@param waiter eni6.aws.Waiter
---@param params table|nil
---@param options { timeout: number|nil, on_poll: function|nil } on_poll gets { attempt=, seconds=, states= } after each look
---@return table|nil result the last answer
---@return string|nil message
---@return string|nil code
---@return table|nil detail { waiter=, operation=, states= { [resource] = state }, … }
function waiters.wait(client, waiter, params, options)
  check_options(options)
  prepare(waiter)
  local timeout = options.timeout or waiter.delay * waiter.max_attempts
  local began, interval, attempt, seen = client.monotonic(), FIRST_INTERVAL, 0, nil
  while true do
    local look = look_at(client, waiter, params)
    local elapsed = client.monotonic() - began
    attempt = attempt + 1
    if look.result then seen = elapsed end
    if options.on_poll then options.on_poll({ attempt = attempt, seconds = elapsed, states = states_of(waiter, look.result) }) end
    local results = judge(waiter, look, elapsed, seen)
    if results then return table.unpack(results, 1, 4) end
    if elapsed >= timeout then return too_late(waiter, look, timeout) end
    client.sleep(math.min(interval, timeout - elapsed))
    interval = math.min(interval * GROWTH, waiter.delay)
  end
end

return waiters
