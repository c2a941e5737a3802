--- Subnet CIDR reservations: ranges that automatic assignment leaves alone
--- (`explicit`) or takes /80 prefixes from (`prefix`).

local describe = require "eni6.sandbox.ec2.describe"
local filters = require "eni6.sandbox.filters"
local ipv4 = require "eni6.sandbox.state.ipv4"
local ipv6 = require "eni6.sandbox.state.ipv6"
local paging = require "eni6.sandbox.paging"
local refuse = require("eni6.sandbox.refusal").refuse
local tags = require "eni6.sandbox.ec2.tags"

local M = {}
local operations = {}
M.operations = operations

local function view(reservation, world)
  return {
    subnetCidrReservationId = reservation.id,
    subnetId = reservation.subnet.id,
    cidr = reservation.cidr.text,
    reservationType = reservation.kind,
    ownerId = world.account,
    description = reservation.description,
    tagSet = tags.view(reservation),
  }
end

local function check_free(world, subnet, cidr, overlap)
  for _, other in ipairs(world:all("cidr_reservation")) do
    if other.subnet == subnet and other.is_ipv6 == (overlap == ipv6.overlap) and overlap(other.cidr, cidr) then
      refuse("InvalidCidr.InUse", "The CIDR %s overlaps the reservation %s", cidr.text, other.id)
    end
  end
end

local function check_cidr(world, subnet, text)
  local wide = text:find(":", 1, true) ~= nil
  local cidr = wide and ipv6.cidr(text) or not wide and ipv4.cidr(text)
  if not cidr then refuse("InvalidParameterValue", "The CIDR %s is not valid", text) end
  local inside
  if wide then
    inside = subnet.ipv6 and ipv6.contains(subnet.ipv6.cidr, cidr.base) and cidr.length >= subnet.ipv6.cidr.length
  else
    inside = subnet.cidr and ipv4.holds(subnet.cidr, cidr)
  end
  if not inside then refuse("InvalidParameterValue", "The CIDR %s is not in the subnet %s", text, subnet.id) end
  check_free(world, subnet, cidr, wide and ipv6.overlap or ipv4.overlap)
  return cidr, wide
end

operations.CreateSubnetCidrReservation = {
  parameters = {
    SubnetId = "string!", Cidr = "string!", ReservationType = "string!", Description = "string",
    TagSpecification = tags.parameters,
  },
  run = function(world, params)
    local subnet = world:find("subnet", params.SubnetId)
    local kind = params.ReservationType
    if kind ~= "explicit" and kind ~= "prefix" then
      refuse("InvalidParameterValue", "Invalid value '%s' for reservation type: explicit or prefix", kind)
    end
    local cidr, wide = check_cidr(world, subnet, params.Cidr)
    local specified = tags.specified(params.TagSpecification, "subnet-cidr-reservation")
    return function()
      local reservation = world:insert("cidr_reservation", { subnet = subnet, cidr = cidr, is_ipv6 = wide, kind = kind,
        description = params.Description, tags = specified["subnet-cidr-reservation"] })
      if wide then table.insert(subnet.ipv6.ledger.reservations, reservation) end
      return { subnetCidrReservation = view(reservation, world) }
    end
  end,
}

local function forget(list, reservation)
  for i, other in ipairs(list) do
    if other == reservation then return table.remove(list, i) end
  end
end

operations.DeleteSubnetCidrReservation = {
  parameters = { SubnetCidrReservationId = "string!" },
  run = function(world, params)
    local reservation = world:find("cidr_reservation", params.SubnetCidrReservationId)
    return function()
      if reservation.is_ipv6 and reservation.subnet.ipv6 then
        forget(reservation.subnet.ipv6.ledger.reservations, reservation)
      end
      world:remove(reservation)
      return { deletedSubnetCidrReservation = view(reservation, world) }
    end
  end,
}

local getters = filters.fields { reservationType = "kind", ["reservation-type"] = "kind" }
getters["subnet-id"] = function(reservation) return reservation.subnet.id end

operations.GetSubnetCidrReservations = {
  parameters = { SubnetId = "string!", Filter = filters.parameters, MaxResults = "integer", NextToken = "string" },
  run = function(world, params)
    local subnet = world:find("subnet", params.SubnetId)
    paging.check(params, { 5, 1000 })
    local chosen = describe.select(world, { family = "cidr_reservation", filters = getters }, params)
    local page, next_token = paging.cut(chosen, params)
    return function()
      local answer = { subnetIpv4CidrReservationSet = {}, subnetIpv6CidrReservationSet = {}, nextToken = next_token }
      for _, reservation in ipairs(page) do
        if reservation.subnet == subnet then
          local set = reservation.is_ipv6 and answer.subnetIpv6CidrReservationSet or answer.subnetIpv4CidrReservationSet
          set[#set + 1] = view(reservation, world)
        end
      end
      return answer
    end
  end,
}

return M
