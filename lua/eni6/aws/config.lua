--- AWS's shared config and credentials files, and the settings that come from
-- them and from the environment. Everything is read when `config.load` is called
-- and through the functions given to it; nothing is read on `require`.

local config = {}

-- What the files hold, secrets among it, by settings object: who looks through the object finds none.
local contents = setmetatable({}, { __mode = "k" })

local function absent(value) return value == nil or value == "" end

--- The content of a file, as the default of `read_file` everywhere in eni6.aws.
---@param path string
---@return string|nil content
---@return string|nil message
---@return string|nil code "ENOENT" where there is no such file, else "EIO"
function config.read_file(path)
  local file, message, number = io.open(path, "rb")
  if not file then return nil, message, number == 2 and "ENOENT" or "EIO" end
  local content, why = file:read("*a")
  file:close()
  if not content then return nil, path .. ": " .. (why or "not a file"), "EIO" end
  return content
end

--- A path with a leading ~ and $NAME or ${NAME} replaced, as botocore does for the paths it is given.
---@param path string
---@param getenv fun(name: string): string|nil
---@return string
function config.expand(path, getenv)
  local function variable(whole, name) return getenv(name) or whole end
  path = path:gsub("(%$([%a_][%w_]*))", variable):gsub("(%${([^}]+)})", variable)
  local rest = path:match("^~(/.*)$") or path:match("^~()$") and ""
  local home = getenv("HOME")
  return rest and not absent(home) and home .. rest or path
end

-- One of the two files: nil where it is missing; unreadable ones are remembered, not fatal,
-- since the environment may hold all that is needed.
local function read_sections(self, kind, variable, default)
  local path = self.getenv(variable)
  path = config.expand(absent(path) and default or path, self.getenv)
  local text, message, code
  if path:sub(1, 1) == "~" then code = "ENOENT" else text, message, code = self.read_file(path) end -- without a home
  self.files[kind] = { path = path, read = text ~= nil, problem = code ~= "ENOENT" and message or nil }
  if not text then return {} end
  return require("eni6.aws.ini").parse(text, path)
end

local kinds = { { "profile", "profiles" }, { "sso-session", "sso_sessions" }, { "services", "services" } }

