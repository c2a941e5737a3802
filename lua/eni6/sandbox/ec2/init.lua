--- All operations of the sandbox by name. An operation has
---
--- - `parameters`: what it accepts (see `parameters`); `DryRun` and, for an
---   `idempotent` one, `ClientToken` are added here;
--- - `run(world, params)`: checks everything, refusing what EC2 refuses, changes
---   nothing, and returns the function that acts and gives the answer.

local parameters = require "eni6.sandbox.parameters"

local FAMILIES = { "attachments", "gateways", "images", "instance_attributes", "instances", "key_pairs", "launch",
  "network_interfaces", "places", "reservations", "route_tables", "security_groups", "subnets", "tags", "types", "vpcs" }

local operations = {}
for _, family in ipairs(FAMILIES) do
  for name, operation in pairs(require("eni6.sandbox.ec2." .. family).operations) do
    local accepted = { DryRun = "boolean", ClientToken = operation.idempotent and "string" or nil }
    for parameter, of in pairs(operation.parameters) do accepted[parameter] = of end
    operation.check = parameters.compile(accepted)
    operations[name] = operation
  end
end

return operations
