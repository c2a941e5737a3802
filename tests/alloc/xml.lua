-- An answer with all that a map can ask for, an error, and one that holds no value.
local model = require "eni6.aws.model"
local xml = require "eni6.aws.xml"

local ec2 = model.service "ec2"

-- Latin-1 that doubles, so that the record of the document has to grow.
local LONG = '<?xml version="1.0" encoding="ISO-8859-1"?><DescribeInstancesResponse><nextToken>'
  .. ("\233"):rep(3000) .. "</nextToken></DescribeInstancesResponse>"

local ANSWER = [[<DescribeInstancesResponse><requestId>r</requestId><unknown><item>x</item></unknown>
  <reservationSet><item><ownerId>1</ownerId><groupSet/><instancesSet><item><instanceId>i-1</instanceId>
  <amiLaunchIndex>%s</amiLaunchIndex><ebsOptimized>true</ebsOptimized><placement/></item></instancesSet></item>
  </reservationSet></DescribeInstancesResponse>]]

local ERROR = "<Response><Errors><Error><Code>C</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>"

local function decode(body)
  local result, message, code = xml.decode(ec2, "DescribeInstances", body)
  if not result and code == "ENOMEM" then error(message, 0) end
  return result, message, code
end

local function check()
  assert(decode(ANSWER:format("7")).Reservations[1].Instances[1].AmiLaunchIndex == 7)
  assert(#decode(LONG).NextToken == 6000)
  local none, _, code = decode(ANSWER:format("seven"))
  assert(none == nil and code == "InvalidResponse")
  local found = xml.decode_error(ERROR, 400)
  assert(found.code == "C" or found.code == "ENOMEM")
end

return check
