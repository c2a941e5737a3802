--- One request of EC2's or STS's Query API, from its bytes to the bytes of the answer. It
--- knows no sockets and never waits.

local authentication = require "eni6.sandbox.authentication"
local identities = require "eni6.sandbox.identities"
local operations = require "eni6.sandbox.ec2"
local query = require "eni6.sandbox.query"
local refusal = require "eni6.sandbox.refusal"
local sts = require "eni6.sandbox.sts"
local tokens = require "eni6.sandbox.tokens"
local xml = require "eni6.sandbox.xml"

local refuse = refusal.refuse

local endpoint = { __name = "eni6.sandbox.endpoint" }
endpoint.__index = endpoint

-- Versions of the API that EC2 still answers; all with the latest one's shapes.
local VERSIONS = { ["2016-11-15"] = true, ["2016-09-15"] = true, ["2016-04-01"] = true, ["2015-10-01"] = true }

---@class eni6.sandbox.request
---@field method string
---@field target string "/path?query" as it came
---@field headers string[][] `{ {name, value}, … }`
---@field body string

---@class eni6.sandbox.answer
---@field status integer
---@field body string XML
---@field code string|nil EC2's error code
---@field operation string|nil
---@field request_id string
---@field fault string|nil what went wrong in the sandbox itself, for its log

--- Makes an endpoint.
---@param world table
---@param keys eni6.sandbox.keys
function endpoint.new(world, keys)
  world.identities = identities.new(world, keys)
  return setmetatable({ world = world, identities = world.identities, tokens = tokens.new() }, endpoint)
end

--- The name of the operation that a request asks for, without checking anything:
--- what faults are chosen by.
---@param request eni6.sandbox.request
---@return string|nil
function endpoint.operation_of(request)
  local text = request.method == "POST" and request.body or request.target
  return text:match("^Action=(%w+)") or text:match("[?&]Action=(%w+)")
end

local AUTHENTICATION = { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
  "X-Amz-Signature", "X-Amz-Security-Token" }

-- The parameters, wherever the method puts them.
local function tree_of(request)
  if request.method ~= "POST" and request.method ~= "GET" then
    refuse("UnsupportedProtocol", "The method %s is not supported", request.method)
  end
  local tree = query.parse(request.target:match("%?(.*)$") or "")
  for _, name in ipairs(AUTHENTICATION) do tree[name] = nil end
  if request.method == "POST" then
    for name, value in pairs(query.parse(request.body)) do tree[name] = value end
  end
  return tree
end

local function find_operation(tree)
  local name = tree.Action
  if name == nil then refuse("MissingAction", "The request must contain the parameter Action") end
  local operation = operations[name]
  if not operation then refuse("InvalidAction", "The action %s is not valid for this web service.", tostring(name)) end
  if not VERSIONS[tree.Version or ""] then
    refuse("NoSuchVersion", "The requested version (%s) of service AmazonEC2 does not exist", tree.Version or "")
  end
  tree.Action, tree.Version = nil, nil
  return operation, name
end

-- Checks, then acts: an operation that has begun to act no longer refuses.
local function carry_out(self, operation, name, params)
  local idempotent = operation.idempotent and params.ClientToken
  local dry_run = params.DryRun
  params.DryRun = nil
  if idempotent and not dry_run then
    local answer = self.tokens:recall(name, params)
    if answer then return answer end
  end
  local act = operation.run(self.world, params)
  if dry_run then refuse("DryRunOperation", "Request would have succeeded, but DryRun flag is set.") end
  local ok, answer = pcall(act)
  if not ok then error("while acting: " .. tostring(answer), 0) end
  if idempotent then self.tokens:keep(name, params, answer) end
  return answer
end

local function answer_of(self, request, request_id)
  authentication.check(self.identities, "ec2", request)
  local tree = tree_of(request)
  local operation, name = find_operation(tree)
  return xml.answer(name, request_id, carry_out(self, operation, name, operation.check(tree)))
end

-- STS is told by its version, which comes with every request.
local function is_for_sts(request)
  local text = request.method == "POST" and request.body or request.target
  return text:find("Version=" .. sts.VERSION, 1, true) ~= nil
end

local function sts_answer_of(self, request, request_id)
  local tree = tree_of(request)
  local operation, name = sts.find(tree)
  local who = not operation.unsigned and authentication.check(self.identities, "sts", request) or nil
  return xml.query_answer(name, request_id, operation.run(self.identities, operation.check(tree), who))
end

local EC2 = { answer = answer_of, error = xml.error }
local STS = { answer = sts_answer_of, error = xml.query_error }

local function new_request_id(world)
  local digits = world.random:hex(32)
  return (digits:gsub("^(........)(....)(....)(....)", "%1-%2-%3-%4-"))
end

--- Answers a request.
---@param request eni6.sandbox.request
---@return eni6.sandbox.answer
function endpoint:answer(request)
  self.world:advance()
  local request_id = new_request_id(self.world)
  local operation = endpoint.operation_of(request)
  local service = is_for_sts(request) and STS or EC2
  local ok, result = pcall(service.answer, self, request, request_id)
  if ok then return { status = 200, body = result, operation = operation, request_id = request_id } end
  local is_refusal = refusal.is(result)
  local refused = is_refusal and result or refusal.new("InternalError", "An internal error has occurred")
  return { status = refused.status, body = service.error(refused.code, refused.message, request_id), code = refused.code,
    operation = operation, request_id = request_id, fault = not is_refusal and tostring(result) or nil }
end

return endpoint
