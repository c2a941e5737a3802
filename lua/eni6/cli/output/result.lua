--- A decoded answer as the AWS CLI shows it: members in the model's order, timestamps in ISO 8601 with an
--- offset, blobs in base64, doubles that look like it.

local base64 = require "eni6.base64"
local values = require "eni6.jmespath.values"

local result = {}

-- Two digits, a sign and a colon, whatever the answer wrote: as Python's isoformat() has them.
local function offset_of(zone)
  if zone == "" then return "" end
  if zone == "Z" or zone == "z" then return "+00:00" end
  local sign, hours, minutes = zone:match "^([+-])(%d%d):?(%d?%d?)$"
  return hours and (sign .. hours .. ":" .. (minutes == "" and "00" or minutes))
end

-- A text that is no ISO 8601 time stays as it is.
local function isoformat(text)
  local date, time, rest = text:match "^(%d%d%d%d%-%d%d%-%d%d)[T ](%d%d:%d%d:%d%d)(.*)$"
  if not date then
    date = text:match "^%d%d%d%d%-%d%d%-%d%d$"
    return date and date .. "T00:00:00" or text
  end
  local fraction, zone = rest:match "^%.(%d+)(.*)$"
  local offset = offset_of(zone or rest)
  if not offset then return text end
  local micros = (fraction or ""):sub(1, 6)
  micros = micros:find "[1-9]" and "." .. micros .. ("0"):rep(6 - #micros) or ""
  return date .. "T" .. time .. micros .. offset
end

-- Answers whose text is in base64, which botocore undoes.
local ENCODED = { GetConsoleOutputResult = "Output" }

local function decode_member(answer, name)
  local text = answer[name] and base64.decode(answer[name])
  if text then answer[name] = require("eni6.cli.output.unicode").repaired(text) end
end

local function order_of(shape)
  local order = {}
  for i, member in ipairs(shape.members) do order[i] = member.name end
  return order
end

local metatables = setmetatable({}, {
  __mode = "k",
  __index = function(all, shape)
    local metatable = values.object_metatable(order_of(shape))
    all[shape] = metatable
    return metatable
  end,
})

local SHOWN = {
  timestamp = function(text, _, options) return options.timestamps == "wire" and text or isoformat(text) end,
  blob = function(bytes) return base64.encode(bytes) end,
  double = function(number) return number + 0.0 end,
}

function SHOWN.list(list, shape, options)
  local show = SHOWN[shape.member.kind]
  if not show then return list end
  for i = 1, #list do list[i] = show(list[i], shape.member, options) end
  return list
end

function SHOWN.structure(structure, shape, options)
  local by_name = shape.by_name
  for name, value in pairs(structure) do
    local member = by_name[name]
    local show = member and SHOWN[member.type.kind]
    if show then structure[name] = show(value, member.type, options) end
  end
  return setmetatable(structure, metatables[shape])
end

--- Makes an answer what the AWS CLI shows, in place.
---@param answer table            an operation's decoded answer
---@param shape eni6.aws.Type|nil the operation's output; nil for one that answers nothing
---@param options { timestamps: "iso8601"|"wire"|nil }|nil  timestamps: the setting cli_timestamp_format
---@return table answer           the same table; an empty one when there is no shape
function result.ordered(answer, shape, options)
  if not shape then return values.new_object() end
  if ENCODED[shape.name] then decode_member(answer, ENCODED[shape.name]) end
  return SHOWN.structure(answer, shape, options or {})
end

return result
