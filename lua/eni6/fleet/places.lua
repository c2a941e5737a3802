--- Where in its file each field of a plan stands. A Lua table has no line
-- numbers, so the text is read a second time: LPeg cuts it into tokens, and the
-- table constructor that the file returns is followed field by field. What the
-- file computes (a loop, a function's result) has no place of its own.

local lpeg = require("eni6.rocks").need "lpeg"

local P, R, S, C, Cp, Ct, Cc = lpeg.P, lpeg.R, lpeg.S, lpeg.C, lpeg.Cp, lpeg.Ct, lpeg.Cc

local places = {}

local function long_bracket()
  local open = P"[" * lpeg.Cg(P"="^0, "level") * P"["
  local close = P"]" * C(P"="^0) * P"]"
  local matching = lpeg.Cmt(close * lpeg.Cb("level"), function(_, _, found, level) return found == level end)
  return open * (1 - matching)^0 * matching / 0
end

local function quoted(quote)
  return P(quote) * (P"\\" * 1 + (1 - S(quote .. "\n")))^0 * P(quote)
end

local function grammar()
  local long = long_bracket()
  local comment = P"--" * (long + (1 - P"\n")^0)
  local blank = (S" \t\r\n\f\v" + comment)^0
  local letter = R("az", "AZ") + P"_"
  local name = letter * (letter + R"09")^0
  local number = R"09" * (S"eEpP" * S"+-" + R("09", "az", "AZ") + P".")^0
  local text = quoted('"') + quoted("'")
  local symbol = P"..." + P".." + P"::" + P"==" + P"~=" + P"<=" + P">=" + P"//" + P"<<" + P">>" + P(1)
  local function token(kind, pattern) return Ct(Cc(kind) * Cp() * C(pattern)) end
  local any = token("string", text) + token("string", long) + token("name", name)
    + token("number", number) + token("symbol", symbol)
  return P"#!"^-1 * Ct(blank * (any * blank)^0) * -1
end

local source = require("eni6.pattern").ready(grammar())

-- Adds to each token { kind, position, text } the line that it starts on.
local function number_lines(tokens, text)
  local line, position = 1, 1
  for _, token in ipairs(tokens) do
    for _ in text:sub(position, token[2] - 1):gmatch("\n") do line = line + 1 end
    position, token.line = token[2], line
  end
end

local OPENS = { ["("] = true, ["{"] = true, ["["] = true, ["function"] = true, ["if"] = true,
  ["do"] = true, ["repeat"] = true }
local CLOSES = { [")"] = true, ["}"] = true, ["]"] = true, ["end"] = true, ["until"] = true }

local function depth_change(token)
  if token[1] == "string" then return 0 end
  return OPENS[token[3]] and 1 or CLOSES[token[3]] and -1 or 0
end

-- Adds to each opening bracket or keyword the index of the token that closes it.
local function match_brackets(tokens)
  local open = {}
  for i, token in ipairs(tokens) do
    local change = depth_change(token)
    if change > 0 then open[#open + 1] = token end
    if change < 0 and #open > 0 then table.remove(open).closed_at = i end
  end
end

-- The index of the token after the expression that starts at `at`: a separator
-- or the closing brace of the constructor around it.
local function after_expression(tokens, at)
  while tokens[at] do
    local text = tokens[at][3]
    if text == "," or text == ";" or text == "}" then return at end
    at = (tokens[at].closed_at or at) + 1
  end
  return at
end

local function text_at(tokens, at)
  local token = tokens[at]
  return token and token[1] ~= "string" and token[3] or nil
end

--- The path of a field below `path`: `hosts[1].block`.
---@param path string  "" for the table itself
---@param key string|integer|any
---@return string
function places.join(path, key)
  if type(key) == "string" and key:match("^[%a_][%w_]*$") then
    return path == "" and key or path .. "." .. key
  end
  return string.format(type(key) == "string" and "%s[%q]" or "%s[%s]", path, type(key) == "string" and key or tostring(key))
end

-- The key written at `at` (`name =`, `["name"] =`, `[1] =`) and the index of its value.
local function key_at(tokens, at)
  if tokens[at][1] == "name" and text_at(tokens, at + 1) == "=" then return tokens[at][3], at + 2 end
  if text_at(tokens, at) == "[" and text_at(tokens, at + 2) == "]" and text_at(tokens, at + 3) == "=" then
    local token = tokens[at + 1]
    local key = token[1] == "number" and tonumber(token[3]) or token[1] == "string" and token[3]:sub(2, -2)
    return key or nil, at + 4
  end
end

local read_constructor

-- Notes the value at `at` under `path`; returns the index after it.
local function read_value(tokens, at, path, found)
  local after = after_expression(tokens, at)
  if text_at(tokens, at) == "{" and tokens[at].closed_at == after - 1 then
    read_constructor(tokens, at, path, found)
  end
  return after
end

-- Notes the fields of the constructor whose brace is at `at`.
function read_constructor(tokens, at, path, found)
  local count = 0
  at = at + 1
  while tokens[at] and text_at(tokens, at) ~= "}" do
    local line = tokens[at].line
    local key, value = key_at(tokens, at)
    if not key then
      count = count + 1
      key, value = count, value or at
    end
    local below = places.join(path, key)
    found[below] = line
    at = read_value(tokens, value, below, found)
    if text_at(tokens, at) ~= "}" then at = at + 1 end
  end
end

-- The index of the brace of the table that the file returns: of `return {`, or
-- of `local plan = {` where the file ends in `return plan`.
local function returned_table(tokens)
  local depth, at, locals = 0, nil, {}
  for i, token in ipairs(tokens) do
    if depth == 0 and token[1] == "name" then
      if token[3] == "return" then at = i + 1 end
      if token[3] == "local" and text_at(tokens, i + 2) == "=" then locals[tokens[i + 1][3]] = i + 3 end
    end
    depth = depth + depth_change(token)
  end
  if at and text_at(tokens, at) ~= "{" then at = locals[text_at(tokens, at)] end
  return at and text_at(tokens, at) == "{" and at or nil
end

--- Maps the field paths of the table that a Lua file returns to lines.
---@param text string  the file, which must be valid Lua
---@return table<string, integer>  `["hosts[1].block"] = 9`; the table itself under ""; computed fields are absent
function places.find(text)
  local tokens = source:match(text) or {}
  number_lines(tokens, text)
  match_brackets(tokens)
  local found = {}
  local at = returned_table(tokens)
  if at then
    found[""] = tokens[at].line
    read_constructor(tokens, at, "", found)
  end
  return found
end

return places
