--- JMESPath (https://jmespath.org), the language of the AWS CLI's --query and of
-- AWS's waiters.
--
-- Null is nil as a result and as an absent member; inside of results' arrays and
-- objects it is `jmespath.null`, which is dkjson's null, so that results print as
-- JSON and documents that dkjson decoded with it are understood. An empty table is
-- an empty array unless its metatable's __jsontype says "object".
--
-- Objects made here have their order in their metatable's `order`, a list of the keys
-- that they may have; keys(), values(), * and printers go by it, and by sorted keys
-- where there is none.
--
-- Where the specification leaves room, and where jmespath.py departs from it, this does
-- what jmespath.py and so the AWS CLI does: strings can be compared with < and >, a
-- literal that is no JSON is a string, calls that cannot succeed fail when evaluation
-- comes to them, contains(`[1]`, `true`). Unlike there, an expression reference is
-- nothing but a function's argument, and whole numbers have 64 bits.

local lexer = require "eni6.jmespath.lexer"
local parser = require "eni6.jmespath.parser"
local values = require "eni6.jmespath.values"

local jmespath = {}

--- JSON's null inside of tables.
jmespath.null = values.null

---@class eni6.jmespath.Expression
local Expression = {}
Expression.__index = Expression
Expression.__name = "eni6.jmespath"

-- Compiled expressions by their texts, forgotten all at once when there are many.
local MOST = 128
local known, count = {}, 0

--- Compiles an expression once for many searches.
---@param expression string
---@return eni6.jmespath.Expression|nil
---@return string|nil message
---@return string|nil code  "syntax"
function jmespath.compile(expression)
  if type(expression) ~= "string" then error("a JMESPath expression is a string", 2) end
  if known[expression] then return known[expression] end
  local ok, result = pcall(parser.compile, expression)
  if not ok then
    local failure = values.failure_of(result)
    return nil, failure.message, failure.code
  end
  if count == MOST then known, count = {}, 0 end
  local compiled = setmetatable({ text = expression, evaluate = result }, Expression)
  known[expression], count = compiled, count + 1
  return compiled
end

--- What the expression finds in a document. The result may share tables with the
-- document and with the expression: do not change it.
---@param document any
---@return any result          nil for null
---@return string|nil message  when it failed
---@return string|nil code     "invalid-type", "invalid-value", "invalid-arity" or "unknown-function"
function Expression:search(document)
  local ok, result = pcall(self.evaluate, values.present(document))
  if ok then return result end
  local failure = values.failure_of(result)
  return nil, failure.message .. ", in the JMESPath expression " .. lexer.shown(self.text), failure.code
end

--- Compiles an expression, or takes it from the last ones used, and searches.
---@param expression string
---@param document any
---@return any result          nil for null
---@return string|nil message  when it failed
---@return string|nil code     one of `compile`'s or `search`'s
function jmespath.search(expression, document)
  local compiled, message, code = jmespath.compile(expression)
  if not compiled then return nil, message, code end
  return compiled:search(document)
end

return jmespath
