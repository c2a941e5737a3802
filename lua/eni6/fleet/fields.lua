--- Checks of single plan fields. Each takes a value and returns it as the rest
-- of the fleet uses it, or nil and what is wrong with it.

local ip6 = require "eni6.ip6"

local fields = {}

-- A value as a fault shows it: short, and never a whole table.
local function shown(value)
  if type(value) == "string" then return #value > 60 and string.format("%q…", value:sub(1, 57)) or string.format("%q", value) end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  return "a " .. type(value)
end
fields.shown = shown

local function want(kind, value, example)
  return nil, "must be " .. kind .. (example and " (" .. example .. ")" or "") .. ", not " .. shown(value)
end

-- A check of text against a Lua pattern.
local function matching(pattern, kind, example)
  return function(value)
    if type(value) ~= "string" or not value:match(pattern) then return want(kind, value, example) end
    return value
  end
end

-- EC2's ids: a prefix and 8 or 17 hexadecimal digits.
local function id(prefix, kind)
  return function(value)
    local digits = type(value) == "string" and value:match("^" .. prefix .. "%-(%x+)$")
    if digits and (#digits == 8 or #digits == 17) then return value end
    return want(kind .. " id", value, prefix .. "- and 8 or 17 hexadecimal digits")
  end
end

fields.region = matching("^%l+%-[%l-]+%-%d+$", "a region", "like us-east-1")
fields.zone = matching("^%l+%-[%l%d-]+%-%d+%l$", "an availability zone", "like us-east-1a")
fields.instance_type = matching("^%l[%w-]*%.[%w-]+$", "an instance type", "like r5d.large")
fields.subnet = id("subnet", "a subnet")
local security_group = id("sg", "a security group")
local image = id("ami", "an image")

--- Names of plans and hosts become tag values; a host's is also its host name.
function fields.plan_name(value)
  if type(value) == "string" and value:match("^%w[%w._-]*$") and #value <= 63 then return value end
  return want("a name of at most 63 letters, digits, '.', '_' and '-'", value)
end

function fields.host_name(value)
  local fits = type(value) == "string" and #value <= 63 and value:match("^%w[%w-]*$") and not value:match("%-$")
  if fits then return value end
  return want("a host name of at most 63 letters, digits and inner hyphens", value)
end

--- EC2 keeps key pairs under names of at most 255 ASCII characters.
fields.key_name = matching("^[%g ]+$", "a key pair's name", 'like "me"')

function fields.image(value)
  if type(value) == "string" and value:match("^resolve:ssm:/%S+$") then return value end
  local ok = image(value)
  if ok then return ok end
  return want("an image", value, "ami- and 8 or 17 hexadecimal digits, or resolve:ssm:/aws/service/…")
end

local function is_list(value)
  if type(value) ~= "table" then return false end
  local count = 0
  for _ in pairs(value) do count = count + 1 end
  return count == #value
end
fields.is_list = is_list

function fields.security_groups(value)
  if type(value) == "string" then value = { value } end
  if not is_list(value) or #value == 0 then return want("a list of security group ids", value, '{ "sg-…" }') end
  if #value > 16 then return nil, "at most 16 security groups fit on an interface, not " .. #value end
  for i, one in ipairs(value) do
    local _, message = security_group(one)
    if message then return nil, "entry " .. i .. " " .. message end
  end
  return value
end

local function tag_fault(key, value)
  if type(key) ~= "string" or key == "" or #key > 128 then return "a tag's key is text of 1 to 128 bytes" end
  if key:find("[^%w+=.,_:@-]") then
    return "the tag " .. key .. ": instances can read only keys made of letters, digits and + - = . , _ : @"
  end
  if key:match("^[Aa][Ww][Ss]:") then return "the tag " .. key .. ": keys that begin with aws: are AWS's own" end
  if key:match("^eni6:") or key == "Name" then return "the tag " .. key .. " is set by eni6 itself; leave it out" end
  if type(value) ~= "string" or #value > 256 then return "the tag " .. key .. ": its value is text of at most 256 bytes" end
end

function fields.tags(value)
  if type(value) ~= "table" then return want("a table of texts", value, '{ team = "web" }') end
  local count = 0
  for key, text in pairs(value) do
    count = count + 1
    local message = tag_fault(key, text)
    if message then return nil, message end
  end
  if count > 40 then return nil, "at most 40 tags of your own fit on a resource, not " .. count end
  return value
end

function fields.integer(low, high)
  return function(value)
    if math.type(value) == "integer" and value >= low and value <= high then return value end
    return want("a whole number from " .. low .. " to " .. high, value)
  end
end

function fields.ip4_network(value)
  local a, b, c, d, length = tostring(value):match("^(%d+)%.(%d+)%.(%d+)%.(%d+)/(%d+)$")
  local fits = a and math.max(tonumber(a), tonumber(b), tonumber(c), tonumber(d)) <= 255
  length = tonumber(length)
  if fits and length >= 16 and length <= 28 then return value end
  return want("an IPv4 network from /16 to /28", value, "like 10.0.0.0/16")
end

--- Who may reach port 22: true is everyone, else a list of IPv6 prefixes.
function fields.ssh_sources(value)
  if value == false then return {} end
  if value == true then return { "::/0" } end
  if type(value) == "string" then value = { value } end
  if not is_list(value) then return want("true or a list of IPv6 prefixes", value, '{ "2001:db8::/32" }') end
  local sources = {}
  for i, text in ipairs(value) do
    if type(text) ~= "string" then return want("a list of IPv6 prefixes", text) end
    local prefix, message = ip6.prefix(text)
    if not prefix then return nil, message end
    sources[i] = tostring(prefix)
  end
  return sources
end

return fields
