local model = require "eni6.aws.model"
local oracle = require "support.oracle"
local xml = require "eni6.aws.xml"

local ec2, sts = model.service "ec2", model.service "sts"

local function instances(inner)
  return "<DescribeInstancesResponse>" .. inner .. "</DescribeInstancesResponse>"
end

describe("xml.decode", function()
  it("gives the names that the AWS CLI prints", function()
    local result, request_id = xml.decode(ec2, "CreateNetworkInterface", [[<?xml version="1.0" encoding="UTF-8"?>
<CreateNetworkInterfaceResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>8dbe591e-5a22-48cb-b948-dd0aadd55adf</requestId>
    <networkInterface>
        <networkInterfaceId>eni-1</networkInterfaceId>
        <description/>
        <sourceDestCheck>true</sourceDestCheck>
        <requesterManaged>false</requesterManaged>
        <somethingNew><item><status>no</status></item></somethingNew>
        <groupSet/>
        <attachment><deviceIndex>0</deviceIndex><attachTime>2012-07-05T21:34:53.000Z</attachTime></attachment>
        <ipv6AddressesSet>
            <item><ipv6Address>2001:db8::1:1</ipv6Address></item>
            <item><ipv6Address>2001:db8::8</ipv6Address></item>
        </ipv6AddressesSet>
        <tagSet><item><key>a &amp; b</key><value> two  </value></item></tagSet>
    </networkInterface>
</CreateNetworkInterfaceResponse>]])
    assert.same({
      NetworkInterface = {
        NetworkInterfaceId = "eni-1",
        Description = "",
        SourceDestCheck = true,
        RequesterManaged = false,
        Groups = {},
        Attachment = { DeviceIndex = 0, AttachTime = "2012-07-05T21:34:53.000Z" },
        Ipv6Addresses = { { Ipv6Address = "2001:db8::1:1" }, { Ipv6Address = "2001:db8::8" } },
        TagSet = { { Key = "a & b", Value = " two  " } },
      },
    }, result)
    assert.equal("8dbe591e-5a22-48cb-b948-dd0aadd55adf", request_id)
    assert.equal("integer", math.type(result.NetworkInterface.Attachment.DeviceIndex))
  end)

  it("decodes an answer that says nothing", function()
    local result, request_id = xml.decode(ec2, "DeleteVpc",
      "<DeleteVpcResponse><requestId>r</requestId><return>true</return></DeleteVpcResponse>")
    assert.same({}, result)
    assert.equal("r", request_id)
    assert.equal("object", getmetatable(result).__jsontype)
  end)

  it("decodes STS's wrapped results", function()
    local result, request_id = xml.decode(sts, "GetCallerIdentity", [[<GetCallerIdentityResponse>
      <GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u</Arn></GetCallerIdentityResult>
      <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>]])
    assert.same({ Arn = "arn:aws:iam::1:user/u" }, result)
    assert.equal("r", request_id)
  end)

  it("tells an empty structure from an empty list", function()
    local result = xml.decode(ec2, "DescribeInstances",
      instances("<reservationSet><item><groupSet/><instancesSet><item><placement><!-- --></placement></item>"
        .. "</instancesSet></item></reservationSet>"))
    local reservation = result.Reservations[1]
    assert.equal("object", getmetatable(reservation.Instances[1].Placement).__jsontype)
    assert.is_nil(getmetatable(reservation.Groups))
    assert.is_nil(getmetatable(reservation))
    result = xml.decode(ec2, "DescribeInstances",
      instances "<reservationSet><item><ownerId>1</ownerId></item></reservationSet>")
    assert.is_nil(getmetatable(result.Reservations[1]))
  end)

  it("leaves elements inside of text out", function()
    local result = xml.decode(ec2, "DescribeInstances",
      instances "<nextToken>ab<nextToken>x<y/></nextToken>cd</nextToken><reservationSet/>")
    assert.same({ NextToken = "ab", Reservations = {} }, result)
  end)

  it("keeps nothing of the names that a server makes up", function()
    local function decode(from, to)
      local parts = {}
      for i = from, to do parts[#parts + 1] = ("<x%d/><reservationSet><y%d/></reservationSet>"):format(i, i) end
      assert(xml.decode(ec2, "DescribeInstances", instances(table.concat(parts))))
      for _ = 1, 8 do collectgarbage() end -- Lua's table of strings shrinks by half each time
      return collectgarbage "count"
    end
    local before = decode(1, 20000)
    assert.is_true(decode(20001, 40000) < before + 50)
  end)

  it("agrees with botocore on every operation", function()
    local cases = oracle.cases("ec2.py", "answers", 5, 6)
    assert.is_true(#cases >= 2900)
    for _, case in ipairs(cases) do
      local result = assert(xml.decode(model.service(case.service), case.operation, case.body))
      assert.is_nil(oracle.difference(result, case.result), case.operation .. ": " .. case.body)
    end
  end)
end)

describe("a body that is no answer", function()
  local function refused(body, code, pattern)
    local result, message, got = xml.decode(ec2, "DescribeInstances", body)
    assert.is_nil(result)
    assert.equal(code, got, message)
    assert.truthy(message:find(pattern), message)
  end

  it("is refused by its kind", function()
    refused("", "EmptyResponse", "empty")
    refused(" \n", "EmptyResponse", "empty")
    refused("<html><head><title>\n 503 Bad Gateway </title></head></html>", "HTMLResponse", 'titled "503 Bad Gateway"')
    refused("<!DOCTYPE html>\n<p>hello", "HTMLResponse", "HTML page, not XML: a proxy")
    refused("upstream connect error", "InvalidResponse", "not XML")
    refused('{"message": "no"}', "InvalidResponse", "not XML")
    refused("<DescribeInstancesResponse><reservationSet>", "TruncatedResponse", "cut off at line 1, column")
    refused("<DescribeInstancesRes", "TruncatedResponse", "cut off")
    refused("<a></b>", "InvalidResponse", "line 1, column 6: mismatched tag")
    refused("<Something/>", "InvalidResponse", "not an answer to DescribeInstances")
    refused("<Response><Errors/></Response>", "InvalidResponse", "not an answer")
    refused("<ErrorResponse><reservationSet/></ErrorResponse>", "InvalidResponse", "not an answer")
    refused(instances "<x>\255</x>", "InvalidResponse", "invalid token")
    refused(instances "" .. "<more/>", "InvalidResponse", "junk after")
  end)

  it("is refused when a value is none of its type", function()
    local function device_index(text)
      return instances("<reservationSet><item><instancesSet><item><amiLaunchIndex>" .. text
        .. "</amiLaunchIndex></item></instancesSet></item></reservationSet>")
    end
    for _, text in ipairs { "", "x", "0x10", "1.5", "1e3", "99999999999999999999" } do
      refused(device_index(text), "InvalidResponse", "amiLaunchIndex holds no integer")
    end
    assert(xml.decode(ec2, "DescribeInstances", device_index " 5\n"))
  end)

  it("is refused for a document type, whatever it declares", function()
    local bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' .. instances "<nextToken>&b;</nextToken>"
    refused(bomb, "InvalidResponse", "document type declaration")
    refused("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" .. instances "", "InvalidResponse", "document type declaration")
    refused(instances "<nextToken>&undeclared;</nextToken>", "InvalidResponse", "undefined entity")
  end)

  it("is refused when it nests too deep", function()
    refused(instances(("<a>"):rep(100000)), "InvalidResponse", "too deep")
    refused(instances("<nextToken>" .. ("<a>"):rep(100000)), "InvalidResponse", "too deep")
    local shape = { kind = "structure", name = "Tree" }
    shape.members = { { name = "Branch", xml = "branch", type = shape } }
    local service = { operation = function() return { name = "Grow", output = shape } end }
    local function grown(levels)
      return "<GrowResponse>" .. ("<branch>"):rep(levels) .. ("</branch>"):rep(levels) .. "</GrowResponse>"
    end
    assert(xml.decode(service, "Grow", grown(60)))
    assert.is_nil((xml.decode(service, "Grow", grown(70))))
    assert(xml.decode(ec2, "DescribeInstances", instances(("<a>"):rep(60) .. ("</a>"):rep(60))))
  end)

  it("lets an interrupt through", function()
    local tointeger = math.tointeger
    math.tointeger = function() error("interrupted!", 0) end -- luacheck: ignore
    local ok, message = pcall(xml.decode, ec2, "DescribeInstanceTypes",
      "<DescribeInstanceTypesResponse><instanceTypeSet><item><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo>"
        .. "</item></instanceTypeSet></DescribeInstanceTypesResponse>")
    math.tointeger = tointeger -- luacheck: ignore
    assert.is_false(ok)
    assert.equal("interrupted!", message)
  end)
end)

describe("xml.decode_error", function()
  it("reads EC2's errors", function()
    assert.same({ code = "InvalidIPAddress.InUse", message = "The address is in use.", request_id = "r" }, xml.decode_error(
      "<Response><Errors><Error><Code>InvalidIPAddress.InUse</Code><Message>The address is in use.</Message></Error></Errors>"
        .. "<RequestID>r</RequestID></Response>", 400))
  end)

  it("reads the query protocol's errors", function()
    assert.same({ code = "ExpiredToken", message = "m", request_id = "r" }, xml.decode_error(
      "<ErrorResponse xmlns='x'><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>m</Message></Error>"
        .. "<RequestId>r</RequestId></ErrorResponse>", 403))
  end)

  it("takes the code of an error that is cut off", function()
    assert.same({ code = "RequestLimitExceeded", message = "" },
      xml.decode_error("<Response><Errors><Error><Code>RequestLimitExceeded</Code><Mess", 503))
  end)

  it("always has a code and says what came", function()
    for _, case in ipairs {
      { nil, "EmptyResponse", "HTTP status 503: the answer is empty" },
      { "", "EmptyResponse", "HTTP status 503: the answer is empty" },
      { "<html><body><b>Http/1.1 Service Unavailable</b></body></html>", "HTMLResponse", "503: the answer is an HTML page" },
      { "<Response><Errors><Err", "TruncatedResponse", "HTTP status 503: the answer is cut off" },
      { "<Response><Errors><Error><Message>m</Message></Error></Errors></Response>", "InvalidResponse", "not an error of AWS" },
      { "no healthy upstream", "InvalidResponse", "not XML" },
    } do
      local found = xml.decode_error(case[1], 503)
      assert.equal(case[2], found.code)
      assert.truthy(found.message:find(case[3], 1, true), found.message)
    end
  end)
end)
