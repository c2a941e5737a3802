--- The sandbox's own requests under `/_sandbox/`, unsigned and in JSON: faults and
--- habits, sessions, consoles, the release of held requests, the true state, the log.

local json = require("eni6.rocks").need "dkjson"
local operations = require "eni6.sandbox.ec2"

local M = {}

local function answer(value, status)
  return { status = status or 200, body = json.encode(value) .. "\n", type = "application/json" }
end

local function complaint(message) return answer({ error = message }, 400) end

local function set_habits(world, habits)
  for name, value in pairs(habits) do
    if not world.habits[name] then return nil, "there is no habit '" .. tostring(name) .. "'" end
    if type(value) ~= "number" or value < 0 then return nil, "the habit '" .. name .. "' must be a number of seconds" end
  end
  for name, value in pairs(habits) do world.habits[name] = value end
  return true
end

-- One rule, a list of rules, or { faults = …, habits = … }.
local function read_settings(document)
  if type(document) ~= "table" then return nil end
  if document.kind then return { document }, {} end
  if document.faults or document.habits then return document.faults, document.habits or {} end
  if next(document) == nil or document[1] then return document, {} end
  return nil
end

--- The sessions that there are.
---@param server table
---@return table answer
function M.sessions(server) return answer(setmetatable(server.world.identities:report(), { __jsontype = "array" })) end

local function post_sessions(server, request)
  local settings = json.decode(request.body, 1, nil)
  if type(settings) ~= "table" then return complaint('send settings: {"life": 60}, {"expire": true}, …') end
  local ok, message = server.world.identities:set(settings)
  return ok and M.sessions(server) or complaint(message)
end

local function post_faults(server, request)
  local document = json.decode(request.body, 1, nil)
  local rules, habits = read_settings(document)
  if not rules and not habits then
    return complaint('send a fault rule, a list of them, or {"faults": […], "habits": {…}}')
  end
  local ok, message = set_habits(server.world, habits)
  if ok and rules then ok, message = server.faults:set(rules) end
  return ok and M.faults(server) or complaint(message)
end

--- The faults and habits in force, and how many requests are held.
---@param server table
---@return table answer
function M.faults(server)
  return answer { faults = server.faults:report(), habits = server.world.habits, held = #server.held }
end

--- What there truly is, by family, in the shapes of EC2's answers.
---@param world table
---@return table
function M.state(world)
  local state = { account = world.account, region = world.region, time = world.clock() }
  for _, operation in pairs(operations) do
    local description = operation.description
    if description and world.stores[description.family] and description.family ~= "image" then
      local list = {}
      for i, record in ipairs(world:all(description.family)) do list[i] = description.view(record, world, {}) end
      state[description.family .. "s"] = list
    end
  end
  return state
end

--- The namespaces of the instances, by instance id; empty without the network.
---@param network table|nil
---@return table<string, string>
function M.network(network)
  local paths = {}
  for id in pairs(network and network.guests or {}) do paths[id] = network:netns(id) end
  return paths
end

local function post_console(server, request)
  local document = json.decode(request.body)
  local instance = type(document) == "table" and server.world.stores.instance.by_id[document.instance_id]
  if not instance or type(document.text) ~= "string" then
    return complaint('send {"instance_id": one that there is, "text": what its console shows}')
  end
  instance.console = document.text
  return answer {}
end

local ROUTES = {
  ["GET /_sandbox/faults"] = M.faults,
  ["POST /_sandbox/faults"] = post_faults,
  ["POST /_sandbox/console"] = post_console,
  ["POST /_sandbox/release"] = function(server, request)
    local document = json.decode(request.body)
    return answer { released = server:release(type(document) == "table" and document.drop == true) }
  end,
  ["GET /_sandbox/sessions"] = M.sessions,
  ["POST /_sandbox/sessions"] = post_sessions,
  ["GET /_sandbox/state"] = function(server) return answer(M.state(server.world)) end,
  ["GET /_sandbox/network"] = function(server) return answer(M.network(server.network)) end,
  ["GET /_sandbox/log"] = function(server) return answer(server.log) end,
}

--- Answers a control request.
---@param server table
---@param request eni6.sandbox.request
---@return { status: integer, body: string, type: string }
function M.answer(server, request)
  local route = ROUTES[request.method .. " " .. request.target:match("^[^?]*")]
  if route then return route(server, request) end
  local known = {}
  for name in pairs(ROUTES) do known[#known + 1] = name end
  table.sort(known)
  return answer({ error = "there are only: " .. table.concat(known, ", ") }, 404)
end

return M
