-- Whatever the expression, a search returns a JSON value, or nil with a message
-- and a known code; and the same again from the cache. Every value can be printed in
-- every format, but for lists of maps and others as text or in a table.

local jmespath = require "eni6.jmespath"
local json = require "eni6.jmespath.json"
local mutate = require "support.mutate"
local output = require "eni6.cli.output"
local values = require "eni6.jmespath.values"

local CODES = {
  syntax = true, ["unknown-function"] = true, ["invalid-arity"] = true, ["invalid-type"] = true, ["invalid-value"] = true,
}

local document = {
  Reservations = {
    { Instances = { { InstanceId = "i-1", State = { Name = "running" }, Tags = {} }, { InstanceId = "i-2" } } },
    { Instances = {} },
  },
  a = { b = { 1, 2.5, -3, 0 }, c = "日本é", d = jmespath.null, e = false, ["f g"] = values.new_object() },
  l = { { k = "x", n = 3 }, { k = "é", n = 1 }, { k = "x", n = 2 } },
}

local function printed(format, expression)
  local parts = {}
  local options = { operation = "DescribeVpcs", query = expression }
  local printer = output.new(format, function(text) parts[#parts + 1] = text end, options)
  local ok, message, code = printer:page(document)
  if ok then ok, message, code = printer:finish() end
  assert(ok or code == "mixed" and message and (format == "text" or format == "table"), code)
  return table.concat(parts)
end

local function check_printing(expression, result)
  for _, format in ipairs(output.FORMATS) do
    local text = printed(format, expression)
    local is_small = #text < 2000 and not text:find "nan" and not text:find "NaN" and not text:find "Infinity"
    if format == "json" and text ~= "" and is_small then assert(values.equal(json.decode(text), result), text) end
  end
end

local function check(expression)
  local result, message, code = jmespath.search(expression, document)
  if message then
    assert(result == nil and type(message) == "string" and CODES[code], code)
  else
    assert(values.kind(result) ~= "unknown" and values.kind(result) ~= "expref")
    assert(values.equal(result, (jmespath.search(expression, document))) or values.encode(result):find "NaN")
    check_printing(assert(jmespath.compile(expression)), result)
  end
  return message == nil
end

mutate.run("jmespath", {
  "Reservations[].Instances[?State.Name=='running'][].InstanceId | [0]", "length(Reservations[]) > `0`", "a.{x: b[::-1], y: c}",
  "sort_by(l, &n)[*].[k, n]", "max_by(l, &n).k || 'none'", "map(&to_string(@), a.b[?@ > `0`])", "a.*", '"a"."f g" == `{}`',
  "!a.e && not_null(a.d, `\"\\ud83d\\ude00\"`)", "join(', ', keys(merge(a, `{\"z\": [null, true, 1e3]}`)))", "l[1:-1:1].k | [][]",
  "contains(a.c, '本') && reverse(a.c)", "sum(a.b) / 1", "type(@)", "*.*", "[a, l][]",
  "{same: l, again: l, none: `[]`}", "to_number(a.c) || to_number('1_0.5')", "Reservations[].Instances[0].[InstanceId, Tags]",
  "[`{\"z\": 1, \"é\": [\"a\\nb \", 1e300]}`, a]", "avg(a.b)", "(length)('x' )", "l[0][1:].k", "`1` < 'a'", "not_null(`null`, @)",
}, {
  "[", "]", "[?", "[]", "[*]", "{", "}", "(", ")", "|", "||", "&&", "&", "!", "==", "<", "`", "'", '"', "\\", "\\u", ".",
  "*", "@", ",", ":", "[::0]", "[-1]", "[99999999999999999999:]", "`NaN`", "'nan'", "to_number(",
  "merge(", "not_null(&", "`\n'`", "' '", "\127", "\255", "`[1]`", "'x'", "sort(", "abs(", "nope(", "a", "l",
  ("("):rep(250), ("a."):rep(250),
}, check)
