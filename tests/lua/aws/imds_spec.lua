local imds = require("eni6.aws.imds")

local MAC = "12:fb:b4:8b:15:f8"
local BASE = "/latest/meta-data/network/interfaces/macs/" .. MAC .. "/"

-- A metadata service in a table: paths to text; `before` may answer first.
local function service(paths, before)
  local self = { clock = 0, log = {}, tokens = 0 }
  local function respond(status, body) return { status = status, body = body or "", headers = {} } end
  function self.request(_, request)
    local method, path = request.method, request.url:match("^http://[^/]+(/.*)$")
    self.log[#self.log + 1] = method .. " " .. request.url
    local early, message, code
    if before then early, message, code = before(self, request) end
    if early or message then return early, message, code end
    if method == "PUT" then
      self.tokens = self.tokens + 1
      return respond(200, "token-" .. self.tokens)
    end
    if request.headers[1][2] ~= "token-" .. self.tokens then return respond(401) end
    if paths[path] then return respond(200, paths[path]) end
    return respond(404)
  end
  self.client = imds.new({
    http = self, sleep = function(seconds) self.clock = self.clock + seconds end, now = function() return self.clock end,
  })
  return self
end

local INTERFACE = {
  ["/latest/meta-data/network/interfaces/macs/"] = MAC .. "/",
  [BASE .. "ipv6s"] = "2001:db8:47b:ca03:0:0:0:8\n2001:db8:47b:ca03:0:0:1:1",
  [BASE .. "subnet-ipv6-cidr-blocks"] = "2001:db8:47b:ca03:0:0:0:0/64",
  [BASE .. "interface-id"] = "eni-1",
  [BASE .. "device-number"] = "0",
}

describe("imds", function()
  it("reads the interfaces, addresses as RFC 5952 writes them", function()
    assert.same({ {
      mac = MAC, interface_id = "eni-1", device_number = 0,
      ipv6s = { "2001:db8:47b:ca03::8", "2001:db8:47b:ca03::1:1" }, ipv6_prefix = {},
      subnet_ipv6_cidr_blocks = { "2001:db8:47b:ca03::/64" },
    } }, assert(service(INTERFACE).client:interfaces()))
  end)

  it("asks for one token and renews it before it expires, and when it is refused", function()
    local it = service({ ["/latest/meta-data/instance-id"] = "i-1" })
    for _ = 1, 3 do assert.equal("i-1", it.client:get("meta-data/instance-id")) end
    assert.equal(1, it.tokens)
    it.clock = 21600 - 30
    assert.equal("i-1", it.client:get("meta-data/instance-id"))
    assert.equal(2, it.tokens)
    it.tokens = 7
    assert.equal("i-1", it.client:get("meta-data/instance-id"))
    assert.equal(8, it.tokens)
  end)

  it("falls over to the IPv6 address and stays there", function()
    local it = service({ ["/latest/meta-data/instance-id"] = "i-1" }, function(_, request)
      if request.url:find("169.254", 1, true) then return nil, "timed out", "ETIMEDOUT" end
    end)
    assert.equal("i-1", it.client:get("meta-data/instance-id"))
    assert.equal("GET http://[fd00:ec2::254]/latest/meta-data/instance-id", it.log[#it.log])
  end)

  it("never asks without a token, also where tokens are refused", function()
    local it = service({}, function(_, request)
      if request.method == "PUT" then return { status = 403, body = "" } end
    end)
    local _, message, code = it.client:get("meta-data/instance-id")
    assert.equal("NoMetadata", code)
    assert.truthy(message:find("IMDSv2", 1, true))
    for _, line in ipairs(it.log) do assert.truthy(line:find("^PUT")) end
  end)

  it("tries several times, then says what it tried", function()
    local it = service({}, function() return nil, "connect timed out", "ETIMEDOUT" end)
    local _, message, code = it.client:get("meta-data/instance-id")
    assert.equal("NoMetadata", code)
    assert.equal(6, #it.log)
    assert.truthy(message:find("169.254.169.254 nor http://[fd00:ec2::254]", 1, true), message)
  end)

  it("survives an error in the middle", function()
    local failures = 2
    local it = service({ ["/latest/meta-data/instance-id"] = "i-1" }, function(_, request)
      if request.method == "GET" and failures > 0 then
        failures = failures - 1
        return { status = 500, body = "" }
      end
    end)
    assert.equal("i-1", it.client:get("meta-data/instance-id"))
  end)

  it("refuses garbage", function()
    local html = setmetatable({ [BASE .. "ipv6s"] = "<html>oops</html>" }, { __index = INTERFACE })
    assert.equal("EPROTO", select(3, service(html).client:interfaces()))
    local listing = { ["/latest/meta-data/network/interfaces/macs/"] = "<html>" }
    assert.equal("EPROTO", select(3, service(listing).client:interfaces()))
  end)

  it("reads tags, and none where they are off", function()
    assert.same({}, assert(service({}).client:tags()))
    assert.same({ ["eni6:host"] = "instance-1" }, service({
      ["/latest/meta-data/tags/instance/"] = "eni6:host",
      ["/latest/meta-data/tags/instance/eni6:host"] = "instance-1",
    }).client:tags())
  end)

  it("waits for addresses that are late, and says which came when they do not", function()
    local paths = setmetatable({}, { __index = INTERFACE })
    local it = service(paths, function(self)
      if self.clock > 5 then paths[BASE .. "ipv6s"] = "2001:db8::1\n2001:db8::2\n2001:db8::3" end
    end)
    local complete = function(interface) return #interface.ipv6s == 3 end
    assert.equal(3, #assert(it.client:wait_for_interface(MAC, complete)).ipv6s)
    local _, message, code = service(INTERFACE).client:wait_for_interface(MAC, complete)
    assert.equal("ETIMEDOUT", code)
    assert.truthy(message:find("2001:db8:47b:ca03::8, 2001:db8:47b:ca03::1:1", 1, true), message)
  end)
end)
