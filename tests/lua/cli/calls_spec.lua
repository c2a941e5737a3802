-- run: lua5.4
-- Calls of all kinds to two sandboxes of the same seed, one of which the AWS CLI calls: what is printed is the same.
local cli = require "support.cli"
local oracle = require "support.oracle"
local sandbox = require "support.sandbox"

local SEED = 7
local FORMATS = { "json", "text", "table", "yaml", "yaml-stream" }

-- NAME= before a line keeps what it prints as $NAME. Lines that describe are shown in every format, others in
-- the next one.
local LINES = [[
ec2 describe-vpcs
ec2 describe-subnets --query Subnets[0]
ec2 describe-subnets --query Subnets[].{Id:SubnetId,Zone:AvailabilityZone,Blocks:Ipv6CidrBlockAssociationSet}
ec2 describe-security-groups
ec2 describe-security-groups --query SecurityGroups[*].[GroupId,GroupName]
ec2 describe-security-group-rules
ec2 describe-route-tables
ec2 describe-internet-gateways
ec2 describe-regions
ec2 describe-regions --query sort_by(Regions,&RegionName)[:3].RegionName
ec2 describe-availability-zones
ec2 describe-images
ec2 describe-instance-types --instance-types r5d.large t3.micro
ec2 describe-instance-types --query InstanceTypes[?VCpuInfo.DefaultVCpus>`2`].[InstanceType,MemoryInfo.SizeInMiB]
ec2 describe-instance-types --max-items 2
ec2 describe-instance-type-offerings --page-size 5 --query length(InstanceTypeOfferings)
ec2 describe-key-pairs
ec2 describe-instances
ec2 describe-instances --query Reservations[0].Instances[0].InstanceId
ENI=ec2 create-network-interface --subnet-id $SUBNET_ID --description one --ipv6-addresses Ipv6Address=2001:db8:47b:ca03::1:1 \
  --query NetworkInterface.NetworkInterfaceId
ec2 create-network-interface --subnet-id $SUBNET_ID --groups $SECURITY_GROUP_ID --private-ip-address 10.0.0.77 \
  --tag-specifications ResourceType=network-interface,Tags=[{Key=Name,Value=two},{Key=é,Value=日本}]
ec2 create-network-interface --subnet-id $SUBNET_ID --ipv6-address-count 2
ec2 assign-ipv6-addresses --network-interface-id $ENI --ipv6-addresses 2001:db8:47b:ca03::8 2001:db8:47b:ca03::9
ec2 unassign-ipv6-addresses --network-interface-id $ENI --ipv6-addresses 2001:db8:47b:ca03::9
ec2 modify-network-interface-attribute --network-interface-id $ENI --no-source-dest-check
ec2 describe-network-interface-attribute --network-interface-id $ENI --attribute sourceDestCheck
ec2 describe-network-interfaces
ec2 describe-network-interfaces \
  --query NetworkInterfaces[].{Id:NetworkInterfaceId,Addresses:Ipv6Addresses[].Ipv6Address,Tags:TagSet}
ec2 describe-network-interfaces --query NetworkInterfaces[].Ipv6Addresses[]
ec2 describe-network-interfaces --query NetworkInterfaces[].TagSet[].[Key,Value]
ec2 describe-network-interfaces --query NetworkInterfaces[*].Attachment
ec2 describe-network-interfaces --page-size 5 --max-items 2
ec2 describe-network-interfaces --page-size 5 --max-items 2 --query NetworkInterfaces[].Status
ec2 describe-network-interfaces --no-paginate --query [NextToken,length(NetworkInterfaces)]
ec2 describe-network-interfaces --filters Name=status,Values=in-use
ec2 describe-network-interfaces --filters Name=status,Values=in-use --query NetworkInterfaces[0]
ec2 import-key-pair --key-name mine --public-key-material fileb://$KEY_FILE
ec2 describe-key-pairs --key-names mine --query KeyPairs[0].[KeyName,KeyType,none]
VM=ec2 run-instances --image-id $IMAGE_ID --instance-type r5d.large --key-name mine --query Instances[0].InstanceId \
  --network-interfaces DeviceIndex=0,NetworkInterfaceId=$ENI
ec2 run-instances --image-id $IMAGE_ID --instance-type t3.micro --subnet-id $SUBNET_ID --count 2
ec2 describe-instances --instance-ids $VM
ec2 describe-instances --query Reservations[].Instances[].[InstanceId,State.Name,PrivateIpAddress]
ec2 describe-instances --query Reservations[].Instances[].NetworkInterfaces[].Ipv6Addresses[0].Ipv6Address
ec2 describe-instances --query {all:Reservations[].Instances[].Placement,same:Reservations[].Instances[].Placement}
ec2 describe-instances --query Reservations[0].Instances[0]
ec2 describe-instances --query *
ec2 describe-instance-status --include-all-instances
ec2 describe-instance-attribute --instance-id $VM --attribute instanceType
ec2 get-console-output --instance-id $VM
ec2 create-tags --resources $VM $ENI --tags Key=Name,Value=three Key=Empty,Value=
ec2 describe-tags
ec2 describe-tags --query Tags[?Value==''].[Key,ResourceType]
ec2 stop-instances --instance-ids $VM
ec2 start-instances --instance-ids $VM
ec2 reboot-instances --instance-ids $VM
ec2 delete-tags --resources $VM --tags Key=Empty
GROUP=ec2 create-security-group --group-name web --description web --query GroupId
ec2 authorize-security-group-ingress --group-id $GROUP --protocol tcp --port 22 --cidr 10.0.0.0/8
ec2 authorize-security-group-ingress --group-id $GROUP --ip-permissions \
  IpProtocol=tcp,FromPort=80,ToPort=90,Ipv6Ranges=[{CidrIpv6=::/0,Description=all}]
ec2 describe-security-groups --group-ids $GROUP
ec2 revoke-security-group-ingress --group-id $GROUP --protocol tcp --port 22 --cidr 10.0.0.0/8
ec2 delete-security-group --group-id $GROUP
VPC=ec2 create-vpc --cidr-block 10.7.0.0/16 --amazon-provided-ipv6-cidr-block --query Vpc.VpcId
ec2 describe-vpc-attribute --vpc-id $VPC --attribute enableDnsSupport
ec2 modify-vpc-attribute --vpc-id $VPC --no-enable-dns-support
ec2 create-subnet --vpc-id $VPC --cidr-block 10.7.1.0/24
TABLE=ec2 create-route-table --vpc-id $VPC --query RouteTable.RouteTableId
ec2 create-internet-gateway
ec2 delete-route-table --route-table-id $TABLE
ec2 terminate-instances --instance-ids $VM
ec2 delete-key-pair --key-name mine
ec2 describe-vpcs --filters Name=vpc-id,Values=vpc-00000000 --query Vpcs[]
ec2 describe-network-interfaces --network-interface-ids eni-0123456789abcdef0
ec2 describe-vpcs --query length(Nothing)
]]

local PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcellVteuaiCUotD2vDbRyfvRcmnVf5iYm/GQYpDdR0 me@example\n"

local function words_of(line, names)
  local words = {}
  for word in line:gsub("%$([A-Z_]+)", names):gmatch "%S+" do words[#words + 1] = word end
  return words
end

local function complete(argv, format, url)
  local copy = { table.unpack(argv) }
  for _, word in ipairs { "--output", format, "--endpoint-url", url } do copy[#copy + 1] = word end
  return copy
end

-- A transport that remembers: from the second time on, requests get the answers of the first.
local function recorder()
  local real, answers, place = assert(require("eni6.http").new {}), {}, 0
  local transport = { close = function() end }
  function transport.again() place = 0 end
  function transport.forget() answers, place = {}, 0 end
  function transport.request(_, request)
    place = place + 1
    if not answers[place] then answers[place] = table.pack(real:request(request)) end
    return table.unpack(answers[place], 1, answers[place].n)
  end
  return transport
end

local UUID = ("%x"):rep(8) .. ("%-" .. ("%x"):rep(4)):rep(4) .. ("%x"):rep(8)

-- Times of day and clients' tokens are not the same in both.
local function steady(text)
  return (text:gsub("%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d", "2001-01-01T00:00:00"):gsub(UUID, ("x"):rep(36)))
end

local function environment(exports)
  local env = { AWS_CONFIG_FILE = "/dev/null", AWS_SHARED_CREDENTIALS_FILE = "/dev/null", AWS_EC2_METADATA_DISABLED = "true",
    HOME = "/nonexistent", AWS_MAX_ATTEMPTS = "1" }
  for name, value in pairs(exports) do env[name] = value end
  return env
end

-- Our answers, and the lines as the AWS CLI is to run them at the other sandbox.
local function run_lines(env, url)
  local names, lines, answers, turn = setmetatable({}, { __index = env }), {}, {}, 0
  local http = recorder()
  for line in LINES:gsub("\\\n", ""):gmatch "[^\n]+" do
    local name, command = line:match "^([A-Z]+)=(.*)$"
    local argv = words_of(command or line, names)
    local formats = name and { "text" } or argv[2]:find "^describe" and FORMATS or { FORMATS[turn % #FORMATS + 1] }
    turn = turn + 1
    http.forget()
    for _, format in ipairs(formats) do
      http.again()
      answers[#answers + 1] = cli.run(complete(argv, format, env.AWS_ENDPOINT_URL), { env = env, http = http })
    end
    if name then names[name] = answers[#answers].stdout:gsub("\n$", "") end
    lines[#lines + 1] = { argv = complete(argv, formats[1], url), formats = formats }
  end
  return lines, answers
end

describe("calls to a sandbox", function()
  local boxes
  local key_file = os.tmpname()

  setup(function()
    boxes = { sandbox.start { "--seed", tostring(SEED) }, sandbox.start { "--seed", tostring(SEED) } }
    local file = assert(io.open(key_file, "wb"))
    file:write(PUBLIC_KEY)
    file:close()
  end)

  teardown(function()
    os.remove(key_file)
    for _, box in ipairs(boxes) do box:stop() end
  end)

  it("print the same bytes under the AWS CLI", function()
    boxes[1].env.KEY_FILE = key_file
    local lines, answers = run_lines(environment(boxes[1].env), boxes[2].url)
    local printed = oracle.exchange("cli_calls.py", { env = environment(boxes[2].env), lines = lines })
    assert.equal(#answers, #printed)
    local succeeded = 0
    for i, theirs in ipairs(printed) do
      local about = table.concat(theirs.argv, " ") .. " as " .. theirs.format .. ": " .. answers[i].stderr .. theirs.stderr
      assert.equal(steady(theirs.stdout), steady(answers[i].stdout), about)
      assert.equal(theirs.status, answers[i].status, about)
      succeeded = succeeded + (theirs.status == 0 and 1 or 0)
    end
    assert.is_true(succeeded > 200, succeeded)
  end)
end)
