--- The AWS CLI's shorthand for structures and lists of them: `Name=a,Values=b,c`, `A={B=c,D=[e,f]}`, `Name='x, y'`
-- (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html), and `Key@=file://…`, which takes a value
-- from a file.

local problem = require "eni6.cli.problem"

local shorthand = {}

local DEEPEST = 100 -- nested braces; no shape of EC2 has more than ten levels

-- Bytes that the unquoted values of the AWS CLI's grammar are made of. Characters beyond U+FFFF, whose first bytes are
-- F0 and up, are not among them; all other bytes above 7F are.
local WORD_START = "^[!#-&(-+--<>-Z\\-z|-\239]"
local FIRST_FOLLOW = "^[%s\28-\31!#-&(-+--\\^-|~-\239]"
local SECOND_FOLLOW = "^[%s\28-\31!#-&(-+--<>-\239]"

-- The metatable of what is written with braces, so that an empty one is no list; dkjson knows it too.
local OBJECT = { __jsontype = "object" }

local function character_at(text, at)
  local character = text:match("^[^\128-\191][\128-\191]*", at) or text:sub(at, at)
  return character == "" and "EOF" or character
end

-- The input with a caret below the place, as the AWS CLI shows it.
local function pointed(text, at)
  local line_start = 0
  for newline in text:sub(1, at - 1):gmatch("()\n") do line_start = newline end
  local line_end = text:find("\n", at, true) or #text + 1
  local column = utf8.len(text, line_start + 1, at - 1) or at - line_start - 1
  return text:sub(1, line_end - 1) .. "\n" .. (" "):rep(column) .. "^" .. text:sub(line_end)
end

local function fail_expected(state, expected, received)
  problem.raise(problem.USAGE, "Expected: '%s', received: '%s' for input:\n%s", expected,
    received or character_at(state.text, state.at), pointed(state.text, state.at))
end

local function current(state) return state.text:sub(state.at, state.at) end

local function skip_space(state) state.at = state.text:find("[^ \t\n\r\v\f]", state.at) or #state.text + 1 end

local function expect(state, character, spaced)
  if spaced then skip_space(state) end
  if current(state) ~= character then fail_expected(state, character) end
  state.at = state.at + 1
  if spaced then skip_space(state) end
end

-- An unquoted value, empty if none begins here. `\,` is a comma.
local function word(state, follow)
  local text, from, at = state.text, state.at, state.at
  local class = WORD_START
  while true do
    if text:sub(at, at + 1) == "\\," then
      at = at + 2
    elseif text:find(class, at) then
      at = at + 1
    else
      break
    end
    class = follow
  end
  state.at = at
  return (text:sub(from, at - 1):gsub("\\,", ","):gsub("[%s\28-\31]+$", ""))
end

-- Where a quoted value ends: at the first quote that no backslash escapes or, failing that, at the last of all.
local function closing_quote(text, from, quote)
  local at, last = from + 1, nil
  while at <= #text do
    local character = text:sub(at, at)
    if character == quote then return at end
    if character == "\\" then
      at = at + 1
      if text:sub(at, at) == quote then last = at end
      if text:sub(at, at) ~= quote and text:sub(at, at) ~= "\\" then at = at - 1 end
    end
    at = at + 1
  end
  return last
end

local function quoted(state, quote)
  local stop = closing_quote(state.text, state.at, quote)
  if not stop then fail_expected(state, quote == "'" and "<singled quoted>" or "<double quoted>", "<none>") end
  local value = state.text:sub(state.at + 1, stop - 1)
  state.at = stop + 1
  return (value:gsub("\\" .. quote, quote):gsub("\\\\", "\\"))
end

local function first_value(state)
  local quote = current(state)
  if quote == "'" or quote == '"' then return quoted(state, quote) end
  return word(state, FIRST_FOLLOW)
end

