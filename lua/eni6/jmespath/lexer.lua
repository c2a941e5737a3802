--- The tokens of a JMESPath expression (https://jmespath.org/specification.html),
-- and the JSON that its literals hold, read with LPeg.

local lpeg = require("eni6.rocks").need "lpeg"
local values = require "eni6.jmespath.values"

local C, Cc, Cg, Cp, Cs, Ct = lpeg.C, lpeg.Cc, lpeg.Cg, lpeg.Cp, lpeg.Cs, lpeg.Ct
local P, R, S, V = lpeg.P, lpeg.R, lpeg.S, lpeg.V

local lexer = {}

-- --- JSON (RFC 8259) ---------------------------------------------------------

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
local STRING = P '"' * Cs((ESCAPE + (1 - S '"\\' - R "\0\31")) ^ 0) * P '"'

local DIGITS = R "09" ^ 1
local NUMBER = P "-" ^ -1 * (P "0" + R "19" * R "09" ^ 0) * (P "." * DIGITS) ^ -1 * (S "eE" * S "+-" ^ -1 * DIGITS) ^ -1

local function array_of(elements) return setmetatable(elements, { __jsontype = "array" }) end

-- An object of its names and values in turn.
local function object_of(members)
  local object = values.new_object()
  for i = 1, #members, 2 do object[members[i]] = members[i + 1] end
  return object
end

local function separated(item) return (item * (SPACE * P "," * SPACE * item) ^ 0) ^ -1 end

local JSON = P {
  SPACE * V "value" * SPACE * -1,
  value = V "object" + V "array" + STRING + NUMBER / tonumber
    + P "true" * Cc(true) + P "false" * Cc(false) + P "null" * Cc(values.null),
  array = Ct(P "[" * SPACE * separated(V "value") * SPACE * P "]") / array_of,
  object = Ct(P "{" * SPACE * separated(V "member") * SPACE * P "}") / object_of,
  member = STRING * SPACE * P ":" * SPACE * V "value",
}

local DEEPEST = 50 -- well inside of LPeg's own stack

local function too_deep(text)
  local depth, deepest = 0, 0
  for bracket in text:gsub('"[^"\\]*"', ""):gmatch "[%[%]{}]" do
    depth = depth + ((bracket == "[" or bracket == "{") and 1 or -1)
    deepest = math.max(deepest, depth)
  end
  return deepest > DEEPEST
end

-- A literal that is no JSON is a string without its quotes: the specification
-- gave this up (JEP 12), but much that is written for the AWS CLI relies on it.
local function literal(text)
  text = text:gsub("\\`", "`")
  if too_deep(text) then return nil, "the literal nests too deep" end
  local value = JSON:match(text)
  if value == nil then value = (STRING * -1):match('"' .. text:gsub("^%s+", "") .. '"') end
  if value == nil then return nil, "the literal is neither JSON nor a string" end
  return value
end

-- --- Tokens ------------------------------------------------------------------

local function token(kind, pattern)
  return Ct(Cg(Cp(), "start") * Cg(Cc(kind), "kind") * Cg(pattern, "value"))
end

local function fault(message, pattern)
  return Ct(Cg(Cp(), "start") * Cg(Cc "fault", "kind") * Cg(Cc(message), "value")) * pattern
end

local function quoted(quote) return P(quote) * C((P "\\" * 1 + (1 - S(quote .. "\\"))) ^ 0) * P(quote) end

local function to_literal(start, text)
  local value, message = literal(text)
  if value == nil then return { start = start, kind = "fault", value = message } end
  return { start = start, kind = "literal", value = values.present(value) }
end

local function unescaped(text) return (text:gsub("\\'", "'")) end

local ANY_SIGN = P(false)
for sign in ("[] [? || && == != <= >= . * , : @ ( ) { } [ ] | & < > !"):gmatch "%S+" do
  ANY_SIGN = ANY_SIGN + token(sign, Cc(sign) * P(sign))
end

local TOKEN = token("name", C(R("az", "AZ", "__") * R("az", "AZ", "09", "__") ^ 0))
  + token("number", P "-" ^ -1 * DIGITS / tonumber)
  + token("quoted name", STRING)
  + token("literal", quoted "'" / unescaped)
  + Cp() * quoted "`" / to_literal
  + ANY_SIGN
  + fault("a quoted name must be closed and escape as JSON does", P '"')
  + fault("the string is not closed", P "'")
  + fault("the literal is not closed", P "`")
  + fault("this sign means nothing here", P(1))

local TOKENS = Ct(SPACE * (TOKEN * SPACE) ^ 0)

--- Splits an expression into tokens { kind, value, start }, closed by one of kind
-- "end". A sign is its own kind; the others are "name", "quoted name", "number"
-- and "literal". Raises a failure for what is no token.
---@param expression string
---@return table[]
function lexer.tokens(expression)
  local tokens = TOKENS:match(expression)
  for _, each in ipairs(tokens) do
    if each.kind == "fault" then lexer.fail(expression, each.start, each.value) end
  end
  tokens[#tokens + 1] = { kind = "end", start = #expression + 1 }
  return tokens
end

--- An expression in a message: not all of a long one.
---@param expression string
---@return string
function lexer.shown(expression)
  return #expression <= 200 and expression or expression:sub(1, 200) .. "…"
end

--- Raises a syntax error with its place.
---@param expression string
---@param start integer  the byte it is at
---@param message string
function lexer.fail(expression, start, message)
  values.fail("syntax", "%s, at column %d of the JMESPath expression %s", message, start, lexer.shown(expression))
end

return lexer
