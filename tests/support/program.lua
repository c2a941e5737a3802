--- A Lua program of its own that runs a script with the stock interpreter, for
--- what a test cannot do to itself. It uses the plain build also when the test
--- runs on a sanitized one, whose runtime the interpreter lacks.
---@param script string
---@return string[] argv, table env for eni6.process
return function(script)
  local interpreter = _VERSION == "Lua 5.3" and "lua5.3" or "lua5.4"
  local cpath = package.cpath:gsub("build/[%w-]+/", "build/release/")
  return { interpreter, "-e", script }, { LUA_PATH = package.path, LUA_CPATH = cpath }
end
