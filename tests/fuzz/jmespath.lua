-- Whatever the expression, a search returns a JSON value, or nil with a message
-- and a known code; and the same again from the cache.

local jmespath = require "eni6.jmespath"
local mutate = require "support.mutate"
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

local function check(expression)
  local result, message, code = jmespath.search(expression, document)
  if message then
    assert(result == nil and type(message) == "string" and CODES[code], code)
  else
    assert(values.kind(result) ~= "unknown" and values.kind(result) ~= "expref")
    assert(values.equal(result, (jmespath.search(expression, document))) or values.encode(result):find "nan")
  end
  return message == nil
end

mutate.run("jmespath", {
  "Reservations[].Instances[?State.Name=='running'][].InstanceId | [0]", "length(Reservations[]) > `0`", "a.{x: b[::-1], y: c}",
  "sort_by(l, &n)[*].[k, n]", "max_by(l, &n).k || 'none'", "map(&to_string(@), a.b[?@ > `0`])", "a.*", '"a"."f g" == `{}`',
  "!a.e && not_null(a.d, `\"\\ud83d\\ude00\"`)", "join(', ', keys(merge(a, `{\"z\": [null, true, 1e3]}`)))", "l[1:-1:1].k | [][]",
  "contains(a.c, '本') && reverse(a.c)", "sum(a.b) / 1", "type(@)", "*.*", "[a, l][]",
}, {
  "[", "]", "[?", "[]", "[*]", "{", "}", "(", ")", "|", "||", "&&", "&", "!", "==", "<", "`", "'", '"', "\\", "\\u", ".",
  "*", "@", ",", ":", "[::0]", "[-1]", "[99999999999999999999:]", "`[1]`", "'x'", "sort(", "abs(", "nope(", "a", "l",
  ("("):rep(250), ("a."):rep(250),
}, check)
