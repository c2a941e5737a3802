-- Whatever a server answers, decoding it returns a table that the model allows,
-- or nil with a message and a known code.

local model = require "eni6.aws.model"
local mutate = require "support.mutate"
local xml = require "eni6.aws.xml"

local CODES = { EmptyResponse = true, HTMLResponse = true, TruncatedResponse = true, InvalidResponse = true }

local IS = {
  string = function(value) return type(value) == "string" end,
  timestamp = function(value) return type(value) == "string" end,
  blob = function(value) return type(value) == "string" end,
  integer = function(value) return math.type(value) == "integer" end,
  double = function(value) return type(value) == "number" end,
  boolean = function(value) return type(value) == "boolean" end,
  list = function(value) return type(value) == "table" end,
  structure = function(value) return type(value) == "table" end,
}

local function conforms(shape, value)
  assert(IS[shape.kind](value), shape.kind .. ": " .. type(value))
  if shape.kind == "list" then
    local count = 0
    for _, element in pairs(value) do
      conforms(shape.member, element)
      count = count + 1
    end
    assert(count == #value, "a hole")
  elseif shape.kind == "structure" then
    for key, member in pairs(value) do conforms(assert(shape.by_name[key], key).type, member) end
  end
end

local services = { model.service "ec2", model.service "sts" }

local function check(text)
  local name = text:match "<(%w+)Response[%s>]"
  local service = services[1]:operation(name) and services[1] or services[2]:operation(name) and services[2]
  if not service then service, name = services[1], "DescribeInstances" end
  local result, message, code = xml.decode(service, name, text)
  if result then
    assert(message == nil or type(message) == "string")
    local output = service:operation(name).output
    if output then conforms(output, result) else assert(next(result) == nil) end
  else
    assert(type(message) == "string" and CODES[code])
  end
  local found = xml.decode_error(text, 400)
  assert(type(found.code) == "string" and type(found.message) == "string")
  assert(found.request_id == nil or type(found.request_id) == "string")
  return result ~= nil or not CODES[found.code]
end

mutate.run("xml", mutate.corpus "tests/fuzz/corpus/xml", {
  "<!DOCTYPE x>", "<!DOCTYPE x [<!ENTITY e 'e'>]>", "<![CDATA[", "]]>", "<!--", "-->", "<?pi ?>", "&amp;", "&#0;", "&#x41;",
  "&e;", "<item>", "</item>", "<item/>", "<tagSet/>", "<key>", "<requestId>", "</", "/>", "<Error>", "<Code>x</Code>", "<Errors>",
  "<html>", "\239\187\191", "\255\254", "<?xml version='1.0' encoding='UTF-16'?>",
  "<?xml version='1.0' encoding='latin1'?>",
  ("<a>"):rep(70), "xmlns:x='y'", "<x:item>", "999999999999999999999", "0x1F", " ", "\0",
}, check)
