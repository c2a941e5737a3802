--- Makes one Docker network on a block. Undo: it is removed, where it was not before.
--
-- step: { kind = "network", name =, block =, routed = boolean }

local network = {}

function network.describe(step)
  return string.format("make the Docker network %s on %s", step.name, step.block)
end

function network.before(step, world)
  local found, message, code = world.docker:inspect_network(step.name)
  if found then
    return nil, string.format("a Docker network %s is there already, with other addresses; remove it (docker network rm %s) "
      .. "or choose another name", step.name, step.name), "EEXIST"
  end
  if code ~= "NotFound" then return nil, message, code end
  return { name = step.name }
end

-- Routed: Docker's firewall lets packets to the containers pass as to any host,
-- where without it only published ports are open.
function network.run(step, world)
  local made, message, code = world.docker:create_network({
    Name = step.name, Driver = "bridge", EnableIPv6 = true, CheckDuplicate = true,
    IPAM = { Driver = "default", Config = { { Subnet = step.block } } },
    Options = step.routed and { ["com.docker.network.bridge.gateway_mode_ipv6"] = "routed" } or nil,
    Labels = { eni6 = "network" },
  })
  return made and true, message, code
end

function network.undo(old, world)
  local removed, message, code = world.docker:remove_network(old.name)
  if removed or code == "NotFound" then return true end
  return nil, message, code
end

return network
