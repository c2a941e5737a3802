local ec2 = require "eni6.aws.ec2"
local fake_http = require "support.fake_http"

local function new(answer)
  local http = fake_http.new(answer)
  return assert(ec2.new({
    region = "us-east-1", credentials = { access_key_id = "A", secret_access_key = "S" }, http = http,
    getenv = function() end, sleep = function() end,
  })), http
end

local function page(ids, token)
  local items = {}
  for i, id in ipairs(ids) do items[i] = "<item><vpcId>" .. id .. "</vpcId></item>" end
  return fake_http.ok("DescribeVpcs", "<vpcSet>" .. table.concat(items) .. "</vpcSet>"
    .. (token and "<nextToken>" .. token .. "</nextToken>" or ""))
end

local three = function(_, n) return ({ page({ "a", "b" }, "t1"), page({}, "t2"), page({ "c" }) })[n] end

local function ids_of(result)
  local ids = {}
  for i, vpc in ipairs(result.Vpcs) do ids[i] = vpc.VpcId end
  return ids
end

describe("paging", function()
  it("follows the token", function()
    local client, http = new(three)
    local seen = {}
    local params = { MaxResults = 5 }
    for result in client:pages("DescribeVpcs", params) do seen[#seen + 1] = ids_of(result) end
    assert.same({ { "a", "b" }, {}, { "c" } }, seen)
    assert.same({ nil, "t1", "t2" }, { http.requests[1].parameters.NextToken, http.requests[2].parameters.NextToken,
      http.requests[3].parameters.NextToken })
    assert.equal("5", http.requests[3].parameters.MaxResults)
    assert.same({ MaxResults = 5 }, params)
  end)

  it("joins all pages", function()
    local result = assert(new(three):all("DescribeVpcs"))
    assert.same({ "a", "b", "c" }, ids_of(result))
    assert.is_nil(result.NextToken)
  end)

  it("ends at an empty token", function()
    local result = assert(new(function() return page({ "a" }, "") end):all("DescribeVpcs"))
    assert.same({ "a" }, ids_of(result))
  end)

  it("gives the one answer of an operation that has no pages", function()
    local client = new(function() return fake_http.ok("DeleteVpc") end)
    assert.same({}, (assert(client:all("DeleteVpc", { VpcId = "vpc-1" }))))
  end)

  it("gives an error once, and ends", function()
    local client = new(function(_, n) return n == 1 and page({ "a" }, "t") or fake_http.error("UnauthorizedOperation", 403) end)
    local seen = {}
    for result, _, code in client:pages("DescribeVpcs") do seen[#seen + 1] = result and "page" or code end
    assert.same({ "page", "UnauthorizedOperation" }, seen)
    client = new(function(_, n) return n == 1 and page({ "a" }, "t") or fake_http.error("UnauthorizedOperation", 403) end)
    local result, _, code, detail = client:all("DescribeVpcs")
    assert.is_nil(result)
    assert.equal("UnauthorizedOperation", code)
    assert.equal(403, detail.status)
  end)

  it("notices that it goes round", function()
    for _, tokens in ipairs({ { "x", "x" }, { "x", "y", "x" } }) do
      local client, http = new(function(_, n) return page({ "a" }, tokens[(n - 1) % #tokens + 1]) end)
      local result, message, code = client:all("DescribeVpcs")
      assert.is_nil(result)
      assert.equal("PagingLoop", code)
      assert.matches("same page token twice", message)
      assert.equal(#tokens, #http.requests)
    end
  end)
end)
