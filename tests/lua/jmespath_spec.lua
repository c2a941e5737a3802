local jmespath = require "eni6.jmespath"
local json = require "eni6.jmespath.json"
local oracle = require "support.oracle"
local values = require "eni6.jmespath.values"

local USUAL_SEED = 47
local COUNT, SEED = tonumber(os.getenv "COUNT") or 5000, tonumber(os.getenv "SEED") or USUAL_SEED
local null = jmespath.null

local function found(expression, document)
  local result, message = jmespath.search(expression, document)
  assert.is_nil(message)
  return result
end

local function refused(expression, document, code, pattern)
  local result, message, got = jmespath.search(expression, document)
  assert.is_nil(result)
  assert.equal(code, got, message)
  assert.truthy(message:find(pattern, 1, true), message)
end

describe("jmespath", function()
  it("finds what AWS's waiters and the published workflow ask for", function()
    local answer = {
      Reservations = {
        {
          Instances = {
            { InstanceId = "i-1", State = { Name = "running" } },
            { InstanceId = "i-2", State = { Name = "pending" } },
          },
        },
        { Instances = { { InstanceId = "i-3", State = { Name = "running" } } } },
      },
    }
    assert.same({ "running", "pending", "running" }, found("Reservations[].Instances[].State.Name", answer))
    assert.is_true(found("length(Reservations[]) > `0`", answer))
    assert.is_false(found("length(Reservations[]) > `0`", { Reservations = {} }))
    assert.equal("i-1", found("Reservations[0].Instances[0].InstanceId", answer))
    assert.same({ "i-1", "i-3" }, found("Reservations[].Instances[?State.Name==`running`][].InstanceId", answer))
    assert.same({ { id = "i-2" } }, found("Reservations[].Instances[?State.Name=='pending'].{id: InstanceId} | [0]", answer))
  end)

  it("keeps null, false and empty apart", function()
    local document = { no = false, none = null, empty = {}, nothing = values.new_object(), text = "" }
    assert.is_false(found("no", document))
    assert.is_nil(found("none", document))
    assert.is_nil(found("absent", document))
    assert.same({ false, null, null, {} }, found("[no, none, absent, empty]", document))
    assert.equal(null, found("{a: absent}", document).a)
    assert.same({ "array", "object", "null", "boolean" }, found("[type(empty), type(nothing), type(none), type(no)]", document))
    assert.same({ "array", "object" }, found("[type(`[]`), type(`{}`)]", {}))
    assert.equal('{"b":{},"c":null,"a":[]}', found("to_string(`{\"b\": {}, \"c\": null, \"a\": []}`)"))
    assert.same({ false }, found("[*]", { null, false, null }))
    assert.is_nil(found("@", null))
    assert.same({}, found("empty[]", document))
    assert.is_nil(found("nothing[]", document))
  end)

  it("knows dkjson's marks and tells tables without them apart by what they hold", function()
    assert.equal("array", found("type(@)", setmetatable({}, { __jsontype = "array" })))
    assert.equal("object", found("type(@)", setmetatable({ "a" }, { __jsontype = "object" })))
    assert.equal("array", found("type(@)", { "a", n = 1 }))
    assert.equal("object", found("type(@)", { n = 1 }))
    assert.equal("unknown", found("type(@)", print))
    assert.equal("array", found("type(@)", setmetatable({ 1 }, { __metatable = "locked" })))
  end)

  it("binds && before ||, and comparisons before both", function()
    assert.equal("c", found("`true` && 'c' || 'd'"))
    assert.equal("a", found("'a' || `false` && `false`"))
    assert.is_true(found("`1` == `2` || `3` != `4`"))
    assert.is_false(found("!`1` == `true` && `true`"))
    assert.equal(2, found("a | b || c", { a = { c = 2 }, c = 3 }))
  end)

  it("counts characters", function()
    assert.equal(3, found("length('日本é')"))
    assert.equal(2, found("length(@)", "\255\254"))
    assert.equal("é本日", found("reverse('日本é')"))
    assert.is_true(found("'é' > 'z'"))
  end)

  it("refuses by kind, with the place", function()
    refused("", {}, "syntax", "ends too early, at column 1")
    refused(" ", {}, "syntax", "ends too early")
    refused("a.b[", {}, "syntax", "ends too early, at column 5 of the JMESPath expression a.b[")
    refused("a b", {}, "syntax", "unexpected name b, at column 3")
    refused("foo(,a)", {}, "syntax", "unexpected ,")
    refused("foo(a", {}, "syntax", "ends too early")
    refused("{a: b,}", {}, "syntax", "expected a name")
    refused("{a: b ] c: d}", {}, "syntax", "expected a name")
    refused("&a", {}, "syntax", "unexpected &")
    refused("(&a)", {}, "syntax", "unexpected &")
    refused("map((&a, @)", {}, "syntax", "expected )")
    refused("map((&a).b, @)", {}, "syntax", "unexpected")
    assert.same({ 1, 2 }, found("map(((&a)), @)", { { a = 1 }, { a = 2 } }))
    refused("not_null(&a)", {}, "invalid-type", "not_null() takes a value, not expref")
    refused('"length"(a)', {}, "syntax", "a function's name has no quotes")
    refused("a[0](b)", {}, "syntax", "only a name can be called")
    refused("(@.length)(a)", {}, "syntax", "only a name can be called")
    refused("a[:1:2:]", {}, "syntax", "unexpected :")
    refused("'a", {}, "syntax", "the string is not closed, at column 1")
    refused("a == `\"b`", {}, "syntax", "neither JSON nor a string")
    refused("a[0", {}, "syntax", "too early")
    refused("a[0 1]", {}, "syntax", "expected ]")
    refused("a[]b", {}, "syntax", "unexpected name b")
    refused('"a\9b"', {}, "syntax", "escape as JSON does")
    refused('"a\\q"', {}, "syntax", "escape as JSON does")
    refused("\"a\tb\"", {}, "syntax", "escape as JSON does")
    refused("a-b", {}, "syntax", "this sign means nothing here, at column 2")
    refused("lenght(a)", {}, "unknown-function", "there is no function lenght()")
    refused("a || lenght(a)", {}, "unknown-function", "lenght")
    refused("lenght(abs('a'))", {}, "invalid-type", "abs() takes number")
    refused("length()", {}, "invalid-arity", "length() takes 1 argument, not 0")
    refused("not_null()", {}, "invalid-arity", "not_null() takes at least 1 argument, not 0")
    refused("a[::0]", { a = { 1 } }, "invalid-value", "step cannot be 0")
    refused("`1` < 'a'", {}, "invalid-type", "< cannot tell the order of a number and a string")
    refused("contains('a', `1`)", {}, "invalid-type", "contains() takes string, not number")
    refused("length(a)", {}, "invalid-type", "length() takes string or array or object, not null")
    refused("sum(@)", { 1, "2" }, "invalid-type", "sum() takes array of number, not an array of number and string")
    refused("sort(@)", { {} }, "invalid-type", "sort() takes array of string or array of number, not an array of array")
    refused("sort_by(@, &a)", { { a = 1 }, { a = "2" } }, "invalid-type", "not by string beside a number")
    refused("merge(@, `1`)", { a = 1 }, "invalid-type", "merge() takes object, not number")
  end)

  it("allows what jmespath.py allows", function()
    assert.equal(1, found("a || lenght(a)", { a = 1 }))
    assert.is_nil(found("a[::0]", { a = "text" }))
    assert.same({ a = 1, b = 2 }, found("{a: `1` b: `2`}", {}))
    assert.is_true(found("starts_with('abc' 'ab',)"))
    assert.equal(2, found("(length)('ab')"))
    assert.same({ 1, 2 }, found("a[0][:2]", { a = { { 1, 2, 3 } } }))
    assert.is_nil(found("a[0][:2].b", { a = { { { b = 1 } } } }))
    assert.same({ 1 }, found("a[:2].b", { a = { { b = 1 } } }))
    assert.same({ 1 }, found("(@.a[0])[:2].b", { a = { { { b = 1 } } } }))
    assert.is_true(found("contains(`[1]`, `true`)"))
    assert.is_true(found("contains(`[false]`, `0`)"))
    assert.same({ null, 1, null, null }, found("[to_number('+-1'), to_number(' +1 '), to_number('1__0'), to_number('e5')]", {}))
    assert.is_false(found("`1` == `true`"))
    assert.is_true(found("`[1]` == `[true]`"))
  end)

  it("keeps the order of keys", function()
    local document = json.decode '{"z": 1, "a": {"y": 2, "b": 3}}'
    assert.same({ "z", "a" }, found("keys(@)", document))
    assert.same({ 2, 3 }, found("a.*", document))
    assert.same({ "y", "b", "z", "a" }, found("keys(merge(a, @))", document))
    assert.same({ "q", "b" }, found("keys({q: z, b: z, q: a})", document))
    assert.same({ "a", "z" }, found("keys(@)", { z = 1, a = 1 }))
    assert.equal('{"b":3,"a":2}', found('to_string(`{"b": 1, "a": 2, "b": 3}`)'))
    assert.equal('{"q":{"y":2,"b":3},"b":1,"r":null}', found("to_string({q: a, b: z, r: none})", document))
  end)

  it("escapes in ASCII as Python does", function()
    assert.equal('["\\u00e9\\ud83d\\ude00\\\"\\\\\\n\\u0001\\u007f\\udcff"]', found("to_string(@)", { "é😀\"\\\n\1\127\255" }))
  end)

  it("refuses a document that nests without end, where that matters", function()
    local document = {}
    document.a = document
    assert.equal(document, found("a.a.a", document))
    refused("to_string(@)", document, "invalid-value", "the document nests too deep")
    local other = {}
    other.a = other
    refused("[0] == [1]", { document, other }, "invalid-value", "the document nests too deep")
  end)

  it("raises for an expression that is no string", function()
    assert.has_error(function() jmespath.search(nil, {}) end, "a JMESPath expression is a string")
  end)

  it("limits nesting", function()
    for _, expression in ipairs {
      ("("):rep(20000), ("!"):rep(20000) .. "a", ("a."):rep(20000) .. "a", ("["):rep(20000), ("a|"):rep(20000) .. "a",
      "a" .. ("[0]"):rep(20000), ("a||"):rep(20000) .. "a", ("abs("):rep(20000), "a" .. ("[?a"):rep(20000),
      "`" .. ("["):rep(20000) .. "`", "`" .. ('{"a":'):rep(20000) .. "`", ("[]"):rep(20000),
      '`["\\"\\\\", ' .. ("["):rep(20000) .. ("]"):rep(20000) .. ', "a"]`',
    } do
      local _, message, code = jmespath.search(expression, {})
      assert.equal("syntax", code)
      assert.truthy(message:find("nests too deep", 1, true))
      assert.is_true(#message < 500)
    end
    assert.equal(1, found(("("):rep(900) .. "`1`" .. (")"):rep(900)))
    assert.is_table(found("`" .. ("["):rep(50) .. ("]"):rep(50) .. "`"))
  end)

  it("compiles an expression once, and forgets after many others", function()
    local compiled = assert(jmespath.compile "a.b")
    assert.equal(compiled, jmespath.compile "a.b")
    assert.equal(5, compiled:search { a = { b = 5 } })
    local kept = setmetatable({ compiled }, { __mode = "v" })
    compiled = nil -- luacheck: ignore
    for i = 1, 1000 do jmespath.compile("a" .. i) end
    collectgarbage()
    assert.is_nil(kept[1])
  end)

  it("lets another error through", function()
    local document = setmetatable({ a = 1 }, { __index = function() error("interrupted!", 0) end })
    local ok, message = pcall(jmespath.search, "b", document)
    assert.is_false(ok)
    assert.equal("interrupted!", message)
  end)

  -- Results as texts: keys in the same order, floats as floats.
  it("agrees with jmespath.py", function()
    local kinds = {}
    for _, case in ipairs(oracle.cases("jmespath_cases.py", COUNT, SEED)) do
      local document = json.decode(case.document)
      local got, message, code = jmespath.search(case.expression, document)
      local about = string.format("%s of %s: %s", case.expression, case.document, tostring(message))
      assert.equal(case.error, code, about)
      if not case.error then assert.equal(case.result, values.encode(got), about) end
      kinds[case.error or "none"] = (kinds[case.error or "none"] or 0) + 1
    end
    if SEED ~= USUAL_SEED then return end -- another may miss the rarest kinds
    for _, kind in ipairs { "none", "syntax", "invalid-type", "invalid-arity", "invalid-value", "unknown-function" } do
      assert.is_true((kinds[kind] or 0) > 5, kind)
    end
  end)
end)
