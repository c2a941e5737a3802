--- Settings read from files and an environment that exist only in the test.

local config = require "eni6.aws.config"

local fake = {}

--- What `config.load` and `ec2.new` take: { files = { [path] = text }, env = { NAME = value } }.
function fake.surroundings(spec)
  local env, files = spec.env or { HOME = "/home/me" }, spec.files or {}
  return {
    getenv = function(name)
      if name == "AWS_EC2_METADATA_DISABLED" and env[name] == nil then return "true" end
      return env[name]
    end,
    read_file = function(path)
      if files[path] == nil then return nil, path .. ": No such file or directory", "ENOENT" end
      if files[path] == false then return nil, path .. ": Permission denied", "EIO" end
      return files[path]
    end,
    profile = spec.profile,
  }
end

function fake.settings(spec) return config.load(fake.surroundings(spec)) end

return fake
