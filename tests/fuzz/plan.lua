--- Mutated plans through everything that reads them. Nothing may raise or go on for
-- ever; a fault has a message whose lines name the file; what is taken can be placed.

local hosts = require "eni6.fleet.hosts"
local ip6 = require "eni6.ip6"
local mutate = require "support.mutate"
local placement = require "eni6.fleet.placement"
local plan = require "eni6.fleet.plan"
local system = require("eni6.core").system

local SUBNET = ip6.prefix "2001:db8:47b:ca03::/64"
local KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6dFq8xkCqB8lY3v2l1XrNqJ3mGmYb0cS1uWvN7h4Rt me@here"

local SEEDS = {
  'return { name = "two", region = "us-east-1", subnet = "subnet-09a931730fa9e0001",\n  security_groups = { "sg-00000001" },\n'
    .. '  image = "ami-00000001", instance_type = "r5d.large", user_data = true, tags = { team = "web" },\n  hosts = {\n'
    .. '    { name = "a", address = "::1:1", block = "::8/126" },\n    { name = "b", prefix = "::1:0:0:0/80" },\n  },\n}',
  'local t = {}\nfor i = 1, 3 do t[i] = { name = ("h%d"):format(i), block = 125 } end\nlocal plan = {\n  name = "n", '
    .. 'vpc = { cidr = "10.0.0.0/16", zone = "us-east-1a", ssh = { "2001:db8::/32" } }, image = "resolve:ssm:/x",\n'
    .. '  instance_type = "t3.micro", hosts = t,\n  key = { name = "me", public_key = "' .. KEY .. '" },\n}\nreturn plan',
  'return { name = "c", subnet = "subnet-00000001", image = "ami-00000001", instance_type = "m5.large",\n'
    .. '  user_data = { docker = false, commands = { "true" } }, hosts = { count = 7, prefix = 80, name = "web" } }',
}

local TOKENS = { "return", "{", "}", "{}", "[", "]", '["x"] =', "=", ",", ";", "nil", "true", "false", "0", "-1", "1e308", "0x",
  "function() end", "end", "--", "--[[", "]]", "[=[", "'", '"', "\\", "\n", "\0", "::/0", "::", "/129", "2001:db8:47b:ca03::9",
  "hosts", "block", "prefix", "count", "while true do end", "error()", "string.rep", "_ENV", "goto x", "::x::" }

local function check(text)
  local began = system.monotonic()
  local checked, message, code = plan.load("p.lua", { text = text, read_file = function() return nil, "not here" end })
  assert(system.monotonic() - began < 20, "it takes too long")
  if not checked then
    assert(code == "EPLAN", code)
    assert(message:find("p.lua", 1, true) or message:find("stack overflow", 1, true), message)
    return false
  end
  local list = hosts.place(checked.hosts, SUBNET, checked.report)
  if checked.report.count > 0 then return true end
  local space = placement.new { subnet = SUBNET, plan = checked.name, taken = {}, reservations = {}, random = system.random }
  local placed = space:place_all(list, checked.report)
  if checked.report.count > 0 then return true end
  for _, host in ipairs(list) do
    assert(SUBNET:contains(placed[host.name].address) and SUBNET:contains(placed[host.name].block))
  end
  return true
end

mutate.run("plan", SEEDS, TOKENS, check)
