--- Plans: what an operator wants, as a Lua file that returns a table. A plan is
-- checked whole before anything is asked of EC2, and every fault is listed with
-- its place (`two.lua:9: hosts[1].block: …`).

local faults = require "eni6.fleet.faults"
local fields = require "eni6.fleet.fields"
local hosts = require "eni6.fleet.hosts"
local keys = require "eni6.fleet.keys"
local places = require "eni6.fleet.places"
local sheet = require "eni6.fleet.sheet"
local user_data = require "eni6.fleet.user_data"

local plan = {}

local FIELDS = { name = true, region = true, subnet = true, security_groups = true, vpc = true, image = true,
  instance_type = true, key = true, tags = true, user_data = true, hosts = true }
local VPC_FIELDS = { cidr = true, zone = true, ssh = true }
local KEY_FIELDS = { name = true, public_key_file = true, public_key = true }

-- The value of one field: the option's, else the plan's, else the environment's.
-- `source` is where it came from, for messages: an option, a variable or a path.
local function effective(raw, settings, name)
  local set = settings[name]
  if set and set.overrides then return set.value, set.source end
  if raw[name] ~= nil then return raw[name], name end
  if set then return set.value, set.source end
  return nil, name
end

local function check_field(report, check, value, path)
  if value == nil then return nil end
  local good, message = check(value)
  if good == nil then report:add(path, message, "") end
  return good
end

local function required(report, value, path, remedy)
  if value == nil then report:add(path, "missing; " .. remedy, "") end
end

local function check_identity(raw, settings, report, checked)
  required(report, raw.name, "name", "every plan needs one: what it makes is found again by it")
  checked.name = check_field(report, fields.plan_name, raw.name, "name")
  local region, source = effective(raw, settings, "region")
  checked.region = check_field(report, fields.region, region, source)
end

-- Expands ~ and reads a path that is not absolute as beside the plan.
local function absolute(path, file, home)
  if path:match("^~/") then
    return home and home .. path:sub(2) or nil, "~ needs the variable HOME, which is not set; write the whole path"
  end
  local folder = file:match("^(.*/)")
  return path:match("^/") and path or (folder or "") .. path
end

local function read_key_file(value, path, report, io_of)
  if type(value) ~= "string" then
    return report:add(path, "must be the path of a public key, not " .. fields.shown(value), "key")
  end
  local whole, message = absolute(value, report.file, io_of.getenv("HOME"))
  local text
  if whole then text, message = io_of.read_file(whole) end
  if text then return text end
  report:add(path, "cannot be read (" .. tostring(message) .. "); make a key with ssh-keygen -t ed25519, "
    .. "or name an existing one", "key")
end

-- The text of the key, from where the plan has it; its path.
local function key_text(key, report, io_of)
  if key.public_key_file ~= nil and key.public_key ~= nil then
    report:add("key.public_key", "give this or public_key_file, not both", "key")
    return nil
  end
  local file = key.public_key_file
  if file ~= nil then return read_key_file(file, "key.public_key_file", report, io_of), "key.public_key_file" end
  local text = key.public_key
  if text == nil or type(text) == "string" then return text, "key.public_key" end
  report:add("key.public_key", "must be the text of a public key, not " .. fields.shown(text), "key")
end

local function check_key_table(key, report, io_of)
  report:unknown_fields(key, "key", KEY_FIELDS, places.join)
  required(report, key.name, "key.name", "EC2 keeps keys by name")
  local checked = { name = check_field(report, fields.key_name, key.name, "key.name") }
  local text, path = key_text(key, report, io_of)
  if text then
    local message
    checked.public_key, message = keys.check(text)
    if message then report:add(path, message, "key") end
  end
  return checked
end

local function check_key(key, report, io_of)
  if key == nil then return nil end
  if type(key) == "table" then return check_key_table(key, report, io_of) end
  local name, message = fields.key_name(key)
  if not name then
    report:add("key", message .. '; or a table { name = "me", public_key_file = "~/.ssh/id_ed25519.pub" }')
  end
  return { name = name }
end

local function check_vpc(vpc, report)
  if vpc == true then vpc = {} end
  if type(vpc) ~= "table" then
    report:add("vpc", "must be true or a table { cidr =, zone =, ssh = }, not " .. fields.shown(vpc))
    return nil
  end
  report:unknown_fields(vpc, "vpc", VPC_FIELDS, places.join)
  return {
    cidr = check_field(report, fields.ip4_network, vpc.cidr == nil and "10.0.0.0/16" or vpc.cidr, "vpc.cidr"),
    zone = check_field(report, fields.zone, vpc.zone, "vpc.zone"),
    ssh = check_field(report, fields.ssh_sources, vpc.ssh == nil and {} or vpc.ssh, "vpc.ssh"),
  }
