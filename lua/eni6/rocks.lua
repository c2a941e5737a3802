--- Other people's modules that a part is made of, asked for when the part is loaded;
-- one that is missing is named with the commands that install it.

local rocks = {}

-- What has the module: the rock, and Debian's package.
local SOURCES = {
  argparse = { "argparse", "lua-argparse" },
  dkjson = { "dkjson", "lua-dkjson" },
  lpeg = { "lpeg", "lua-lpeg" },
  lyaml = { "lyaml", "lua-yaml" },
}

--- What to say of a module that is not there.
---@param name string  the module: "argparse", "dkjson", "lpeg" or "lyaml"
---@return string
function rocks.missing(name)
  local source = SOURCES[name]
  return string.format("eni6 needs the Lua module '%s' for this: luarocks install %s (Debian: apt-get install %s)", name,
    source[1], source[2])
end

--- Loads a module; raises what to install where it is missing.
---@param name string  as missing's
---@return any module
function rocks.need(name)
  local ok, module = pcall(require, name)
  if ok then return module end
  if not tostring(module):find("module '" .. name .. "' not found", 1, true) then error(module, 0) end
  error(rocks.missing(name), 0)
end

return rocks
