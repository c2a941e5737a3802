--- Mutated config and credentials files through everything that reads them, for SECONDS.
-- Nothing may raise, take long, or show the secret.

local config = require "eni6.aws.config"
local credentials = require "eni6.aws.credentials"
local endpoints = require "eni6.aws.endpoints"
local retries = require "eni6.aws.retries"

local SECRET = "wJalrXUtnFEMIbK7MDENGbPxRfiCYEXAMPLEKEYx"

local seeds = {
  "[default]\naws_access_key_id = AKID\naws_secret_access_key = " .. SECRET .. "\nregion=us-east-1\n",
  "[profile x]\nrole_arn = a\nsource_profile = default\ns3 =\n  max = 1\n  style = path\n[default]\nservices = s\n",
  "[services s]\nec2 =\n  endpoint_url = http://127.0.0.1:1/\n[sso-session y]\nsso_region: eu-west-1\n",
  "# comment\n; another\n[profile \"two words\"]\noutput=json\nkey = " .. SECRET .. "\n\n   more\n[DEFAULT]\na=b\n",
  "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = b\nduration_seconds=900\n[profile b]\nrole_arn = x\n"
    .. "source_profile = default\n[profile c]\nrole_arn=y\ncredential_source = Environment\n",
  "[default]\nsso_session = y\nsso_account_id=1\nsso_role_name=r\n[sso-session y]\nsso_region=us-east-1\n"
    .. "sso_start_url=https://x\n",
  "[default]\nweb_identity_token_file = /token\nrole_arn = z\nrole_session_name = n\nsts_regional_endpoints = legacy\n",
  "[default]\nuse_fips_endpoint = true\nmax_attempts = 5\nretry_mode = standard\nendpoint_url = https://x/y\n",
}

local pieces = { "[", "]", "=", ":", "\n", "\r\n", "\n  ", "\n\t", "#", ";", "\"", "'", "\\", "default", "profile ", SECRET,
  "\0", "\255", "\226\128\168", "\194\160", "[default]\n", "aws_secret_access_key", "services", "true", "999999999999999999999" }

local function random_piece()
  if math.random(4) == 1 then return string.char(math.random(0, 255)) end
  return pieces[math.random(#pieces)]
end

local mutations = {
  function(text, at) return text:sub(1, at) .. random_piece() .. text:sub(at + 1) end,
  function(text, at) return text:sub(1, at) .. text:sub(at + math.random(10)) end,
  function(text, at) return text:sub(1, at) .. seeds[math.random(#seeds)] .. text:sub(at + 1) end,
  function(text, at) return text:sub(1, at) .. text:sub(math.random(#text + 1)) end,
  function(text, at) return text:sub(1, at) .. random_piece():rep(math.random(300)) .. text:sub(at + 1) end,
}

local function mutated(text)
  for _ = 1, math.random(6) do text = mutations[math.random(#mutations)](text, math.random(0, #text)) end
  return text:sub(1, 8192)
end

local silent = { request = function() return nil, "nobody answers", "ECONNREFUSED", { sent = false } end, close = function() end }

local function nobody() return silent end

local ENVIRONMENT = { HOME = "/h", AWS_EC2_METADATA_DISABLED = "true" }

local function read_all(files)
  local settings, message, code = config.load({
    getenv = function(name) return ENVIRONMENT[name] end,
    read_file = function(path) return files[path], "missing", "ENOENT" end,
  })
  if not settings then return message, code end
  local _, why = credentials.resolve({ settings = settings, region = "us-east-1", sleep = function() end,
    transport = nobody, direct = nobody })
  local region, region_why = endpoints.region(settings)
  local _, endpoint_why = endpoints.resolve({ service = "ec2", region = region or "us-east-1", settings = settings })
  local _, attempts_why = retries.settle(settings)
  return table.concat({ why or "", region_why or "", endpoint_why or "", attempts_why or "", tostring(settings) }, "\n")
end

local function check(files, seed)
  local began = os.clock()
  local ok, message, code = pcall(read_all, files)
  local fault = not ok and message
    or message:lower():find(SECRET:lower(), 1, true) and "shows the secret: " .. message
    or code and code ~= "ConfigParseError" and "odd code " .. code
    or os.clock() - began > 1 and "took long"
  if fault then
    error(string.format("seed %d: %s\nconfig: %q\ncredentials: %q", seed, fault, files["/h/.aws/config"],
      files["/h/.aws/credentials"]), 0)
  end
end

local seed = tonumber(os.getenv("SEED")) or os.time()
math.randomseed(seed)
local stop, count = os.time() + tonumber(os.getenv("SECONDS") or 3), 0
repeat
  for _ = 1, 200 do
    check({
      ["/token"] = SECRET,
      ["/h/.aws/config"] = mutated(seeds[math.random(#seeds)]),
      ["/h/.aws/credentials"] = mutated(seeds[math.random(#seeds)]),
    }, seed)
    count = count + 1
  end
until os.time() >= stop
print(string.format("%d pairs of files, seed %d", count, seed))
