#!/usr/bin/lua5.4
-- What a `require` of each part alone brings into a process that had nothing: shared
-- libraries, globals, memory; and which parts go without somebody else's modules.

local VERSIONS = { "5.4", "5.3" }

local CORE = "core.so libcrypto "
-- The shared libraries, of ours and beneath ours, that a part has in memory.
local PARTS = {
  ["eni6"] = "", ["eni6.suggest"] = "", ["eni6.rocks"] = "", ["eni6.aws.partitions"] = "",
  ["eni6.ip6"] = CORE, ["eni6.blocks"] = CORE, ["eni6.sigv4"] = CORE, ["eni6.uri"] = CORE, ["eni6.netlink"] = CORE,
  ["eni6.rtnl"] = CORE, ["eni6.icmp6"] = CORE, ["eni6.tasks"] = CORE, ["eni6.process"] = CORE, ["eni6.digest"] = CORE,
  ["eni6.http"] = CORE, ["eni6.core.http"] = "http.so libcrypto libcurl ", -- the transport with the first client
  ["eni6.aws.ec2"] = "", ["eni6.aws.xml"] = "core.so libcrypto libexpat xml.so ",
  ["eni6.jmespath"] = "lpeg.so ",
}
-- Parts that load although the module is missing.
local WITHOUT = {
  lpeg = { "eni6", "eni6.sigv4", "eni6.http", "eni6.netlink", "eni6.docker", "eni6.aws.ec2", "eni6.aws.config", "eni6.sandbox" },
  dkjson = { "eni6", "eni6.sigv4", "eni6.http", "eni6.netlink", "eni6.aws.ec2", "eni6.aws.config", "eni6.fleet.topology",
    "eni6.sandbox" },
  argparse = { "eni6", "eni6.aws.ec2", "eni6.fleet.provision", "eni6.host.configure", "eni6.sandbox" },
  ["http.server"] = { "eni6", "eni6.aws.ec2", "eni6.fleet.provision", "eni6.host.configure", "eni6.sandbox" },
  cqueues = { "eni6", "eni6.aws.ec2", "eni6.fleet.provision", "eni6.host.configure", "eni6.sandbox" },
}
local MOST_KILOBYTES = 2048

local PROGRAM = [[
local function globals()
  local names = {}
  for name in pairs(_G) do names[name] = true end
  return names
end
local before, path = globals(), package.path
local part = ...
require(part)
for name in pairs(globals()) do if not before[name] then print("global " .. name) end end
if package.path ~= path then print("package.path") end
for line in io.lines("/proc/self/maps") do
  local name = line:match("/([^/]+)$")
  if name then print("map " .. name) end
end
]]

local MEMORY = [[
collectgarbage() collectgarbage()
local before = collectgarbage("count")
local eni6 = require "eni6"
for _, name in ipairs { "ip6", "blocks", "sigv4", "http", "tasks", "process", "netlink", "jmespath" } do assert(eni6[name]) end
collectgarbage() collectgarbage()
print(math.floor(collectgarbage("count") - before))
]]

local count = 0
local function report(good, description, detail)
  count = count + 1
  print((good and "ok " or "not ok ") .. count .. " - " .. description)
  if not good then print("# " .. tostring(detail):gsub("\n", "\n# ")) end
end

-- What a program prints, run by a Lua of its own that has the built modules.
local function run(version, program, ...)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(program)
  file:close()
  local pipe = assert(io.popen(string.format(
    "LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='build/release/lua%s/?.so;;' lua%s %s %s 2>&1", version, version, path,
    table.concat({ ... }, " "))))
  local output = pipe:read("a")
  pipe:close()
  os.remove(path)
  return output
end

local OURS = { ["core.so"] = "core.so", ["http.so"] = "http.so", ["xml.so"] = "xml.so" }

local function libraries(output)
  local seen, list = {}, {}
  for name in output:gmatch("map ([^\n]+)") do
    name = OURS[name] or name:match("^libcrypto") or name:match("^libcurl") or name:match("^libexpat")
      or name:match("lpeg%.so")
    if name and not seen[name] then
      seen[name], list[#list + 1] = true, name .. " "
    end
  end
  table.sort(list)
  return table.concat(list)
end

local function names_of(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

for _, version in ipairs(VERSIONS) do
  for _, part in ipairs(names_of(PARTS)) do
    local output = run(version, PROGRAM, part)
    local found = libraries(output)
    local good = found == PARTS[part] and not output:find("global ", 1, true) and not output:find("package.path", 1, true)
    report(good, part .. " alone, Lua " .. version, "wanted " .. PARTS[part] .. "\n" .. output)
  end
  for _, module in ipairs(names_of(WITHOUT)) do
    local hide = string.format("package.preload['%s'] = function() error(\"module '%s' not found:\", 0) end\n", module, module)
    for _, part in ipairs(WITHOUT[module]) do
      local output = run(version, hide .. "require(...)", part)
      report(output == "", part .. " without " .. module .. ", Lua " .. version, output)
    end
  end
  local all = run(version, [[
    local names = {}
    for name in pairs(_G) do names[name] = true end
    for _, part in ipairs(arg) do require(part) end
    for name in pairs(_G) do if not names[name] then print(name) end end
  ]], "$(cd lua && find eni6 -name '*.lua' | sed 's/\\.lua$//; s,/init$,,; s,/,.,g')")
  report(all == "", "no part adds a global, Lua " .. version, all)
  local memory = run(version, MEMORY)
  report((tonumber(memory) or math.huge) < MOST_KILOBYTES, "all of eni6 in less than 2 MB, Lua " .. version, memory)
end
print("1.." .. count)
