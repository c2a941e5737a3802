--- JSON (RFC 8259) as JMESPath's literals hold it, read with LPeg: null is eni6.jmespath's, objects keep the
-- order of their members, and nesting is limited. Like Python's, it has NaN and Infinity.

local lpeg = require("eni6.rocks").need "lpeg"
local values = require "eni6.jmespath.values"

local C, Cc, Cs, Ct = lpeg.C, lpeg.Cc, lpeg.Cs, lpeg.Ct
local P, R, S, V = lpeg.P, lpeg.R, lpeg.S, lpeg.V

local json = {}

local SPACE = S " \t\n\r" ^ 0
local HEX = R("09", "af", "AF")

local function from_hex(hex) return tonumber(hex, 16) end

local function code_point(code)
  if code >= 0xD800 and code <= 0xDFFF then code = 0xFFFD end -- half a pair is no character
  return utf8.char(code)
end

local function from_pair(high, low) return utf8.char(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00) end

local ESCAPED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }
local HIGH = P "\\u" * (C(S "dD" * S "89abAB" * HEX * HEX) / from_hex)
local LOW = P "\\u" * (C(S "dD" * S "cdefCDEF" * HEX * HEX) / from_hex)
local ESCAPE = HIGH * LOW / from_pair
  + P "\\u" * (C(HEX * HEX * HEX * HEX) / from_hex) / code_point
  + P "\\" * C(S 'bfnrt"\\/') / ESCAPED

--- The pattern of a string, quotes included; captures what it says.
json.STRING = P '"' * Cs((ESCAPE + (1 - S '"\\' - R "\0\31")) ^ 0) * P '"'

local DIGITS = R "09" ^ 1
local NUMBER = P "-" ^ -1 * (P "0" + R "19" * R "09" ^ 0) * (P "." * DIGITS) ^ -1 * (S "eE" * S "+-" ^ -1 * DIGITS) ^ -1

local function array_of(elements) return setmetatable(elements, { __jsontype = "array" }) end

-- An object of its names and values in turn: of a repeated name the first place and the last value.
local function object_of(members)
  local object, order = {}, {}
  for i = 1, #members, 2 do
    if object[members[i]] == nil then order[#order + 1] = members[i] end
    object[members[i]] = members[i + 1]
  end
  return setmetatable(object, values.object_metatable(order))
end

local function separated(item) return (item * (SPACE * P "," * SPACE * item) ^ 0) ^ -1 end

local DOCUMENT = require("eni6.pattern").ready(P {
  SPACE * V "value" * SPACE * -1,
  value = V "object" + V "array" + json.STRING + NUMBER / tonumber
    + P "true" * Cc(true) + P "false" * Cc(false) + P "null" * Cc(values.null)
    + P "NaN" * Cc(0 / 0) + P "Infinity" * Cc(math.huge) + P "-Infinity" * Cc(-math.huge),
  array = Ct(P "[" * SPACE * separated(V "value") * SPACE * P "]") / array_of,
  object = Ct(P "{" * SPACE * separated(V "member") * SPACE * P "}") / object_of,
  member = json.STRING * SPACE * P ":" * SPACE * V "value",
})

local DEEPEST = 50 -- well inside of LPeg's own stack

local function too_deep(text)
  local depth, deepest = 0, 0
  for bracket in text:gsub("\\.", ""):gsub('"[^"]*"', ""):gmatch "[%[%]{}]" do
    depth = depth + ((bracket == "[" or bracket == "{") and 1 or -1)
    deepest = math.max(deepest, depth)
  end
  return deepest > DEEPEST
end

--- Reads a document.
---@param text string
---@return any value            nil for what is no JSON
---@return string|nil message   when it nests too deep
function json.decode(text)
  if too_deep(text) then return nil, "the literal nests too deep" end
  return DOCUMENT:match(text)
end

return json
