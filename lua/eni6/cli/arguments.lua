--- Takes a command line apart as Python's argparse does for the AWS CLI: options anywhere among words, `--name value` and
-- `--name=value`, unambiguous beginnings of names, and words that nobody asked for handed back.

local problem = require "eni6.cli.problem"

local arguments = {}

---@class eni6.cli.Option
---@field name string          without the dashes
---@field dest string|nil      where its value goes, instead of under its name with underscores
---@field takes string|nil     "one" value (nil is the same), "any" number of them, "maybe" one, "none"
---@field value any            what is stored where there is none
---@field convert nil|fun(text: string): any   nil for a text that is not one
---@field expects string|nil   what `convert` wants, as argparse names it
---@field choices string[]|nil
---@field required boolean|nil

arguments.USAGE = [[
aws [options] <command> <subcommand> [<subcommand> ...] [parameters]
To see help text, you can run:

  aws help
  aws <command> help
  aws <command> <subcommand> help
]]

local function usage_error(format, ...)
  problem.raise(problem.USAGE, "usage: %s\n\naws: error: %s", arguments.USAGE, string.format(format, ...))
end

--- The key of an option's value.
---@param option eni6.cli.Option
---@return string
function arguments.dest(option) return option.dest or (option.name:gsub("%-", "_")) end

local function fail(option, message) usage_error("argument --%s: %s", option.name, message) end

-- The options whose names begin so; an exact name counts alone.
local function candidates(options, beginning)
  local found = {}
  for _, option in ipairs(options) do
    if option.name == beginning then return { option } end
    if option.name:sub(1, #beginning) == beginning then found[#found + 1] = option end
  end
  return found
end

local function ambiguous(word, found)
  local shown = {}
  for i, option in ipairs(found) do shown[i] = "--" .. option.name end
  usage_error("ambiguous option: %s could match %s", word, table.concat(shown, ", "))
end

-- Whether a word stands where a value can, though it begins with a dash: negative numbers, texts with spaces.
local function is_value(word)
  return word:sub(1, 1) ~= "-" or word == "-" or word:find("^%-%d+$") or word:find("^%-%d*%.%d+$")
end

-- What a word is: { option =, explicit = } for one that begins with a dash, nil for a plain one.
local function classify(options, word)
  if word:sub(1, 1) ~= "-" or word == "-" then return nil end
  local name, explicit = word:match("^%-%-([^=]*)=(.*)$")
  name = name or word:match("^%-%-(.+)$")
  local found = name and candidates(options, name) or {}
  if #found > 1 then ambiguous(word, found) end
  if found[1] then return { option = found[1], explicit = explicit } end
  if is_value(word) or word:find(" ", 1, true) then return nil end
  return {}
end

local function classify_all(options, words)
  local classes, literal = {}, false
  for i, word in ipairs(words) do
    if literal then
      classes[i] = false
    elseif word == "--" then
      classes[i], literal = { separator = true }, true
    else
      classes[i] = classify(options, word) or false
    end
  end
  return classes
end

local function check_choice(option, value)
  for _, choice in ipairs(option.choices) do
    if value == choice then return end
  end
  arguments.invalid_choice("argument --" .. option.name, value, option.choices)
end

local function converted(option, text)
  local value = text
  if option.convert then
    value = option.convert(text)
    if value == nil then fail(option, "invalid " .. option.expects .. " value: '" .. text .. "'") end
  end
  if option.choices then check_choice(option, value) end
  return value
end

local function converted_all(option, texts)
  local values = {}
  for i, text in ipairs(texts) do values[i] = converted(option, text) end
  return values
end

local MOST = { one = 1, any = math.huge, maybe = 1, none = 0 }

-- The plain words behind an option that are its values, and where they end.
local function values_behind(state, at, most)
  local texts = {}
  while #texts < most and state.classes[at] == false do
    texts[#texts + 1] = state.words[at]
    at = at + 1
  end
  return texts, at
end

local function store(state, option, texts)
  local takes = option.takes or "one"
  local value
  if takes == "any" then
    value = converted_all(option, texts)
  elseif takes == "none" or #texts == 0 then
    value = option.value
  else
    value = converted(option, texts[1])
  end
  state.parsed[arguments.dest(option)] = value
  state.seen[option] = true
end

-- Takes the option at `at`; returns where to go on.
local function take_option(state, at)
  local class = state.classes[at]
  local option = class.option
  if not option then
    if not class.separator then state.rest[#state.rest + 1] = state.words[at] end
    return at + 1
  end
  local takes = option.takes or "one"
  local texts, behind
  if class.explicit then
    if takes == "none" then fail(option, "ignored explicit argument '" .. class.explicit .. "'") end
    texts, behind = { class.explicit }, at + 1
  else
    texts, behind = values_behind(state, at + 1, MOST[takes])
  end
  if takes == "one" and #texts == 0 then fail(option, "expected one argument") end
  store(state, option, texts)
  return behind
end

local function take_word(state, at)
  if state.positional and state.word == nil then
    state.word = state.words[at]
  else
    state.rest[#state.rest + 1] = state.words[at]
  end
  return at + 1
end

local function check_required(state, options)
  local missing = {}
  for _, option in ipairs(options) do
    if option.required and not state.seen[option] then missing[#missing + 1] = "--" .. option.name end
  end
  if state.positional and state.positional ~= "help" and state.word == nil then missing[#missing + 1] = state.positional end
  if #missing > 0 then
    usage_error("the following arguments are required: %s", table.concat(missing, ", "))
  end
end

--- Raises the AWS CLI's complaint about a word that is none of some choices.
---@param place string
---@param value string
---@param choices string[]
function arguments.invalid_choice(place, value, choices)
  local suggest = require "eni6.suggest"
  local lines = { place .. ": Invalid choice, valid choices are:\n" }
  for i = 1, #choices, 2 do
    local second = choices[i + 1]
    lines[#lines + 1] = string.format("%-40s", choices[i]) .. (second and string.format(" | %-40s", second) or "")
  end
  local near = suggest.nearest(value, choices)
  if near then lines[#lines + 1] = "\n\nInvalid choice: '" .. value .. "', maybe you meant:\n\n  * " .. near end
  usage_error("%s", table.concat(lines, "\n"))
end

--- Takes words apart. Raises a problem.
---@param options eni6.cli.Option[]
---@param words string[]
---@param positional string|nil the name of the one word that is wanted too; "help" need not come
---@return table<string, any> parsed values by their options' keys
---@return string[] rest            what is left, in order
---@return string|nil word          the positional
function arguments.parse(options, words, positional)
  local state = {
    words = words, classes = classify_all(options, words), positional = positional, parsed = {}, seen = {}, rest = {},
  }
  local at = 1
  while at <= #words do
    at = state.classes[at] and take_option(state, at) or take_word(state, at)
  end
  check_required(state, options)
  return state.parsed, state.rest, state.word
end

return arguments