-- A value behind a comma, if there is one: in `a=b,c=d` there is none, since c is a key.
local function second_value(state)
  local quote = current(state)
  local value
  if quote == "'" or quote == '"' then
    if not closing_quote(state.text, state.at, quote) then return nil end
    value = quoted(state, quote)
  else
    local from = state.at
    value = word(state, SECOND_FOLLOW)
    if state.at == from then return nil end
  end
  skip_space(state)
  local next_one = current(state)
  return (next_one == "" or next_one == ",") and value or nil
end

-- The comma in front of what turned out to be a key.
local function last_comma(state)
  local at = state.at
  while state.text:byte(at) ~= 44 do at = at - 1 end
  return at
end

-- `b` is "b", `b,c` is { "b", "c" }; a comma that a key follows is left to the caller.
local function comma_values(state)
  local value = first_value(state)
  skip_space(state)
  if current(state) ~= "," then return value end
  local list = { value }
  while true do
    expect(state, ",", true)
    local more = second_value(state)
    if not more then
      if state.at > #state.text then fail_expected(state, "<second>", "<none>") end
      state.at = last_comma(state)
      return #list == 1 and value or list
    end
    list[#list + 1] = more
    if current(state) == "" then return list end
  end
end

local nested

local function key_of(state)
  local key = state.text:match("^[%w%-_.#/:]*", state.at)
  state.at = state.at + #key
  return key
end

-- `=`, or `@=`: the value names a file. Returns what makes the value of what is written.
local function assignment(state)
  skip_space(state)
  local from_file = state.from_file and current(state) == "@"
  if from_file then state.at = state.at + 1 end
  expect(state, "=", true)
  if from_file then return state.from_file end
  return function(value) return value end
end

local function deeper(state, read)
  state.depth = state.depth + 1
  if state.depth > DEEPEST then problem.raise(problem.USAGE, "More than %d brackets inside of each other", DEEPEST) end
  local value = read(state)
  state.depth = state.depth - 1
  return value
end

-- Items between two brackets, with commas between them.
local function bracketed(state, open, close, item)
  expect(state, open, true)
  while current(state) ~= close do
    item()
    skip_space(state)
    if current(state) ~= close then
      expect(state, ",")
      skip_space(state)
    end
  end
  expect(state, close)
end

local function list_of(state)
  local list = {}
  bracketed(state, "[", "]", function() list[#list + 1] = nested(state) end)
  return list
end

local function hash_of(state)
  local hash = setmetatable({}, OBJECT)
  bracketed(state, "{", "}", function()
    local key = key_of(state)
    local made = assignment(state)
    hash[key] = made(nested(state))
  end)
  return hash
end

function nested(state)
  local open = current(state)
  if open == "[" then return deeper(state, list_of) end
  if open == "{" then return deeper(state, hash_of) end
  return first_value(state)
end

local function top_value(state)
  local open = current(state)
  if open == "[" or open == "{" then return nested(state) end
  return open == "" and "" or comma_values(state)
end

local function twice(state, key, at)
  problem.raise(problem.USAGE, 'Second instance of key "%s" encountered for input:\n%s\n'
    .. 'This is often because there is a preceding "," instead of a space.', key, pointed(state.text, at))
end

local function parameter(state)
  local params, last = setmetatable({}, OBJECT), state.at
  repeat
    if next(params) ~= nil then expect(state, ",", true) end
    local key = key_of(state)
    local made = assignment(state)
    local value = made(top_value(state))
    if params[key] ~= nil then twice(state, key, last + 1) end
    params[key], last = value, state.at
  until state.at > #state.text
  return params
end

--- Parses shorthand without knowing what it is for: values are texts, lists and tables of them.
---@param text string
---@param from_file nil|fun(value: any): any  what `@=` makes of its value; without it there is no `@=`
---@return table|nil
---@return string|nil message points at the place
---@return integer|nil status of `eni6.cli.problem`
function shorthand.parse(text, from_file)
  return problem.protect(parameter, { text = text, at = 1, depth = 0, from_file = from_file })
end

return shorthand
