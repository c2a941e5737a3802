--- The tokens of a JMESPath expression (https://jmespath.org/specification.html),
-- read with LPeg.

local json = require "eni6.jmespath.json"
local lpeg = require("eni6.rocks").need "lpeg"
local values = require "eni6.jmespath.values"

local C, Cc, Cg, Cp, Ct = lpeg.C, lpeg.Cc, lpeg.Cg, lpeg.Cp, lpeg.Ct
local P, R, S = lpeg.P, lpeg.R, lpeg.S

local SPACE = S " \t\n\r" ^ 0

local lexer = {}

-- A literal that is no JSON is a string without its quotes: the specification
-- gave this up (JEP 12), but much that is written for the AWS CLI relies on it.
local function literal(text)
  text = text:gsub("\\`", "`")
  local value, message = json.decode(text)
  if value == nil and not message then value = json.decode('"' .. text:gsub("^%s+", "") .. '"') end
  if value == nil then return nil, message or "the literal is neither JSON nor a string" end
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
  + token("number", P "-" ^ -1 * R "09" ^ 1 / tonumber)
  + token("quoted name", json.STRING)
  + token("literal", quoted "'" / unescaped)
  + Cp() * quoted "`" / to_literal
  + ANY_SIGN
  + fault("a quoted name must be closed and escape as JSON does", P '"')
  + fault("the string is not closed", P "'")
  + fault("the literal is not closed", P "`")
  + fault("this sign means nothing here", P(1))

local TOKENS = require("eni6.pattern").ready(Ct(SPACE * (TOKEN * SPACE) ^ 0))

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
