--- What the scripts' faces have in common: arguments, messages, exit statuses.
-- 0: done; 1: failed; 2: the command line or the plan is wrong, nothing was tried.

local face = {}

face.FAILED, face.USAGE = 1, 2

-- How this script was called, where it is installed as a command of its own; and the
-- folder of the scripts then.
local folder, command = arg[0]:match("^(.*)/[^/]+/(eni6%-[^/]+)$")

--- A text with the scripts' names as people call them here: `lua scripts/check.lua` in a
-- source tree, `eni6-check` where it is installed.
---@param text string
---@return string
function face.here(text)
  if not command then return text end
  text = text:gsub("lua scripts/(%w+)%.lua", "eni6-%1"):gsub("scripts/(%w+)%.lua", "eni6-%1")
  text = text:gsub("scripts/plans", folder .. "/scripts/plans")
  return (text:gsub("^(%w+)%.lua$", "eni6-%1"))
end

--- Writes an error, each line of it under the script's name, and ends.
---@param name string
---@param status integer
---@param message string
function face.fail(name, status, message)
  name = face.here(name)
  for line in (face.here(message) .. "\n"):gmatch("([^\n]*)\n") do io.stderr:write(name, ": ", line, "\n") end
  os.exit(status, true)
end

--- An argument parser whose complaints end with status 2 and say where help is.
---@param name string
---@param description string
---@param epilog string
function face.parser(name, description, epilog)
  local found, argparse = pcall(require("eni6.rocks").need, "argparse")
  if not found then face.fail(name, face.FAILED, argparse) end
  local parser = argparse(face.here(name), description, face.here(epilog))
  parser.error = function(_, message)
    face.fail(name, face.USAGE, message .. "\nTry: lua scripts/" .. name .. " --help")
  end
  return parser
end

--- A converter for whole numbers within bounds.
---@param low integer
---@param high integer
---@return fun(text: string): integer|nil, string?
function face.whole(low, high)
  return function(text)
    local number = math.tointeger(tonumber(text))
    if number and number >= low and number <= high then return number end
    return nil, "must be a whole number from " .. low .. " to " .. high .. ", not '" .. text .. "'"
  end
end

--- A converter for a time.
---@param text string
---@return number|nil
---@return string? message
function face.seconds(text)
  local number = tonumber(text)
  if number and number >= 0 and number < math.huge then return number end
  return nil, "must be a number of seconds, not '" .. text .. "'"
end

--- The options by which a script finds EC2.
---@param parser table
function face.endpoint_options(parser)
  parser:option("--endpoint-url", "EC2 endpoint instead of the region's own."):argname "URL"
  parser:option("--region", "Region instead of the plan's."):argname "NAME"
  parser:option("--profile", "Profile of the AWS config and credentials files."):argname "NAME"
end

--- Writes the one JSON document of a script.
---@param document table
---@param order string[]  keys in the order of the output
function face.print_json(document, order)
  io.stdout:write(require("eni6.rocks").need "dkjson".encode(document, { indent = true, keyorder = order }), "\n")
end

--- Runs a script's work; an interrupt (Ctrl-C) ends it with a message of its own.
---@param work fun(): integer?       returns the exit status
---@param on_interrupt fun()
function face.run(work, on_interrupt)
  local ok, status = xpcall(work, function(fault)
    local text = tostring(fault)
    if text:match("interrupted!$") or text:match("^eni6 needs the Lua module ") then return fault end
    return debug.traceback(fault, 2)
  end)
  if ok then os.exit(status or 0, true) end
  if tostring(status):match("interrupted!$") then
    on_interrupt()
  else
    io.stderr:write(tostring(status), "\n")
  end
  os.exit(face.FAILED, true)
end

return face
