--- Answers of EC2's Query protocol and of the query protocol that STS speaks:
-- one pass over the XML, steered by the operation's model, into tables with the
-- model's member names. Elements that the model does not know are skipped.
--
-- The parser is Expat, in core/xml. A document type declaration is refused, and
-- with it every entity but XML's own five; nesting is limited; a bound on the size
-- is the transport's.

local base64 = require "eni6.base64"
local core = require "eni6.core.xml"

local xml = {}

-- Where an answer's request id is kept until it is taken out: no member of the
-- model has this name.
local REQUEST_ID = "#request_id"

-- dkjson's mark: without it an empty table prints as a list.
local OBJECT = { __jsontype = "object" }

-- What core/binding/xml.c is steered by: `fields` are the entries of an element's
-- children by their names. An entry is the key of a text in the table of its
-- parent, or { key, how, kind, empty }: a false key is the next place in a list;
-- `how`, the fields of a structure or list, or what converts a text, to nil if it
-- cannot (true: whether it is "true"); `empty`, the metatable of a structure that nothing came into.
local CONVERT = {
  boolean = true,
  integer = function(text)
    return text:find("^%s*[+-]?%d+%s*$") and math.tointeger(tonumber(text)) or nil
  end,
  double = function(text) return not text:find("[xX]") and tonumber(text) or nil end,
  blob = function(text) return (base64.decode(text)) end,
}

local fields_of -- shape -> fields

local function entry_for(shape, key)
  if shape.kind == "structure" then return { key, fields_of[shape], shape.kind, OBJECT } end
  if shape.kind == "list" then return { key, fields_of[shape], shape.kind } end
  if key and not CONVERT[shape.kind] then return key end
  return { key, CONVERT[shape.kind], shape.kind }
end

-- Every child of a list is an element of it, whatever its name; these are the usual ones.
local function list_fields(shape)
  local entry = entry_for(shape.member, false)
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

-- What is wrong with a body before it is parsed at all.
local function unfit(body)
  if not body:find("%S") then return "the answer is empty", "EmptyResponse" end
  local head = body:sub(1, 1024):lower()
  local html = head:find("html", 1, true) -- quick to tell of most
  if html and (head:find("<!doctype%s+html") or head:find("<html[%s>]")) then
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
local function parse(body, holder, fields)
  local message, code = unfit(body)
  if message then return nil, message, code end
  local ok
  ok, message, code = core.decode(body, holder, fields)
  if ok then return true end
  if code == "ENODATA" then return nil, "the answer is cut off at " .. message, "TruncatedResponse" end
  if code == "EBADMSG" then return nil, "the answer is not what was asked for: " .. message, "InvalidResponse" end
  return nil, message, code
end

local function structure(key, fields) return { key, fields, "structure", OBJECT } end

-- An operation's answer has a root element named after it; anything else has not
-- come from the service.
local function root_of(entry)
  return setmetatable({}, {
    __index = function(_, name) return name:find("^%w+Response$") and name ~= "ErrorResponse" and entry end,
  })
end

local function with_fallback(fields, fallback) return setmetatable(fields, { __index = fallback }) end

-- EC2 puts the result's members and the request id right into the root element.
local function ec2_root(operation)
  local fallback = operation.output and fields_of[operation.output]
  return root_of(structure("result", with_fallback({ requestId = REQUEST_ID }, fallback)))
end

-- The query protocol wraps the result in one element and the request id in another.
local function query_root(operation)
  return root_of(structure("answer", {
    [operation.result_wrapper] = entry_for(operation.output, "result"),
    ResponseMetadata = structure("metadata", { RequestId = "request_id" }),
  }))
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
---@return string|nil code     "EmptyResponse", "HTMLResponse", "TruncatedResponse", "InvalidResponse" or "ENOMEM"
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

-- EC2: Response/Errors/Error and RequestID; others: ErrorResponse/Error and RequestId.
local ERROR = structure("error", { Code = "code", Message = "message" })
local ERROR_ROOT = structure("root", {
  Error = ERROR,
  Errors = structure("errors", { Error = ERROR }),
  RequestID = "request_id",
  RequestId = "request_id",
})
local ANY_ROOT = setmetatable({}, { __index = function() return ERROR_ROOT end })

--- What an answer with an error status says. There is always a code: the
-- service's own, or one of `decode`'s for a body that has none.
---@param body string|nil
---@param status integer  the HTTP status
---@return { code: string, message: string, request_id: string|nil }
function xml.decode_error(body, status)
  local holder = {}
  local _, message, code = parse(body or "", holder, ANY_ROOT)
  local root = holder.root or {}
  local found = root.error or root.errors and root.errors.error
  if found and found.code then
    return { code = found.code, message = found.message or "", request_id = root.request_id }
  end
  message = string.format("HTTP status %d: %s", status, message or "the answer is XML, but not an error of AWS")
  return { code = code or "InvalidResponse", message = message, request_id = root.request_id }
end

return xml
