--- Characters as Python knows them: which are wide, which are shown as they are, and their capitals.

local data = require "eni6.cli.output.unicode_data"

local unicode = {}

-- Ranges as two lists, for a search by halves.
local function ranges_of(text)
  local firsts, lasts, last = {}, {}, 0
  for distance, length in text:gmatch "(%x+)%-?(%x*)" do
    local first = last + tonumber(distance, 16)
    last = first + (tonumber(length, 16) or 0)
    firsts[#firsts + 1], lasts[#lasts + 1] = first, last
  end
  return { firsts = firsts, lasts = lasts }
end

local function is_in(ranges, code)
  local low, high = 1, #ranges.firsts
  while low < high do
    local middle = math.floor((low + high + 1) / 2)
    if ranges.firsts[middle] <= code then low = middle else high = middle - 1 end
  end
  return ranges.firsts[low] <= code and code <= ranges.lasts[low]
end

local function capitals_of(runs, many)
  local capitals = {}
  for first, count, step, sign, difference in runs:gmatch "(%x+) (%x+) (%x+) (%-?)(%x+)" do
    for i = 0, tonumber(count, 16) - 1 do
      local code = tonumber(first, 16) + i * tonumber(step, 16)
      capitals[utf8.char(code)] = utf8.char(code + tonumber(difference, 16) * (sign == "-" and -1 or 1))
    end
  end
  for code, text in many:gmatch "(%x+)=(%S+)" do capitals[utf8.char(tonumber(code, 16))] = text end
  return capitals
end

local MADE = {
  wide = function() return ranges_of(data.wide) end,
  hidden = function() return ranges_of(data.hidden) end,
  capitals = function() return capitals_of(data.upper, data.upper_many) end,
}

-- What the data say, made when it is first asked for.
local made = setmetatable({}, {
  __index = function(all, name)
    local value = MADE[name]()
    all[name] = value
    return value
  end,
})

local CHARACTER = "[\194-\244][\128-\191]*" -- one that is not ASCII

--- Whether Python's repr() shows a character as it is.
---@param code integer   0xA0 or more
---@return boolean
function unicode.is_printable(code) return not is_in(made.hidden, code) end

--- The columns that a text takes: wide characters, and those that are so in East Asian contexts, take two.
---@param text string   UTF-8
---@return integer
function unicode.width(text)
  if not text:find "[\128-\255]" or not utf8.len(text) then return #text end
  local width = 0
  for _, code in utf8.codes(text) do width = width + (code >= 0x80 and is_in(made.wide, code) and 2 or 1) end
  return width
end

--- A text in capitals.
---@param text string   UTF-8
---@return string
function unicode.upper(text)
  text = text:upper()
  if not text:find "[\128-\255]" then return text end
  return (text:gsub(CHARACTER, made.capitals))
end

-- The most bytes of one character that a text has right at a place: the whole of it, or where it breaks off.
local WELL_FORMED = {
  "^[%z\1-\127]()", "^[\194-\223][\128-\191]()",
  "^\224[\160-\191][\128-\191]()", "^[\225-\236\238\239][\128-\191][\128-\191]()", "^\237[\128-\159][\128-\191]()",
  "^\240[\144-\191][\128-\191][\128-\191]()", "^[\241-\243][\128-\191][\128-\191][\128-\191]()",
  "^\244[\128-\143][\128-\191][\128-\191]()",
}
local BROKEN_OFF = {
  "^\240[\144-\191][\128-\191]()", "^[\241-\243][\128-\191][\128-\191]()", "^\244[\128-\143][\128-\191]()",
  "^\224[\160-\191]()", "^[\225-\236\238\239][\128-\191]()", "^\237[\128-\159]()", "^\240[\144-\191]()",
  "^[\241-\243][\128-\191]()", "^\244[\128-\143]()", "^.()",
}

local function first_match(text, place, patterns)
  for _, pattern in ipairs(patterns) do
    local after = text:match(pattern, place)
    if after then return after end
  end
end

--- UTF-8 with what is none replaced by U+FFFD, as Python's decoder does it.
---@param bytes string
---@return string
function unicode.repaired(bytes)
  if utf8.len(bytes) and not bytes:find "\237[\160-\191]" then return bytes end -- Lua 5.3 takes surrogates
  local parts, place = {}, 1
  while place <= #bytes do
    local after = first_match(bytes, place, WELL_FORMED)
    parts[#parts + 1] = after and bytes:sub(place, after - 1) or "\239\191\189"
    place = after or first_match(bytes, place, BROKEN_OFF)
  end
  return table.concat(parts)
end

return unicode
