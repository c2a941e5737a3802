--- "Did you mean …?": the nearest of some names to a mistyped one.

local suggest = {}

-- Edit distance with transpositions of neighbours, given up above `limit`.
local function distance(a, b, limit)
  if math.abs(#a - #b) > limit then return limit + 1 end
  local before, row = {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local twice_before = before
    before, row = row, { [0] = i }
    local least = i
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, twice_before[j - 2] + 1)
      end
      row[j] = best
      least = math.min(least, best)
    end
    if least > limit then return limit + 1 end
  end
  return row[#b]
end

-- No typing error is longer; a longer name would cost time for nothing.
local LONGEST = 100

--- The nearest name, if one is near enough to be meant (a third of its letters may differ, case aside).
---@param wrong string
---@param names string[]
---@return string|nil
function suggest.nearest(wrong, names)
  if #wrong > LONGEST then return nil end
  local limit = math.max(1, math.floor(#wrong / 3))
  local best
  for _, name in ipairs(names) do
    local d = distance(wrong:lower(), name:lower(), limit)
    if d <= limit then
      best, limit = name, d - 1
    end
  end
  return best
end

--- Ends a message about a wrong name: the nearest one, or all of them.
---@param wrong string
---@param names string[]
---@param otherwise string the words before the list, such as "must be one of "
---@return string
function suggest.among(wrong, names, otherwise)
  local near = suggest.nearest(wrong, names)
  if near then return "did you mean " .. near .. "?" end
  return otherwise .. table.concat(names, ", ")
end

return suggest
