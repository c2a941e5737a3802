--- Answers of EC2's Query protocol and of the query protocol that STS speaks:
-- one pass over the XML, steered by the operation's model, into tables with the
-- model's member names. Elements that the model does not know are skipped.
--
-- The parser is Expat. A document type declaration is refused, and with it every
-- entity but XML's own five; nesting is limited; a bound on the size is the
-- transport's.

local base64 = require "eni6.base64"
local available, lxp = pcall(require, "lxp")
if not available then error("eni6.aws.xml needs LuaExpat: apt-get install lua-expat, or luarocks install luaexpat", 0) end

local xml = {}

local DEEPEST = 64 -- real answers nest about a dozen elements

-- Where an answer's request id is kept until it is taken out: no member of the
-- model has this name.
local REQUEST_ID = "#request_id"

-- dkjson's mark: without it an empty table prints as a list.
local OBJECT = { __jsontype = "object" }

-- An entry says what becomes of an element: `key`, where its value goes in the
-- table of its parent, nil for the next place in a list; `kind`; for structures
-- and lists `fields`, the entries of its children by their names; for scalars
-- that are not plain text `convert`, which returns nil for text it cannot take.
local CONVERT = {
  boolean = function(text) return text == "true" end,
  integer = function(text)
    return text:find("^%s*[+-]?%d+%s*$") and math.tointeger(tonumber(text)) or nil
  end,
  double = function(text) return not text:find("[xX]") and tonumber(text) or nil end,
  blob = function(text) return (base64.decode(text)) end,
}

local fields_of -- shape -> fields

local function entry_for(shape, key)
  local container = shape.kind == "structure" or shape.kind == "list"
  return {
    key = key,
    kind = shape.kind,
    fields = container and fields_of[shape] or nil,
    convert = CONVERT[shape.kind],
  }
end

-- Every child of a list is an element of it, whatever its name; these are the usual ones.
local function list_fields(shape)
  local entry = entry_for(shape.member)
  return setmetatable({ item = entry, member = entry }, { __index = function() return entry end })
end

-- Filled as answers use the names, so that a shape's unused members cost nothing.
-- Unknown names are not kept: a server could send any number of them.
local function structure_fields(shape)
  local by_xml = {}
  for _, member in ipairs(shape.members) do by_xml[member.xml] = member end
  return setmetatable({}, {
    __index = function(fields, name)
      local member = by_xml[name]
      local entry = member and entry_for(member.type, member.name)
      if entry then rawset(fields, name, entry) end
      return entry
    end,
  })
end

fields_of = setmetatable({}, {
  __mode = "k",
  __index = function(all, shape)
    local fields = shape.kind == "list" and list_fields(shape) or structure_fields(shape)
    all[shape] = fields
    return fields
  end,
})

-- Returns a function that leaves the element just begun out, with all it holds,
-- by taking the parser's callbacks away from the builder until its end.
local function skipper(callbacks, fail)
  local levels, start, finish
  local function skip_start(parser)
    levels = levels + 1
    if levels > DEEPEST then fail(parser, "elements nest too deep") end
  end
  local function skip_finish()
    levels = levels - 1
    if levels == 0 then callbacks.StartElement, callbacks.EndElement = start, finish end
  end
  return function()
    levels, start, finish = 1, callbacks.StartElement, callbacks.EndElement
    callbacks.StartElement, callbacks.EndElement, callbacks.CharacterData = skip_start, skip_finish, false
  end
end

