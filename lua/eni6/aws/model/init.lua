--- The API models of EC2 and STS: what operations there are, what they take and
-- what they answer. ec2.lua, ec2_more.lua and sts.lua hold them as long strings
-- that generate.py made of the AWS CLI's model data and whose form it describes; a
-- line is looked up and parsed when it is first asked for, so that the hundreds of
-- operations that a program does not use cost it nothing.

local suggest = require "eni6.suggest"

local model = {}

---@class eni6.aws.Type      what a value looks like
---@field kind string        "string", "integer", "double", "boolean", "timestamp", "blob", "list" or "structure"
---@field long boolean|nil    of an integer: one of 64 bits
---@field least number|nil   the least value of a number, the least length of a string or list
---@field member eni6.aws.Type|nil     of a list: its elements
---@field name string|nil              of a structure
---@field members eni6.aws.Member[]|nil    of a structure, in the model's order
---@field by_name table<string, eni6.aws.Member>|nil   of a structure

---@class eni6.aws.Member
---@field name string        as the AWS CLI prints it and callers write it
---@field xml string         the element's name in answers
---@field query string       the key in requests
---@field required boolean
---@field idempotency_token boolean  filled in by the client when the caller leaves it out
---@field type eni6.aws.Type

---@class eni6.aws.Operation
---@field name string
---@field input eni6.aws.Type|nil
---@field output eni6.aws.Type|nil
---@field result_wrapper string|nil   the element that holds the result (query protocol)
---@field idempotency_token string|nil   the input member that carries it, usually ClientToken
---@field unsigned boolean|nil   a token among its parameters says who asks; no credentials are needed

---@class eni6.aws.Paginator
---@field input_token string   the parameter that asks for the next page
---@field output_token string  the member of an answer that names the next page
---@field limit_key string|nil the parameter that limits a page
---@field result_keys string[] the lists that the pages add up to

---@class eni6.aws.Acceptor
---@field state string     "success", "failure" or "retry"
---@field matcher string   "path", "pathAll", "pathAny" (JMESPath on the answer), "error" (its code) or "status"
---@field expected string|boolean|number
---@field argument string|nil   the JMESPath expression

---@class eni6.aws.Waiter
---@field name string
---@field operation string
---@field delay number        seconds between two looks, as AWS's own tools have it
---@field max_attempts number
---@field acceptors eni6.aws.Acceptor[]

---@class eni6.aws.Service
---@field name string         "ec2" or "sts"
---@field api_version string
---@field protocol string     "ec2" or "query"
local Service = {}
Service.__index = Service

local SCALARS = {
  s = "string", i = "integer", l = "integer", d = "double", b = "boolean", t = "timestamp", x = "blob",
}

-- The rest of the line that starts with `name`, or nil.
local function line_of(text, name)
  local from, to = text:find("\n" .. name .. " ", 1, true)
  return from and text:sub(to + 1, text:find("\n", to, true) - 1)
end

-- The line of a shape: an everyday operation's, or one of the many others.
local function shape_line(service, name)
  return line_of(service.data.shapes, name) or line_of(require(service.data.more).shapes, name)
end

local function capital(name) return name:sub(1, 1):upper() .. name:sub(2) end

local function xml_name(name, marks)
  if marks:sub(1, 1) == "." then return name:sub(1, 1):lower() .. name:sub(2) end
  return marks:match("@(%w+)") or name
end

local function query_key(name, marks, xml)
  return marks:match("%?(%w+)") or (xml == name and name) or capital(xml)
end

local function parse_member(service, name, marks, type_text)
  local xml = xml_name(name, marks)
  return {
    name = name,
    xml = xml,
    query = query_key(name, marks, xml),
    required = marks:find("!", 1, true) ~= nil,
    idempotency_token = marks:find("#", 1, true) ~= nil,
    type = service:_type(type_text),
  }
end