-- botocore asks only how the name begins ([profiles x] is profile x too), and for two words.
local function kind_and_name(section_name)
  for _, kind in ipairs(kinds) do
    if section_name:sub(1, #kind[1]) == kind[1] then
      local words = require("eni6.aws.ini").words(section_name)
      if words and #words == 2 then return kind[2], words[2] end
      return nil
    end
  end
end

-- Files a section of the config file under profiles, services or sso_sessions; others concern nobody here.
local function add_config_section(content, section)
  if section.name == "default" then
    content.profiles.default = { config = section }
    return
  end
  local kind, name = kind_and_name(section.name)
  if kind == "profiles" then
    content.profiles[name] = { config = section }
  elseif kind then
    content[kind][name] = section.options
  end
end

-- In the credentials file every section is a profile, and its settings come before the config file's.
local function add_credentials_section(content, section)
  local profile = content.profiles[section.name] or {}
  profile.credentials = section
  content.profiles[section.name] = profile
end

local function load_files(self)
  local sections, message, code = read_sections(self, "config", "AWS_CONFIG_FILE", "~/.aws/config")
  if not sections then return nil, message, code end
  for _, section in ipairs(sections) do add_config_section(contents[self], section) end
  sections, message, code = read_sections(self, "credentials", "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
  if not sections then return nil, message, code end
  for _, section in ipairs(sections) do add_credentials_section(contents[self], section) end
  return true
end

-- For files that hold secrets: whole or not at all, and nobody else's to read.
local function write_file(path, text)
  local filesystem = require "eni6.filesystem"
  local ok, message, code = filesystem.make_directory(path:match("^(.*)/") or ".", 448) -- 0700
  if not ok then return nil, message, code end
  return filesystem.replace(path, text, 384) -- 0600
end

local Settings = {}
Settings.__index = Settings
Settings.__name = "eni6.aws.settings"
function Settings.__tostring(self) return "eni6.aws.settings: profile " .. self.profile end

local function missing_profile(self, source)
  local names = {}
  for name in pairs(contents[self].profiles) do names[#names + 1] = name end
  table.sort(names)
  local suggest = require("eni6.suggest")
  return nil, string.format("no profile %s in %s or %s (%s asks for it); %s", require("eni6.aws.shown")(self.profile),
    self.files.config.path, self.files.credentials.path, source,
    #names == 0 and "there are no profiles at all: `aws configure` makes one"
      or suggest.among(self.profile, names, "the profiles are ")), "ProfileNotFound"
end

local function choose_profile(self, explicit)
  local source = "the caller"
  local name = explicit
  for _, variable in ipairs({ "AWS_PROFILE", "AWS_DEFAULT_PROFILE" }) do
    if absent(name) then
      name, source = self.getenv(variable), variable
    end
  end
  self.profile_chosen = not absent(explicit)
  self.profile = absent(name) and "default" or name
  if absent(name) or contents[self].profiles[name] then return self end
  return missing_profile(self, source)
end

---@class eni6.aws.Settings
---@field profile string the profile in use
---@field profile_chosen boolean whether the caller named it, which sets the environment's keys aside
---@field files table { config = { path=, read=, problem= }, credentials = … }
---@field getenv fun(name: string): string|nil
---@field read_file fun(path: string): string|nil, string|nil, string|nil
---@field write_file nil|fun(path: string, text: string): true|nil, string|nil, string|nil nil: nothing is written

--- Reads the two files and settles which profile counts.
---@param options { getenv: function|nil, read_file: function|nil, write_file: function|nil, profile: string|nil }
---@return eni6.aws.Settings|nil
---@return string|nil message
---@return string|nil code "ConfigParseError", "ProfileNotFound"
function config.load(options)
  local self = setmetatable({
    getenv = options.getenv or os.getenv,
    read_file = options.read_file or config.read_file,
    -- Who brings files of their own gets nothing written beside them unasked.
    write_file = options.write_file or not options.read_file and write_file or nil,
    files = {},
  }, Settings)
  contents[self] = { profiles = {}, services = {}, sso_sessions = {} }
  local ok, message, code = load_files(self)
  if not ok then return nil, message, code end
  return choose_profile(self, options.profile)
end

--- The same files seen from another profile, which the caller thereby chooses.
---@param name string
---@return eni6.aws.Settings|nil nil where there is no such profile
function Settings:of_profile(name)
  if not contents[self].profiles[name] then return nil end
  local other = setmetatable({ getenv = self.getenv, read_file = self.read_file, write_file = self.write_file,
    files = self.files, profile = name, profile_chosen = true }, Settings)
  contents[other] = contents[self]
  return other
end

--- The profile in use as one of the files has it; the table may hold secrets.
---@param kind "config"|"credentials"
---@return { name: string, line: integer, options: table, lines: table }|nil section
function Settings:section(kind)
  local profile = contents[self].profiles[self.profile]
  return profile and profile[kind]
end

--- The settings of a [sso-session NAME] section.
---@param name string
---@return table<string, string|table>|nil
function Settings:sso_session(name) return contents[self].sso_sessions[name] end

--- A setting of the profile in use, as written.
---@param key string
---@return string|table|nil value a table where the file nests keys below it
---@return string|nil source file and line, for messages
function Settings:get(key)
  for _, kind in ipairs({ "credentials", "config" }) do
    local section = self:section(kind)
    local value = section and section.options[key]
    if value ~= nil and value ~= "" then
      return value, string.format("%s in %s, line %d", key, self.files[kind].path, section.lines[key] or section.line)
    end
  end
end

--- The value that the environment or, failing that, the profile gives.
---@param variables string[] names of environment variables, the first that is set counts
---@param key string|nil the profile's setting
---@return string|nil value
---@return string|nil source where it came from, for messages
function Settings:lookup(variables, key)
  for _, name in ipairs(variables) do
    local value = self.getenv(name)
    if not absent(value) then return value, name end
  end
  if not key then return nil end
  local value, source = self:get(key)
  if type(value) == "string" then return value, source end
end

--- Like `lookup`, for a setting that is true or false.
---@return boolean|nil value nil where nobody sets it
---@return string|nil message
---@return string|nil code "InvalidConfig"
function Settings:boolean(variables, key)
  local value, source = self:lookup(variables, key)
  if value == nil then return nil end
  local lower = value:lower()
  if lower == "true" then return true end
  if lower == "false" then return false end
  return nil, string.format("%s must be true or false", source), "InvalidConfig"
end

--- Like `lookup`, for one of the endpoints of `[services NAME]` that the profile points to.
---@param service string "ec2", "sts"
---@return string|nil url
---@return string|nil source
function Settings:service_endpoint(service)
  local name, source = self:get("services")
  local section = type(name) == "string" and contents[self].services[name]
  local entry = section and section[service]
  local url = type(entry) == "table" and entry.endpoint_url
  if url and url ~= "" then return url, string.format("endpoint_url of %s in [services %s] (%s)", service, name, source) end
end

return config
