--- Command lines of `scripts/aws.lua` run within a test, by default without a network.

local fake_http = require "support.fake_http"
local run = require "eni6.cli.run"

local cli = {}

local ENVIRONMENT = {
  AWS_CONFIG_FILE = "/dev/null", AWS_SHARED_CREDENTIALS_FILE = "/dev/null", AWS_ACCESS_KEY_ID = "AKIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY = "secret", AWS_REGION = "us-east-1", AWS_EC2_METADATA_DISABLED = "true", HOME = "/nonexistent",
}

local function nothing(request) return fake_http.ok(request.parameters.Action) end

--- Runs one.
---@param argv string[]
---@param options { env: table|nil, answer: function|nil, read_file: function|nil, http: table|nil }|nil answer: of
---  support.fake_http; by default every operation succeeds with nothing in its answer; http: instead of a fake one
---@return { status: integer, stdout: string, stderr: string, requests: table[]|nil }
function cli.run(argv, options)
  options = options or {}
  local out, err = {}, {}
  local http = options.http or fake_http.new(options.answer or nothing)
  local status = run.main(argv, {
    write = function(text) out[#out + 1] = text end,
    complain = function(text) err[#err + 1] = text end,
    getenv = function(name)
      local value = (options.env or {})[name]
      if value ~= nil then return value or nil end
      return ENVIRONMENT[name]
    end,
    read_file = options.read_file or require("eni6.aws.config").read_file,
    client_read_file = options.read_file,
    is_coloured = function(wish) return wish == "on" end,
    columns = function() return nil end,
    settled = function() end,
    program = function() return "aws" end,
    http = http,
  })
  return { status = status, stdout = table.concat(out), stderr = table.concat(err), requests = http.requests }
end

return cli
