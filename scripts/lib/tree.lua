-- Lets a script use the tree that it stands in, with no LUA_PATH set:
--   dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")
-- Beside an installed script there is no such tree, and Lua's own paths serve; a
-- rock keeps its commands in a folder bin beside scripts. Returns the folder of the
-- scripts and the interpreter that runs this one.

local scripts = (arg[0]:match("^(.*)/") or ".") .. "/../scripts"
local root = scripts .. "/.."
local version = _VERSION:match("%d+%.%d+")

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

if exists(root .. "/lua/eni6/init.lua") then
  local build = os.getenv("ENI6_BUILD") or root .. "/build/release"
  package.path = root .. "/lua/?.lua;" .. root .. "/lua/?/init.lua;" .. package.path
  package.cpath = build .. "/lua" .. version .. "/?.so;" .. package.cpath
end
package.path = scripts .. "/lib/?.lua;" .. package.path

local first = 0
while arg[first - 1] do first = first - 1 end

return scripts, arg[first]