end

local function check_network(raw, settings, report, checked)
  local subnet, subnet_source = effective(raw, settings, "subnet")
  local groups, groups_source = effective(raw, settings, "security_groups")
  if raw.vpc ~= nil then
    local function given(name) return raw[name] ~= nil or (settings[name] and settings[name].overrides) end
    if given("subnet") then
      report:add(subnet_source, "a plan has a subnet, or vpc to have one made, not both", "vpc")
    end
    if given("security_groups") then
      report:add(groups_source, "vpc makes a security group of its own; leave this out", "vpc")
    end
    checked.vpc = check_vpc(raw.vpc, report)
    return
  end
  required(report, subnet, "subnet", "give the id of a subnet that has an IPv6 block (here, or with --subnet), "
    .. "or vpc = true to have a network made")
  checked.subnet = check_field(report, fields.subnet, subnet, subnet_source)
  checked.sources.subnet, checked.sources.security_groups = subnet_source, groups_source
  checked.security_groups = check_field(report, fields.security_groups, groups, groups_source)
end

-- Returns which of image and type the plan does not have for all hosts.
local function check_launch(raw, settings, report, checked)
  local image, source = effective(raw, settings, "image")
  checked.image = check_field(report, fields.image, image, source)
  checked.sources.image = source
  checked.instance_type = check_field(report, fields.instance_type, raw.instance_type, "instance_type")
  checked.tags = check_field(report, fields.tags, raw.tags, "tags") or {}
  checked.user_data = check_field(report, user_data.check, raw.user_data, "user_data")
  return { image = image == nil, instance_type = raw.instance_type == nil }
end

local function check_all(raw, settings, report, io_of)
  local checked = { sources = { instance_type = "instance_type" } }
  report:unknown_fields(raw, "", FIELDS, places.join)
  check_identity(raw, settings, report, checked)
  check_network(raw, settings, report, checked)
  local missing = check_launch(raw, settings, report, checked)
  checked.key = check_key(raw.key, report, io_of)
  checked.hosts = hosts.check(raw.hosts, checked, missing, report)
  return checked
end

local function read_file(path)
  local file, message = io.open(path, "rb")
  if not file then return nil, message end
  local text
  text, message = file:read("a")
  file:close()
  return text, message
end

-- Runs the file; the table it returns, or nil with the message.
local function run(text, file)
  local raw, message, code = sheet.run(text, file)
  if message then return nil, message, code end
  if type(raw) ~= "table" then
    return nil, file .. ": a plan returns a table (return { name = …, hosts = … }), not " .. fields.shown(raw), "EPLAN"
  end
  return raw
end

local function open(path, options)
  local io_of = { read_file = options.read_file or read_file, getenv = options.getenv or os.getenv }
  local text, message = options.text, nil
  if not text then text, message = io_of.read_file(path) end
  if not text then return nil, "cannot read the plan: " .. tostring(message), "ENOENT" end
  local raw, fault, code = run(text, path)
  if not raw then return nil, fault, code end
  return raw, faults.new(path, places.find(text)), io_of
end

--- Reads and checks a plan.
---@param path string
---@param options? { text: string?, settings: table<string, {value: any, source: string, overrides: boolean}>?,
---  read_file: (fun(path: string): string?, string?)?, getenv: (fun(name: string): string?)? }
---  `settings` gives region, subnet, security_groups or image from outside: instead of the plan's (`overrides`) or
---  where the plan has none. `source` ("--subnet", "$SUBNET_ID") stands in messages.
---@return table|nil plan     name, region?, subnet? or vpc, security_groups?, key?, tags, hosts (see eni6.fleet.hosts);
---  sources: the paths, options or variables that subnet, groups, image and type came from
---@return string? message    every fault on a line of its own
---@return string? code       "EPLAN", or "ENOENT" when the file cannot be read
function plan.load(path, options)
  options = options or {}
  local raw, report, io_of = open(path, options)
  if not raw then return nil, report, io_of end
  local checked = check_all(raw, options.settings or {}, report, io_of)
  if report.count > 0 then return nil, report:message(), "EPLAN" end
  checked.file, checked.report = path, report
  return checked
end

--- Reads no more of a plan than its name and region: what teardown needs, so
--- that it works though a key file is gone or a host is spelled wrong.
---@param path string
---@param options? table  as for load
---@return { name: string, region: string? }|nil
---@return string? message
---@return string? code
function plan.load_name(path, options)
  options = options or {}
  local raw, report, code = open(path, options)
  if not raw then return nil, report, code end
  local checked = {}
  check_identity(raw, options.settings or {}, report, checked)
  if report.count > 0 then return nil, report:message(), "EPLAN" end
  return checked
end




return plan
