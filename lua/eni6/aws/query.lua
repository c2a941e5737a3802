--- Requests of EC2's Query protocol and of the query protocol that STS speaks:
-- https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html and
-- https://smithy.io/2.0/aws/protocols/aws-query-protocol.html.
-- The result is the body of a POST of application/x-www-form-urlencoded.

local base64 = require "eni6.base64"
local timestamp = require "eni6.aws.timestamp"
local uri = require "eni6.uri"

local query = {}

local function put(out, key, text) out[#out + 1] = key .. "=" .. uri.encode(text) end

-- The shortest text that reads back as the same number; as in botocore, a float shows that it is one.
local function double_text(number)
  local text
  for digits = 15, 17 do
    text = string.format("%." .. digits .. "g", number)
    if tonumber(text) == number then break end
  end
  return math.type(number) == "float" and not text:find("[^%d-]") and text .. ".0" or text
end

local TEXT_OF = {
  string = function(value) return value end,
  integer = function(value) return string.format("%d", value) end,
  double = double_text,
  boolean = tostring,
  timestamp = timestamp.format,
  blob = base64.encode,
}

local put_value

local function put_structure(out, prefix, type, value)
  for _, member in ipairs(type.members) do
    local member_value = value[member.name]
    if member_value ~= nil then put_value(out, prefix .. member.query, member.type, member_value) end
  end
end

-- EC2 numbers the elements right behind the list's key and leaves empty lists
-- out; the query protocol puts ".member" between and says that a list is empty.
local function put_list(out, key, type, value)
  if out.protocol ~= "ec2" then
    if #value == 0 then put(out, key, "") end
    key = key .. ".member"
  end
  for i, element in ipairs(value) do
    put_value(out, key .. "." .. i, type.member, element)
  end
end

function put_value(out, key, type, value)
  if type.kind == "structure" then
    put_structure(out, key .. ".", type, value)
  elseif type.kind == "list" then
    put_list(out, key, type, value)
  else
    put(out, key, TEXT_OF[type.kind](value))
  end
end

--- The body of a request. The parameters must have passed `validate.check`;
-- members go out in the model's order.
---@param service eni6.aws.Service
---@param operation string     an operation's name; an unknown one raises
---@param params table|nil     members by their names, blobs as bytes, timestamps as ISO 8601 text or seconds since the epoch
---@return string body
function query.encode(service, operation, params)
  local described, message = service:operation(operation)
  if not described then error(message, 2) end
  local out = { protocol = service.protocol, "Action=" .. operation, "Version=" .. service.api_version }
  if described.input then put_structure(out, "", described.input, params or {}) end
  return table.concat(out, "&")
end

return query
