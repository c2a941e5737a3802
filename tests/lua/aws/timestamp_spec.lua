local timestamp = require "eni6.aws.timestamp"

describe("timestamps", function()
  it("are read", function()
    assert.equal(1479198600, timestamp.parse "2016-11-15T08:30:00Z")
    assert.equal(1479198600, timestamp.parse "2016-11-15T10:30:00+02:00")
    assert.equal(1479198600, timestamp.parse "2016-11-14 21:00-1130")
    assert.equal(1479198600.25, timestamp.parse "2016-11-15T08:30:00.25Z")
    assert.equal(1479168000, timestamp.parse "2016-11-15")
    assert.equal(951782400, timestamp.parse "2000-02-29")
  end)

  it("are written in UTC", function()
    assert.equal("2016-11-15T08:30:00Z", timestamp.format(1479198600))
    assert.equal("2016-11-15T08:30:00.250000Z", timestamp.format(1479198600.25))
    assert.equal("2016-11-15T08:30:00.123456Z", timestamp.format "2016-11-15T10:30:00.1234567+02:00")
    assert.equal("1970-01-01T00:00:00Z", timestamp.format(-0.0000001))
  end)

  it("are the same for the machine's calendar", function()
    for _, seconds in ipairs { -62135596800, -1, 0, 68169599, 68169600, 951827696, 4107542400, 253402300799 } do
      local text = timestamp.format(seconds)
      if seconds > 0 then assert.equal(os.date("!%Y-%m-%dT%H:%M:%SZ", seconds), text) end
      if #text == 20 then assert.equal(seconds, timestamp.parse(text)) end
    end
  end)

  it("are refused when they are none", function()
    for _, text in ipairs {
      "", "now", "2016-11-15T", "2016-13-01", "2016-00-01", "2016-02-30", "2015-02-29", "1900-02-29", "0000-01-01",
      "2016-11-15T24:00:00Z", "2016-11-15T08:60:00Z", "2016-11-15T08:30:61Z", "2016-11-15T08:30:00+0", "2016-11-15T08:30:00 Z",
      "2016-11-15T08:30:00+24:00", "2016-11-15T08:30:00.Z", "x2016-11-15", "1479198600",
    } do
      assert.is_nil(timestamp.parse(text), text)
      assert.is_nil(timestamp.format(text), text)
    end
    for _, value in ipairs { 1e300, -1e300, 0 / 0, 1 / 0, true, {} } do assert.is_nil(timestamp.format(value)) end
  end)
end)
