--- Finds lua-http. Debian packages it for Lua up to 5.3 only, and some of its
--- pure-Lua dependencies up to 5.2, though all of them run on 5.4 with the cqueues
--- packaged for it; so where it is not found whole, the directories of the older
--- versions are added behind `package.path`.

local M = {}

local OLDER = "/usr/share/lua/5.3/?.lua;/usr/share/lua/5.2/?.lua;/usr/share/lua/5.1/?.lua"

local function load_http()
  return { server = require "http.server", headers = require "http.headers" }
end

--- Loads the server and the headers module of lua-http.
---@return table|nil modules `{ server =, headers = }`
---@return string|nil message what to install
---@return string|nil code "ENOENT"
function M.http()
  local ok, modules = pcall(load_http)
  if not ok then
    package.path = package.path .. ";" .. OLDER
    ok, modules = pcall(load_http)
  end
  if ok then return modules end
  local missing = tostring(modules):match("module '([^']+)' not found") or tostring(modules)
  return nil, "the sandbox's server needs lua-http (module '" .. missing .. "' is missing): "
    .. "apt-get install lua-http lua-cqueues, or luarocks install http", "ENOENT"
end

return M
