--- Faults on demand: rules that say which request goes wrong, and how.

local faults = { __name = "eni6.sandbox.faults" }
faults.__index = faults

-- What a rule can do; `server` does it.
local KINDS = {
  throttle = true, -- refused with RequestLimitExceeded
  status = true, -- refused with an HTTP status (500) and a code that goes with it
  html = true, -- an HTML page in the place of an answer, with an HTTP status (502)
  close_before = true, -- the connection is closed before anything is done
  delay = true, -- done and answered late
  lose_answer = true, -- done, but the connection is closed in the place of the answer
  drop_body = true, -- done, but the connection is closed in the middle of the answer
  hold_before = true, -- waits for a release, then is done and answered
  hold_after = true, -- done, waits for a release, then is answered
}

---@class eni6.sandbox.rule
---@field kind string a key of KINDS above
---@field operation string|nil only requests for this operation
---@field nth integer|nil leaves the first nth - 1 of those requests alone
---@field times integer|nil how often it strikes: once by default, or without end if it has a probability
---@field probability number|nil that it strikes a request: 1 by default
---@field seconds number|nil of `delay`
---@field status integer|nil of `status` and `html`
---@field code string|nil EC2's error code for `status`
---@field message string|nil for `status`

local FIELDS = { kind = "string", operation = "string", nth = "number", times = "number", probability = "number",
  seconds = "number", status = "number", code = "string", message = "string" }

local function check_rule(rule)
  if type(rule) ~= "table" then return nil, "a fault rule must be an object" end
  for name, value in pairs(rule) do
    if not FIELDS[name] then return nil, "a fault rule has no field '" .. tostring(name) .. "'" end
    if type(value) ~= FIELDS[name] then return nil, "the field '" .. name .. "' of a fault rule must be a " .. FIELDS[name] end
  end
  if not KINDS[rule.kind or ""] then return nil, "there is no fault of the kind '" .. tostring(rule.kind) .. "'" end
  return true
end

--- Makes an empty set of rules.
---@param random eni6.sandbox.random what probabilities are decided by
function faults.new(random) return setmetatable({ random = random, rules = {} }, faults) end

--- Replaces the rules.
---@param rules eni6.sandbox.rule[]
---@return true|nil ok
---@return string|nil message
---@return string|nil code "EINVAL"
function faults:set(rules)
  local list = {}
  for i, rule in ipairs(rules) do
    local ok, message = check_rule(rule)
    if not ok then return nil, message, "EINVAL" end
    list[i] = { rule = rule, seen = 0, struck = 0,
      times = rule.times or (rule.probability and math.huge or 1), nth = rule.nth or 1 }
  end
  self.rules = list
  return true
end

local function strikes(self, entry)
  entry.seen = entry.seen + 1
  if entry.seen < entry.nth or entry.struck >= entry.times then return false end
  if entry.rule.probability and self.random:fraction() >= entry.rule.probability then return false end
  entry.struck = entry.struck + 1
  return true
end

--- The rule that strikes a request, if one does. Every request is to be asked
--- for exactly once: rules count them.
---@param operation string|nil
---@return eni6.sandbox.rule|nil
function faults:choose(operation)
  for _, entry in ipairs(self.rules) do
    local matches = entry.rule.operation == nil or entry.rule.operation == operation
    if matches and strikes(self, entry) then return entry.rule end
  end
  return nil
end

--- The rules with how often each has struck.
---@return table[]
function faults:report()
  local list = {}
  for i, entry in ipairs(self.rules) do
    list[i] = { seen = entry.seen, struck = entry.struck }
    for name, value in pairs(entry.rule) do list[i][name] = value end
  end
  return list
end

return faults
