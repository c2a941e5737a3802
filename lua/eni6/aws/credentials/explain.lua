--- Where each setting came from, as `aws configure list` tells it: rows of a name, a value (secrets but for their last
--- four characters), a type and a place.

local explain = {}

local NOT_SET = "<not set>"

local function row(name, value, type, location)
  if value == nil then return { name = name, value = NOT_SET, type = "None", location = "None" } end
  return { name = name, value = value, type = type, location = location }
end

local function masked(text) return ("*"):rep(16) .. text:sub(-4) end

-- The CLI shows which variables it looked at in Python's way.
local function python_list(names) return "['" .. table.concat(names, "', '") .. "']" end

local function first_set(getenv, names)
  for _, name in ipairs(names) do
    local value = getenv(name)
    if value and value ~= "" then return value end
  end
end

local PROFILE = { "AWS_PROFILE", "AWS_DEFAULT_PROFILE" }

local function profile_row(options, getenv)
  if options.profile and options.profile ~= "" then return row("profile", options.profile, "manual", "--profile") end
  return row("profile", first_set(getenv, PROFILE), "env", python_list(PROFILE))
end

-- A setting of the environment or else of the profile.
local function setting_row(settings, name, variables, location)
  local value = first_set(settings.getenv, variables)
  if value then return row(name, value, "env", location) end
  value = settings:get(name)
  local path = settings.getenv("AWS_CONFIG_FILE")
  return row(name, type(value) == "string" and value or nil, "config-file", path and path ~= "" and path or "~/.aws/config")
end

local REGION = { "AWS_REGION", "AWS_DEFAULT_REGION" }

local function credential_rows(options, settings)
  local context = { settings = settings }
  for _, name in ipairs({ "time", "sleep", "random", "warn", "observe", "prompt", "transport", "direct" }) do
    context[name] = options[name]
  end
  context.region = options.region or first_set(settings.getenv, REGION) or settings:get("region")
  local found, message, code = require("eni6.aws.credentials").resolve(context)
  local keys
  if found then keys, message, code = found:get() end
  if not keys and code ~= "NoCredentials" then return nil, message, code end
  return row("access_key", keys and masked(keys.access_key_id), found and found.method, ""),
    row("secret_key", keys and masked(keys.secret_access_key), found and found.method, "")
end

--- Looks at everything that a call would look at; credentials that have to be fetched are fetched.
---@param options table|nil profile, region, getenv, read_file, write_file, prompt, … as for a client
---@return { name: string, value: string, type: string, location: string }[]|nil rows profile, access_key, secret_key,
---  region, output
---@return string|nil message
---@return string|nil code "ProfileNotFound", "ConfigParseError", or what kept a source from giving its credentials
---@return table|nil rows those before what failed
function explain.rows(options)
  options = options or {}
  local rows = { profile_row(options, options.getenv or os.getenv) }
  local settings, message, code = require("eni6.aws.config").load(options)
  if not settings then return nil, message, code, rows end
  rows[2], rows[3], code = credential_rows(options, settings)
  if not rows[2] then
    message, rows[3] = rows[3], nil
    return nil, message, code, rows
  end
  rows[4] = setting_row(settings, "region", REGION, python_list(REGION))
  rows[5] = setting_row(settings, "output", { "AWS_DEFAULT_OUTPUT" }, "AWS_DEFAULT_OUTPUT")
  return rows
end

local SHOWN = { profile = true, access_key = true, secret_key = true, region = true }

--- The rows as the AWS CLI prints them, which leaves the output format out.
---@param rows table[]
---@return string
function explain.text(rows)
  local lines = {}
  local function add(name, value, type, location)
    lines[#lines + 1] = string.format("%10s %24s %16s    %s\n", name, value, type, location)
  end
  add("Name", "Value", "Type", "Location")
  add("----", "-----", "----", "--------")
  for _, each in ipairs(rows) do
    if SHOWN[each.name] then add(each.name, each.value, each.type, each.location) end
  end
  return table.concat(lines)
end

return explain
