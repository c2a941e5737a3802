local json = require("dkjson")
local daemon_json = require("eni6.files.daemon_json")

local MEMBERS = daemon_json.bridge_members("2001:db8::8/126")

describe("daemon.json", function()
  it("is made where there is none", function()
    local text = assert(daemon_json.merge(nil, MEMBERS))
    assert.equal('{\n  "ipv6": true, "fixed-cidr-v6": "2001:db8::8/126"\n}\n',
      (text:gsub(",\n  ", ", ")))
    assert.same({ ipv6 = true, ["fixed-cidr-v6"] = "2001:db8::8/126" }, json.decode(text, 1, nil, nil))
  end)

  it("keeps the user's keys, order and spacing", function()
    local before = '{\n\t"log-driver" : "json-file",\n'
      .. '\t"log-opts":{"max-size":"10m", "a":[1,{"ipv6":false}]},\n\t"debug": false\n}\n'
    local after = assert(daemon_json.merge(before, MEMBERS))
    assert.equal(before:gsub("false\n}\n", 'false,\n\t"ipv6": true,\n\t"fixed-cidr-v6": "2001:db8::8/126"\n}\n'), after)
  end)

  it("changes only the value of a member that is there", function()
    local before = '{"fixed-cidr-v6":"2001:db8::c/126","ipv6":true,"mtu":1500}'
    assert.equal('{"fixed-cidr-v6":"2001:db8::8/126","ipv6":true,"mtu":1500}', daemon_json.merge(before, MEMBERS))
  end)

  it("gives back the same text when nothing is to do", function()
    local text = '{ "ipv6" : true , "fixed-cidr-v6":"2001:db8::8/126" }'
    assert.equal(text, daemon_json.merge(text, MEMBERS))
  end)

  it("sets a member that stands twice in both places", function()
    assert.equal('{"ipv6":true,"a":1,"ipv6":true}', daemon_json.merge('{"ipv6":true,"a":1,"ipv6":false}', { { "ipv6", true } }))
  end)

  it("knows a key that is written with escapes", function()
    assert.equal('{"\\u0069pv6":true,"x":null}', daemon_json.merge('{"\\u0069pv6":false,"x":null}', { { "ipv6", true } }))
  end)

  it("is not misled by braces and quotes in strings", function()
    local before = '{"a":"}\\"ipv6\\":{","b":[]}'
    local after = assert(daemon_json.merge(before, { { "ipv6", true } }))
    assert.equal('{"a":"}\\"ipv6\\":{","b":[], "ipv6": true}', after)
  end)

  it("names line and column of a syntax error", function()
    local text, message, code = daemon_json.merge('{\n  "debug": true,\n  "mtu" 1500\n}', MEMBERS)
    assert.is_nil(text)
    assert.equal("EINVAL", code)
    assert.truthy(message:find("/etc/docker/daemon.json:3:", 1, true), message)
  end)

  for name, text in pairs({ array = "[]", number = "3", unclosed = '{"a":1', trailing = '{"a":1} x' }) do
    it("refuses what is not one object: " .. name, function()
      assert.equal("EINVAL", select(3, daemon_json.merge(text, MEMBERS)))
    end)
  end
end)
