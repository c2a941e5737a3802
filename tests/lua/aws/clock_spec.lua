local clock = require "eni6.aws.clock"

local function http_date(time) return os.date("!%a, %d %b %Y %H:%M:%S GMT", time) end

describe("the clock", function()
  it("reads HTTP's dates", function()
    assert.equal(784111777, clock.http_date("Sun, 06 Nov 1994 08:49:37 GMT"))
    assert.equal(951782400, clock.http_date("Tue, 29 Feb 2000 00:00:00 GMT"))
    local seed = tonumber(os.getenv("SEED")) or 1
    math.randomseed(seed)
    for _ = 1, 5000 do
      local time = math.random(0, 253402300799)
      assert.equal(time, clock.http_date(http_date(time)), "seed " .. seed)
    end
  end)

  it("reads nothing else", function()
    for _, text in ipairs({ "", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 +0000" }) do
      assert.is_nil(clock.http_date(text))
    end
    assert.is_nil(clock.http_date(nil))
  end)

  it("reads Retry-After in both its forms", function()
    assert.equal(7, clock.retry_after(nil, "7"))
    assert.equal(90, clock.retry_after(nil, http_date(1700000090), http_date(1700000000)))
    assert.is_nil(clock.retry_after(nil, http_date(1700000090), nil))
    for _, wrong in ipairs({ "soon", "-1", "0x10", "1e3", "7 s", "" }) do
      assert.is_nil(clock.retry_after(nil, wrong, http_date(1700000000)))
    end
    assert.is_nil(clock.retry_after(nil, nil))
  end)

  it("reads AWS's own header, in milliseconds, before it", function()
    assert.equal(1.5, clock.retry_after("1500", "7"))
    assert.equal(7, clock.retry_after("soon", "7"))
    assert.equal(0, clock.retry_after("0", nil))
  end)

  it("blames itself only for refusals that may be about time, minutes away from the service's", function()
    local function skew(code, off) return clock.skew({ code = code, date = http_date(1700000000 + off) }, 1700000000) end
    assert.equal(300, skew("RequestExpired", 300))
    assert.equal(-86400, skew("AuthFailure", -86400))
    assert.is_nil(skew("RequestExpired", 200))
    assert.is_nil(skew("InvalidParameterValue", 86400))
    assert.is_nil(clock.skew({ code = "RequestExpired" }, 1700000000))
  end)
end)
