--- Key pairs: create, import, describe, delete.

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local private_keys = require "eni6.sandbox.catalogue.private_keys"
local public_keys = require "eni6.sandbox.catalogue.public_keys"
local refuse = require("eni6.sandbox.refusal").refuse
local tags = require "eni6.sandbox.ec2.tags"
local timestamp = require("eni6.sandbox.ec2.shapes").timestamp

local M = {}
local operations = {}
M.operations = operations

local function by_name(world, name)
  return world:all("key_pair", function(key) return key.name == name end)[1]
end

--- The key pair with a name; refuses an unknown one and one not visible yet.
---@param world table
---@param name string
---@return table
function M.find(world, name)
  local key = by_name(world, name)
  if key and key.visible_at <= world.clock() then return key end
  return refuse("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", name)
end

local function view(key, _, params)
  return {
    keyPairId = key.id,
    keyName = key.name,
    keyFingerprint = key.fingerprint,
    keyType = key.type,
    createTime = timestamp(key.created),
    publicKey = params.IncludePublicKey and key.public_key or nil,
    tagSet = tags.view(key),
  }
end

local getters = filters.fields { ["key-name"] = "name", ["key-pair-id"] = "id", fingerprint = "fingerprint" }

-- Key pairs are asked for by name, too.
local function named(world, params)
  if not params.KeyName or #params.KeyName == 0 then return nil end
  local wanted = {}
  for _, name in ipairs(params.KeyName) do wanted[M.find(world, name)] = true end
  return function(key) return wanted[key] end
end

operations.DescribeKeyPairs = describe.operation {
  family = "key_pair", ids = "KeyPairId", set = "keySet", view = view, filters = getters, keep = named,
  parameters = { KeyName = { "string" }, IncludePublicKey = "boolean" },
}

local function check_name(world, name)
  if #name == 0 or #name > 255 then refuse("InvalidParameterValue", "Invalid value '%s' for keyPairName", name) end
  if by_name(world, name) then refuse("InvalidKeyPair.Duplicate", "The keypair already exists") end
end

local function keep(world, name, key, tagged)
  return world:insert("key_pair", { name = name, type = key.type, fingerprint = key.fingerprint, public_key = key.line,
    tags = tagged })
end

operations.CreateKeyPair = {
  parameters = { KeyName = "string!", KeyType = "string", KeyFormat = "string", TagSpecification = tags.parameters },
  run = function(world, params)
    check_name(world, params.KeyName)
    local kind = params.KeyType or "rsa"
    if not private_keys.is_type(kind) then refuse("InvalidParameterValue", "Invalid value '%s' for keyType", kind) end
    if params.KeyFormat and params.KeyFormat ~= "pem" then
      refuse("UnsupportedOperation", "The sandbox makes keys in the format pem, not %s", params.KeyFormat)
    end
    local specified = tags.specified(params.TagSpecification, "key-pair")
    return function()
      local key = private_keys.new(kind)
      local record = keep(world, params.KeyName, key, specified["key-pair"])
      return { keyPairId = record.id, keyName = record.name, keyFingerprint = record.fingerprint, keyMaterial = key.material,
        tagSet = tags.view(record) }
    end
  end,
}

operations.ImportKeyPair = {
  parameters = { KeyName = "string!", PublicKeyMaterial = "blob!", TagSpecification = tags.parameters },
  run = function(world, params)
    check_name(world, params.KeyName)
    local key = public_keys.read(params.PublicKeyMaterial)
    if not key then refuse("InvalidKey.Format", "Key is not in valid OpenSSH public key format") end
    local specified = tags.specified(params.TagSpecification, "key-pair")
    return function()
      local record = keep(world, params.KeyName, key, specified["key-pair"])
      return { keyPairId = record.id, keyName = record.name, keyFingerprint = record.fingerprint, tagSet = tags.view(record) }
    end
  end,
}

operations.DeleteKeyPair = {
  parameters = { KeyName = "string", KeyPairId = "string" },
  run = function(world, params)
    if not params.KeyName and not params.KeyPairId then
      refuse("MissingParameter", "The request must contain the parameter KeyName or KeyPairId")
    end
    -- Deleting by a name that does not exist succeeds; by an id it does not.
    local key = params.KeyPairId and world:find("key_pair", params.KeyPairId) or by_name(world, params.KeyName or "")
    return function()
      if key then world:remove(key) end
      return { ["return"] = true }
    end
  end,
}

return M
