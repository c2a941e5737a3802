-- Lets a script use the modules that it belongs to, with no LUA_PATH set:
--   dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")
-- Once installed, the commands are in a folder bin beside scripts. Returns the folder
-- of the scripts, the interpreter that runs this one, and the folders of the modules in
-- Lua and in C, if they are known.

local scripts = (arg[0]:match("^(.*)/") or ".") .. "/../scripts"
local root = scripts .. "/.."
local version = _VERSION:match("%d+%.%d+")

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- Where the modules are: in a source tree; where `make install` puts them; in the tree
-- of a rock, which is kept in lib/luarocks/rocks-5.4/eni6/1.2.3-1. Elsewhere Lua's own
-- paths serve.
local function modules()
  local up = "/../../../../.."
  local places = {
    { root .. "/lua", (os.getenv("ENI6_BUILD") or root .. "/build/release") .. "/lua" .. version },
    { root .. "/../lua/" .. version, root .. "/../../lib/lua/" .. version },
    { root .. up .. "/share/lua/" .. version, root .. up .. "/lib/lua/" .. version },
  }
  for _, place in ipairs(places) do
    if exists(place[1] .. "/eni6/init.lua") then return place[1], place[2] end
  end
end

local lua, c = modules()
if lua then
  package.path = lua .. "/?.lua;" .. lua .. "/?/init.lua;" .. package.path
  package.cpath = c .. "/?.so;" .. package.cpath
end
package.path = scripts .. "/lib/?.lua;" .. package.path

local first = 0
while arg[first - 1] do first = first - 1 end

return scripts, arg[first], lua, c
