--- bundle-instance's options for the place where the bundle goes, which the AWS CLI has beside --storage.

local problem = require "eni6.cli.problem"

local bundle = {}

local HOURS_24 = 86400 -- seconds; how long the policy made here holds

local function place_of(params)
  params.Storage = params.Storage or { S3 = {} }
  return params.Storage.S3
end

local function scalar(name, member, about)
  return {
    name = name, about = about,
    add = function(params, value) if value ~= "" then place_of(params)[member] = value end end,
  }
end

local function unsigned()
  problem.raise(problem.GENERAL, "--owner-sak is not supported: sign the policy with another tool, and give it as "
    .. "--storage S3={…,UploadPolicy=…,UploadPolicySignature=…}")
end

local OPTIONS = {
  scalar("bucket", "Bucket", "The bucket that the image is stored in."),
  scalar("prefix", "Prefix", "The beginning of the names in the bucket."),
  scalar("owner-akid", "AWSAccessKeyId", "Access key id of the bucket's owner."),
  { name = "owner-sak", about = "Not supported: sign the policy with another tool.", add = unsigned },
  scalar("policy", "UploadPolicy", "The policy that lets EC2 write there, in base64; one for 24 hours by default."),
}

local function check(parsed)
  if not parsed.storage then return end
  for _, option in ipairs(OPTIONS) do
    if parsed[(option.name:gsub("%-", "_"))] then
      problem.raise(problem.USAGE, "Mixing the --storage option with the simple, scalar options is not recommended.")
    end
  end
end

local function fix(params)
  local place = type(params.Storage) == "table" and params.Storage.S3
  if type(place) ~= "table" or place.UploadPolicy then return end
  place.UploadPolicy = require("eni6.cli.values").bytes(string.format(
    '{"expiration": "%s","conditions": [{"bucket": "%s"},{"acl": "ec2-bundle-read"},["starts-with", "$key", "%s"]]}',
    os.date("!%Y-%m-%dT%H:%M:%S.000000Z", os.time() + HOURS_24), place.Bucket or "", place.Prefix or ""))
end

--- Adds them.
---@param self eni6.cli.OptionTable
function bundle.apply(self)
  self.by_name.storage.required = false
  for _, option in ipairs(OPTIONS) do self:add(option) end
  self.checks[#self.checks + 1] = check
  self.fixes[#self.fixes + 1] = fix
end

return bundle