-- Sets the callbacks that build a tree in `holder`, the value of `entry`. This is
-- called for every element of an answer, so the state is in upvalues, and text is
-- listened to only inside scalars: the white space between elements costs nothing.
local function builder(callbacks, holder, entry, fail)
  local node, fields, depth = holder, entry.fields, 0
  local nodes, entries = {}, { [0] = entry }
  local scalar, text, fresh
  local skip = skipper(callbacks, fail)

  local function on_text(_, piece) text = piece end

  local function enter(parser, child)
    if depth == DEEPEST then return fail(parser, "elements nest too deep") end
    depth = depth + 1
    nodes[depth], entries[depth] = node, child
    fresh = {}
    node[child.key or #node + 1] = fresh
    node, fields = fresh, child.fields
  end

  local function leave()
    if node == fresh and entries[depth].kind == "structure" then setmetatable(node, OBJECT) end
    node = nodes[depth]
    depth = depth - 1
    fields = entries[depth].fields
  end

  function callbacks.StartElement(parser, name)
    local child = not scalar and fields[name]
    if not child then return skip() end
    if child.fields then return enter(parser, child) end
    scalar, text, fresh = child, "", nil
    callbacks.CharacterData = on_text
  end

  function callbacks.EndElement(parser, name)
    if not scalar then return leave() end
    callbacks.CharacterData = false
    local value = text
    if scalar.convert then value = scalar.convert(text) end
    if value == nil then return fail(parser, "element " .. name .. " holds no " .. scalar.kind) end
    node[scalar.key or #node + 1] = value
    scalar = nil
  end
end

-- What is wrong with a body before it is parsed at all.
local function unfit(body)
  if not body:find("%S") then return "the answer is empty", "EmptyResponse" end
  local head = body:sub(1, 1024):lower()
  if head:find("<!doctype%s+html") or head:find("<html[%s>]") then
    local title = body:match("<[Tt][Ii][Tt][Ll][Ee]>%s*([^<]-)%s*<")
    local named = title and string.format(" titled %q", title:sub(1, 100)) or ""
    return "the answer is an HTML page" .. named
      .. ", not XML: a proxy or another server may stand at this address", "HTMLResponse"
  end
  if not body:find("^\239?\187?\191?%s*<") then
    return "the answer is not XML: a proxy or another server may stand at this address", "InvalidResponse"
  end
end

-- Parses a body into holder, complete or, after a failure, as far as it was read.
local function parse(body, holder, entry)
  local message, code = unfit(body)
  if message then return nil, message, code end
  local fault
  local function fail(parser, what)
    fault = fault or what
    parser:stop()
  end
  local callbacks = { CharacterData = false }
  function callbacks.StartDoctypeDecl(parser) fail(parser, "it has a document type declaration") end
  builder(callbacks, holder, entry, fail)
  local parser = lxp.new(callbacks, nil, true)
  local whole, reason, line, column = parser:parse(body)
  local ended, end_reason, end_line, end_column = parser:parse() -- also needed before close
  parser:close()
  if whole and ended then return true end
  if whole then
    return nil, string.format("the answer is cut off at line %d, column %d: %s", end_line, end_column, end_reason),
      "TruncatedResponse"
  end
  return nil, string.format("the answer is not what was asked for, at line %d, column %d: %s", line, column, fault or reason),
    "InvalidResponse"
end

-- An operation's answer has a root element named after it; anything else has not
-- come from the service.
local function root_of(entry)
  return {
    kind = "structure",
    fields = setmetatable({}, {
      __index = function(_, name) return name:find("^%w+Response$") and name ~= "ErrorResponse" and entry end,
    }),
  }
end

local function with_fallback(fields, fallback) return setmetatable(fields, { __index = fallback }) end

-- EC2 puts the result's members and the request id right into the root element.
local function ec2_root(operation)
  local fallback = operation.output and fields_of[operation.output]
  local fields = with_fallback({ requestId = { key = REQUEST_ID, kind = "string" } }, fallback)
  return root_of { key = "result", kind = "structure", fields = fields }
end

-- The query protocol wraps the result in one element and the request id in another.
local function query_root(operation)
  local metadata = { key = "metadata", kind = "structure", fields = { RequestId = { key = "request_id", kind = "string" } } }
  return root_of {
    key = "answer",
    kind = "structure",
    fields = { [operation.result_wrapper] = entry_for(operation.output, "result"), ResponseMetadata = metadata },
  }
end

local roots = setmetatable({}, { __mode = "k" })

local function root_for(operation)
  local root = roots[operation]
  if not root then
    root = operation.result_wrapper and query_root(operation) or ec2_root(operation)
    roots[operation] = root
  end
  return root
end

-- The result and the request id in what was parsed.
local function unwrap(operation, holder)
  if operation.result_wrapper then
    local answer = holder.answer or {}
    return answer.result, answer.metadata and answer.metadata.request_id
  end
  local result = holder.result
  if not result then return nil end
  local request_id = result[REQUEST_ID]
  result[REQUEST_ID] = nil
  if next(result) == nil then setmetatable(result, OBJECT) end
  return result, request_id
end

--- Decodes the answer of an operation that succeeded. Booleans become booleans,
-- integers integers, blobs bytes; timestamps stay text; a list that is there but
-- empty is an empty table; what is absent stays absent. An empty structure carries
-- dkjson's mark for an object.
---@param service eni6.aws.Service
---@param operation string    an operation's name; an unknown one raises
---@param body string
---@return table|nil result    with the names that the AWS CLI prints
---@return string|nil request_id  or the message
---@return string|nil code     "EmptyResponse", "HTMLResponse", "TruncatedResponse" or "InvalidResponse"
function xml.decode(service, operation, body)
  local described, unknown = service:operation(operation)
  if not described then error(unknown, 2) end
  local holder = {}
  local ok, message, code = parse(body, holder, root_for(described))
  if not ok then return nil, message, code end
  local result, request_id = unwrap(described, holder)
  if not result then return nil, "the answer is XML, but not an answer to " .. operation, "InvalidResponse" end
  return result, request_id
end

local function text_at(key) return { key = key, kind = "string" } end

-- EC2: Response/Errors/Error and RequestID; others: ErrorResponse/Error and RequestId.
local ERROR = { key = "error", kind = "structure", fields = { Code = text_at "code", Message = text_at "message" } }
local ERROR_ROOT = {
  kind = "structure",
  fields = setmetatable({}, {
    __index = function()
      return {
        key = "root",
        kind = "structure",
        fields = {
          Error = ERROR,
          Errors = { key = "errors", kind = "structure", fields = { Error = ERROR } },
          RequestID = text_at "request_id",
          RequestId = text_at "request_id",
        },
      }
    end,
  }),
}

--- What an answer with an error status says. There is always a code: the
-- service's own, or one of `decode`'s for a body that has none.
---@param body string|nil
---@param status integer  the HTTP status
---@return { code: string, message: string, request_id: string|nil }
function xml.decode_error(body, status)
  local holder = {}
  local _, message, code = parse(body or "", holder, ERROR_ROOT)
  local root = holder.root or {}
  local found = root.error or root.errors and root.errors.error
  if found and found.code then
    return { code = found.code, message = found.message or "", request_id = root.request_id }
  end
  message = string.format("HTTP status %d: %s", status, message or "the answer is XML, but not an error of AWS")
  return { code = code or "InvalidResponse", message = message, request_id = root.request_id }
end

return xml
