--- DescribeImages.

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local images = require "eni6.sandbox.catalogue.images"
local refuse = require("eni6.sandbox.refusal").refuse
local tags = require "eni6.sandbox.ec2.tags"

local M = {}
local operations = {}
M.operations = operations

--- Puts the catalogue's images into a world.
---@param world table
function M.stock(world)
  for _, known in ipairs(images.list) do
    local record = { visible_at = 0 }
    for key, value in pairs(known) do record[key] = value end
    record.snapshot = "snap-0" .. world.random:hex(16)
    world:insert("image", record)
  end
end

--- The image that an ImageId names; refuses an unknown one.
---@param world table
---@param id string an id, or `resolve:ssm:` and the name of a public parameter
---@return table image
function M.find(world, id)
  local parameter = id:match("^resolve:ssm:(.+)$")
  if not parameter then return world:find("image", id) end
  local resolved = images.from_parameter(parameter)
  if not resolved then
    refuse("InvalidParameterValue", "The SSM parameter '%s' does not exist or does not name an image", parameter)
  end
  return world:find("image", resolved)
end

local function view(image)
  return {
    imageId = image.id,
    imageLocation = (image.owner_alias or image.owner) .. "/" .. image.name,
    imageOwnerId = image.owner,
    imageOwnerAlias = image.owner_alias,
    imageState = "available",
    imageType = "machine",
    isPublic = true,
    name = image.name,
    description = image.description,
    creationDate = image.creation_date,
    architecture = image.architecture,
    hypervisor = "xen",
    virtualizationType = "hvm",
    enaSupport = true,
    sriovNetSupport = "simple",
    bootMode = image.boot_mode,
    platformDetails = "Linux/UNIX",
    usageOperation = "RunInstances",
    rootDeviceName = image.root_device,
    rootDeviceType = "ebs",
    blockDeviceMapping = {
      { deviceName = image.root_device, ebs = { snapshotId = image.snapshot, volumeSize = image.size, volumeType = "gp2",
        deleteOnTermination = true, encrypted = false } },
    },
    tagSet = tags.view(image),
  }
end

local getters = filters.fields { ["image-id"] = "id", name = "name", description = "description",
  architecture = "architecture", ["owner-id"] = "owner", ["owner-alias"] = "owner_alias",
  ["root-device-name"] = "root_device", ["creation-date"] = "creation_date" }
getters["state"] = function() return "available" end
getters["image-type"] = function() return "machine" end
getters["is-public"] = function() return true end
getters["hypervisor"] = function() return "xen" end
getters["virtualization-type"] = function() return "hvm" end
getters["root-device-type"] = function() return "ebs" end
getters["ena-support"] = function() return true end
getters["block-device-mapping.volume-type"] = function() return "gp2" end

local function owned(image, owners, account)
  for _, owner in ipairs(owners) do
    local wanted = owner == "self" and account or owner
    if wanted == image.owner or wanted == image.owner_alias then return true end
  end
  return false
end

operations.DescribeImages = describe.operation {
  family = "image", ids = "ImageId", set = "imagesSet", view = view, filters = getters, bounds = { 1, 1000 },
  parameters = { Owner = { "string" }, ExecutableBy = { "string" }, IncludeDeprecated = "boolean" },
  keep = function(world, params)
    if not params.Owner or #params.Owner == 0 then return nil end
    return function(image) return owned(image, params.Owner, world.account) end
  end,
}

return M