-- A structure's members are parsed when they are first looked at.
local Structure = {}
function Structure.__index(shape, key)
  if key ~= "members" and key ~= "by_name" then return nil end
  local service = shape.service
  local members, by_name = {}, {}
  for name, marks, type_text in shape_line(service, shape.name):gmatch("(%w+)([^= ]*)=(%S+)") do
    local member = parse_member(service, name, marks, type_text)
    members[#members + 1] = member
    by_name[name] = member
  end
  rawset(shape, "members", members)
  rawset(shape, "by_name", by_name)
  return rawget(shape, key)
end

local function parse_type(service, text)
  local least, rest = text:match("^%*(%d*):?(.+)$")
  if rest then
    return { kind = "list", least = tonumber(least), member = service:_type(rest) }
  end
  local letter, limit = text:match("^(%l)(.*)$")
  if letter then return { kind = SCALARS[letter], long = letter == "l" or nil, least = tonumber(limit) } end
  return setmetatable({ kind = "structure", name = text, service = service }, Structure)
end

-- The type that a compact text stands for, made once.
function Service:_type(text)
  local known = self.types[text]
  if not known then
    known = parse_type(self, text)
    self.types[text] = known
  end
  return known
end

local function shape_of(service, operation_name, text)
  if text == "-" then return nil end
  return service:_type((text:gsub("^~", operation_name)))
end

-- The model's files do not tell.
local UNSIGNED = { AssumeRoleWithSAML = true, AssumeRoleWithWebIdentity = true }

local function parse_operation(service, name, line)
  local input, output, wrapper = line:match("^(%S+) ([^/]+)/?(.*)$")
  local operation = {
    name = name,
    input = shape_of(service, name, input),
    output = shape_of(service, name, output),
    result_wrapper = wrapper ~= "" and wrapper or nil,
    unsigned = UNSIGNED[name],
  }
  for _, member in ipairs(operation.input and operation.input.members or {}) do
    if member.idempotency_token then operation.idempotency_token = member.name end
  end
  return operation
end

local function unknown(service, what, name, names)
  local message = string.format("%s has no %s %s", service.name:upper(), what, tostring(name))
  local nearest = suggest.nearest(tostring(name), names)
  if nearest then message = message .. "; did you mean " .. nearest .. "?" end
  return nil, message, "ParamValidation"
end

--- One operation.
---@param name string   as AWS spells it: "DescribeInstances"
---@return eni6.aws.Operation|nil operation
---@return string|nil message  naming the closest operation there is
---@return string|nil code     "ParamValidation"
function Service:operation(name)
  local operation = self.known_operations[name]
  if operation then return operation end
  local line = type(name) == "string" and not name:find("[^%w]") and line_of(self.data.operations, name)
  if not line then
    return unknown(self, "operation", name, self:operations())
  end
  operation = parse_operation(self, name, line)
  self.known_operations[name] = operation
  return operation
end

--- Whether there is an operation of this name.
---@param name string
---@return boolean
function Service:has(name) return line_of(self.data.operations, name) ~= nil end

local function names_in(text)
  local names = {}
  for name in text:gmatch("\n(%w+) ") do names[#names + 1] = name end
  return names
end

--- The names of all operations, in alphabetical order.
---@return string[]
function Service:operations() return names_in(self.data.operations) end

--- How an operation's answers are paged; nil for one that is not.
---@param operation string
---@return eni6.aws.Paginator|nil
function Service:paginator(operation)
  local line = line_of(self.data.paginators, operation)
  if not line then return nil end
  local input_token, output_token, limit_key, keys = line:match("^(%S+) (%S+) (%S+) (%S+)$")
  local result_keys = {}
  for key in keys:gmatch("[^,]+") do result_keys[#result_keys + 1] = key end
  return {
    input_token = input_token,
    output_token = output_token,
    limit_key = limit_key ~= "-" and limit_key or nil,
    result_keys = result_keys,
  }
end

local function expected_value(text)
  if text == "true" then return true end
  if text == "false" then return false end
  return tonumber(text) or text
end

local function parse_acceptors(text)
  local acceptors = {}
  for state, matcher, expected, argument in text:gmatch("\t(%S+)\t(%S+)\t([^\t\n]+)\t([^\n]+)") do
    acceptors[#acceptors + 1] = {
      state = state,
      matcher = matcher,
      expected = expected_value(expected),
      argument = argument ~= "-" and argument or nil,
    }
  end
  return acceptors
end

--- What a waiter waits for.
---@param name string   as AWS spells it: "InstanceRunning"
---@return eni6.aws.Waiter|nil waiter
---@return string|nil message  naming the closest waiter there is
---@return string|nil code     "ParamValidation"
function Service:waiter(name)
  local text = self.data.waiters
  local _, to = text:find("\n" .. tostring(name) .. " ", 1, true)
  if not to then
    return unknown(self, "waiter", name, self:waiters())
  end
  local operation, delay, attempts = text:match("^(%w+) (%d+) (%d+)", to + 1)
  local stop = text:find("\n%w", to) or #text
  return {
    name = name,
    operation = operation,
    delay = tonumber(delay),
    max_attempts = tonumber(attempts),
    acceptors = parse_acceptors(text:sub(to + 1, stop)),
  }
end

--- The names of all waiters, in alphabetical order.
---@return string[]
function Service:waiters() return names_in(self.data.waiters) end

--- What a member of an input accepts, where the model says so. AWS adds to these lists; nothing is refused by them.
---@param shape eni6.aws.Type a structure
---@param member string
---@return string[]|nil
function Service:accepted(shape, member)
  local data = self.data.enums and require(self.data.enums)
  local line = data and line_of(data.enums, shape.name)
  local enum = line and (" " .. line .. " "):match(" " .. member .. "=(%w+) ")
  if not enum then return nil end
  local accepted = {}
  local _, stop = data.values:find("\n" .. enum .. "\t", 1, true)
  for value in data.values:sub(stop, data.values:find("\n", stop, true)):gmatch("\t([^\t\n]*)") do
    accepted[#accepted + 1] = value
  end
  return accepted
end

local SERVICES = { ec2 = true, sts = true }
local loaded = {}

--- A service's model; the same object each time.
---@param name "ec2"|"sts"
---@return eni6.aws.Service
function model.service(name)
  if not SERVICES[name] then error("no model of service " .. tostring(name), 2) end
  local service = loaded[name]
  if not service then
    local data = require("eni6.aws.model." .. name)
    service = setmetatable({
      name = data.name,
      api_version = data.api_version,
      protocol = data.protocol,
      data = data,
      types = {},
      known_operations = {},
    }, Service)
    loaded[name] = service
  end
  return service
end

return model
