--- Compiles a JMESPath expression into a function: a parser by operator
-- precedence (Pratt's) whose results are closures that take a value and return
-- one, nil being null.

local functions = require "eni6.jmespath.functions"
local lexer = require "eni6.jmespath.lexer"
local values = require "eni6.jmespath.values"

local kind_of, present, kept = values.kind, values.present, values.kept

local DEEPEST = 1000 -- levels of nesting, dots and operators included: more than jmespath.py's stack holds

-- How tightly a sign binds what is on its left. Signs below "[]" end a projection;
-- what is not here ends an expression.
local POWER = {
  ["|"] = 1, ["||"] = 2, ["&&"] = 3,
  ["=="] = 5, ["!="] = 5, ["<"] = 5, ["<="] = 5, [">"] = 5, [">="] = 5,
  ["[]"] = 9, ["*"] = 20, ["[?"] = 21, ["."] = 40, ["!"] = 45, ["{"] = 50, ["["] = 55, ["("] = 60,
}
local PROJECTION_STOP = 10

local Parser = {}
Parser.__index = Parser

-- --- Reading tokens ------------------------------------------------------------

function Parser:kind(ahead) return self.tokens[self.place + (ahead or 0)].kind end

function Parser:advance()
  local token = self.tokens[self.place]
  self.place = self.place + 1
  return token
end

function Parser:fail(message)
  local token = self.tokens[self.place]
  if token.kind == "end" then message = "the expression ends too early" end
  lexer.fail(self.expression, token.start, message)
end

function Parser:unexpected()
  local token = self.tokens[self.place]
  self:fail("unexpected " .. (POWER[token.kind] and token.kind or token.kind .. " " .. tostring(token.value)))
end

-- Goes on if this is the next token.
function Parser:skip(kind)
  local is_next = self:kind() == kind
  if is_next then self:advance() end
  return is_next
end

function Parser:expect(kind)
  if self:kind() ~= kind then self:fail("expected " .. kind) end
  return self:advance()
end

-- --- Closures ------------------------------------------------------------------

local function identity(value) return value end

local function field(name)
  return function(value)
    if kind_of(value) == "object" then return present(value[name]) end
  end
end

local function sequence(first, second)
  if first == identity then return second end
  return function(value) return second(first(value)) end
end

-- What `right` makes of each element of a list, without the nulls.
local function each(list, right)
  local result = {}
  for i = 1, #list do
    local value = right(present(list[i]))
    if value ~= nil then result[#result + 1] = value end
  end
  return result
end

local function projection(left, right)
  return function(value)
    local list = left(value)
    if kind_of(list) == "array" then return each(list, right) end
  end
end

local function value_projection(left, right)
  return function(value)
    local object = left(value)
    if kind_of(object) ~= "object" then return nil end
    local list = {}
    for i, key in ipairs(values.keys(object)) do list[i] = object[key] end
    return each(list, right)
  end
end

local function filter_projection(left, condition, right)
  return projection(left, function(element)
    if values.is_true(condition(element)) then return right(element) end
  end)
end

local function flatten(left)
  return function(value)
    local list = left(value)
    if kind_of(list) ~= "array" then return nil end
    local result = {}
    for i = 1, #list do
      if kind_of(list[i]) == "array" then
        table.move(list[i], 1, #list[i], #result + 1, result)
      else
        result[#result + 1] = list[i]
      end
    end
    return result
  end
end

local function index(number)
  return function(value)
    if kind_of(value) ~= "array" then return nil end
    return present(value[number < 0 and #value + number + 1 or number + 1])
  end
end

-- A slice's end, counted from the end if negative, brought into [low, high].
local function clamp(number, size, low, high)
  if number < 0 then number = number + size end
  return math.max(low, math.min(high, number))
end

local function slice(start, stop, step)
  step = step or 1
  return function(value)
    if kind_of(value) ~= "array" then return nil end
    if step == 0 then values.fail("invalid-value", "a slice's step cannot be 0") end
    local size, result = #value, {}
    local low, high = step > 0 and 0 or -1, step > 0 and size or size - 1
    local from = start and clamp(start, size, low, high) or (step > 0 and low or high)
    local to = stop and clamp(stop, size, low, high) or (step > 0 and high or low)
    for i = from, to - (step > 0 and 1 or -1), step do result[#result + 1] = value[i + 1] end
    return result
  end
end

local function either(left, right)
  return function(value)
    local result = left(value)
    if values.is_true(result) then return result end
    return right(value)
  end
end

local function both(left, right)
  return function(value)
    local result = left(value)
    if not values.is_true(result) then return result end
    return right(value)
  end
end

local function negation(right)
  return function(value) return not values.is_true(right(value)) end
end

local function less(a, b)
  if type(a) == "string" then return values.text_less(a, b) end
  return a < b
end

local HAS_ORDER = { number = true, string = true }

local ORDER = {
  ["<"] = less,
  ["<="] = function(a, b) return not less(b, a) end,
  [">"] = function(a, b) return less(b, a) end,
  [">="] = function(a, b) return not less(a, b) end,
}

-- Numbers have an order, and so have strings, which the specification leaves out but times need. Anything
-- else compares to null; what is one of each, jmespath.py cannot compare.
local function comparison(sign, left, right)
  if sign == "==" then
    return function(value) return values.equal(left(value), right(value)) end
  elseif sign == "!=" then
    return function(value) return not values.equal(left(value), right(value)) end
  end
  local holds = ORDER[sign]
  return function(value)
    local a, b = left(value), right(value)
    local kind, other = kind_of(a), kind_of(b)
    if not (HAS_ORDER[kind] and HAS_ORDER[other]) then return nil end
    if kind ~= other then values.fail("invalid-type", "%s cannot tell the order of a %s and a %s", sign, kind, other) end
    return holds(a, b)
  end
end

local function multi_select_list(parts)
  return function(value)
    if value == nil then return nil end
    local result = {}
    for i, part in ipairs(parts) do result[i] = kept(part(value)) end
    return result
  end
end

-- Each name once, at its first place.
local function order_of(names)
  local order, seen = {}, {}
  for _, name in ipairs(names) do
    if not seen[name] then order[#order + 1] = name end
    seen[name] = true
  end
  return order
end

local function multi_select_hash(names, parts)
  local metatable = values.object_metatable(order_of(names))
  return function(value)
    if value == nil then return nil end
    local result = setmetatable({}, metatable)
    for i, part in ipairs(parts) do result[names[i]] = kept(part(value)) end
    return result
  end
end

-- Calls that cannot succeed fail when it comes to them, which it may not.
local function call(name, parts)
  local code, message = functions.check_call(name, #parts)
  return function(value)
    local arguments = {}
    for i, part in ipairs(parts) do arguments[i] = part(value) end
    if code then values.fail(code, "%s", message) end
    return functions.call(name, arguments, #parts)
  end
end

-- --- The parts of the grammar -----------------------------------------------------

-- [start:stop:step], each of them optional; of numbers side by side the last counts.
function Parser:slice()
  local parts, part = {}, 1
  while self:kind() ~= "]" do
    if self:kind() == ":" and part < 3 then
      part = part + 1
    elseif self:kind() == "number" then
      parts[part] = self.tokens[self.place].value
    else
      self:unexpected()
    end
    self:advance()
  end
  self:advance()
  return slice(parts[1], parts[2], parts[3])
end

-- An index applies to `left`; a slice of it is projected. But jmespath.py does not project a slice of an
-- element, as in a[0][:2].
function Parser:bracket(left)
  if self:kind() ~= ":" and self:kind(1) ~= ":" then
    local result = sequence(left, index(self:expect("number").value))
    self:expect "]"
    self.elements[result] = true
    return result
  end
  local result = sequence(left, self:slice())
  if self.elements[left] then
    self.elements[result] = true
    return result
  end
  return projection(result, self:projected(POWER["*"]))
end

-- What a projection applies to each of its elements.
function Parser:projected(power)
  local kind = self:kind()
  if (POWER[kind] or 0) < PROJECTION_STOP then return identity end
  if kind == "[" or kind == "[?" then return self:parse(power) end
  if kind ~= "." then self:unexpected() end
  self:advance()
  return self:after_dot(power)
end

function Parser:after_dot(power)
  local kind = self:kind()
  if kind == "name" or kind == "quoted name" or kind == "*" then return self:parse(power) end
  if kind == "[" then
    self:advance()
    return self:multi_select_list()
  elseif kind == "{" then
    self:advance()
    return self:multi_select_hash()
  end
  self:fail "expected a name, [ or { after the dot"
end

function Parser:multi_select_list()
  local parts = {}
  repeat
    parts[#parts + 1] = self:parse(0)
  until not self:skip ","
  self:expect "]"
  return multi_select_list(parts)
end

function Parser:multi_select_hash()
  local names, parts = {}, {}
  repeat
    local kind = self:kind()
    if kind ~= "name" and kind ~= "quoted name" then self:fail "expected a name" end
    names[#names + 1] = self:advance().value
    self:expect ":"
    parts[#parts + 1] = self:parse(0)
  until not self:skip "," and self:skip "}"
  return multi_select_hash(names, parts)
end

-- An argument of a function: an expression, or a reference to one, around which
-- brackets may stand, as jmespath.py has it.
function Parser:argument()
  local brackets = 0
  while self:kind(brackets) == "(" do brackets = brackets + 1 end
  if self:kind(brackets) ~= "&" then return self:parse(0) end
  self.place = self.place + brackets + 1
  local expression = values.expression(self:parse(0))
  for _ = 1, brackets do self:expect ")" end
  return function() return expression end
end

-- The arguments of a function; its opening bracket is read.
function Parser:call(name)
  local parts = {}
  while not self:skip ")" do
    parts[#parts + 1] = self:argument()
    self:skip ","
  end
  return call(name, parts)
end

-- One after the other, which is neither a name alone nor an element, though @.name is as fast as a name.
function Parser:chain(left, right)
  local result = sequence(left, right)
  self.fields[result], self.elements[result] = nil, nil
  return result
end

function Parser:field(name)
  local result = field(name)
  self.fields[result] = name
  return result
end

-- What an expression may start with.
local PREFIX = {
  name = function(parser, token) return parser:field(token.value) end,
  ["quoted name"] = function(parser, token)
    if parser:kind() == "(" then parser:fail "a function's name has no quotes" end
    return parser:field(token.value)
  end,
  literal = function(_, token) return function() return token.value end end,
  ["@"] = function() return identity end,
  ["*"] = function(parser)
    if parser:kind() == "]" then return value_projection(identity, identity) end
    return value_projection(identity, parser:projected(POWER["*"]))
  end,
  ["!"] = function(parser) return negation(parser:parse(POWER["!"])) end,
  ["("] = function(parser)
    local inner = parser:parse(0)
    parser:expect ")"
    return inner
  end,
  ["{"] = function(parser) return parser:multi_select_hash() end,
  ["["] = function(parser)
    local kind = parser:kind()
    if kind == "number" or kind == ":" then return parser:bracket(identity) end
    if kind == "*" and parser:kind(1) == "]" then
      parser.place = parser.place + 2
      return projection(identity, parser:projected(POWER["*"]))
    end
    return parser:multi_select_list()
  end,
}

-- What may follow the expression on a sign's left.
local INFIX = {
  ["."] = function(parser, left)
    if parser:kind() ~= "*" then return parser:chain(left, parser:after_dot(POWER["."])) end
    parser:advance()
    return value_projection(left, parser:projected(POWER["."]))
  end,
  ["["] = function(parser, left)
    local kind = parser:kind()
    if kind == "number" or kind == ":" then return parser:bracket(left) end
    parser:expect "*"
    parser:expect "]"
    return projection(left, parser:projected(POWER["*"]))
  end,
  ["[]"] = function(parser, left) return projection(flatten(left), parser:projected(POWER["[]"])) end,
  ["[?"] = function(parser, left)
    local condition = parser:parse(0)
    parser:expect "]"
    return filter_projection(left, condition, parser:projected(POWER["[?"]))
  end,
  ["("] = function(parser, left)
    local name = parser.fields[left]
    if not name then parser:fail "only a name can be called" end
    return parser:call(name)
  end,
  ["|"] = function(parser, left) return parser:chain(left, parser:parse(POWER["|"])) end,
  ["||"] = function(parser, left) return either(left, parser:parse(POWER["||"])) end,
  ["&&"] = function(parser, left) return both(left, parser:parse(POWER["&&"])) end,
}
for _, sign in ipairs { "==", "!=", "<", "<=", ">", ">=" } do
  INFIX[sign] = function(parser, left) return comparison(sign, left, parser:parse(POWER[sign])) end
end
for _, sign in ipairs { "[]", "[?" } do
  PREFIX[sign] = function(parser) return INFIX[sign](parser, identity) end
end

function Parser:deeper()
  self.depth = self.depth + 1
  if self.depth > DEEPEST then self:fail("the expression nests too deep") end
end

-- An expression as far as signs bind more tightly than `power`.
function Parser:parse(power)
  local depth = self.depth
  self:deeper()
  local prefix = PREFIX[self:kind()]
  if not prefix then self:unexpected() end
  local left = prefix(self, self:advance())
  while (POWER[self:kind()] or 0) > power do
    local infix = INFIX[self:kind()]
    if not infix then self:unexpected() end
    self:deeper()
    self:advance()
    left = infix(self, left)
  end
  self.depth = depth
  return left
end

local parser = {}

--- Compiles an expression; raises a failure for what is none.
---@param expression string
---@return fun(value: any): any
function parser.compile(expression)
  local self = setmetatable({
    expression = expression, tokens = lexer.tokens(expression), place = 1, depth = 0,
    fields = {}, elements = {}, -- which closures are of a name alone, and which of an element
  }, Parser)
  local evaluate = self:parse(0)
  if self:kind() ~= "end" then self:unexpected() end
  return evaluate
end

return parser
