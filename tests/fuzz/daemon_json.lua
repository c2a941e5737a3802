--- Damaged daemon.json through the merge. Nothing may raise; what is refused names a
--- place; what is taken holds our members, keeps the others, and is final: a second
--- merge changes nothing.

local daemon_json = require "eni6.files.daemon_json"
local json = require "dkjson"
local mutate = require "support.mutate"

local SEEDS = {
  '{\n  "log-driver": "json-file",\n  "log-opts": { "max-size": "10m", "list": [1, -2.5e3, true, null, "\\u0041\\n"] }\n}\n',
  '{"ipv6":false,"fixed-cidr-v6":"2001:db8::c/126"}',
  "{}",
}

local TOKENS = { "{", "}", "[", "]", ",", ":", '"ipv6"', '"ipv6":false,', '"fixed-cidr-v6"', "true", "false", "null", "0", "-",
  "1e9", '"', "\\", " ", "\n" }

local MEMBERS = daemon_json.bridge_members("2001:db8::8/126")

local function check(text)
  local merged, message, code = daemon_json.merge(text, MEMBERS)
  if not merged then
    assert(code == "EINVAL" and message:find("daemon%.json:%d+:%d+"), message)
    return false
  end
  local before, after = json.decode(text), json.decode(merged)
  assert(after.ipv6 == true and after["fixed-cidr-v6"] == "2001:db8::8/126", merged)
  for key in pairs(before or {}) do assert(after[key] ~= nil, "lost " .. tostring(key)) end
  assert(daemon_json.merge(merged, MEMBERS) == merged, "a second merge changes it")
  return true
end

mutate.run("daemon_json", SEEDS, TOKENS, check)
